"""Repeats: stretches of a video that show and sound like an earlier one, moment by moment.

Conventions
-----------
A moment is half a second (longer in videos of more than two hours).  Measures are scaled by
their own spread, so that a distance of 1 is what two unrelated moments are apart.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from clipkit.analysis.speech import HOPS_PER_S

Values = NDArray[np.float64]
Floats = NDArray[np.float32]

_MOMENTS = 14_400
_MOMENT_S = 0.5
# Measures are smoothed over this many moments, so that a lag between two moments does not matter.
_SMOOTH = 4
# This many moments in a row must agree, compared at every second one, from every fourth on.
_STRETCH, _EVERY, _STRIDE = 24, 2, 4
# Share of the change within two stretches that may be left in their difference: unrelated ones leave all.
_MOST_LEFT = 0.10
# A stretch whose measures change less than this tells nothing, and is left out.
_LEAST_CHANGE = 0.05
_BOUND = 2.0
_PICTURE = ("luma_mean", "luma_std", "edge_energy", "chroma_u", "chroma_v", "motion")
_SOUND = ("level_db", "onset")
_QUIETEST_DB = -60.0
_BLOCK = 256


def find_repeats(frames_table: pd.DataFrame, audio: pd.DataFrame, *, duration_s: float) -> tuple[float, Values]:
    """Return when each moment of a video was first shown.

    Parameters
    ----------
    frames_table, audio : DataFrame
        What `measure_frames` (its table) and `measure_audio` return.
    duration_s : float
        Length of the video.

    Returns
    -------
    moment_s : float
        Length of a moment.
    lag_s : ndarray of float64, shape (n_moments,)
        How long before it the same picture and sound came first; 0 for what is new.

    Notes
    -----
    Two stretches of 12 s are the same when the squared distance of their measures is at most 10 %
    of the change inside them, in the picture and in the sound, as far as either changes at all.  A
    still picture or silence is the same as nothing.  O(n^2) in the number of moments, as one
    matrix product.
    """
    moment_s = max(_MOMENT_S, duration_s / _MOMENTS)
    n_moments = max(1, math.ceil(duration_s / moment_s))
    lag_s = np.zeros(n_moments)
    groups = [
        stretches
        for measures in (_picture(frames_table, moment_s, n_moments), _sound(audio, moment_s, n_moments))
        if (stretches := _stretches(measures)) is not None
    ]
    if not groups:
        return moment_s, lag_s
    n_stretches = n_moments - _STRETCH + 1
    later = np.arange(_STRETCH, n_stretches, _STRIDE)
    earliest = np.full(len(later), -1)
    for begin in range(0, len(later), _BLOCK):
        block = later[begin : begin + _BLOCK]
        # Stretches that overlap agree with each other in any slow scene.
        n_before = int(block[-1]) - _STRETCH + 1
        left = _most_left(groups, block, n_before)
        left[np.arange(n_before) > block[:, None] - _STRETCH] = np.inf
        nearest = left.argmin(axis=1)
        agrees = left[np.arange(len(block)), nearest] <= _MOST_LEFT
        earliest[begin : begin + len(block)] = np.where(agrees, nearest, -1)
    origin = np.arange(n_moments)
    for first, source in zip(later[earliest >= 0].tolist(), earliest[earliest >= 0].tolist(), strict=True):
        new = np.flatnonzero(origin[first : first + _STRETCH] == np.arange(first, first + _STRETCH))
        # What is copied may be a copy itself.
        origin[first + new] = origin[source + new]
    return moment_s, np.asarray((np.arange(n_moments) - origin) * moment_s, dtype=np.float64)


def _most_left(groups: list[tuple[Floats, Floats]], block: NDArray[np.int64], n_before: int) -> Floats:
    """Return how much of the change is left between stretches and the first ones, in the worst group."""
    worst: Floats | None = None
    for values, change in groups:
        near, before = values[block], values[:n_before]
        left = near @ (-2.0 * before.T)
        left += (near * near).sum(axis=1)[:, None]
        left += (before * before).sum(axis=1)
        both = change[block][:, None] + change[:n_before]
        # Where neither changes, nothing can be told; where only one does, they differ.
        np.divide(left, both, out=left, where=both > 2.0 * _LEAST_CHANGE)
        left[both <= 2.0 * _LEAST_CHANGE] = np.nan
        worst = left if worst is None else np.fmax(worst, left)
    assert worst is not None
    worst[np.isnan(worst)] = np.inf
    return worst


def _stretches(measures: Values) -> tuple[Floats, Floats] | None:
    """Return the measures of each stretch, scaled, and their mean squared change; None if all is still."""
    if len(measures) < 2 * _STRETCH:
        return None
    median = np.median(measures, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(measures - median), axis=0), 0.3 * measures.std(axis=0))
    # Within bounds, so that one pause or one slide alone makes no two stretches alike.
    scaled = np.clip((measures - median) / np.maximum(spread, 1e-6), -_BOUND, _BOUND)
    scaled[:, spread < 1e-3] = 0.0
    if not scaled.any():
        return None
    windows = np.lib.stride_tricks.sliding_window_view(scaled, _STRETCH, axis=0)[:, :, ::_EVERY]
    n_values = windows.shape[1] * windows.shape[2]
    change = windows.var(axis=2).mean(axis=1)
    flat = windows.reshape(len(windows), -1) / math.sqrt(n_values)
    return flat.astype(np.float32), change.astype(np.float32)


def _picture(frames_table: pd.DataFrame, moment_s: float, n_moments: int) -> Values:
    columns = [name for name in _PICTURE if name in frames_table]
    moment = np.minimum((frames_table["time_s"].to_numpy(dtype=np.float64) / moment_s).astype(np.int64), n_moments - 1)
    values = frames_table[columns].to_numpy(dtype=np.float64)
    return _smooth(_means(moment, values, n_moments))


def _sound(audio: pd.DataFrame, moment_s: float, n_moments: int) -> Values:
    moment = np.minimum((np.arange(len(audio)) / (HOPS_PER_S * moment_s)).astype(np.int64), n_moments - 1)
    values = audio[list(_SOUND)].to_numpy(dtype=np.float64)
    return _smooth(_means(moment, np.maximum(values, [_QUIETEST_DB, 0.0]), n_moments))


def _means(moment: NDArray[np.int64], values: Values, n_moments: int) -> Values:
    """Return the mean of the rows of each moment; a moment without rows is like the one before."""
    counts = np.bincount(moment, minlength=n_moments)
    sums = np.column_stack([np.bincount(moment, column, n_moments) for column in values.T])
    last = np.maximum.accumulate(np.where(counts > 0, np.arange(n_moments), 0))
    return (sums / np.maximum(counts, 1)[:, None])[last]


def _smooth(measures: Values) -> Values:
    kernel = np.hanning(_SMOOTH + 3)[1:-1]
    padded = np.pad(measures, ((len(kernel) // 2, len(kernel) // 2), (0, 0)), mode="edge")
    return np.asarray(scipy.signal.lfilter(kernel / kernel.sum(), 1.0, padded, axis=0)[len(kernel) - 1 :])
