"""Pitch of the voice, how far it moves, and how fast somebody speaks.

Conventions
-----------
Pitch is in hertz, 0 where nothing periodic between 60 and 400 Hz is heard.
"""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from clipkit.analysis.downmix import RATE_HZ, low_pass
from clipkit.analysis.hops import HOPS_PER_S
from clipkit.kernels.audio import strongest_periods

# Every second hop is analysed, at a rate that holds what the low pass leaves.
_STRIDE = 2
_DECIMATION = 4
_LOW_RATE_HZ = RATE_HZ // _DECIMATION
_FRAME = _LOW_RATE_HZ * _STRIDE // HOPS_PER_S
_LOWEST_HZ, _HIGHEST_HZ = 60, 400
_SHORTEST, _LONGEST = _LOW_RATE_HZ // _HIGHEST_HZ, _LOW_RATE_HZ // _LOWEST_HZ + 1
_WINDOW = _LOW_RATE_HZ // 25
_REACH = 64  # samples on either side that the low pass sees
_LOW_PASS = low_pass(1200.0, RATE_HZ, _REACH, beta=8.0)
_OCTAVE_COST = 0.03
_PERIODIC = 0.6
# A value further than this from the median of 140 ms is a wrong octave.
_MEDIAN, _STRAY = 7, 1.25

_RANGE_S = 3.0
_RANGE_EVERY = 10
_RANGE_SHARES = (0.1, 0.9)
_LEAST_VOICED_S = 0.3

# A syllable is a peak of the level that stands this much above the dips on both sides.
_SYLLABLE_DB = 1.5
_SYLLABLE_GAP_S = 0.08
_RATE_S = 3.0
_LEAST_SPOKEN_S = 0.5


def track_pitch(samples: NDArray[np.float32], n_hops: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the pitch of each hop and how periodic it is, 0..1.

    Parameters
    ----------
    samples : ndarray of float32, shape (n_samples,)
        One channel at 16 kHz.
    n_hops : int
        Rows of the result.

    Notes
    -----
    The strongest peak of the normalised autocorrelation of 40 ms below 1.2 kHz, every second hop,
    where longer periods pay a cost for each octave [1]_; then the median of 140 ms in place of what
    strays from it.

    References
    ----------
    .. [1] P. Boersma, "Accurate short-term analysis of the fundamental frequency and the
       harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, 1993.
    """
    low = scipy.signal.oaconvolve(samples, _LOW_PASS, mode="full")[_REACH : _REACH + len(samples) : _DECIMATION]
    low = low - scipy.ndimage.uniform_filter1d(low, _WINDOW, mode="nearest")
    n_frames = -(-n_hops // _STRIDE)
    lead = (_WINDOW + _LONGEST // 2) // 2 - _FRAME // 2
    missing = max(0, n_frames * _FRAME + _WINDOW + _LONGEST + 2 - lead - len(low))
    padded = np.pad(low, (lead, missing)).astype(np.float32)
    periods, strengths = np.empty(n_frames, np.float32), np.empty(n_frames, np.float32)
    strongest_periods(padded, _FRAME, _WINDOW, _SHORTEST, _LONGEST, _OCTAVE_COST, periods, strengths)
    # Glottal pulses come in rows: one periodic frame by itself is an accident.
    voiced = scipy.ndimage.binary_opening(strengths >= _PERIODIC, np.ones(2))
    pitch_hz = np.where(voiced, _LOW_RATE_HZ / np.maximum(periods, 1.0), 0.0)
    return np.repeat(_steadied(pitch_hz), _STRIDE)[:n_hops], np.repeat(strengths, _STRIDE)[:n_hops]


def _steadied(pitch_hz: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return pitch with every value that leaves the median of its voiced neighbours replaced by it."""
    voiced = np.flatnonzero(pitch_hz > 0.0)
    if not len(voiced):
        return pitch_hz.astype(np.float32)
    filled = np.interp(np.arange(len(pitch_hz)), voiced, pitch_hz[voiced])
    usual = scipy.ndimage.median_filter(filled, _MEDIAN, mode="nearest")
    is_stray = np.maximum(filled / usual, usual / filled) > _STRAY
    return np.where(pitch_hz > 0.0, np.where(is_stray, usual, pitch_hz), 0.0).astype(np.float32)


def pitch_range(pitch_hz: NDArray[np.float32], is_voice: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the semitones between the 10th and the 90th percentile of the pitch of a voice within 3 s.

    Parameters
    ----------
    pitch_hz : ndarray of float32, shape (n_hops,)
    is_voice : ndarray of bool, shape (n_hops,)
        Hops whose pitch counts, if they have one.

    Returns
    -------
    ndarray of float32, shape (n_hops,)
        0 where less than 0.3 s is voiced; interpolated between tenths of a second.
    """
    n_hops = len(pitch_hz)
    voiced = is_voice & (pitch_hz > 0.0)
    semitones = np.where(voiced, 12.0 * np.log2(np.maximum(pitch_hz, 1.0)), np.inf)[::_STRIDE].astype(np.float32)
    half = round(_RANGE_S * HOPS_PER_S / _STRIDE / 2)
    step = _RANGE_EVERY // _STRIDE
    padded = np.pad(semitones, half, constant_values=np.inf)
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)[::step], axis=1)
    counts = np.isfinite(windows).sum(axis=1)
    low, high = (_quantile(windows, counts, share) for share in _RANGE_SHARES)
    enough = counts >= _LEAST_VOICED_S * HOPS_PER_S / _STRIDE
    spans = np.where(enough, high - low, 0.0)
    return np.interp(np.arange(n_hops), np.arange(len(spans)) * _RANGE_EVERY, spans).astype(np.float32)


def speech_rate(
    level_db: NDArray[np.float32], pitch_hz: NDArray[np.float32], is_speech: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return syllables a second of speech, over 3 s.

    Parameters
    ----------
    level_db : ndarray of float32, shape (n_hops,)
        Level of the voice band.
    pitch_hz : ndarray of float32, shape (n_hops,)
        A nucleus is voiced: it has a pitch nearby.
    is_speech : ndarray of bool, shape (n_hops,)

    Returns
    -------
    ndarray of float32, shape (n_hops,)
        0 where less than half a second of the 3 s is speech.

    References
    ----------
    .. [1] N. de Jong, T. Wempe, "Praat script to detect syllable nuclei and measure speech rate
       automatically", Behavior Research Methods 41, 2009.
    """
    smooth_db = scipy.ndimage.uniform_filter1d(level_db, 5, mode="nearest")
    peaks, _ = scipy.signal.find_peaks(
        smooth_db, prominence=_SYLLABLE_DB, distance=round(_SYLLABLE_GAP_S * HOPS_PER_S), wlen=HOPS_PER_S + 1
    )
    nuclei = np.zeros(len(level_db))
    nuclei[peaks] = is_speech[peaks] & (scipy.ndimage.maximum_filter1d(pitch_hz, 5)[peaks] > 0.0)
    size = round(_RATE_S * HOPS_PER_S)
    counted = scipy.ndimage.uniform_filter1d(nuclei, size, mode="constant") * size
    spoken_s = scipy.ndimage.uniform_filter1d(is_speech.astype(np.float64), size, mode="constant") * _RATE_S
    return np.where(spoken_s >= _LEAST_SPOKEN_S, counted / np.maximum(spoken_s, 1e-3), 0.0).astype(np.float32)


def _quantile(rows: NDArray[np.float32], counts: NDArray[np.int64], share: float) -> NDArray[np.float32]:
    """Return a quantile of the first `counts` values of sorted rows, the nearest one; 0 of no values."""
    index = np.rint(share * np.maximum(0, counts - 1)).astype(np.int64)
    return np.where(counts > 0, rows[np.arange(len(rows)), index], np.float32(0.0))
