from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipkit.errors import InputError
from clipkit.output.captions import make_sidecar_pages, write_srt
from clipkit.output.edits import edited_words, read_edit
from clipkit.output.pages import make_pages
from clipkit.params import CaptionParams

HOLD_S = CaptionParams().hold_s
KNOWN = pd.DataFrame(
    [("One", 10.1, 10.4), ("two", 10.4, 10.7), ("three.", 10.9, 11.5), ("Four", 12.5, 12.8), ("five.", 12.8, 13.4)],
    columns=["word", "start_s", "end_s"],
).assign(ends_sentence=[False, False, True, False, True])


def edit_of(tmp_path, text, *, start_s=10.0, end_s=14.0):
    path = tmp_path / "1_tiktok.srt"
    path.write_text(text, encoding="utf-8")
    return read_edit(path, start_s, end_s)


def written(tmp_path):
    write_srt(make_sidecar_pages(KNOWN, 10.0, 14.0, CaptionParams()), tmp_path / "clip.srt")
    return (tmp_path / "clip.srt").read_text(encoding="utf-8")


def words_of(edit):
    words = edited_words(edit, KNOWN, HOLD_S)
    return list(words[["word", "start_s", "end_s"]].itertuples(index=False, name=None))


def test_a_sidecar_read_back_gives_the_words_it_was_made_from(tmp_path):
    words = edited_words(edit_of(tmp_path, written(tmp_path)), KNOWN, HOLD_S)

    pd.testing.assert_frame_equal(words[list(KNOWN)], KNOWN, check_dtype=False)


def test_words_left_as_they_were_keep_their_times_and_others_share_the_hole(tmp_path):
    edit = edit_of(tmp_path, written(tmp_path).replace("two", "twenty two"))

    one, twenty, two, three = words_of(edit)[:4]

    assert one[1:] == (10.1, 10.4)
    assert three[1:] == (10.9, 11.5)
    assert (twenty[0], two[0]) == ("twenty", "two")
    assert 10.4 <= twenty[1] < twenty[2] <= two[1] < two[2] <= 10.9


def test_a_cue_that_was_moved_takes_its_words_along_by_their_length(tmp_path):
    edit = edit_of(tmp_path, "1\n00:00:00,600 --> 00:00:02,600\nOne two three.\n")

    assert [(word, round(a, 3), round(b, 3)) for word, a, b in words_of(edit)] == [
        ("One", 10.6, 11.133),
        ("two", 11.133, 11.667),
        ("three.", 11.667, 12.6),
    ]


def test_a_page_ends_with_the_cue_that_a_person_timed(tmp_path):
    edit = edit_of(tmp_path, "1\n00:00:00,600 --> 00:00:02,000\nMine.\n\n2\n00:00:03,000 --> 00:00:03,900\nYours.\n")

    pages = make_pages(edited_words(edit, KNOWN, HOLD_S), 10.0, 14.0, CaptionParams(), stops_s=edit.stops())

    assert pages["text"].tolist() == ["Mine.", "Yours."]
    assert pages["start_s"].tolist() == pytest.approx([0.6, 3.0])
    assert pages["end_s"].tolist() == pytest.approx([2.0, 3.9])


def test_a_cue_held_longer_than_usual_stays(tmp_path):
    edit = edit_of(tmp_path, "00:00:00,100 --> 00:00:03,500\nOne two three.\n")

    pages = make_pages(edited_words(edit, KNOWN, HOLD_S), 10.0, 14.0, CaptionParams(), stops_s=edit.stops())

    assert pages["end_s"].iloc[-1] == pytest.approx(3.5)


def test_a_longer_clip_adds_the_words_outside_the_edited_stretch(tmp_path):
    edit = edit_of(tmp_path, "00:00:00,100 --> 00:00:01,500\nMine.\n", start_s=10.0, end_s=12.0)

    assert [word for word, _, _ in words_of(edit)] == ["Mine.", "Four", "five."]


def test_an_empty_file_means_no_captions(tmp_path):
    assert words_of(edit_of(tmp_path, "\n")) == []


@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp", "Cf"]), min_size=1))
def test_any_text_is_taken_as_it_stands(tmp_path_factory, text):
    edit = edit_of(tmp_path_factory.mktemp("any"), f"1\n00:00:00,100 --> 00:00:01,500\nx{text}\n")

    assert "".join(word for word, _, _ in words_of(edit)) == f"x{text}"


@pytest.mark.parametrize("text", [r"{\b1}bold", "<b>bold</b>", '"it\'s"', r"a\Nb", "&amp;", "a --> b"])
def test_codes_are_text(tmp_path, text):
    edit = edit_of(tmp_path, f"1\n00:00:00,100 --> 00:00:01,500\n{text}\n")

    assert " ".join(word for word, _, _ in words_of(edit)) == text


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        ("hello", 1, "must come before any text"),
        ("1\n00:00:0x,100 --> 00:00:01,500\nhello\n", 1, "must come before any text"),
        ("1\n00:00:00,100 --> 00:00:01,500\nhello\n\n2\n00:00:02 -> 00:00:03\nyou\n", 5, "a line of times above it"),
        ("00:00:02,000 --> 00:00:01,500\nhello\n", 1, "must start before it ends"),
        ("00:00:09,000 --> 00:00:11,000\nhello\n", 1, r"within the clip \(4.000 s\)"),
    ],
)
def test_a_malformed_file_is_named_with_its_line(tmp_path, text, line, rule):
    with pytest.raises(InputError, match=f"1_tiktok.srt, line {line}: .*{rule}") as raised:
        edit_of(tmp_path, text)

    assert raised.value.code == "input.bad_captions"
    assert "\n" not in raised.value.message


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "1_tiktok.srt"
    path.write_bytes(b"\xff\x80\x00")

    with pytest.raises(InputError, match="not UTF-8") as raised:
        read_edit(path, 0.0, 1.0)

    assert raised.value.code == "input.bad_captions"


@given(
    texts=st.lists(st.lists(st.sampled_from(["One", "two", "three.", "new", "Four", "five."]), min_size=1), max_size=5),
    edges=st.lists(st.integers(0, 3999), min_size=10, max_size=10, unique=True),
)
def test_edited_words_stay_in_their_cues_in_order(tmp_path_factory, texts, edges):
    times = sorted(edges)
    cues = [(times[2 * k] / 1000, times[2 * k + 1] / 1000, " ".join(words)) for k, words in enumerate(texts)]
    path = tmp_path_factory.mktemp("cues") / "1_x.srt"
    write_srt(
        pd.DataFrame(
            [
                SimpleNamespace(page=k, start_s=a, end_s=b, text=text, words=()).__dict__
                for k, (a, b, text) in enumerate(cues)
            ],
            columns=["page", "start_s", "end_s", "text", "words"],
        ),
        path,
    )

    rows = words_of(read_edit(path, 10.0, 14.0))

    assert [word for word, _, _ in rows] == [word for words in texts for word in words]
    spans = [(10.0 + a, 10.0 + b) for (a, b, _), words in zip(cues, texts, strict=True) for _ in words]
    for (_, from_s, to_s), (a, b) in zip(rows, spans, strict=True):
        assert a - 1e-6 <= from_s <= to_s <= b + 1e-6
    assert all(after[1] >= before[2] - 1e-6 for before, after in pairwise(rows))
