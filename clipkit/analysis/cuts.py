"""Hard cuts: one frame unlike the one before, in a stretch where frames are alike."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from clipkit.analysis.transitions import Transition, least_evidence, likeness
from clipkit.kernels.motion import differences_to_last, grid_difference
from clipkit.params import AnalysisParams
from clipkit.scratch import Rows, in_blocks

# Below this, in levels, a frame repeats the last one: 3:2 pulldown, 15 fps stored as 30.
STILL = 0.1
# Noise that a step is measured against where nothing else moves, in levels.
NOISE = 0.3
# A step less than this many times the others is none; fewest frames that are looked at on each side.
LEAST_RATIO = 1.6
FEWEST = 2
# A cell's usual step is the median of up to this many steps on each side, no further away than this, seconds.
NEIGHBOURS = 6
USUAL_S = 0.5
# More than three times the usual step, and this many levels, is unusual.
UNUSUAL = 6
FEWEST_CELLS = 24
# Frames this far on both sides are compared to tell a flash from a cut, seconds, and at least so many.
FLASH_S = 0.5
FLASH_FRAMES = 4
# What lasts shorter is a flash whatever it shows, seconds.
BRIEF_S = 0.13
# A flash leaves a picture at most this much of its contrast, which is still some, and moves its mean so far, levels.
FLASH_CONTRAST = 0.4
FLASH_LEAST_CONTRAST = 2.0
FLASH_SHIFT = 40.0
# A picture with less contrast says nothing of its own, levels.
FLAT = 6.0
# A picture has come back where it differs from the one before by less than this share of the step.
RETURNS = 0.3
RETURNS_AFTER_FLASH = 0.5


def find_cuts(luma: Rows, chroma: Rows, time_s: NDArray[np.float64], params: AnalysisParams) -> list[Transition]:
    """Return the hard cuts, in display order.

    Parameters
    ----------
    luma : rows of uint8, shape (n_frames, n_rows, n_columns)
    chroma : rows of uint8, shape (n_frames, 2, ...)
    time_s : ndarray of float64, shape (n_frames,)
    params : AnalysisParams

    Returns
    -------
    list of Transition

    Notes
    -----
    The step to a frame is its motion-tolerant difference from the last frame that was not a
    repetition.  What makes a step a cut: it is large against the mean step around it and against
    that of the quieter side (shots begin and end in the middle of movement); in most cells it is
    larger than their own usual step, which a change of scene is and a movement within one is not;
    it leads to a picture unlike the old one, and to other colours; and no picture from before comes
    back after it.  The weights are rounded from a logistic regression on real footage spliced in
    many ways; each half of the footage was judged by weights from the other half too.
    """
    n_frames = len(luma)
    if n_frames < 2:
        return []
    before, steps = _steps(luma)
    kept = np.flatnonzero(steps > 0)
    kept_s, kept_steps = time_s[kept], steps[kept].astype(np.float64)
    window_s = max(params.cut_window_s, FEWEST * float(np.median(np.diff(time_s)))) + 1e-6
    cuts = []
    for at in np.flatnonzero(kept_steps >= params.cut_min_difference).tolist():
        step, frame = kept_steps[at], int(kept[at])
        first, last = np.searchsorted(kept_s, [kept_s[at] - window_s, kept_s[at] + window_s])
        left, right = kept_steps[first:at], kept_steps[at + 1 : last]
        around = np.concatenate([left, right])
        around_mean = around.mean() if around.size else 0.0
        is_peak = step >= max(left[-1:].max(initial=0.0), right[:1].max(initial=0.0))
        if not is_peak or step < LEAST_RATIO * (around_mean + NOISE):
            continue
        # What the file does not show before its first and after its last frame is not quiet.
        shown = (
            left.size or kept_s[at] - time_s[0] > window_s,
            right.size or time_s[-1] - kept_s[at] > window_s,
        )
        sides = [
            side.mean() if side.size else 0.0 for side, is_shown in zip((left, right), shown, strict=True) if is_shown
        ]
        quiet_mean = min(sides, default=0.0)
        old = int(before[frame])
        old_grid, grid = luma[[old, frame]]
        colour = np.abs(np.diff(chroma[[old, frame]].astype(np.int32), axis=0)).mean()
        begin, end = np.searchsorted(kept_s, [kept_s[at] - USUAL_S, kept_s[at] + USUAL_S])
        near = np.concatenate([kept[max(begin, at - NEIGHBOURS) : at], kept[at + 1 : min(end, at + 1 + NEIGHBOURS)]])
        evidence = (
            1.0 * math.log(step / (around_mean + NOISE))
            + 0.35 * math.log(step / (quiet_mean + NOISE))
            + 7.0 * _unusual_share(old_grid, grid, luma[before[near]], luma[near], params)
            - 1.8 * likeness(old_grid.astype(np.float64), grid.astype(np.float64))
            + 0.5 * math.log1p(colour)
            - 6.3
        )
        if evidence > least_evidence(params):
            evidence -= 40.0 * _returned(luma, time_s, old, frame, step)
            if evidence > least_evidence(params):
                cuts.append(Transition("cut", frame, frame, evidence))
    return cuts


def _steps(luma: Rows) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return for each frame the last one before it that was not a repetition, and the step from there."""
    before, steps = np.empty(len(luma), np.int64), np.empty(len(luma), np.float32)
    kept = 0
    for at, grids in in_blocks(luma):
        # What was kept last stands before the block: the first of a series always counts as kept.
        frames = np.append(kept, np.arange(at.start, at.stop))
        kept_before, step = np.empty(len(frames), np.int64), np.empty(len(frames), np.float32)
        differences_to_last(np.concatenate([luma[kept : kept + 1], grids]), STILL, kept_before, step)
        before[at], steps[at] = frames[kept_before[1:]], step[1:]
        kept = int(frames[np.flatnonzero(step).max(initial=0)])
    return before, steps


def _unusual_share(
    old: NDArray[np.uint8],
    new: NDArray[np.uint8],
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    params: AnalysisParams,
) -> float:
    """Return the share of cells that change far more from `old` to `new` than in the steps around.

    Those lead from each grid of `before` to that of `after`.  Cells that are black, or white, in both pictures say
    nothing: titles on black change a tenth of it.
    """
    change, usual = np.abs(new.astype(np.int32) - old), np.zeros(old.shape)
    if len(after):
        usual = np.median(np.abs(after.astype(np.int32) - before), axis=0)
    says_nothing = (np.maximum(old, new) <= params.black_level) | (np.minimum(old, new) >= params.white_level)
    n_telling = max(FEWEST_CELLS, int((~says_nothing).sum()))
    return float(((change > 3 * usual + UNUSUAL) & ~says_nothing).sum() / n_telling)


def _returned(luma: Rows, time_s: NDArray[np.float64], old: int, frame: int, step: float) -> float:
    """Return how much more alike a picture before and one after are than they must be, as a share of the step.

    A picture that comes back makes what lies between a flash if that is short, or only lighter or
    darker: a shot that is inserted for a moment has a picture of its own.
    """
    first = min(int(np.searchsorted(time_s, time_s[old] - FLASH_S)), max(0, old - FLASH_FRAMES))
    last = max(int(np.searchsorted(time_s, time_s[frame] + FLASH_S, side="right")), frame + 1 + FLASH_FRAMES)
    earlier, later = luma[first : old + 1], luma[frame:last]
    came_allowed = _allowed(later[0], earlier[-1])
    came = [
        (came_allowed, after_s - time_s[old], earlier[-1], after)
        for after, after_s in zip(later[1:], time_s[frame + 1 : last], strict=True)
    ]
    went = [
        (_allowed(earlier[-1], before), time_s[frame] - before_s, before, later[0])
        for before, before_s in zip(earlier[:-1], time_s[first:old], strict=True)
    ]
    shares = [0.0]
    for allowed, apart_s, before, after in came + went:
        allowed = max(allowed, RETURNS if apart_s < BRIEF_S else 0.0)
        if allowed:
            shares.append(allowed - float(grid_difference(before, after)) / (step + 0.5))
    return max(shares)


def _allowed(flash: NDArray[np.uint8], picture: NDArray[np.uint8]) -> float:
    """Return how unlike a picture may come back after what may be a flash of it; 0 where it is none."""
    contrast, usual = float(flash.std()), float(picture.std())
    shift = abs(float(flash.mean()) - float(picture.mean()))
    if FLASH_LEAST_CONTRAST < contrast < FLASH_CONTRAST * usual and shift > FLASH_SHIFT:
        return RETURNS_AFTER_FLASH
    is_lit = contrast < FLAT or likeness(flash.astype(np.float64), picture.astype(np.float64)) > 0.4
    return RETURNS if is_lit else 0.0
