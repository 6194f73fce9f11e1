"""Stretches over which one picture gradually becomes another: what may be a dissolve, a wipe or a movement.

Conventions
-----------
Pictures are compared at even times, at most `MAX_RATE_HZ` a second.  A picture is one row: its
luma cells pooled by two, then its cells of U and of V.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clipkit.analysis.transitions import Transition, likeness
from clipkit.kernels.motion import best_ramp, changes
from clipkit.kernels.peaks import highest_around
from clipkit.scratch import BLOCK, ArrayFile, Rows, in_blocks

# Lengths that are looked for, seconds, and the rate at which pictures are taken for it.
LENGTHS_S = (0.16, 0.24, 0.34, 0.48, 0.68, 0.96, 1.36)
MAX_RATE_HZ = 30.0
# How much the square of a level of colour counts beside one of luma.
COLOUR_WEIGHT = 0.5
# Pictures that are more alike than this show the same: light changes, somebody passes by.
MAX_LIKENESS = 0.88
# How much change just before and just after counts against a window; windows that share more are one.
REST_WEIGHT = 0.7
MAX_SHARED = 0.8
# How much of a window's length is looked at on both sides when its extent is fitted, try by try.
MARGINS = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Pictures:
    """Small pictures at even times.

    Attributes
    ----------
    frames : ndarray of int64, shape (n,)
        The frame that each picture shows.
    rows : rows of uint8, shape (n, 3 * n_cells)
        Luma cells, then those of U and V; in a nameless file, so that memory is flat in the length.
    weights : ndarray of float32, shape (3 * n_cells,)
        Weight of each value's square; those of luma sum to 1.
    rate_hz : float
    """

    frames: NDArray[np.int64]
    rows: Rows
    weights: NDArray[np.float32]
    rate_hz: float


class Change(NamedTuple):
    """The first picture that is no longer purely the old one, and the first that is purely the new one."""

    begin: int
    end: int


class _Window(NamedTuple):
    begin: int
    end: int
    value: float


def even_pictures(luma: Rows, chroma: Rows, time_s: NDArray[np.float64]) -> Pictures:
    """Return the pictures of a video at even times.

    Parameters
    ----------
    luma : rows of uint8, shape (n_frames, n_rows, n_columns)
    chroma : rows of uint8, shape (n_frames, 2, n_rows / 2, n_columns / 2)
    time_s : ndarray of float64, shape (n_frames,)
        At least two.
    """
    frames = _even_frames(time_s)
    n, (height, width) = len(frames), luma.shape[1:]
    kept = ArrayFile()
    n_cells = height * width // 4
    for first in range(0, n, BLOCK):
        block = frames[first : first + BLOCK]
        pairs = luma[block].astype(np.uint16)
        pairs = pairs[:, ::2] + pairs[:, 1::2]
        pooled = ((pairs[:, :, ::2] + pairs[:, :, 1::2] + 2) // 4).astype(np.uint8)
        kept.append(np.hstack([pooled.reshape(len(block), -1), chroma[block].reshape(len(block), -1)]))
    rows = kept.finished()
    weights = np.full(3 * n_cells, COLOUR_WEIGHT / n_cells, np.float32)
    weights[:n_cells] = 1 / n_cells
    span_s = time_s[frames[-1]] - time_s[frames[0]]
    return Pictures(frames, rows, weights, rate_hz=(n - 1) / span_s if n > 1 else MAX_RATE_HZ)


def find_changes(pictures: Pictures, cuts: list[Transition], least: float) -> Iterator[Change]:
    """Yield the stretches, the clearest first; they may overlap.

    Parameters
    ----------
    pictures : Pictures
    cuts : list of Transition
        Hard cuts; nothing is looked for across them.
    least : float
        Smallest change beyond what lies around it, root mean square, in levels.

    Notes
    -----
    A gradual transition is a cut to whoever looks at every tenth picture only: over a window of
    about its length the picture changes much, over the windows beside it little.
    """
    rows = pictures.rows
    n = len(rows)
    edges = np.unique(np.searchsorted(pictures.frames, [0, *(cut.begin for cut in cuts), pictures.frames[-1] + 1]))
    shot = np.searchsorted(edges, np.arange(n), side="right") - 1
    first, last = edges[shot], edges[shot + 1] - 1
    n_cells = rows.shape[1] // 3
    seen: set[Change] = set()
    for window in _windows(pictures, first, last, least):
        old, new = rows[[window.begin, window.end]][:, :n_cells].astype(np.float64)
        if likeness(old, new) > MAX_LIKENESS:
            continue
        for change in _extents(pictures, window, int(first[window.begin]), int(last[window.begin])):
            if change.end - change.begin >= 3 and change not in seen:
                seen.add(change)
                yield change


def _even_frames(time_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the indices of frames at even times, at most `MAX_RATE_HZ` a second."""
    steps_s = np.diff(time_s)
    usual_s = float(np.median(steps_s))
    if np.mean(np.abs(steps_s - usual_s) > 0.2 * usual_s) < 0.05:
        return np.arange(0, time_s.size, max(1, round(1 / (MAX_RATE_HZ * usual_s))))
    even_s = np.arange(0.0, time_s[-1], max(usual_s, 1 / MAX_RATE_HZ))
    return np.searchsorted(time_s, even_s + 1e-6, side="right") - 1


def _windows(pictures: Pictures, first: NDArray[np.int64], last: NDArray[np.int64], least: float) -> list[_Window]:
    """Return the windows that change more than those beside them; `first` and `last` bound each picture's shot."""
    n, found = len(pictures.rows), []
    for length, change in _changes(pictures).items():
        at = np.arange(n - length)
        has_before, has_after = at - length >= first[at], at + 2 * length <= last[at]
        before = np.where(has_before, change[np.maximum(at - length, 0)], 0.0)
        after = np.where(has_after, change[np.minimum(at + length, n - length - 1)], 0.0)
        rest = (before + after) / np.maximum(1, has_before.astype(int) + has_after)
        value = np.where(last[at] >= at + length, change - REST_WEIGHT * rest, 0.0)
        is_peak = (value > least) & (value >= highest_around(value, length | 1))
        found += [_Window(begin, begin + length, float(value[begin])) for begin in np.flatnonzero(is_peak).tolist()]
    found.sort(key=lambda window: (-window.value, window.begin))
    kept: list[_Window] = []
    taken: dict[int, list[_Window]] = {}
    for window in found:
        # Windows are shorter than a block, so neighbours lie in the blocks next to this one.
        block = window.begin // BLOCK
        near = [other for key in (block - 1, block, block + 1) for other in taken.get(key, [])]
        if all(_shared(window, other) < MAX_SHARED for other in near):
            kept.append(window)
            taken.setdefault(block, []).append(window)
    return kept


def _changes(pictures: Pictures) -> dict[int, NDArray[np.float32]]:
    """Return for each length in pictures how much each picture differs from the one that much later."""
    n = len(pictures.rows)
    lengths = sorted({max(3, round(length_s * pictures.rate_hz)) for length_s in LENGTHS_S})
    found = {length: np.empty(n - length, np.float32) for length in lengths if length < n}
    for at, rows in in_blocks(pictures.rows, overlap=max(lengths)):
        for length, change in found.items():
            changes(rows[: BLOCK + length], pictures.weights, length, change[at])
    return found


def _shared(first: _Window, second: _Window) -> float:
    shared = min(first.end, second.end) - max(first.begin, second.begin)
    return shared / min(first.end - first.begin, second.end - second.begin)


def _extents(pictures: Pictures, window: _Window, lowest: int, highest: int) -> list[Change]:
    """Return where the change may begin and end: the clipped ramp nearest to its share over time.

    The pictures at the ends of a window that is too short are mixtures themselves, so what was found
    is looked at again with its own surroundings; where those move, the earlier answer may be the better.
    """
    begin, end = window.begin, window.end
    found: list[Change] = []
    for share in MARGINS:
        margin = max(3, round(share * (end - begin)))
        first, last = max(lowest, begin - margin), min(highest, end + margin)
        part = pictures.rows[first : last + 1].astype(np.float64)
        n_ends = min(3, max(1, (len(part) - 3) // 3))
        old, new = part[:n_ends].mean(axis=0), part[-n_ends:].mean(axis=0)
        way = (new - old) * pictures.weights
        ramp = best_ramp((part - old) @ way / max(float((new - old) @ way), 1e-9))
        begin, end = first + ramp[0] + 1, first + ramp[1]
        if found and found[-1] == (begin, end):
            break
        found.append(Change(begin, end))
    return found
