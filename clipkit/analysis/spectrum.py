"""What is measured of every hundredth of a second of sound, in blocks: levels, onsets and the shape of the spectrum.

Conventions
-----------
A hop is a hundredth of a second of one channel at 16 kHz; levels are dB of full scale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import scipy
from numpy.typing import NDArray

from clipkit.analysis.downmix import RATE_HZ
from clipkit.analysis.hops import HOPS_PER_S, SILENCE_DB
from clipkit.analysis.voice import track_pitch

MEASURES = ("level_db", "band_db", "onset", "flatness", "variability", "hiss", "persistence", "pitch_hz", "harmonicity")
POOL = 50

_HOP = RATE_HZ // HOPS_PER_S
_WINDOW = 512
_FFT = _WINDOW
# Measures that look around a hop see this much of the sound next to its block.
_MARGIN = 80
_N_BANDS = 32
_BAND_FLOOR = 1e-8
# The fine structure of a spectrum is what a mean over so many bins leaves; it is compared over twice these hops.
_FINE_BINS = 15
_APART = 10


def silent_hops(n_hops: int) -> NDArray[np.float32]:
    """Return the measures of silence, shape (n_hops, n_measures)."""
    hop = np.zeros(len(MEASURES), np.float32)
    hop[:2] = SILENCE_DB
    return np.tile(hop, (n_hops, 1))


def measured_hops(
    blocks: Iterable[NDArray[np.float32]],
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield the `MEASURES` of every hop, shape (n_hops, n_measures), and bands, shape (n_hops / POOL, 32).

    Each block is measured with the sound next to it.  The bands are mel bands in dB, the mean of
    half a second; all but the last come from ``POOL`` hops.
    """
    margin = _MARGIN * _HOP
    kept = np.empty(0, dtype=np.float32)
    before = 0
    for block in blocks:
        kept = np.concatenate([kept, block])
        n_ready = (len(kept) - before - margin) // (_HOP * POOL) * POOL
        if n_ready > 0:
            yield _measured(kept, before // _HOP, n_ready)
            start = before + n_ready * _HOP
            drop = max(0, start - margin)
            kept, before = kept[drop:], start - drop
    if len(kept) > before:
        yield _measured(kept, before // _HOP, -(-(len(kept) - before) // _HOP))


def _measured(samples: NDArray[np.float32], first: int, n_hops: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    measures, bands = _measure(samples)
    starts = np.arange(0, n_hops, POOL)
    sums = np.add.reduceat(bands[first : first + n_hops], starts, axis=0)
    counts = np.diff(np.append(starts, n_hops))[:, None]
    return measures[first : first + n_hops], np.asarray(sums / counts, np.float32)


def _measure(samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the `MEASURES` of each hop and the level of each band."""
    n_hops = -(-len(samples) // _HOP)
    lead = (_WINDOW - _HOP) // 2
    padded = np.pad(samples, (lead, n_hops * _HOP + _WINDOW - len(samples)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:n_hops]
    power = _POWER_SCALE * np.abs(scipy.fft.rfft(windows * _HANN, _FFT, axis=1)) ** 2
    log_power = np.log(power + np.float32(1e-14))
    bands = 10.0 * np.log10(power @ _BANDS + _BAND_FLOOR)
    shape = bands - bands.mean(axis=1, keepdims=True)
    around = 2 * (_MARGIN // 2) + 1
    mean = scipy.ndimage.uniform_filter1d(shape, around, axis=0, mode="nearest")
    spread = scipy.ndimage.uniform_filter1d(shape * shape, around, axis=0, mode="nearest") - mean * mean
    rise = np.zeros(n_hops)
    rise[3:] = np.maximum(0.0, bands[3:] - bands[:-3]).mean(axis=1)
    measures = [
        _to_db(power.sum(axis=1)),
        _to_db(power[:, _VOICE].sum(axis=1)),
        scipy.ndimage.maximum_filter1d(rise, 3),
        _flatness(power[:, _VOICE], log_power[:, _VOICE]),
        np.sqrt(np.maximum(0.0, spread)).mean(axis=1),
        _flatness(power[:, _WIDE], log_power[:, _WIDE]),
        _persistence(log_power[:, _TONAL]),
        *track_pitch(samples, n_hops),
    ]
    return np.column_stack(measures).astype(np.float32), bands.astype(np.float32)


def _flatness(power: NDArray[np.float32], log_power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the log of the geometric over the arithmetic mean: 0 for a flat spectrum, -0.6 for white noise."""
    return np.asarray(log_power.mean(axis=1) - np.log(power.mean(axis=1) + np.float32(1e-14)), np.float32)


def _persistence(log_power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how alike the fine structures of the spectrum before and after each hop are, -1..1: 1 for held notes."""
    fine = log_power - scipy.ndimage.uniform_filter1d(log_power, _FINE_BINS, axis=1, mode="nearest")
    fine /= np.sqrt(np.einsum("ij,ij->i", fine, fine))[:, None] + np.float32(1e-6)
    alike = np.zeros(len(fine), np.float32)
    if len(fine) > 2 * _APART:
        alike[_APART:-_APART] = np.einsum("ij,ij->i", fine[2 * _APART :], fine[: -2 * _APART])
    return alike


def _to_db(power: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.maximum(np.float32(SILENCE_DB), 10.0 * np.log10(np.maximum(power, 1e-13)))


def _bands() -> NDArray[np.float32]:
    """Return triangles of equal width on the mel scale, 60-7600 Hz, shape (n_bins, n_bands)."""
    mel = np.linspace(2595 * np.log10(1 + 60 / 700), 2595 * np.log10(1 + 7600 / 700), _N_BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = np.arange(_FFT // 2 + 1)[:, None] * RATE_HZ / _FFT
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


_HANN = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
# Makes the sum over the bins of one side the mean square of the windowed samples.
_POWER_SCALE = np.float32(2.0 / (_FFT * float((_HANN.astype(np.float64) ** 2).sum())))
_BIN_HZ = np.arange(_FFT // 2 + 1) * RATE_HZ / _FFT
_VOICE = (_BIN_HZ >= 300) & (_BIN_HZ <= 3400)
_BANDS = _bands()
_WIDE = (_BIN_HZ >= 500) & (_BIN_HZ <= 7000)
_TONAL = (_BIN_HZ >= 100) & (_BIN_HZ <= 4000)
