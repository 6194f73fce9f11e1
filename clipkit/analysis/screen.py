"""Slides and screen recordings: still pages of text that a narrow window would cut through.

Conventions
-----------
A page has one level for its ground, and strokes on it: thin, sharp, and unmoved from glance to glance.
Places along the axis that the crop window moves on are fractions 0..1 of the frame, in equal bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from clipkit.analysis.activity import Picture

# Levels within which a place is flat, and belongs to the ground.
_FLAT_LEVELS = 4
_GROUND_LEVELS = 6
# A stroke is at most this wide, pixels of a picture 320 long, and stands out by this many levels.
_STROKE_WIDTH = 9
_STROKE_LEVELS = 40
# A pixel that changed by no more than this stands still, levels.
_STILL_LEVELS = 16
# What a shot must have to be a page: share of the picture that is ground, of the strokes that stand still,
# and of the picture that is strokes.  Slides and whiteboards of real videos have at least 0.39, 0.98 and 0.01;
# no picture of people or places was seen to have all three.
_LEAST_GROUND, _LEAST_STILL, _LEAST_STROKES = 0.25, 0.9, 0.008
# Strokes that stand alone at either end and are left out (share of all), and room beside the text (of the frame).
_OUTLYING = 0.002
_MARGIN = 0.03


class Page(NamedTuple):
    """How far one picture is a page of text.

    Attributes
    ----------
    ground : float
        Share of the picture that is flat and of the most common level.
    still : float
        Share of the strokes that were there in the picture before.
    strokes : ndarray of float64, shape (n_bins,)
        Share of the picture's area covered by strokes, by place on the axis: the mean is that of the picture.
    """

    ground: float
    still: float
    strokes: NDArray[np.float64]


def read_page(picture: Picture, before: Picture | None, *, across: int, n_bins: int) -> Page:
    """Return how far a picture is a page of text.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width)
        Luma as displayed, about 320 pixels on the long side.
    before : ndarray of uint8 or None
        The same shot shortly before; None at its start, which counts as still.
    across : int
        Array axis that is summed over: 0 where the window moves along x.
    n_bins : int
        Places along the axis.
    """
    around = np.ones((3, 3), np.uint8)
    flat = cv2.subtract(cv2.dilate(picture, around), cv2.erode(picture, around)) <= _FLAT_LEVELS
    levels = np.bincount(picture[flat], minlength=256)
    ground_level = int(np.convolve(levels, np.ones(2 * _GROUND_LEVELS + 1), "same").argmax())
    distance = cv2.absdiff(picture, np.full_like(picture, ground_level))
    ground = flat & (distance <= _GROUND_LEVELS)
    wide = np.ones((_STROKE_WIDTH, _STROKE_WIDTH), np.uint8)
    dark = cv2.morphologyEx(picture, cv2.MORPH_BLACKHAT, wide)
    light = cv2.morphologyEx(picture, cv2.MORPH_TOPHAT, wide)
    beside = cv2.dilate(ground.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    strokes = (cv2.max(dark, light) > _STROKE_LEVELS) & beside
    still = 1.0
    if before is not None and strokes.any():
        still = float((cv2.absdiff(picture, before)[strokes] <= _STILL_LEVELS).mean())
    profile = strokes.mean(axis=across, dtype=np.float64).astype(np.float32)[None]
    binned = cv2.resize(profile, (n_bins, 1), interpolation=cv2.INTER_AREA)[0].astype(np.float64)
    return Page(float(ground.mean()), still, binned)


def text_span(pages: Sequence[Page]) -> tuple[float, float] | None:
    """Return where text stands along the axis in a shot, or None where the shot is no page of text.

    Parameters
    ----------
    pages : sequence of Page
        Glances at one shot.
    """
    if not pages:
        return None
    ground, still = (float(np.median([getattr(page, name) for page in pages])) for name in ("ground", "still"))
    profiles = np.array([page.strokes for page in pages])
    # Text may be written while the shot lasts.
    strokes = float(np.quantile(profiles.mean(axis=1), 0.8))
    if ground < _LEAST_GROUND or still < _LEAST_STILL or strokes < _LEAST_STROKES:
        return None
    total = np.concatenate([[0.0], np.cumsum(profiles.sum(axis=0))])
    edges = np.linspace(0.0, 1.0, len(total))
    first, last = np.interp([_OUTLYING, 1.0 - _OUTLYING], total / total[-1], edges)
    return max(0.0, float(first) - _MARGIN), min(1.0, float(last) + _MARGIN)
