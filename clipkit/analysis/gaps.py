"""Gaps: where speech stops and starts again, and how surely a sentence ends there.

Conventions
-----------
A gap is a stretch ``(off_s, on_s)`` from the end of one utterance to the start of the next.  Its
cost runs from 0 (a whole sentence beside a pause) upwards.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.speech import HOPS_PER_S, runs_of
from clipkit.analysis.telling import bare_word
from clipkit.timeline import Segments, as_segments

_SHORTEST_GAP_S = 0.08
# Word times come from captions: the pause that belongs to a sentence's edge is looked for this near to it.
_REACH_S = 0.4
_GAP_IN_CAPTIONS_S = 0.2
SILENT_COST = 0.2
MID_SENTENCE_COST = 0.6
_LEANING_COST = 0.2
_NO_PAUSE_COST = 0.5
_LITTLE_SPEECH = 0.1
_USUAL_PERCENTILE = 70
_USUAL_PAUSE_S = (0.5, 1.2)
_SHALLOW_DB = 6.0
_LONGEST_VOWEL_S = 2.0
_AROUND_HOPS = 200
# Silence longer than this between a cut and the speech of a clip is dead air.
_DEAD_AIR_HOPS, _DEAD_AIR_COST, _QUIET_DB = 25, 0.3, 15.0

# Openers that lean on what was said before. Other languages neither gain nor lose.
_JOINING_WORDS = (
    "and so but because then also or nor und aber weil dann also denn et mais donc car puis y pero porque entonces"
)
_POINTING_WORDS = "that which who it this these those he she they him her them his their"
JOINING = frozenset(_JOINING_WORDS.split())
LEANING = JOINING | frozenset(_POINTING_WORDS.split())


@dataclass(frozen=True)
class Scene:
    """What edges are looked for in.

    Parameters
    ----------
    is_speech : ndarray of bool, shape (n_hops,)
        Speech at 100 Hz.
    level_db : ndarray of float32, shape (n_hops,)
        Level at 100 Hz.
    words, pauses, transitions : DataFrame
        The tables of `words_from_cues`, `find_pauses` and `detect_transitions`; may be empty.
    duration_s, frame_s : float
        Length of the video, and of one of its frames.
    """

    is_speech: NDArray[np.bool_]
    level_db: NDArray[np.float32]
    words: pd.DataFrame
    pauses: pd.DataFrame
    transitions: pd.DataFrame
    duration_s: float
    frame_s: float


class Gap(NamedTuple):
    """A stretch between two utterances, what an edge in it costs, and why."""

    off_s: float
    on_s: float
    cost: float
    reason: str


def gaps_before_speech(scene: Scene) -> list[Gap]:
    """Return the gaps that end where a sentence begins, and those before other speech."""
    words, gaps, pause_cost = scene.words, [], _PauseCost(scene)
    silent = _silences(scene)
    spans = _sentence_spans(words)
    first_words = words["word"].to_numpy()[_first_rows(words)]
    previous_s = 0.0
    for (start_s, end_s), word in zip(spans.tolist(), first_words, strict=True):
        off_s, on_s, heard = _nearest_gap(silent, start_s, 1)
        if not heard:
            off_s, on_s = _unheard_gap(scene, min(previous_s, start_s), start_s)
        cost, reason = _sentence_cost(on_s - off_s, heard, "at a sentence after")
        if bare_word(str(word)) in LEANING:
            cost, reason = min(1.0, cost + _LEANING_COST), f"{reason}, which leans on what was said before"
        gaps.append(Gap(off_s, on_s, cost, reason))
        previous_s = end_s
    for off_s, on_s in _pauses_outside(scene, spans):
        if on_s < scene.duration_s:
            gaps.append(Gap(off_s, on_s, pause_cost(off_s, on_s), f"after {_silence(on_s - off_s)}"))
    return gaps


def gaps_after_speech(scene: Scene) -> list[Gap]:
    """Return the gaps that begin where a sentence ends, and those after other speech."""
    gaps, pause_cost = [], _PauseCost(scene)
    silent = _silences(scene)
    spans = _sentence_spans(scene.words)
    following = [*spans[1:, 0].tolist(), scene.duration_s]
    for (_, end_s), next_s in zip(spans.tolist(), following, strict=False):
        off_s, on_s, heard = _nearest_gap(silent, end_s, 0)
        if not heard:
            off_s, on_s = _unheard_gap(scene, end_s, max(next_s, end_s))
        gaps.append(Gap(off_s, on_s, *_sentence_cost(on_s - off_s, heard, "on a full sentence before")))
    for off_s, on_s in _pauses_outside(scene, spans):
        if off_s > 0.0:
            gaps.append(Gap(off_s, on_s, pause_cost(off_s, on_s), f"before {_silence(on_s - off_s)}"))
    return gaps


def moment_costs(scene: Scene, times_s: list[float], *, begins: bool) -> list[float]:
    """Return what it costs to begin or end at moments without speech: at least `SILENT_COST`.

    Inside a sentence it costs what breaking into it does; else what the pause around it costs.  Silence
    between the moment and the speech of the clip costs more.
    """
    if not scene.is_speech.any():
        return [SILENT_COST] * len(times_s)
    spans, pause_cost = _sentence_spans(scene.words), _PauseCost(scene)
    pauses = scene.pauses[["start_s", "end_s"]].to_numpy(dtype=np.float64)
    spoken = np.flatnonzero(scene.is_speech)
    quiet_db = float(np.median(scene.level_db[spoken])) - _QUIET_DB
    costs = []
    for time_s in times_s:
        hop = round(time_s * HOPS_PER_S)
        place = int(np.searchsorted(spoken, hop))
        if begins:
            first, last = hop, int(spoken[place]) if place < len(spoken) else hop
        else:
            first, last = int(spoken[place - 1]) + 1 if place else hop, hop
        wait = scene.level_db[first:last]
        dead_air = _DEAD_AIR_COST if len(wait) > _DEAD_AIR_HOPS and np.median(wait) < quiet_db else 0.0
        sentence = bisect_right(spans[:, 0], time_s) - 1
        pause = bisect_right(pauses[:, 0], time_s) - 1
        in_sentence = sentence >= 0 and time_s < spans[sentence, 1]
        if in_sentence or pause < 0 or time_s > pauses[pause, 1]:
            costs.append(MID_SENTENCE_COST)
        elif len(spans):
            costs.append(SILENT_COST + dead_air)
        else:
            costs.append(max(SILENT_COST, pause_cost(*pauses[pause].tolist())) + dead_air)
    return costs


def _silences(scene: Scene) -> Segments:
    silent = runs_of(~scene.is_speech) / HOPS_PER_S
    return np.asarray(silent[silent[:, 1] - silent[:, 0] >= _SHORTEST_GAP_S])


def _first_rows(words: pd.DataFrame) -> NDArray[np.int64]:
    return np.flatnonzero(np.diff(words["sentence"].to_numpy(), prepend=-1))


def _sentence_spans(words: pd.DataFrame) -> Segments:
    """Return the first and last moment of each sentence."""
    if not len(words):
        return as_segments([])
    first = _first_rows(words)
    last = np.concatenate([first[1:], [len(words)]]) - 1
    return np.column_stack([words["start_s"].to_numpy()[first], words["end_s"].to_numpy()[last]])


def _nearest_gap(silent: Segments, time_s: float, side: int) -> tuple[float, float, bool]:
    """Return the gap whose end (side 1) or start (side 0) is this time, and whether there is one.

    A long gap wins over a nearer short one: the closure of a consonant is no pause.
    """
    first = bisect_left(silent[:, side], time_s - _REACH_S)
    last = bisect_right(silent[:, side], time_s + _REACH_S)
    if first >= last:
        return time_s, time_s, False
    near = silent[first:last]
    merit = np.abs(near[:, side] - time_s) - 0.5 * np.minimum(near[:, 1] - near[:, 0], 0.6)
    off_s, on_s = near[int(np.argmin(merit))].tolist()
    return off_s, on_s, True


def _unheard_gap(scene: Scene, off_s: float, on_s: float) -> tuple[float, float]:
    """Return the gap that only the captions tell of; where they leave none, the quietest moment near."""
    if on_s - off_s >= _GAP_IN_CAPTIONS_S:
        return off_s, on_s
    first = max(0, round((on_s - _REACH_S / 2.0) * HOPS_PER_S))
    levels = scene.level_db[first : round((on_s + _REACH_S / 2.0) * HOPS_PER_S)]
    if not len(levels):
        return off_s, on_s
    time_s = (first + int(np.argmin(levels)) + 0.5) / HOPS_PER_S
    return time_s, time_s


def _sentence_cost(pause_s: float, heard: bool, reason: str) -> tuple[float, str]:
    if heard:
        return (0.0 if pause_s >= 0.2 else 0.1), f"{reason} {_silence(pause_s)}"
    if pause_s >= _GAP_IN_CAPTIONS_S:
        return 0.1, f"{reason} a gap of {pause_s:.1f} s in the captions"
    return _NO_PAUSE_COST, f"{reason.rsplit(' ', 1)[0]} (no pause heard)"


def _silence(pause_s: float) -> str:
    return f"a pause of {pause_s:.1f} s" if pause_s < 3.0 else f"{pause_s:.0f} s without speech"


class _PauseCost:
    """The cost of a pause of which nobody knows whether a sentence ends there.

    Pauses inside a sentence are mostly shorter than this speaker's usual ones.  A pause as loud as the
    speech around it is more likely a held vowel; and in a video with hardly any speech, what was
    taken for speech may be music: a cut is surer.
    """

    def __init__(self, scene: Scene) -> None:
        self._is_speech, self._level_db = scene.is_speech, scene.level_db
        self._doubt = 0.2 if scene.is_speech.mean() < _LITTLE_SPEECH else 0.0
        lengths = (scene.pauses["end_s"] - scene.pauses["start_s"]).to_numpy(dtype=np.float64)
        usual_s = float(np.percentile(lengths, _USUAL_PERCENTILE)) if len(lengths) else 0.0
        self._usual_s = float(np.clip(usual_s, *_USUAL_PAUSE_S))

    def __call__(self, off_s: float, on_s: float) -> float:
        doubt = self._doubt + (0.3 if self._is_shallow(off_s, on_s) else 0.0)
        return 0.1 + doubt + 0.39 / (1.0 + math.exp((on_s - off_s - self._usual_s) / 0.15))

    def _is_shallow(self, off_s: float, on_s: float) -> bool:
        """Return whether the level in a pause hardly falls below that of the speech next to it."""
        if on_s - off_s > _LONGEST_VOWEL_S:
            return False
        first, last = round(off_s * HOPS_PER_S), round(on_s * HOPS_PER_S)
        around = slice(max(0, first - _AROUND_HOPS), last + _AROUND_HOPS)
        spoken = self._level_db[around][self._is_speech[around]]
        silent = self._level_db[first:last]
        return len(spoken) > 0 and len(silent) > 0 and bool(np.median(silent) > np.median(spoken) - _SHALLOW_DB)


def _pauses_outside(scene: Scene, spans: Segments) -> list[tuple[float, float]]:
    """Return the pauses beside speech that no words tell about."""
    if not scene.is_speech.any():
        return []
    pauses = scene.pauses[["start_s", "end_s"]].to_numpy(dtype=np.float64)
    if not len(spans):
        return [(a, b) for a, b in pauses.tolist()]
    index = np.searchsorted(spans[:, 0], pauses[:, 1] + _REACH_S) - 1
    touches = (index >= 0) & (spans[np.maximum(index, 0), 1] + _REACH_S > pauses[:, 0])
    return [(a, b) for a, b in pauses[~touches].tolist()]
