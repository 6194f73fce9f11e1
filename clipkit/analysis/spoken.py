"""Where somebody speaks: in a quiet room, in noise and over music.

Conventions
-----------
Series hold one value a hop, a hundredth of a second.
"""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from clipkit.analysis.hops import HOPS_PER_S, SILENCE_DB, runs_of
from clipkit.kernels.audio import two_state_posterior
from clipkit.params import SpeechParams

# Quieter than this is silence: a floor below it would make speech of dither.
_LOWEST_FLOOR_DB = -72.0
_FLOOR_WINDOW_S = 30
_FLOOR_PERCENTILE = 10

# Log odds of speech for one hop: dB over the floor, flatness, modulation at 2-8 Hz, spectral
# variability. Logistic regression on 12 minutes of recorded speech (7 recordings spliced with pauses,
# laughter and music), then moved towards what each recording asked for when it was left out.
# Each feature is clipped to its range first, so that none of them decides alone.
_RANGES = np.array([[-5.0, 12.0], [-5.0, 0.0], [0.0, 8.0], [0.0, 10.0]])
_WEIGHTS = np.array([0.5, -0.8, 0.6, 1.0])
_OFFSET = -14.5
# The same where noise or music goes on below the voice, so that the level tells little: dB over the floor, spectral
# variability, persistence of the fine spectrum, harmonicity.  Logistic regression on the same recordings
# with pink and white noise, and music, 5 to 20 dB below the voice, and on music and noise alone.
_NOISY_RANGES = np.array([[-5.0, 15.0], [0.0, 10.0], [-0.1, 0.6], [0.0, 1.0]])
_NOISY_WEIGHTS = np.array([0.14, 0.56, -15.8, 7.85])
_NOISY_OFFSET = -7.7
# dB from the floor to the loud twentieth of 30 s: up to the first number the second way decides, from the other on the
# first way.
_NOISY_DB, _CLEAR_DB = 25.0, 35.0
_LOUD_PERCENTILE = 95
# Neighbouring hops share most of their sound, so each counts for a fraction of a free observation.
_EVIDENCE_SHARE = 0.3
_ENTER, _LEAVE = 0.02, 0.02
_LONGEST_HOLD = HOPS_PER_S // 2
_HOLD_OVER_FLOOR_DB, _HOLD_DB = 12.0, 15.0


def detect_speech(
    heard: dict[str, NDArray[np.float32]],
    over_db: NDArray[np.float32],
    modulation_db: NDArray[np.float64],
    params: SpeechParams,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the chance of speech in each hop, 0..1, and where speech is.

    Parameters
    ----------
    heard : dict
        Series of `MEASURES`.
    over_db : ndarray of float32, shape (n_hops,)
        Level of the voice band over its floor.
    modulation_db : ndarray of float64, shape (n_hops,)
        Result of `modulation`.
    params : SpeechParams

    Notes
    -----
    In a quiet room speech is told by its level over the floor; in noise by its pitch; and
    everywhere from music and noise by how much level and spectrum change within a second [1]_.
    Between the two goes a straight line by how far the loud moments of the 30 s around stand out.

    References
    ----------
    .. [1] E. Scheirer, M. Slaney, "Construction and evaluation of a robust multifeature
       speech/music discriminator", ICASSP 1997.
    """
    variability = heard["variability"]
    level = scipy.ndimage.uniform_filter1d(over_db, 5)
    clear = _log_odds(
        [level, scipy.ndimage.uniform_filter1d(heard["flatness"], 7), modulation_db, variability],
        _RANGES,
        _WEIGHTS,
        _OFFSET,
    )
    held = scipy.ndimage.uniform_filter1d(heard["persistence"], HOPS_PER_S)
    periodic = scipy.ndimage.maximum_filter1d(scipy.ndimage.uniform_filter1d(heard["harmonicity"], 5), 31)
    noisy = _log_odds([level, variability, held, periodic], _NOISY_RANGES, _NOISY_WEIGHTS, _NOISY_OFFSET)
    share = np.clip((_running_percentile(over_db, _LOUD_PERCENTILE) - _NOISY_DB) / (_CLEAR_DB - _NOISY_DB), 0.0, 1.0)
    log_odds = share * clear + (1.0 - share) * noisy
    speech = np.empty(len(over_db), dtype=np.float32)
    two_state_posterior((log_odds * _EVIDENCE_SHARE).astype(np.float32), _ENTER, _LEAVE, speech)
    speech[heard["level_db"] <= SILENCE_DB] = 0.0
    return speech, _is_speech(speech, _is_near_peak(heard["band_db"], over_db), params)


def noise_floor(level_db: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the level below which another stays for a tenth of the 30 s around, dB."""
    return np.maximum(_running_percentile(level_db, _FLOOR_PERCENTILE), _LOWEST_FLOOR_DB).astype(np.float32)


def _running_percentile(level_db: NDArray[np.float32], percentile: float) -> NDArray[np.float64]:
    """Return the percentile of the 30 s around, interpolated between whole seconds."""
    n_seconds = -(-len(level_db) // HOPS_PER_S)
    padded = np.pad(level_db, (0, n_seconds * HOPS_PER_S - len(level_db)), mode="edge")
    seconds = padded.reshape(n_seconds, HOPS_PER_S)
    half = _FLOOR_WINDOW_S // 2
    found = [
        np.percentile(seconds[max(0, second - half) : second + half + 1], percentile) for second in range(n_seconds)
    ]
    centres = (np.arange(n_seconds) + 0.5) * HOPS_PER_S
    return np.interp(np.arange(len(level_db)), centres, found)


def _log_odds(
    traits: list[NDArray[np.generic]], ranges: NDArray[np.float64], weights: NDArray[np.float64], offset: float
) -> NDArray[np.float64]:
    columns = np.column_stack(traits).astype(np.float64)
    return np.asarray(np.clip(columns, ranges[:, 0], ranges[:, 1]) @ weights + offset, np.float64)


def _is_speech(speech: NDArray[np.float32], is_near_peak: NDArray[np.bool_], params: SpeechParams) -> NDArray[np.bool_]:
    """Return where speech is: enter above the threshold, leave below the release, nothing too short.

    A last vowel held before a long pause changes little and so loses its evidence; speech goes
    on for a short while as long as the level stays near its peak.
    """
    found = np.zeros(len(speech), dtype=bool)
    index = np.arange(len(speech))
    next_quiet = np.minimum.accumulate(np.where(is_near_peak, len(speech), index)[::-1])[::-1]
    for first, last in runs_of(speech >= min(params.release, params.threshold)):
        if speech[first:last].max() >= params.threshold and last - first >= params.speech_min_s * HOPS_PER_S - 1e-6:
            held = min(next_quiet[last], last + _LONGEST_HOLD) if last < len(speech) else last
            found[first:held] = True
    return found


def _is_near_peak(band_db: NDArray[np.float32], over_db: NDArray[np.float32]) -> NDArray[np.bool_]:
    smooth_db = scipy.ndimage.uniform_filter1d(band_db, 5)
    near = (over_db > _HOLD_OVER_FLOOR_DB) & (
        smooth_db > scipy.ndimage.maximum_filter1d(smooth_db, 2 * HOPS_PER_S + 1) - _HOLD_DB
    )
    return np.asarray(near, dtype=bool)


def modulation(over_db: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the RMS of the 2-8 Hz part of a level over 1.5 s, dB: syllables come four a second."""
    if len(over_db) < HOPS_PER_S // 4:
        return np.zeros(len(over_db))
    sections = scipy.signal.butter(2, [2.0, 8.0], "bandpass", fs=HOPS_PER_S, output="sos")
    swing = scipy.signal.sosfiltfilt(sections, np.clip(over_db, 0.0, 40.0).astype(np.float64))
    return np.asarray(
        np.sqrt(np.maximum(0.0, scipy.ndimage.uniform_filter1d(swing * swing, 150, mode="nearest"))), np.float64
    )
