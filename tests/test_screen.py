"""Pages of text made in code, and pictures that only look a little like them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clipkit.analysis.screen import Page, read_page, text_span

WIDTH, HEIGHT, BINS = 320, 180, 64
Picture = NDArray[np.uint8]


def slide(left: float = 0.2, right: float = 0.8, *, ground: int = 232, ink: int = 30, n_lines: int = 5) -> Picture:
    """Return a page with lines of text between two places."""
    page = np.full((HEIGHT, WIDTH), ground, np.uint8)
    text = "the quick brown fox jumps over the lazy dog and back again"
    for line in range(n_lines):
        row = np.full((20, WIDTH), ground, np.uint8)
        cv2.putText(row, text, (round(left * WIDTH), 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, ink, 1, cv2.LINE_AA)
        row[:, round(right * WIDTH) :] = ground
        page[40 + 20 * line : 60 + 20 * line] = row
    return page


def span_of(pictures: list[Picture], across: int = 0) -> tuple[float, float] | None:
    pages, before = [], None
    for picture in pictures:
        pages.append(read_page(picture, before, across=across, n_bins=BINS))
        before = picture
    return text_span(pages)


@pytest.mark.parametrize(("ground", "ink"), [(232, 30), (20, 220), (120, 230)])
def test_the_span_of_a_page_is_where_its_text_stands(ground: int, ink: int):
    found = span_of([slide(0.2, 0.8, ground=ground, ink=ink)] * 4)

    assert found is not None
    assert found == pytest.approx((0.2 - 0.03, 0.8 + 0.03), abs=0.02)


@settings(max_examples=25, deadline=None)
@given(left=st.floats(0.0, 0.5), length=st.floats(0.3, 0.5))
def test_the_span_never_cuts_text_off(left: float, length: float):
    found = span_of([slide(left, left + length)] * 3)

    assert found is not None
    assert found[0] <= left + 0.01
    assert found[1] >= left + length - 0.03  # the last letter may end before its column does


def test_text_that_is_written_while_the_shot_lasts_counts():
    pictures = [slide(n_lines=0)] * 4 + [slide(0.1, 0.4, n_lines=4)] * 4 + [slide(0.1, 0.9, n_lines=6)] * 4

    found = span_of(pictures)

    assert found is not None
    assert found[1] > 0.85


def test_on_a_page_that_is_taller_than_wide_the_lines_are_found():
    page = np.ascontiguousarray(slide().T)

    assert span_of([page] * 3, across=1) == pytest.approx((0.17, 0.83), abs=0.02)


def test_what_moves_is_no_page():
    page = slide()
    moving = [np.roll(page, 9 * k, axis=1) for k in range(6)]

    assert span_of(moving) is None


def test_an_empty_page_has_no_text():
    assert span_of([slide(n_lines=0)] * 4) is None
    assert span_of([]) is None


def test_a_textured_scene_is_no_page(rng: np.random.Generator):
    scene = cv2.GaussianBlur(rng.integers(0, 256, (HEIGHT, WIDTH), np.uint8), (0, 0), 1.5)

    assert span_of([scene] * 4) is None


def test_a_wall_with_a_person_before_it_is_no_page(rng: np.random.Generator):
    wall = np.full((HEIGHT, WIDTH), 150, np.uint8)
    cv2.ellipse(wall, (160, 110), (50, 80), 0, 0, 360, 70, -1)
    cv2.circle(wall, (160, 60), 28, 190, -1)

    assert span_of([wall] * 4) is None


def test_a_flat_picture_is_judged_without_dividing_by_nothing():
    page = read_page(np.full((HEIGHT, WIDTH), 16, np.uint8), None, across=0, n_bins=BINS)

    assert isinstance(page, Page)
    assert (page.ground, page.still, page.strokes.sum()) == (1.0, 1.0, 0.0)
