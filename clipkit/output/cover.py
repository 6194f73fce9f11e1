"""The cover of a clip: a sharp frame, away from black and from cuts, with open eyes where a face is found."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from clipkit.errors import RenderError
from clipkit.files import replace_file
from clipkit.media.reader import open_video
from clipkit.output.portrait import portrait_sharpness

_EVERY_S = 0.25  # how often a frame is looked at
_SMALL, _MIDDLE = 40, 320  # least short sides at which change and sharpness are measured, pixels
_DARKEST, _BRIGHTEST, _FLATTEST = 35.0, 220.0, 12.0  # mean and standard deviation of luma
_MOST_CHANGE = 12.0  # mean difference to a neighbour, levels: above it the picture is changing
_MOST_LOOKED_AT = 16  # sharpest pictures in which a face is looked for: 0.2 s a clip
_JPEG_QUALITY = 90


class CoverChooser:
    """Looks at the pictures of a clip as they are made and remembers the best one.

    Parameters
    ----------
    rate_hz : float
        Pictures a second.

    """

    def __init__(self, rate_hz: float) -> None:
        self._every = max(1, round(_EVERY_S * rate_hz))
        self._best: tuple[bool, float] = (False, -1.0)
        self._best_tick = 0
        # Sharpness, tick (earlier ones are greater) and picture of the sharpest ones, the least sharp first.
        self._sharpest: list[tuple[float, int, NDArray[np.uint8]]] = []
        self._before: NDArray[np.uint8] | None = None
        self._candidate: tuple[int, float, float, bool, NDArray[np.uint8]] | None = None

    def best_tick(self) -> int:
        """Return the number of the best picture so far, from 0.

        Of the sharpest ones it is that with the sharpest face whose eyes are open, else the sharpest.
        """
        faces = [(portrait_sharpness(middle), tick) for _, tick, middle in self._sharpest]
        found = max(faces, default=(0.0, 0))
        return -found[1] if found[0] > 0.0 else self._best_tick

    def look(self, tick: int, luma: NDArray[np.uint8]) -> None:
        """Take note of the next picture.

        Parameters
        ----------
        tick : int
            Its number; they come in order.
        luma : ndarray of uint8, shape (height, width)
        """
        place = tick % self._every
        if self._every > 2 and place not in (0, 1, self._every - 1):
            return
        small = _glimpse(luma)
        change = 255.0 if self._before is None else float(cv2.absdiff(small, self._before).mean())
        if self._candidate is not None:
            number, sharpness, change_before, is_clear, picture = self._candidate
            is_fit = is_clear and max(change, change_before) <= _MOST_CHANGE
            if (is_fit, sharpness) > self._best:
                self._best, self._best_tick = (is_fit, sharpness), number
            if is_fit:
                insort(self._sharpest, (sharpness, -number, picture), key=lambda kept: kept[:2])
                del self._sharpest[:-_MOST_LOOKED_AT]
            self._candidate = None
        self._before = small
        if place == 0:
            mean, deviation = float(small.mean()), float(small.std())
            is_clear = _DARKEST <= mean <= _BRIGHTEST and deviation >= _FLATTEST
            middle = _shrunk(luma)
            sharpness = float(cv2.meanStdDev(cv2.Laplacian(middle, cv2.CV_16S))[1][0, 0])
            self._candidate = (tick, sharpness, change, is_clear, middle)


def write_cover(
    video: Path, time_s: float, path: Path, draw: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] | None = None
) -> None:
    """Write the frame of a finished file at a time as a JPEG, with what `draw` draws on its RGB.

    Raises
    ------
    RenderError
        If it cannot be encoded.
    """
    with open_video(video) as reader:
        rgb = reader.frame_at(time_s).rgb()
    if draw is not None:
        rgb = draw(rgb)
    done, jpeg = cv2.imencode(".jpg", rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not done:
        message = f"{path}: the cover could not be encoded as JPEG."
        raise RenderError(message, code="render.cover")
    with replace_file(path) as temporary:
        temporary.write_bytes(jpeg.tobytes())


def _glimpse(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return about the means of blocks of pixels, from three rows of each: enough to see change and light."""
    height, width = luma.shape
    block = max(1, min(height, width) // _SMALL)
    size = (width // block, height // block)
    few = luma[: size[1] * block : max(1, block // 3), : size[0] * block]
    return np.asarray(cv2.resize(few, size, interpolation=cv2.INTER_AREA), np.uint8)


def _shrunk(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the means of whole blocks of pixels, with a short side of at least `_MIDDLE` where there are so many."""
    height, width = luma.shape
    block = max(1, min(height, width) // _MIDDLE)
    size = (width // block, height // block)
    whole = luma[: size[1] * block, : size[0] * block]
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.uint8)
