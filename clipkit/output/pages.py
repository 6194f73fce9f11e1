"""Words of a clip grouped into caption pages.

Conventions
-----------
Times of pages are seconds from the start of the clip.  Widths are pixels of a frame whose short
side is 1080.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from clipkit.output.faces import choose_face, load_faces
from clipkit.output.page import PAGE_COLUMNS, Page, PageWord
from clipkit.output.page_cuts import LATE_S, MIN_GAP_S, change_on_cuts
from clipkit.params import CaptionParams

_MIN_STEP_S = 0.02  # words given at one and the same time are shown one after the other
_SHORT_PAGE_S = 0.4
READING_CPS = 20.0  # what an adult reads without haste, characters a second
_CUT_COST = 0.7  # of a page that a cut runs through
_JOINED_WORDS = 2  # so many more words than others a page may have that was joined
_SAME_S = 0.002
LINES = 2
_WIDEST_PX = 1e9
IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0002ffff"
_IDEOGRAPH = re.compile(f"[{IDEOGRAPHS}]")
WORD_JOINER = "\u2060"
_SIDECAR = {"words_per_page": 24, "line_length": 42, "max_page_s": 7.0}


Lines = list[list[PageWord]]


def make_pages(
    words: pd.DataFrame,
    start_s: float,
    end_s: float,
    params: CaptionParams,
    *,
    line_width_px: float = math.inf,
    stops_s: Sequence[float] = (),
    cuts_s: Sequence[float] = (),
) -> pd.DataFrame:
    """Group the words of a clip into pages.

    A page never crosses the end of a sentence or a pause longer than ``pause_s``; inside such a
    phrase the pages are as few and as even as the limits allow, and rather end at a comma than
    run over it.  A page that would be read faster than `READING_CPS` is joined with the slower of its
    neighbours, as far as two lines hold both and it gets no more than two words over ``words_per_page``.
    A page stays until the next one when that comes within ``hold_s``; pages that change close to a cut
    change on it.

    Parameters
    ----------
    words : DataFrame
        ``word, start_s, end_s, ends_sentence``, in order, seconds of the source.
    start_s, end_s : float
        The clip; words whose middle lies outside are left out.
    params : CaptionParams
    line_width_px : float, optional
        Widest line at the size of the params.
    stops_s : sequence of float, optional
        When captions end that a person timed, seconds of the source; no page is held over these.
    cuts_s : sequence of float, optional
        Cuts of the picture, seconds of the source.

    Returns
    -------
    DataFrame
        ``page`` int64 from 1, ``start_s``, ``end_s``, ``text`` (lines joined by a line feed),
        ``words`` (tuple of PageWord).  Pages do not overlap.
    """
    spoken = _clip_words(words, start_s, end_s)
    measure = _line_measure(params)
    cuts_s = [cut_s - start_s for cut_s in cuts_s if start_s < cut_s < end_s]
    phrases = list(_phrases(spoken, params.pause_s))
    grouped: list[Lines] = []
    for phrase, following in zip(phrases, [*phrases[1:], []], strict=False):
        until_s = following[0].start_s if following else end_s - start_s
        pages = _best_pages(phrase, params, measure, line_width_px, cuts_s)
        grouped += _joined(pages, min(until_s, phrase[-1].end_s + params.hold_s), params, measure, line_width_px)
    rows = []
    for number, lines in enumerate(grouped):
        first, last = lines[0][0], lines[-1][-1]
        until_s = grouped[number + 1][0][0].start_s if number + 1 < len(grouped) else end_s - start_s
        stays_s = last.end_s + params.hold_s
        to_s = until_s if until_s < stays_s + MIN_GAP_S else stays_s
        to_s = min([to_s, *(stop_s - start_s for stop_s in stops_s if stop_s - start_s > last.end_s - _SAME_S)])
        text = "\n".join(join_words([word.text for word in line]) for line in lines)
        shown = tuple(word._replace(line=number) for number, line in enumerate(lines) for word in line)
        rows.append(Page(number + 1, first.start_s, max(to_s, last.end_s), text, shown))
    if not stops_s:
        rows = change_on_cuts(rows, cuts_s)
    table = pd.DataFrame(rows, columns=PAGE_COLUMNS)
    return table.astype({"page": "int64", "start_s": "float64", "end_s": "float64"})


def make_sidecar_pages(
    words: pd.DataFrame, start_s: float, end_s: float, params: CaptionParams, *, stops_s: Sequence[float] = ()
) -> pd.DataFrame:
    """Return pages for a subtitle file: up to two lines of 42 characters, up to seven seconds."""
    return make_pages(words, start_s, end_s, params.model_copy(update=_SIDECAR), stops_s=stops_s)


def join_words(texts: Sequence[str], plain: Sequence[str] | None = None) -> str:
    """Return words as a line: with spaces, except between ideographs."""
    plain = texts if plain is None else plain
    line = texts[0] if texts else ""
    for before, after, text in zip(plain, plain[1:], texts[1:], strict=False):
        line += text if _IDEOGRAPH.match(after[:1]) and _IDEOGRAPH.match(before[:1]) else f" {text}"
    return line


def plain_text(text: str) -> str:
    """Return text without control characters; breaks and tabs become spaces."""
    return "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c) != "Cc")


def reading_rate(text: str, shown_s: float) -> float:
    """Return the characters a second at which a page is read; line feeds are none.

    Examples
    --------
    >>> reading_rate("ten of ten", 0.5)
    20.0
    """
    return len(text.replace("\n", "")) / max(shown_s, 1e-3)


class _Spoken(NamedTuple):
    word: PageWord
    ends_sentence: bool


def _clip_words(words: pd.DataFrame, start_s: float, end_s: float) -> list[_Spoken]:
    """Return the words heard in the clip, from its start, with starts that rise strictly."""
    middle = (words["start_s"] + words["end_s"]) / 2
    is_word = np.array([bool(plain_text(str(word)).strip()) for word in words["word"]], dtype=bool)
    inside = words[((middle >= start_s) & (middle < end_s)).to_numpy(dtype=bool) & is_word]
    length_s = end_s - start_s
    steps = np.arange(len(inside)) * min(_MIN_STEP_S, length_s / (len(inside) + 1))
    starts = np.clip(inside["start_s"].to_numpy(dtype=np.float64) - start_s, 0.0, length_s - steps[-1:].sum())
    starts = np.maximum.accumulate(starts - steps) + steps
    limits = np.append(starts[1:], length_s)
    ends = np.clip(
        inside["end_s"].to_numpy(dtype=np.float64) - start_s, np.minimum(starts + _MIN_STEP_S, limits), limits
    )
    return [
        _Spoken(PageWord(" ".join(plain_text(str(word)).split()), float(from_s), float(to_s), 0), bool(ends_sentence))
        for word, from_s, to_s, ends_sentence in zip(inside["word"], starts, ends, inside["ends_sentence"], strict=True)
    ]


def _phrases(spoken: Sequence[_Spoken], pause_s: float) -> Iterator[list[PageWord]]:
    phrase: list[PageWord] = []
    for item in spoken:
        if phrase and item.word.start_s - phrase[-1].end_s > pause_s:
            yield phrase
            phrase = []
        phrase.append(item.word)
        if item.ends_sentence:
            yield phrase
            phrase = []
    if phrase:
        yield phrase


def _joined(
    pages: list[Lines], until_s: float, params: CaptionParams, measure: Callable[[str], float], line_width_px: float
) -> list[Lines]:
    """Return the pages of a phrase, those that are read too fast joined with a slower neighbour."""

    def rate(one: Lines, ends_s: float) -> float:
        text = "".join(join_words([word.text for word in line]) for line in one)
        return reading_rate(text, ends_s - one[0][0].start_s)

    pages = list(pages)
    while len(pages) > 1:
        ends_s = [*(page[0][0].start_s for page in pages[1:]), until_s]
        rates = [rate(page, page_end_s) for page, page_end_s in zip(pages, ends_s, strict=True)]
        choices = []
        for left in range(len(pages) - 1):
            fastest = max(rates[left : left + 2])
            if fastest <= READING_CPS:
                continue
            words = [word for line in (*pages[left], *pages[left + 1]) for word in line]
            is_full = words[-1].end_s - words[0].start_s > params.max_page_s
            if is_full or _n_words(words) > params.words_per_page + _JOINED_WORDS:
                continue
            lines = _break_lines(words, params.line_length, line_width_px, measure)
            if lines is not None and (now := rate(lines, ends_s[left + 1])) < 0.95 * fastest:
                choices.append((now, left, lines))
        if not choices:
            break
        _, left, lines = min(choices, key=lambda choice: choice[:2])
        pages[left : left + 2] = [lines]
    return pages


def _best_pages(
    phrase: list[PageWord],
    params: CaptionParams,
    measure: Callable[[str], float],
    line_width_px: float,
    cuts_s: Sequence[float],
) -> list[Lines]:
    """Return the split of a phrase into pages of least cost, by dynamic programming."""
    best: list[tuple[float, int]] = [(0.0, 0)]
    lines_of: dict[tuple[int, int], Lines] = {}
    for end in range(1, len(phrase) + 1):
        choices = []
        following = phrase[end] if end < len(phrase) else None
        for begin in range(end - 1, -1, -1):
            page = phrase[begin:end]
            lines = _break_lines(page, params.line_length, line_width_px, measure)
            is_full = _n_words(page) > params.words_per_page or page[-1].end_s - page[0].start_s > params.max_page_s
            if len(page) > 1 and (lines is None or is_full):
                break
            lines_of[begin, end] = lines or [page]
            choices.append((best[begin][0] + _cost(page, following, params, cuts_s), begin))
        best.append(min(choices))
    pages = []
    end = len(phrase)
    while end:
        begin = best[end][1]
        pages.append(lines_of[begin, end])
        end = begin
    return pages[::-1]


def _cost(page: list[PageWord], following: PageWord | None, params: CaptionParams, cuts_s: Sequence[float]) -> float:
    """Return what a page costs: one, more the fuller it is, and more for running over commas or cuts or being short.

    Squares make two half full pages cheaper than a full one and an orphan.
    """
    letters = len(join_words([word.text for word in page])) / (LINES * params.line_length)
    cost = 1.0 + letters**2 + (_n_words(page) / params.words_per_page) ** 2
    cost += 0.5 * sum(_pauses_after(word.text) for word in page[:-1])
    cost += _CUT_COST * sum(
        a.start_s + LATE_S < cut_s < b.start_s + LATE_S for a, b in pairwise(page) for cut_s in cuts_s
    )
    shown_s = (following.start_s if following else page[-1].end_s) - page[0].start_s
    return cost + (1.0 if shown_s < _SHORT_PAGE_S else 0.0)


def _break_lines(
    page: list[PageWord], line_length: int, line_width_px: float, measure: Callable[[str], float]
) -> Lines | None:
    """Return the words on one line, else on the two most even lines that fit, else None."""

    def width_px(part: list[PageWord]) -> float:
        text = join_words([word.text for word in part])
        return measure(text) if len(text) <= line_length else math.inf

    def fits(lines: Lines) -> bool:
        return max(map(width_px, lines)) <= min(line_width_px, _WIDEST_PX)

    choices = [[page], *([page[:k], page[k:]] for k in range(1, len(page)))]
    return next(filter(fits, [choices[0], *sorted(choices[1:], key=lambda lines: max(map(width_px, lines)))]), None)


def _line_measure(params: CaptionParams) -> Callable[[str], float]:
    faces = load_faces(params.font)
    # Words are tried in many lines, and most lines more than once.
    return cache(lambda text: choose_face(text, faces)[0].width_em(text) * params.font_size)


def _n_words(page: Sequence[PageWord]) -> float:
    """Return how many words a page has; ideographs count half."""
    return sum(0.5 if _IDEOGRAPH.match(w.text) else 1.0 for w in page)


def _pauses_after(word: str) -> bool:
    return word.rstrip("\"'”’»)]")[-1:] in ",;:–—、，；：" and bool(word)
