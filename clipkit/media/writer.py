"""Files out: H.264 and AAC in MP4 through the ffmpeg program that imageio-ffmpeg brings.

Conventions
-----------
Every file is High profile 8-bit 4:2:0, BT.709 limited range and tagged so, constant frame
rate, closed groups of pictures, index first.  The same input gives the same bytes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import ArrayLike, NDArray

from clipkit.errors import RenderError
from clipkit.media.child import FileEncoder
from clipkit.media.colors import Recoloring
from clipkit.media.probe import probe, require_video

_BITEXACT = ("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact")
_TAGS = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
# Lips and sound may be this far apart (seconds); half of one AAC frame.
_MAX_OFFSET_S = 0.01
_AUDIO_BLOCK = 1 << 16
# An AAC encoder puts this many samples before the first one; an edit list tells players to skip them.
AAC_PRIMING = 1024


class FrameEncoder:
    """Write raw pictures, one after another, into an MP4 file; a context manager.

    Leaving the ``with`` block checks the file and gives it its name.  An exception inside the
    block stops the encoder and leaves no file.

    Parameters
    ----------
    path : path-like
        The finished file.
    width, height : int
        Even, pixels.
    frame_rate : Fraction
        Frames a second, constant.
    audio_path : path-like, optional
        A file of :func:`encode_audio`; its stream is copied.
    captions_path : path-like, optional
        An ``.ass`` file to burn in.
    fonts_dir : path-like, optional
        Where the fonts of the captions lie.  Needed with `captions_path`: without fonts ffmpeg burns in nothing.
    matrix : {"bt709", "bt601", "bt2020"}, optional
        Colour matrix of the pictures that are written; converted to BT.709.
    is_full_range : bool, optional
        Whether their luma runs over 0..255; converted to 16..235.
    crf : int, optional
        x264 quality.
    preset : str, optional
        x264 effort.
    gop_s : float, optional
        Longest time between key frames, seconds.
    max_bitrate : int, optional
        Bits a second of the picture over one second; no limit by default.
    threads : int, optional
        Encoder threads; the bytes depend on it.
    edit_list : bool, optional
        Whether an edit list may say where picture and sound begin.  Without one there are no B-frames, which would
        be late, and the sound begins with the :data:`AAC_PRIMING` samples of its encoder.
    kept : str, optional
        ffmpeg's expression, over the number ``n`` of a picture, that is not 0 for those to keep; what is left
        out leaves a gap in time, so that the rate varies.

    Raises
    ------
    RenderError
        ``render.encoder_failed``, ``render.no_frames``, ``render.wrong_file``.
    ResourceError
        ``resource.disk_full``, ``resource.no_encoder``.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        width: int,
        height: int,
        frame_rate: Fraction,
        audio_path: str | os.PathLike[str] | None = None,
        captions_path: str | os.PathLike[str] | None = None,
        fonts_dir: str | os.PathLike[str] | None = None,
        matrix: str = "bt709",
        is_full_range: bool = False,
        crf: int = 20,
        preset: str = "veryfast",
        gop_s: float = 2.0,
        max_bitrate: int | None = None,
        threads: int = 2,
        edit_list: bool = True,
        kept: str | None = None,
    ) -> None:
        if width % 2 or height % 2 or width < 2 or height < 2:
            message = f"width and height must be even, got {width}x{height}"
            raise ValueError(message)
        if captions_path is not None and fonts_dir is None:
            message = "captions_path needs fonts_dir"
            raise ValueError(message)
        self._size = (width, height)
        self._frame_rate = Fraction(frame_rate)
        self._has_audio = audio_path is not None
        self._path = Path(path)
        self.n_frames = 0
        key_interval = max(1, round(gop_s * self._frame_rate))
        is_as_written = matrix == "bt709" and not is_full_range
        self._recoloring = None if is_as_written else Recoloring(matrix, is_full_range=is_full_range)
        filters = [f"select='{kept}'"] if kept else []
        if captions_path is not None:
            filters.append(f"ass=filename={escape_filter(captions_path)}:fontsdir={escape_filter(fonts_dir)}")
        arguments = [
            *("-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", f"{width}x{height}"),
            *("-framerate", str(self._frame_rate), "-i", "pipe:0"),
            # Otherwise the sound would begin before 0 and push the picture back by as much.
            *(("-ignore_editlist", "1") if audio_path is not None and not edit_list else ()),
            *(("-i", f"file:{audio_path}") if audio_path is not None else ()),
            *("-map", "0:v:0", *(("-map", "1:a:0", "-c:a", "copy") if audio_path is not None else ())),
            *("-vf", ",".join([*filters, _TAGS, "format=yuv420p"])),
            *("-c:v", "libx264", "-profile:v", "high", "-preset", preset, "-crf", str(crf)),
            *("-bf", "2" if edit_list else "0"),
            *("-x264-params", f"keyint={key_interval}:open-gop=0", "-threads", str(threads)),
            *("-fps_mode", "vfr" if kept else "cfr"),
            *(("-maxrate", str(max_bitrate), "-bufsize", str(max_bitrate)) if max_bitrate else ()),
            *("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv"),
            *_BITEXACT,
            *("-movflags", "+faststart", "-use_editlist", str(int(edit_list)), "-f", "mp4"),
        ]
        self._encoder = FileEncoder(arguments, self._path, self._check)

    @property
    def pid(self) -> int:
        """Process id of the encoder."""
        return self._encoder.pid

    def write(self, y: NDArray[np.uint8], u: NDArray[np.uint8], v: NDArray[np.uint8]) -> None:
        """Write one picture.

        Parameters
        ----------
        y : ndarray of uint8, shape (height, width)
        u, v : ndarray of uint8, shape (height / 2, width / 2)
        """
        width, height = self._size
        if y.shape != (height, width) or u.shape != (height // 2, width // 2) or v.shape != u.shape:
            message = f"planes must fit {width}x{height}, got {y.shape}, {u.shape}, {v.shape}"
            raise ValueError(message)
        planes = tuple(np.ascontiguousarray(plane, np.uint8) for plane in (y, u, v))
        for plane in self._recoloring.picture(*planes) if self._recoloring else planes:
            self._encoder.write(plane.data)
        self.n_frames += 1

    def __enter__(self) -> Self:
        self._encoder.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._encoder.__exit__(*error)

    def _check(self, part: Path) -> None:
        if self.n_frames == 0:
            message = f"{self._path}: no picture was written."
            raise RenderError(message, code="render.no_frames")
        info = require_video(part)
        assert info.video is not None
        expected_s = self.n_frames / self._frame_rate
        problems = []
        if (info.video.coded_width, info.video.coded_height) != self._size:
            problems.append(f"{info.video.coded_width}x{info.video.coded_height} pixels")
        if abs(info.duration_s - expected_s) > 1.5 / self._frame_rate:
            problems.append(f"{info.duration_s:.3f} s of picture, not {float(expected_s):.3f}")
        if len(info.audio) != self._has_audio:
            problems.append(f"{len(info.audio)} audio tracks")
        if any(abs(audio.start_s) > _MAX_OFFSET_S for audio in info.audio):
            problems.append(f"sound begins at {info.audio[0].start_s:.3f} s")
        if problems:
            message = f"{self._path}: the encoded file is not as asked ({', '.join(problems)}). Render it again."
            raise RenderError(message, code="render.wrong_file", retry="later")


def encode_audio(samples: ArrayLike, path: str | os.PathLike[str], *, rate_hz: int, bitrate: int = 192_000) -> None:
    """Write sound as AAC-LC in an ``.m4a`` file.

    Parameters
    ----------
    samples : array_like of float32, shape (n_samples, channels)
        Full scale is 1.
    path : path-like
        The finished file.
    rate_hz : int
        Samples a second.
    bitrate : int, optional
        Bits a second.

    Raises
    ------
    RenderError, ResourceError
        Those of :class:`clipkit.media.child.FileEncoder`, and ``render.wrong_file``.
    """
    sound = np.ascontiguousarray(samples, np.float32)
    if sound.ndim != 2 or len(sound) == 0:
        message = f"samples must have shape (n_samples > 0, channels), got {sound.shape}"
        raise ValueError(message)

    def check(part: Path) -> None:
        duration_s = probe(part).duration_s
        if abs(duration_s - len(sound) / rate_hz) > 0.1:
            message = f"{path}: {len(sound) / rate_hz:.3f} s of sound became {duration_s:.3f} s. Render it again."
            raise RenderError(message, code="render.wrong_file", retry="later")

    arguments = [
        *("-f", "f32le", "-ar", str(rate_hz), "-ac", str(sound.shape[1]), "-i", "pipe:0"),
        *("-c:a", "aac", "-b:a", str(bitrate), "-flags:a", "+bitexact", *_BITEXACT, "-f", "ipod"),
    ]
    with FileEncoder(arguments, Path(path), check) as encoder:
        for begin in range(0, len(sound), _AUDIO_BLOCK):
            encoder.write(sound[begin : begin + _AUDIO_BLOCK].data)


def write_video(
    path: str | os.PathLike[str],
    frames: Iterable[NDArray[np.uint8] | Sequence[NDArray[np.uint8]]],
    *,
    frame_rate: Fraction | int,
    samples: ArrayLike | None = None,
    rate_hz: int = 48_000,
    crf: int = 20,
    preset: str = "veryfast",
    gop_s: float = 2.0,
    threads: int = 2,
    kept: str | None = None,
) -> None:
    """Write pictures and sound as one MP4 file.

    Parameters
    ----------
    path : path-like
        The finished file.
    frames : iterable of ndarray of uint8, shape (height, width, 3), or of (y, u, v)
        RGB, or planes as :meth:`FrameEncoder.write` takes them.  All of one even size.
    frame_rate : Fraction
        Frames a second.
    samples : array_like of float32, shape (n_samples, channels), optional
        The sound.
    rate_hz : int, optional
        Samples a second of the sound.
    crf, preset, gop_s, threads, kept
        As for :class:`FrameEncoder`.
    """
    path = Path(path)
    audio_path = path.with_name(f"{path.name}.m4a") if samples is not None else None
    try:
        if samples is not None and audio_path is not None:
            encode_audio(samples, audio_path, rate_hz=rate_hz)
        pictures = (_planes(frame) for frame in frames)
        first = next(pictures, None)
        if first is None:
            message = f"{path}: no picture was written."
            raise RenderError(message, code="render.no_frames")
        height, width = first[0].shape
        encoder = FrameEncoder(
            path,
            width=width,
            height=height,
            frame_rate=Fraction(frame_rate),
            audio_path=audio_path,
            crf=crf,
            preset=preset,
            gop_s=gop_s,
            threads=threads,
            kept=kept,
        )
        with encoder:
            encoder.write(*first)
            for picture in pictures:
                encoder.write(*picture)
    finally:
        if audio_path is not None:
            audio_path.unlink(missing_ok=True)


def escape_filter(path: str | os.PathLike[str] | None) -> str:
    r"""Return a path as an option value inside a filter graph: escaped once for the filter, once for the graph.

    Examples
    --------
    >>> escape_filter("C:/it's, [1].ass")
    "C\\\\:/it\\\\\\'s\\, \\[1\\].ass"
    """
    value = re.sub(r"([\\':])", r"\\\1", str(path))
    return re.sub(r"([\\'\[\],;])", r"\\\1", value)


def _planes(frame: NDArray[np.uint8] | Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.uint8], ...]:
    if not isinstance(frame, np.ndarray):
        return tuple(frame)
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24").reformat(
        format="yuv420p",
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
    )
    planes: Any = picture.planes  # PyAV's annotations do not say that planes are buffers
    return tuple(
        np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width] for plane in planes
    )
