"""Caption faces: which characters a font file can draw, and how wide they are."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError

from clipkit.errors import ParamsError

FONTS_DIR = Path(__file__).resolve().parent / "fonts"
_SHIPPED = ("InterDisplay-ExtraBold.otf", "DejaVuSans-Bold.ttf")


@dataclass(frozen=True)
class Face:
    """One font file as the caption renderer sees it.

    Attributes
    ----------
    name : str
        Full name, by which libass finds it in the fonts folder.
    path : Path
    advances : dict of int to float
        Width of each character that the face can draw, in em.
    line_em : float
        Ascent plus descent in em; libass takes this for the size of a font.
    """

    name: str
    path: Path
    advances: dict[int, float]
    line_em: float

    def missing(self, text: str) -> str:
        """Return the characters of `text` that the face cannot draw."""
        return "".join(c for c in text if ord(c) not in self.advances and not is_invisible(c))

    def width_em(self, text: str) -> float:
        """Return the width of a line in em, without kerning; an unknown character counts one em."""
        return sum(0.0 if is_invisible(c) else self.advances.get(ord(c), 1.0) for c in text)


def load_faces(font: str | None = None) -> tuple[Face, ...]:
    """Return the faces in the order in which they are tried.

    Parameters
    ----------
    font : str, optional
        A font file of the user's, tried before the two that come with clipkit.

    Raises
    ------
    ParamsError
        If that file is missing or no font.

    Examples
    --------
    >>> [face.name for face in load_faces()]
    ['Inter Display Extra Bold', 'DejaVu Sans Bold']
    """
    own = () if font is None else (_read_face(Path(font).expanduser()),)
    return own + tuple(_read_face(FONTS_DIR / name) for name in _SHIPPED)


def choose_face(text: str, faces: Sequence[Face]) -> tuple[Face, str]:
    """Return the first face that can draw all of `text`, and what of it even the best one cannot.

    Examples
    --------
    >>> choose_face("Привет", load_faces())[0].name, choose_face("♪ 你", load_faces())[1]
    ('Inter Display Extra Bold', '你')
    """
    return min(((face, face.missing(text)) for face in faces), key=lambda pair: len(pair[1]))


@lru_cache(maxsize=8)
def _read_face(path: Path) -> Face:
    try:
        with path.open("rb") as stream, TTFont(stream, lazy=True, fontNumber=0) as font:
            em = font["head"].unitsPerEm
            widths = font["hmtx"].metrics
            advances = {code: widths[glyph][0] / em for code, glyph in font.getBestCmap().items()}
            os2 = font["OS/2"]
            name = font["name"].getDebugName(4) or path.stem
            line = os2.usWinAscent + os2.usWinDescent or font["hhea"].ascent - font["hhea"].descent
    except OSError as error:
        message = f"captions.font must name a font file, but {path} cannot be read ({error.strerror or error})."
        raise ParamsError(message, code="params.font") from error
    except (TTLibError, KeyError, AttributeError, ValueError) as error:
        message = f"captions.font must name a .ttf or .otf file, but {path} is none."
        raise ParamsError(message, code="params.font") from error
    if set(name) & set(",{}\\"):
        message = f"captions.font must name a font without comma, brace or backslash in its name, got {name!r}."
        raise ParamsError(message, code="params.font")
    return Face(name=name, path=path, advances=advances, line_em=line / em)


def is_invisible(character: str) -> bool:
    """Tell whether a character only steers how others are drawn, such as a joiner."""
    return (unicodedata.category(character) in ("Cf", "Mn", "Me") and not character.isprintable()) or (
        0xFE00 <= ord(character) <= 0xFE0F
    )
