"""The picture of a clip: its crop window, or a wider window whole, above a bed of itself.

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

# Layouts of a crop path whose window is never cut to the shape of the clip.
WHOLE_LAYOUTS = ("screen",)

# The bed is the picture this many times smaller, smoothed over so many of its pixels, with this share of its light.
_BED_SHRINK = 20
_BED_SIGMA = 2.0
_BED_LIGHT = 0.4
_GREY = 128
# A window this near to the clip's shape fills it, share.
_SAME_SHAPE = 0.01


class Window(NamedTuple):
    """A crop window, and whether all of it must be seen."""

    box: CropBox
    is_whole: bool


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
        shape = self._shape(box)
        size = self.width, _even(self.width / shape)
        if not window.is_whole or size[1] >= self.height * (1 - _SAME_SHAPE):
            return self._scaler(self.width, self.height).picture(frame, self._cut(box))
        inner = self._scaler(*size).picture(frame, box)
        top = self._top(size[1])
        planes = []
        for plane, step, is_luma in zip(inner, (1, 2, 2), (True, False, False), strict=True):
            filled = self._filled(plane, self.width // step, self.height // step, is_luma=is_luma)
            filled[top // step : top // step + plane.shape[0]] = plane
            planes.append(filled)
        return planes[0], planes[1], planes[2]

    def _scaler(self, width: int, height: int) -> Scaler:
        return self._scalers.setdefault((width, height), Scaler(self.video, width, height))

    def _shape(self, box: CropBox) -> float:
        """Return width over height of a box as displayed."""
        return (box[2] - box[0]) * self.video.width / ((box[3] - box[1]) * self.video.height)

    def _cut(self, box: CropBox) -> CropBox:
        """Return the largest box of the picture's shape in the middle of a box."""
        left, top, right, bottom = box
        ratio = self._shape(box) * self.height / self.width
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
