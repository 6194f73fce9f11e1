"""Rejections: the rule that each candidate fell under, and which clip it lost against."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.likeness import SAME_FOOTAGE, Likeness
from clipkit.params import SelectionParams

Rows = NDArray[np.int64]

# Two spans of the same stretch that share this much of the time of both are one idea with other edges.
_NEAR_DUPLICATE = 0.7


def reject(
    candidates: pd.DataFrame, chosen: Rows, twin_of: Rows, likeness: Likeness, params: SelectionParams
) -> pd.DataFrame:
    """Return every candidate that was not chosen, once, with the reason.

    Parameters
    ----------
    candidates : DataFrame
        Table of `find_candidates` with ``limit``: ``too_short``, ``too_long`` or nothing.
    chosen : ndarray of int64
        Rows of the clips, in the order of their numbers.
    twin_of : ndarray of int64, shape (n_candidates,)
        Row of the clip for which a candidate stood aside, -1 for none.
    likeness : Likeness
        What twins are alike in.
    params : SelectionParams
        Lengths and gap.

    Returns
    -------
    DataFrame
        ``candidate_id,start_s,end_s,score,rule,detail``.
    """
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
    limit = candidates["limit"].to_numpy()[others]
    twin = twin_of[others]
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
    length_s = last_s - first_s
    last = f"scores no more than {names[-1]}, the last of the {len(names)} chosen" if names else "no clip was chosen"
    details = [last] * len(others)
    for place in np.flatnonzero(rules != "lower_score").tolist():
        if rules[place] == "too_short":
            details[place] = f"{length_s[place]:.1f} s is shorter than the {params.min_s:g} s asked for"
        elif rules[place] == "too_long":
            details[place] = f"{length_s[place]:.1f} s is longer than the {params.max_s:g} s allowed"
        elif rules[place] == "overlaps_chosen":
            details[place] = f"shares {shared_s[place]:.1f} s with {names[nearest[place]]}"
        elif rules[place] == "too_close":
            details[place] = f"only {-shared_s[place]:.1f} s from {names[nearest[place]]}"
        elif shared_s[place] > 0.0:
            details[place] = f"{share[place]:.0%} the same as {names[nearest[place]]}"
    for row in np.unique(twin[rules == "near_duplicate"]).tolist():
        alike = np.flatnonzero((rules == "near_duplicate") & (twin == row) & (shared_s <= 0.0))
        clip = names[int(np.flatnonzero(chosen == row)[0])] if row >= 0 else ""
        footage, said = likeness.shared_footage(row, others[alike]), likeness.same_words(row, others[alike])
        for place, shown, spoken in zip(alike.tolist(), footage.tolist(), said.tolist(), strict=True):
            details[place] = (
                f"{shown:.0%} of it is shown in {clip} too"
                if shown >= SAME_FOOTAGE
                else f"says the same as {clip} (cosine {spoken:.2f})"
            )
    table = candidates.loc[candidates.index[others], ["candidate_id", "start_s", "end_s", "score"]]
    table = table.reset_index(drop=True).round({"start_s": 3, "end_s": 3, "score": 4})
    table["rule"] = pd.Series(rules, dtype="str")
    table["detail"] = pd.Series(details, dtype="str")
    return table
