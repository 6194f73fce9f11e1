"""What the picture shows where captions stand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from clipkit.output.contrast import Behind, behind_page, letter_contrast
from clipkit.output.subtitling import CAPTION_SIDE, Captions
from clipkit.params import CaptionParams

# A page is looked at this far into its time, and at its middle, to see what it begins and ends over.
_NEAR_EDGE = 0.1


class Backdrop:
    """Keeps the darkest and lightest luma behind each page, three looks a page.

    Parameters
    ----------
    captions : Captions
    rate : Fraction
        Frames a second of the clip.
    is_full_range : bool
        Whether the luma of its pictures runs over 0..255.
    """

    def __init__(self, captions: Captions, rate: Fraction, *, is_full_range: bool) -> None:
        self._places = captions.places
        self._is_full_range = is_full_range
        self._seen: dict[int, Behind] = {}
        self._wanted: dict[int, list[int]] = {}
        for number, page in enumerate(captions.pages):
            for share in (_NEAR_EDGE, 0.5, 1 - _NEAR_EDGE):
                tick = int((page.start_s + share * (page.end_s - page.start_s)) * rate)
                self._wanted.setdefault(tick, []).append(number)

    def wants(self, tick: int) -> bool:
        """Tell whether the picture of a tick is to be looked at."""
        return tick in self._wanted

    def look(self, tick: int, luma: NDArray[np.uint8]) -> None:
        """Look at the picture of a tick, before captions are on it.

        Parameters
        ----------
        tick : int
        luma : ndarray of uint8, shape (height, width)
        """
        scale = min(luma.shape) / CAPTION_SIDE
        for number in self._wanted.get(tick, ()):
            place = self._places[number]
            if place is None:
                continue
            left, top, right, bottom = (max(0, round(scale * edge)) for edge in place)
            part = luma[top:bottom, left:right]
            if part.size:
                now = behind_page(part, is_full_range=self._is_full_range)
                before = self._seen.get(number, now)
                self._seen[number] = Behind(min(now.dark, before.dark), max(now.light, before.light))

    def contrast(self, params: CaptionParams, *, has_box: bool) -> float:
        """Return the least contrast of letters with what is around them; infinite if no page was seen."""
        return min((letter_contrast(params, behind, has_box=has_box) for behind in self._seen.values()), default=np.inf)
