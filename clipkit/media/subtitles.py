"""Subtitles from a file beside the video or from inside it, as plain text with times.

Conventions
-----------
A cues table has the columns ``start_s``, ``end_s`` and ``text``: sorted, never overlapping,
lines of one cue separated by line feeds, without tags.
"""

from __future__ import annotations

import codecs
import html
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pandas as pd
from av.stream import Disposition

from clipkit.errors import InputError
from clipkit.media.ass import event_text, is_ass, read_events
from clipkit.media.demux import Damage, read_packets
from clipkit.media.gate import open_container, usable_streams
from clipkit.media.probe import probe
from clipkit.params import SecurityParams, SpeechParams

_SUFFIXES = (".srt", ".vtt", ".ass", ".ssa")
_MAX_BYTES = 32 * 2**20
_STAMP = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})(?:[,.](\d{1,3}))?"
_TIMING = re.compile(rf"^\s*{_STAMP}\s*-+>\s*{_STAMP}(?:\s|$)")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]+)*")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<(?:\d+:)?\d\d:\d\d[.,]\d+>|\{\\[^{}]*\}")
# Marks without width: byte order, direction, joiners at the edges of words.
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
# A cue whose end is not after its beginning stays until the next one, at most this long (seconds).
_REPAIRED_S = 2.0
# Rolling captions show each line a second time in a cue that lasts no longer than this (seconds).
_ROLL_S = 0.05

Cue = tuple[float, float, str]


@dataclass(frozen=True)
class Subtitles:
    """Cues on the time line of the picture, and where they come from (a path or ``stream #2 mov_text``)."""

    cues: pd.DataFrame
    source: str


def find_subtitles(
    path: str | os.PathLike[str], params: SpeechParams, security: SecurityParams | None = None
) -> Subtitles | None:
    """Return the subtitles of a video, or None when it has none.

    The file named in `params` counts first, then a file beside the video, then a text stream inside it; pictures of
    text (DVD, Blu-ray) are no subtitles here.

    Parameters
    ----------
    path : path-like
        The video.
    params : SpeechParams
        ``subtitles`` may name a file.
    security : SecurityParams, optional
        Limits of the gate.

    Returns
    -------
    Subtitles or None

    Raises
    ------
    InputError
        Those of :func:`read_subtitles` and of the gate.
    """
    file = subtitle_file(path, params)
    video = probe(path, security).video
    with open_container(path, security) as container:
        # Players count from the earliest stream, clipkit from the first displayed frame.
        player_start_s = (container.start_time or 0) / av.time_base
        origin_s = float(video.start_pts * video.time_base) if video is not None else player_start_s
        if file is not None:
            shift_s, cues, source = player_start_s - origin_s, _parse(file), str(file)
        else:
            streams = sorted(usable_streams(container, "subtitle"), key=_rank)
            if not streams:
                return None
            cues = [cue for stream in streams[:1] for cue in _embedded(container, stream)]
            shift_s, source = -origin_s, f"stream #{streams[0].index} {streams[0].codec_context.name}"
    moved = [(max(start_s + shift_s, 0.0), end_s + shift_s, text) for start_s, end_s, text in cues]
    return Subtitles(_cues_table([cue for cue in moved if cue[1] > 0]), source)


def subtitle_file(path: str | os.PathLike[str], params: SpeechParams) -> Path | None:
    """Return the subtitle file of a video: the one that is named, else one beside it, else None.

    Beside ``talk.mp4`` that is ``talk.srt``, ``talk.vtt``, ``talk.ass``, ``talk.ssa``, or the first in the alphabet of
    ``talk.<language>`` with one of these endings.
    """
    if params.subtitles is not None:
        return Path(params.subtitles)
    video = Path(path)
    try:
        names = sorted(entry.name for entry in video.absolute().parent.iterdir())
    except OSError:
        return None
    found = []
    for name in names:
        stem, suffix = os.path.splitext(name)
        if suffix.lower() in _SUFFIXES and (stem == video.stem or _is_translation(stem, video.stem)):
            found.append((stem != video.stem, stem, _SUFFIXES.index(suffix.lower()), video.with_name(name)))
    return min(found)[3] if found else None


def read_subtitles(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Return the cues of a SubRip, WebVTT or (Advanced) SubStation Alpha file.

    Parameters
    ----------
    path : path-like
        UTF-8, UTF-16 or Western European text; the content decides which format it is.

    Returns
    -------
    DataFrame
        Cues table.  Cues that overlap end where the next begins, those that begin together become one, a cue without
        duration lasts until the next one (at most 2 s), lines repeated by rolling captions appear once.

    Raises
    ------
    InputError
        ``input.subtitles_missing``, ``input.subtitles_unreadable``, ``input.subtitles_unparsable``.
    """
    return _cues_table(_parse(Path(path)))


def _parse(path: Path) -> list[Cue]:
    lines = _read_text(path).splitlines()
    if is_ass(lines):
        return [(start_s, end_s, _plain_text(text)) for start_s, end_s, text in read_events(lines)]
    timings = [(number, match) for number, line in enumerate(lines) if (match := _TIMING.match(line))]
    is_webvtt = bool(lines) and lines[0].startswith("WEBVTT")
    if not timings and not is_webvtt and any(line.strip() for line in lines):
        message = (
            f"{path}: no cue such as '00:00:01,000 --> 00:00:02,500' was found. "
            "Give a SubRip (.srt), WebVTT (.vtt) or SubStation Alpha (.ass, .ssa) file."
        )
        raise InputError(message, code="input.subtitles_unparsable")
    cues = []
    for position, (number, match) in enumerate(timings):
        end = timings[position + 1][0] if position + 1 < len(timings) else len(lines)
        body = lines[number + 1 : end]
        if is_webvtt:
            body = body[: next((i for i, line in enumerate(body) if not line.strip()), len(body))]
        elif end < len(lines):
            body = _without_number(body)
        start, stop = match.groups()[:4], match.groups()[4:]
        cues.append((_seconds(*start), _seconds(*stop), _plain_text("\n".join(body).replace("\\N", "\n"))))
    return cues


def subtitle_bytes(path: Path) -> bytes:
    """Return the whole of a subtitle file.

    Raises
    ------
    InputError
        ``input.subtitles_missing``, ``input.subtitles_unreadable``, or ``input.subtitles_unparsable`` if it is far
        too large to be one.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            message = f"{path}: a subtitle file may have {_MAX_BYTES // 2**20} MB. Is this the right file?"
            raise InputError(message, code="input.subtitles_unparsable")
        return path.read_bytes()
    except FileNotFoundError as error:
        message = f"{path}: no such subtitle file. Check the path, or leave it out to look beside and inside the video."
        raise InputError(message, code="input.subtitles_missing") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid path"
        message = f"{path}: the subtitle file cannot be read ({reason}). Check the path and its permissions."
        raise InputError(message, code="input.subtitles_unreadable") from error


def _read_text(path: Path) -> str:
    raw = subtitle_bytes(path)
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _without_number(body: list[str]) -> list[str]:
    """Leave out the number of the cue that follows."""
    kept = [line for line in body]
    while kept and not kept[-1].strip():
        kept.pop()
    if kept and kept[-1].strip().isdecimal():
        kept.pop()
    return kept


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> float:
    milliseconds = int((fraction or "0").ljust(3, "0"))
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) + milliseconds / 1000


def _plain_text(text: str) -> str:
    text = html.unescape(_TAG.sub("", text))
    lines = (" ".join(_INVISIBLE.sub("", line).split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def _cues_table(cues: list[Cue]) -> pd.DataFrame:
    """Sort, repair and separate cues."""
    ordered = sorted((cue for cue in cues if cue[2]), key=lambda cue: cue[0])
    merged: list[list[Any]] = []
    for start_s, end_s, text in _unrolled(ordered):
        if merged and merged[-1][0] == start_s:
            merged[-1][1] = max(merged[-1][1], end_s)
            if text not in merged[-1][2].split("\n"):
                merged[-1][2] += f"\n{text}"
        else:
            merged.append([start_s, end_s, text])
    for cue, following in pairwise([*merged, [float("inf"), 0.0, ""]]):
        if cue[1] <= cue[0]:
            cue[1] = cue[0] + _REPAIRED_S
        cue[1] = min(cue[1], following[0])
    table = pd.DataFrame(merged, columns=["start_s", "end_s", "text"])
    return table.astype({"start_s": "float64", "end_s": "float64", "text": "str"})


def _unrolled(cues: list[Cue]) -> Iterator[Cue]:
    """Leave out lines that rolling captions carry over from the cue before."""
    shown: list[str] = []
    shown_until_s = float("-inf")
    for start_s, end_s, text in cues:
        lines = text.split("\n")
        kept = lines
        if start_s <= shown_until_s + _ROLL_S and shown:
            if len(lines) > 1 and lines[0] == shown[-1]:
                kept = lines[1:]
            elif 0 < end_s - start_s <= _ROLL_S and lines == shown[-len(lines) :]:
                kept = []
        shown, shown_until_s = lines, end_s
        if kept:
            yield start_s, end_s, "\n".join(kept)


def _embedded(container: Any, stream: Any) -> Iterator[Cue]:
    for packet in read_packets(container, stream, Damage()):
        if packet.pts is None or not packet.size:
            continue
        try:
            decoded = stream.codec_context.decode2(packet)
        except av.FFmpegError:
            continue
        start_s = float(packet.pts * stream.time_base)
        for rect in decoded or ():
            if rect.type == b"bitmap":
                continue
            # ReadOrder, Layer, Style, Name, three margins and Effect stand before the text.
            text = event_text(rect.ass.decode(errors="replace").split(",", 8)[-1])
            length_s = float((packet.duration or 0) * stream.time_base) or decoded.end_display_time / 1000
            yield start_s, start_s + length_s, _plain_text(text)


def _rank(stream: Any) -> tuple[bool, bool, int]:
    is_forced = bool(stream.disposition & Disposition.forced)  # translations of foreign words only
    return is_forced, not stream.disposition & Disposition.default, stream.index


def _is_translation(stem: str, video_stem: str) -> bool:
    head, _, language = stem.rpartition(".")
    return head == video_stem and _LANGUAGE.fullmatch(language) is not None
