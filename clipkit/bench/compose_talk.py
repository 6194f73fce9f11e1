"""Recorded speech spliced into a talk whose sentences, pauses and cuts are known.

Conventions
-----------
The recordings are listed in a JSON file, ``talk_pool.json``, with paths relative to a media folder and times in seconds
of decoded sound:

``speech``
    ``file from_s to_s text``: the first and last sound of the words.  Perhaps ``gaps`` (silences inside), ``words``
    (``text start_s end_s`` of each), ``more`` (the sentence goes on in the next entry), ``sentences: false`` (the times
    of the sentences inside are not known).
``rooms``
    ``file from_s to_s``: a moment without speech for each file of speech.
``sounds``
    ``file kind from_s to_s``: laughter, music and the like.

The pictures are spans of the same footage that shots are composed from, joined by hard cuts.
The truth is in the form of :mod:`clipkit.bench.talk`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clipkit.bench.compose import draw_pictures
from clipkit.bench.footage import Span
from clipkit.bench.joins import Join
from clipkit.bench.plan import Shot
from clipkit.errors import InputError
from clipkit.files import write_text
from clipkit.media.audio import read_audio
from clipkit.media.writer import write_video

Sound = NDArray[np.float32]
Entry = dict[str, Any]

RATE_HZ = 48_000
FRAME_RATE = 25
SIZE = (640, 360)
# Pauses between parts of a sentence and between sentences; other sounds come this often (seconds).
_INSIDE_S, _BETWEEN_S, _EVERY_S = (0.15, 0.7), (0.25, 1.6), (15.0, 30.0)
# Levels of speech and of other sounds, root mean square.
_SPEECH_RMS, _SOUND_RMS, _PEAK = 0.06, 0.05, 0.9
# Recording that is kept around the words, faded in and out (seconds).
_MARGIN_S = 0.05
_SHOT_S = (4.0, 15.0)
# Half of the cuts are drawn this near to the edge of an utterance, as editors cut (seconds).
_NEAR_S = 0.45


@dataclass(frozen=True)
class Piece:
    """One recording on the time line: an entry of the pool, when it sounds, and the sentence it belongs to."""

    entry: Entry
    start_s: float
    sentence: int | None

    @property
    def end_s(self) -> float:
        """Its last sound, seconds."""
        return self.start_s + float(self.entry["to_s"]) - float(self.entry["from_s"])

    @property
    def is_speech(self) -> bool:
        """Whether it is speech and not another sound."""
        return "kind" not in self.entry


def read_pool(path: str | Path) -> dict[str, list[Entry]]:
    """Read a list of recordings.

    Raises
    ------
    InputError
        ``input.bad_pool`` where the file is no such list.
    """
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
        pool = {name: list(record[name]) for name in ("speech", "rooms", "sounds")}
        rooms = {room["file"] for room in pool["rooms"]}
        missing = [entry["file"] for entry in pool["speech"] if entry["file"] not in rooms]
        if missing or not pool["speech"]:
            message = f"speech of {missing[0]} without a room" if missing else "no speech"
            raise ValueError(message)
        return pool
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path} must list speech, rooms and sounds as JSON, found {error!r}. Pass a talk_pool.json."
        raise InputError(message, code="input.bad_pool") from error


def plan_talk(pool: dict[str, list[Entry]], seconds: float, seed: int) -> list[Piece]:
    """Draw a running order that lasts at least `seconds`: whole sentences, each once before any comes again."""
    rng = random.Random(seed)
    chains: list[list[Entry]] = [[]]
    for entry in pool["speech"]:
        chains[-1].append(entry)
        if not entry.get("more"):
            chains.append([])
    sentences, sounds = _shuffled([chain for chain in chains if chain], rng), _shuffled(pool["sounds"], rng)
    pieces: list[Piece] = []
    now, number, due = rng.uniform(0.4, 1.2), 0, rng.uniform(*_EVERY_S)
    while now < seconds:
        if now > due and pool["sounds"]:
            pieces.append(Piece(next(sounds), now, None))
            now = pieces[-1].end_s + rng.uniform(*_BETWEEN_S)
            due = now + rng.uniform(*_EVERY_S)
        chain = next(sentences)
        is_known = all(entry.get("sentences", True) for entry in chain)
        for entry in chain:
            pieces.append(Piece(entry, now, number if is_known else None))
            now = pieces[-1].end_s + rng.uniform(*(_INSIDE_S if entry.get("more") else _BETWEEN_S))
        number += is_known
    return pieces


def truth_of(pieces: Sequence[Piece], shots: Sequence[Shot], seconds: float) -> dict[str, Any]:
    """Return what is known about a talk, as plain data in the form of :mod:`clipkit.bench.talk`."""
    sentences: list[Entry] = []
    utterances: list[Entry] = []
    words: list[Entry] = []
    speech: list[Entry] = []
    for piece in (piece for piece in pieces if piece.is_speech):
        text, shift_s = str(piece.entry.get("text") or ""), piece.start_s - float(piece.entry["from_s"])
        if piece.sentence is not None and piece.sentence < len(sentences):
            sentences[-1]["text"] += f" {text}"
            sentences[-1]["end_s"] = piece.end_s
        elif piece.sentence is not None:
            sentences.append({"text": text, "start_s": piece.start_s, "end_s": piece.end_s})
        named = piece.entry.get("words") or [{"text": word} for word in text.split()]
        for word in named:
            times = {key: word[key] + shift_s if key in word else None for key in ("start_s", "end_s")}
            words.append({"text": word["text"], **times, "utterance": len(utterances)})
        utterances.append({"text": text, "start_s": piece.start_s, "end_s": piece.end_s, "sentence": piece.sentence})
        gaps = [(a + shift_s, b + shift_s) for a, b in piece.entry.get("gaps", [])]
        edges = [piece.start_s, *(edge for gap in gaps for edge in gap), piece.end_s]
        speech += [{"start_s": a, "end_s": b} for a, b in zip(edges[::2], edges[1::2], strict=True)]
    sounds = [{"kind": p.entry["kind"], "start_s": p.start_s, "end_s": p.end_s} for p in pieces if not p.is_speech]
    cuts = np.cumsum([shot.n_frames for shot in shots])[:-1] / FRAME_RATE
    quiet = [0.0, *(edge for piece in pieces for edge in (piece.start_s, piece.end_s)), seconds]
    return {
        "fps": FRAME_RATE,
        "duration_s": seconds,
        "sentences": sentences,
        "utterances": utterances,
        "words": words,
        "speech": speech,
        "pauses": [{"start_s": a, "end_s": b} for a, b in zip(quiet[::2], quiet[1::2], strict=True)],
        "sounds": sounds,
        "cuts_s": cuts.tolist(),
    }


def compose_talk(
    pool: dict[str, list[Entry]],
    media: str | Path,
    spans: Sequence[Span],
    path: str | Path,
    *,
    seed: int,
    minutes: float,
) -> None:
    """Write a talk, its ``.srt`` (one cue a sentence) and its ``.truth.json``.

    Parameters
    ----------
    pool : dict
        From :func:`read_pool`.
    media : path
        The folder that its files are in.
    spans : sequence of Span
        Footage to show.
    path : path
        The video.
    seed : int
        The same arguments give the same talk.
    minutes : float
        About how long it lasts.

    Raises
    ------
    InputError
        ``input.no_footage`` where no span is long enough for a shot, and those of the recordings.
    """
    path = Path(path)
    pieces = plan_talk(pool, minutes * 60, seed)
    n_frames = round((pieces[-1].end_s + 1.0) * FRAME_RATE)
    shots = _plan_pictures(pieces, n_frames, spans, random.Random(seed))
    truth = truth_of(pieces, shots, n_frames / FRAME_RATE)
    sound = _mixed(pieces, pool, Path(media), n_frames * RATE_HZ // FRAME_RATE, np.random.default_rng(seed))
    pictures = draw_pictures(shots, rate=FRAME_RATE, size=SIZE)
    stereo = np.repeat(sound[:, None], 2, axis=1)
    write_video(path, pictures, frame_rate=FRAME_RATE, samples=stereo, rate_hz=RATE_HZ, crf=23)
    write_text(path.with_suffix(".srt"), _subtitles(truth))
    write_text(path.with_suffix(".truth.json"), json.dumps(truth, indent=1, ensure_ascii=False) + "\n")


def _plan_pictures(pieces: Sequence[Piece], n_frames: int, spans: Sequence[Span], rng: random.Random) -> list[Shot]:
    """Return shots that fill the talk, two of one source never side by side."""
    edges_s = [edge for piece in pieces if piece.is_speech for edge in (piece.start_s, piece.end_s)]
    shots: list[Shot] = []
    first, last = 0, None
    while first < n_frames:
        start_s = first / FRAME_RATE
        end_s = start_s + rng.uniform(*_SHOT_S)
        near = [edge for edge in edges_s if start_s + _SHOT_S[0] + _NEAR_S < edge < start_s + _SHOT_S[1] - _NEAR_S]
        if near and rng.random() < 0.5:
            end_s = min(near, key=lambda edge: abs(edge - end_s)) + rng.uniform(-_NEAR_S, _NEAR_S)
        rest = n_frames - first
        wanted = round((end_s - start_s) * FRAME_RATE)
        wanted = rest if rest - wanted < _SHOT_S[0] * FRAME_RATE else wanted
        fitting = [span for span in spans if span.source != last and span.end_s - span.start_s > _SHOT_S[0]]
        if not fitting:
            message = f"no two sources of the footage have a shot of {_SHOT_S[0]:g} s to show. Add footage."
            raise InputError(message, code="input.no_footage")
        source = rng.choice(sorted({span.source for span in fitting}))
        span = rng.choice([span for span in fitting if span.source == source])
        room = int((span.end_s - span.start_s) * FRAME_RATE)
        n = min(wanted, room)
        shots.append(Shot(span, span.start_s + rng.uniform(0, (room - n) / FRAME_RATE), n, Join("cut")))
        first, last = first + n, source
    return shots


def _mixed(
    pieces: Sequence[Piece], pool: dict[str, list[Entry]], media: Path, n_samples: int, rng: np.random.Generator
) -> Sound:
    """Return the sound track: each recording over the sound of its own empty room, which fills the pauses."""
    rooms = {room["file"]: room for room in pool["rooms"]}
    recordings = {name: _read(media / name) for name in sorted({piece.entry["file"] for piece in pieces})}
    gains = {
        name: _speech_gain(recordings[name], [e for e in pool["speech"] if e["file"] == name])
        for name in rooms
        if name in recordings
    }
    own, weight = np.zeros(n_samples, np.float32), np.zeros(n_samples, np.float32)
    for piece in pieces:
        name = piece.entry["file"]
        margin = round(_MARGIN_S * RATE_HZ)
        first, end = (round(float(piece.entry[key]) * RATE_HZ) for key in ("from_s", "to_s"))
        lead, at = min(margin, first), round(piece.start_s * RATE_HZ)
        samples = recordings[name][first - lead : end + margin]
        if piece.is_speech:
            samples = samples * gains[name]
        else:
            samples = samples * min(_SOUND_RMS / _rms(samples), _PEAK / float(np.abs(samples).max()))
        window = _faded(len(samples), margin)
        stop = min(n_samples, at - lead + len(samples))
        place = slice(at - lead, stop)
        own[place] += (samples * window)[: stop - at + lead]
        weight[place] = np.maximum(weight[place], window[: stop - at + lead])
    room_tone, begin = np.zeros(n_samples, np.float32), 0
    spoken = [piece for piece in pieces if piece.is_speech]
    changes = [round((a.end_s + b.start_s) / 2 * RATE_HZ) for a, b in pairwise(spoken)]
    for piece, end in zip(spoken, [*changes, n_samples], strict=True):
        room = rooms[piece.entry["file"]]
        empty = recordings[room["file"]][round(room["from_s"] * RATE_HZ) : round(room["to_s"] * RATE_HZ)]
        tone = np.concatenate([empty, empty[::-1]]) * gains[room["file"]]  # back and forth: no seam
        room_tone[begin:end] = np.resize(np.roll(tone, rng.integers(len(tone))), end - begin)
        begin = end
    return np.asarray(np.clip(own + room_tone * np.sqrt(1 - weight**2), -0.99, 0.99), np.float32)


def _read(path: Path) -> Sound:
    sound: Sound = read_audio(path, rate_hz=RATE_HZ, channels=1)[:, 0]
    return sound


def _speech_gain(sound: Sound, entries: Sequence[Entry]) -> float:
    voiced = np.concatenate([sound[round(e["from_s"] * RATE_HZ) : round(e["to_s"] * RATE_HZ)] for e in entries])
    return float(min(_SPEECH_RMS / _rms(voiced), _PEAK / float(np.abs(voiced).max())))


def _rms(samples: Sound) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def _faded(n_samples: int, n_fade: int) -> Sound:
    """Return ones with raised-cosine ends."""
    window = np.ones(n_samples, np.float32)
    n_fade = min(n_fade, n_samples // 2)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(n_fade) + 0.5) / n_fade)
    window[:n_fade], window[n_samples - n_fade :] = ramp, ramp[::-1]
    return window


def _shuffled(items: Sequence[Any], rng: random.Random) -> Iterator[Any]:
    while items:
        order = list(items)
        rng.shuffle(order)
        yield from order


def _subtitles(truth: dict[str, Any]) -> str:
    cues = [*truth["sentences"], *(u for u in truth["utterances"] if u["sentence"] is None and u["text"])]
    cues.sort(key=lambda cue: cue["start_s"])
    return "\n".join(
        f"{number}\n{_clock(cue['start_s'])} --> {_clock(cue['end_s'])}\n{cue['text']}\n"
        for number, cue in enumerate(cues, start=1)
    )


def _clock(time_s: float) -> str:
    millis = round(time_s * 1000)
    return f"{millis // 3_600_000:02}:{millis // 60_000 % 60:02}:{millis // 1000 % 60:02},{millis % 1000:03}"
