"""Fades: the picture goes to black, to white or to one colour, comes from it, or both."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clipkit.analysis.transitions import Transition, least_evidence
from clipkit.kernels.motion import depths
from clipkit.kernels.peaks import prominent_peaks
from clipkit.params import AnalysisParams
from clipkit.scratch import Rows, in_blocks

Plain = Literal["black", "white", "plain"]
PLAINS: tuple[Plain, ...] = ("black", "white", "plain")

BLACK, WHITE = 16.0, 235.0
# A picture this near to black or white has nothing to fade; one nearer than the second is all but plain, levels.
LEAST_DEPTH = 6.0
NEARLY_PLAIN = 8.0
# Longest fade to or from black, and longest black that still belongs to one transition, seconds.
LONGEST_S = 3.0
HOLD_S = 0.25
# Shortest way down or up: what is faster is a cut.
SHORTEST_S = 0.07
# A single step that makes up more of the way is a cut.
LARGEST_STEP = 0.6


def find_fades(luma: Rows, time_s: NDArray[np.float64], params: AnalysisParams) -> list[Transition]:
    """Return the fades to and from black, white and single colours, in display order; they may overlap.

    Parameters
    ----------
    luma : rows of uint8, shape (n_frames, n_rows, n_columns)
    time_s : ndarray of float64, shape (n_frames,)
    params : AnalysisParams

    Returns
    -------
    list of Transition
        A way down and a way up with at most a quarter of a second between them are one.

    Notes
    -----
    A fade scales the distance of every cell from black, from white or, where it goes to a colour, from
    the mean, all by the same factor: half way, the picture is the full one made smaller.  Where
    something white is pushed out of the picture, or only becomes darker, that does not hold or the
    end is not plain.  The weights are rounded from a logistic regression on spliced real footage.
    """
    fades: list[Transition] = []
    measured = np.empty((len(luma), 3), np.float32)
    for at, grids in in_blocks(luma):
        depths(grids, BLACK, WHITE, measured[at])
    for plain, depth in zip(PLAINS, measured.T.astype(np.float64), strict=True):
        fades += _fades_to(plain, depth, luma, time_s, params)
    return sorted(fades, key=lambda fade: fade.begin)


def _fades_to(
    plain: Plain,
    depth: NDArray[np.float64],
    luma: Rows,
    time_s: NDArray[np.float64],
    params: AnalysisParams,
) -> list[Transition]:
    lows = -np.log(np.concatenate([[255.0], depth, [255.0]]) + 2.0)
    is_peak = np.empty(lows.size, np.bool_)
    prominent_peaks(lows, -math.log(params.fade_max_rest), is_peak)
    fades = []
    for peak in np.flatnonzero(is_peak).tolist():
        first, last = _hold(depth, peak - 1)
        down = _ramp(plain, depth, luma, time_s, first, -1, params)
        up = _ramp(plain, depth, luma, time_s, last, 1, params)
        if down and up and time_s[last] - time_s[first] <= HOLD_S:
            fades.append(Transition("fade", down[0] + 1, up[0], down[1] + up[1]))
            continue
        if down:
            fades.append(Transition("fade", down[0] + 1, first, down[1]))
        if up:
            fades.append(Transition("fade", last + 1, up[0], up[1]))
    return fades


def _hold(depth: NDArray[np.float64], low: int) -> tuple[int, int]:
    """Return the first and last frame around `low` that are as dark (or as light)."""
    first = last = low
    ceiling = 1.1 * depth[low] + 1.0
    while first > 0 and depth[first - 1] <= ceiling:
        first -= 1
    while last < depth.size - 1 and depth[last + 1] <= ceiling:
        last += 1
    return first, last


def _ramp(
    plain: Plain,
    depth: NDArray[np.float64],
    luma: Rows,
    time_s: NDArray[np.float64],
    start: int,
    way: int,
    params: AnalysisParams,
) -> tuple[int, float] | None:
    """Return the full picture that a way out of a plain one leads to, and the evidence for a fade."""
    top = start
    while 0 <= top + way < depth.size and abs(time_s[top + way] - time_s[start]) <= LONGEST_S:
        # A ramp ends where it slows down to a fifth of its pace, looked at over three frames.
        ahead = min(max(top + 3 * way, 0), depth.size - 1)
        n_done, n_ahead = abs(top - start), max(1, abs(ahead - top))
        pace = (depth[top] - depth[start]) / n_done if n_done else 0.0
        if (depth[ahead] - depth[top]) / n_ahead <= 0.2 * pace:
            break
        top += way
    rise = depth[top] - depth[start]
    is_short = abs(time_s[top] - time_s[start]) < SHORTEST_S or abs(top - start) < 3
    if is_short or depth[top] < LEAST_DEPTH or depth[start] > params.fade_max_rest * depth[top]:
        return None
    path = depth[start : top + way : way] if top + way >= 0 else depth[start::way]
    largest = float(np.abs(np.diff(path)).max() / rise)
    if largest > LARGEST_STEP:
        return None
    middle = start + way * int(np.argmin(np.abs(path - depth[start] - 0.6 * rise)))
    evidence = (
        1.5 * math.log((depth[top] + 2) / (depth[start] + 2))
        + 15.0 * (_agreement(_distance(luma[middle], plain), _distance(luma[top], plain)) - 1.0)
        - 4.0 * largest
        - 0.35 * max(0.0, float(depth[start]) - NEARLY_PLAIN)
        - (0.0 if plain == "black" else 0.5)
    )
    return (top, evidence) if evidence > least_evidence(params) else None


def _distance(picture: NDArray[np.uint8], plain: Plain) -> NDArray[np.float64]:
    levels = picture.astype(np.float64)
    if plain == "plain":
        return np.asarray(levels - levels.mean())
    return np.asarray(np.maximum(levels - BLACK if plain == "black" else WHITE - levels, 0.0))


def _agreement(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the cosine of two pictures: 1 where one is the other, scaled."""
    return float((first * second).sum() / (math.sqrt(float((first**2).sum() * (second**2).sum())) + 1e-6))
