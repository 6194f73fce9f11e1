"""What a file holds, as plain values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

UNKNOWN = "unknown"


@dataclass(frozen=True)
class VideoInfo:
    """The video stream that is used.

    Parameters
    ----------
    index : int
        Index of the stream in the file.
    codec : str
        Name of the codec, such as ``h264``.
    coded_width, coded_height : int
        Size of a decoded picture, pixels.
    width, height : int
        Size as displayed: after rotation, with square pixels.
    rotation : int
        Degrees clockwise to apply for display: 0, 90, 180 or 270.
    mirrored : bool
        Whether the picture is mirrored left to right before it is rotated.
    sample_aspect : Fraction
        Width of a pixel over its height, as decoded.
    frame_rate : Fraction
        Frames a second on average; exact for constant rates only.
    is_variable_rate : bool
        Whether frames stay on screen for different times.
    time_base : Fraction
        Seconds a tick.
    start_pts : int
        Tick of the first displayed frame, which is time 0.
    decode_delay : int
        Ticks by which the decoder's output is late where the container has no presentation times (AVI), else 0.
    pix_fmt, color_space, color_range, color_transfer, color_primaries : str
        As tagged in the stream, in ffmpeg's names, ``unknown`` where untagged.
    is_hdr : bool
        Whether the transfer is PQ or HLG.
    peak_nits : float or None
        The brightest light that the stream states for itself, cd/m2; None where it states none.
    is_interlaced : bool
        Whether the first frame is made of two fields.
    """

    index: int
    codec: str
    coded_width: int
    coded_height: int
    width: int
    height: int
    rotation: int
    mirrored: bool
    sample_aspect: Fraction
    frame_rate: Fraction
    is_variable_rate: bool
    time_base: Fraction
    start_pts: int
    decode_delay: int
    pix_fmt: str
    color_space: str
    color_range: str
    color_transfer: str
    color_primaries: str
    is_hdr: bool
    peak_nits: float | None
    is_interlaced: bool

    @property
    def matrix(self) -> str:
        """Colour matrix of the planes: ``bt601``, ``bt709`` or ``bt2020``; by size where the stream says nothing."""
        if self.color_space in ("bt709", "smpte240m"):
            return "bt709"
        if self.color_space.startswith("bt2020"):
            return "bt2020"
        if self.color_space in ("fcc", "bt470bg", "smpte170m"):
            return "bt601"
        return "bt709" if self.coded_width >= 1280 or self.coded_height > 576 else "bt601"

    @property
    def is_full_range(self) -> bool:
        """Whether luma in the planes runs over 0..255 and not over 16..235."""
        return self.color_space != "rgb" and (self.color_range == "pc" or self.pix_fmt.startswith("yuvj"))


@dataclass(frozen=True)
class AudioInfo:
    """One audio track; ``start_s`` counts from the first displayed video frame."""

    index: int
    codec: str
    rate_hz: int
    channels: int
    layout: str
    language: str | None
    is_default: bool
    is_readable: bool
    start_s: float


@dataclass(frozen=True)
class SubtitleInfo:
    """One subtitle stream; only text can be read."""

    index: int
    codec: str
    language: str | None
    is_text: bool


@dataclass(frozen=True)
class MediaInfo:
    """What one file holds; ``streams`` names all of them in words."""

    path: str
    container: str
    size_bytes: int
    duration_s: float
    video: VideoInfo | None
    audio: tuple[AudioInfo, ...]
    subtitles: tuple[SubtitleInfo, ...]
    streams: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the same as plain values for JSON; fractions become ``"30000/1001"``."""
        return {key: _plain(value) for key, value in dataclasses.asdict(self).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
