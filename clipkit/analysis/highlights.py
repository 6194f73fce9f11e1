"""Candidates: every span worth considering, with one column for each reason to like it.

Conventions
-----------
A score is the mean of the terms of :mod:`clipkit.analysis.terms` under the weights of
:class:`clipkit.params.ScoringWeights`, whose fields are the columns.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.boundaries import find_edges, quietest_edge
from clipkit.analysis.gaps import Scene
from clipkit.analysis.speech import HOPS_PER_S
from clipkit.analysis.terms import TERMS, measure_terms
from clipkit.params import Params, ScoringWeights, SelectionParams

# Edges are whole milliseconds, so that a length may miss its limit by that much.
ROUNDING_S = 0.001 + 1e-6

_CANDIDATES_PER_HOUR = 2000
_FEWEST_CANDIDATES = 200
# Candidates compared before the best are kept; more edges than this many pairs are thinned by their cost.
_MOST_PAIRS_PER_HOUR = 60_000
_BUCKET_S = 20.0


def find_candidates(
    frames_table: pd.DataFrame,
    audio: pd.DataFrame,
    words: pd.DataFrame,
    transitions: pd.DataFrame,
    pauses: pd.DataFrame,
    params: Params,
    *,
    duration_s: float,
) -> pd.DataFrame:
    """Return the spans that could become clips, scored.

    Parameters
    ----------
    frames_table, audio, words, transitions, pauses : DataFrame
        What `measure_frames` (its table), `measure_audio`, `words_from_cues`,
        `detect_transitions` and `find_pauses` return; all but `audio` may be empty.
    params : Params
        Sections ``selection`` and ``scoring``.
    duration_s : float
        Length of the video.

    Returns
    -------
    DataFrame
        ``candidate_id`` int64, ``start_s``, ``end_s``, ``score``, the terms, all float64, and
        ``begins``, ``ends``, str: why the edges are where they are.  Sorted by score, ties by
        start.  At most about 2,000 for an hour, spread over the whole video.  A video shorter
        than ``min_s`` has one candidate: all of it, without silence around its speech.
    """
    times = frames_table["time_s"].to_numpy(dtype=np.float64)
    scene = Scene(
        is_speech=audio["is_speech"].to_numpy(dtype=bool),
        level_db=audio["level_db"].to_numpy(dtype=np.float32),
        words=words,
        pauses=pauses,
        transitions=transitions,
        duration_s=duration_s,
        frame_s=float(np.median(np.diff(times))) if len(times) > 1 else 0.04,
    )
    spans = _spans(scene, params.selection)
    terms = measure_terms(spans, scene, frames_table, audio, params)
    found = pd.concat([spans[["start_s", "end_s"]], terms.round(4), spans[["begins", "ends"]]], axis=1)
    found.insert(2, "score", _weighted_mean(found, params.scoring.weights))
    found = _keep_best(found, duration_s)
    found.insert(0, "candidate_id", np.arange(len(found), dtype=np.int64))
    return found


def score_candidates(candidates: pd.DataFrame, weights: ScoringWeights) -> pd.DataFrame:
    """Return the same candidates with their scores under other weights, sorted anew.

    Parameters
    ----------
    candidates : DataFrame
        Table of `find_candidates`; only its term columns decide.
    weights : ScoringWeights
        Weight of each term; all zero gives every candidate 0.

    Returns
    -------
    DataFrame
        The same rows and columns.

    Examples
    --------
    >>> terms = {term: [0.0, 1.0] for term in TERMS}
    >>> table = pd.DataFrame({"candidate_id": [0, 1], "start_s": [0.0, 9.0], "score": 0.0} | terms)
    >>> score_candidates(table, ScoringWeights())["candidate_id"].tolist()
    [1, 0]
    """
    return _by_score(candidates.assign(score=_weighted_mean(candidates, weights)))


def choose_profile(
    frames_table: pd.DataFrame, audio: pd.DataFrame, words: pd.DataFrame, transitions: pd.DataFrame
) -> tuple[str, str]:
    """Return the profile that fits a video, and why, in one sentence.

    Parameters
    ----------
    frames_table, audio, words, transitions : DataFrame
        As for `find_candidates`.

    Returns
    -------
    name : str
        One of ``talk``, ``sports``, ``gaming``, ``vlog``, ``music``.
    reason : str
        What was measured and what it points to.
    """
    duration_s = max(1.0, len(audio) / HOPS_PER_S)
    is_speech = audio["is_speech"].to_numpy(dtype=bool)
    is_loud = audio["loudness_lufs"].to_numpy() > -45.0
    speech, other = float(is_speech.mean()), float((is_loud & ~is_speech).mean())
    if len(words):
        said_s = float((words["end_s"] - words["start_s"]).sum())
        speech = max(speech, min(1.0, said_s / duration_s))
    cuts = len(transitions) * 60.0 / duration_s
    motion = float(frames_table["motion"].mean()) if len(frames_table) else 0.0
    if speech >= 0.5:
        name = "vlog" if cuts >= 8.0 and motion >= 0.1 else "gaming" if cuts < 2.0 and motion >= 0.25 else "talk"
    elif other >= 0.6 and speech < 0.3:
        name = "music" if motion < 0.3 else "sports"
    elif motion >= 0.15:
        name = "gaming" if cuts < 2.0 and speech >= 0.25 else "vlog" if speech >= 0.3 else "sports"
    else:
        name = "talk" if speech >= 0.15 and cuts < 8.0 else "vlog"
    share = (
        f"{speech:.0%} speech, {other:.0%} other sound, {cuts:.1f} cuts a minute and {motion:.0%} of the picture moving"
    )
    return name, f"{share} look like {name}"


def _weighted_mean(table: pd.DataFrame, weights: ScoringWeights) -> NDArray[np.float64]:
    values = np.array([getattr(weights, term) for term in TERMS])
    total = float(values.sum())
    if total == 0.0:
        return np.zeros(len(table))
    return np.asarray(np.round(table[list(TERMS)].to_numpy(dtype=np.float64) @ (values / total), 4))


def _by_score(table: pd.DataFrame) -> pd.DataFrame:
    order = np.lexsort(
        [table["end_s"], table["start_s"], -table["score"]] if "end_s" in table else [table["start_s"], -table["score"]]
    )
    return table.iloc[order].reset_index(drop=True)


def _spans(scene: Scene, params: SelectionParams) -> pd.DataFrame:
    """Return all pairs of edges whose distance is allowed: start_s, end_s, cost, begins, ends."""
    if scene.duration_s < params.min_s:
        return _whole(scene, params)
    starts, ends = find_edges(scene, params)
    start_s, end_s = starts["time_s"].to_numpy(), ends["time_s"].to_numpy()
    first = np.searchsorted(end_s, start_s + params.min_s - ROUNDING_S)
    last = np.searchsorted(end_s, start_s + params.max_s + ROUNDING_S, side="right")
    counts = np.maximum(0, last - first)
    from_index = np.repeat(np.arange(len(start_s)), counts)
    to_index = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    spans = pd.DataFrame(
        {
            "start_s": start_s[from_index],
            "end_s": end_s[to_index],
            "cost": 1.0 - (1.0 - starts["cost"].to_numpy()[from_index]) * (1.0 - ends["cost"].to_numpy()[to_index]),
            "begins": starts["reason"].to_numpy()[from_index],
            "ends": ends["reason"].to_numpy()[to_index],
        }
    )
    alone = np.flatnonzero((counts == 0) & (start_s + params.min_s <= scene.duration_s + ROUNDING_S))
    lonely = [_Start(*row) for row in starts.iloc[alone].itertuples(index=False)]
    if not len(spans) and not lonely:
        lonely = [_Start(0.0, 0.0, "where the video begins")]
    if lonely:
        spans = pd.concat([spans, pd.DataFrame([_ended(start, scene, params) for start in lonely])])
    most = max(2000, int(_MOST_PAIRS_PER_HOUR * scene.duration_s / 3600.0))
    if len(spans) > most:
        # Of equal cost, multiples of the golden ratio pick evenly over the whole video.
        spread = np.arange(len(spans)) * 0.6180339887498949 % 1.0
        spans = spans.iloc[np.lexsort([spread, spans["cost"].to_numpy()])[:most]]
    return spans.sort_values(["start_s", "end_s"], kind="stable").reset_index(drop=True)


class _Start(NamedTuple):
    time_s: float
    cost: float
    reason: str


def _ended(start: _Start, scene: Scene, params: SelectionParams) -> dict[str, float | str]:
    """Return the span from a start that has no end at an allowed distance to the best place there is."""
    latest_s = min(start.time_s + params.max_s, scene.duration_s)
    time_s, cost, reason = quietest_edge(scene, min(start.time_s + params.min_s, latest_s), latest_s)
    return {
        "start_s": start.time_s,
        "end_s": math.floor(time_s * 1000.0 + 1e-6) / 1000.0,
        "cost": 1.0 - (1.0 - start.cost) * (1.0 - cost),
        "begins": start.reason,
        "ends": reason,
    }


def _whole(scene: Scene, params: SelectionParams) -> pd.DataFrame:
    """Return the one span of a video that is shorter than the shortest clip."""
    start_s, end_s = 0.0, math.floor(scene.duration_s * 1000.0 + 1e-6) / 1000.0
    begins, ends = "where the video begins", "where the video ends"
    heard = np.flatnonzero(scene.is_speech)
    if len(heard):
        first_s = round(max(0.0, heard[0] / HOPS_PER_S - params.lead_s), 3)
        last_s = round(min(end_s, (heard[-1] + 1) / HOPS_PER_S + params.tail_s), 3)
        if last_s - first_s >= 0.5:
            start_s, begins = (first_s, "where speech begins") if first_s > 0.0 else (start_s, begins)
            end_s, ends = (last_s, "where speech ends") if last_s < end_s else (end_s, ends)
    return pd.DataFrame({"start_s": [start_s], "end_s": [end_s], "cost": [0.0], "begins": [begins], "ends": [ends]})


def _keep_best(table: pd.DataFrame, duration_s: float) -> pd.DataFrame:
    """Return the best spans of every stretch of the video, then the best of the rest."""
    table = _by_score(table)
    most = max(_FEWEST_CANDIDATES, math.ceil(_CANDIDATES_PER_HOUR * duration_s / 3600.0))
    if len(table) <= most:
        return table
    bucket = (table["start_s"] // _BUCKET_S).astype(np.int64)
    n_buckets = int(duration_s // _BUCKET_S) + 1
    rank = table.groupby(bucket, sort=False).cumcount().to_numpy()
    # Half of the places are shared out evenly over time, the other half goes to the best.
    order = np.lexsort([np.arange(len(table)), rank >= max(1, most // (2 * n_buckets))])[:most]
    return table.iloc[np.sort(order)].reset_index(drop=True)
