"""The choice of clips: the best spans that do not get in each other's way, exactly.

Conventions
-----------
Times are compared in whole milliseconds, so that equal input gives equal clips everywhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from clipkit.analysis.highlights import ROUNDING_S
from clipkit.analysis.terms import TERMS
from clipkit.params import SelectionParams
from clipkit.timeline import format_timecode

CLIP_COLUMNS = ("clip_id", "start_s", "end_s", "score", "title", "reason", *TERMS)

_TITLE_LENGTH = 60
_NEAR_DUPLICATE = 0.7
# Below this a term is not worth a word; above it, it is.
_STRONG = 0.7
_PRAISE = {
    "hook": "a strong opening",
    "energy": "louder than most of the video",
    "dynamics": "much change between loud and quiet",
    "motion": "much movement",
    "pace": "fast cutting",
    "novelty": "unlike what is around it",
    "text": "telling words",
    "payoff": "a strong ending",
}


def select_clips(
    candidates: pd.DataFrame,
    params: SelectionParams,
    *,
    duration_s: float,
    words: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Choose at most ``n_clips`` spans with the highest total score that keep ``gap_s`` apart.

    Parameters
    ----------
    candidates : DataFrame
        Table of `find_candidates`.
    params : SelectionParams
        Number, lengths, gap and quality bar.
    duration_s : float
        Length of the video.
    words : DataFrame, optional
        Words table, for the titles.

    Returns
    -------
    clips : DataFrame
        ``clip_id,start_s,end_s,score,title,reason`` and the terms, best first, ``clip_id`` from 1.
        The reason of a clip under ``quality_bar`` begins with "below your bar".
    rejected : DataFrame
        ``candidate_id,start_s,end_s,score,rule,detail``, every other candidate once, with rule
        ``too_short``, ``too_long``, ``near_duplicate``, ``overlaps_chosen``, ``too_close`` or
        ``lower_score``.

    Notes
    -----
    Weighted interval scheduling with a limited number of intervals by dynamic programming,
    O(n log n + n K): no other choice has a higher total.  Of equal totals the one that starts earlier
    is taken.
    """
    length_s = (candidates["end_s"] - candidates["start_s"]).to_numpy(dtype=np.float64)
    too_long = length_s > params.max_s + ROUNDING_S
    too_short = (length_s < params.min_s - ROUNDING_S) & (duration_s >= params.min_s)
    fits = ~(too_long | too_short)
    allowed = candidates[fits]
    chosen = allowed.iloc[
        best_spans(allowed["start_s"], allowed["end_s"], allowed["score"], gap_s=params.gap_s, most=params.n_clips)
    ]
    order = np.lexsort([chosen["start_s"], -chosen["score"]])
    chosen = chosen.iloc[order]
    clips = _clip_table(chosen, candidates, params, duration_s, words)
    others = ~candidates["candidate_id"].isin(chosen["candidate_id"]).to_numpy()
    limits = np.where(too_short, "too_short", np.where(too_long, "too_long", ""))
    return clips, _rejected_table(candidates[others], limits[others], clips, params)


def best_spans(start_s: ArrayLike, end_s: ArrayLike, score: ArrayLike, *, gap_s: float, most: int) -> NDArray[np.int64]:
    """Return the rows of the at most `most` spans, `gap_s` apart, with the highest total score.

    Parameters
    ----------
    start_s, end_s, score : array_like of float, shape (n_spans,)
        Spans in any order; scores are at least 0.
    gap_s : float
        Smallest time from one end to the next start.
    most : int
        Largest number of spans.

    Returns
    -------
    ndarray of int64
        In order of time.

    Examples
    --------
    >>> best_spans([0, 2, 4], [3, 5, 7], [0.5, 0.9, 0.5], gap_s=0, most=2).tolist()
    [0, 2]
    """
    starts = np.rint(np.asarray(start_s, dtype=np.float64) * 1000).astype(np.int64)
    ends = np.rint(np.asarray(end_s, dtype=np.float64) * 1000).astype(np.int64)
    values = np.asarray(score, dtype=np.float64)
    order = np.lexsort([ends, starts])
    after = np.searchsorted(starts[order], ends[order] + round(gap_s * 1000))
    n_spans = len(order)
    # total[i, k]: the most that k spans from the i-th on can bring.
    total = np.zeros((n_spans + 1, most + 1))
    for index in range(n_spans - 1, -1, -1):
        total[index] = total[index + 1]
        taken = values[order[index]] + total[after[index], :-1]
        np.maximum(total[index, 1:], taken, out=total[index, 1:])
    rows, index, left = [], 0, most
    while index < n_spans and left > 0:
        if values[order[index]] + total[after[index], left - 1] >= total[index + 1, left]:
            rows.append(order[index])
            index, left = int(after[index]), left - 1
        else:
            index += 1
    return np.array(rows, dtype=np.int64)


def _clip_table(
    chosen: pd.DataFrame,
    candidates: pd.DataFrame,
    params: SelectionParams,
    duration_s: float,
    words: pd.DataFrame | None,
) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for clip_id, (_, candidate) in enumerate(chosen.iterrows(), start=1):
        start_s, end_s, score = float(candidate["start_s"]), float(candidate["end_s"]), float(candidate["score"])
        bar = f"below your bar ({score:.2f} < {params.quality_bar:.2f}): " if score < params.quality_bar else ""
        rows.append(
            {
                "clip_id": clip_id,
                "start_s": round(start_s, 3),
                "end_s": round(end_s, 3),
                "score": round(score, 4),
                "title": _title(start_s, end_s, words),
                "reason": bar + _reason(candidate, candidates, duration_s),
                **{term: round(float(candidate[term]), 4) for term in TERMS},
            }
        )
    table = pd.DataFrame(rows, columns=list(CLIP_COLUMNS))
    return table.astype({"clip_id": "int64", "title": "str", "reason": "str"})


def _reason(candidate: pd.Series, candidates: pd.DataFrame, duration_s: float) -> str:
    """Return a sentence: how it starts, what speaks for it, how it ends."""
    facts = [f"starts {candidate['begins']}"]
    if candidate["speech"] >= 0.05:
        facts.append(f"somebody speaks for {candidate['speech']:.0%} of the time")
    loudest = _loudest_of(candidate, candidates, duration_s)
    if loudest:
        facts.append(loudest)
    praised = [term for term in _PRAISE if candidate[term] >= _STRONG and not (loudest and term == "energy")]
    praised.sort(key=lambda term: -float(candidate[term]))
    facts.extend(_PRAISE[term] for term in praised[:2])
    facts.append(f"ends {candidate['ends']}")
    return "; ".join(facts)


def _loudest_of(candidate: pd.Series, candidates: pd.DataFrame, duration_s: float) -> str:
    energy = float(candidate["energy"])
    # At 1 the term is at its limit, and others may be as loud.
    if not _STRONG <= energy < 1.0:
        return ""
    length_s = float(candidate["end_s"] - candidate["start_s"])
    if energy >= float(candidates["energy"].max()):
        return f"the loudest {length_s:.0f} s of the video"
    in_first = candidates["end_s"] <= duration_s / 2.0
    for name, half in (("first", in_first), ("second", candidates["start_s"] >= duration_s / 2.0)):
        if bool(half.get(candidate.name, False)) and energy >= float(candidates.loc[half, "energy"].max()):
            return f"the loudest {length_s:.0f} s of the {name} half"
    return ""


def _title(start_s: float, end_s: float, words: pd.DataFrame | None) -> str:
    """Return the first whole sentence of a clip, shortened at a word, or its times."""
    if words is not None and len(words):
        middle_s = (words["start_s"] + words["end_s"]) / 2.0
        inside = words[(middle_s >= start_s) & (middle_s < end_s)]
        if len(inside):
            opens = np.flatnonzero(np.diff(words["sentence"].to_numpy(), prepend=-1))
            begins = inside.index.isin(words.index[opens])
            first = int(inside["sentence"].to_numpy()[int(np.argmax(begins))])
            title = _shortened(inside.loc[inside["sentence"] == first, "word"].tolist())
            if title:
                return title
    return f"{format_timecode(start_s, decimals=0)} to {format_timecode(end_s, decimals=0)}"


def _shortened(words: list[str]) -> str:
    title = ""
    for word in words:
        # Words of one ideograph are written without spaces.
        space = "" if not title or (len(word.strip("，。、？！")) == 1 and ord(word[0]) > 0x2E7F) else " "
        if len(title) + len(space) + len(word) > _TITLE_LENGTH - 1:
            return f"{title.rstrip(',;:–—- ')}…" if title else word[: _TITLE_LENGTH - 1] + "…"
        title += space + word
    return "".join(c for c in title if c.isprintable()).rstrip(",;:–—- ")


def _rejected_table(
    others: pd.DataFrame, limits: NDArray[np.str_], clips: pd.DataFrame, params: SelectionParams
) -> pd.DataFrame:
    """Return the rule that each candidate fell under, and which clip it lost against."""
    start_s, end_s = others["start_s"].to_numpy(dtype=np.float64), others["end_s"].to_numpy(dtype=np.float64)
    names = [f"clip {clip_id} ({score:.2f})" for clip_id, score in zip(clips["clip_id"], clips["score"], strict=True)]
    # A column of nothing lets the largest overlap be asked for without any clip.
    clip_starts = np.append(clips["start_s"].to_numpy(dtype=np.float64), np.inf)
    clip_ends = np.append(clips["end_s"].to_numpy(dtype=np.float64), np.inf)
    shared = np.minimum(clip_ends, end_s[:, None]) - np.maximum(clip_starts, start_s[:, None])
    best = shared.argmax(axis=1)
    rows = np.arange(len(others))
    union = np.maximum(clip_ends[best], end_s) - np.minimum(clip_starts[best], start_s)
    verdicts = [
        _refusal(limit, length_s, shared_s, shared_s / union_s, names[clip] if clip < len(names) else "", names, params)
        for limit, length_s, shared_s, union_s, clip in zip(
            limits.tolist(),
            (end_s - start_s).tolist(),
            shared[rows, best].tolist(),
            union.tolist(),
            best.tolist(),
            strict=True,
        )
    ]
    table = others[["candidate_id", "start_s", "end_s", "score"]].reset_index(drop=True)
    table = table.round({"start_s": 3, "end_s": 3, "score": 4})
    table["rule"] = pd.Series([rule for rule, _ in verdicts], dtype="str")
    table["detail"] = pd.Series([detail for _, detail in verdicts], dtype="str")
    return table


def _refusal(
    limit: str, length_s: float, shared_s: float, share: float, clip: str, clips: list[str], params: SelectionParams
) -> tuple[str, str]:
    if limit == "too_short":
        return limit, f"{length_s:.1f} s is shorter than the {params.min_s:g} s asked for"
    if limit == "too_long":
        return limit, f"{length_s:.1f} s is longer than the {params.max_s:g} s allowed"
    if shared_s > 0.0 and share >= _NEAR_DUPLICATE:
        return "near_duplicate", f"{share:.0%} the same as {clip}"
    if shared_s > 0.0:
        return "overlaps_chosen", f"shares {shared_s:.1f} s with {clip}"
    if shared_s > -params.gap_s + 5e-4:
        return "too_close", f"only {-shared_s:.1f} s from {clip}"
    return "lower_score", f"scores no more than {clips[-1]}, the last of the {len(clips)} chosen"
