"""Small videos that are hard to read right, made in code; every picture carries its number.

``make(name, folder)`` writes the one called `name`; ``NAMES`` lists them.  The picture number
stands in eight black or white blocks, so it survives coding, scaling and rotation.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from clipkit.media.child import ffmpeg_path

WIDTH, HEIGHT = 96, 64
RATE_HZ = 48_000


def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """Return an RGB picture: its number in 4 x 2 blocks in the upper half, red left and blue right below."""
    image = np.zeros((height, width, 3), np.uint8)
    for bit in range(8):
        row, column = divmod(bit, 4)
        rows = slice(row * height // 4, (row + 1) * height // 4)
        columns = slice(column * width // 4, (column + 1) * width // 4)
        image[rows, columns] = 235 if number >> bit & 1 else 20
    image[height // 2 :, : width // 2] = (200, 30, 30)
    image[height // 2 :, width // 2 :] = (30, 30, 200)
    return image


def read_number(image: NDArray[np.uint8]) -> int:
    """Return the number in a picture as displayed, RGB or luma."""
    luma = image.mean(axis=2) if image.ndim == 3 else image
    height, width = luma.shape
    number = 0
    for bit in range(8):
        row, column = divmod(bit, 4)
        y, x = (2 * row + 1) * height // 8, (2 * column + 1) * width // 8
        number |= int(luma[y - 1 : y + 2, x - 1 : x + 2].mean() > 128) << bit
    return number


def click(n_samples: int, times_s: Sequence[float]) -> NDArray[np.float32]:
    """Return stereo silence with a click of 2 ms at each of the times."""
    samples = np.zeros((n_samples, 2), np.float32)
    for time_s in times_s:
        begin = round(time_s * RATE_HZ)
        samples[begin : begin + RATE_HZ // 500] = 0.8
    return samples


def tone(n_samples: int, frequency_hz: float = 440.0) -> NDArray[np.float32]:
    """Return a stereo tone, full scale 0.5."""
    wave = 0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(n_samples) / RATE_HZ)
    return np.repeat(wave[:, None], 2, axis=1).astype(np.float32)


def write(
    path: Path,
    ticks: Sequence[int],
    time_base: Fraction = Fraction(1, 25),
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    options: dict[str, str] | None = None,
    clockwise: int = 0,
    mirrored: bool = False,
    samples: NDArray[np.float32] | None = None,
    sound_start_s: float = 0.0,
) -> Path:
    """Write numbered pictures with the given time stamps, and sound.

    A display matrix asks players to mirror and then to turn the stored pictures clockwise; they
    are stored so that what is displayed stands upright.
    """
    defaults = {"crf": "12", "preset": "veryfast", "threads": "1"} if codec == "libx264" else {}
    with av.open(str(path), "w") as output:
        video: Any = output.add_stream(codec, rate=25, options={**defaults, **(options or {})})
        video.pix_fmt = pix_fmt
        video.width, video.height = size if clockwise % 180 == 0 else size[::-1]
        video.time_base = video.codec_context.time_base = time_base
        if clockwise or mirrored:
            # PyAV turns first and mirrors then, so the turn goes the other way.
            video.set_display_rotation(clockwise if mirrored else -clockwise, hflip=mirrored)
        sound: Any = output.add_stream("aac", rate=RATE_HZ, layout="stereo") if samples is not None else None
        for number, tick in enumerate(ticks):
            stored = np.rot90(picture(number, *size), clockwise // 90)
            stored = np.ascontiguousarray(stored[:, ::-1] if mirrored else stored)
            frame = av.VideoFrame.from_ndarray(stored)
            frame.pts, frame.time_base = tick, time_base
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if samples is not None:
            for packet in _sound_packets(sound, samples, sound_start_s):
                output.mux(packet)
        if not ticks:
            output.start_encoding()
    return path


def _sound_packets(stream: Any, samples: NDArray[np.float32], start_s: float) -> Iterator[Any]:
    for begin in range(0, len(samples), 1024):
        block = np.ascontiguousarray(samples[begin : begin + 1024].T)
        frame = av.AudioFrame.from_ndarray(block, "fltp", "stereo")
        frame.sample_rate, frame.time_base = RATE_HZ, Fraction(1, RATE_HZ)
        frame.pts = begin + round(start_s * RATE_HZ)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _cfr(path: Path, n_frames: int = 50, **how: Any) -> Path:
    return write(path, range(n_frames), **how)


def _ntsc(path: Path) -> Path:
    return write(path, [1001 * i for i in range(45)], Fraction(1, 30000))


def _variable(path: Path) -> Path:
    gaps = [40, 40, 300, 7, 33, 90, 1200, 5, 40, 61]
    return write(path, [0, *np.cumsum(gaps * 4).tolist()], Fraction(1, 1000))


def _cut_copy(path: Path) -> Path:
    """Cut off 0.7 s without coding again: an edit list hides the pictures since the last key frame."""
    whole = _cfr(path.with_name(f"whole_{path.name}"), 75, options={"g": "25", "bf": "2", "sc_threshold": "0"})
    _ffmpeg("-ss", "0.7", "-i", str(whole), "-c", "copy", str(path))
    return path


def _cut_off(path: Path) -> Path:
    """Lose the second half of a file whose index stands first."""
    whole = _cfr(path.with_name(f"whole_{path.name}"), 100, options={"g": "10"})
    _ffmpeg("-i", str(whole), "-c", "copy", "-movflags", "+faststart", str(path))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def _damaged(path: Path) -> Path:
    """Overwrite a stretch in the middle."""
    whole = bytearray(_cfr(path, 100, options={"g": "10", "sc_threshold": "0"}).read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 1500] = bytes(range(250)) * 6
    path.write_bytes(whole)
    return path


def _size_change(path: Path) -> Path:
    first = write(path.with_name("first.ts"), range(25), options={"bf": "0"})
    second = write(path.with_name("second.ts"), range(25, 50), size=(128, 96), options={"bf": "0"})
    path.write_bytes(first.read_bytes() + second.read_bytes())
    return path


def _glued(path: Path) -> Path:
    """Append a recording to itself: its times begin anew."""
    once = write(path.with_name("once.ts"), range(50), options={"bf": "0"}).read_bytes()
    path.write_bytes(once + once)
    return path


def _cover(path: Path) -> Path:
    """Add a cover picture that is larger than the video."""
    video = _cfr(path.with_name("video.mkv"), 10)
    cover = write(path.with_name("picture.mkv"), [0], codec="mjpeg", pix_fmt="yuvj420p", size=(192, 128))
    maps = ("-map", "1:v", "-map", "0:v", "-c", "copy", "-disposition:v:0", "attached_pic")
    _ffmpeg("-i", str(video), "-i", str(cover), *maps, str(path))
    return path


def _bomb(path: Path) -> Path:
    """Claim a picture of four billion pixels in the header of a few kilobytes."""
    content = bytearray(_cfr(path, 2, codec="gif", pix_fmt="rgb8").read_bytes())
    content[6:10] = struct.pack("<HH", 65535, 65535)
    path.write_bytes(content)
    return path


def _sound_only(path: Path) -> Path:
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("aac", rate=RATE_HZ, layout="stereo")
        for packet in _sound_packets(stream, tone(RATE_HZ), 0.0):
            output.mux(packet)
    return path


def _text(content: str) -> Callable[[Path], Path]:
    def maker(path: Path) -> Path:
        secret = write(path.with_name("secret.ts"), range(25))
        path.write_text(content.format(secret=secret.name), encoding="utf-8")
        return path

    return maker


def _ffmpeg(*arguments: str) -> None:
    subprocess.run([ffmpeg_path(), "-v", "error", "-y", *arguments], check=True, stdin=subprocess.DEVNULL)


_LONG_GOP = {"g": "250", "bf": "3", "sc_threshold": "0", "b_strategy": "0"}
_HLS = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n"
_DASH = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S">'
    '<Period><AdaptationSet><Representation id="1" mimeType="video/mp2t" bandwidth="9"><BaseURL>{secret}</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>"
)

# Each holds 50 pictures at 25 a second unless its maker says otherwise.
_MAKERS: dict[str, Callable[[Path], Path]] = {
    "cfr25.mp4": lambda path: _cfr(path, samples=tone(2 * RATE_HZ)),
    "ntsc.mp4": _ntsc,
    "variable.mp4": _variable,
    "b_frames.mkv": lambda path: _cfr(path, options=_LONG_GOP),
    "key_frames.mp4": lambda path: _cfr(path, 100, options={"g": "10", "bf": "2", "sc_threshold": "0"}),
    "long_gop.ts": lambda path: _cfr(path, 100, options={**_LONG_GOP, "g": "48"}),
    "late_start.mp4": lambda path: write(path, range(20, 70), samples=tone(3 * RATE_HZ)),
    "b_frames.avi": lambda path: _cfr(path, options={"bf": "2"}),
    "turned_90.mp4": lambda path: _cfr(path, 5, clockwise=90),
    "turned_180.mp4": lambda path: _cfr(path, 5, clockwise=180),
    "turned_270.mp4": lambda path: _cfr(path, 5, clockwise=270),
    "mirrored.mp4": lambda path: _cfr(path, 5, mirrored=True),
    "mirrored_90.mp4": lambda path: _cfr(path, 5, clockwise=90, mirrored=True),
    "mirrored_270.mp4": lambda path: _cfr(path, 5, clockwise=270, mirrored=True),
    "odd_size.mkv": lambda path: _cfr(path, size=(95, 63), pix_fmt="yuv444p"),
    "odd_size_vp9.webm": lambda path: _cfr(path, 10, size=(95, 63), codec="libvpx-vp9"),
    "no_sound.mp4": _cfr,
    "late_sound.mp4": lambda path: _cfr(path, samples=click(RATE_HZ, [0.5]), sound_start_s=0.4),
    "short_sound.mp4": lambda path: _cfr(path, samples=tone(RATE_HZ // 2)),
    "sound_only.m4a": _sound_only,
    "cut_copy.mp4": _cut_copy,
    "cut_off.mp4": _cut_off,
    "damaged.mp4": _damaged,
    "size_change.ts": _size_change,
    "glued.ts": _glued,
    "cover.mp4": _cover,
    "ten_bit.mkv": lambda path: _cfr(path, 10, pix_fmt="yuv420p10le"),
    "full_chroma.mkv": lambda path: _cfr(path, 10, pix_fmt="yuv444p"),
    "half_chroma.mkv": lambda path: _cfr(path, 10, pix_fmt="yuv422p"),
    "gray.mkv": lambda path: _cfr(path, 10, pix_fmt="gray"),
    "animation.gif": lambda path: _cfr(path, 10, codec="gif", pix_fmt="rgb8"),
    "no_pictures.mkv": lambda path: write(path, []),
    "bomb.gif": _bomb,
    "hls.mp4": _text(_HLS),
    "dash.mp4": _text(_DASH),
    "ffconcat.mp4": _text("ffconcat version 1.0\nfile {secret}\n"),
    "text.mp4": _text("not a video"),
}
NAMES = tuple(_MAKERS)


def make(name: str, folder: Path) -> Path:
    """Write the hazard called `name` into a folder of its own below `folder`, once."""
    path = folder / name.replace(".", "_") / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _MAKERS[name](path)
    return path
