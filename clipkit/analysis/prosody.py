"""Which pauses end a sentence, as far as the sound alone can tell.

Conventions
-----------
Times are seconds; pitch intervals are semitones.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.hops import HOPS_PER_S

# A pause is long or short beside the pauses of the minute before and after; until there are
# some, beside two of a common length.
_AROUND_S = 60.0
_COMMON_PAUSE_S = 0.4
_RATIO_RANGE = (-1.2, 1.5)
# Pitch of the speech up to a pause, back to a silence of half a second or for 4 s, against that of the half
# second after it.  What intonation does by itself is below the first number.
_REFERENCE_S, _REFERENCE_GAP_S, _AFTER_S = 4.0, 0.5, 0.5
_LEAST_REFERENCE_S, _LEAST_AFTER_S = 0.3, 0.06
_JUMP_RANGE = (3.0, 8.0)
# Log odds: log of the length over the usual one, semitones of jump.  Logistic regression on pauses of recorded
# speech, in the recordings as they are and spliced.  A falling pitch, a falling level and a pitch
# that starts anew added nothing for a speaker who had been left out.
_WEIGHTS = (3.5, 0.6)
_OFFSET = -2.3


def sentence_end_chance(audio: pd.DataFrame, pauses: pd.DataFrame) -> NDArray[np.float64]:
    """Return how likely each pause stands between two sentences and not inside one, 0..1.

    Parameters
    ----------
    audio : DataFrame
        Table of `measure_audio`; its ``pitch_hz`` and ``is_speech``.
    pauses : DataFrame
        Table of `find_pauses`.

    Returns
    -------
    ndarray of float64, shape (n_pauses,)
        For ranking: the chances are right on average only where a fifth of the pauses end sentences.

    Notes
    -----
    Speakers pause longer between sentences than inside them, but each has a measure of their own,
    so a pause counts by its length over the median of those around it.  A pitch that jumps over a pause
    is another speaker, and turns change at sentence ends.

    Examples
    --------
    >>> audio = pd.DataFrame({"pitch_hz": np.zeros(1000), "is_speech": np.zeros(1000, bool)})
    >>> pauses = pd.DataFrame({"start_s": [1.0, 3.0, 5.0, 7.0], "end_s": [1.3, 3.3, 6.2, 7.3]})
    >>> sentence_end_chance(audio, pauses).round(1).tolist()
    [0.1, 0.1, 0.9, 0.1]
    """
    starts_s, ends_s = pauses["start_s"].to_numpy(dtype=np.float64), pauses["end_s"].to_numpy(dtype=np.float64)
    ratios = np.clip(_length_ratios(starts_s, ends_s), *_RATIO_RANGE)
    is_speech = audio["is_speech"].to_numpy(dtype=bool)
    pitch_hz = audio["pitch_hz"].to_numpy(dtype=np.float64)
    voiced = is_speech & (pitch_hz > 0.0)
    semitones = np.where(voiced, 12.0 * np.log2(np.maximum(pitch_hz, 1.0)), np.nan)
    hops = np.rint(np.column_stack([starts_s, ends_s]) * HOPS_PER_S).astype(np.int64)
    jumps = np.array([_pitch_jump(semitones, is_speech, first, last) for first, last in hops]).reshape(-1)
    jumps = np.clip(jumps - _JUMP_RANGE[0], 0.0, _JUMP_RANGE[1] - _JUMP_RANGE[0])
    log_odds = _WEIGHTS[0] * ratios + _WEIGHTS[1] * jumps + _OFFSET
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)), np.float64)


def _length_ratios(starts_s: NDArray[np.float64], ends_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log of each pause's length over the median length around it."""
    lengths = np.log(np.maximum(ends_s - starts_s, 1e-3))
    middles_s = (starts_s + ends_s) / 2.0
    first = np.searchsorted(middles_s, middles_s - _AROUND_S)
    last = np.searchsorted(middles_s, middles_s + _AROUND_S, side="right")
    common = np.log([_COMMON_PAUSE_S] * 2)
    usual = [np.median(np.append(lengths[a:b], common)) for a, b in zip(first, last, strict=True)]
    return np.asarray(lengths - np.array(usual), np.float64)


def _pitch_jump(semitones: NDArray[np.float64], is_speech: NDArray[np.bool_], first: int, last: int) -> float:
    """Return the distance of the pitch after a pause from that of the speech before it; 0 where either is unknown."""
    begin = max(0, first - round(_REFERENCE_S * HOPS_PER_S))
    spoken = np.flatnonzero(is_speech[begin:first])
    breaks = np.flatnonzero(np.diff(spoken) > _REFERENCE_GAP_S * HOPS_PER_S)
    if len(breaks):
        begin += spoken[breaks[-1] + 1]
    before = semitones[begin:first]
    after = semitones[last : last + round(_AFTER_S * HOPS_PER_S)]
    before, after = before[np.isfinite(before)], after[np.isfinite(after)]
    if len(before) < _LEAST_REFERENCE_S * HOPS_PER_S or len(after) < _LEAST_AFTER_S * HOPS_PER_S:
        return 0.0
    return abs(float(np.median(after)) - float(np.median(before)))
