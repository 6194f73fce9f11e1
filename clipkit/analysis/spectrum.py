"""What is measured of every hundredth of a second of sound, in blocks: levels, onsets and the shape of the spectrum.

Conventions
-----------
A hop is a hundredth of a second of the mono mix at 16 kHz; levels are dB of full scale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import firwin, oaconvolve

from clipkit.analysis.hops import HOPS_PER_S, SILENCE_DB

SOURCE_HZ = 48000
RATE_HZ = 16000
MEASURES = ("level_db", "band_db", "onset", "flatness", "variability")

_HOP = RATE_HZ // HOPS_PER_S
_WINDOW = 512
_FFT = _WINDOW
# Measures that look around a hop see this much of the sound next to its block.
_MARGIN = 80
_N_BANDS = 32
_BAND_FLOOR = 1e-8
_DECIMATION = SOURCE_HZ // RATE_HZ
_REACH = 48  # source samples on either side that the low pass before the decimation sees
# Share of each channel in the mono mix, after ITU-R BS.775; the rest count like those at the side.
_MIX = {"FC": 1.0, "FL": 0.7071, "FR": 0.7071, "LFE": 0.0, "LFE2": 0.0}
_MIX_ELSEWHERE = 0.5


def silent_hops(n_hops: int) -> NDArray[np.float32]:
    """Return the measures of silence, shape (n_hops, n_measures)."""
    return np.tile(np.array([SILENCE_DB, SILENCE_DB, 0.0, 0.0, 0.0], dtype=np.float32), (n_hops, 1))


def mono_mix(channels: tuple[str, ...]) -> NDArray[np.float32]:
    """Return the weight of each channel in the mono mix; they add up to 1.

    Examples
    --------
    >>> mono_mix(("FL", "FR")).tolist()
    [0.5, 0.5]
    """
    weights = np.array([_MIX.get(name, _MIX_ELSEWHERE) for name in channels], np.float32)
    return weights / (weights.sum() or 1.0)


def decimated(blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """Yield one channel of sound at 48 kHz as blocks at 16 kHz, without delay and without seams.

    A block comes 1 ms short, which is then the beginning of the next one.
    """
    kept = np.zeros(_REACH, np.float32)
    for block in blocks:
        kept = np.concatenate([kept, block])
        done = _low_passed(kept)
        yield done
        kept = kept[len(done) * _DECIMATION :]
    yield _low_passed(np.pad(kept, (0, _REACH)))


def _low_passed(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each third sample behind the low pass, beginning with the first that it sees whole."""
    if len(samples) <= 2 * _REACH:
        return np.empty(0, np.float32)
    return np.asarray(oaconvolve(samples, _LOW_PASS, mode="valid")[::_DECIMATION], np.float32)


def measured_hops(blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """Yield the measures of every hop, shape (n_hops, n_measures), each block measured with the sound next to it."""
    margin = _MARGIN * _HOP
    kept = np.empty(0, dtype=np.float32)
    before = 0
    for block in blocks:
        kept = np.concatenate([kept, block])
        n_ready = (len(kept) - before - margin) // _HOP
        if n_ready > 0:
            yield _measure(kept)[before // _HOP : before // _HOP + n_ready]
            start = before + n_ready * _HOP
            drop = max(0, start - margin)
            kept, before = kept[drop:], start - drop
    if len(kept) > before:
        yield _measure(kept)[before // _HOP :]


def _measure(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the `MEASURES` of each hop."""
    n_hops = -(-len(samples) // _HOP)
    lead = (_WINDOW - _HOP) // 2
    padded = np.pad(samples, (lead, n_hops * _HOP + _WINDOW - len(samples)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:n_hops]
    power = _POWER_SCALE * np.abs(scipy.fft.rfft(windows * _HANN, _FFT, axis=1)) ** 2
    voice = power[:, _VOICE]
    voice_power = voice.sum(axis=1)
    flatness = np.log(voice + 1e-14).mean(axis=1) - np.log(voice.mean(axis=1) + 1e-14)
    bands = 10.0 * np.log10(power @ _BANDS + _BAND_FLOOR)
    shape = bands - bands.mean(axis=1, keepdims=True)
    around = 2 * (_MARGIN // 2) + 1
    mean = uniform_filter1d(shape, around, axis=0, mode="nearest")
    spread = uniform_filter1d(shape * shape, around, axis=0, mode="nearest") - mean * mean
    variability = np.sqrt(np.maximum(0.0, spread)).mean(axis=1)
    rise = np.zeros(n_hops)
    rise[3:] = np.maximum(0.0, bands[3:] - bands[:-3]).mean(axis=1)
    return np.column_stack(
        [
            _to_db(power.sum(axis=1)),
            _to_db(voice_power),
            maximum_filter1d(rise, 3),
            flatness,
            variability,
        ]
    ).astype(np.float32)


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
_LOW_PASS = firwin(2 * _REACH + 1, 7400.0, fs=SOURCE_HZ, window=("kaiser", 6.0)).astype(np.float32)
