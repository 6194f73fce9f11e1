"""The picture of a clip: its crop window, a wider window whole above a bed of itself, or two panels.

Conventions
-----------
Boxes of the source are left, top, right, bottom as fractions of the displayed frame; places in the picture
are pixels, even because two share a chroma sample.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import cv2
import numpy as np

from clipkit.media.frames import Frame
from clipkit.media.probe import VideoInfo
from clipkit.output.scaler import CropBox, Level, Picture, Scaler

# The bed is the picture this many times smaller, smoothed over so many of its pixels, with this share of its light.
_BED_SHRINK = 20
_BED_SIGMA = 2.0
_BED_LIGHT = 0.4
_GREY = 128
# A window this near to the clip's shape fills it, share.
_SAME_SHAPE = 0.01


class Window(NamedTuple):
    """A crop window and its layout.

    A ``screen`` and a ``pad`` are shown whole, however wide.  A ``split`` is two panels as high as the box, above the
    one at its left end and below the one at its right.  All others are cut to the shape of the clip.
    """

    box: CropBox
    layout: str


class Framer:
    """Makes pictures of one size from the frames of one video.

    Parameters
    ----------
    video : VideoInfo
        The source stream.
    width, height : int
        Size of the pictures, both even.
    clear : tuple of int
        First and last line between which a picture that does not fill the height is centred when it fits.
    bed : {"blur", "plain"}
        What is above and below it.
    """

    def __init__(
        self, video: VideoInfo, width: int, height: int, *, clear: tuple[int, int], bed: Literal["blur", "plain"]
    ) -> None:
        self.video = video
        self.width = width
        self.height = height
        self._clear = clear
        self._bed = bed
        self._scalers: dict[tuple[int, int], Scaler] = {}

    def picture(self, frame: Frame, window: Window) -> Picture:
        """Return Y, U and V of a frame as the clip shows it; nothing is stretched.

        Returns
        -------
        y : ndarray of uint8, shape (height, width)
        u, v : ndarray of uint8, shape (height / 2, width / 2)
        """
        box = window.box
        if window.layout in ("screen", "pad"):
            size = self.width, _even(self.width / self._shape(box))
            if size[1] < self.height * (1 - _SAME_SHAPE):
                return self._on_bed(self._scaler(*size).picture(frame, box), size[1])
        if window.layout == "split":
            return self._panels(frame, box)
        return self._scaler(self.width, self.height).picture(frame, self._cut(box, self.height))

    def _on_bed(self, inner: Picture, height: int) -> Picture:
        top = self._top(height)
        planes = []
        for plane, step, is_luma in zip(inner, (1, 2, 2), (True, False, False), strict=True):
            filled = self._filled(plane, self.width // step, self.height // step, is_luma=is_luma)
            filled[top // step : top // step + plane.shape[0]] = plane
            planes.append(filled)
        return planes[0], planes[1], planes[2]

    def _panels(self, frame: Frame, box: CropBox) -> Picture:
        left, top, right, bottom = box
        above = _even(self.height / 2)
        across = (bottom - top) * self.video.height / self.video.width * self.width / above
        first = self._scaler(self.width, above).picture(frame, self._cut((left, top, left + across, bottom), above))
        below = self.height - above
        second = self._scaler(self.width, below).picture(frame, self._cut((right - across, top, right, bottom), below))
        y, u, v = (np.vstack(pair) for pair in zip(first, second, strict=True))
        return y, u, v

    def _scaler(self, width: int, height: int) -> Scaler:
        return self._scalers.setdefault((width, height), Scaler(self.video, width, height))

    def _shape(self, box: CropBox) -> float:
        """Return width over height of a box as displayed."""
        return (box[2] - box[0]) * self.video.width / ((box[3] - box[1]) * self.video.height)

    def _cut(self, box: CropBox, height: int) -> CropBox:
        """Return the largest box in the middle of a box that has the shape of a picture this high."""
        left, top, right, bottom = box
        ratio = self._shape(box) * height / self.width
        across, down = (right - left) * min(1.0, 1.0 / ratio), (bottom - top) * min(1.0, ratio)
        x, y = (left + right - across) / 2, (top + bottom - down) / 2
        return x, y, x + across, y + down

    def _top(self, height: int) -> int:
        first, last = self._clear if height <= self._clear[1] - self._clear[0] else (0, self.height)
        return _even((first + last - height) / 2)

    def _filled(self, plane: Level, width: int, height: int, *, is_luma: bool) -> Level:
        """Return a plane of the bed."""
        black = (0 if self.video.is_full_range else 16) if is_luma else _GREY
        if self._bed == "plain":
            return np.full((height, width), black, np.uint8)
        across = max(2, round(plane.shape[0] * width / height))
        start = (plane.shape[1] - across) // 2
        small = cv2.resize(
            plane[:, start : start + across],
            (max(2, width // _BED_SHRINK), max(2, height // _BED_SHRINK)),
            interpolation=cv2.INTER_AREA,
        )
        soft = cv2.GaussianBlur(small.astype(np.float32), (0, 0), _BED_SIGMA)
        dim = black + (soft - black) * _BED_LIGHT
        large = cv2.resize(dim, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(np.clip(np.rint(large), 0, 255), np.uint8)


def _even(length: float) -> int:
    """Return the nearest even number of pixels.

    Examples
    --------
    >>> _even(607.5), _even(0.4)
    (608, 0)
    """
    return 2 * round(length / 2)
