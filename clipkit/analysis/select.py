"""The choice of clips: the best spans that do not get in each other's way, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.likeness import Likeness
from clipkit.analysis.rejections import length_limits, reject
from clipkit.analysis.schedule import Choice, choose_spans
from clipkit.analysis.terms import TERMS
from clipkit.analysis.titles import make_title
from clipkit.params import SelectionParams

CLIP_COLUMNS = ("clip_id", "start_s", "end_s", "score", "title", "reason", *TERMS)

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
    "body": "a strong middle",
    "delivery": "a lively voice",
    "reaction": "laughter or applause",
}
_BLAME = {
    "silence": "mostly silent",
    "repetition": "mostly shown before",
    "poor_picture": "mostly dark, blurred or frozen",
    "intro_outro": "mostly the video's first or last moments",
}
_BAD = 0.5


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
        Words table, for the titles, and to tell which clips say the same.

    Returns
    -------
    clips : DataFrame
        ``clip_id,start_s,end_s,score,title,reason`` and the terms, best first, ``clip_id`` from 1.
        The reason of a clip under ``quality_bar`` begins with "below your bar".
    rejected : DataFrame
        ``candidate_id,start_s,end_s,score,rule,detail``, every other candidate once, with rule
        ``too_short``, ``too_long``, ``near_duplicate`` (of a clip: most of the same time, the same words,
        or a repeat of the same footage), ``overlaps_chosen``, ``too_close`` or ``lower_score``.

    Notes
    -----
    Weighted interval scheduling with a limited number of intervals by dynamic programming
    (:mod:`clipkit.analysis.schedule`): no other choice has a higher total.  Of equal totals the one that
    starts earlier is taken.  Only where two clips of the best choice are twins
    (:mod:`clipkit.analysis.likeness`) the worse one and all like it stand aside, and the rest is chosen anew.
    """
    limits = length_limits(candidates, params, duration_s)
    choice = _choose(candidates, candidates["score"], limits, params, words)
    clips = _clip_table(candidates.iloc[choice.rows], candidates, params, duration_s, words)
    return clips, reject(candidates, choice, limits, params, words)


def centre_prior(
    candidates: pd.DataFrame, params: SelectionParams, *, duration_s: float, words: pd.DataFrame | None = None
) -> float:
    """Return the mean score of the clips that would be chosen by their place in the video alone.

    Nearness to the middle is known to beat many published ways to find highlights, so what
    a choice is worth shows only beside it.

    Parameters
    ----------
    candidates : DataFrame
        Table of `find_candidates`.
    params : SelectionParams
        The rules that hold for the clips too.
    duration_s : float
        Length of the video.
    words : DataFrame, optional
        Words table.

    Returns
    -------
    float
        0..1, as the mean of the clips' ``score``; 0 when there is no clip.
    """
    limits = length_limits(candidates, params, duration_s)
    choice = _choose(candidates, candidates["position"], limits, params, words)
    return round(float(candidates["score"].to_numpy()[choice.rows].mean()), 4) if len(choice.rows) else 0.0


def _choose(
    candidates: pd.DataFrame,
    score: pd.Series,
    limits: NDArray[np.str_],
    params: SelectionParams,
    words: pd.DataFrame | None,
) -> Choice:
    fits = np.flatnonzero(limits == "")
    spans = candidates.iloc[fits]
    choice = choose_spans(
        spans["start_s"],
        spans["end_s"],
        score.iloc[fits],
        gap_s=params.gap_s,
        most=params.n_clips,
        alike=Likeness(spans, words).alike,
    )
    twin_of = np.full(len(candidates), -1, dtype=np.int64)
    twin_of[fits] = np.where(choice.twin_of >= 0, fits[choice.twin_of], -1)
    return Choice(fits[choice.rows], twin_of, fits[choice.met])


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
                "title": make_title(start_s, end_s, words, taken=[row["title"] for row in rows]),
                "reason": bar + _reason(candidate, candidates, duration_s),
                **{term: round(float(candidate.get(term, 0.0)), 4) for term in TERMS},
            }
        )
    table = pd.DataFrame(rows, columns=list(CLIP_COLUMNS))
    return table.astype({"clip_id": "int64", "title": "str", "reason": "str"})


def _reason(candidate: pd.Series, candidates: pd.DataFrame, duration_s: float) -> str:
    """Return a sentence: how it starts, what speaks for it and against it, how it ends."""
    facts = [f"starts {candidate['begins']}"]
    if candidate["speech"] >= 0.05:
        facts.append(f"somebody speaks for {candidate['speech']:.0%} of the time")
    loudest = _loudest_of(candidate, candidates, duration_s)
    if loudest:
        facts.append(loudest)
    praised = [term for term in _PRAISE if candidate.get(term, 0.0) >= _STRONG and not (loudest and term == "energy")]
    praised.sort(key=lambda term: -float(candidate[term]))
    facts.extend(_PRAISE[term] for term in praised[:2])
    facts.extend(blame for term, blame in _BLAME.items() if candidate.get(term, 0.0) > _BAD)
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
