"""Loudness and true peak after ITU-R BS.1770-4, and sound levelled to a target.

Conventions
-----------
Samples are float32, shape (n_samples, n_channels), full scale is 1.0.  Left, right and mono
count alike.  Silence has a loudness and a peak of minus infinity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from clipkit.analysis.downmix import low_pass
from clipkit.kernels.limiter import released_gain
from clipkit.kernels.loudness import k_weighting, peak_envelope, weighted_power
from clipkit.params import AudioParams

Samples = NDArray[np.float32]

_BLOCK_S = 0.4
_HOP_S = 0.1
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_OVERSAMPLING = 4
_REACH = 12  # samples on either side that the interpolation filter sees
_KAISER_BETA = 5.0  # of its window

_USUAL_LUFS = -14.0
_LOOK_AHEAD_S = 0.005
_RELEASE_S = 0.08
# Limiting takes loudness away; the gain is raised again until this near, or so many times.
_CLOSE_ENOUGH_LU = 0.05
_MAX_CORRECTIONS = 6


@dataclass(frozen=True)
class Loudness:
    """Loudness of a whole piece of sound.

    Attributes
    ----------
    integrated_lufs : float
        Gated loudness; minus infinity for silence and for less than 0.4 s.
    true_peak_dbtp : float
        Highest level between samples; minus infinity for silence.
    """

    integrated_lufs: float
    true_peak_dbtp: float

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing to hear."""
        return math.isinf(self.integrated_lufs)


def measure_loudness(samples: Samples, rate_hz: int) -> Loudness:
    """Return integrated loudness and true peak.

    Parameters
    ----------
    samples : ndarray of float32, shape (n_samples, n_channels)
    rate_hz : int

    Notes
    -----
    K-weighting, mean squares in blocks of 400 ms that overlap by three quarters, an absolute
    gate at -70 LUFS and a relative one 10 LU below the mean of what passes it.  True peaks by
    4 times oversampling.

    References
    ----------
    .. [1] ITU-R BS.1770-4, "Algorithms to measure audio programme loudness and true-peak
       audio level", 2015.

    Examples
    --------
    A 997 Hz sine at full scale in one channel has a loudness of -3.01 LUFS by definition.

    >>> tone = np.sin(2 * np.pi * 997 * np.arange(96000) / 48000).astype(np.float32)
    >>> round(measure_loudness(tone[:, None], 48000).integrated_lufs, 2)
    -3.01
    """
    return Loudness(_integrated_lufs(samples, rate_hz), _to_db(_true_peak(samples)))


def level_audio(
    samples: Samples,
    rate_hz: int,
    params: AudioParams,
    *,
    target_lufs: float | None = None,
    peak_dbtp: float | None = None,
) -> Samples:
    """Return the sound at the target loudness with its true peaks below the ceiling.

    One gain for the whole piece, so its dynamics stay as they were; peaks that would then pass
    the ceiling are turned down for some milliseconds, and the gain is corrected for what that
    took away.  Silence stays silence, and nothing is raised by more than ``max_gain_db``.

    Parameters
    ----------
    samples : ndarray of float32, shape (n_samples, n_channels)
    rate_hz : int
    params : AudioParams
        ``target_lufs`` (-14 where it is none), ``peak_dbtp`` and ``max_gain_db``.
    target_lufs, peak_dbtp : float, optional
        Another target and another ceiling than those of the params.

    Returns
    -------
    ndarray of float32, shape (n_samples, n_channels)
    """
    if target_lufs is None:
        target_lufs = _USUAL_LUFS if params.target_lufs is None else params.target_lufs
    ceiling = 10.0 ** ((params.peak_dbtp if peak_dbtp is None else peak_dbtp) / 20.0)
    before = _integrated_lufs(samples, rate_hz)
    gain_db = 0.0 if math.isinf(before) else min(target_lufs - before, params.max_gain_db)
    wanted = before + gain_db
    envelope = _envelope(samples)
    levelled = samples
    for _ in range(_MAX_CORRECTIONS):
        levelled = _limit(samples, envelope, rate_hz, gain=10.0 ** (gain_db / 20.0), ceiling=ceiling)
        if math.isinf(before):
            break
        missing = wanted - _integrated_lufs(levelled, rate_hz)
        if missing < _CLOSE_ENOUGH_LU or gain_db >= params.max_gain_db:
            break
        gain_db = min(gain_db + missing, params.max_gain_db)
    return levelled


def fade_edges(samples: Samples, rate_hz: int, fade_s: float) -> Samples:
    """Return the sound with both edges faded in the shape of a raised cosine.

    Examples
    --------
    >>> fade_edges(np.ones((6, 1), np.float32), 1000, 0.001)[:, 0].tolist()
    [0.5, 1.0, 1.0, 1.0, 1.0, 0.5]
    """
    n_fade = min(round(fade_s * rate_hz), len(samples) // 2)
    faded = samples.copy()
    if n_fade:
        ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(n_fade) + 0.5) / n_fade)).astype(np.float32)[:, None]
        faded[:n_fade] *= ramp
        faded[-n_fade:] *= ramp[::-1]
    return faded


def _integrated_lufs(samples: Samples, rate_hz: int) -> float:
    hop = round(_HOP_S * rate_hz)
    n_hops = len(samples) // hop
    blocks_a_window = round(_BLOCK_S / _HOP_S)
    if n_hops < blocks_a_window:
        return -math.inf
    powers = np.empty((n_hops, samples.shape[1]))
    weighted_power(samples, k_weighting(rate_hz), hop, np.zeros((samples.shape[1], 4)), powers)
    windows = np.convolve(powers.sum(axis=1), np.full(blocks_a_window, 1.0 / blocks_a_window), mode="valid")
    audible = windows[windows > _to_power(_ABSOLUTE_GATE_LUFS)]
    if not len(audible):
        return -math.inf
    gate = float(audible.mean()) * 10.0 ** (_RELATIVE_GATE_LU / 10.0)
    return _to_lufs(float(audible[audible > gate].mean()))


def _true_peak(samples: Samples) -> float:
    return float(_envelope(samples).max(initial=0.0))


def _envelope(samples: Samples) -> NDArray[np.float32]:
    """Return the largest magnitude at each sample and up to the next one, over all channels."""
    envelope = np.empty(len(samples), np.float32)
    peak_envelope(samples, _between(), envelope)
    return envelope


@cache
def _between() -> NDArray[np.float32]:
    """Return, for each point that oversampling makes of a sample, the weights of the samples around it."""
    weights = _OVERSAMPLING * low_pass(0.5, _OVERSAMPLING, _OVERSAMPLING * _REACH, beta=_KAISER_BETA)
    whole = np.pad(weights, (0, _OVERSAMPLING - 1))
    return np.ascontiguousarray(whole.reshape(-1, _OVERSAMPLING)[::-1].T)


def _limit(samples: Samples, envelope: NDArray[np.float32], rate_hz: int, *, gain: float, ceiling: float) -> Samples:
    """Return the sound times `gain`, turned down where its true peaks would pass the ceiling.

    The gain at a sample is the mean, over the look-ahead before it, of gains that each allow
    for every peak in the look-ahead after them; so it is down when the peak comes, and it
    moves without a step.
    """
    # The peak between two samples belongs to both of them.
    peaks = envelope * np.float32(gain)
    peaks[1:] = np.maximum(peaks[1:], peaks[:-1])
    if float(peaks.max(initial=0.0)) <= ceiling:
        return np.asarray(samples * np.float32(gain), np.float32)
    n_ahead = max(1, round(_LOOK_AHEAD_S * rate_hz))
    allowed = (ceiling / np.maximum(peaks, ceiling)).astype(np.float32)
    lowest = _lowest_ahead(allowed, n_ahead)
    gains = np.empty_like(lowest)
    released_gain(lowest, 1.0 - math.exp(-1.0 / (_RELEASE_S * rate_hz)), gains)
    padded = np.concatenate([np.full(n_ahead, gains[0]), gains]).astype(np.float64)
    sums = np.cumsum(np.concatenate([[0.0], padded]))
    smooth = (sums[n_ahead + 1 :] - sums[: -n_ahead - 1]) * (gain / (n_ahead + 1))
    return np.asarray(samples * smooth[:, None], np.float32)


def _lowest_ahead(values: NDArray[np.float32], n_ahead: int) -> NDArray[np.float32]:
    """Return the lowest of each value and those up to `n_ahead` after it.

    Examples
    --------
    >>> _lowest_ahead(np.array([3, 4, 1, 5, 6], np.float32), 2).tolist()
    [1.0, 1.0, 1.0, 5.0, 6.0]
    """
    lowest, reach = values.copy(), 0
    while reach < n_ahead:
        step = min(reach + 1, n_ahead - reach)
        np.minimum(lowest[:-step], lowest[step:], out=lowest[:-step])
        reach += step
    return lowest


def _to_lufs(power: float) -> float:
    return -0.691 + 10.0 * math.log10(power)


def _to_power(lufs: float) -> float:
    return math.pow(10.0, (lufs + 0.691) / 10.0)


def _to_db(level: float) -> float:
    return 20.0 * math.log10(level) if level > 0.0 else -math.inf
