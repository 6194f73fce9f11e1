from __future__ import annotations

import json
from fractions import Fraction
from types import SimpleNamespace

import pandas as pd
import pytest

from clipkit.output.exchange import write_otio

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
    video = SimpleNamespace(frame_rate=Fraction(rate), is_variable_rate=is_variable)
    return SimpleNamespace(video=video, audio=(object(),) if has_sound else (), duration_s=60.0)


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
