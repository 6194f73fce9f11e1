"""Evidence for what is no speech: music, applause, laughter.

Conventions
-----------
Series hold one value a hop.  Evidence is 0..1 and no probability: it says how far a sound shows
the traits of its kind.  Sound below -60 dB shows none.
"""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from clipkit.analysis.hops import HOPS_PER_S

Series = NDArray[np.float32]
Evidence = NDArray[np.float64]

_QUIET_DB, _HEARD_DB = -65.0, -55.0

_MUSIC_S = 2.0
# Log odds of music: persistence of the fine spectrum, share of low-energy hops, modulation at 2-8 Hz, change of
# the spectrum within a second.  Logistic regression on recorded speech (7 recordings) against film
# music, an edit with music and chords; leaving a recording out moves no weight that matters.
_MUSIC_WEIGHTS = np.array([14.5, -0.5, -0.5, -0.2])
_MUSIC_RANGES = np.array([[0.0, 0.6], [0.0, 0.7], [0.0, 8.0], [1.5, 9.0]])
_MUSIC_OFFSET = -1.0
_HELD = 0.1

_APPLAUSE_S = 0.8
_SMOOTH_S = 0.3
_WOBBLE_S = 0.8

_LAUGH_S = 1.5
_LAUGH_PERIODS_S = (0.16, 0.34)


def music_evidence(level_db: Series, persistence: Series, modulation_db: Evidence, variability: Series) -> Series:
    """Return how far 2 s of sound are like music: held notes, few gaps, no syllables.

    Parameters
    ----------
    level_db, persistence, variability : ndarray of float32, shape (n_hops,)
        Of `MEASURES`.
    modulation_db : ndarray of float64, shape (n_hops,)
        Swing of the level at 2-8 Hz.

    References
    ----------
    .. [1] E. Scheirer, M. Slaney, "Construction and evaluation of a robust multifeature
       speech/music discriminator", ICASSP 1997.
    """
    magnitude = 10.0 ** (level_db.astype(np.float64) / 20.0)
    is_low = magnitude < 0.5 * _mean(magnitude, _MUSIC_S)
    traits = np.column_stack([_mean(values, _MUSIC_S) for values in (persistence, is_low, modulation_db, variability)])
    log_odds = np.clip(traits, _MUSIC_RANGES[:, 0], _MUSIC_RANGES[:, 1]) @ _MUSIC_WEIGHTS + _MUSIC_OFFSET
    heard = _ramp(10.0 * np.log10(_mean(magnitude**2, _MUSIC_S) + 1e-13), _QUIET_DB, _HEARD_DB)
    # Without a held note nothing speaks for music, however steady it is.
    held = _ramp(traits[:, 0], 0.0, _HELD)
    return np.asarray(heard * held / (1.0 + np.exp(-log_odds)), np.float32)


def applause_evidence(level_db: Series, over_db: Series, hiss: Series, harmonicity: Series) -> Series:
    """Return how far sound is like applause: loud, flat from 0.5 to 7 kHz, steady, without pitch, for 0.8 s or longer.

    Parameters
    ----------
    level_db, hiss, harmonicity : ndarray of float32, shape (n_hops,)
        Of `MEASURES`.
    over_db : ndarray of float32, shape (n_hops,)
        Level of the voice band over its floor; what never ends is the room and no applause.
    """
    smooth_db = _mean(np.maximum(level_db, -90.0), 0.05)
    wobble_db = np.sqrt(np.maximum(0.0, _mean((smooth_db - _mean(smooth_db, _WOBBLE_S)) ** 2, _WOBBLE_S / 2)))
    # Where it begins or ends the level jumps, but not on both sides.
    steady = _ramp(
        scipy.ndimage.minimum_filter1d(wobble_db, round(_WOBBLE_S * HOPS_PER_S / 2) + 1, mode="nearest"), 4.0, 2.0
    )
    evidence = (
        _ramp(_mean(level_db, _SMOOTH_S), _QUIET_DB, _HEARD_DB)
        * _ramp(_mean(over_db, _SMOOTH_S), 6.0, 12.0)
        * _ramp(_mean(hiss, _SMOOTH_S), -2.2, -1.2)
        * _ramp(_mean(harmonicity, _SMOOTH_S), 0.6, 0.4)
        * steady
    )
    return np.asarray(scipy.ndimage.grey_opening(evidence, round(_APPLAUSE_S * HOPS_PER_S)), np.float32)


def laughter_evidence(level_db: Series, over_db: Series, onset: Series, harmonicity: Series) -> Series:
    """Return how far 1.5 s of sound are like laughter: sharp breathy bursts in a rhythm of 3-6 Hz.

    A weak sign, for rewards only: its ranges were set on one recorded laugh against seven
    recordings of speech, and plosives in quick speech can look the same.

    Parameters
    ----------
    level_db, onset, harmonicity : ndarray of float32, shape (n_hops,)
        Of `MEASURES`.
    over_db : ndarray of float32, shape (n_hops,)
        Level of the voice band over its floor.
    """
    smooth_db = np.clip(_mean(over_db, 0.05), 0.0, 40.0)
    swing = smooth_db - _mean(smooth_db, 0.7)
    depth_db = np.sqrt(np.maximum(0.0, _mean(swing * swing, _LAUGH_S)))
    evidence = (
        _ramp(_mean(level_db, _LAUGH_S), _QUIET_DB, _HEARD_DB)
        * _ramp(_rhythm(swing), 0.1, 0.35)
        * _ramp(depth_db, 4.0, 8.0)
        * _ramp(_mean(onset, _LAUGH_S), 3.5, 6.0)
        * _ramp(_mean(harmonicity, _LAUGH_S), 0.7, 0.5)
    )
    return evidence.astype(np.float32)


def _rhythm(swing: Evidence) -> Evidence:
    """Return the highest normalised autocorrelation of a level over 1.5 s at the periods of laughter."""
    found = np.zeros(len(swing))
    shortest, longest = (round(period_s * HOPS_PER_S) for period_s in _LAUGH_PERIODS_S)
    for lag in range(shortest, min(longest, len(swing) - 1) + 1):
        first, second = swing[:-lag], swing[lag:]
        around = (lag // 2, lag - lag // 2)
        product = _mean(np.pad(first * second, around), _LAUGH_S)
        power = _mean(np.pad(0.5 * (first * first + second * second), around), _LAUGH_S)
        # One square decibel keeps the wobble of a steady sound from having a rhythm.
        found = np.maximum(found, product / (power + 1.0))
    return found


def _mean(values: NDArray[np.generic], seconds: float) -> Evidence:
    size = max(1, round(seconds * HOPS_PER_S))
    return np.asarray(scipy.ndimage.uniform_filter1d(values.astype(np.float64), size, mode="nearest"), np.float64)


def _ramp(values: Evidence, low: float, high: float) -> Evidence:
    """Return 0 up to `low`, 1 from `high` on and a straight line between; `low` may be the higher one."""
    return np.clip((values - low) / (high - low), 0.0, 1.0)
