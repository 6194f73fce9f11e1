"""Means over spans of time, and values in robust deviations from what is usual in a video."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Values = NDArray[np.float64]
Mean = Callable[[Values, Values], Values]

NEUTRAL = 0.5


def mean_over(series: Values, rate_hz: float) -> Mean:
    """Return a function of the mean of an evenly spaced series between two arrays of times.

    Examples
    --------
    >>> mean_over(np.array([0.0, 1.0, 2.0]), 1.0)(np.array([1.0]), np.array([3.0])).tolist()
    [1.5]
    """
    sums = np.concatenate([[0.0], np.cumsum(series)])

    def mean(from_s: Values, to_s: Values) -> Values:
        first = np.clip(np.rint(from_s * rate_hz).astype(np.int64), 0, max(0, len(series) - 1))
        last = np.clip(np.rint(to_s * rate_hz).astype(np.int64), first + 1, max(1, len(series)))
        return np.asarray((sums[last] - sums[first]) / (last - first))

    return mean


def mean_at(table: pd.DataFrame, column: str) -> Mean:
    """Return a function of the mean of a column of the frames table between two arrays of times."""
    return mean_of(table["time_s"].to_numpy(dtype=np.float64), table[column].to_numpy(dtype=np.float64))


def mean_of(times_s: Values, values: Values) -> Mean:
    """Return a function of the mean of values at sorted times between two arrays of times."""
    sums = np.concatenate([[0.0], np.cumsum(values)])

    def mean(from_s: Values, to_s: Values) -> Values:
        first = np.searchsorted(times_s, from_s)
        last = np.searchsorted(times_s, to_s)
        return np.asarray((sums[last] - sums[first]) / np.maximum(1, last - first))

    return mean


def robust(values: Values, active: NDArray[np.bool_], *, least: float) -> Values:
    """Return how far each value lies from the median of the active ones, in robust deviations within +-3.

    Examples
    --------
    >>> robust(np.array([1.0, 2.0, 3.0, 90.0]), np.ones(4, dtype=bool), least=0.1).round(2).tolist()
    [-1.01, -0.34, 0.34, 3.0]
    """
    if not active.any():
        return np.zeros(len(values))
    median = float(np.median(values[active]))
    deviation = 1.4826 * float(np.median(np.abs(values[active] - median)))
    return np.clip((values - median) / max(deviation, least), -3.0, 3.0)


def relative(values: Values, least: float) -> Values:
    """Return 0..1 with the median at 0.5 and six robust deviations from 0 to 1.

    Equal values give 0.5, unless all are 0: then there is nothing of what is measured.
    """
    if not values.any():
        return np.zeros(len(values))
    return np.clip(NEUTRAL + robust(values, np.ones(len(values), dtype=bool), least=least) / 6.0, 0.0, 1.0)
