"""Dissolves, wipes and slides: for a while each picture is made of the old shot and of the new one."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from clipkit.analysis.changes import Change, Pictures, even_pictures, find_changes
from clipkit.analysis.transitions import Transition, least_evidence, likeness
from clipkit.kernels.motion import shifted_likeness
from clipkit.params import AnalysisParams
from clipkit.scratch import Rows

# Cells that change less say nothing about a wipe, levels.
LEAST_STEP = 12.0
# Cells that change less show the same as before, levels.
SAME = 8
# Colours nearer to none than this are none; a change of the palette that speaks neither for a blend nor against it.
GREY = 2.0
UNDECIDED = 5.0


class Blend(NamedTuple):
    """What a stretch looks like as a blend of the pictures at its ends."""

    change: float  # root mean square difference of the ends, levels
    alike: float  # correlation of the ends
    shifted: float  # highest correlation of the ends when one is moved
    same: float  # share of the cells in which the ends agree
    palette: float  # how far the colours of the ends lie apart wherever they stand, levels
    fit: float  # share of the variance of the mixture's share over time that a straight line explains
    mix: float  # share of the pictures' variance that a mixture with the same share everywhere explains
    dip: float  # contrast in the middle over contrast at the ends
    step: float  # share that one step of each cell explains
    sweep: float  # share of the variance of the cells' times that their place explains


def find_blends(
    luma: Rows,
    chroma: Rows,
    time_s: NDArray[np.float64],
    cuts: list[Transition],
    params: AnalysisParams,
) -> list[Transition]:
    """Return the dissolves and wipes, in display order, none overlapping.

    Parameters
    ----------
    luma : rows of uint8, shape (n_frames, n_rows, n_columns)
    chroma : rows of uint8, shape (n_frames, 2, n_rows / 2, n_columns / 2)
    time_s : ndarray of float64, shape (n_frames,)
    cuts : list of Transition
        Hard cuts; no blend is looked for across them.
    params : AnalysisParams

    Returns
    -------
    list of Transition
    """
    if len(luma) < 4:
        return []
    pictures = even_pictures(luma, chroma, time_s)
    likely = []
    for change in find_changes(pictures, cuts, params.blend_min_change):
        blend = _at_best(pictures, luma, change)
        if judge_blend(blend)[1] <= least_evidence(params):
            continue
        kind, evidence = judge_blend(_completed(blend, pictures, luma, change))
        if evidence > least_evidence(params):
            begin, end = pictures.frames[[change.begin, change.end]].tolist()
            likely.append(Transition(kind, begin, end, evidence))
    found: list[Transition] = []
    for one in sorted(likely, key=lambda blend: (-blend.evidence, blend.begin)):
        if not any(one.begin < other.end and other.begin < one.end for other in found):
            found.append(one)
    return sorted(found, key=lambda one: one.begin)


def _at_best(pictures: Pictures, luma: Rows, change: Change) -> Blend:
    """Return what a stretch looks like as a blend of the last picture before it and the first after it.

    The measures that are dear to take are set to the best that they can be: most stretches fail even then.
    """
    part, n_cells = _part(pictures, change)
    weights = pictures.weights.astype(np.float64)
    first, last = luma[pictures.frames[[change.begin - 1, change.end]]]
    old, new = part[0], part[-1]
    energy = float((new - old) ** 2 @ weights) + 1e-6
    share = ((part - old) * weights) @ (new - old) / energy
    line = np.linspace(0.0, 1.0, len(share))
    rest = part - old - share[:, None] * (new - old)
    total = float(((part - part.mean(axis=0)) ** 2 @ weights).sum()) + 1e-6
    contrast = part[:, :n_cells].std(axis=1)
    middle = contrast[len(part) // 2 - (len(part) + 1) % 2 : len(part) // 2 + 1].mean()
    return Blend(
        change=math.sqrt(energy),
        alike=likeness(old[:n_cells], new[:n_cells]),
        shifted=likeness(first.astype(np.float64), last.astype(np.float64)),
        same=float((np.abs(first.astype(np.int32) - last) < SAME).mean()),
        palette=_palette_change(old[n_cells:].reshape(2, -1), new[n_cells:].reshape(2, -1)),
        fit=1.0 - float(((share - line) ** 2).sum() / ((line - 0.5) ** 2).sum()),
        mix=1.0 - float((rest**2 @ weights).sum()) / total,
        dip=float(middle / (0.5 * (contrast[0] + contrast[-1]) + 1.0)),
        step=1.0,
        sweep=1.0,
    )


def _completed(blend: Blend, pictures: Pictures, luma: Rows, change: Change) -> Blend:
    """Return the blend with all its measures taken."""
    first, last = luma[pictures.frames[[change.begin - 1, change.end]]]
    n_rows, n_columns = first.shape
    part, n_cells = _part(pictures, change)
    step, sweep = _steps_of_cells(part[:, :n_cells], n_rows // 2)
    shifted = shifted_likeness(first, last, n_rows // 2, n_columns // 2)
    return blend._replace(shifted=shifted, step=step, sweep=sweep)


def _palette_change(old: NDArray[np.float64], new: NDArray[np.float64]) -> float:
    """Return the distance of two pictures' U and V values as distributions (Wasserstein, order 1), levels.

    A movement moves colours and another scene has others.  Pictures without colour say neither.
    """
    if max(np.abs(old - 128).mean(), np.abs(new - 128).mean()) < GREY:
        return UNDECIDED
    return float(2 * np.abs(np.sort(old, axis=1) - np.sort(new, axis=1)).mean())


def _part(pictures: Pictures, change: Change) -> tuple[NDArray[np.float64], int]:
    part = pictures.rows[change.begin - 1 : change.end + 1].astype(np.float64)
    return part, part.shape[1] // 3


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
    """Return the likelier kind and the evidence for a transition.

    A movement of the camera leads to a picture that is the old one moved and has its colours, and what
    passes through the picture leaves much of it as it was; neither is a straight way from one to the other.  Where
    two pictures are mixed, the details of both grow faint; in a wipe each cell changes once, at a
    time that its place tells.  The weights are rounded from logistic regressions on real footage
    spliced in many ways; each half of the footage was judged by weights from the other half too.
    """
    evidence = (
        1.1 * math.log(blend.change)
        - 1.4 * max(blend.alike, -0.2)
        - 8.0 * max(blend.alike - 0.6, 0.0)
        - 2.3 * blend.shifted
        - 4.9 * blend.same
        + 1.15 * math.log1p(blend.palette)
        + 1.5 * blend.fit
        + 3.0 * min(blend.fit, 0.0)
        + 3.1 * max(blend.mix, -0.5)
        + 2.8 * max(blend.sweep, 0.0)
        - 0.6 * min(max(blend.dip, 0.4), 1.2)
        - 8.3
    )
    is_wipe = 4.6 * blend.step + 2.4 * blend.sweep - 7.3 * blend.mix > 1.0
    return ("wipe" if is_wipe else "dissolve"), evidence
