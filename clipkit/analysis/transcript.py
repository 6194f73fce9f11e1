"""Words with times from the sound alone: where to listen, and what a speech model hears there.

Conventions
-----------
A stretch is what the model hears at once.  Its edges are whole milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from clipkit.analysis.alignment import snap_to_sound
from clipkit.analysis.schedule import best_spans
from clipkit.analysis.speech import HOPS_PER_S, runs_of
from clipkit.analysis.transcript_store import TranscriptStore
from clipkit.analysis.words import split_words, words_table
from clipkit.media.audio import find_track, read_audio
from clipkit.media.probe import probe
from clipkit.media.speech_model import RATE_HZ, Heard, Recogniser, SpeechModel
from clipkit.params import Params
from clipkit.timeline import Segments, as_segments, clip_segments, merge_segments, pad_segments

# Clips move by some seconds once there are words, and words are heard better with what is around them.
CONTEXT_S = 5.0
# So many times the clips asked for are listened to: words change which ones are best.
_CHOICE = 3
# Kept before and after speech. Whisper hears half a minute at a time, so silence is cheaper than another stretch.
_PAD_S = 0.3
_BRIDGE_S = 8.0
# A killed run loses one stretch at most.
_LONGEST_S = 120.0
# Speech without a pause that goes on beyond the wanted spans is left after this.
_FARTHEST_S = 10.0
# Words farther than this from any speech were not said.
_HEARSAY_S = 0.3
_SHORTEST_WORD_S = 0.02


def likely_spans(candidates: pd.DataFrame, n_clips: int, duration_s: float) -> Segments:
    """Return where clips may lie: around the best candidates that do not overlap, three times as many as clips.

    Parameters
    ----------
    candidates : DataFrame
        Table of `find_candidates`, made without words.
    n_clips : int
        Clips asked for.
    duration_s : float
        Length of the video.

    Returns
    -------
    ndarray of float64, shape (n_spans, 2)
        Each with 5 s around it; merged and in order.
    """
    start_s, end_s = candidates["start_s"].to_numpy(), candidates["end_s"].to_numpy()
    rows = best_spans(start_s, end_s, candidates["score"].to_numpy(), gap_s=0.0, most=_CHOICE * n_clips)
    return spans_with_context(np.column_stack([start_s, end_s])[rows], duration_s)


def spans_with_context(spans: ArrayLike, duration_s: float) -> Segments:
    """Return the spans with 5 s around each, merged, inside the video."""
    return clip_segments(merge_segments(pad_segments(spans, CONTEXT_S)), 0.0, duration_s)


def lies_within(candidates: pd.DataFrame, spans: Segments, duration_s: float) -> pd.Series:
    """Return which candidates lie in one of the spans, clear of edges at which words may begin inside a sentence."""
    inner = pad_segments(spans, -CONTEXT_S / 2.0)
    inner[spans <= 0.0] = 0.0
    inner[spans >= duration_s] = np.inf
    inside = np.zeros(len(candidates), dtype=bool)
    for start_s, end_s in inner:
        inside |= ((candidates["start_s"] >= start_s) & (candidates["end_s"] <= end_s)).to_numpy()
    return pd.Series(inside, index=candidates.index)


def plan_stretches(audio: pd.DataFrame, within: Segments | None = None) -> Segments:
    """Return the stretches to listen to, so that all speech is in one and, where pauses allow, each word in one.

    Parameters
    ----------
    audio : DataFrame
        Table of `measure_audio`.
    within : ndarray of float64, shape (n_spans, 2), optional
        Only speech that touches these spans; by default all speech.

    Returns
    -------
    ndarray of float64, shape (n_stretches, 2)
        At most 120 s each, in order and without overlap.
    """
    speech = runs_of(audio["is_speech"].to_numpy(dtype=bool)) / HOPS_PER_S
    if within is not None:
        touches = [bool(((within[:, 0] < end_s) & (within[:, 1] > start_s)).any()) for start_s, end_s in speech]
        reach = merge_segments(pad_segments(within, _FARTHEST_S))
        speech = as_segments([row for span in reach for row in clip_segments(speech[touches], *span)])
    longest_s = _LONGEST_S - 2.0 * _PAD_S
    stretches: list[list[float]] = []
    for start_s, end_s in _at_most(speech, longest_s, audio["level_db"].to_numpy()):
        if stretches and end_s - stretches[-1][0] <= longest_s and start_s - stretches[-1][1] <= _BRIDGE_S:
            stretches[-1][1] = end_s
        else:
            stretches.append([start_s, end_s])
    padded = pad_segments(stretches, _PAD_S)
    # Where two stretches meet, each gets half of the pause between them.
    middles = (padded[1:, 0] + padded[:-1, 1]) / 2.0
    padded[:-1, 1] = np.minimum(padded[:-1, 1], middles)
    padded[1:, 0] = np.maximum(padded[1:, 0], middles)
    return as_segments(np.round(np.clip(padded, 0.0, len(audio) / HOPS_PER_S), 3))


def transcribe(
    video: str | Path,
    stretches: Segments,
    audio: pd.DataFrame,
    params: Params,
    model: SpeechModel,
    *,
    video_digest: str,
    progress: Callable[[float], None] | None = None,
) -> tuple[pd.DataFrame, str]:
    """Return the words said in stretches of a video, and their language.

    What a stretch gave is kept on disk before the next one begins: a run that was stopped goes on there, and the
    same stretches of the same video are never heard twice by the same model.

    Parameters
    ----------
    video : path
        The source file.
    stretches : ndarray of float64, shape (n_stretches, 2)
        As `plan_stretches` returns them.
    audio : DataFrame
        Table of `measure_audio`: words where nobody speaks are left out, edges are moved to the pauses.
    params : Params
        ``speech.language``, ``resources.threads`` and the limits of ``security`` are used.  A language that is not
        given is detected in the longest stretch.
    model : SpeechModel
        What listens; it is loaded only when a stretch has not been heard before.
    video_digest : str
        Sha256 of the video.
    progress : callable, optional
        Called with the share done, 0..1.

    Returns
    -------
    words : DataFrame
        As of `words_from_cues`; ``cue`` numbers the phrases of the model.
    language : str
        Its code; empty when there are no stretches.

    Raises
    ------
    InputError, ParamsError
        Those of :class:`~clipkit.media.speech_model.Recogniser`.
    """
    track = find_track(probe(video, params.security), params.audio.language)
    store = TranscriptStore(video_digest, model, track)
    lengths_s = stretches[:, 1] - stretches[:, 0]
    language = params.speech.language
    recogniser: Recogniser | None = None
    heard: dict[int, Heard] = {}
    done_s, whole_s = 0.0, float(lengths_s.sum())
    longest = int(np.argmax(lengths_s)) if len(stretches) else 0
    for index in sorted(range(len(stretches)), key=lambda index: (language is None and index != longest, index)):
        start_s, end_s = stretches[index].tolist()
        found = store.load(start_s, end_s, language)
        if found is None:
            recogniser = recogniser or Recogniser(model, threads=params.resources.threads)
            show = None if progress is None else _part(progress, done_s / whole_s, (end_s - start_s) / whole_s)
            sound = read_audio(
                video,
                rate_hz=RATE_HZ,
                channels=1,
                start_s=start_s,
                end_s=end_s,
                track=track,
                security=params.security,
            )
            found = recogniser.hear(sound[:, 0], language=language, progress=show)
            store.save(start_s, end_s, language, found)
        heard[index] = found
        language = language or found.language
        done_s += end_s - start_s
        if progress is not None:
            progress(done_s / whole_s)
    return words_from_heard([heard[index] for index in range(len(stretches))], stretches, audio), language or ""


def words_from_heard(heard: list[Heard], stretches: Segments, audio: pd.DataFrame) -> pd.DataFrame:
    """Return the words table of what was heard in each stretch, without words where nobody speaks.

    Words come in order and never overlap; those of a writing without spaces are single characters.
    """
    rows: list[tuple[str, float, float, int]] = []
    speech_hops = np.concatenate([[0], np.cumsum(audio["is_speech"].to_numpy(dtype=bool))])
    n_phrases = 0
    for (start_s, end_s), found in zip(stretches.tolist(), heard, strict=True):
        free_s = start_s
        for word in found.words:
            from_s = max(free_s, start_s + word.start_s)
            to_s = min(end_s, max(from_s + _SHORTEST_WORD_S, start_s + word.end_s))
            first, last = np.clip(
                np.rint([(from_s - _HEARSAY_S) * HOPS_PER_S, (to_s + _HEARSAY_S) * HOPS_PER_S]), 0, len(audio)
            ).astype(int)
            if to_s - from_s < _SHORTEST_WORD_S - 1e-9 or speech_hops[last] == speech_hops[first]:
                continue
            rows += _pieces(word.word, from_s, to_s, n_phrases + word.phrase)
            free_s = to_s
        n_phrases += 1 + max((word.phrase for word in found.words), default=-1)
    times = snap_to_sound(as_segments([row[1:3] for row in rows]), audio)
    return words_table((row[0], *time, row[3]) for row, time in zip(rows, times.tolist(), strict=True))


def _pieces(text: str, start_s: float, end_s: float, phrase: int) -> Iterator[tuple[str, float, float, int]]:
    pieces = [piece for piece in split_words(text) if any(c.isalnum() for c in piece)]
    edges = np.linspace(start_s, end_s, len(pieces) + 1).tolist()
    for piece, from_s, to_s in zip(pieces, edges[:-1], edges[1:], strict=True):
        yield piece, from_s, to_s, phrase


def _at_most(runs: Segments, most_s: float, level_db: NDArray[np.float32]) -> Iterator[tuple[float, float]]:
    """Yield the runs, those longer than `most_s` cut at quiet moments."""
    for start_s, end_s in runs.tolist():
        while end_s - start_s > most_s:
            first, last = round((start_s + 0.75 * most_s) * HOPS_PER_S), round((start_s + most_s) * HOPS_PER_S)
            cut_s = (first + int(np.argmin(level_db[first:last]))) / HOPS_PER_S
            yield start_s, cut_s
            start_s = cut_s
        yield start_s, end_s


def _part(progress: Callable[[float], None], begin: float, share: float) -> Callable[[float], None]:
    return lambda done: progress(begin + share * done)
