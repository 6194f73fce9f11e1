from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipkit.output.conformance import conformance, conformance_table
from clipkit.output.contrast import (
    ANYTHING,
    LEAST_CONTRAST,
    Behind,
    behind_page,
    box_colour,
    contrast,
    letter_contrast,
    luminance,
    may_get_box,
)
from clipkit.output.page import Page, PageWord
from clipkit.params import CaptionParams
from clipkit.themes import THEMES

BOX = (100, 400, 900, 1200)
INSIDE = (200.0, 1000.0, 800.0, 1200.0)
COLOURS = st.integers(0, 0xFFFFFF).map("#{:06X}".format)


def page(start_s, end_s, text="two words"):
    return Page(1, start_s, end_s, text, (PageWord(text, start_s, end_s, 0),))


def row(*pages, places=None, cuts_s=(), **found):
    kept = {"contrast": 5.0, "has_box": False, "lacking": "", "safe_box": BOX, **found}
    return conformance(pages, places or [INSIDE] * len(pages), cuts_s, **kept)


def faults(*pages, **how):
    return list(row(*pages, **how).faults(CaptionParams()))


def test_pages_that_keep_to_every_rule_have_no_fault():
    assert faults(page(0.0, 1.0), page(1.0, 2.0), page(2.5, 3.5)) == []


@pytest.mark.parametrize(
    ("pages", "how", "words"),
    [
        ([page(0.0, 0.4, "a sentence so long")], {}, "45 characters|characters a second"),
        ([page(0.0, 2.0, "a\nb\nc")], {}, "3 lines"),
        ([page(0.0, 2.0, "one line that is much too long")], {}, "a line of 30 characters"),
        ([page(0.0, 1.0), page(1.05, 2.0)], {}, "0.05 s, which flickers"),
        ([page(0.0, 1.0)], {"cuts_s": [0.7]}, "1 shown for less"),
        ([page(0.0, 1.0)], {"places": [(50.0, 1000.0, 800.0, 1200.0)]}, "1 outside"),
        ([page(0.0, 1.0)], {"contrast": 1.7}, "a contrast of 1.7"),
        ([page(0.0, 1.0)], {"lacking": "你"}, "could draw 你"),
    ],
)
def test_each_broken_rule_is_named(pages, how, words):
    (fault,) = faults(*pages, **how)

    assert any(part in fault for part in words.split("|"))


def test_a_cut_at_the_change_of_a_page_or_far_from_its_ends_is_no_fault():
    assert faults(page(0.0, 1.0), page(1.0, 2.0), cuts_s=[1.0]) == []
    assert faults(page(0.0, 1.2), cuts_s=[0.6]) == []


def test_a_long_word_alone_is_no_long_line():
    assert faults(page(0.0, 3.0, "Donaudampfschifffahrtsgesellschaft")) == []


def test_the_table_has_a_row_for_each_file_with_captions():
    platform = SimpleNamespace(name="x")
    clips = [
        SimpleNamespace(clip_id=1, platform=platform, conformance=row(page(0.0, 1.0))),
        SimpleNamespace(clip_id=2, platform=platform, conformance=None),
        SimpleNamespace(clip_id=3, platform=platform, conformance=row(page(0.0, 1.0), contrast=2.0)),
    ]

    table = conformance_table(clips, CaptionParams())

    assert table["clip_id"].tolist() == [1, 3]
    assert table["ok"].tolist() == [True, False]
    assert table["note"].tolist() == ["", "a contrast of 2.0, not 3"]
    assert math.isnan(table["least_gap_s"][0])
    assert len(conformance_table([], CaptionParams())) == 0


def test_contrast_is_that_of_wcag():
    # Published pairs: #767676 is the lightest grey that has 4.5 on white.
    assert contrast(luminance("#767676"), luminance("#FFFFFF")) == pytest.approx(4.54, abs=0.005)
    assert contrast(luminance("#FFFFFF"), luminance("#000000")) == pytest.approx(21.0)


@given(COLOURS, COLOURS, st.floats(0.0, 20.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_more_of_a_picture_never_makes_letters_easier_to_read(colour, highlight, outline, one, other):
    params = CaptionParams(colour=colour, highlight=highlight, outline=outline)
    dark, light = sorted((one, other))

    whole = letter_contrast(params, ANYTHING, has_box=False)

    # The greys that are tried lie an even distance apart.
    assert whole <= letter_contrast(params, Behind(dark, light), has_box=False) * 1.25
    assert whole >= 1.0


@given(COLOURS)
def test_a_box_of_the_better_colour_sets_letters_off_over_any_picture(colour):
    params = CaptionParams(colour=colour, highlight=colour, outline=0.0)

    with_box = letter_contrast(params, ANYTHING, has_box=True)

    assert with_box >= letter_contrast(params, ANYTHING, has_box=False)
    assert contrast(luminance(colour), luminance(box_colour(colour))) >= math.sqrt(21) - 1e-9


@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_can_be_read_over_any_picture(theme):
    params = CaptionParams(theme=theme)

    assert letter_contrast(params, ANYTHING, has_box=params.box == "always") >= LEAST_CONTRAST


def test_only_looks_that_need_it_may_get_a_box():
    assert not may_get_box(CaptionParams())
    assert may_get_box(CaptionParams(outline=0.0))
    assert may_get_box(CaptionParams(colour="#202020"))
    assert not may_get_box(CaptionParams(outline=0.0, box="never"))
    assert may_get_box(CaptionParams(box="always"))


def test_what_lies_behind_leaves_single_pixels_out():
    luma = np.full((20, 50), 126, np.uint8)
    luma[0, :30] = 235

    assert behind_page(luma, is_full_range=False) == pytest.approx((110 / 219, 110 / 219))
    assert behind_page(np.full((4, 4), 255, np.uint8), is_full_range=True) == (1.0, 1.0)
    assert behind_page(np.full((4, 4), 255, np.uint8), is_full_range=False) == (1.0, 1.0)


def test_what_is_set_beside_a_theme_wins():
    params = CaptionParams(theme="loud", font_size=80)

    assert params.uppercase
    assert params.font_size == 80
    assert CaptionParams.model_validate(params.model_dump()) == params
