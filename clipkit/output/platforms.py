"""What each platform accepts: dated facts from ``params/platforms.yaml``, typed and checked.

Conventions
-----------
Frames are ``(width, height)`` in pixels.  Boxes are ``(left, top, right, bottom)``.  A pair of
limits is ``(smallest, largest)`` with None for no limit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from clipkit.errors import ParamsError
from clipkit.params import PLATFORM_NAMES
from clipkit.plain_yaml import Places, read_yaml
from clipkit.resources import resource_path

Value = TypeVar("Value")
Box = tuple[int, int, int, int]
Aspect = Literal["9:16", "1:1", "4:5", "16:9"]

_SCREEN = (1080, 1920)  # what safe boxes are measured on
_ASPECT_TOLERANCE = 0.01
DURATION_TOLERANCE_S = 0.05  # one frame more or less is not a longer clip


def _in_order(limits: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    low, high = limits
    if low is not None and high is not None and low > high:
        message = "the smallest must not exceed the largest"
        raise ValueError(message)
    return limits


def _has_area(box: Box) -> Box:
    left, top, right, bottom = box
    if not (0 <= left < right <= _SCREEN[0] and 0 <= top < bottom <= _SCREEN[1]):
        message = f"left < right and top < bottom inside {_SCREEN[0]}x{_SCREEN[1]}"
        raise ValueError(message)
    return box


Limits = Annotated[tuple[float | None, float | None], AfterValidator(_in_order)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fact(_Model, Generic[Value]):
    """A value with where it comes from and when it was read."""

    value: Value
    standing: Literal["official", "third_party", "derived"]
    source: str = Field(min_length=1)
    as_of: date

    @property
    def origin(self) -> str:
        """Source and day, in brackets."""
        return f"({self.source}, {self.as_of.isoformat()})"


class Platform(_Model):
    """The limits of one platform and what clipkit writes for it."""

    name: str
    title: str
    frame_px: Fact[tuple[Annotated[int, Field(ge=16, le=8192)], Annotated[int, Field(ge=16, le=8192)]]]
    duration_s: Fact[Limits]
    advised_duration_s: Fact[Limits] | None = None
    short_side_px: Fact[Limits] | None = None
    long_side_px: Fact[Limits] | None = None
    width_px: Fact[Limits] | None = None
    aspect: Fact[Limits] | None = None
    frame_rate: Fact[Limits]
    video_codecs: Fact[Annotated[tuple[str, ...], Field(min_length=1)]]
    gop_s: Fact[Annotated[float, Field(gt=0.0, le=20.0)]]
    gop_max_s: Fact[Annotated[float, Field(gt=0.0, le=60.0)]] | None = None
    max_video_bitrate: Fact[Annotated[int, Field(ge=1000)]] | None = None
    audio_bitrate: Fact[Annotated[int, Field(ge=8000, le=512_000)]]
    max_file_bytes: Fact[Annotated[int, Field(ge=1)]] | None = None
    advised_file_bytes: Fact[Annotated[int, Field(ge=1)]] | None = None
    safe_box: Fact[Annotated[Box, AfterValidator(_has_area)]]
    edit_lists: Fact[bool]
    loudness_lufs: Fact[Annotated[float, Field(ge=-40.0, le=-5.0)]]

    @property
    def min_s(self) -> float:
        """Shortest clip the platform takes, seconds."""
        return self.duration_s.value[0] or 0.0

    @property
    def max_s(self) -> float:
        """Longest clip the platform takes, seconds."""
        longest = self.duration_s.value[1]
        return math.inf if longest is None else longest

    def takes_shape(self, width: int, height: int) -> bool:
        """Return whether the platform takes frames of this shape."""
        if self.aspect is None:
            return True
        return within(width / height, self.aspect.value, tolerance=_ASPECT_TOLERANCE * width / height)

    def unsuitable(self, duration_s: float, aspect: Aspect = "9:16") -> str | None:
        """Return one sentence on why the platform would refuse a clip, or None if it would not.

        Examples
        --------
        >>> load_platforms()["snapchat_spotlight"].unsuitable(75.0)
        'Snapchat Spotlight takes 5 to 60 s, the clip lasts 75 s (Spotlight guidelines: 5 to 60 seconds, 2026-09-01).'
        """
        limits = self.duration_s
        if not within(duration_s, limits.value, tolerance=DURATION_TOLERANCE_S):
            return f"{self.title} takes {describe(limits.value)} s, the clip lasts {duration_s:.4g} s {limits.origin}."
        return self.unsuitable_frame(aspect)

    def unsuitable_frame(self, aspect: Aspect) -> str | None:
        """Return one sentence on why the platform would refuse every clip of an aspect, or None if it would not."""
        width, height = frame_size(self, aspect)
        if self.aspect is not None and not self.takes_shape(width, height):
            shapes = describe(self.aspect.value)
            return f"{self.title} takes frames of width/height {shapes}, the clips are {aspect} {self.aspect.origin}."
        for check, value, fact in self.size_limits(width, height):
            if not within(value, fact.value):
                name = check.replace("_", " ")
                return (
                    f"{self.title} takes a {name} of {describe(fact.value)} px, the clips have {value} {fact.origin}."
                )
        return None

    def size_limits(self, width: int, height: int) -> list[tuple[str, int, Fact[Limits]]]:
        """Return the limits that hold for the pixels of a frame: their name, the frame's value, the fact."""
        limits = [
            ("short_side", min(width, height), self.short_side_px),
            ("long_side", max(width, height), self.long_side_px),
            ("width", width, self.width_px),
        ]
        return [(check, value, fact) for check, value, fact in limits if fact is not None]


@dataclass(frozen=True)
class Encode:
    """One encoding and the platforms that share it.

    Attributes
    ----------
    width, height : int
        Frame in pixels, both even.
    gop_s : float
        Distance of key frames, seconds.
    audio_bitrate : int
        Bits a second.
    target_lufs : float
        Integrated loudness asked for.
    platforms : tuple of Platform
    """

    width: int
    height: int
    gop_s: float
    audio_bitrate: int
    target_lufs: float
    platforms: tuple[Platform, ...]

    @property
    def max_video_bitrate(self) -> int | None:
        """Lowest limit of the platforms, bits a second; None when none has one."""
        limits = [platform.max_video_bitrate.value for platform in self.platforms if platform.max_video_bitrate]
        return min(limits, default=None)


def load_platforms(path: Path | None = None) -> dict[str, Platform]:
    """Return every platform by name, from ``params/platforms.yaml`` or another file of that form.

    Raises
    ------
    ParamsError
        If the file cannot be read, a platform is missing or unknown, or a fact is missing,
        unknown or out of bounds.

    Examples
    --------
    >>> load_platforms()["x"].frame_px.value
    (720, 1280)
    """
    content, places = read_yaml(path or resource_path("params", "platforms.yaml"))
    if set(content) != set(PLATFORM_NAMES):
        names = ", ".join(str(name) for name in content) or "nothing"
        message = f"{path or 'platforms.yaml'} must hold exactly {', '.join(PLATFORM_NAMES)}, found {names}."
        raise ParamsError(message, code="params.platforms")
    return {name: _platform(name, content[name], places) for name in PLATFORM_NAMES}


def _platform(name: str, facts: object, places: Places) -> Platform:
    if not isinstance(facts, dict):
        message = f"{places[name,]}: {name} must be a mapping of facts, got {facts!r}."
        raise ParamsError(message, code="params.platforms")
    try:
        return Platform.model_validate({**facts, "name": name})
    except ValidationError as error:
        first = error.errors()[0]
        loc = (name, *(str(part) for part in first["loc"]))
        place = next(places[loc[:n]] for n in range(len(loc), 0, -1) if loc[:n] in places)
        message = f"{place}: {'.'.join(loc)}: {first['msg']}, got {first['input']!r}."
        raise ParamsError(message, code="params.platforms") from error


def find_platform(name: str) -> Platform:
    """Return one platform of ``params/platforms.yaml``.

    Raises
    ------
    ParamsError
        If there is none of that name.

    Examples
    --------
    >>> find_platform("youtube_shorts").gop_s.value
    0.5
    """
    if name not in PLATFORM_NAMES:
        message = f"there is no platform {name!r}. Platforms: {', '.join(PLATFORM_NAMES)}."
        raise ParamsError(message, code="params.unknown_platform")
    return load_platforms()[name]


def frame_size(platform: Platform, aspect: Aspect) -> tuple[int, int]:
    """Return width and height to write for a platform at an aspect; the short side is the platform's.

    Examples
    --------
    >>> platforms = load_platforms()
    >>> frame_size(platforms["tiktok"], "4:5"), frame_size(platforms["x"], "16:9")
    ((1080, 1350), (1280, 720))
    """
    return aspect_size(aspect, min(platform.frame_px.value))


def aspect_size(aspect: Aspect, short_side: int) -> tuple[int, int]:
    """Return the even width and height of an aspect.

    Examples
    --------
    >>> aspect_size("9:16", 1080)
    (1080, 1920)
    """
    across, down = (int(part) for part in aspect.split(":"))
    scale = short_side / min(across, down)
    return 2 * round(across * scale / 2), 2 * round(down * scale / 2)


def group_platforms(platforms: Sequence[Platform], aspect: Aspect, *, target_lufs: float | None = None) -> list[Encode]:
    """Group platforms whose files are identical, in the order asked for.

    Parameters
    ----------
    platforms : sequence of Platform
    aspect : {"9:16", "1:1", "4:5", "16:9"}
    target_lufs : float, optional
        Loudness for all of them; without it each platform's own.

    Examples
    --------
    >>> named = load_platforms()
    >>> groups = group_platforms([named["tiktok"], named["youtube_shorts"], named["instagram_reels"]], "9:16")
    >>> [[platform.name for platform in group.platforms] for group in groups]
    [['tiktok', 'instagram_reels'], ['youtube_shorts']]
    """
    groups: dict[tuple[int, int, float, int, float], list[Platform]] = {}
    for platform in platforms:
        loudness = platform.loudness_lufs.value if target_lufs is None else target_lufs
        key = (*frame_size(platform, aspect), platform.gop_s.value, platform.audio_bitrate.value, loudness)
        members = groups.setdefault(key, [])
        if platform not in members:
            members.append(platform)
    return [Encode(*key, platforms=tuple(members)) for key, members in groups.items()]


def safe_box(platforms: Sequence[Platform], width: int, height: int) -> Box:
    """Return the part of a frame that no asked platform covers with buttons or text.

    The player shows the frame as large as fits on its 9:16 screen, on which the safe boxes are
    published; so a square or wide frame has larger safe parts than a tall one.

    Raises
    ------
    ParamsError
        If the platforms' boxes have no common part inside the frame.

    Examples
    --------
    >>> safe_box(list(load_platforms().values()), 1080, 1920)
    (108, 384, 918, 1248)
    """
    scale = min(_SCREEN[0] / width, _SCREEN[1] / height)
    margins = ((_SCREEN[0] - width * scale) / 2, (_SCREEN[1] - height * scale) / 2)
    boxes = [platform.safe_box.value for platform in platforms]
    edges = [max(box[0] for box in boxes), max(box[1] for box in boxes)]
    edges += [min(box[2] for box in boxes), min(box[3] for box in boxes)]
    left, top, right, bottom = (round((edge - margins[i % 2]) / scale) for i, edge in enumerate(edges))
    box = (max(left, 0), max(top, 0), min(right, width), min(bottom, height))
    if box[0] >= box[2] or box[1] >= box[3]:
        names = ", ".join(platform.name for platform in platforms)
        message = f"params/platforms.yaml: the safe boxes of {names} must overlap inside a {width}x{height} frame."
        raise ParamsError(message, code="params.safe_box")
    return box


def within(value: float, limits: tuple[float | None, float | None], *, tolerance: float = 0.0) -> bool:
    """Return whether a value lies inside a pair of limits, None being no limit.

    Examples
    --------
    >>> within(61, (5, 60)), within(4, (None, 60)), within(60.01, (5, 60), tolerance=0.02)
    (False, True, True)
    """
    low, high = limits
    return (low is None or value >= low - tolerance) and (high is None or value <= high + tolerance)


def describe(limits: tuple[float | None, float | None]) -> str:
    """Return a pair of limits in words.

    Examples
    --------
    >>> describe((None, 60)), describe((3, None)), describe((5, 60)), describe((None, None))
    ('at most 60', 'at least 3', '5 to 60', 'anything')
    """
    low, high = limits
    if low is None and high is None:
        return "anything"
    if low is None:
        return f"at most {high:.4g}"
    if high is None:
        return f"at least {low:.4g}"
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
