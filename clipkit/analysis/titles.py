"""Titles: what a clip says, in a few of its own words."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from clipkit.analysis.gaps import JOINING, LEANING
from clipkit.analysis.telling import bare_word, sentence_promises
from clipkit.timeline import format_timecode

TITLE_LENGTH = 60

_FEWEST_WORDS = 3


def make_title(
    start_s: float, end_s: float, words: pd.DataFrame | None, *, taken: Collection[str] = frozenset()
) -> str:
    """Return a title of at most `TITLE_LENGTH` characters from the words of a clip.

    The first whole sentence, unless it is weak: it leans on what was said before, has hardly any
    words, or promises nothing where another one does.  Then the most promising one.  A word that
    joins it to the sentence before is left out.  A clip without words is called by its times.

    Parameters
    ----------
    start_s, end_s : float
        The clip.
    words : DataFrame or None
        Words table.
    taken : collection of str, optional
        Titles of other clips; the next best sentence then, if there is one.

    Examples
    --------
    >>> said = "And so we left. Why did nobody stay there?".split()
    >>> words = pd.DataFrame({"word": said, "sentence": [0] * 4 + [1] * 5})
    >>> words["start_s"] = np.arange(9.0)
    >>> words["end_s"] = words["start_s"] + 1.0
    >>> make_title(0.0, 9.0, words)
    'Why did nobody stay there?'
    """
    if words is not None and len(words):
        middle_s = ((words["start_s"] + words["end_s"]) / 2.0).to_numpy()
        first, last = np.searchsorted(middle_s, [start_s, end_s])
        if first < last:
            titles = [_shortened(_without_joints(text)) for text in _sentences(words, int(first), int(last))]
            for title in [title for title in titles if title not in taken] or titles[:1]:
                if title:
                    return title
    return f"{format_timecode(start_s, decimals=0)} to {format_timecode(end_s, decimals=0)}"


def _sentences(words: pd.DataFrame, first: int, last: int) -> list[list[str]]:
    """Return the words of each sentence that a clip may be known by, the best one first."""
    number = words["sentence"].to_numpy()
    inside = words.iloc[first:last]
    opens = np.flatnonzero(np.diff(number[first:last], prepend=number[first - 1] if first else -1)) + first
    said = [(begin, int(np.searchsorted(number, number[begin], side="right"))) for begin in opens.tolist()]
    whole = [span for span in said if span[1] <= last] or [(begin, min(end, last)) for begin, end in said]
    if not whole:
        return [inside["word"].astype(str).tolist()]
    promises = sentence_promises(inside.assign(sentence=inside["sentence"] - number[first]))
    strength = [float(promises[number[begin] - number[first]]) for begin, _ in whole]
    spoken = words["word"].iloc[first : whole[-1][1]].astype(str).tolist()
    texts = [spoken[begin - first : end - first] for begin, end in whole]

    def rank(place: int) -> tuple[bool, bool, float, int]:
        is_first_choice = place == 0 and strength[0] > 0.0
        return _is_weak(texts[place]), not is_first_choice, -strength[place], place

    return [texts[place] for place in sorted(range(len(texts)), key=rank)]


def _is_weak(text: list[str]) -> bool:
    return len(text) < _FEWEST_WORDS or bare_word(text[0]) in LEANING


def _without_joints(text: list[str]) -> list[str]:
    """Return a sentence without the words that join it to the one before."""
    begin = 0
    while begin < len(text) - 1 and bare_word(text[begin]) in JOINING:
        begin += 1
    if begin == 0:
        return text
    return [text[begin][:1].upper() + text[begin][1:], *text[begin + 1 :]]


def _shortened(words: list[str]) -> str:
    title = ""
    for word in words:
        # Words of one ideograph are written without spaces.
        space = "" if not title or (len(word.strip("，。、？！")) == 1 and ord(word[0]) > 0x2E7F) else " "
        if len(title) + len(space) + len(word) > TITLE_LENGTH - 1:
            return f"{title.rstrip(',;:–—- ')}…" if title else word[: TITLE_LENGTH - 1] + "…"
        title += space + word
    return "".join(c for c in title if c.isprintable()).rstrip(",;:–—- ")
