"""Terms: what speaks for a span, one number for each reason.

Conventions
-----------
A term is 0..1 and 0.5 is usual for this video, except ``speech``, ``completeness``,
``length`` and ``position``, which say the same in every video.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.gaps import Scene
from clipkit.analysis.speech import HOPS_PER_S
from clipkit.analysis.telling import telling_words
from clipkit.params import Params, ScoringWeights

Values = NDArray[np.float64]
Mean = Callable[[Values, Values], Values]

TERMS = tuple(ScoringWeights.model_fields)

_QUIET_LUFS = -70.0
_NEUTRAL = 0.5


def measure_terms(
    spans: pd.DataFrame, scene: Scene, frames_table: pd.DataFrame, audio: pd.DataFrame, params: Params
) -> pd.DataFrame:
    """Return the terms of spans.

    Parameters
    ----------
    spans : DataFrame
        ``start_s``, ``end_s`` and ``cost``, the joint cost of both edges, 0..1.
    scene : Scene
        Speech, words and transitions.
    frames_table, audio : DataFrame
        What `measure_frames` (its table) and `measure_audio` return.
    params : Params
        Sections ``selection`` (ideal length) and ``scoring`` (length of the opening).

    Returns
    -------
    DataFrame
        One float64 column for each of `TERMS`, 0..1.
    """
    start_s, end_s = spans["start_s"].to_numpy(), spans["end_s"].to_numpy()
    length_s = end_s - start_s
    hook_s = np.minimum(start_s + params.scoring.hook_s, end_s)
    payoff_s = end_s - length_s / 5.0

    loudness = audio["loudness_lufs"].to_numpy(dtype=np.float64)
    is_heard = loudness > _QUIET_LUFS
    energy = _robust(np.maximum(loudness, _QUIET_LUFS), is_heard, least=3.0)
    over_time = _mean_over(energy, HOPS_PER_S)
    over_speech = _mean_over(scene.is_speech.astype(np.float64), HOPS_PER_S)
    squares = _mean_over(energy * energy, HOPS_PER_S)(start_s, end_s)
    reaction = _mean_over(((energy > 0.0) & ~scene.is_speech).astype(np.float64), HOPS_PER_S)
    motion = _mean_at(frames_table, "motion")
    cuts_s = np.sort(scene.transitions["begin_s"].to_numpy(dtype=np.float64))
    n_cuts = np.searchsorted(cuts_s, end_s) - np.searchsorted(cuts_s, start_s, side="right")
    text, first_words = telling_words(scene.words, start_s, end_s)
    has_words = len(scene.words) > 0

    mean_energy = over_time(start_s, end_s)
    opening = [(0.3, _relative(over_time(start_s, hook_s), 0.2)), (0.1, _relative(motion(start_s, hook_s), 0.02))]
    if scene.is_speech.any():
        opening.append((0.35, over_speech(start_s, hook_s)))
    if has_words:
        opening.append((0.25, first_words))
    middle = (start_s + end_s) / (2.0 * scene.duration_s)
    columns = {
        "hook": sum(weight * value for weight, value in opening) / sum(weight for weight, _ in opening),
        "energy": _relative(mean_energy, 0.15),
        "dynamics": _relative(np.sqrt(np.maximum(0.0, squares - mean_energy**2)), 0.1),
        "speech": over_speech(start_s, end_s),
        "motion": _relative(motion(start_s, end_s), 0.02),
        "pace": _relative(np.log1p(n_cuts / length_s * 60.0), 0.3),
        "novelty": _relative(_novelty(frames_table, energy, scene.duration_s)(start_s, end_s), 0.1),
        "text": _relative(text, 0.02) if has_words else np.full(len(spans), _NEUTRAL),
        "completeness": 1.0 - spans["cost"].to_numpy(),
        "payoff": 0.6 * _relative(over_time(payoff_s, end_s), 0.2) + 0.4 * _relative(reaction(payoff_s, end_s), 0.1),
        "length": np.exp(-0.5 * (np.log(length_s / params.selection.ideal_s) / 0.5) ** 2),
        "position": 1.0 - np.abs(2.0 * middle - 1.0),
    }
    return pd.DataFrame({term: np.clip(columns[term], 0.0, 1.0) for term in TERMS})


def _mean_over(series: Values, rate_hz: float) -> Mean:
    """Return a function of the mean of an evenly spaced series between two arrays of times."""
    sums = np.concatenate([[0.0], np.cumsum(series)])

    def mean(from_s: Values, to_s: Values) -> Values:
        first = np.clip(np.rint(from_s * rate_hz).astype(np.int64), 0, max(0, len(series) - 1))
        last = np.clip(np.rint(to_s * rate_hz).astype(np.int64), first + 1, max(1, len(series)))
        return np.asarray((sums[last] - sums[first]) / (last - first))

    return mean


def _mean_at(table: pd.DataFrame, column: str) -> Mean:
    """Return a function of the mean of a column of the frames table between two arrays of times."""
    times = table["time_s"].to_numpy(dtype=np.float64)
    sums = np.concatenate([[0.0], np.cumsum(table[column].to_numpy(dtype=np.float64))])

    def mean(from_s: Values, to_s: Values) -> Values:
        first = np.searchsorted(times, from_s)
        last = np.searchsorted(times, to_s)
        return np.asarray((sums[last] - sums[first]) / np.maximum(1, last - first))

    return mean


def _robust(values: Values, active: NDArray[np.bool_], *, least: float) -> Values:
    """Return how far each value lies from the median of the active ones, in robust deviations within +-3."""
    if not active.any():
        return np.zeros(len(values))
    median = float(np.median(values[active]))
    deviation = 1.4826 * float(np.median(np.abs(values[active] - median)))
    return np.clip((values - median) / max(deviation, least), -3.0, 3.0)


def _relative(values: Values, least: float) -> Values:
    """Return 0..1 with the median at 0.5 and six robust deviations from 0 to 1.

    Equal values give 0.5, unless all are 0: then there is nothing of what is measured.
    """
    if not values.any():
        return np.zeros(len(values))
    robust = _robust(values, np.ones(len(values), dtype=bool), least=least)
    return np.clip(_NEUTRAL + robust / 6.0, 0.0, 1.0)


def _novelty(frames_table: pd.DataFrame, energy: Values, duration_s: float) -> Mean:
    """Return how unlike the two minutes around it each second looks and sounds."""
    n_seconds = max(1, math.ceil(duration_s))
    begins = np.arange(n_seconds, dtype=np.float64)
    columns = [c for c in ("luma_mean", "luma_std", "edge_energy", "chroma_u", "chroma_v") if c in frames_table]
    measures = [_mean_at(frames_table, column)(begins, begins + 1.0) for column in columns]
    measures.append(_mean_over(energy, HOPS_PER_S)(begins, begins + 1.0))
    everywhere = np.ones(n_seconds, dtype=bool)
    scaled = np.column_stack([_robust(measure, everywhere, least=0.05) for measure in measures])
    sums = np.concatenate([np.zeros((1, scaled.shape[1])), np.cumsum(scaled, axis=0)])
    first = np.maximum(0, np.arange(n_seconds) - 60)
    last = np.minimum(n_seconds, np.arange(n_seconds) + 61)
    around = (sums[last] - sums[first]) / (last - first)[:, None]
    return _mean_over(np.sqrt(((scaled - around) ** 2).mean(axis=1)), 1.0)
