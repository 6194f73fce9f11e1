"""Peaks of a series."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clipkit.kernels._jit import kernel


@kernel
def _drop(values: NDArray[np.float64], peak: int, way: int, enough: float) -> float:
    """Return how far values fall on one side of a peak before they exceed it; no more than `enough` is looked for."""
    drop, i = 0.0, peak + way
    while drop < enough and 0 <= i < len(values) and values[i] <= values[peak]:
        drop = max(drop, values[peak] - values[i])
        i += way
    return drop


@kernel
def prominent_peaks(values: NDArray[np.float64], least: float, is_peak: NDArray[np.bool_]) -> None:
    """Mark what is higher than its neighbours, and from where one falls far on both sides before it gets higher.

    Equal to ``scipy.signal.find_peaks(values, prominence=least)``, whose import takes half a second.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
    least : float
        How far, > 0.
    is_peak : ndarray of bool, shape (n,)
        Receives the marks; a plateau has its mark in the middle, the earlier one of two.
    """
    is_peak[:] = False
    first = 1
    while first < len(values) - 1:
        ahead = first + 1
        while ahead < len(values) - 1 and values[ahead] == values[first]:
            ahead += 1
        if values[first - 1] < values[first] and values[ahead] < values[first]:
            peak = (first + ahead - 1) // 2
            is_peak[peak] = _drop(values, peak, -1, least) >= least and _drop(values, peak, 1, least) >= least
        first = ahead


@kernel
def highest_around(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return the highest of the `size` values around each, an odd number; at the ends of those that there are."""
    n, reach = len(values), size // 2
    highest = np.empty_like(values)
    for i in range(n):
        most = values[i]
        for near in range(max(0, i - reach), min(n, i + reach + 1)):
            most = max(most, values[near])
        highest[i] = most
    return highest


def warm_up() -> None:
    """Compile both for series."""
    highest_around(np.zeros(3), 3)
    prominent_peaks(np.zeros(3), 1.0, np.empty(3, np.bool_))
