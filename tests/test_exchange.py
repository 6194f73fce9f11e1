from __future__ import annotations

import json
from fractions import Fraction
from types import SimpleNamespace
from xml.etree import ElementTree

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clipkit.output.exchange import write_otio, write_timelines
from clipkit.output.timecode import first_frame_of_hour, is_drop_frame, timecode

CLIPS = pd.DataFrame(
    {
        "clip_id": [1, 2],
        "start_s": [10.0, 3.5],
        "end_s": [25.0, 20.0],
        "score": [0.9, 0.8],
        "title": ["Why „it“ works", ""],
        "reason": ["a question", "energy"],
    }
)


def info_of(rate="30000/1001", *, is_variable=False, has_sound=True):
    video = SimpleNamespace(frame_rate=Fraction(rate), is_variable_rate=is_variable, width=1920, height=1080)
    sound = SimpleNamespace(is_readable=True, channels=2, rate_hz=48_000)
    return SimpleNamespace(video=video, audio=(sound,) if has_sound else (), duration_s=60.0)


def written(tmp_path, clips=CLIPS, video=None, **info):
    path = tmp_path / "reports" / "run" / "timeline.otio"
    write_otio(clips, video or tmp_path / "media" / "a talk #1.mp4", info_of(**info), path)
    return path


def test_an_editor_reads_the_timeline(tmp_path):
    otio = pytest.importorskip("opentimelineio")

    timeline = otio.adapters.read_from_file(str(written(tmp_path)))

    assert isinstance(timeline, otio.schema.Timeline)
    assert [track.kind for track in timeline.tracks] == ["Video", "Audio"]
    clips = list(timeline.tracks[0])
    assert [clip.name for clip in clips] == ["Why „it“ works", "clip 2"]
    first = clips[0].source_range
    assert first.start_time.to_seconds() == pytest.approx(10.0, abs=0.5 / 29.97)
    assert first.end_time_exclusive().to_seconds() == pytest.approx(25.0, abs=0.5 / 29.97)
    assert first.start_time.value == round(first.start_time.value)
    assert clips[0].media_reference.available_range.duration.to_seconds() == pytest.approx(60.0, abs=0.02)
    assert clips[0].metadata["clipkit"]["score"] == 0.9
    assert timeline.duration().to_seconds() == pytest.approx(31.5, abs=0.1)


def test_what_an_editor_writes_back_is_the_same(tmp_path):
    otio = pytest.importorskip("opentimelineio")
    path = written(tmp_path)

    again = json.loads(otio.adapters.read_from_file(str(path)).to_json_string())

    ours = json.loads(path.read_text(encoding="utf-8"))
    assert (
        again["tracks"]["children"][0]["children"][0]["source_range"]
        == (ours["tracks"]["children"][0]["children"][0]["source_range"])
    )
    assert [track["kind"] for track in again["tracks"]["children"]] == ["Video", "Audio"]


def test_the_source_is_named_relative_to_the_file(tmp_path):
    content = json.loads(written(tmp_path).read_text(encoding="utf-8"))

    clip = content["tracks"]["children"][0]["children"][0]
    assert clip["media_references"]["DEFAULT_MEDIA"]["target_url"] == "../../media/a%20talk%20%231.mp4"


def test_a_video_without_sound_has_one_track(tmp_path):
    content = json.loads(written(tmp_path, has_sound=False).read_text(encoding="utf-8"))

    assert [track["kind"] for track in content["tracks"]["children"]] == ["Video"]


def test_a_variable_rate_is_given_a_standard_one(tmp_path):
    content = json.loads(written(tmp_path, rate="2871/100", is_variable=True).read_text(encoding="utf-8"))

    rate = content["tracks"]["children"][0]["children"][0]["source_range"]["duration"]["rate"]
    assert rate == pytest.approx(30000 / 1001)


def test_an_edited_list_without_titles_and_scores_is_written(tmp_path):
    clips = CLIPS.drop(columns=["score", "reason"]).assign(title=[None, float("nan")])

    content = json.loads(written(tmp_path, clips).read_text(encoding="utf-8"))

    clip = content["tracks"]["children"][0]["children"][0]
    assert clip["name"] == "clip 1"
    assert clip["metadata"]["clipkit"] == {"clip_id": 1, "score": None, "reason": ""}


def test_no_clips_give_an_empty_timeline(tmp_path):
    otio = pytest.importorskip("opentimelineio")

    timeline = otio.adapters.read_from_file(str(written(tmp_path, CLIPS.iloc[:0])))

    assert len(timeline.tracks[0]) == 0


RATES = {
    "24000/1001": ("24000/1001", False),
    "25": ("25", False),
    "30000/1001": ("30000/1001", False),
    "60": ("60", False),
    "60000/1001": ("60000/1001", False),
    "variable": ("2871/100", True),
    "120": ("120", False),
}
WRITTEN_AT = {"variable": Fraction(30000, 1001), "120": Fraction(60)}


@pytest.fixture(params=RATES)
def editor_files(request, tmp_path):
    rate, is_variable = RATES[request.param]
    video = tmp_path / "media" / "a talk #1.mp4"
    write_timelines(CLIPS, video, info_of(rate, is_variable=is_variable), tmp_path)
    return tmp_path, WRITTEN_AT.get(request.param, Fraction(rate)), video


def expected_ranges(rate):
    edges = [
        (round(start_s * rate), round(end_s * rate)) for start_s, end_s in zip(CLIPS.start_s, CLIPS.end_s, strict=True)
    ]
    return [(first, last - first) for first, last in edges]


def ranges_of(track):
    return [(round(c.source_range.start_time.value), round(c.source_range.duration.value)) for c in track]


def test_an_edit_decision_list_has_the_clips_to_the_frame(editor_files):
    otio = pytest.importorskip("opentimelineio")
    pytest.importorskip("otio_cmx3600_adapter")
    folder, rate, _ = editor_files

    timeline = otio.adapters.read_from_file(str(folder / "timeline.edl"), rate=float(rate))

    assert [track.name for track in timeline.tracks] == ["V", "A1", "A2"]
    for track in timeline.tracks:
        assert ranges_of(track) == expected_ranges(rate)
        assert [clip.name for clip in track] == ["Why „it“ works", "clip 2"]
        assert [clip.media_reference.target_url for clip in track] == ["media/a talk #1.mp4"] * 2


def test_an_edit_decision_list_says_whether_numbers_are_dropped(editor_files):
    folder, rate, _ = editor_files
    text = (folder / "timeline.edl").read_text(encoding="utf-8")

    assert ("FCM: DROP FRAME" in text) == (rate.denominator == 1001 and rate > 25)
    assert ("01:00:00;00" in text) == is_drop_frame(rate)
    assert ("01:00:00:00" in text) != is_drop_frame(rate)


def test_fcpxml_has_the_clips_to_the_frame(editor_files):
    folder, rate, video = editor_files

    root = ElementTree.parse(folder / "timeline.fcpxml").getroot()

    def frames(element, name):
        value = Fraction(element.get(name).removesuffix("s")) * rate
        assert value.denominator == 1, "every time must lie on a frame"
        return int(value)

    assert Fraction(root.find("resources/format").get("frameDuration").removesuffix("s")) == 1 / rate
    clips = root.findall("library/event/project/sequence/spine/asset-clip")
    assert [(frames(clip, "start"), frames(clip, "duration")) for clip in clips] == expected_ranges(rate)
    assert [frames(clip, "offset") for clip in clips] == [0, expected_ranges(rate)[0][1]]
    assert [clip.get("name") for clip in clips] == ["Why „it“ works", "clip 2"]
    assert [clip.find("note").text for clip in clips] == ["a question", "energy"]
    assert root.find("resources/asset").get("src") == video.as_uri()


@pytest.mark.parametrize("rate", ["25", "60"])
def test_an_editor_reads_fcpxml(tmp_path, rate):
    # At 29.97 the adapter counts 29 frames a second, so other rates are checked as fractions above.
    otio = pytest.importorskip("opentimelineio")
    pytest.importorskip("otio_fcpx_xml_adapter")
    write_timelines(CLIPS, tmp_path / "talk.mp4", info_of(rate), tmp_path)

    (timeline,) = otio.adapters.read_from_file(str(tmp_path / "timeline.fcpxml"))

    (track,) = timeline.tracks
    assert ranges_of(track) == expected_ranges(Fraction(rate))
    assert [clip.name for clip in track] == ["Why „it“ works", "clip 2"]


def test_all_timelines_hold_the_same_events(editor_files):
    otio = pytest.importorskip("opentimelineio")
    folder, rate, _ = editor_files

    timeline = otio.adapters.read_from_file(str(folder / "timeline.otio"))

    for clip, (first, n_frames) in zip(timeline.tracks[0], expected_ranges(rate), strict=True):
        own = clip.source_range
        assert own.start_time.to_seconds() == pytest.approx(float(first / rate), abs=0.51 / float(rate))
        assert own.duration.to_seconds() == pytest.approx(float(n_frames / rate), abs=1.01 / float(rate))


@given(st.integers(0, 30_000_000), st.sampled_from(["24000/1001", "25", "30000/1001", "50", "60000/1001", "60"]))
@example(1799, "30000/1001")
@example(1800, "30000/1001")
@example(17_981, "30000/1001")
def test_time_code_names_every_frame_once_and_keeps_to_the_clock(frame, rate):
    otio = pytest.importorskip("opentimelineio")
    rate = Fraction(rate)
    frame %= first_frame_of_hour(24, rate)

    text = timecode(frame, rate)

    assert otio.opentime.from_timecode(text, float(rate)).value == frame
    if is_drop_frame(rate):
        hours, minutes, seconds, frames = (int(part) for part in text.replace(";", ":").split(":"))
        shown_s = 3600 * hours + 60 * minutes + seconds + frames / round(rate)
        assert shown_s == pytest.approx(float(frame / rate), abs=0.15)


def test_names_that_no_format_can_hold_are_written_on_one_line(tmp_path):
    clips = CLIPS.assign(title=["two\nlines & <tags>\x00", "\ufffe"])
    write_timelines(clips, tmp_path / "talk.mp4", info_of(has_sound=False), tmp_path)

    edl = (tmp_path / "timeline.edl").read_text(encoding="utf-8")
    xml = ElementTree.parse(tmp_path / "timeline.fcpxml")

    assert "* FROM CLIP NAME: two lines & <tags>" in edl
    assert "001  AX       V     C        00:00:10;00 00:00:24;29 01:00:00;00 01:00:14;29" in edl
    assert xml.find(".//asset-clip").get("name") == "two lines & <tags>"
    assert xml.find(".//asset").get("hasAudio") is None
