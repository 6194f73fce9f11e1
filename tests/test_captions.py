from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipkit.errors import ParamsError
from clipkit.media.reader import open_video
from clipkit.media.writer import FrameEncoder
from clipkit.output.captions import caption_width, make_pages, make_sidecar_pages, page_box, write_ass, write_srt
from clipkit.output.faces import FONTS_DIR, choose_face, load_faces
from clipkit.output.page import page_rows
from clipkit.output.plan import ClipPlan
from clipkit.output.platforms import find_platform, group_platforms, load_platforms, safe_box
from clipkit.output.subtitling import write_captions
from clipkit.params import CaptionParams, Params

FRAME = (1080, 1920)
BOX = safe_box(list(load_platforms().values()), *FRAME)
LINE_PX = caption_width(BOX, FRAME[0], CaptionParams())


def words_of(text, *, start_s=0.0, word_s=0.4, pauses=()):
    """Return words of equal length; `pauses` maps the number of a word to the silence before it."""
    rows = []
    time_s = start_s
    for number, word in enumerate(text.split(" ")):
        time_s += dict(pauses).get(number, 0.0)
        rows.append((word, time_s, time_s + word_s, 0, 0, word.endswith((".", "?", "!"))))
        time_s += word_s
    return pd.DataFrame(rows, columns=["word", "start_s", "end_s", "cue", "sentence", "ends_sentence"])


def pages_of(words, end_s=None, **settings_):
    end_s = float(words["end_s"].max()) + 1.0 if end_s is None else end_s
    return make_pages(words, 0.0, end_s, CaptionParams(**settings_), line_width_px=LINE_PX)


def ass_of(pages, tmp_path, **settings_):
    path = tmp_path / "captions.ass"
    missing = write_ass(pages, path, CaptionParams(**settings_), width=FRAME[0], height=FRAME[1], safe_box=BOX)
    return path.read_text(encoding="utf-8"), missing


SIZE = (360, 640)
SMALL_BOX = safe_box(list(load_platforms().values()), *SIZE)
LONG_WORDS = ("https://example.com/" + 40 * "a", "W" * 26, "Донаудампфшиффартсгезельшафт")
MARKUP = (r"{\b1}", "<b>hi</b>", r"a\Nb", "{", "}", r"\h", "&amp;", "100%")
SCRIPTS = ("Привет", "Γειά", "tiếng", "שלום", "مرحبا")
TO_THE_LEFT = ("שלום עולם", "مرحبا يا", "YouTube שלום")
EMOJI = ("ok", "ok 👩\u200d👩\u200d👧", "o\ufe0fk", "ok\u20e3", "ok 🇫🇷")
BARE = "Hamburgefonts"


def burned(captions, n_seconds, *, luma):
    """Return the picture of each second of a grey video with captions burned in."""
    video = captions.with_suffix(".mp4")
    y, c = np.full(SIZE[::-1], luma, np.uint8), np.full((SIZE[1] // 2, SIZE[0] // 2), 128, np.uint8)
    with FrameEncoder(
        video,
        width=SIZE[0],
        height=SIZE[1],
        frame_rate=Fraction(1),
        captions_path=captions,
        fonts_dir=FONTS_DIR,
        crf=4,
        preset="ultrafast",
    ) as encoder:
        for _ in range(n_seconds):
            encoder.write(y, c, c)
    with open_video(video) as reader:
        return [frame.rgb().astype(int) for frame in reader]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Return a function from a text to a picture with it as caption; without a text there is none."""
    texts = [
        "Wide gyp Ågypt",
        "first second",
        BARE,
        *LONG_WORDS,
        *MARKUP,
        *SCRIPTS,
        *TO_THE_LEFT,
        *EMOJI,
        *("x" * n for n in range(1, 10)),
    ]
    folder = tmp_path_factory.mktemp("drawn")
    pages = []
    for second, text in enumerate(texts):
        (page,) = page_rows(pages_of(words_of(text)))
        words = tuple(word._replace(start_s=second + word.start_s / 10) for word in page.words)
        pages.append(page._replace(start_s=float(second), end_s=second + 1.0, words=words))
    # Most of the text of a file decides which way a mixed line runs.
    pages[0] = pages[0]._replace(text=f"{pages[0].text}\n{1000 * 'ש'}")
    ass_of(pd.DataFrame(pages), folder)
    seconds = burned(folder / "captions.ass", len(texts) + 1, luma=90)
    pictures = dict(zip([*texts, None], seconds, strict=True))
    return pictures.__getitem__


def changed(with_captions, without):
    return np.argwhere(np.abs(with_captions - without).max(axis=2) > 12)


def test_captions_change_pixels_inside_the_safe_box_and_nowhere_else(drawn):
    left, top, right, bottom = SMALL_BOX

    pixels = changed(drawn("Wide gyp Ågypt"), drawn(None))

    assert len(pixels) > 500
    assert pixels[:, 0].min() >= top
    assert pixels[:, 0].max() < bottom
    assert pixels[:, 1].min() >= left
    assert pixels[:, 1].max() < right
    assert abs(pixels[:, 1].min() + pixels[:, 1].max() + 1 - SIZE[0]) <= 4  # centred in the frame


def test_the_spoken_word_is_drawn_in_the_highlight_colour(drawn):
    picture = drawn("first second")

    is_yellow = (picture[:, :, 0] > 200) & (picture[:, :, 1] > 160) & (picture[:, :, 2] < 90)
    assert np.median(picture[is_yellow & (picture[:, :, 0] > 248)], axis=0) == pytest.approx([255, 212, 0], abs=4)
    is_white = picture.min(axis=2) > 220
    assert is_yellow.sum() > 100
    assert is_white.sum() > 100
    assert np.argwhere(is_yellow)[:, 1].mean() < np.argwhere(is_white)[:, 1].mean()


@pytest.mark.parametrize("word", LONG_WORDS)
def test_a_very_long_word_still_fits(drawn, word):
    columns = changed(drawn(word), drawn(None))[:, 1]

    assert SMALL_BOX[0] <= columns.min()
    assert columns.max() < SMALL_BOX[2]
    assert np.ptp(columns) > 0.5 * (SMALL_BOX[2] - SMALL_BOX[0])


@pytest.mark.parametrize("text", MARKUP)
def test_markup_in_the_text_is_drawn_as_text(drawn, text):
    pixels = changed(drawn(text), drawn(None))

    letters = changed(drawn("x" * len(text)), drawn(None))
    assert len(pixels) > 0.4 * len(letters)
    assert np.ptp(pixels[:, 0]) < 2.2 * np.ptp(letters[:, 0])  # no line break came out of it


@pytest.mark.parametrize("text", SCRIPTS)
def test_other_scripts_are_drawn(drawn, text):
    assert choose_face(text, load_faces())[1] == ""
    assert len(changed(drawn(text), drawn(None))) > 150


def is_yellow(picture):
    return (picture[:, :, 0] > 200) & (picture[:, :, 1] > 160) & (picture[:, :, 2] < 90)


@pytest.mark.parametrize("text", TO_THE_LEFT)
def test_text_that_runs_to_the_left_begins_at_the_right(drawn, text):
    picture = drawn(text)

    first, rest = is_yellow(picture), picture.min(axis=2) > 220
    assert first.sum() > 40
    assert rest.sum() > 40
    assert np.argwhere(first)[:, 1].mean() > np.argwhere(rest)[:, 1].mean() + 5


@pytest.mark.parametrize("text", EMOJI[1:])
def test_what_no_font_has_of_an_emoji_leaves_no_box(drawn, text):
    assert np.abs(drawn(text) - drawn("ok")).max() <= 12


def test_shown_widths_are_those_that_were_planned(drawn):
    columns = changed(drawn(BARE), drawn(None))[:, 1]

    outline_px = 2 * CaptionParams().outline * SIZE[0] / 1080
    planned_px = load_faces()[0].width_em(BARE) * CaptionParams().font_size * SIZE[0] / 1080
    assert np.ptp(columns) + 1 - outline_px == pytest.approx(planned_px, rel=0.05)


def test_characters_without_a_glyph_are_left_out_and_reported(tmp_path):
    pages = pages_of(words_of("good 🎉 你好 day."))

    text, missing = ass_of(pages, tmp_path)

    assert missing == "你好🎉"
    assert "🎉" not in text
    assert pages["text"].str.contains("🎉").any()


def test_every_event_shows_its_whole_page_with_one_word_in_colour(tmp_path):
    pages = pages_of(words_of("one two three"))

    text, _ = ass_of(pages, tmp_path)

    events = re.findall(r"^Dialogue: 0,(\S+?),(\S+?),Caption,,0,0,\d+,,(.*)$", text, re.M)
    assert [re.sub(r"\{[^}]*\}", "", event[2]) for event in events] == ["one two three"] * 3
    assert [re.search(r"1c&H\w+\}(\w+)", event[2])[1] for event in events] == ["one", "two", "three"]
    assert [event[1] for event in events[:-1]] == [event[0] for event in events[1:]]


def test_pages_end_with_sentences_and_pauses():
    pages = pages_of(words_of("I am. You are here now", pauses={4: 0.35}))

    assert pages["text"].tolist() == ["I am.", "You are", "here now"]


def test_phrases_are_split_evenly_and_rather_at_commas():
    assert [len(page.words) for page in page_rows(pages_of(words_of("a b c d e")))] in ([3, 2], [2, 3])
    assert pages_of(words_of("so yes, then we go"))["text"].tolist() == ["so yes,", "then we go"]


def test_pages_that_are_read_too_fast_are_joined_with_a_slower_neighbour():
    words = words_of("extraordinarily complicated thing he said", word_s=0.8)
    words.loc[0, "end_s"] = words.loc[1, "start_s"] = 0.4
    words.loc[1, "end_s"] = words.loc[2, "start_s"] = 0.8

    alone = page_rows(pages_of(words, words_per_page=1))

    # Of the first two, 15 letters in 0.4 s, neither can wait for the other.
    assert [len(page.words) for page in alone][-2:] == [1, 1]
    assert max(len(page.words) for page in alone) == 3
    rates = [len(page.text.replace("\n", "")) / (page.end_s - page.start_s) for page in alone]
    assert max(rates) < 15 / 0.4


def test_pages_change_on_a_cut_that_is_near():
    words = words_of("We came. They saw. He won.", pauses={4: 1.5})

    def times(*cuts_s):
        pages = make_pages(words, 0.0, 6.0, CaptionParams(), line_width_px=LINE_PX, cuts_s=cuts_s)
        return [round(float(time_s), 2) for time_s in (*pages["start_s"], *pages["end_s"])]

    assert times() == [0.0, 0.8, 3.1, 0.8, 2.1, 4.4]
    assert times(0.75) == [0.0, 0.75, 3.1, 0.75, 2.1, 4.4]  # a little early
    assert times(0.9) == [0.0, 0.9, 3.1, 0.9, 2.1, 4.4]  # a little late
    assert times(0.6) == times()  # a word would be cut off
    assert times(2.9) == [0.0, 0.8, 2.9, 0.8, 2.1, 4.4]
    assert times(1.8) == [0.0, 0.8, 3.1, 0.8, 1.8, 4.4]  # not over into the next shot
    assert times(2.3) == [0.0, 0.8, 3.1, 0.8, 2.3, 4.4]  # not gone just before it


def test_pages_rather_end_at_a_cut_than_run_over_it():
    words = words_of("so then we go to town")

    def texts(*cuts_s):
        pages = make_pages(words, 0.0, 4.0, CaptionParams(), line_width_px=LINE_PX, cuts_s=cuts_s)
        return [text.replace("\n", " ") for text in pages["text"]]

    assert texts() == ["so then we", "go to town"]
    assert texts(0.85) == ["so then", "we go to town"]


def test_times_that_a_person_gave_do_not_move_to_cuts():
    words = words_of("We came. They saw.")

    pages = make_pages(words, 0.0, 3.0, CaptionParams(), line_width_px=LINE_PX, stops_s=[0.8, 1.6], cuts_s=[0.75, 1.7])

    assert pages["end_s"].tolist() == pytest.approx([0.8, 1.6])


def test_a_short_hole_between_pages_is_closed_and_a_long_one_is_not():
    pages = pages_of(words_of("One. Two. Three.", pauses={1: 0.45, 2: 2.0}))

    assert pages["end_s"].iloc[0] == pages["start_s"].iloc[1]
    assert pages["end_s"].iloc[1] == pytest.approx(pages["start_s"].iloc[1] + 0.4 + 0.5)


def test_words_on_the_edge_belong_to_the_clip_that_holds_their_middle():
    words = words_of("zero one two three", word_s=1.0)

    pages = make_pages(words, 0.6, 2.4, CaptionParams())

    assert " ".join(pages["text"]).split() == ["one"]
    assert make_pages(words, 0.4, 2.6, CaptionParams())["text"].tolist() == ["zero one two"]


def test_words_given_at_one_time_are_all_shown(tmp_path):
    words = words_of("all at once they came", word_s=0.0)

    text, _ = ass_of(pages_of(words, 3.0), tmp_path)

    assert len(re.findall("^Dialogue", text, re.M)) == 5


def test_no_words_give_no_pages_and_an_empty_sidecar(tmp_path):
    none = words_of("x").iloc[:0]

    pages = make_sidecar_pages(none, 0.0, 5.0, CaptionParams())
    write_srt(pages, tmp_path / "none.srt")

    assert pages.columns.tolist() == ["page", "start_s", "end_s", "text", "words"]
    assert pages.empty
    assert (tmp_path / "none.srt").read_bytes() == b""


def test_the_sidecar_holds_phrases_with_times_from_the_start_of_the_clip(tmp_path):
    words = words_of("When we began nobody knew how far it would go. Then it went.", start_s=3600.0)

    write_srt(make_sidecar_pages(words, 3599.5, 3606.0, CaptionParams()), tmp_path / "clip.srt")

    assert (tmp_path / "clip.srt").read_text(encoding="utf-8") == (
        "1\n00:00:00,500 --> 00:00:04,500\nWhen we began nobody\nknew how far it would go.\n\n"
        "2\n00:00:04,500 --> 00:00:06,200\nThen it went.\n"
    )


def test_tags_in_the_sidecar_are_kept_as_text(tmp_path):
    write_srt(make_sidecar_pages(words_of(r"<b>x</b> {\an8} -->"), 0.0, 5.0, CaptionParams()), tmp_path / "a.srt")

    body = (tmp_path / "a.srt").read_text(encoding="utf-8").split("\n", 2)[2]

    assert not re.search(r"<[a-z/]|\{\\|-->", body)
    assert body.replace("\u2060", "").strip() == r"<b>x</b> {\an8} -->"


def test_the_line_of_a_box_to_one_side_has_the_whole_box():
    params = CaptionParams(outline=0.0, box="never")

    assert caption_width((600, 0, 1000, 10), 1080, params) == 400
    assert caption_width((100, 0, 900, 10), 1080, params) == 720


def test_captions_stand_on_the_seam_of_a_split_and_low_elsewhere(tmp_path):
    (encode,) = group_platforms([find_platform("tiktok")], "9:16")
    crop = np.array([[second, 0.3, 0.0, 0.3, 1.0] for second in range(4)], float)
    layouts = np.array(["split", "split", "static", "static"])
    plan = ClipPlan(1, 0.0, Fraction(25), 100, None, [encode], encode.platforms, "9:16", crop, layouts)
    words = words_of("one two", word_s=0.8, pauses={1: 1.4})

    captions = write_captions(words, plan, Params(), tmp_path, None, [2.0])

    assert [page.text for page in captions.pages] == ["one", "two"]
    assert captions.floors == (960, captions.safe_box[3])
    assert [place[3] for place in captions.places] == [960, captions.safe_box[3]]
    below = [int(event.split(",")[7]) for event in captions.ass_path.read_text().splitlines() if "Dialogue" in event]
    assert below[0] - below[1] == captions.safe_box[3] - 960


@pytest.mark.parametrize("floor", [BOX[3], 960])
@pytest.mark.parametrize("theme", ["bold", "boxed"])
def test_a_page_stands_where_it_is_said_to(tmp_path, theme, floor):
    params = CaptionParams(theme=theme)
    (page,) = page_rows(make_pages(words_of("gyp Ågypt"), 0.0, 1.0, params))
    has_box = params.box == "always"
    size = {"width": 1080, "height": 1920}
    table = pd.DataFrame([page])
    write_ass(table, tmp_path / "a.ass", params, **size, safe_box=BOX, floors=[floor], has_box=has_box)
    with_captions, without = burned(tmp_path / "a.ass", 2, luma=200)

    pixels = changed(with_captions, without)

    scale = SIZE[0] / FRAME[0]
    left, top, right, bottom = page_box(page, params, **size, safe_box=(*BOX[:3], floor))
    assert pixels[:, 1].min() >= scale * left - 2
    assert pixels[:, 1].max() <= scale * right + 2
    assert pixels[:, 0].min() >= scale * top - 2
    assert pixels[:, 0].max() <= scale * bottom + 2
    assert np.ptp(pixels[:, 1]) > 0.8 * scale * (right - left)
    assert np.ptp(pixels[:, 0]) > (0.8 if has_box else 0.6) * scale * (bottom - top)
    if has_box:
        middle = with_captions[round(scale * (top + 6)), SIZE[0] // 2]
        assert middle == pytest.approx(0.35 * without[0, 0], abs=6)


def test_a_font_of_the_users_is_tried_first(tmp_path):
    own = FONTS_DIR / "DejaVuSans-Bold.ttf"

    text, _ = ass_of(pages_of(words_of("hello")), tmp_path, font=str(own))

    assert "Style: Caption,DejaVu Sans Bold," in text


@pytest.mark.parametrize("content", [None, b"", b"not a font"])
def test_a_font_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "font.ttf"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ParamsError, match=r"captions\.font"):
        load_faces(str(path))


def test_fonts_come_with_their_licences():
    assert {path.stem.split("-")[0] for path in (FONTS_DIR.parent / "licences").glob("*LICENSE.txt")} == {
        path.stem.split("-")[0] for path in FONTS_DIR.glob("*.[ot]tf")
    }


LETTERS = st.text(alphabet="abcdefghij,.;éü-", min_size=1, max_size=14)


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(LETTERS, max_size=40),
    gaps=st.lists(st.floats(0.0, 1.2), min_size=40, max_size=40),
    lasts=st.lists(st.floats(0.0, 0.9), min_size=40, max_size=40),
    words_per_page=st.integers(1, 6),
    line_length=st.integers(8, 30),
    cuts_s=st.lists(st.floats(0.0, 20.0), max_size=12),
)
def test_pages_hold_every_word_once_in_order_and_never_overlap(texts, gaps, lasts, words_per_page, line_length, cuts_s):
    rows, time_s = [], 0.0
    for text, gap, last in zip(texts, gaps, lasts, strict=False):
        rows.append((text, time_s + gap, time_s + gap + last, text.endswith(".")))
        time_s += gap + last
    words = pd.DataFrame(rows, columns=["word", "start_s", "end_s", "ends_sentence"])
    words = words.astype({"start_s": float, "end_s": float, "ends_sentence": bool})
    params = CaptionParams(words_per_page=words_per_page, line_length=line_length)

    pages = page_rows(make_pages(words, 0.0, time_s + 1.0, params, line_width_px=LINE_PX, cuts_s=cuts_s))

    assert [word.text for page in pages for word in page.words] == texts[: len(rows)]
    for page, following in zip(pages, [*pages[1:], None], strict=False):
        lines = page.text.split("\n")
        assert 1 <= len(page.words) <= words_per_page + 2
        assert len(lines) <= 2
        assert 0.0 <= page.start_s < page.end_s <= time_s + 1.0 + 1e-9
        assert following is None or page.end_s <= following.start_s + 1e-9
        if following is not None:
            gap_s = following.start_s - page.end_s
            assert gap_s == 0.0 or gap_s >= 0.1 - 1e-9
        if len(page.words) > 1:
            assert max(map(len, lines)) <= line_length
            assert page.words[-1].end_s - page.words[0].start_s <= params.max_page_s
            gaps_s = [b.start_s - a.end_s for a, b in zip(page.words, page.words[1:], strict=False)]
            assert max(gaps_s) <= params.pause_s + 1e-9
            assert not any(word.text.endswith(".") for word in page.words[:-1])
