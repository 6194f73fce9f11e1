"""Where one picture gives way to the next: hard cuts, dissolves, fades and wipes.

Conventions
-----------
A transition has ``begin``, the first frame that is no longer purely the old shot, and ``end``, the
first frame that is purely the new one, as indices in display order; a hard cut has both at the
first frame of the new shot.  ``score`` and ``margin`` are shares of certainty: ``margin`` is
positive, and small where the case was close.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.features import Frames
from clipkit.kernels.motion import grid_difference, grid_differences
from clipkit.params import AnalysisParams

TRANSITION_COLUMNS = {
    "kind": "str",
    "begin": "int64",
    "end": "int64",
    "begin_s": "float64",
    "end_s": "float64",
    "score": "float64",
    "margin": "float64",
}


def detect_transitions(frames: Frames, params: AnalysisParams) -> pd.DataFrame:
    """Find the transitions of a video.

    Parameters
    ----------
    frames : Frames
    params : AnalysisParams

    Returns
    -------
    DataFrame
        ``kind`` (cut, dissolve, fade or wipe), ``begin``, ``end``, ``begin_s``, ``end_s``,
        ``score``, ``margin``, one row a transition in display order, none overlapping.
    """
    time_s = frames.table["time_s"].to_numpy()
    rows = [("cut", cut, cut, score, margin) for cut, score, margin in find_cuts(frames.luma, time_s, params)]
    table = pd.DataFrame(rows, columns=["kind", "begin", "end", "score", "margin"])
    table["begin_s"], table["end_s"] = time_s[table["begin"].astype(int)], time_s[table["end"].astype(int)]
    return table[list(TRANSITION_COLUMNS)].astype(TRANSITION_COLUMNS)


def shots_from_transitions(transitions: pd.DataFrame, duration_s: float) -> pd.DataFrame:
    """Return the shots between the transitions; they tile ``[0, duration_s)``.

    Parameters
    ----------
    transitions : DataFrame
        As from :func:`detect_transitions`.
    duration_s : float

    Returns
    -------
    DataFrame
        ``shot_id`` from 1, ``start_s``, ``end_s``, ``kind`` of the transition that begins the
        shot (``start`` for the first).  A gradual transition is split at its middle.
    """
    middles = (transitions["begin_s"] + transitions["end_s"]) / 2
    inside = (middles > 0) & (middles < duration_s)
    edges = middles[inside].to_numpy()
    return pd.DataFrame(
        {
            "shot_id": np.arange(1, edges.size + 2),
            "start_s": np.concatenate([[0.0], edges]),
            "end_s": np.concatenate([edges, [duration_s]]),
            "kind": ["start", *transitions["kind"][inside]],
        }
    )


def find_cuts(
    luma: NDArray[np.uint8], time_s: NDArray[np.float64], params: AnalysisParams
) -> list[tuple[int, float, float]]:
    """Return ``(frame, score, margin)`` of each hard cut."""
    n_frames = len(luma)
    if n_frames < 2:
        return []
    steps = np.empty(n_frames, np.float32)
    grid_differences(luma, np.maximum(np.arange(n_frames) - 1, 0), steps)
    cuts = []
    for frame in np.flatnonzero(steps >= params.cut_min_difference).tolist():
        near = np.flatnonzero(np.abs(time_s - time_s[frame]) <= params.cut_window_s + 1e-6)
        around = near[(near != frame) & (near > 0)]
        if around.size and (steps[frame] < steps[around]).any():
            continue
        ratio = float(steps[frame] / ((steps[around].mean() if around.size else 0.0) + 0.05))
        across = [
            grid_difference(luma[before], luma[after])
            for before in range(max(0, frame - 3), frame)
            for after in range(frame, min(n_frames, frame + 4))
            if (before, after) != (frame - 1, frame)
        ]
        veto = min(across, default=255.0) / (float(steps[frame]) + 0.5)
        if ratio >= params.cut_min_ratio and veto > params.flash_veto:
            score = 1.0 - params.cut_min_ratio / (2 * ratio)
            cuts.append((int(frame), score, score - 0.5))
    return cuts
