"""Subtitles: what real files hold, and what becomes of it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipkit.errors import InputError
from clipkit.media.child import ffmpeg_path
from clipkit.media.subtitles import find_subtitles, read_subtitles, subtitle_file
from clipkit.params import SpeechParams

Hazard = Callable[[str], Path]
Row = tuple[float, float, str]

SRT = "1\n00:00:00,500 --> 00:00:01,000\nHello there.\n\n2\n00:00:01,250 --> 00:00:01,750\nTwo\nlines\n"


def parse(tmp_path: Path, content: str | bytes, name: str = "a.srt") -> list[Row]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    table = read_subtitles(path)
    return list(zip(table["start_s"], table["end_s"], table["text"], strict=True))


def test_subrip_is_read(tmp_path: Path) -> None:
    assert parse(tmp_path, SRT) == [(0.5, 1.0, "Hello there."), (1.25, 1.75, "Two\nlines")]


def test_webvtt_settings_notes_styles_and_names_are_left_out(tmp_path: Path) -> None:
    content = (
        "WEBVTT - a title\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nNOTE\nnot said --> here\n\n"
        "intro\n00:01.000 --> 00:02.500 align:start position:10%\n"
        "<v Ann Lee>I <i>know</i> &amp; <c.loud>see</c></v>\n\n"
        "NOTE one line\n\n01:00:03.000 --> 01:00:04.000\n<00:00:03.500>later\n"
    )

    assert parse(tmp_path, content, "a.vtt") == [(1.0, 2.5, "I know & see"), (3603.0, 3604.0, "later")]


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        (r"{\an8}Up here", "Up here"),
        (r"{\i1}Slanted{\i0} text", "Slanted text"),
        ('<font color="#fff">White</font> <b>bold</b>', "White bold"),
        ("2 < 3 and 5 > 4", "2 < 3 and 5 > 4"),
        ("Tom &amp; Ann&nbsp;said &lt;no&gt;", "Tom & Ann said <no>"),
        ("a\u200b\u200e b\ufeff", "a b"),
        (r"first\Nsecond", "first\nsecond"),
        ("   many   spaces ", "many spaces"),
    ],
)
def test_text_is_plain(tmp_path: Path, raw: str, plain: str) -> None:
    assert parse(tmp_path, f"1\n00:00:00,000 --> 00:00:01,000\n{raw}\n") == [(0.0, 1.0, plain)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_are_recognised(tmp_path: Path, encoding: str, line_end: str) -> None:
    content = "1\n00:00:00,000 --> 00:00:01,000\nGrüße, café\n".replace("\n", line_end)

    assert parse(tmp_path, content.encode(encoding)) == [(0.0, 1.0, "Grüße, café")]


def test_cues_are_sorted_and_never_overlap(tmp_path: Path) -> None:
    content = (
        "00:00:05,000 --> 00:00:09,000\nsecond\n\n00:00:01,000 --> 00:00:06,000\nfirst\n\n"
        "00:00:05,000 --> 00:00:07,000\nwith it\n\n00:00:08,000 --> 00:00:08,000\nno length\n\n"
        "00:00:08,500 --> 00:00:08,200\nbackwards\n"
    )

    assert parse(tmp_path, content) == [
        (1.0, 5.0, "first"),
        (5.0, 8.0, "second\nwith it"),
        (8.0, 8.5, "no length"),
        (8.5, 10.5, "backwards"),
    ]


def test_rolling_captions_say_each_line_once(tmp_path: Path) -> None:
    content = (
        "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nwelcome to the show\n\n"
        "00:00:02.000 --> 00:00:02.010\nwelcome to the show\n\n"
        "00:00:02.010 --> 00:00:04.000\nwelcome to the show\n<00:00:02.500><c>today we talk</c>\n\n"
        "00:00:04.000 --> 00:00:04.010\ntoday we talk\n\n00:00:04.010 --> 00:00:06.000\ntoday we talk\nabout cats\n"
    )

    assert [text for _, _, text in parse(tmp_path, content)] == ["welcome to the show", "today we talk", "about cats"]


def test_a_line_said_twice_stays_twice(tmp_path: Path) -> None:
    content = "00:00:00,000 --> 00:00:01,000\nNo!\n\n00:00:01,000 --> 00:00:02,000\nNo!\n"

    assert [text for _, _, text in parse(tmp_path, content)] == ["No!", "No!"]


def test_missing_numbers_blank_lines_and_sloppy_times_are_read(tmp_path: Path) -> None:
    content = "\n\n0:00:01.5 -> 0:00:02\nfirst\n\nstill first\n\n7\n00:00:03,000-->00:00:04,000 X1:10 X2:20\n1984\n"

    assert parse(tmp_path, content) == [(1.5, 2.0, "first\nstill first"), (3.0, 4.0, "1984")]


def test_an_empty_file_has_no_cues(tmp_path: Path) -> None:
    assert parse(tmp_path, "") == []
    assert parse(tmp_path, "WEBVTT\n", "a.vtt") == []


@pytest.mark.parametrize(
    "content", ["just some text\n", "[Script Info]\nDialogue: 0,0:00:01.00,...\n", b"\x00\x01\xff" * 50]
)
def test_what_is_no_subtitle_file_is_an_error(tmp_path: Path, content: str | bytes) -> None:
    with pytest.raises(InputError, match=r"no cue such as") as caught:
        parse(tmp_path, content)
    assert caught.value.code == "input.subtitles_unparsable"


def test_a_subtitle_file_that_is_not_there_is_an_error(tmp_path: Path, hazard: Hazard) -> None:
    with pytest.raises(InputError) as caught:
        find_subtitles(hazard("cfr25.mp4"), SpeechParams(subtitles=str(tmp_path / "none.srt")))
    assert caught.value.code == "input.subtitles_missing"
    with pytest.raises(InputError) as caught:
        read_subtitles(tmp_path)
    assert caught.value.code == "input.subtitles_unreadable"


def copy_beside(hazard: Hazard, folder: Path, name: str) -> Path:
    video = folder / "My talk.v1.mp4"
    video.write_bytes(hazard(name).read_bytes())
    return video


def test_the_named_file_wins_then_the_same_stem_then_a_language(hazard: Hazard, tmp_path: Path) -> None:
    video = copy_beside(hazard, tmp_path, "cfr25.mp4")
    assert subtitle_file(video, SpeechParams()) is None
    for name in (
        "My talk.v1.en-US.vtt",
        "My talk.v1.de.srt",
        "My talk.srt",
        "My talk.v1.old copy.srt",
        "My talk.v1.txt",
    ):
        (tmp_path / name).write_text(SRT)

    assert subtitle_file(video, SpeechParams()) == tmp_path / "My talk.v1.de.srt"
    (tmp_path / "My talk.v1.SRT").write_text(SRT)
    assert subtitle_file(video, SpeechParams()) == tmp_path / "My talk.v1.SRT"
    assert subtitle_file(video, SpeechParams(subtitles="other.srt")) == Path("other.srt")


def test_a_file_beside_the_video_counts_from_the_start_of_the_player(hazard: Hazard, tmp_path: Path) -> None:
    """The first picture of this file comes 0.8 s after its sound."""
    video = copy_beside(hazard, tmp_path, "late_start.mp4")
    video.with_suffix(".srt").write_text(SRT)

    found = find_subtitles(video, SpeechParams())

    assert found is not None
    assert found.source == str(video.with_suffix(".srt"))
    assert found.cues["start_s"].tolist() == pytest.approx([0.0, 0.45], abs=1e-6)
    assert found.cues["end_s"].tolist() == pytest.approx([0.2, 0.95], abs=1e-6)


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mkv", "srt"), (".mkv", "ass"), (".mp4", "mov_text"), (".mkv", "webvtt")]
)
def test_a_text_stream_inside_the_video_is_read(hazard: Hazard, tmp_path: Path, suffix: str, codec: str) -> None:
    (tmp_path / "in.srt").write_text(SRT.replace("Hello there.", "<i>Hello</i>, there, \\{friend}."))
    video = tmp_path / f"with{suffix}"
    command = [ffmpeg_path(), "-v", "error", "-i", str(hazard("cfr25.mp4")), "-i", str(tmp_path / "in.srt")]
    maps = ["-map", "0", "-map", "1", "-c", "copy", "-c:s", codec, str(video)]
    subprocess.run([*command, *maps], check=True, stdin=subprocess.DEVNULL)

    found = find_subtitles(video, SpeechParams())

    assert found is not None
    assert found.source.startswith("stream #2")
    assert found.cues["start_s"].tolist() == pytest.approx([0.5, 1.25], abs=0.03)
    assert found.cues["end_s"].tolist() == pytest.approx([1.0, 1.75], abs=0.03)
    assert found.cues["text"].iloc[0].startswith("Hello, there,")
    assert found.cues["text"].iloc[1] == "Two\nlines"


def test_a_video_without_subtitles_has_none(hazard: Hazard) -> None:
    assert find_subtitles(hazard("cfr25.mp4"), SpeechParams()) is None


cues = st.lists(
    st.tuples(st.integers(0, 100_000), st.integers(-500, 9_000), st.sampled_from(["one", "two words", "a\nb", "7"])),
    max_size=20,
)


@given(cues)
def test_any_cues_come_out_sorted_apart_and_with_their_words(
    tmp_path_factory: pytest.TempPathFactory, rows: list
) -> None:
    def stamp(ms: int) -> str:
        ms = max(ms, 0)
        return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d},{ms % 1000:03d}"

    blocks = [
        f"{i}\n{stamp(begin)} --> {stamp(begin + length)}\n{text}\n" for i, (begin, length, text) in enumerate(rows)
    ]
    path = tmp_path_factory.mktemp("cues") / "a.srt"
    path.write_text("\n".join(blocks))

    table = read_subtitles(path)

    assert (table["end_s"] > table["start_s"]).all()
    assert (table["start_s"].iloc[1:].to_numpy() >= table["end_s"].iloc[:-1].to_numpy()).all()
    assert {round(start_s * 1000) for start_s in table["start_s"]} <= {begin for begin, _, _ in rows}


@pytest.mark.media
def test_a_real_webvtt_file_is_read(media: Path) -> None:
    table = read_subtitles(media / "speech" / "elephants_dream_en.vtt")

    assert table["text"].iloc[2] == "...the head-snarlers"
    assert len(table) > 50
    assert not table["text"].str.contains("[<>]").any()


ASS = (
    "[Script Info]\nTitle: talk\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontsize\nStyle: Default,20\n\n"
    "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
)


def test_substation_alpha_is_read(tmp_path: Path) -> None:
    content = ASS + (
        "Comment: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,not said\n"
        "Dialogue: 0,0:00:02.00,0:00:03.25,Default,Ann,0,0,0,,{\\i1}Second{\\i0}, with a comma\\Nand\\ha line\n"
        "Dialogue: 0,0:00:00.50,0:00:01.00,Default,,0,0,0,,{\\k20}Hel{\\k30}lo\n"
    )

    assert parse(tmp_path, content, "a.ass") == [(0.5, 1.0, "Hello"), (2.0, 3.25, "Second, with a comma\nand a line")]


def test_fields_of_substation_alpha_stand_in_the_order_that_the_file_gives(tmp_path: Path) -> None:
    content = "[Events]\nFormat: Marked, End, Start, Text\nDialogue: Marked=0,0:00:02.00,0:00:01.00,Old, but good\n"

    assert parse(tmp_path, content, "a.ssa") == [(1.0, 2.0, "Old, but good")]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (r"{\p1}m 0 0 l 100 0 100 100{\p0}", None),
        (r"{\an7\p1\pos(3,4)}m 0 0 l 1 1", None),
        (r"before{\p2}m 0 0 l 1 1{\p0} after", "before after"),
        (r"{\pos(400,570)}{\fad(100,100)}standing", "standing"),
    ],
)
def test_drawings_are_no_words(tmp_path: Path, text: str, plain: str | None) -> None:
    rows = parse(tmp_path, f"{ASS}Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{text}\n", "a.ass")

    assert rows == ([(1.0, 2.0, plain)] if plain else [])


@pytest.mark.parametrize(
    "line",
    [
        "Dialogue: 0,0:00:01.00,0:00:02.00,Default",
        "Dialogue: 0,soon,0:00:02.00,Default,,0,0,0,,when",
        "Dialogue 0 0:00:01.00 no commas",
        "Dialogue:",
    ],
)
def test_damaged_dialogue_is_left_out_and_the_rest_is_read(tmp_path: Path, line: str) -> None:
    content = f"{ASS}{line}\nDialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,whole\n"

    assert parse(tmp_path, content, "a.ass") == [(3.0, 4.0, "whole")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_substation_alpha_is_read_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    content = f"{ASS}Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,Café à 5 €\n"

    assert parse(tmp_path, content.encode(encoding), "a.ass") == [(1.0, 2.0, "Café à 5 €")]


def test_a_script_without_dialogue_has_no_cues(tmp_path: Path) -> None:
    assert parse(tmp_path, ASS, "a.ass") == []


@pytest.mark.parametrize(("beside", "chosen"), [(["a.ass", "a.vtt"], "a.vtt"), (["a.en.ass"], "a.en.ass")])
def test_substation_alpha_beside_the_video_comes_after_the_plainer_formats(
    tmp_path: Path, beside: list[str], chosen: str
) -> None:
    for name in beside:
        (tmp_path / name).touch()

    assert subtitle_file(tmp_path / "a.mp4", SpeechParams()) == tmp_path / chosen


CENTISECONDS = st.integers(0, 3 * 360_000)


@given(st.lists(st.tuples(CENTISECONDS, st.integers(1, 500)), max_size=20))
def test_substation_alpha_tells_the_same_as_subrip(times: list[tuple[int, int]]) -> None:
    def stamp(centiseconds: int, mark: str, digits: int) -> str:
        seconds, rest = divmod(centiseconds, 100)
        return f"{seconds // 3600:0{digits}d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{mark}{rest:02d}"

    def table(content: str) -> list[Row]:
        with tempfile.TemporaryDirectory() as folder:
            return parse(Path(folder), content)

    script, subrip = ASS, ""
    for number, (start, length) in enumerate(times):
        script += f"Dialogue: 0,{stamp(start, '.', 1)},{stamp(start + length, '.', 1)},Default,,0,0,0,,Cue {number}\n"
        subrip += f"{stamp(start, ',', 2)}0 --> {stamp(start + length, ',', 2)}0\nCue {number}\n\n"

    assert table(script) == table(subrip)
