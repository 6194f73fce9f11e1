"""Finished files: in step, tagged, repeatable, whole or not there at all."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import psutil
import pytest
from hazards import HEIGHT, RATE_HZ, WIDTH, picture, read_number, tone

import clipkit
from clipkit.errors import RenderError, ResourceError
from clipkit.media.audio import read_audio
from clipkit.media.child import ffmpeg_path
from clipkit.media.probe import probe, require_video
from clipkit.media.reader import open_video
from clipkit.media.writer import FrameEncoder, encode_audio, escape_filter, write_video

# x264 at crf 12 and chroma at half size
COLOUR_LEVELS = 4


def pictures(n_frames: int) -> Iterator[np.ndarray]:
    return (picture(number) for number in range(n_frames))


def gray(level: int = 128, width: int = WIDTH, height: int = HEIGHT) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    chroma = np.full((height // 2, width // 2), 128, np.uint8)
    return np.full((height, width), level, np.uint8), chroma, chroma


def encoder(path: Path, **how: object) -> FrameEncoder:
    settings = {"width": WIDTH, "height": HEIGHT, "frame_rate": Fraction(25), "threads": 1, **how}
    return FrameEncoder(path, **settings)  # type: ignore[arg-type]


def numbers(path: Path) -> list[int]:
    with open_video(path) as reader:
        return [read_number(frame.rgb()) for frame in reader]


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(60)])
def test_every_picture_is_there_at_a_constant_rate(tmp_path: Path, rate: Fraction) -> None:
    write_video(tmp_path / "a.mp4", pictures(40), frame_rate=rate)

    video = require_video(tmp_path / "a.mp4").video
    assert video is not None
    assert video.frame_rate == rate
    assert not video.is_variable_rate
    assert numbers(tmp_path / "a.mp4") == list(range(40))


def test_a_file_is_high_profile_bt709_limited_range_and_tagged_so(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", pictures(5), frame_rate=25)

    info = require_video(tmp_path / "a.mp4")
    assert info.video is not None
    assert info.video.pix_fmt == "yuv420p"
    assert (info.video.color_space, info.video.color_primaries, info.video.color_transfer) == ("bt709",) * 3
    assert info.video.color_range == "tv"
    import av

    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.video[0].codec_context.profile == "High"
        assert "creation_time" not in container.metadata


def test_the_index_stands_before_the_pictures(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", pictures(30), frame_rate=25, samples=tone(RATE_HZ))

    content = (tmp_path / "a.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_key_frames_come_as_often_as_asked(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", (gray()[0][..., None].repeat(3, 2) for _ in range(60)), frame_rate=25, gop_s=0.8)

    with open_video(tmp_path / "a.mp4") as reader:
        keys = [index for index, frame in enumerate(reader) if frame.is_key]
    assert keys == [0, 20, 40]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / name, pictures(30), frame_rate=25, samples=tone(RATE_HZ), threads=2)

    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


@pytest.mark.parametrize("rate_hz", [48_000, 44_100])
def test_a_flash_and_a_click_stay_together(tmp_path: Path, rate_hz: int) -> None:
    """Measured on the finished file, by our reader and by another decoder."""
    flashes = (25, 50)
    samples = np.zeros((3 * rate_hz, 2), np.float32)
    for number in flashes:
        begin = number * rate_hz // 25
        samples[begin : begin + rate_hz // 500] = 0.8
    frames = (gray(235 if number in flashes else 16) for number in range(75))
    write_video(tmp_path / "a.mp4", frames, frame_rate=25, samples=samples, rate_hz=rate_hz)

    with open_video(tmp_path / "a.mp4") as reader:
        seen_s = [frame.time_s for frame in reader if frame.planes[0].samples.mean() > 100]
    heard = read_audio(tmp_path / "a.mp4", rate_hz=rate_hz, channels=2)
    command = [ffmpeg_path(), "-v", "error", "-i", str(tmp_path / "a.mp4"), "-map", "0:a", "-f", "f32le", "pipe:1"]
    raw = subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout
    by_ffmpeg = np.frombuffer(raw, np.float32).reshape(-1, 2)

    assert seen_s == [1.0, 2.0]
    for sound in (heard, by_ffmpeg):
        for time_s in seen_s:
            around = np.abs(sound[round((time_s - 0.2) * rate_hz) : round((time_s + 0.2) * rate_hz), 0])
            first_s = time_s - 0.2 + np.flatnonzero(around > 0.3)[0] / rate_hz
            assert first_s == pytest.approx(time_s, abs=0.002)
    assert probe(tmp_path / "a.mp4").audio[0].start_s == pytest.approx(0.0, abs=0.002)


def test_sound_is_as_long_and_as_loud_as_it_was(tmp_path: Path) -> None:
    samples = tone(RATE_HZ + 777)
    encode_audio(samples, tmp_path / "a.m4a", rate_hz=RATE_HZ)

    info = probe(tmp_path / "a.m4a")
    heard = read_audio(tmp_path / "a.m4a", rate_hz=RATE_HZ, channels=2, end_s=len(samples) / RATE_HZ)
    assert info.duration_s == pytest.approx(len(samples) / RATE_HZ, abs=0.022)
    assert info.audio[0].codec == "aac"
    np.testing.assert_allclose(heard[2000:-2000], samples[2000:-2000], atol=0.02)


@pytest.mark.parametrize(
    ("matrix", "is_full_range"),
    [("bt709", False), ("bt601", False), ("bt601", True), ("bt709", True), ("bt2020", False)],
)
def test_other_colours_are_converted_to_bt709(tmp_path: Path, matrix: str, is_full_range: bool) -> None:
    import av
    from av.video.reformatter import ColorRange, Colorspace

    spaces = {"bt709": Colorspace.ITU709, "bt601": Colorspace.ITU601, "bt2020": Colorspace.BT2020}
    source = av.VideoFrame.from_ndarray(picture(0)).reformat(
        format="yuv420p",
        src_colorspace=spaces[matrix],
        dst_colorspace=spaces[matrix],
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.JPEG if is_full_range else ColorRange.MPEG,
    )
    planes = [np.frombuffer(p, np.uint8).reshape(p.height, p.line_size)[:, : p.width] for p in source.planes]
    with encoder(tmp_path / "a.mp4", matrix=matrix, is_full_range=is_full_range, crf=5) as out:
        for _ in range(3):
            out.write(*planes)

    with open_video(tmp_path / "a.mp4") as reader:
        shown = reader.frame_at(0.0).rgb()
    assert reader.video.color_space == "bt709"
    assert shown[56, 24].tolist() == pytest.approx([200, 30, 30], abs=COLOUR_LEVELS)
    assert shown[56, 72].tolist() == pytest.approx([30, 30, 200], abs=COLOUR_LEVELS)
    assert shown[8, 12].tolist() == pytest.approx([20, 20, 20], abs=COLOUR_LEVELS)


@pytest.fixture
def fonts_dir() -> Path:
    return Path(clipkit.__file__).parent / "output" / "fonts"


ASS = """[Script Info]
ScriptType: v4.00+
PlayResX: 96
PlayResY: 64

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Alignment
Style: Default,DejaVu Sans,30,&H00FFFFFF,5

[Events]
Format: Layer, Start, End, Style, Text
Dialogue: 0,0:00:00.40,0:00:00.80,Default,HMH
"""


@pytest.mark.parametrize("name", ["plain", 'it\'s [a], b; c:d = "e" \\f', "leading ' and trailing '", "100%{x}"])
def test_captions_are_burned_in_whatever_the_path_is_called(tmp_path: Path, fonts_dir: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    fonts = folder / "fonts: [all], 'mine'"
    fonts.symlink_to(fonts_dir, target_is_directory=True)
    (folder / f"{name}.ass").write_text(ASS)

    with encoder(folder / "a.mp4", captions_path=folder / f"{name}.ass", fonts_dir=fonts) as out:
        for _ in range(25):
            out.write(*gray(16))

    with open_video(folder / "a.mp4") as reader:
        bright = [frame.time_s for frame in reader if frame.rgb().max() > 180]
    assert bright == pytest.approx([number / 25 for number in range(10, 20)])


def test_captions_without_fonts_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fonts_dir"):
        encoder(tmp_path / "a.mp4", captions_path=tmp_path / "a.ass")


def test_a_path_is_escaped_for_the_filter_and_for_the_graph() -> None:
    assert escape_filter("plain/path.ass") == "plain/path.ass"
    assert escape_filter("a:b") == r"a\\:b"
    assert escape_filter("a,b") == r"a\,b"


def test_nothing_but_the_finished_file_is_left(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", pictures(5), frame_rate=25, samples=tone(RATE_HZ // 5))

    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_an_exception_in_the_block_stops_the_encoder_and_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"the one before")

    with pytest.raises(KeyboardInterrupt), encoder(tmp_path / "a.mp4") as out:  # noqa: PT012
        out.write(*gray())
        child = psutil.Process(out.pid)
        raise KeyboardInterrupt

    assert not child.is_running()
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_bytes() == b"the one before"


def test_an_encoder_that_is_killed_is_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"killed by signal 9") as caught, encoder(tmp_path / "a.mp4") as out:  # noqa: PT012
        out.write(*gray())
        os.kill(out.pid, signal.SIGKILL)
        for _ in range(2000):
            out.write(*gray())

    assert caught.value.code == "render.encoder_failed"
    assert caught.value.retry == "later"
    assert list(tmp_path.iterdir()) == []


def test_the_last_message_of_the_encoder_is_the_reason(tmp_path: Path) -> None:
    (tmp_path / "not sound.m4a").write_text("no sound at all")

    out = encoder(tmp_path / "a.mp4", audio_path=tmp_path / "not sound.m4a")
    with pytest.raises(RenderError, match=r"Invalid data.*not sound\.m4a") as caught, out:  # noqa: PT012
        for _ in range(500):
            out.write(*gray())

    assert caught.value.retry == "never"
    assert "0x" not in caught.value.message
    assert [path.name for path in tmp_path.iterdir()] == ["not sound.m4a"]


def test_a_full_disk_is_said_and_leaves_no_file(tmp_path: Path, rng: np.random.Generator) -> None:
    with pytest.raises(ResourceError, match=r"disk") as caught, encoder(tmp_path / "a.mp4", crf=1) as out:  # noqa: PT012
        resource.prlimit(out.pid, resource.RLIMIT_FSIZE, (100_000, 100_000))
        for _ in range(400):
            noise = rng.integers(0, 255, (HEIGHT, WIDTH), dtype=np.uint8)
            out.write(noise, *gray()[1:])

    assert caught.value.code == "resource.disk_full"
    assert caught.value.retry == "later"
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RenderError) as caught, encoder(tmp_path / "a.mp4"):
        pass

    assert caught.value.code in ("render.no_frames", "render.encoder_failed")
    with pytest.raises(RenderError, match="no picture"):
        write_video(tmp_path / "b.mp4", [], frame_rate=25)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("width", "height"), [(95, 64), (96, 63), (0, 64)])
def test_odd_sizes_are_refused(tmp_path: Path, width: int, height: int) -> None:
    with pytest.raises(ValueError, match="even"):
        encoder(tmp_path / "a.mp4", width=width, height=height)


def test_planes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="planes must fit 96x64"), encoder(tmp_path / "a.mp4") as out:
        out.write(*gray(width=64))


def test_planes_may_be_cut_out_of_larger_ones(tmp_path: Path) -> None:
    wide = np.zeros((HEIGHT, WIDTH + 32), np.uint8)
    luma = np.asarray(picture(77)[..., 0])
    wide[:, :WIDTH] = luma
    with encoder(tmp_path / "a.mp4") as out:
        for _ in range(3):
            out.write(wide[:, :WIDTH], *gray()[1:])

    assert numbers(tmp_path / "a.mp4") == [77, 77, 77]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills the children of the dead")
def test_the_encoder_dies_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from fractions import Fraction\n"
        "from clipkit.media.writer import FrameEncoder\n"
        "out = FrameEncoder(sys.argv[1], width=64, height=64, frame_rate=Fraction(25)).__enter__()\n"
        "print(out.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "a.mp4")], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        parent.wait()

    gone, _ = psutil.wait_procs([child], timeout=10)
    assert gone or child.status() == psutil.STATUS_ZOMBIE
