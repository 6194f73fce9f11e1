"""Whether captions can be told from the picture behind them.

Conventions
-----------
Contrast is that of WCAG 2.2: 1 for equal colours, 21 for black on white; 3 is asked for large text [1]_.
Luma runs from 0, black, to 1, white, and is taken for a grey.

References
----------
.. [1] W3C, "Web Content Accessibility Guidelines 2.2", relative luminance, contrast ratio, success criterion 1.4.3.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clipkit.params import CaptionParams

LEAST_CONTRAST = 3.0
EDGE_COLOUR = "#101010"
# How much of what is behind a box it covers.
BOX_SHARE = 0.65
# A thinner outline does not set letters off, pixels of a frame whose short side is 1080.
_LEAST_OUTLINE_PX = 2.0
_PERCENTILES = (5, 95)


class Behind(NamedTuple):
    """The darkest and the lightest luma behind a page, 5th and 95th percentile."""

    dark: float
    light: float


ANYTHING = Behind(0.0, 1.0)


def contrast(first: float, second: float) -> float:
    """Return the contrast of two relative luminances.

    Examples
    --------
    >>> round(contrast(0.0, 1.0)), contrast(0.4, 0.4)
    (21, 1.0)
    """
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour ``#rrggbb``."""
    red, green, blue = (_linear(int(colour[k : k + 2], 16) / 255) for k in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def box_colour(colour: str) -> str:
    """Return black or white, whichever letters of a colour stand out from more.

    Examples
    --------
    >>> box_colour("#FFD400"), box_colour("#203040")
    ('#000000', '#FFFFFF')
    """
    light = luminance(colour)
    return "#000000" if contrast(light, 0.0) >= contrast(light, 1.0) else "#FFFFFF"


def letter_contrast(params: CaptionParams, behind: Behind, *, has_box: bool) -> float:
    """Return the least contrast of letters, spoken or not, with what is around them.

    Letters with an outline must differ from it, and they or the outline from the picture.  All greys between the
    darkest and the lightest are looked at, since a picture has those too.
    """
    greys = np.linspace(behind.dark, behind.light, 33)
    if has_box:
        greys = (1 - BOX_SHARE) * greys + BOX_SHARE * int(box_colour(params.colour) == "#FFFFFF")
    edge = luminance(EDGE_COLOUR)
    least = np.inf
    for colour in (params.colour, params.highlight):
        letters = luminance(colour)
        around = [max(contrast(letters, grey), _edge_contrast(params, grey)) for grey in map(_linear, greys)]
        least = min(least, *around)
        if params.outline >= _LEAST_OUTLINE_PX:
            least = min(least, contrast(letters, edge))
    return float(least)


def may_get_box(params: CaptionParams) -> bool:
    """Tell whether captions have a box, or get one over some pictures."""
    return params.box == "always" or (
        params.box == "auto" and letter_contrast(params, ANYTHING, has_box=False) < LEAST_CONTRAST
    )


def behind_page(luma: NDArray[np.uint8], *, is_full_range: bool) -> Behind:
    """Return what lies in a part of a picture.

    Parameters
    ----------
    luma : ndarray of uint8, shape (height, width)
    is_full_range : bool
        Whether it runs over 0..255, not 16..235.
    """
    low, span = (0, 255) if is_full_range else (16, 219)
    dark, light = np.clip((np.percentile(luma, _PERCENTILES) - low) / span, 0.0, 1.0)
    return Behind(float(dark), float(light))


def _edge_contrast(params: CaptionParams, grey: float) -> float:
    return contrast(luminance(EDGE_COLOUR), grey) if params.outline >= _LEAST_OUTLINE_PX else 1.0


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
