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
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from clipkit.files import write_text
from clipkit.output.faces import Face, choose_face, load_faces
from clipkit.output.pages import (
    LINES,
    WORD_JOINER,
    Page,
    PageWord,
    join_words,
    make_pages,
    make_sidecar_pages,
    page_rows,
    plain_text,
)
from clipkit.output.platforms import Box
from clipkit.params import CaptionParams

__all__ = ["caption_height", "caption_width", "make_pages", "make_sidecar_pages", "write_ass", "write_srt"]

_SMALLEST_SCALE = 0.6  # a longer word is broken over two lines rather than made smaller


def write_srt(pages: pd.DataFrame, path: Path) -> None:
    """Write pages as a SubRip file; no pages give an empty file, which is a valid one."""
    cues = [
        f"{page.page}\n{_srt_time(page.start_s)} --> {_srt_time(page.end_s)}\n{_srt_text(page.text)}\n"
        for page in page_rows(pages)
    ]
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
    events: list[str] = []
    for page in page_rows(pages):
        letters = []
        for word in page.words:
            text = unicodedata.normalize("NFC", plain_text(word.text))
            face, lacking = choose_face(text, faces)
            missing |= set(lacking)
            letters.append(_Drawn(word, "".join(c for c in text if c not in lacking), face))
        events += _events(page, letters, params, line_width_px, faces[0])
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


def caption_height(params: CaptionParams) -> float:
    """Return the height of a full page, outline included."""
    return LINES * params.font_size * load_faces(params.font)[0].line_em + 2 * params.outline


class _Drawn(NamedTuple):
    """A word with the letters that can be drawn and the face that draws them."""

    word: PageWord
    text: str
    face: Face


def _events(
    page: Page, letters: list[_Drawn], params: CaptionParams, line_width_px: float, usual: Face
) -> Iterator[str]:
    """Yield one event for each word of a page, the whole page in each."""
    drawn = [item for item in letters if item.text.strip()]
    if not drawn:
        return
    lines = [[item for item in drawn if item.word.line == line] for line in sorted({item.word.line for item in drawn})]
    widest = params.font_size * max(sum(item.face.width_em(f"{item.text} ") for item in line) for line in lines)
    is_broken = len(drawn) == 1 and line_width_px < _SMALLEST_SCALE * widest
    if is_broken:
        widest = params.font_size * max(drawn[0].face.width_em(half) for half in _halves(drawn[0].text))
    scale = min(1.0, line_width_px / widest)
    # The first word waits in colour from the start of its page, the last one to its end.
    edges = [page.start_s, *(item.word.start_s for item in drawn[1:]), page.end_s]
    for spoken, from_s, to_s in zip(drawn, edges, edges[1:], strict=False):
        if _centiseconds(to_s) <= _centiseconds(from_s):
            continue
        shown = []
        for line in lines:
            texts = []
            for item in line:
                look = ""
                if item.face is not usual or scale < 1.0:
                    look += f"\\fn{item.face.name}\\fs{params.font_size * item.face.line_em * scale:.1f}"
                if item is spoken:
                    look += f"\\1c{_ass_colour(params.highlight)}"
                halves = _halves(item.text) if is_broken else (item.text,)
                text = "\\N".join(map(_ass_text, halves))
                texts.append(f"{{{look}}}{text}{{\\r}}" if look else text)
            shown.append(join_words(texts, [item.text for item in line]))
        text = "\\N".join(shown)
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
        "YCbCr Matrix: TV.709\n"  # without it colours are those of BT.601
        "ScaledBorderAndShadow: yes\n\n"
        "[V4+ Styles]\n"
        "Format: Name,Fontname,Fontsize,PrimaryColour,SecondaryColour,OutlineColour,BackColour,Bold,Italic,Underline,"
        "StrikeOut,ScaleX,ScaleY,Spacing,Angle,BorderStyle,Outline,Shadow,Alignment,MarginL,MarginR,MarginV,Encoding\n"
        f"Style: {style}\n\n"
        "[Events]\n"
        "Format: Layer,Start,End,Style,Name,MarginL,MarginR,MarginV,Effect,Text\n"
    )


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


def _srt_time(time_s: float) -> str:
    minutes, ticks = divmod(round(time_s * 1000), 60000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{ticks // 1000:02d},{ticks % 1000:03d}"
