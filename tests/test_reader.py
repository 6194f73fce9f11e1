"""Readers: one contract for both decoders, and what only PyAV can read."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hazards import picture, read_number

from clipkit.errors import ClipkitError, InputError
from clipkit.media.audio import read_audio
from clipkit.media.child import ffmpeg_path
from clipkit.media.reader import Frame, Plane, open_video
from clipkit.media.writer import write_video
from clipkit.params import SourceParams

Hazard = Callable[[str], Path]

READERS = ["pyav", "decord"]
# What the decord wheel reads; both readers must agree on all of it.
SHARED = ["cfr25.mp4", "ntsc.mp4", "variable.mp4", "b_frames.mkv", "key_frames.mp4", "late_start.mp4", "turned_90.mp4"]


@pytest.fixture(params=READERS)
def reader_name(request: pytest.FixtureRequest) -> str:
    if request.param == "decord":
        pytest.importorskip("decord")
    return str(request.param)


def luma(frame: Frame) -> np.ndarray:
    return pixels(frame.planes[0])


def pixels(plane: Plane) -> np.ndarray:
    return plane.samples[: plane.height * plane.stride].reshape(plane.height, plane.stride)[:, : plane.width]


def numbers(frames: object) -> list[int]:
    return [read_number(frame.rgb()) for frame in frames]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", SHARED)
def test_every_picture_comes_once_in_display_order(hazard: Hazard, reader_name: str, name: str) -> None:
    with open_video(hazard(name), reader=reader_name, threads=1) as reader:
        frames = list(reader)

    times_s = [frame.time_s for frame in frames]
    assert numbers(frames) == list(range(len(frames)))
    assert times_s[0] == 0.0
    assert all(later > earlier for earlier, later in pairwise(times_s))
    assert times_s[-1] < reader.info.duration_s


@pytest.mark.parametrize("name", SHARED)
def test_a_frame_by_time_is_the_one_on_screen(hazard: Hazard, reader_name: str, name: str) -> None:
    with open_video(hazard(name), reader=reader_name, threads=1) as reader:
        times_s = [frame.time_s for frame in reader]
        asked_s = [-1.0, *times_s[::-3], *(t + 1e-4 for t in times_s[::5]), reader.info.duration_s + 9]
        got = [reader.frame_at(time_s) for time_s in asked_s]

    expected = [max(int(np.searchsorted(times_s, time_s, side="right")) - 1, 0) for time_s in asked_s]
    assert numbers(got) == expected


@pytest.mark.parametrize("name", SHARED)
def test_many_times_come_in_one_pass(hazard: Hazard, reader_name: str, name: str) -> None:
    with open_video(hazard(name), reader=reader_name, threads=1) as reader:
        asked_s = np.sort(np.random.default_rng(4).uniform(0, reader.info.duration_s, 12))
        together = [frame.pts for frame in reader.frames_at(asked_s)]
        alone = [reader.frame_at(time_s).pts for time_s in asked_s]

    assert together == alone


@pytest.mark.parametrize("name", SHARED)
def test_an_interval_is_half_open(hazard: Hazard, reader_name: str, name: str) -> None:
    with open_video(hazard(name), reader=reader_name, threads=1) as reader:
        times_s = [frame.time_s for frame in reader]
        first, last = len(times_s) // 3, len(times_s) - 1
        got = list(reader.frames(times_s[first], times_s[last]))
        nothing = list(reader.frames(times_s[last] + 1e-6, math.inf))

    assert [frame.time_s for frame in got] == times_s[first:last]
    assert numbers(got) == list(range(first, last))
    assert nothing == []


def test_a_reader_closes_twice_and_then_says_so(hazard: Hazard, reader_name: str) -> None:
    reader = open_video(hazard("cfr25.mp4"), reader=reader_name, threads=1)
    reader.close()
    reader.close()

    with pytest.raises(ValueError, match="closed"):
        reader.frame_at(1.0)


def test_a_bad_path_is_one_sentence(tmp_path: Path, reader_name: str) -> None:
    with pytest.raises(InputError, match=r"no such file"):
        open_video(tmp_path / "missing.mp4", reader=reader_name)


@pytest.mark.parametrize("name", SHARED)
def test_both_readers_show_the_same_pictures(hazard: Hazard, name: str) -> None:
    pytest.importorskip("decord")
    with open_video(hazard(name)) as ours, open_video(hazard(name), reader="decord", threads=1) as theirs:
        for one, other in zip(ours, theirs, strict=True):
            assert (one.pts, one.is_key) == (other.pts, other.is_key)
            assert np.abs(luma(one).astype(int) - luma(other)).mean() < 3  # planes there come back from RGB


@pytest.mark.parametrize("name", ["long_gop.ts", "cut_copy.mp4", "mirrored.mp4", "b_frames.avi", "animation.gif"])
def test_decord_refuses_what_it_gets_wrong(hazard: Hazard, name: str) -> None:
    pytest.importorskip("decord")

    with pytest.raises(InputError, match=r"source\.reader: pyav") as caught:
        open_video(hazard(name), reader="decord")
    assert caught.value.code == "input.reader_unavailable"


@pytest.mark.parametrize("name", ["long_gop.ts", "b_frames.avi", "cut_copy.mp4", "damaged.mp4", "size_change.ts"])
def test_seeks_land_on_the_same_pictures_as_reading_through(hazard: Hazard, name: str) -> None:
    with open_video(hazard(name), threads=2) as reader:
        through = [(frame.time_s, frame.pts, luma(frame).tobytes()) for frame in reader]
        for time_s, pts, samples in through[::-7]:
            frame = reader.frame_at(time_s)
            assert (frame.pts, luma(frame).tobytes()) == (pts, samples)


def test_a_backward_seek_in_a_stream_may_land_behind_its_target(hazard: Hazard) -> None:
    """The hazard is real: without a second look the first frame would be too late."""
    import av

    with av.open(str(hazard("long_gop.ts"))) as container:
        stream = container.streams.video[0]
        landed = []
        for number in range(1, 100, 9):
            target = 7200 + 3600 * number
            container.seek(target, stream=stream)
            landed.append(next(container.decode(stream)).pts > target)

    assert any(landed)
    with open_video(hazard("long_gop.ts")) as reader:
        assert numbers(reader.frame_at(number / 25) for number in range(1, 100, 9)) == list(range(1, 100, 9))


def test_pictures_hidden_by_an_edit_list_stay_hidden(hazard: Hazard) -> None:
    with open_video(hazard("cut_copy.mp4")) as reader:
        frames = list(reader)

    assert numbers(frames) == list(range(18, 75))
    assert frames[0].time_s == 0.0


@pytest.mark.parametrize(
    "name",
    [f"{kind}.mp4" for kind in ("turned_90", "turned_180", "turned_270", "mirrored", "mirrored_90", "mirrored_270")],
)
def test_a_turned_picture_is_displayed_upright(hazard: Hazard, tmp_path: Path, name: str) -> None:
    with open_video(hazard(name)) as reader:
        shown = reader.frame_at(0.12).rgb()
    raw = tmp_path / "shown.rgb"
    command = [ffmpeg_path(), "-v", "error", "-i", str(hazard(name)), "-frames:v", "1", "-f", "rawvideo"]
    subprocess.run([*command, "-ss", "0.12", "-pix_fmt", "rgb24", str(raw)], check=True, stdin=subprocess.DEVNULL)
    by_ffmpeg = np.frombuffer(raw.read_bytes(), np.uint8).reshape(64, 96, 3)

    assert read_number(shown) == 3
    assert np.abs(shown.astype(int) - picture(3)).mean() < 8  # chroma is coded at half the size
    assert np.abs(shown.astype(int) - by_ffmpeg).mean() < 4


@pytest.mark.parametrize(
    "name",
    [
        "odd_size.mkv",
        "odd_size_vp9.webm",
        "ten_bit.mkv",
        "full_chroma.mkv",
        "half_chroma.mkv",
        "gray.mkv",
        "animation.gif",
    ],
)
def test_any_format_comes_as_eight_bit_planes(hazard: Hazard, name: str) -> None:
    with open_video(hazard(name)) as reader:
        frames = list(reader)
        video = reader.video

    assert numbers(frames) == list(range(10 if len(frames) == 10 else 50))
    for plane in frames[-1].planes:
        assert plane.samples.dtype == np.uint8
        assert plane.samples.ndim == 1
        assert plane.samples.flags.c_contiguous
        assert plane.stride >= plane.width
        assert len(plane.samples) >= (plane.height - 1) * plane.stride + plane.width
    assert luma(frames[-1]).shape == (video.coded_height, video.coded_width)
    assert read_number(luma(frames[-1])) == len(frames) - 1


def test_planes_of_ordinary_video_are_not_copied(hazard: Hazard) -> None:
    with open_video(hazard("cfr25.mp4")) as reader:
        frame = reader.frame_at(0.0)

    assert not frame.planes[0].samples.flags.owndata
    assert frame.planes[0].samples.base is not None


def test_planes_outlive_the_reader(hazard: Hazard) -> None:
    with open_video(hazard("cfr25.mp4")) as reader:
        planes = [pixels(frame.planes[0]) for frame in reader]

    assert [read_number(plane) for plane in planes] == list(range(50))


def test_colours_come_out_as_they_went_in(hazard: Hazard) -> None:
    with open_video(hazard("full_chroma.mkv")) as reader:
        image = reader.frame_at(0.0).rgb()

    assert image[56, 24].tolist() == pytest.approx([200, 30, 30], abs=6)
    assert image[56, 72].tolist() == pytest.approx([30, 30, 200], abs=6)


def test_rgb_of_another_height_keeps_the_shape(hazard: Hazard) -> None:
    with open_video(hazard("turned_90.mp4")) as reader:
        image = reader.frame_at(0.0).rgb(height=128)

    assert image.shape == (128, 192, 3)
    assert read_number(image) == 0


def test_a_picture_that_changes_size_is_brought_to_the_first_size(hazard: Hazard) -> None:
    with open_video(hazard("size_change.ts")) as reader:
        frames = list(reader)

    assert {luma(frame).shape for frame in frames} == {(64, 96)}
    assert numbers(frames) == [*range(25), *range(25)]


def test_recordings_glued_together_are_refused_and_not_cut_short(hazard: Hazard) -> None:
    with open_video(hazard("glued.ts")) as reader, pytest.raises(InputError, match=r"jump back from 2\.0 s") as caught:
        list(reader)

    assert caught.value.code == "input.time_jumps"
    assert str(hazard("glued.ts")) in caught.value.message


def test_broken_packets_are_counted_and_the_rest_is_read(hazard: Hazard) -> None:
    with open_video(hazard("damaged.mp4")) as reader:
        found = numbers(reader)

    assert reader.n_corrupt > 0
    assert found[0] == 0
    assert found[-1] == 99
    assert 50 < len(found) < 100


def test_a_file_that_ends_early_gives_what_it_has(hazard: Hazard) -> None:
    with open_video(hazard("cut_off.mp4")) as reader:
        found = numbers(reader)

    assert found == list(range(len(found)))
    assert 20 < len(found) < 50


@pytest.mark.parametrize("name", ["cfr25.mp4", "b_frames.mkv", "long_gop.ts", "b_frames.avi", "odd_size_vp9.webm"])
def test_any_damage_gives_frames_or_a_clear_error(hazard: Hazard, tmp_path: Path, name: str) -> None:
    content = hazard(name).read_bytes()
    rng = np.random.default_rng(7)
    path = tmp_path / name
    n_read = n_refused = 0
    for _ in range(25):
        damaged = np.frombuffer(content, np.uint8).copy()
        damaged[rng.integers(0, len(damaged), 12)] = rng.integers(0, 256, 12)
        damaged[rng.integers(0, 500, 2)] = rng.integers(0, 256, 2)
        path.write_bytes(damaged.tobytes())
        try:
            with open_video(path, threads=2) as reader:
                times_s = [frame.time_s for frame in reader]
                read_audio(path, rate_hz=8000, channels=1, end_s=1.0)
        except ClipkitError:
            n_refused += 1
            continue
        assert times_s == sorted(set(times_s))
        assert not times_s or times_s[-1] < reader.info.duration_s
        n_read += 1
    assert n_read + n_refused == 25
    assert n_read > 0


@pytest.mark.media
@pytest.mark.parametrize("name", ["ax_sample_with_invalid_nalu.mp4", "de_corrupted.mp4", "mb_annex-b.mp4"])
def test_damaged_files_give_the_same_times_with_any_number_of_threads(media: Path, name: str) -> None:
    def read(threads: int) -> list[int]:
        with open_video(media / "odd" / name, threads=threads) as reader:
            return [frame.pts for frame in reader]

    assert read(4) == read(1)


@pytest.mark.media
def test_every_odd_file_gives_frames_or_one_clear_error(media: Path) -> None:
    """Nothing but a ClipkitError may come out of any file, and times must rise from 0 to the duration."""
    n_read, refused = 0, []
    for path in sorted((media / "odd").iterdir()):
        try:
            with open_video(path, threads=2) as reader:
                info = reader.info
                times_s = [frame.time_s for frame, _ in zip(reader, range(4), strict=False)]
                late_s = reader.frame_at(1.0).time_s if reader.video.coded_width < 1280 else 0.0
            sound = read_audio(path, rate_hz=8000, channels=1, end_s=min(info.duration_s, 1.0))
        except ClipkitError as error:
            refused.append((path, error))
            continue
        assert times_s[0] == 0.0, path.name
        assert times_s == sorted(set(times_s)), path.name
        assert 0.0 <= late_s < info.duration_s, path.name
        assert np.isfinite(sound).all(), path.name
        assert info.duration_s < 400, path.name
        n_read += 1
    assert n_read >= 60
    assert len(refused) >= 14
    for path, error in refused:
        assert error.code.startswith("input.")
        assert str(path) in error.message


@pytest.mark.media
@pytest.mark.parametrize(
    ("name", "duration_s", "n_frames"),
    [
        ("ax_sample_fragmented.mp4", 1.001, 30),
        ("mb_edts.mp4", 9.0, 225),
        ("mp_no_duration.webm", 4.938, 74),
        ("mb_cursed-vfr.mp4", 8.7255, 63),
    ],
)
def test_real_files_with_false_headers_have_their_true_length(
    media: Path, name: str, duration_s: float, n_frames: int
) -> None:
    with open_video(media / "odd" / name, threads=2) as reader:
        assert reader.info.duration_s == pytest.approx(duration_s, abs=0.002)
        assert sum(1 for _ in reader) == n_frames


def test_without_the_loop_filter_times_stay_and_pictures_hardly_change(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    grain = rng.integers(0, 80, (8, 96, 128, 1), np.uint8).repeat(3, axis=3)
    write_video(tmp_path / "grain.mp4", [np.roll(grain[i % 8], i, axis=1) for i in range(24)], frame_rate=25, crf=38)

    with open_video(tmp_path / "grain.mp4") as full, open_video(tmp_path / "grain.mp4", loop_filter=False) as skipped:
        pairs = list(zip(full, skipped, strict=True))

    steps = [
        np.abs(one.planes[0].samples.astype(int) - other.planes[0].samples.astype(int)).mean() for one, other in pairs
    ]
    assert [one.pts for one, _ in pairs] == [other.pts for _, other in pairs]
    assert 0.0 < max(steps) < 4.0


def test_decord_is_not_asked_to_skip_the_loop_filter() -> None:
    with pytest.raises(ValueError, match=r"source\.loop_filter must be full with source\.reader decord, got skip"):
        SourceParams(reader="decord", loop_filter="skip")
