"""Dissolves and wipes: for a while each picture is a mixture of the old shot and the new one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from clipkit.analysis.transitions import Transition, least_evidence, likeness
from clipkit.kernels.motion import linear_changes
from clipkit.params import AnalysisParams

# Lengths that are looked for, seconds, and the rate at which pictures are taken for it.
LENGTHS_S = (0.16, 0.24, 0.34, 0.48, 0.68, 0.96, 1.36)
MAX_RATE_HZ = 30.0
# How much the square of a level of colour counts beside one of luma.
COLOUR_WEIGHT = 0.5
# Cells that change less say nothing about a wipe, levels.
LEAST_STEP = 12.0
# Frames handled at a time.
BLOCK = 256
# Ends more alike than this belong to one shot: light changes, somebody passes by.
MAX_LIKENESS = 0.85
COLOUR_WEIGHT = 0.5


class _Window(NamedTuple):
    begin: int
    end: int
    value: float


class Blend(NamedTuple):
    """What a stretch looks like as a mixture of the pictures at its ends."""

    change: float  # root mean square difference of the ends, levels
    alike: float  # correlation of the ends
    largest: float  # largest single step as a share of the change
    path: float  # sum of the steps as a multiple of the change
    dip: float  # contrast in the middle over contrast at the ends
    mix: float  # share of the pictures' variance that a mixture with the same share everywhere explains
    step: float  # share that one step of each cell explains
    sweep: float  # share of the variance of the cells' times that their place explains


def find_blends(
    luma: NDArray[np.uint8],
    chroma: NDArray[np.uint8],
    time_s: NDArray[np.float64],
    cuts: list[Transition],
    params: AnalysisParams,
) -> list[Transition]:
    """Return the dissolves and wipes, in display order, none overlapping.

    Parameters
    ----------
    luma : ndarray of uint8, shape (n_frames, n_rows, n_columns)
    chroma : ndarray of uint8, shape (n_frames, 2, n_rows / 2, n_columns / 2)
    time_s : ndarray of float64, shape (n_frames,)
    cuts : list of Transition
        Hard cuts; no blend is looked for across them.
    params : AnalysisParams

    Returns
    -------
    list of Transition
    """
    found: list[Transition] = []
    for begin, end, blend in candidate_blends(luma, chroma, time_s, cuts, params):
        if not any(begin < other.end and other.begin < end for other in found):
            kind, evidence = judge_blend(blend)
            if evidence > least_evidence(params):
                found.append(Transition(kind, begin, end, evidence))
    return sorted(found, key=lambda blend: blend.begin)


def candidate_blends(
    luma: NDArray[np.uint8],
    chroma: NDArray[np.uint8],
    time_s: NDArray[np.float64],
    cuts: list[Transition],
    params: AnalysisParams,
) -> Iterator[tuple[int, int, Blend]]:
    """Yield ``(begin, end, Blend)`` of the stretches that may be blends, the clearest first."""
    frames = _even_frames(time_s)
    if len(frames) < 4:
        return
    pictures = _pictures(luma[frames], chroma[frames])
    rate_hz = (len(frames) - 1) / (time_s[frames[-1]] - time_s[frames[0]])
    edges = np.unique(np.searchsorted(frames, [0, *(cut.begin for cut in cuts), len(time_s)]))
    n_cells = pictures.shape[1] // 3
    for window in _windows(pictures, rate_hz, edges, params.blend_min_change):
        if likeness(*pictures[[window.begin, window.end], :n_cells].astype(np.float64)) > MAX_LIKENESS:
            continue
        shot = int(np.searchsorted(edges, window.begin, side="right"))
        begin, end = _extent(pictures[: edges[shot]], window, int(edges[shot - 1]))
        if end - begin >= 3:
            yield int(frames[begin]), int(frames[end]), measure_blend(pictures[begin - 1 : end + 1], luma.shape[1] // 2)


def _even_frames(time_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the indices of frames at even times, at most `MAX_RATE_HZ` a second."""
    if time_s.size < 2:
        return np.arange(time_s.size)
    steps_s = np.diff(time_s)
    usual_s = float(np.median(steps_s))
    if np.mean(np.abs(steps_s - usual_s) > 0.2 * usual_s) < 0.05:
        return np.arange(0, time_s.size, max(1, round(1 / (MAX_RATE_HZ * usual_s))))
    even_s = np.arange(0.0, time_s[-1], max(usual_s, 1 / MAX_RATE_HZ))
    return np.searchsorted(time_s, even_s + 1e-6, side="right") - 1


def _pictures(luma: NDArray[np.uint8], chroma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return luma, pooled by two, and chroma of each frame as one row."""
    n, height, width = luma.shape
    pictures = np.empty((n, 3 * height * width // 4), np.uint8)
    for first in range(0, n, BLOCK):
        rows = luma[first : first + BLOCK].astype(np.uint16)
        pairs = rows[:, ::2] + rows[:, 1::2]
        pooled = (pairs[:, :, ::2] + pairs[:, :, 1::2] + 2) // 4
        pictures[first : first + BLOCK, : height * width // 4] = pooled.reshape(len(rows), -1)
    pictures[:, height * width // 4 :] = chroma.reshape(n, -1)
    return pictures


def _weights(n_values: int) -> NDArray[np.float32]:
    """Return the weight of each value's square; those of luma sum to 1."""
    n_cells = n_values // 3
    weights = np.full(n_values, COLOUR_WEIGHT / n_cells, np.float32)
    weights[:n_cells] = 1 / n_cells
    return weights


def _windows(pictures: NDArray[np.uint8], rate_hz: float, edges: NDArray[np.int64], min_change: float) -> list[_Window]:
    """Return the windows over which the picture changes steadily, the clearest first, hardly overlapping."""
    found = []
    for length in sorted({max(3, round(length_s * rate_hz)) for length_s in LENGTHS_S}):
        n_windows = len(pictures) - length
        if n_windows < 1:
            break
        fit, change = np.empty(n_windows, np.float32), np.empty(n_windows, np.float32)
        linear_changes(pictures, _weights(pictures.shape[1]), length, fit, change)
        value = change * np.clip((fit - 0.5) / 0.4, 0.0, 1.0)
        for edge in edges.tolist():
            value[max(0, edge - length) : edge] = 0.0
        is_peak = (change > min_change) & (fit > 0.6) & (value >= maximum_filter1d(value, length | 1)) & (value > 0)
        found += [_Window(begin, begin + length, float(value[begin])) for begin in np.flatnonzero(is_peak).tolist()]
    found.sort(key=lambda window: (-window.value, window.begin))
    kept: list[_Window] = []
    taken: dict[int, list[_Window]] = {}
    for window in found:
        # Windows are shorter than a block, so neighbours lie in the blocks next to this one.
        block = window.begin // BLOCK
        near = [other for key in (block - 1, block, block + 1) for other in taken.get(key, [])]
        if all(_shared(window, other) < 0.4 for other in near):
            kept.append(window)
            taken.setdefault(block, []).append(window)
    return kept


def _shared(first: _Window, second: _Window) -> float:
    shared = min(first.end, second.end) - max(first.begin, second.begin)
    return shared / min(first.end - first.begin, second.end - second.begin)


def _extent(pictures: NDArray[np.uint8], window: _Window, lowest: int) -> tuple[int, int]:
    """Return where the mixture begins and ends: the clipped ramp nearest to its share over time."""
    margin = max(2, (window.end - window.begin) // 3)
    first, last = max(lowest, window.begin - margin), min(len(pictures) - 1, window.end + margin)
    part = pictures[first : last + 1].astype(np.float64)
    old, new = part[:2].mean(axis=0), part[-2:].mean(axis=0)
    way = (new - old) * _weights(part.shape[1])
    share = (part - old) @ way / max(float((new - old) @ way), 1e-9)
    at = np.arange(len(part))
    begins, ends = np.triu_indices(len(part), 3)
    ramps = np.clip((at - begins[:, None]) / (ends - begins)[:, None], 0.0, 1.0)
    best = int(np.argmin(((ramps - share) ** 2).sum(axis=1)))
    return first + int(begins[best]) + 1, first + int(ends[best])


def measure_blend(pictures: NDArray[np.uint8], n_rows: int) -> Blend:
    """Return what a stretch of pictures looks like as a mixture of its first and its last.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n_pictures, 3 * n_cells)
        Luma cells, then those of U and V; at least three pictures.
    n_rows : int
        Rows of the cells.

    Returns
    -------
    Blend
    """
    part = pictures.astype(np.float64)
    n_cells = part.shape[1] // 3
    weights = _weights(part.shape[1]).astype(np.float64)
    old, new = part[0], part[-1]
    change = math.sqrt(float((new - old) ** 2 @ weights)) + 1e-6
    steps = np.sqrt((np.diff(part, axis=0) ** 2) @ weights)
    contrast = part[:, :n_cells].std(axis=1)
    middle = contrast[len(part) // 2 - (len(part) + 1) % 2 : len(part) // 2 + 1].mean()
    share = ((part - old) * weights) @ (new - old) / change**2
    rest = part - old - share[:, None] * (new - old)
    total = float(((part - part.mean(axis=0)) ** 2 @ weights).sum()) + 1e-6
    step, sweep = _steps_of_cells(part[:, :n_cells], n_rows)
    return Blend(
        change=change,
        alike=likeness(old[:n_cells], new[:n_cells]),
        largest=float(steps.max()) / change,
        path=float(steps.sum()) / change,
        dip=float(middle / (0.5 * (contrast[0] + contrast[-1]) + 1.0)),
        mix=1.0 - float((rest**2 @ weights).sum()) / total,
        step=step,
        sweep=sweep,
    )


def _steps_of_cells(cells: NDArray[np.float64], n_rows: int) -> tuple[float, float]:
    """Return how well one step describes each cell, and how well its place tells when the step comes."""
    n_pictures, n_cells = cells.shape
    change = np.abs(cells[-1] - cells[0])
    used = change >= LEAST_STEP
    if used.sum() < n_cells // 6:
        return 0.0, 0.0
    cells = cells[:, used]
    total = ((cells - cells.mean(axis=0)) ** 2).sum(axis=0)
    sums = np.cumsum(cells, axis=0)
    before = np.arange(1, n_pictures)[:, None]
    gap = sums[:-1] / before - (sums[-1] - sums[:-1]) / (n_pictures - before)
    explained = (before * (n_pictures - before) / n_pictures * gap**2).max(axis=0)
    share = np.clip((cells - cells[0]) / (cells[-1] - cells[0]), 0.0, 1.0)
    when = (1.0 - share).mean(axis=0)
    n_columns = n_cells // n_rows
    y, x = (np.indices((n_rows, n_columns)).reshape(2, -1) + 0.5) / [[n_rows], [n_columns]] - 0.5
    x, y = x[used], y[used]
    places = np.stack([np.ones_like(x), x, y, np.abs(x), np.abs(y), np.hypot(x, y)], axis=1)
    weight = np.sqrt(change[used])[:, None]
    fitted = places @ np.linalg.lstsq(places * weight, when * weight[:, 0], rcond=None)[0]
    mean = np.average(when, weights=change[used])
    spread = float(np.average((when - mean) ** 2, weights=change[used])) + 1e-3
    missed = float(np.average((when - fitted) ** 2, weights=change[used]))
    return float(explained.sum() / total.sum()), 1.0 - missed / spread


def judge_blend(blend: Blend) -> tuple[Literal["dissolve", "wipe"], float]:
    """Return the likelier kind and the evidence for it.

    Movement takes a detour between unlike pictures too, but no mixture lies on its way and it
    keeps its contrast; where two pictures are mixed, the details of both grow faint.  In a wipe
    each cell changes once, at a time that its place tells.  The weights are rounded from a
    logistic regression on spliced real footage.
    """
    alike, path = max(blend.alike, 0.0), math.log(blend.path)
    dissolve = (
        3 * math.log(blend.change)
        + 4 * path
        + 6 * max(blend.mix, 0.0)
        - 8 * min(max(blend.dip, 0.5), 1.05)
        - 5 * alike
        - 4 * blend.largest
        - 9
    )
    wipe = (
        4 * math.log(blend.change)
        + 6 * path
        + 18 * max(blend.step, 0.7)
        + 10 * max(blend.sweep, 0.3)
        - 5 * alike
        - 44.5
    )
    return ("dissolve", dissolve) if dissolve > wipe else ("wipe", wipe)
