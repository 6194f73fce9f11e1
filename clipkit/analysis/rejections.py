"""Rejections: the rule that each candidate fell under, and which clip it lost against."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.lattice import ROUNDING_S
from clipkit.analysis.likeness import SAME_FOOTAGE, Likeness
from clipkit.analysis.schedule import Choice
from clipkit.params import SelectionParams

# Two spans of the same stretch that share this much of the time of both are one idea with other edges.
_NEAR_DUPLICATE = 0.7


def length_limits(candidates: pd.DataFrame, params: SelectionParams, duration_s: float) -> NDArray[np.str_]:
    """Return ``too_short``, ``too_long`` or nothing for each candidate; all of a short video is not too short."""
    length_s = (candidates["end_s"] - candidates["start_s"]).to_numpy(dtype=np.float64)
    too_short = (length_s < params.min_s - ROUNDING_S) & (duration_s >= params.min_s)
    return np.where(too_short, "too_short", np.where(length_s > params.max_s + ROUNDING_S, "too_long", ""))


def reject(
    candidates: pd.DataFrame,
    choice: Choice,
    limits: NDArray[np.str_],
    params: SelectionParams,
    words: pd.DataFrame | None,
) -> pd.DataFrame:
    """Return every candidate that was not chosen, once, with the reason.

    Parameters
    ----------
    candidates : DataFrame
        Table of `find_candidates`.
    choice : Choice
        Rows of the clips, in the order of their numbers, and what stood aside for which of them.
    limits : ndarray of str, shape (n_candidates,)
        What `length_limits` returns.
    params : SelectionParams
        Lengths and gap.
    words : DataFrame or None
        Words table, to say how alike near-duplicates are.

    Returns
    -------
    DataFrame
        ``candidate_id,start_s,end_s,score,rule,detail``.
    """
    chosen, likeness = choice.rows, Likeness(candidates, words)
    start_s, end_s = candidates["start_s"].to_numpy(dtype=np.float64), candidates["end_s"].to_numpy(dtype=np.float64)
    score = candidates["score"].to_numpy(dtype=np.float64)
    names = [f"clip {clip_id} ({score[row]:.2f})" for clip_id, row in enumerate(chosen.tolist(), start=1)]
    others = np.setdiff1d(np.arange(len(candidates)), chosen)
    # A column of nothing lets the largest overlap be asked for without any clip.
    clip_starts, clip_ends = np.append(start_s[chosen], np.inf), np.append(end_s[chosen], np.inf)
    first_s, last_s = start_s[others], end_s[others]
    shared = np.minimum(clip_ends, last_s[:, None]) - np.maximum(clip_starts, first_s[:, None])
    nearest = shared.argmax(axis=1)
    shared_s = shared[np.arange(len(others)), nearest]
    union_s = np.maximum(clip_ends[nearest], last_s) - np.minimum(clip_starts[nearest], first_s)
    share = np.divide(shared_s, union_s, out=np.zeros(len(others)), where=shared_s > 0.0)
    limit, twin = limits[others], choice.twin_of[others]
    rules = np.select(
        [
            limit != "",
            (shared_s > 0.0) & (share >= _NEAR_DUPLICATE),
            shared_s > 0.0,
            twin >= 0,
            shared_s > -params.gap_s + 5e-4,
        ],
        [limit, "near_duplicate", "overlaps_chosen", "near_duplicate", "too_close"],
        "lower_score",
    )
    last = f"scores no more than {names[-1]}, the last of the {len(names)} chosen" if names else "no clip was chosen"
    details = np.full(len(others), last, dtype=object)
    for place in np.flatnonzero(rules != "lower_score").tolist():
        rule, clip_name = rules[place], names[nearest[place]] if nearest[place] < len(names) else ""
        if rule == "too_short":
            text = f"{last_s[place] - first_s[place]:.1f} s is shorter than the {params.min_s:g} s asked for"
        elif rule == "too_long":
            text = f"{last_s[place] - first_s[place]:.1f} s is longer than the {params.max_s:g} s allowed"
        elif rule == "overlaps_chosen":
            text = f"shares {shared_s[place]:.1f} s with {clip_name}"
        elif rule == "too_close":
            text = f"only {-shared_s[place]:.1f} s from {clip_name}"
        else:
            text = f"{share[place]:.0%} the same as {clip_name}"
        details[place] = text
    for clip, row in enumerate(chosen.tolist()):
        alike = np.flatnonzero((rules == "near_duplicate") & (twin == row) & (shared_s <= 0.0))
        footage, said = (
            likeness.shared_footage(np.array([row]), others[alike])[0],
            likeness.same_words(row, others[alike]),
        )
        details[alike] = [
            f"{shown:.0%} of it is shown in {names[clip]} too"
            if shown >= SAME_FOOTAGE
            else f"says the same as {names[clip]} (cosine {spoken:.2f})"
            for shown, spoken in zip(footage.tolist(), said.tolist(), strict=True)
        ]
    table = candidates.loc[candidates.index[others], ["candidate_id", "start_s", "end_s", "score"]]
    table = table.reset_index(drop=True).round({"start_s": 3, "end_s": 3, "score": 4})
    table["rule"] = pd.Series(rules, dtype="str")
    table["detail"] = pd.Series(details.tolist(), dtype="str")
    return table
