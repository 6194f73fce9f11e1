"""Captions: pages of a few words, as a sidecar and burned in with the spoken word in colour.

Conventions
-----------
Times of pages are seconds from the start of the clip.  Sizes are pixels of a frame whose short
side is 1080; libass scales them to the frame that is written.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from clipkit.files import write_text
from clipkit.output.faces import Face, choose_face, load_faces
from clipkit.output.platforms import Box
from clipkit.params import CaptionParams

PAGE_COLUMNS = ["page", "start_s", "end_s", "text", "words"]

_LINES = 2
_MIN_STEP_S = 0.02  # words given at one and the same time are shown one after the other
_MIN_GAP_S = 0.1  # pages nearer than this touch: a shorter hole flickers
_SHORT_PAGE_S = 0.4
_SMALLEST_SCALE = 0.6  # a longer word is broken over two lines rather than made smaller
_WORD_JOINER = "\u2060"
_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0002ffff]")
_SIDECAR = {"words_per_page": 24, "line_length": 42, "max_page_s": 7.0}


class PageWord(NamedTuple):
    """A word on a page, with its times and the line it stands on."""

    text: str
    start_s: float
    end_s: float
    line: int


def make_pages(
    words: pd.DataFrame,
    start_s: float,
    end_s: float,
    params: CaptionParams,
    *,
    line_width_px: float = math.inf,
) -> pd.DataFrame:
    """Group the words of a clip into pages.

    A page never crosses the end of a sentence or a pause longer than ``pause_s``; inside such a
    phrase the pages are as few and as even as the limits allow, and rather end at a comma than
    run over it.  A page stays until the next one when that comes within ``hold_s``.

    Parameters
    ----------
    words : DataFrame
        ``word, start_s, end_s, ends_sentence``, in order, seconds of the source.
    start_s, end_s : float
        The clip; words whose middle lies outside are left out.
    params : CaptionParams
    line_width_px : float, optional
        Widest line at the size of the params.

    Returns
    -------
    DataFrame
        ``page`` int64 from 1, ``start_s``, ``end_s``, ``text`` (lines joined by a line feed),
        ``words`` (tuple of PageWord).  Pages do not overlap.
    """
    spoken = _clip_words(words, start_s, end_s)
    measure = _line_measure(params)
    pages = [
        _Page(page_words, lines)
        for phrase in _phrases(spoken, params.pause_s)
        for page_words, lines in _best_pages(phrase, params, measure, line_width_px)
    ]
    rows = []
    for number, page in enumerate(pages):
        from_s, last_s = page.words[0].start_s, page.words[-1].end_s
        until_s = pages[number + 1].words[0].start_s if number + 1 < len(pages) else end_s - start_s
        stays_s = last_s + params.hold_s
        to_s = until_s if until_s < stays_s + _MIN_GAP_S else stays_s
        shown = tuple(PageWord(w.text, w.start_s, w.end_s, line) for line, part in enumerate(page.lines) for w in part)
        text = "\n".join(_join([w.text for w in part]) for part in page.lines)
        rows.append((number + 1, from_s, max(to_s, last_s), text, shown))
    table = pd.DataFrame(rows, columns=PAGE_COLUMNS)
    return table.astype({"page": "int64", "start_s": "float64", "end_s": "float64"})


def make_sidecar_pages(words: pd.DataFrame, start_s: float, end_s: float, params: CaptionParams) -> pd.DataFrame:
    """Return pages for a subtitle file: up to two lines of 42 characters, up to seven seconds."""
    return make_pages(words, start_s, end_s, params.model_copy(update=_SIDECAR))


def write_srt(pages: pd.DataFrame, path: Path) -> None:
    """Write pages as a SubRip file; no pages give an empty file, which is a valid one."""
    cues = []
    for page in pages.itertuples(index=False):
        times = f"{_srt_time(page.start_s)} --> {_srt_time(page.end_s)}"
        cues.append(f"{page.page}\n{times}\n{_srt_text(page.text)}\n")
    write_text(path, "\n".join(cues))


def write_ass(pages: pd.DataFrame, path: Path, params: CaptionParams, *, width: int, height: int, safe_box: Box) -> str:
    """Write pages as an ASS file for burning in, one event a word, that word in colour.

    Parameters
    ----------
    pages : DataFrame
        As from :func:`make_pages`.
    path : Path
    params : CaptionParams
    width, height : int
        Frame in pixels; its short side should be 1080, since the params count such pixels.
    safe_box : tuple of int
        Left, top, right, bottom of the part of that frame in which letters may stand.

    Returns
    -------
    str
        The characters, each once, that no face could draw and that were left out.
    """
    faces = load_faces(params.font)
    line_width_px = caption_width(safe_box, width, params)
    centre = width / 2 if safe_box[0] < width / 2 < safe_box[2] else (safe_box[0] + safe_box[2]) / 2
    left = centre - line_width_px / 2
    margins = (round(left), round(width - left - line_width_px), round(height - safe_box[3] + params.outline))
    missing: set[str] = set()
    events = []
    for page in pages.itertuples(index=False):
        drawn = []
        for word in page.words:
            text = unicodedata.normalize("NFC", _plain(word.text))
            face, lacking = choose_face(text, faces)
            missing |= set(lacking)
            drawn.append((word, "".join(c for c in text if c not in lacking), face))
        events += list(_events(page, drawn, params, line_width_px, faces[0]))
    write_text(path, _ass_head(params, faces[0], width, height, margins) + "".join(events))
    return "".join(sorted(missing))


def caption_width(safe_box: Box, width: int, params: CaptionParams) -> float:
    """Return the widest line that stands centred in the frame and inside the box, outline included.

    Examples
    --------
    >>> caption_width((108, 384, 918, 1248), 1080, CaptionParams())
    746.0
    """
    left, _, right, _ = safe_box
    middle = width / 2
    # A box that lies all to one side has its own middle.
    span = 2 * min(middle - left, right - middle) if left < middle < right else right - left
    return span - 2 * params.outline


class _Page(NamedTuple):
    words: Sequence[PageWord]
    lines: Sequence[Sequence[PageWord]]


class _Spoken(NamedTuple):
    word: PageWord
    ends_sentence: bool


def _clip_words(words: pd.DataFrame, start_s: float, end_s: float) -> list[_Spoken]:
    """Return the words heard in the clip, from its start, with starts that rise strictly."""
    middle = (words["start_s"] + words["end_s"]) / 2
    inside = words[(middle >= start_s) & (middle < end_s)]
    inside = inside[[bool(_plain(str(word)).strip()) for word in inside["word"]]]
    length_s = end_s - start_s
    steps = np.arange(len(inside)) * min(_MIN_STEP_S, length_s / (len(inside) + 1))
    starts = np.clip(inside["start_s"].to_numpy(dtype=np.float64) - start_s, 0.0, length_s - steps[-1:].sum())
    starts = np.maximum.accumulate(starts - steps) + steps
    limits = np.append(starts[1:], length_s)
    ends = np.clip(
        inside["end_s"].to_numpy(dtype=np.float64) - start_s, np.minimum(starts + _MIN_STEP_S, limits), limits
    )
    return [
        _Spoken(PageWord(" ".join(_plain(str(word)).split()), float(from_s), float(to_s), 0), bool(ends_sentence))
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


def _best_pages(
    phrase: list[PageWord], params: CaptionParams, measure: Callable[[str], float], line_width_px: float
) -> list[tuple[list[PageWord], list[list[PageWord]]]]:
    """Return the split of a phrase into pages of least cost, by dynamic programming."""
    room = _LINES * params.line_length
    best: list[tuple[float, int]] = [(0.0, 0)]
    lines_of: dict[tuple[int, int], list[list[PageWord]]] = {}
    for end in range(1, len(phrase) + 1):
        choices = []
        for begin in range(end - 1, -1, -1):
            page = phrase[begin:end]
            lines = _break_lines(page, params.line_length, line_width_px, measure)
            lasts_s = page[-1].end_s - page[0].start_s
            if begin < end - 1 and (
                lines is None or _n_words(page) > params.words_per_page or lasts_s > params.max_page_s
            ):
                break
            lines_of[begin, end] = lines or [page]
            cost = (
                1.0 + (len(_join([w.text for w in page])) / room) ** 2 + (_n_words(page) / params.words_per_page) ** 2
            )
            cost += 0.5 * sum(_pauses_after(w.text) for w in page[:-1])
            shown_s = (phrase[end].start_s if end < len(phrase) else page[-1].end_s) - page[0].start_s
            cost += 1.0 if shown_s < _SHORT_PAGE_S else 0.0
            choices.append((best[begin][0] + cost, begin))
        best.append(min(choices))
    pages = []
    end = len(phrase)
    while end:
        begin = best[end][1]
        pages.append((phrase[begin:end], lines_of[begin, end]))
        end = begin
    return pages[::-1]


def _break_lines(
    page: list[PageWord], line_length: int, line_width_px: float, measure: Callable[[str], float]
) -> list[list[PageWord]] | None:
    """Return the words on one line, else on the two most even lines that fit, else None."""

    def fits(part: list[PageWord]) -> bool:
        text = _join([w.text for w in part])
        return len(text) <= line_length and measure(text) <= line_width_px

    if fits(page):
        return [page]
    splits = [[page[:k], page[k:]] for k in range(1, len(page))]
    fitting = [split for split in splits if all(fits(part) for part in split)]
    return min(fitting, key=lambda s: max(measure(_join([w.text for w in part])) for part in s), default=None)


def _line_measure(params: CaptionParams) -> Callable[[str], float]:
    faces = load_faces(params.font)
    return lambda text: choose_face(text, faces)[0].width_em(text) * params.font_size


def _events(
    page: object, drawn: list[tuple[PageWord, str, Face]], params: CaptionParams, line_width_px: float, style: Face
) -> Iterator[str]:
    visible = [(word, text, face) for word, text, face in drawn if text.strip()]
    if not visible:
        return
    lines = [[item for item in visible if item[0].line == line] for line in range(_LINES)]
    widths = [params.font_size * sum(face.width_em(text + " ") for _, text, face in line) for line in lines if line]
    widest = max(widths)
    broken = len(visible) == 1 and line_width_px < _SMALLEST_SCALE * widest
    if broken:
        _, text, face = visible[0]
        widest = params.font_size * max(face.width_em(half) for half in _halves(text))
    scale = min(1.0, line_width_px / widest)
    shown = [item[0] for item in visible]
    for position, word in enumerate(shown):
        # The first word waits in colour from the start of its page, the last one to its end.
        from_s = page.start_s if position == 0 else word.start_s  # type: ignore[attr-defined]
        to_s = shown[position + 1].start_s if position + 1 < len(shown) else page.end_s  # type: ignore[attr-defined]
        if _centiseconds(to_s) <= _centiseconds(from_s):
            continue
        parts = []
        for line in lines:
            texts = []
            for item, text, face in line:
                letters = "\\N".join(map(_ass_text, _halves(text))) if broken else _ass_text(text)
                size = f"\\fn{face.name}\\fs{params.font_size * face.line_em * scale:.1f}"
                look = size if face is not style or scale < 1.0 else ""
                if item is word:
                    look += f"\\1c{_ass_colour(params.highlight)}"
                texts.append(f"{{{look}}}{letters}{{\\r}}" if look else letters)
            if texts:
                parts.append(_join(texts, [text for _, text, _ in line]))
        text = "\\N".join(parts)
        yield f"Dialogue: 0,{_ass_time(from_s)},{_ass_time(to_s)},Caption,,0,0,0,,{text}\n"


def _ass_head(params: CaptionParams, face: Face, width: int, height: int, margins: tuple[int, int, int]) -> str:
    size = params.font_size * face.line_em
    style = (
        f"Caption,{face.name},{size:.1f},{_ass_colour(params.colour)},{_ass_colour(params.highlight)},&H00101010,"
        f"&H00101010,0,0,0,0,100,100,0,0,1,{params.outline:g},0,2,{margins[0]},{margins[1]},{margins[2]},-1"
    )
    return (
        "[Script Info]\n"
        "ScriptType: v4.00+\n"
        f"PlayResX: {width}\n"
        f"PlayResY: {height}\n"
        "WrapStyle: 2\n"
        "ScaledBorderAndShadow: yes\n\n"
        "[V4+ Styles]\n"
        "Format: Name,Fontname,Fontsize,PrimaryColour,SecondaryColour,OutlineColour,BackColour,Bold,Italic,Underline,"
        "StrikeOut,ScaleX,ScaleY,Spacing,Angle,BorderStyle,Outline,Shadow,Alignment,MarginL,MarginR,MarginV,Encoding\n"
        f"Style: {style}\n\n"
        "[Events]\n"
        "Format: Layer,Start,End,Style,Name,MarginL,MarginR,MarginV,Effect,Text\n"
    )


def _plain(text: str) -> str:
    """Return text without control characters; breaks and tabs become spaces."""
    return "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c) != "Cc")


def _ass_text(text: str) -> str:
    # libass knows \{ and \}; a backslash is only literal when no letter of a code follows it.
    return text.replace("\\", "\\" + _WORD_JOINER).replace("{", "\\{").replace("}", "\\}")


def _halves(word: str) -> tuple[str, str]:
    middle = math.ceil(len(word) / 2)
    return word[:middle], word[middle:]


def _srt_text(text: str) -> str:
    # Players read <b> and {\an8} as codes; a joiner inside keeps them text.
    text = re.sub(r"<(?=[A-Za-z/])|\{(?=\\)", lambda match: match.group() + _WORD_JOINER, text)
    return text.replace("-->", f"--{_WORD_JOINER}>")


def _join(texts: Sequence[str], plain: Sequence[str] | None = None) -> str:
    """Return words as a line: with spaces, except between ideographs."""
    plain = texts if plain is None else plain
    line = texts[0] if texts else ""
    for before, after, text in zip(plain, plain[1:], texts[1:], strict=False):
        line += text if _IDEOGRAPH.match(after[:1]) and _IDEOGRAPH.match(before[:1]) else f" {text}"
    return line


def _n_words(page: Sequence[PageWord]) -> float:
    """Return how many words a page has; ideographs count half."""
    return sum(0.5 if _IDEOGRAPH.match(w.text) else 1.0 for w in page)


def _pauses_after(word: str) -> bool:
    return word.rstrip("\"'”’»)]")[-1:] in ",;:–—、，；：" and bool(word)


def _ass_colour(colour: str) -> str:
    return f"&H00{colour[5:7]}{colour[3:5]}{colour[1:3]}".upper()


def _centiseconds(time_s: float) -> int:
    return round(time_s * 100)


def _ass_time(time_s: float) -> str:
    minutes, ticks = divmod(_centiseconds(time_s), 6000)
    return f"{minutes // 60}:{minutes % 60:02d}:{ticks // 100:02d}.{ticks % 100:02d}"


def _srt_time(time_s: float) -> str:
    minutes, ticks = divmod(round(time_s * 1000), 60000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{ticks // 1000:02d},{ticks % 1000:03d}"
