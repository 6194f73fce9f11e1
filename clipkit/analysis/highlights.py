"""Candidates: every span worth considering, with one column for each reason to like it.

Conventions
-----------
A score is the mean of the terms of :mod:`clipkit.analysis.terms` under the weights of
:class:`clipkit.params.ScoringWeights`, whose fields are the columns, less its penalties.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.gaps import Scene
from clipkit.analysis.lattice import find_spans
from clipkit.analysis.likeness import Likeness
from clipkit.analysis.means import mean_over
from clipkit.analysis.repeats import find_repeats
from clipkit.analysis.schedule import choose_spans
from clipkit.analysis.speech import HOPS_PER_S
from clipkit.analysis.terms import measure_terms, weighted_score
from clipkit.params import Params, ScoringWeights

_CANDIDATES_PER_HOUR = 2000
_FEWEST_CANDIDATES = 200
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
        ``candidate_id`` int64, ``start_s``, ``end_s``, ``score``, the terms, all float64;
        ``begins``, ``ends``, str: why the edges are where they are; ``origin_s`` float64: when the
        stretch was first shown, ``start_s`` unless it is a repeat.  Sorted by score, ties by
        start.  A video shorter than ``min_s`` has one candidate: all of it, without silence around
        its speech.

    Notes
    -----
    Every pair of edges at an allowed distance is scored, and the clips are chosen among all of them.
    About 2,000 an hour are kept, spread over the whole video; what is chosen is always among
    them, so that `select_clips` finds with these weights what it would find among all pairs.
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
    spans = _with_pictures(find_spans(scene, params.selection), times)
    spans = pd.concat([spans, repeated_share(spans, frames_table, audio, duration_s)], axis=1)
    terms = measure_terms(spans, scene, frames_table, audio, params).round(4)
    found = pd.concat([spans[["start_s", "end_s"]], terms, spans[["begins", "ends", "origin_s"]]], axis=1)
    found.insert(2, "score", weighted_score(found, params.scoring.weights))
    found = _by_score(found)
    found = found[_is_kept(found, words, params, duration_s)].reset_index(drop=True)
    found.insert(0, "candidate_id", np.arange(len(found), dtype=np.int64))
    return found


def _with_pictures(spans: pd.DataFrame, times: NDArray[np.float64]) -> pd.DataFrame:
    """Return the spans in which a new picture comes; the last one of a file may stay for seconds."""
    if not len(times):
        return spans
    n_frames = np.searchsorted(times, spans["end_s"]) - np.searchsorted(times, spans["start_s"])
    return spans[n_frames > 0].reset_index(drop=True)


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
    >>> terms = {"hook": [0.0, 1.0], "silence": [0.0, 1.0]}
    >>> table = pd.DataFrame({"candidate_id": [0, 1], "start_s": [0.0, 9.0], "score": 0.0} | terms)
    >>> score_candidates(table, ScoringWeights())["candidate_id"].tolist()
    [1, 0]
    """
    return _by_score(candidates.assign(score=weighted_score(candidates, weights)))


def repeated_share(
    spans: pd.DataFrame, frames_table: pd.DataFrame, audio: pd.DataFrame, duration_s: float
) -> pd.DataFrame:
    """Return how much of each span was shown before, and when it was first shown.

    Parameters
    ----------
    spans : DataFrame
        ``start_s`` and ``end_s``.
    frames_table, audio : DataFrame
        As for `find_candidates`.
    duration_s : float

    Returns
    -------
    DataFrame
        ``repeated``, 0..1, and ``origin_s``, the start where nothing is repeated.
    """
    moment_s, lag_s = find_repeats(frames_table, audio, duration_s=duration_s)
    start_s, end_s = spans["start_s"].to_numpy(), spans["end_s"].to_numpy()
    share = mean_over((lag_s > 0.0).astype(np.float64), 1.0 / moment_s)(start_s, end_s)
    middle = np.minimum(((start_s + end_s) / 2.0 / moment_s).astype(np.int64), len(lag_s) - 1)
    return pd.DataFrame({"repeated": share, "origin_s": np.round(start_s - lag_s[middle], 3)})


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
    music = float(((audio["music"].to_numpy() > 0.5) & ~is_speech).mean())
    crowd = float((np.maximum(audio["applause"].to_numpy(), audio["laughter"].to_numpy()) > 0.5).mean())
    cuts = len(transitions) * 60.0 / duration_s
    motion = float(frames_table["motion"].mean()) if len(frames_table) else 0.0
    if speech >= 0.5:
        name = "vlog" if cuts >= 8.0 and motion >= 0.1 else "gaming" if cuts < 2.0 and motion >= 0.25 else "talk"
    elif music >= 0.4 and speech < 0.3:
        name = "music" if motion < 0.3 else "sports"
    elif speech < 0.3 and (other >= 0.6 or crowd >= 0.1):
        name = "sports" if motion >= 0.1 or crowd >= 0.1 else "vlog"
    elif motion >= 0.15:
        name = "gaming" if cuts < 2.0 and speech >= 0.25 else "vlog" if speech >= 0.3 else "sports"
    else:
        name = "talk" if speech >= 0.15 and cuts < 8.0 else "vlog"
    share = (
        f"{speech:.0%} speech, {other:.0%} other sound ({music:.0%} music, {crowd:.0%} applause or laughter), "
        f"{cuts:.1f} cuts a minute and {motion:.0%} of the picture moving"
    )
    return name, f"{share} look like {name}"


def _by_score(table: pd.DataFrame) -> pd.DataFrame:
    order = np.lexsort(
        [table["end_s"], table["start_s"], -table["score"]] if "end_s" in table else [table["start_s"], -table["score"]]
    )
    return table.iloc[order].reset_index(drop=True)


def _is_kept(found: pd.DataFrame, words: pd.DataFrame, params: Params, duration_s: float) -> NDArray[np.bool_]:
    """Return the spans to keep: what is chosen, the best of every stretch of the video, the best of the rest."""
    most = max(_FEWEST_CANDIDATES, math.ceil(_CANDIDATES_PER_HOUR * duration_s / 3600.0))
    is_kept = np.ones(len(found), dtype=bool)
    if len(found) <= most:
        return is_kept
    choice = choose_spans(
        found["start_s"],
        found["end_s"],
        found["score"],
        gap_s=params.selection.gap_s,
        most=params.selection.n_clips,
        alike=Likeness(found, words).alike,
    )
    bucket = (found["start_s"] // _BUCKET_S).astype(np.int64)
    n_buckets = int(duration_s // _BUCKET_S) + 1
    rank = found.groupby(bucket, sort=False).cumcount().to_numpy()
    is_met = np.zeros(len(found), dtype=bool)
    is_met[choice.met] = True
    # Half of the places are shared out evenly over time, the other half goes to the best.
    order = np.lexsort([np.arange(len(found)), rank >= max(1, most // (2 * n_buckets)), ~is_met])
    is_kept[order[max(most, len(choice.met)) :]] = False
    return is_kept
