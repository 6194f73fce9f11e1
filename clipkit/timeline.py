"""Time: ticks at the edges, seconds in the middle.

Conventions
-----------
Frames enter and leave with an integer ``pts`` and a ``Fraction`` time base.  Everywhere else
time is float seconds in names that end in ``_s``, counted from the first displayed video
frame.  Intervals are half-open, ``[start_s, end_s)``; several are an array of shape
``(n_segments, 2)``.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

Segments = NDArray[np.float64]


def pts_to_seconds(pts: int, time_base: Fraction, start_pts: int = 0) -> float:
    """Return the time of a tick in seconds after `start_pts`.

    Examples
    --------
    >>> pts_to_seconds(3003, Fraction(1, 30000), 1001)
    0.06673333333333334
    """
    return float((pts - start_pts) * time_base)


def seconds_to_pts(time_s: float, time_base: Fraction, start_pts: int = 0) -> int:
    """Return the tick nearest to a time in seconds after `start_pts`.

    Examples
    --------
    >>> seconds_to_pts(0.0667333, Fraction(1, 30000), 1001)
    3003
    """
    return start_pts + round(Fraction(time_s) / time_base)


def as_segments(segments: ArrayLike) -> Segments:
    """Return `segments` as a float64 array of shape (n_segments, 2); an empty one for nothing."""
    return np.asarray(segments, dtype=np.float64).reshape(-1, 2)


def pad_segments(segments: ArrayLike, pad_s: float) -> Segments:
    """Return the segments, each longer by `pad_s` at both ends; shorter when that is negative.

    Examples
    --------
    >>> pad_segments([[1, 2], [4, 5]], 0.5).tolist()
    [[0.5, 2.5], [3.5, 5.5]]
    """
    rows = as_segments(segments)
    return np.column_stack([rows[:, 0] - pad_s, rows[:, 1] + pad_s])


def merge_segments(segments: ArrayLike, *, gap_s: float = 0.0) -> Segments:
    """Return sorted, disjoint segments that cover the same time.

    Parameters
    ----------
    segments : array_like of float, shape (n_segments, 2)
        Half-open intervals in any order, possibly overlapping; empty ones vanish.
    gap_s : float, optional
        Segments that are at most this far apart become one.

    Returns
    -------
    ndarray of float64, shape (n_merged, 2)

    Examples
    --------
    >>> merge_segments([[3, 4], [0, 1], [1, 2]]).tolist()
    [[0.0, 2.0], [3.0, 4.0]]
    """
    rows = as_segments(segments)
    rows = rows[rows[:, 1] > rows[:, 0]]
    merged: list[list[float]] = []
    for start_s, end_s in rows[np.argsort(rows[:, 0], kind="stable")]:
        if merged and start_s - merged[-1][1] <= gap_s:
            merged[-1][1] = max(merged[-1][1], end_s)
        else:
            merged.append([start_s, end_s])
    return as_segments(merged)


def complement_segments(segments: ArrayLike, start_s: float, end_s: float) -> Segments:
    """Return the time in ``[start_s, end_s)`` that no segment covers.

    Examples
    --------
    >>> complement_segments([[1, 2]], 0, 3).tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    rows = clip_segments(merge_segments(segments), start_s, end_s)
    edges = np.concatenate([[start_s], rows.ravel(), [end_s]]).reshape(-1, 2)
    return edges[edges[:, 1] > edges[:, 0]]


def clip_segments(segments: ArrayLike, start_s: float, end_s: float) -> Segments:
    """Return the parts of the segments that lie in ``[start_s, end_s)``.

    Examples
    --------
    >>> clip_segments([[0, 5], [8, 9]], 1, 4).tolist()
    [[1.0, 4.0]]
    """
    rows = np.clip(as_segments(segments), start_s, end_s)
    return rows[rows[:, 1] > rows[:, 0]]


def overlap_s(segments: ArrayLike, start_s: float, end_s: float) -> float:
    """Return how many seconds of ``[start_s, end_s)`` the segments cover.

    Examples
    --------
    >>> overlap_s([[0, 2], [1, 3]], 1, 10)
    2.0
    """
    rows = clip_segments(merge_segments(segments), start_s, end_s)
    return float((rows[:, 1] - rows[:, 0]).sum())


def format_timecode(time_s: float, *, decimals: int = 1) -> str:
    """Return a time for people: ``m:ss.d``, or ``h:mm:ss.d`` from one hour up.

    Examples
    --------
    >>> format_timecode(75.25), format_timecode(3600), format_timecode(59.97)
    ('1:15.2', '1:00:00.0', '1:00.0')
    """
    ticks = round(abs(time_s) * 10**decimals)
    whole, fraction = divmod(ticks, 10**decimals)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    tail = f".{fraction:0{decimals}d}" if decimals else ""
    return f"{'-' if time_s < 0 and ticks else ''}{head}:{seconds:02d}{tail}"


def format_srt_time(time_s: float) -> str:
    """Return a time as SubRip files have it.

    Examples
    --------
    >>> format_srt_time(75.25), format_srt_time(59.9999)
    ('00:01:15,250', '00:01:00,000')
    """
    seconds, ms = divmod(round(time_s * 1000), 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},{ms:03d}"
