"""Terms: what speaks for a span, one number for each reason.

Conventions
-----------
A term is 0..1 and 0.5 is usual for this video, except ``speech``, ``reaction``, ``completeness``,
``length`` and ``position``, which say the same in every video.  What speaks against a span is in
:mod:`clipkit.analysis.penalties`.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from clipkit.analysis.gaps import Scene
from clipkit.analysis.means import NEUTRAL, Mean, Values, mean_at, mean_over, relative, robust
from clipkit.analysis.penalties import measure_penalties
from clipkit.analysis.speech import HOPS_PER_S
from clipkit.analysis.telling import telling_words
from clipkit.params import PENALTIES, Params, ScoringWeights

TERMS = tuple(ScoringWeights.model_fields)

_QUIET_LUFS = -70.0
_BODY_SAMPLES = 24
# This many seconds of laughter or applause are worth 63 % of all there could be.
_REACTION_S = 2.0
# Spread of the log of the length, science of short clips: two thirds lie within a factor of 1.65.
_LENGTH_SPREAD = 0.5


def measure_terms(
    spans: pd.DataFrame, scene: Scene, frames_table: pd.DataFrame, audio: pd.DataFrame, params: Params
) -> pd.DataFrame:
    """Return the terms of spans.

    Parameters
    ----------
    spans : DataFrame
        ``start_s``, ``end_s``; ``cost``, the joint cost of both edges, and ``repeated``, the share
        that was shown before, 0..1.
    scene : Scene
        Speech, words and transitions.
    frames_table, audio : DataFrame
        What `measure_frames` (its table) and `measure_audio` return.
    params : Params
        Sections ``selection`` (ideal length) and ``scoring`` (length of the opening).

    Returns
    -------
    DataFrame
        One float64 column for each of `TERMS`, 0..1; of the penalties among them, 1 is the worst.

    Notes
    -----
    ``length`` is log-normal around the ideal: ``exp(-ln(length / ideal)^2 / (2 * 0.5^2))``.  ``body`` is
    the mean of the best third of what lies between the opening and the last fifth.
    """
    start_s, end_s = spans["start_s"].to_numpy(), spans["end_s"].to_numpy()
    length_s = end_s - start_s
    hook_s = np.minimum(start_s + params.scoring.hook_s, end_s)
    payoff_s = end_s - length_s / 5.0

    loudness = audio["loudness_lufs"].to_numpy(dtype=np.float64)
    energy = robust(np.maximum(loudness, _QUIET_LUFS), loudness > _QUIET_LUFS, least=3.0)
    over_time = mean_over(energy, HOPS_PER_S)
    over_speech = mean_over(scene.is_speech.astype(np.float64), HOPS_PER_S)
    squares = mean_over(energy * energy, HOPS_PER_S)(start_s, end_s)
    outcry = mean_over(((energy > 0.0) & ~scene.is_speech).astype(np.float64), HOPS_PER_S)
    reaction = mean_over(_reaction(audio), HOPS_PER_S)
    motion = mean_at(frames_table, "motion")
    unusual = _unusual(frames_table, audio, energy, scene.duration_s)
    cuts_s = np.sort(scene.transitions["begin_s"].to_numpy(dtype=np.float64))
    n_cuts = np.searchsorted(cuts_s, end_s) - np.searchsorted(cuts_s, start_s, side="right")
    text, first_words = telling_words(scene.words, start_s, end_s)
    has_words = len(scene.words) > 0

    mean_energy = over_time(start_s, end_s)
    opening = [(0.3, relative(over_time(start_s, hook_s), 0.2)), (0.1, relative(motion(start_s, hook_s), 0.02))]
    if scene.is_speech.any():
        opening.append((0.35, over_speech(start_s, hook_s)))
    if has_words:
        opening.append((0.25, first_words))
    seconds = np.arange(max(1, math.ceil(scene.duration_s)), dtype=np.float64)
    interest = sum(
        robust(values, np.ones(len(seconds), dtype=bool), least=0.05)
        for values in (measure(seconds, seconds + 1.0) for measure in (over_time, motion, unusual))
    )
    interest = interest + 3.0 * reaction(seconds, seconds + 1.0)
    cheers_s = reaction(payoff_s, end_s) * (end_s - payoff_s)
    middle = (start_s + end_s) / (2.0 * scene.duration_s)
    columns = {
        "hook": sum(weight * value for weight, value in opening) / sum(weight for weight, _ in opening),
        "body": relative(_best_third(np.asarray(interest), hook_s, payoff_s), 0.2),
        "payoff": 0.5 * relative(over_time(payoff_s, end_s), 0.2)
        + 0.25 * relative(outcry(payoff_s, end_s), 0.1)
        + 0.25 * (1.0 - np.exp(-cheers_s / _REACTION_S)),
        "completeness": 1.0 - spans["cost"].to_numpy(),
        "energy": relative(mean_energy, 0.15),
        "dynamics": relative(np.sqrt(np.maximum(0.0, squares - mean_energy**2)), 0.1),
        "speech": over_speech(start_s, end_s),
        "delivery": _delivery(audio, scene, start_s, end_s),
        "reaction": 1.0 - np.exp(-reaction(start_s, end_s) * length_s / _REACTION_S),
        "text": relative(text, 0.02) if has_words else np.full(len(spans), NEUTRAL),
        "motion": relative(motion(start_s, end_s), 0.02),
        "pace": relative(np.log1p(n_cuts / length_s * 60.0), 0.3),
        "novelty": relative(unusual(start_s, end_s), 0.1),
        "length": np.exp(-0.5 * (np.log(length_s / params.selection.ideal_s) / _LENGTH_SPREAD) ** 2),
        "position": 1.0 - np.abs(2.0 * middle - 1.0),
    }
    columns |= measure_penalties(spans, scene, frames_table, loudness)
    return pd.DataFrame({term: np.clip(columns[term], 0.0, 1.0) for term in TERMS})


def weighted_score(table: pd.DataFrame, weights: ScoringWeights) -> Values:
    """Return the mean of the terms under their weights, less each penalty times its weight; at least 0.

    Parameters
    ----------
    table : DataFrame
        A column for each of `TERMS`; one that is missing counts as 0.
    weights : ScoringWeights
        Weight of each term; without any weight on a term the score is 0.

    Returns
    -------
    ndarray of float64, shape (len(table),)
        Rounded to four decimals.
    """
    terms = [term for term in TERMS if term not in PENALTIES]
    weight = np.array([getattr(weights, term) for term in terms])
    total = float(weight.sum())
    if total == 0.0:
        return np.zeros(len(table))
    score = _values(table, terms) @ (weight / total)
    score -= _values(table, PENALTIES) @ np.array([getattr(weights, term) for term in PENALTIES])
    return np.asarray(np.round(np.maximum(score, 0.0), 4))


def _values(table: pd.DataFrame, columns: tuple[str, ...] | list[str]) -> Values:
    # Tables of an older run may lack a term.
    return table.reindex(columns=list(columns), fill_value=0.0).to_numpy(dtype=np.float64)


def _best_third(interest: Values, from_s: Values, to_s: Values) -> Values:
    """Return the mean of the best third of the seconds between two arrays of times."""
    steps = (np.arange(_BODY_SAMPLES) + 0.5) / _BODY_SAMPLES
    at_s = from_s[:, None] + np.maximum(0.0, to_s - from_s)[:, None] * steps
    values = interest[np.minimum(at_s.astype(np.int64), len(interest) - 1)]
    best = _BODY_SAMPLES // 3
    return np.asarray(np.partition(values, _BODY_SAMPLES - best, axis=1)[:, -best:].mean(axis=1))


def _reaction(audio: pd.DataFrame) -> Values:
    return np.maximum(_sound(audio, "applause"), _sound(audio, "laughter"))


def _sound(audio: pd.DataFrame, name: str) -> Values:
    return np.asarray(audio[name].to_numpy(dtype=np.float64))


def _delivery(audio: pd.DataFrame, scene: Scene, start_s: Values, end_s: Values) -> Values:
    """Return how lively the voice is: range of its pitch and its rate, where somebody speaks."""
    is_speech = scene.is_speech.astype(np.float64)
    spoken = np.maximum(mean_over(is_speech, HOPS_PER_S)(start_s, end_s), 1e-6)
    pitch, rate = (
        mean_over(_sound(audio, name) * is_speech, HOPS_PER_S)(start_s, end_s) / spoken
        for name in ("pitch_range", "speech_rate")
    )
    return 0.6 * relative(pitch, 0.5) + 0.4 * relative(rate, 0.2)


def _unusual(frames_table: pd.DataFrame, audio: pd.DataFrame, energy: Values, duration_s: float) -> Mean:
    """Return how unlike the two minutes around it each second looks and sounds."""
    n_seconds = max(1, math.ceil(duration_s))
    begins = np.arange(n_seconds, dtype=np.float64)
    columns = [c for c in ("luma_mean", "luma_std", "edge_energy", "chroma_u", "chroma_v") if c in frames_table]
    measures = [mean_at(frames_table, column)(begins, begins + 1.0) for column in columns]
    measures += [mean_over(sound, HOPS_PER_S)(begins, begins + 1.0) for sound in (energy, _sound(audio, "novelty"))]
    everywhere = np.ones(n_seconds, dtype=bool)
    scaled = np.column_stack([robust(measure, everywhere, least=0.05) for measure in measures])
    sums = np.concatenate([np.zeros((1, scaled.shape[1])), np.cumsum(scaled, axis=0)])
    first = np.maximum(0, np.arange(n_seconds) - 60)
    last = np.minimum(n_seconds, np.arange(n_seconds) + 61)
    around = (sums[last] - sums[first]) / (last - first)[:, None]
    return mean_over(np.sqrt(((scaled - around) ** 2).mean(axis=1)), 1.0)
