"""Candidates ranked under other weights, from stored tables alone."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from clipkit.analysis.highlights import score_candidates
from clipkit.analysis.select import select_clips
from clipkit.params import ScoringWeights, SelectionParams


def rank_candidates(
    candidates: pd.DataFrame,
    weights: Mapping[str, float],
    selection: SelectionParams,
    *,
    duration_s: float,
    words: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the candidates under `weights`, best first, and the clips that would be chosen.

    Parameters
    ----------
    candidates : DataFrame
        Table of `find_candidates`, in the order of the ranking to compare with.
    weights : mapping of str to float
        Weight of each term.
    selection : SelectionParams
        Number, lengths and gaps.
    duration_s : float
        Length of the video.
    words : DataFrame, optional
        Words table, for titles.

    Returns
    -------
    ranking : DataFrame
        The candidates with ``rank`` and ``rank_before``, from 1, and ``chosen``.
    chosen : DataFrame
        Clips table.
    """
    scored = score_candidates(candidates, ScoringWeights.model_validate(dict(weights)))
    chosen, rejected = select_clips(scored, selection, duration_s=duration_s, words=words)
    before = {candidate_id: rank for rank, candidate_id in enumerate(candidates["candidate_id"], start=1)}
    ranking = scored.reset_index(drop=True).assign(
        rank=range(1, len(scored) + 1),
        rank_before=[before[candidate_id] for candidate_id in scored["candidate_id"]],
        chosen=~scored["candidate_id"].isin(rejected["candidate_id"]).to_numpy(),
    )
    return ranking, chosen
