from __future__ import annotations

import os
import shutil
from fractions import Fraction

import av
import numpy as np
import pytest

from clipkit.errors import InputError
from clipkit.media.writer import FrameEncoder, encode_audio
from clipkit.output.boxes import read_boxes
from clipkit.output.facts import measure_file
from clipkit.output.loudness import level_audio
from clipkit.output.platforms import find_platform, safe_box
from clipkit.output.verify import VERDICT_COLUMNS, verify_file
from clipkit.params import AudioParams

RATE = 48_000
SIZE = (720, 1280)


def sound(duration_s=2.0, lufs=-14.0, silent=False):
    n = round(duration_s * RATE)
    if silent:
        return np.zeros((n, 2), np.float32)
    chord = sum(np.sin(2 * np.pi * hertz * np.arange(n) / RATE) for hertz in (220, 560, 1330))
    wave = np.repeat(0.1 * chord[:, None], 2, axis=1).astype(np.float32)
    return level_audio(wave, RATE, AudioParams(), target_lufs=lufs, peak_dbtp=-2.0)


def write(path, *, size=SIZE, n_frames=50, rate=Fraction(25), samples=None, gop_s=0.5):
    audio_path = None
    if samples is not None:
        audio_path = path.with_suffix(".m4a")
        encode_audio(samples, audio_path, rate_hz=RATE, bitrate=128_000)
    y, c = np.full(size[::-1], 90, np.uint8), np.full((size[1] // 2, size[0] // 2), 128, np.uint8)
    with FrameEncoder(
        path,
        width=size[0],
        height=size[1],
        frame_rate=rate,
        audio_path=audio_path,
        gop_s=gop_s,
        preset="superfast",
    ) as encoder:
        for number in range(n_frames):
            y[: number + 1] = 200
            encoder.write(y, c, c)
    return path


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Return a file as X likes it."""
    return write(tmp_path_factory.mktemp("good") / "good.mp4", samples=sound())


def remuxed(source, path, *, options=None, container="mp4", metadata=None, shift_s=0.0, streams=("video", "audio")):
    """Write the packets of a file into another container."""
    with av.open(str(source)) as given, av.open(str(path), "w", format=container, options=options or {}) as output:
        output.metadata.update(metadata or {})
        kept = {}
        for stream in given.streams:
            if stream.type in streams:
                kept[stream.index] = output.add_stream_from_template(stream)
        for packet in given.demux():
            if packet.dts is None or packet.stream.index not in kept:
                continue
            if packet.stream.type == "audio":
                ticks = round(shift_s / packet.time_base)
                packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
            packet.stream = kept[packet.stream.index]
            output.mux(packet)
    return path


def verdicts(path, name="x", **how):
    table = verify_file(path, find_platform(name), **how)
    assert table.columns.tolist() == VERDICT_COLUMNS
    assert table["check"].is_unique
    assert set(table["severity"]) <= {"error", "warning", "info"}
    return table.set_index("check")


def failing(path, name="x", **how):
    table = verdicts(path, name, **how)
    return set(table.index[~table["ok"]])


def test_a_file_as_asked_passes_every_check(good):
    assert failing(good, expected_s=2.0) == set()


def test_the_same_file_is_told_what_another_platform_minds(good):
    assert failing(good, "instagram_reels", expected_s=2.0) == {"duration", "frame_size", "edit_list"}
    assert failing(good, "snapchat_spotlight") == {"duration", "frame_size"}
    table = verdicts(good, "instagram_reels")
    assert table.loc["duration", "severity"] == "error"
    assert table.loc["frame_size", "severity"] == "warning"
    assert table.loc["edit_list", "severity"] == "info"


def test_a_clip_of_another_length_than_planned_fails(good):
    assert failing(good, expected_s=2.5) == {"expected_duration"}


def test_long_groups_of_pictures_are_reported(tmp_path):
    path = write(tmp_path / "long.mp4", samples=sound(), gop_s=2.0)

    assert "keyframes" in failing(path, "youtube_shorts")
    assert verdicts(path, "youtube_shorts").loc["keyframes", "value"] == "every 2 s"


@pytest.mark.parametrize(("lufs", "failed"), [(-14.0, set()), (-18.0, {"loudness"})])
def test_loudness_is_that_of_the_encoded_sound(tmp_path, lufs, failed):
    assert failing(write(tmp_path / "a.mp4", samples=sound(lufs=lufs))) == failed


def test_another_loudness_may_be_asked_for(tmp_path):
    path = write(tmp_path / "a.mp4", samples=sound(lufs=-18.0))

    assert failing(path, audio=AudioParams(target_lufs=-18.0)) == set()


def test_clipped_sound_is_an_error(tmp_path):
    square = np.sign(np.sin(np.arange(2 * RATE) * 0.02)).astype(np.float32)
    path = write(tmp_path / "a.mp4", samples=np.repeat(square[:, None], 2, axis=1))

    table = verdicts(path)

    assert not table.loc["true_peak", "ok"]
    assert table.loc["true_peak", "severity"] == "error"


def test_silence_is_let_through_and_said(tmp_path):
    table = verdicts(write(tmp_path / "a.mp4", samples=sound(silent=True)))

    assert table.loc["loudness", "value"] == "silent"
    assert table["ok"].all()


def test_a_file_without_a_sound_track_is_told_so(tmp_path):
    assert failing(write(tmp_path / "a.mp4")) == {"audio_codec"}


def test_wide_frames_and_odd_rates_are_refused_where_they_are(tmp_path):
    path = write(tmp_path / "wide.mp4", size=(640, 360), rate=Fraction(15), samples=sound(3.3))

    assert failing(path, "youtube_shorts") >= {"aspect", "frame_rate", "frame_size"}
    assert failing(path, "tiktok") >= {"frame_rate"}
    assert "short_side" in failing(path, "facebook_reels")


def test_a_late_sound_is_an_error(good, tmp_path):
    late = remuxed(good, tmp_path / "late.mp4", shift_s=0.05)

    assert "sound_delay" in failing(late)
    assert verdicts(late).loc["sound_delay", "severity"] == "error"


def test_an_index_at_the_end_is_a_warning(good, tmp_path):
    plain = remuxed(good, tmp_path / "plain.mp4")

    assert not read_boxes(plain).index_first
    assert read_boxes(good).index_first
    assert "index" in failing(plain)


def test_edit_lists_are_seen(good, tmp_path):
    without = remuxed(good, tmp_path / "without.mp4", options={"use_editlist": "0"})

    assert read_boxes(good).has_edit_list
    assert not read_boxes(without).has_edit_list
    assert "edit_list" not in failing(without, "instagram_reels")


def test_another_container_is_refused(good, tmp_path):
    other = remuxed(good, tmp_path / "a.mkv", container="matroska")

    assert "container" in failing(other)
    assert read_boxes(other).is_mp4 is False


def test_what_the_file_says_about_its_source_is_reported(good, tmp_path):
    told = remuxed(good, tmp_path / "told.mp4", metadata={"title": "secret", "location": "+48.1+11.5/"})

    table = verdicts(told)

    assert not table.loc["metadata", "ok"]
    assert "title=secret" in table.loc["metadata", "value"]


def test_captions_outside_the_platforms_box_are_reported(good):
    x, reels = find_platform("x"), find_platform("instagram_reels")

    assert "caption_box" not in failing(good, caption_box=safe_box([x, reels], *SIZE))
    assert "caption_box" in failing(good, "instagram_reels", caption_box=safe_box([x], *SIZE))


def test_other_codecs_and_pixels_are_named(hazard):
    table = verdicts(hazard("ten_bit.mkv"))

    assert not table.loc["pixel_format", "ok"]
    assert table.loc["pixel_format", "value"] == "yuv420p10le"
    assert not table.loc["colour_tags", "ok"]
    assert not verdicts(hazard("odd_size_vp9.webm")).loc["video_codec", "ok"]


def test_a_turned_file_is_judged_as_it_is_shown(hazard):
    table = verdicts(hazard("turned_90.mp4"))

    assert not table.loc["orientation", "ok"]
    assert table.loc["frame_size", "value"] == "96x64"


def test_a_variable_rate_is_reported(hazard):
    assert "constant_rate" in failing(hazard("variable.mp4"))


def test_a_damaged_file_does_not_decode(hazard):
    assert "decodes" in failing(hazard("damaged.mp4"))


@pytest.mark.parametrize("make", [None, b"", b"not a video", b"\x00\x00\x00\x08ftyp" + bytes(100)])
def test_what_is_no_video_is_an_input_error(tmp_path, make):
    path = tmp_path / "file.mp4"
    if make is not None:
        path.write_bytes(make)

    with pytest.raises(InputError, match=r"file\.mp4"):
        verify_file(path, find_platform("x"))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_is_cut_off_is_found_out(good, tmp_path, share):
    part = tmp_path / "part.mp4"
    part.write_bytes(good.read_bytes()[: int(good.stat().st_size * share)])

    try:
        found = failing(part, expected_s=2.0)
    except InputError:
        return
    assert found & {"decodes", "expected_duration"}


def test_a_file_is_measured_again_only_when_it_changed(good, tmp_path):
    copy = tmp_path / "copy.mp4"
    shutil.copy(good, copy)
    linked = tmp_path / "linked.mp4"
    os.link(copy, linked)

    first = measure_file(copy)

    assert measure_file(linked) is first
    write(copy, samples=sound(1.0), n_frames=25)
    assert measure_file(copy).duration_s == pytest.approx(1.0)


@pytest.mark.parametrize(
    "content", [b"", b"\x00", b"\x00\x00\x00\x00moov", b"\xff" * 40, b"\x00\x00\x00\x01moov" + bytes(8)]
)
def test_boxes_of_anything_can_be_read(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)

    facts = read_boxes(path)

    assert not facts.has_edit_list
    assert not facts.is_mp4
