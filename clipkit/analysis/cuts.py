"""Hard cuts: one frame unlike the one before, in a stretch where frames are alike."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from clipkit.analysis.transitions import Transition, least_evidence, likeness
from clipkit.kernels.motion import differences_to_last, grid_difference
from clipkit.params import AnalysisParams

# Below this, in levels, a frame repeats the last one: 3:2 pulldown, 15 fps stored as 30.
STILL = 0.1
# Noise that a step is measured against where nothing else moves, in levels.
NOISE = 0.3
# Frames this far on both sides are compared to tell a flash from a cut, seconds.
FLASH_S = 0.21
# What lasts shorter is a flash whatever it shows, seconds.
BRIEF_S = 0.13


def find_cuts(
    luma: NDArray[np.uint8], chroma: NDArray[np.uint8], time_s: NDArray[np.float64], params: AnalysisParams
) -> list[Transition]:
    """Return the hard cuts, in display order.

    Parameters
    ----------
    luma : ndarray of uint8, shape (n_frames, n_rows, n_columns)
    chroma : ndarray of uint8, shape (n_frames, 2, ...)
    time_s : ndarray of float64, shape (n_frames,)
    params : AnalysisParams

    Returns
    -------
    list of Transition

    Notes
    -----
    The step to a frame is its motion-tolerant difference from the last frame that was not a
    repetition.  With ``m`` the mean step of the other frames within ``cut_window_s`` and ``q``
    that of the quieter side, both plus some noise, a step ``s`` is evidence of a cut by
    ``2 ln(s / m) + 2 ln(s / q) - 4 ln(cut_min_ratio)``; a picture that is like the old one (its
    correlation) counts against it, another colour counts for it.  A quiet side is worth as much
    as two, because shots begin and end in the middle of movement.
    """
    n_frames = len(luma)
    if n_frames < 2:
        return []
    before, steps = np.empty(n_frames, np.int64), np.empty(n_frames, np.float32)
    differences_to_last(luma, STILL, before, steps)
    kept = np.flatnonzero(steps > 0)
    kept_s, kept_steps = time_s[kept], steps[kept].astype(np.float64)
    cuts = []
    for at in np.flatnonzero(kept_steps >= params.cut_min_difference).tolist():
        step, frame = kept_steps[at], int(kept[at])
        first = np.searchsorted(kept_s, kept_s[at] - params.cut_window_s - 1e-6)
        last = np.searchsorted(kept_s, kept_s[at] + params.cut_window_s + 1e-6)
        left, right = kept_steps[first:at], kept_steps[at + 1 : last]
        if step < max(left[-1:].max(initial=0.0), right[:1].max(initial=0.0)):
            continue
        around = np.concatenate([left, right])
        around_mean = around.mean() if around.size else 0.0
        # What the file does not show before its first and after its last frame is not quiet.
        shown = (
            left.size or kept_s[at] - time_s[0] > params.cut_window_s,
            right.size or time_s[-1] - kept_s[at] > params.cut_window_s,
        )
        sides = [
            side.mean() if side.size else 0.0 for side, is_shown in zip((left, right), shown, strict=True) if is_shown
        ]
        quiet_mean = min(sides, default=0.0)
        old = int(before[frame])
        colour = np.abs(chroma[frame].astype(np.int32) - chroma[old]).mean()
        evidence = (
            2 * math.log(step / (around_mean + NOISE))
            + 2 * math.log(step / (quiet_mean + NOISE))
            - 4 * math.log(params.cut_min_ratio)
            - 2.5 * likeness(luma[old].astype(np.float64), luma[frame].astype(np.float64))
            + 0.7 * math.log1p(colour)
        )
        if evidence > least_evidence(params) and not _is_flash(luma, time_s, old, frame, step, params.flash_veto):
            cuts.append(Transition("cut", frame, frame, evidence))
    return cuts


def _is_flash(
    luma: NDArray[np.uint8], time_s: NDArray[np.float64], old: int, frame: int, step: float, veto: float
) -> bool:
    """Return whether a picture from before comes back after a few frames unlike both.

    What comes between must be short or only lighter or darker: a shot that is inserted for a
    moment has a picture of its own.
    """
    first = int(np.searchsorted(time_s, time_s[old] - FLASH_S))
    last = int(np.searchsorted(time_s, time_s[frame] + FLASH_S, side="right"))
    came = [(old, after, frame) for after in range(frame + 1, last)]
    went = [(before, frame, old) for before in range(first, old)]
    for before, after, inside in came + went:
        if grid_difference(luma[before], luma[after]) < veto * (step + 0.5):
            is_brief = time_s[after] - time_s[before] < BRIEF_S
            if is_brief or _is_lit(luma[inside].astype(np.float64), luma[before].astype(np.float64)):
                return True
    return False


def _is_lit(flash: NDArray[np.float64], picture: NDArray[np.float64]) -> bool:
    return float(flash.std()) < 6.0 or likeness(flash, picture) > 0.6
