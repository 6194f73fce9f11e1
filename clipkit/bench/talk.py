"""In and out points of clips, and found speech, against a talk whose words, pauses and cuts are known.

Conventions
-----------
The truth is a JSON object, times in seconds: ``fps``, ``duration_s``; ``sentences`` and ``utterances`` (``text start_s
end_s``; an utterance also has ``sentence``, the index of its sentence, or null where sentence times are not known);
``words`` (``start_s end_s``, null where not known, and ``utterance``); ``speech`` and ``pauses``; ``sounds`` with their
``kind``; ``cuts_s``, the time of the first frame of each new shot.  A point nearer to an edge than the tolerance is at
that edge.  A share of nothing is NaN.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.errors import InputError

Spans = NDArray[np.float64]

TOLERANCE_S = 0.05
# A cut this near inside an edge flashes a moment of another shot (frames).
FLASH_FRAMES = (1, 11)
# Laughter and applause hold voices: a speech detector may go either way.
UNJUDGED = ("laugh", "laughter", "applause", "crowd")
STEP_S = 0.01
_TABLES = ("sentences", "utterances", "words", "speech", "pauses", "sounds")


@dataclass(frozen=True)
class TalkTruth:
    """What is known of a talk; each array of spans is float64 of shape (n, 2), start and end in seconds.

    Attributes
    ----------
    frame_rate, duration_s : float
    sentences, utterances, speech, sounds, unjudged : ndarray
        ``unjudged`` are the sounds of kinds `UNJUDGED`.
    sentence_of : ndarray of int64, shape (n_utterances,)
        Index of the sentence that an utterance belongs to, -1 where its times are not known.
    solid : ndarray
        Words; whole stretches of speech where word times are not known.
    cuts_s : ndarray, shape (n_cuts,)
    """

    frame_rate: float
    duration_s: float
    sentences: Spans
    utterances: Spans
    sentence_of: NDArray[np.int64]
    solid: Spans
    speech: Spans
    sounds: Spans
    unjudged: Spans
    cuts_s: NDArray[np.float64]

    @property
    def heard(self) -> Spans:
        """Speech and other sounds."""
        return np.concatenate([self.speech, self.sounds])


@dataclass(frozen=True)
class EdgeScore:
    """How clean the edges of clips are; each sequence has an entry for each clip.

    Attributes
    ----------
    in_word, out_word : ndarray of float64
        1 where the in (out) point lies inside a word, else 0.
    in_sentence, out_sentence : ndarray of float64
        1 where it lies inside a sentence, in a word or a pause of it; NaN where sentence times are not known.
    begins, ends : ndarray of float64
        1 where the clip's first words begin a sentence, where its last words end one; NaN where that is not known
        or nothing is said.
    lead_s, tail_s : ndarray of float64
        Silence from the in point to the first sound of the clip, and from its last sound to the out point; NaN
        for a silent clip.
    flash : ndarray of float64, shape (2 * n_clips,)
        1 where a cut lies 1 to 11 frames inside an edge.
    silent : ndarray of float64
        1 where no word is said.
    """

    in_word: NDArray[np.float64]
    out_word: NDArray[np.float64]
    in_sentence: NDArray[np.float64]
    out_sentence: NDArray[np.float64]
    begins: NDArray[np.float64]
    ends: NDArray[np.float64]
    lead_s: NDArray[np.float64]
    tail_s: NDArray[np.float64]
    flash: NDArray[np.float64]
    silent: NDArray[np.float64]

    def figures(self) -> dict[str, float]:
        """Return the shares and percentiles that bars are set for."""
        whole = np.where(np.isnan(self.begins) | np.isnan(self.ends), np.nan, self.begins * self.ends)
        whole = np.where((self.begins == 0) | (self.ends == 0), 0.0, whole)
        return {
            "n_clips": float(len(self.in_word)),
            "edges_in_word": _share(self.in_word, self.out_word),
            "edges_in_sentence": _share(self.in_sentence, self.out_sentence),
            "whole_sentences": _share(whole),
            "flash_frames": _share(self.flash),
            "lead_p95_s": _percentile(self.lead_s, 95),
            "tail_p95_s": _percentile(self.tail_s, 95),
            "silent": _share(self.silent),
        }


@dataclass(frozen=True)
class SpeechScore:
    """Found speech, step by step of 10 ms, laughter and applause left out."""

    n_hit: int
    n_found: int
    n_true: int

    @property
    def precision(self) -> float:
        """Share of the found steps that are speech; 1 when nothing was to be found and nothing was."""
        return self.n_hit / self.n_found if self.n_found else float(self.n_true == 0)

    @property
    def recall(self) -> float:
        """Share of the speech that was found; 1 when there is none."""
        return self.n_hit / self.n_true if self.n_true else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def read_talk(path: str | Path) -> TalkTruth:
    """Read the truth of a talk.

    Raises
    ------
    InputError
        ``input.bad_truth`` where the file is no such truth.
    """
    try:
        return talk_truth(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        message = f"{path} must be the truth of a talk as JSON, found {error}. Pass a *.truth.json of a talk."
        raise InputError(message, code="input.bad_truth") from error
    except InputError as error:
        message = f"{path}: {error.message}"
        raise InputError(message, code=error.code) from error


def talk_truth(record: Any) -> TalkTruth:
    """Return the truth of a talk from plain data.

    Raises
    ------
    InputError
        ``input.bad_truth`` where something is missing or of the wrong kind.
    """
    try:
        utterances, words = record["utterances"], [word for word in record["words"] if word["start_s"] is not None]
        tables = {name: _spans(record[name]) for name in _TABLES if name != "words"}
        worded = tables["utterances"][sorted({word["utterance"] for word in words})]
        has_words = _inside(tables["speech"][:, 0], worded, 0.0) | np.isin(tables["speech"][:, 0], worded[:, 0])
        is_unjudged = np.array([sound["kind"] in UNJUDGED for sound in record["sounds"]], bool)
        return TalkTruth(
            frame_rate=float(record["fps"]),
            duration_s=float(record["duration_s"]),
            sentences=tables["sentences"],
            utterances=tables["utterances"],
            sentence_of=np.array([-1 if u["sentence"] is None else u["sentence"] for u in utterances], np.int64),
            solid=np.concatenate([_spans(words), tables["speech"][~has_words]]),
            speech=tables["speech"],
            sounds=tables["sounds"],
            unjudged=tables["sounds"][is_unjudged],
            cuts_s=np.array(record["cuts_s"], np.float64),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        message = f"the truth of a talk needs fps, duration_s, cuts_s, {', '.join(_TABLES)}; {error!r} was met."
        raise InputError(message, code="input.bad_truth") from error


def score_edges(truth: TalkTruth, clips: pd.DataFrame, *, tolerance_s: float = TOLERANCE_S) -> EdgeScore:
    """Judge where clips begin and end.

    Parameters
    ----------
    truth : TalkTruth
    clips : DataFrame
        ``start_s,end_s``, one row a clip.
    tolerance_s : float, optional
        At most a quarter of the word or sentence in question is taken off at each side.

    Raises
    ------
    InputError
        ``input.bad_table`` where a column is missing or a clip does not end after it starts.
    """
    starts, ends = _intervals(clips, "clips").T
    unsure = truth.utterances[truth.sentence_of < 0]
    in_sentence, out_sentence = (
        np.where(_inside(t, unsure, 0.0), np.nan, _inside(t, truth.sentences, tolerance_s)) for t in (starts, ends)
    )
    rows = [_words_of(truth, start, end, tolerance_s) for start, end in zip(starts, ends, strict=True)]
    first, last = np.round(starts * truth.frame_rate), np.round(ends * truth.frame_rate)
    cuts = np.round(truth.cuts_s * truth.frame_rate)[None, :]
    near = [cuts - first[:, None], last[:, None] - cuts]
    flash = [((FLASH_FRAMES[0] <= gap) & (gap <= FLASH_FRAMES[1])).any(axis=1) for gap in near]
    return EdgeScore(
        in_word=_inside(starts, truth.solid, tolerance_s).astype(float),
        out_word=_inside(ends, truth.solid, tolerance_s).astype(float),
        in_sentence=in_sentence,
        out_sentence=out_sentence,
        begins=np.array([row[0] for row in rows], float),
        ends=np.array([row[1] for row in rows], float),
        lead_s=np.array([row[2] for row in rows], float),
        tail_s=np.array([row[3] for row in rows], float),
        flash=np.concatenate(flash).astype(float),
        silent=np.array([row[4] for row in rows], float),
    )


def score_speech(truth: TalkTruth, found: pd.DataFrame) -> SpeechScore:
    """Compare found speech with the truth in steps of 10 ms.

    Parameters
    ----------
    truth : TalkTruth
    found : DataFrame
        ``start_s,end_s``, one row a stretch of speech.

    Raises
    ------
    InputError
        ``input.bad_table`` where a column is missing or a stretch does not end after it starts.
    """
    n_steps = round(truth.duration_s / STEP_S)
    said, is_found = _steps(truth.speech, n_steps), _steps(_intervals(found, "speech"), n_steps)
    is_judged = ~_steps(truth.unjudged, n_steps)
    return SpeechScore(
        n_hit=int((said & is_found & is_judged).sum()),
        n_found=int((is_found & is_judged).sum()),
        n_true=int((said & is_judged).sum()),
    )


def speech_spans(is_speech: NDArray[np.bool_], rate_hz: float = 100.0) -> pd.DataFrame:
    """Return the stretches in which a mask is true as a table ``start_s,end_s``.

    Examples
    --------
    >>> speech_spans(np.array([False, True, True, False]))
       start_s  end_s
    0     0.01   0.03
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_speech, [False]]).astype(np.int8)))
    return pd.DataFrame({"start_s": edges[::2] / rate_hz, "end_s": edges[1::2] / rate_hz})


def _words_of(
    truth: TalkTruth, start: float, end: float, tolerance_s: float
) -> tuple[float, float, float, float, bool]:
    """Return whether a clip's words begin and end sentences, its silence at both ends, and whether it has no words."""
    utterances, sentences = truth.utterances, truth.sentences
    said = np.flatnonzero((utterances[:, 1] - tolerance_s > start) & (utterances[:, 0] + tolerance_s < end))
    begins = ends = np.nan
    if len(said):
        first, last = said[0], said[-1]
        if truth.sentence_of[first] >= 0:
            at = utterances[first, 0]
            begins = float(at >= start - tolerance_s and at == sentences[truth.sentence_of[first], 0])
        if truth.sentence_of[last] >= 0:
            at = utterances[last, 1]
            ends = float(at <= end + tolerance_s and at == sentences[truth.sentence_of[last], 1])
    heard = truth.heard
    heard = heard[(heard[:, 1] > start) & (heard[:, 0] < end)]
    lead = max(0.0, float(heard[:, 0].min()) - start) if len(heard) else np.nan
    tail = max(0.0, end - float(heard[:, 1].max())) if len(heard) else np.nan
    return begins, ends, lead, tail, not len(said)


def _inside(times_s: NDArray[np.float64], spans: Spans, tolerance_s: float) -> NDArray[np.bool_]:
    """Return which times lie in one of the spans, deeper than the tolerance."""
    depth = np.minimum(tolerance_s, (spans[:, 1] - spans[:, 0]) / 4)
    after = times_s[:, None] > (spans[:, 0] + depth)[None, :]
    is_inside = after & (times_s[:, None] < (spans[:, 1] - depth)[None, :])
    found: NDArray[np.bool_] = np.any(is_inside, axis=1)
    return found


def _steps(spans: Spans, n_steps: int) -> NDArray[np.bool_]:
    marked = np.zeros(n_steps, np.bool_)
    for begin, end in np.maximum(0, np.round(spans / STEP_S)).astype(int):
        marked[begin:end] = True
    return marked


def _spans(rows: Iterable[Any]) -> Spans:
    return np.array([(row["start_s"], row["end_s"]) for row in rows], np.float64).reshape(-1, 2)


def _intervals(table: pd.DataFrame, where: str) -> Spans:
    if not {"start_s", "end_s"} <= set(table.columns):
        message = f"{where}: the columns start_s and end_s are needed, found {', '.join(map(str, table.columns))}."
        raise InputError(message, code="input.bad_table")
    spans = table[["start_s", "end_s"]].to_numpy(np.float64)
    is_wrong = ~(spans[:, 0] < spans[:, 1])
    if is_wrong.any():
        start, end = spans[is_wrong][0]
        message = f"{where}: every row must end after it starts, one goes from {start:g} to {end:g} s. Correct it."
        raise InputError(message, code="input.bad_table")
    return spans


def _share(*flags: NDArray[np.float64]) -> float:
    known = np.concatenate(flags)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else float("nan")


def _percentile(values: NDArray[np.float64], percent: float) -> float:
    known = values[~np.isnan(values)]
    return float(np.percentile(known, percent)) if len(known) else float("nan")
