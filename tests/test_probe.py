"""What the probe says about a file, against how the file was made."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipkit.errors import InputError
from clipkit.media.probe import VideoInfo, displayed_size, probe, require_video

Hazard = Callable[[str], Path]


def video_of(path: Path) -> VideoInfo:
    video = require_video(path).video
    assert video is not None
    return video


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("cfr25.mp4", Fraction(25)),
        ("ntsc.mp4", Fraction(30000, 1001)),
        ("b_frames.mkv", Fraction(25)),
        ("long_gop.ts", Fraction(25)),
        ("b_frames.avi", Fraction(25)),
    ],
)
def test_a_constant_rate_is_exact(hazard: Hazard, name: str, rate: Fraction) -> None:
    video = video_of(hazard(name))

    assert video.frame_rate == rate
    assert not video.is_variable_rate


def test_a_variable_rate_is_noticed(hazard: Hazard) -> None:
    video = video_of(hazard("variable.mp4"))

    assert video.is_variable_rate
    assert float(video.frame_rate) == pytest.approx(41 / 7.283, rel=0.01)


@pytest.mark.parametrize("name", ["cfr25.mp4", "b_frames.mkv", "late_start.mp4", "b_frames.avi", "size_change.ts"])
def test_duration_runs_from_the_first_picture_to_the_end_of_the_last(hazard: Hazard, name: str) -> None:
    assert probe(hazard(name)).duration_s == pytest.approx(2.0, abs=1e-6)


def test_duration_is_what_is_there_and_not_what_the_header_claims(hazard: Hazard) -> None:
    duration_s = probe(hazard("cut_off.mp4")).duration_s

    assert 1.0 < duration_s < 1.3


def test_duration_counts_no_pictures_that_an_edit_list_hides(hazard: Hazard) -> None:
    assert probe(hazard("cut_copy.mp4")).duration_s == pytest.approx(2.28)


def test_the_first_displayed_picture_gives_time_zero(hazard: Hazard) -> None:
    video = video_of(hazard("late_start.mp4"))

    assert video.start_pts * video.time_base == Fraction(20, 25)


@pytest.mark.parametrize(
    ("name", "rotation", "mirrored"),
    [
        ("cfr25.mp4", 0, False),
        ("turned_90.mp4", 90, False),
        ("turned_180.mp4", 180, False),
        ("turned_270.mp4", 270, False),
        ("mirrored.mp4", 0, True),
        ("mirrored_90.mp4", 90, True),
        ("mirrored_270.mp4", 270, True),
    ],
)
def test_orientation_comes_from_the_display_matrix(hazard: Hazard, name: str, rotation: int, mirrored: bool) -> None:
    video = video_of(hazard(name))

    assert (video.rotation, video.mirrored) == (rotation, mirrored)
    assert (video.width, video.height) == (96, 64)


def test_a_cover_picture_is_not_the_video(hazard: Hazard) -> None:
    info = require_video(hazard("cover.mp4"))

    assert info.video is not None
    assert info.video.codec == "h264"
    assert info.video.coded_width == 96
    assert len(info.streams) == 2


def test_sound_without_picture_says_so(hazard: Hazard) -> None:
    info = probe(hazard("sound_only.m4a"))

    assert info.video is None
    assert info.duration_s == pytest.approx(1.0, abs=0.03)
    with pytest.raises(InputError, match=r"no video stream \(streams found: audio #0 aac\)") as caught:
        require_video(hazard("sound_only.m4a"))
    assert caught.value.code == "input.no_video_stream"


def test_a_picture_of_four_billion_pixels_is_refused_before_it_is_made(hazard: Hazard) -> None:
    with pytest.raises(InputError) as caught:
        require_video(hazard("bomb.gif"))

    assert caught.value.code in ("input.too_many_pixels", "input.no_frames")


def test_sound_that_begins_late_is_known_to(hazard: Hazard) -> None:
    (audio,) = probe(hazard("late_sound.mp4")).audio

    assert audio.start_s == pytest.approx(0.4, abs=0.03)
    assert (audio.codec, audio.rate_hz, audio.channels, audio.is_readable) == ("aac", 48_000, 2, True)


def test_info_is_json(hazard: Hazard) -> None:
    record = json.loads(json.dumps(probe(hazard("ntsc.mp4")).to_dict()))

    assert record["video"]["frame_rate"] == "30000/1001"
    assert record["video"]["rotation"] == 0


@given(
    st.integers(2, 8192),
    st.integers(2, 8192),
    st.fractions(Fraction(1, 5), Fraction(5), max_denominator=2000),
    st.sampled_from([0, 90, 180, 270]),
)
def test_a_displayed_picture_keeps_its_shape_and_loses_no_pixels(w: int, h: int, aspect: Fraction, turn: int) -> None:
    width, height = displayed_size(w, h, aspect, turn)
    if turn in (90, 270):
        width, height = height, width

    assert width >= w
    assert height >= h
    assert abs(width - height * (w * aspect / h)) <= max(1, w * aspect / h)
