"""The selection as an editor counts it: one event a clip, in whole frames of a constant rate."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import pandas as pd

from clipkit.media.probe import MediaInfo
from clipkit.output.cadence import output_rate

_HIGHEST_RATE = 60


class Event(NamedTuple):
    """A stretch of the source on the timeline.

    Attributes
    ----------
    clip_id : int
    name : str
        The clip's title, or its number where it has none; one line.
    first : int
        Frame of the source that it starts with, from 0.
    n_frames : int
    score : float or None
    reason : str
    """

    clip_id: int
    name: str
    first: int
    n_frames: int
    score: float | None
    reason: str


def editor_rate(info: MediaInfo) -> Fraction:
    """Return the source's constant rate, or the standard one that an editor would give it."""
    if info.video is None:
        return Fraction(30)
    if info.video.is_variable_rate:
        return standard_rate(info)
    return info.video.frame_rate


def standard_rate(info: MediaInfo) -> Fraction:
    """Return the rate that every editor and time code knows and whose frames fall on the source's: at most 60."""
    if info.video is None:
        return Fraction(30)
    return output_rate(info.video.frame_rate, is_variable=info.video.is_variable_rate, max_rate=_HIGHEST_RATE)


def make_events(clips: pd.DataFrame, rate: Fraction) -> list[Event]:
    """Return the clips in their order; each edge is on the nearest frame.

    Parameters
    ----------
    clips : DataFrame
        ``clip_id, start_s, end_s`` and, where there are any, ``score, title, reason``.
    rate : Fraction
        Frames a second.
    """
    return [_event(row, rate) for row in clips.to_dict("records")]


def _event(row: dict[Any, Any], rate: Fraction) -> Event:
    clip_id = int(row["clip_id"])
    first, last = (round(float(row[edge]) * rate) for edge in ("start_s", "end_s"))
    name = " ".join(_text(row.get("title")).split()) or f"clip {clip_id}"
    return Event(clip_id, name, first, last - first, _number(row.get("score")), _text(row.get("reason")))


def _number(value: object) -> float | None:
    return None if value is None or pd.isna(value) else float(value)  # type: ignore[call-overload, arg-type]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
