"""Word edges moved to the sound: a word begins where somebody starts to speak, and ends before the pause.

Conventions
-----------
Words are rows ``(start_s, end_s)`` in order, never overlapping; so they stay.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from clipkit.analysis.speech import HOPS_PER_S, runs_of
from clipkit.timeline import Segments

# Whisper lets the first word after a pause begin up to this late, and the last one before end this early.
REACH_S = 0.6
_SHORTEST_PAUSE_S = 0.08
_SHORTEST_WORD_S = 0.04


def snap_to_sound(words: Segments, audio: pd.DataFrame) -> Segments:
    """Return the word times with the edges beside pauses moved to where speech stops and starts.

    A word that reaches into a pause ends where the pause begins, or begins where it ends: on the side that holds more
    of it.  The last word before a pause and the first one after it are drawn up to it, by at most 0.6 s of speech in
    which no other word lies.  Edges inside unbroken speech stay: the level rises and dips inside words as often as
    between them, and moving edges there made them worse.

    Parameters
    ----------
    words : ndarray of float64, shape (n_words, 2)
        Start and end of each word, seconds, in order and without overlap.
    audio : DataFrame
        Table of `measure_audio`; its ``is_speech`` is used.

    Returns
    -------
    ndarray of float64, shape (n_words, 2)
        In the same order and without overlap.

    Examples
    --------
    >>> audio = pd.DataFrame({"is_speech": [True] * 50 + [False] * 30 + [True] * 40})
    >>> snap_to_sound(np.array([[0.1, 0.6], [0.6, 1.1]]), audio).tolist()
    [[0.1, 0.5], [0.8, 1.1]]
    """
    snapped = np.array(words, dtype=np.float64).reshape(-1, 2)
    pauses = _pauses(audio).tolist()
    for index, (off_s, on_s) in enumerate(pauses):
        # Words beyond the neighbouring pauses are theirs.
        earliest_s = max(off_s - REACH_S, pauses[index - 1][1] if index else 0.0)
        latest_s = min(on_s + REACH_S, pauses[index + 1][0] if index + 1 < len(pauses) else np.inf)
        first = int(np.searchsorted(snapped[:, 1], earliest_s, side="right"))
        last = int(np.searchsorted(snapped[:, 0], latest_s))
        said_before = np.maximum(off_s - snapped[first:last, 0], 0.0)
        said_after = np.maximum(snapped[first:last, 1] - on_s, 0.0)
        before = first + np.flatnonzero((said_before > said_after) & (said_before >= _SHORTEST_WORD_S))[-1:]
        after = first + np.flatnonzero((said_after >= said_before) & (said_after >= _SHORTEST_WORD_S))[:1]
        # What lies between these two, inside the pause or too short to be moved, stands in their way.
        snapped[before, 1] = np.minimum(snapped[before, 1], off_s)
        snapped[after, 0] = np.maximum(on_s, snapped[after - 1, 1] if after.any() else 0.0)
        snapped[before, 1] = np.minimum(off_s, snapped[before + 1, 0] if (before + 1 < len(snapped)).all() else off_s)
    return snapped


def _pauses(audio: pd.DataFrame) -> Segments:
    """Return the stretches without speech that are long enough to lie between words."""
    runs = runs_of(~audio["is_speech"].to_numpy(dtype=bool)) / HOPS_PER_S
    return np.asarray(runs[runs[:, 1] - runs[:, 0] >= _SHORTEST_PAUSE_S])
