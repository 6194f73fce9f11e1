"""Where one picture gives way to the next: hard cuts, dissolves, fades and wipes.

Conventions
-----------
A transition has ``begin``, the first frame that is no longer purely the old shot, and ``end``, the
first frame that is purely the new one, as indices in display order; a hard cut has both at the
first frame of the new shot.  ``score`` is the share of certainty, 0 to 1, comparable between the
kinds; ``margin`` is what it lies above ``analysis.min_score``, small where the case was close.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.blends import find_blends
from clipkit.analysis.cuts import find_cuts
from clipkit.analysis.fades import HOLD_S, find_fades
from clipkit.analysis.features import Frames
from clipkit.analysis.transitions import Transition
from clipkit.params import AnalysisParams

# Share of black or white pixels from which a picture is nothing else.
PLAIN_SHARE = 0.97
# A fade that ends this near to the end of the file ends the last shot, seconds.
END_S = 0.1

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
    cuts = find_cuts(frames.luma, frames.chroma, time_s, params)
    fades = find_fades(frames.luma, time_s, params)
    blends = find_blends(frames.luma, frames.chroma, time_s, cuts, params)
    is_plain = (frames.table[["black_share", "white_share"]].max(axis=1) >= PLAIN_SHARE).to_numpy()
    found = _merged_through_plain(_without_overlap(cuts, fades, blends), is_plain, time_s)
    # What fades out at the end of the file gives way to nothing.
    if found and found[-1].kind == "fade" and time_s[-1] - time_s[found[-1].end] <= END_S:
        found.pop()
    rows = [(one.kind, one.begin, one.end, time_s[one.begin], time_s[one.end], one.score) for one in found]
    table = pd.DataFrame(rows, columns=list(TRANSITION_COLUMNS)[:-1])
    table["margin"] = table["score"] - params.min_score
    return table.astype(TRANSITION_COLUMNS)


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


def _without_overlap(cuts: list[Transition], fades: list[Transition], blends: list[Transition]) -> list[Transition]:
    """Return one transition for each place: a fade says more than a blend, and both more than a cut inside them."""
    kept: list[Transition] = []
    for group in (fades, blends, cuts):
        for one in sorted(group, key=lambda found: -found.evidence):
            if not any(one.begin <= other.end and other.begin <= one.end for other in kept):
                kept.append(one)
    return sorted(kept, key=lambda found: found.begin)


def _merged_through_plain(
    found: list[Transition], is_plain: NDArray[np.bool_], time_s: NDArray[np.float64]
) -> list[Transition]:
    """Return the transitions with those joined that only a moment of black or white separates."""
    merged: list[Transition] = []
    for one in found:
        last = merged[-1] if merged else None
        if (
            last is not None
            and {last.kind, one.kind} <= {"cut", "fade"}
            and time_s[one.begin] - time_s[last.end] <= HOLD_S
            and is_plain[last.end : max(one.begin, last.end + 1)].all()
        ):
            merged[-1] = Transition("fade", last.begin, one.end, max(last.evidence, one.evidence))
        else:
            merged.append(one)
    return merged
