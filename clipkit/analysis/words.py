"""Words with times from cues, and where sentences end.

Conventions
-----------
A cue says when a line of text is on screen, not when each of its words sounds.  Words share
the time of their cue by their length, and pauses heard inside the cue are put between words.
Writing without spaces (Chinese, Japanese) gives one word a character.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.timeline import Segments, as_segments

# A pause belongs between two words that stand this near to it by their lengths alone.
_PIN_S = 0.35
_PIN_AT_PUNCTUATION_S = 0.9
# Text without full stops: a gap this long ends the sentence. With them: only a much longer one does.
_GAP_ENDS_SENTENCE_S = 0.6
_LONG_GAP_S = 3.0
_WORDS_PER_STOP = 40

_STOPS = ".!?…。！？؟।॥።"
_CLOSERS = "\"'”’»›)]}」』）】〉》*_"
_NOTES = re.compile(r"\[[^\]]*\]|[♪♫♬]|>>+|^\s*[-–—]\s+|(?<=\n)\s*[-–—]\s+", re.MULTILINE)
_WHOLE_NOTE = re.compile(r"^\s*[(（][^()（）]*[)）]\s*$", re.MULTILINE)
_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002ffff"
_PIECES = re.compile(rf"[{_IDEOGRAPHS}]|[^{_IDEOGRAPHS}]+")
_NEVER_END = (
    "mr mrs ms dr prof sr jr st vs no nos fig eq vol approx dept gen sen rep gov capt lt col sgt rev hon "
    "e.g i.e cf al ca bzw z.b d.h u.a nr hr fr sra dra mme mlle"
)
_MAY_END = "etc inc ltd co corp a.m p.m u.s u.k u.n usw"
_ABBREVIATIONS, _ABBREVIATIONS_THAT_MAY_END = frozenset(_NEVER_END.split()), frozenset(_MAY_END.split())
_INITIALS = re.compile(r"^(?:[^\W\d_]\.)*[^\W\d_]$")


def words_from_cues(cues: pd.DataFrame, audio: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return one row a word, in order of time, inside the times of its cue.

    Notes for the deaf in square brackets, music signs, speaker dashes and lines that are
    wholly in parentheses are not words.  A cue that lasts into the next one ends where that
    one starts; cues that start together share their time in the order given.

    Parameters
    ----------
    cues : DataFrame
        ``start_s, end_s, text``; text is plain.
    audio : DataFrame, optional
        Table of `measure_audio`; pauses found in it are put between words.

    Returns
    -------
    DataFrame
        ``word`` str, ``start_s``, ``end_s`` float64, ``cue``, ``sentence`` int64 (both from 0),
        ``ends_sentence`` bool.  ``cue`` is the row of `cues`.

    Examples
    --------
    >>> cues = pd.DataFrame({"start_s": [1.0], "end_s": [3.0], "text": ["Who won? Mr. Hill."]})
    >>> words_from_cues(cues)[["word", "sentence", "ends_sentence"]].to_numpy().tolist()
    [['Who', 0, False], ['won?', 0, True], ['Mr.', 1, False], ['Hill.', 1, True]]
    """
    rows: list[tuple[str, float, float, int]] = []
    pauses = _pauses(audio)
    for start_s, end_s, pieces, owners in _spoken_cues(cues):
        times = _share_time(pieces, start_s, end_s, pauses)
        rows.extend(zip(pieces, times[:, 0].tolist(), times[:, 1].tolist(), owners, strict=True))
    return words_table(rows)


def words_table(rows: Iterable[tuple[str, float, float, int]]) -> pd.DataFrame:
    """Return the words table of ``(word, start_s, end_s, cue)`` in order of time, with where sentences end."""
    words = pd.DataFrame(rows, columns=["word", "start_s", "end_s", "cue"]).astype(
        {"word": "str", "start_s": "float64", "end_s": "float64", "cue": "int64"}
    )
    ends = _sentence_ends(words)
    words["sentence"] = (np.cumsum(ends) - ends).astype(np.int64)
    words["ends_sentence"] = ends
    return words


def split_words(text: str) -> list[str]:
    """Return the words of a cue as they are written, with their punctuation.

    Examples
    --------
    >>> split_words("[applause] It costs 3.50, right?")
    ['It', 'costs', '3.50,', 'right?']
    >>> split_words("你好。我")
    ['你', '好。', '我']
    """
    words: list[str] = []
    for token in _NOTES.sub(" ", _WHOLE_NOTE.sub(" ", text)).split():
        for piece in _PIECES.findall(token):
            if any(c.isalnum() for c in piece) or not words:
                words.append(piece)
            else:
                # Punctuation alone belongs to the word before it, with the space that was written.
                words[-1] += f" {piece}" if piece == token else piece
    while words and not any(c.isalnum() for c in words[0]):
        mark = words.pop(0)
        if words:
            words[0] = mark + words[0]
    return words


def _spoken_cues(cues: pd.DataFrame) -> list[tuple[float, float, list[str], list[int]]]:
    """Return start, end, words and the cue of each word, sorted; cues that start together are one."""
    order = np.argsort(cues["start_s"].to_numpy(dtype=np.float64), kind="stable")
    merged: list[tuple[float, float, list[str], list[int]]] = []
    for row in order:
        cue = cues.iloc[int(row)]
        start_s, end_s, pieces = max(0.0, float(cue["start_s"])), float(cue["end_s"]), split_words(str(cue["text"]))
        if not pieces or not end_s > start_s:
            continue
        owners = [int(row)] * len(pieces)
        if merged and start_s <= merged[-1][0]:
            first, last, before, whose = merged[-1]
            merged[-1] = (first, max(last, end_s), before + pieces, whose + owners)
        else:
            if merged and merged[-1][1] > start_s:
                merged[-1] = (merged[-1][0], start_s, *merged[-1][2:])
            merged.append((start_s, end_s, pieces, owners))
    return merged


def _pauses(audio: pd.DataFrame | None) -> Segments:
    """Return the stretches without speech of the audio table; none when it holds no speech at all."""
    if audio is None or not len(audio) or not audio["is_speech"].any():
        return as_segments([])
    silent = np.concatenate([[False], ~audio["is_speech"].to_numpy(dtype=bool), [False]])
    edges = np.flatnonzero(silent[1:] != silent[:-1]).reshape(-1, 2)
    hop_s = float(audio["time_s"].iloc[1] - audio["time_s"].iloc[0]) if len(audio) > 1 else 0.01
    return as_segments(edges * hop_s)


def _share_time(words: list[str], start_s: float, end_s: float, pauses: Segments) -> NDArray[np.float64]:
    """Return the start and end of each word: (n_words, 2) inside the cue, never overlapping."""
    inside = pauses[(pauses[:, 1] > start_s) & (pauses[:, 0] < end_s)] if len(pauses) else pauses
    inside = np.clip(inside, start_s, end_s)
    spoken_s = (end_s - start_s) - float((inside[:, 1] - inside[:, 0]).sum())
    if spoken_s < 0.3 * (end_s - start_s):
        # The words are not where the sound says that somebody speaks: trust the cue alone.
        inside, spoken_s = as_segments([]), end_s - start_s
    weights = np.array([_length(word) for word in words])
    # Edges between words on a clock that stands still in pauses.
    clock = np.concatenate([[0.0], np.cumsum(weights) / weights.sum() * spoken_s])
    pins: list[tuple[int, float, float]] = [(0, start_s, start_s)]
    spoken_before = _spoken_until(inside, start_s)
    for (pause_start_s, pause_end_s), spoken in zip(inside, spoken_before, strict=True):
        if spoken <= 1e-9:
            pins[0] = (0, start_s, pause_end_s)
            continue
        if spoken_s - spoken <= 1e-9:
            continue
        first = pins[-1][0] + 1
        if first >= len(words):
            break
        reach = np.array([_PIN_AT_PUNCTUATION_S if _pauses_after(w) else _PIN_S for w in words[first - 1 : -1]])
        distance = np.abs(clock[first:-1] - spoken) / reach
        nearest = int(np.argmin(distance))
        if distance[nearest] <= 1.0:
            pins.append((first + nearest, float(pause_start_s), float(pause_end_s)))
    tail_s = inside[-1, 0] if len(inside) and inside[-1, 1] >= end_s else end_s
    pins.append((len(words), max(tail_s, pins[-1][2]), end_s))
    times = np.empty((len(words), 2))
    for (first, _, from_s), (last, to_s, _) in pairwise(pins):
        edges = from_s + (clock[first : last + 1] - clock[first]) / (clock[last] - clock[first]) * (to_s - from_s)
        times[first:last, 0], times[first:last, 1] = edges[:-1], edges[1:]
        times[last - 1, 1] = to_s
    return times


def _spoken_until(pauses: Segments, start_s: float) -> NDArray[np.float64]:
    """Return how many seconds were spoken from `start_s` to the start of each pause."""
    lengths = pauses[:, 1] - pauses[:, 0]
    return pauses[:, 0] - start_s - np.concatenate([[0.0], np.cumsum(lengths)[:-1]]) if len(pauses) else np.empty(0)


def _length(word: str) -> float:
    """Return how long a word takes to say, in letters; digits are said in full, a word has a fixed share."""
    letters = sum(1.0 for c in word if c.isalpha() or unicodedata.category(c) == "Mn")
    digits = sum(1.0 for c in word if c.isdigit())
    return 1.5 + letters + 3.5 * digits + (1.5 if _pauses_after(word) else 0.0)


def _pauses_after(word: str) -> bool:
    return word.rstrip(_CLOSERS)[-1:] in f"{_STOPS},;:–—、，；：،" and bool(word)


def _sentence_ends(words: pd.DataFrame) -> NDArray[np.bool_]:
    """Return for each word whether a sentence ends with it; the last word always ends one."""
    texts = words["word"].tolist()
    if not texts:
        return np.zeros(0, dtype=bool)
    ends = np.array([_ends_sentence(a, b) for a, b in zip(texts, [*texts[1:], ""], strict=True)])
    gaps_s = words["start_s"].to_numpy()[1:] - words["end_s"].to_numpy()[:-1]
    has_stops = int(ends.sum()) >= len(texts) / _WORDS_PER_STOP
    ends[:-1] |= gaps_s >= (_LONG_GAP_S if has_stops else _GAP_ENDS_SENTENCE_S)
    ends[-1] = True
    return ends


def _ends_sentence(word: str, after: str) -> bool:
    bare = word.rstrip(_CLOSERS)
    if not bare or bare[-1] not in _STOPS:
        return False
    opening = next((c for c in after if c.isalnum()), "")
    continues = opening.islower()
    if bare[-1] == "…" or bare.endswith(".."):
        return not continues
    if bare[-1] != ".":
        # A question inside a quotation goes on: "Why?" he said.
        return not (continues and bare != word)
    stem = bare[:-1].lstrip("\"'“‘«([{¿¡").lower()
    if stem in _ABBREVIATIONS or (_INITIALS.match(stem) and not stem.isdigit() and stem != "i"):
        return not after
    if stem in _ABBREVIATIONS_THAT_MAY_END:
        return not continues
    return True
