"""Caption sidecars that a person changed, as words with times.

Conventions
-----------
Times in a sidecar are seconds from the start of the clip that it was written for; words have
seconds of the source.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from clipkit.analysis.words import words_table
from clipkit.errors import InputError
from clipkit.output.pages import IDEOGRAPHS, WORD_JOINER

_STAMP = r"(\d{1,2}):(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_TIMING = re.compile(rf"\s*{_STAMP}\s*-->\s*{_STAMP}\s*")
_TOKENS = re.compile(rf"[{IDEOGRAPHS}]|[^\s{IDEOGRAPHS}]+")
_SAME_S = 0.05  # a known word that begins or ends this much outside its cue still lies in it
_LEAST_WORD_S = 0.06


class Cue(NamedTuple):
    """One entry of a sidecar."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class Edit:
    """A sidecar that a person changed.

    Attributes
    ----------
    path : Path
    raw : bytes
        The whole file.
    cues : tuple of Cue
        In order, not overlapping.
    start_s, end_s : float
        The stretch of the source for which it was written.
    """

    path: Path
    raw: bytes
    cues: tuple[Cue, ...]
    start_s: float
    end_s: float

    def is_for(self, start_s: float, end_s: float) -> bool:
        """Tell whether its times are those of a clip as they stand."""
        return abs(self.start_s - start_s) < 0.001 and abs(self.end_s - end_s) < 0.001

    def overlaps(self, start_s: float, end_s: float) -> bool:
        """Tell whether a clip shows any of the stretch."""
        return self.start_s < end_s and start_s < self.end_s

    def stops(self) -> list[float]:
        """Return when its cues end, seconds of the source."""
        return [self.start_s + cue.end_s for cue in self.cues]


def read_edit(path: Path, start_s: float, end_s: float) -> Edit:
    """Read a sidecar that was written for a stretch of the source and then changed.

    All of its text is taken as it stands, whatever codes it may look like.  An empty file means
    that the clip has no captions.

    Raises
    ------
    InputError
        ``input.bad_captions`` if it is no SubRip file, naming the line.
    """
    try:
        raw = path.read_bytes()
        encoding = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
        lines = raw.decode(encoding).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        message = f"{path}: these edited captions cannot be read ({reason}). Mend the file, or delete it for new ones."
        raise InputError(message, code="input.bad_captions") from error
    cues = sorted(_read_cues(path, lines, end_s - start_s))
    ends = [min(cue.end_s, after.start_s) for cue, after in pairwise(cues)] + [cue.end_s for cue in cues[-1:]]
    kept = (cue._replace(end_s=end) for cue, end in zip(cues, ends, strict=True) if end > cue.start_s)
    return Edit(path, raw, tuple(kept), start_s, end_s)


def edited_words(edit: Edit, words: pd.DataFrame, hold_s: float) -> pd.DataFrame:
    """Return a words table in which an edited sidecar replaces the words of its stretch.

    A word that was left as it was keeps its known time, as long as its cue still spans all of
    those; the others share what is left of their cue by their length.

    Parameters
    ----------
    edit : Edit
    words : DataFrame
        ``word, start_s, end_s``, in order, seconds of the source.
    hold_s : float
        Captions stay this long after their last word; a cue that lasts longer holds it until its end.

    Returns
    -------
    DataFrame
        As from :func:`clipkit.analysis.words.words_table`.
    """
    middle = (words["start_s"] + words["end_s"]) / 2
    rows: list[Any] = list(words[["word", "start_s", "end_s"]].itertuples(index=False, name=None))
    before = [row for row, time_s in zip(rows, middle, strict=True) if time_s < edit.start_s]
    after = [row for row, time_s in zip(rows, middle, strict=True) if time_s >= edit.end_s]
    known = rows[len(before) : len(rows) - len(after)]
    timed = [*before, *_timed(edit, known, hold_s), *after]
    return words_table((str(word), start_s, end_s, number) for number, (word, start_s, end_s) in enumerate(timed))


_Word = tuple[str, float, float]


def _read_cues(path: Path, lines: Sequence[str], length_s: float) -> Iterator[Cue]:
    timings = [(number, match) for number, line in enumerate(lines) if (match := _TIMING.fullmatch(line))]
    first = timings[0][0] if timings else len(lines)
    for number, line in enumerate(lines[:first]):
        if line.strip() and not (number == first - 1 and line.strip().isdecimal()):
            raise _bad(path, number, line, "a line such as '00:00:01,000 --> 00:00:02,500' must come before any text")
    for (number, match), (following, _) in pairwise([*timings, (len(lines), None)]):
        assert match is not None
        start_s, end_s = (_seconds(*match.groups()[k : k + 4]) for k in (0, 4))
        if not start_s < min(end_s, length_s):
            limit = f"a caption must start before it ends and within the clip ({length_s:.3f} s)"
            raise _bad(path, number, lines[number], limit)
        body = list(enumerate(lines[number + 1 : following], start=number + 1))
        if following < len(lines) and body and body[-1][1].strip().isdecimal():
            body.pop()  # the number of the cue that follows
        shown = list(body)
        while shown and not shown[-1][1].strip():
            shown.pop()
        empty = next((place for place, (_, line) in enumerate(shown) if place and not line.strip()), len(shown))
        for place, line in shown[empty:]:
            if line.strip():
                raise _bad(path, place, line, "text after an empty line must have a line of times above it")
        text = "\n".join(line.strip() for _, line in shown if line.strip()).replace(WORD_JOINER, "")
        if text:
            yield Cue(start_s, min(end_s, length_s), text)


def _bad(path: Path, number: int, line: str, rule: str) -> InputError:
    message = (
        f"{path}, line {number + 1}: {rule}, found {line.strip()[:60]!r}. "
        "Mend the edited captions, or delete the file for new ones."
    )
    return InputError(message, code="input.bad_captions")


def _seconds(hours: str, minutes: str, seconds: str, fraction: str) -> float:
    return (int(hours) * 60 + int(minutes)) * 60 + int(seconds) + int(fraction.ljust(3, "0")) / 1000


def _timed(edit: Edit, known: Sequence[_Word], hold_s: float) -> Iterator[_Word]:
    tokens = [_TOKENS.findall(cue.text) for cue in edit.cues]
    found = _same_words([token for cue in tokens for token in cue], [word for word, _, _ in known])
    begin = 0
    for cue, texts in zip(edit.cues, tokens, strict=True):
        times = [known[k][1:] if (k := found.get(begin + place)) is not None else None for place in range(len(texts))]
        begin += len(texts)
        timed = list(_spread(texts, times, edit.start_s + cue.start_s, edit.start_s + cue.end_s))
        word, from_s, to_s = timed[-1]
        end_s = edit.start_s + cue.end_s
        yield from timed[:-1]
        yield word, from_s, end_s if end_s > to_s + hold_s + 0.001 else to_s


def _same_words(tokens: Sequence[str], known: Sequence[str]) -> dict[int, int]:
    """Return which known word each token is, letters and digits alone counting, in order."""
    first, second = (["".join(filter(str.isalnum, w.casefold())) or w for w in texts] for texts in (tokens, known))
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    return {block.a + step: block.b + step for block in blocks for step in range(block.size)}


def _spread(
    texts: Sequence[str], times: Sequence[tuple[float, float] | None], start_s: float, end_s: float
) -> Iterator[_Word]:
    """Yield the words of a cue; those without a time share the hole they stand in by their length."""
    fixed = [time for time in times if time is not None]
    if any(not (start_s - _SAME_S <= from_s and to_s <= end_s + _SAME_S) for from_s, to_s in fixed):
        times = [None] * len(texts)
    place = 0
    now_s = start_s
    while place < len(texts):
        time = times[place]
        if time is not None:
            from_s, to_s = max(time[0], now_s), min(max(time[1], now_s), end_s)
            # The caption starts when its cue says so.
            yield texts[place], start_s if place == 0 and time[0] - start_s > 0.001 else from_s, to_s
            place, now_s = place + 1, to_s
            continue
        after = place + 1
        until_s = end_s
        while after < len(texts):
            following = times[after]
            if following is not None and following[0] - now_s >= _LEAST_WORD_S * (after - place):
                until_s = following[0]
                break
            after += 1  # a word between two that touch takes its time from the next ones
        lengths = [len(text) + 1 for text in texts[place:after]]
        edges = [now_s + (until_s - now_s) * sum(lengths[:k]) / sum(lengths) for k in range(len(lengths) + 1)]
        yield from zip(texts[place:after], edges, edges[1:], strict=False)
        place, now_s = after, until_s
