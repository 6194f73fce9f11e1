"""Captions as files: a subtitle sidecar, and pages to burn in with the spoken word in colour.

Conventions
-----------
Times of pages are seconds from the start of the clip.  Sizes are pixels of a frame whose short
side is 1080; libass scales them to the frame that is written.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from clipkit.files import write_text
from clipkit.output.contrast import BOX_SHARE, EDGE_COLOUR, box_colour, may_get_box
from clipkit.output.faces import Face, choose_face, is_invisible, load_faces
from clipkit.output.page import Page, PageWord, page_rows
from clipkit.output.pages import (
    LINES,
    WORD_JOINER,
    join_words,
    make_pages,
    make_sidecar_pages,
    plain_text,
)
from clipkit.output.platforms import Box
from clipkit.params import CaptionParams
from clipkit.timeline import format_srt_time

__all__ = ["caption_height", "caption_width", "make_pages", "make_sidecar_pages", "page_box", "write_ass", "write_srt"]

_BOX_MARGIN_PX = 12  # of a box around its letters
# They ask for an emoji in colour, or for a key around a digit, which no face at hand has.
_EMOJI_MARKS = dict.fromkeys(map(ord, "\ufe0e\ufe0f\u20e3"))
_SMALLEST_SCALE = 0.6  # a longer word is broken over two lines rather than made smaller


def write_srt(pages: pd.DataFrame, path: Path) -> None:
    """Write pages as a SubRip file; no pages give an empty file, which is a valid one."""
    cues = [
        f"{page.page}\n{format_srt_time(page.start_s)} --> {format_srt_time(page.end_s)}\n{_srt_text(page.text)}\n"
        for page in page_rows(pages)
    ]
    write_text(path, "\n".join(cues))


def write_ass(
    pages: pd.DataFrame,
    path: Path,
    params: CaptionParams,
    *,
    width: int,
    height: int,
    safe_box: Box,
    floors: Sequence[int] = (),
    has_box: bool = False,
) -> str:
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
    floors : sequence of int, optional
        The line that each page stands on, pixels from the top; by default the bottom of the safe box.
    has_box : bool, optional
        Whether a box lies behind the letters.

    Returns
    -------
    str
        The characters, each once, that no face could draw and that were left out.
    """
    faces = load_faces(params.font)
    line_width_px = caption_width(safe_box, width, params)
    left = _centre(safe_box, width) - line_width_px / 2
    sides = (round(left), round(width - left - line_width_px))
    missing: set[str] = set()
    events: list[str] = []
    all_text = "".join(pages["text"])
    for page, floor in zip(page_rows(pages), floors or repeat(safe_box[3]), strict=bool(floors)):
        setting, lacking = _set(page, faces, params, line_width_px)
        missing |= set(lacking)
        below = round(height - floor + _padding(params))
        events += _events(page, setting, params, faces[0], _direction_mark(page.text, all_text), below)
    write_text(path, _ass_head(params, faces[0], width, height, sides, has_box=has_box) + "".join(events))
    return "".join(sorted(missing))


def page_box(
    page: Page, params: CaptionParams, *, width: int, height: int, safe_box: Box
) -> tuple[float, float, float, float] | None:
    """Return where a page of :func:`write_ass` stands, outline and box included; None if nothing of it can be drawn.

    Returns
    -------
    tuple of float
        Left, top, right, bottom in pixels of the frame.
    """
    faces = load_faces(params.font)
    setting, _ = _set(page, faces, params, caption_width(safe_box, width, params))
    if not setting.lines:
        return None
    n_lines = LINES if setting.is_broken else len(setting.lines)
    tall = n_lines * setting.scale * params.font_size * faces[0].line_em + 2 * _padding(params)
    wide = setting.width_px + 2 * _padding(params)
    centre = _centre(safe_box, width)
    return centre - wide / 2, safe_box[3] - tall, centre + wide / 2, float(safe_box[3])


def _centre(safe_box: Box, width: int) -> float:
    left, _, right, _ = safe_box
    return width / 2 if left < width / 2 < right else (left + right) / 2


def caption_width(safe_box: Box, width: int, params: CaptionParams) -> float:
    """Return the widest line that stands centred in the frame and inside the safe box, outline and box included.

    Examples
    --------
    >>> caption_width((108, 384, 918, 1248), 1080, CaptionParams())
    746.0
    """
    left, _, right, _ = safe_box
    middle = width / 2
    # A box that lies all to one side has its own middle.
    span = 2 * min(middle - left, right - middle) if left < middle < right else right - left
    return span - 2 * _padding(params)


def caption_height(params: CaptionParams) -> float:
    """Return the height of a full page, outline and box included."""
    return LINES * params.font_size * load_faces(params.font)[0].line_em + 2 * _padding(params)


def _padding(params: CaptionParams) -> float:
    """Return what is kept free around letters for their outline and a box."""
    return params.outline + (_BOX_MARGIN_PX if may_get_box(params) else 0.0)


class _Drawn(NamedTuple):
    """A word with the letters that can be drawn and the face that draws them."""

    word: PageWord
    text: str
    face: Face


class _Setting(NamedTuple):
    """How a page is set: its lines, the share of the size of the params, and the width of the widest line."""

    lines: list[list[_Drawn]]
    scale: float
    width_px: float
    is_broken: bool  # a single word over two lines


def _set(page: Page, faces: tuple[Face, ...], params: CaptionParams, line_width_px: float) -> tuple[_Setting, str]:
    """Return how a page is set, and the characters that no face can draw."""
    drawn, missing = [], ""
    for word in page.words:
        text = unicodedata.normalize("NFC", plain_text(word.text)).translate(_EMOJI_MARKS)
        face, lacking = choose_face(text, faces)
        missing += lacking
        item = _Drawn(word, "".join(c for c in text if c not in lacking), face)
        if any(not is_invisible(c) for c in item.text.strip()):
            drawn.append(item)
    numbers = sorted({item.word.line for item in drawn})
    lines = [[item for item in drawn if item.word.line == number] for number in numbers]
    if not lines:
        return _Setting([], 1.0, 0.0, False), missing
    widest = params.font_size * max(sum(item.face.width_em(f"{item.text} ") for item in line) for line in lines)
    is_broken = len(drawn) == 1 and line_width_px < _SMALLEST_SCALE * widest
    if is_broken:
        widest = params.font_size * max(drawn[0].face.width_em(half) for half in _halves(drawn[0].text))
    scale = min(1.0, line_width_px / widest)
    return _Setting(lines, scale, scale * widest, is_broken), missing


def _events(
    page: Page, setting: _Setting, params: CaptionParams, usual: Face, mark: str, below_px: int
) -> Iterator[str]:
    """Yield one event for each word of a page, the whole page in each."""
    drawn = [item for line in setting.lines for item in line]
    # The first word waits in colour from the start of its page, the last one to its end.
    edges = [page.start_s, *(item.word.start_s for item in drawn[1:]), page.end_s]
    for spoken, from_s, to_s in zip(drawn, edges, edges[1:], strict=False):
        if _centiseconds(to_s) <= _centiseconds(from_s):
            continue
        shown = []
        for line in setting.lines:
            texts = []
            for item in line:
                look = ""
                if item.face is not usual or setting.scale < 1.0:
                    size = params.font_size * item.face.line_em * setting.scale
                    look += f"\\fn{item.face.name}\\fs{size:.1f}"
                if item is spoken:
                    look += f"\\1c{_ass_colour(params.highlight)}"
                halves = _halves(item.text) if setting.is_broken else (item.text,)
                text = "\\N".join(map(_ass_text, halves))
                texts.append(f"{{{look}}}{text}{{\\r}}" if look else text)
            shown.append(join_words(texts, [item.text for item in line]))
        text = "\\N".join(f"{mark}{line}" for line in shown)
        yield f"Dialogue: 0,{_ass_time(from_s)},{_ass_time(to_s)},Caption,,0,0,{below_px},,{text}\n"


def _ass_head(
    params: CaptionParams, face: Face, width: int, height: int, sides: tuple[int, int], *, has_box: bool
) -> str:
    size = params.font_size * face.line_em
    box = f"&H{round(255 * (1 - BOX_SHARE)):02X}{_ass_colour(box_colour(params.colour))[4:]}"
    edge = _ass_colour(EDGE_COLOUR)
    border, shadow = (4, _BOX_MARGIN_PX) if has_box else (1, 0)
    style = (
        f"Caption,{face.name},{size:.1f},{_ass_colour(params.colour)},{_ass_colour(params.highlight)},{edge},"
        f"{box if has_box else edge},0,0,0,0,100,100,0,0,{border},{params.outline:g},{shadow},2,"
        f"{sides[0]},{sides[1]},0,-1"
    )
    return (
        "[Script Info]\n"
        "ScriptType: v4.00+\n"
        f"PlayResX: {width}\n"
        f"PlayResY: {height}\n"
        "WrapStyle: 2\n"
        "YCbCr Matrix: TV.709\n"  # without it colours are those of BT.601
        "ScaledBorderAndShadow: yes\n\n"
        "[V4+ Styles]\n"
        "Format: Name,Fontname,Fontsize,PrimaryColour,SecondaryColour,OutlineColour,BackColour,Bold,Italic,Underline,"
        "StrikeOut,ScaleX,ScaleY,Spacing,Angle,BorderStyle,Outline,Shadow,Alignment,MarginL,MarginR,MarginV,Encoding\n"
        f"Style: {style}\n\n"
        "[Events]\n"
        "Format: Layer,Start,End,Style,Name,MarginL,MarginR,MarginV,Effect,Text\n"
    )


def _direction_mark(text: str, all_text: str) -> str:
    """Return what makes each line of a page run as most of all text does; nothing where the page runs to the right.

    libass takes the direction of a line from its first letter, and a line may begin with a name in another script.
    """
    if not _n_letters(text, ("R", "AL")):
        return ""
    return "\u200f" if _n_letters(all_text, ("R", "AL")) >= _n_letters(all_text, ("L",)) else "\u200e"


def _n_letters(text: str, directions: tuple[str, ...]) -> int:
    return sum(unicodedata.bidirectional(c) in directions for c in text)


def _ass_text(text: str) -> str:
    # libass knows \{ and \}; a backslash is only literal when no letter of a code follows it.
    return text.replace("\\", "\\" + WORD_JOINER).replace("{", "\\{").replace("}", "\\}")


def _halves(word: str) -> tuple[str, str]:
    middle = math.ceil(len(word) / 2)
    return word[:middle], word[middle:]


def _srt_text(text: str) -> str:
    # Players read <b> and {\an8} as codes; a joiner inside keeps them text.
    text = re.sub(r"<(?=[A-Za-z/])|\{(?=\\)", lambda match: match.group() + WORD_JOINER, text)
    return text.replace("-->", f"--{WORD_JOINER}>")


def _ass_colour(colour: str) -> str:
    return f"&H00{colour[5:7]}{colour[3:5]}{colour[1:3]}".upper()


def _centiseconds(time_s: float) -> int:
    return round(time_s * 100)


def _ass_time(time_s: float) -> str:
    minutes, ticks = divmod(_centiseconds(time_s), 6000)
    return f"{minutes // 60}:{minutes % 60:02d}:{ticks // 100:02d}.{ticks % 100:02d}"
