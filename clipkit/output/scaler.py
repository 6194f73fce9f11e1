"""A crop window of a decoded frame as an upright picture of the size asked for.

Conventions
-----------
Boxes are left, top, right, bottom as fractions of the displayed frame.  Positions along an axis
count pixels from the outer edge, so the centre of the first pixel is at 0.5.  Chroma samples of
4:2:0 lie at the left of and between the rows of their four pixels (MPEG-2 siting, the default of
H.264), in the source and in the result.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from clipkit.kernels.resample import blend_rows, blend_rows_to_levels
from clipkit.media.frames import Frame, Plane, turn
from clipkit.media.probe import VideoInfo

Level = NDArray[np.uint8]
Picture = tuple[Level, Level, Level]
CropBox = tuple[float, float, float, float]

_SHARPNESS = -0.5  # Catmull-Rom: keeps straight lines straight and hardly rings
_REACH = 2
_STRIP = 48  # rows that are turned at a time, so few that they stay in the cache


class _Taps(NamedTuple):
    """For each sample of a result its first sample of a plane, and the weights, shape (4 n, n_samples)."""

    firsts: NDArray[np.int64]
    weights: NDArray[np.float32]


class Scaler:
    """Makes pictures of one size from the frames of one video.

    Crop, scale, pixel aspect, mirroring and sub-pixel position are one bicubic resampling of each
    plane, widened when it shrinks so that nothing aliases; then the picture is turned upright.
    Colours stay as they are in the source.

    Parameters
    ----------
    video : VideoInfo
        The source stream.
    width, height : int
        Size of the pictures, both even.
    """

    def __init__(self, video: VideoInfo, width: int, height: int) -> None:
        self.video = video
        self.width = width
        self.height = height
        self._room = np.empty(0, np.float32)

    def picture(self, frame: Frame, box: CropBox) -> Picture:
        """Return Y, U, V of the part of a frame inside `box`, stretched over the whole picture.

        Returns
        -------
        y : ndarray of uint8, shape (height, width)
        u, v : ndarray of uint8, shape (height / 2, width / 2)
        """
        luma, chroma_u, chroma_v = frame.planes
        return (
            self._plane(luma, box, is_chroma=False),
            self._plane(chroma_u, box, is_chroma=True),
            self._plane(chroma_v, box, is_chroma=True),
        )

    def _plane(self, plane: Plane, box: CropBox, *, is_chroma: bool) -> Level:
        video = self.video
        source = np.ndarray((plane.height, plane.width), np.uint8, plane.samples, strides=(plane.stride, 1))
        across, down = _coded_spans(box, video.rotation, video.mirrored)
        turned = video.rotation in (90, 270)
        width, height = (self.height, self.width) if turned else (self.width, self.height)
        columns_reversed, rows_reversed = _reversed_axes(video.rotation, video.mirrored)
        step, left, between = 1, 0.5, 0.5
        if is_chroma:
            # The left of the result's four pixels is their right in a plane that runs the other way.
            step, left, between = 2, 1.5 if (rows_reversed if turned else columns_reversed) else 0.5, 1.0
        phases = (between, left) if turned else (left, between)
        columns = _taps(across, width, step, phases[0], video.coded_width, plane.width, is_sited_left=is_chroma)
        rows = _taps(down, height, step, phases[1], video.coded_height, plane.height, is_sited_left=False)
        return np.ascontiguousarray(turn(self._resample(source, rows, columns), video.rotation, video.mirrored))

    def _resample(self, plane: Level, rows: _Taps, columns: _Taps) -> Level:
        window, top, left = _window(plane, rows, columns)
        across, down = len(columns.firsts), window.shape[0]
        # Fresh memory for each plane of each picture would cost more than the sums.
        if self._room.size < across * (down + _STRIP):
            self._room = np.empty(across * (down + _STRIP), np.float32)
        between = self._room[: across * down].reshape(down, across)
        firsts = columns.firsts - left
        for row in range(0, down, _STRIP):
            lying = cv2.transpose(window[row : row + _STRIP])
            strip = self._room[-across * lying.shape[1] :].reshape(across, -1)
            blend_rows(lying, firsts, columns.weights, strip)
            cv2.transpose(strip, between[row : row + _STRIP])
        out = np.empty((len(rows.firsts), across), np.uint8)
        blend_rows_to_levels(between, rows.firsts - top, rows.weights, out)
        return out


def _coded_spans(box: CropBox, rotation: int, mirrored: bool) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the horizontal and the vertical span of a displayed box in the frame as decoded.

    Examples
    --------
    >>> _coded_spans((0.0, 0.25, 1.0, 0.5), 90, False)
    ((0.25, 0.5), (0.0, 1.0))
    """
    left, top, right, bottom = box
    across, down = (left, right), (top, bottom)
    if rotation == 90:
        across, down = (top, bottom), (1.0 - right, 1.0 - left)
    elif rotation == 180:
        across, down = (1.0 - right, 1.0 - left), (1.0 - bottom, 1.0 - top)
    elif rotation == 270:
        across, down = (1.0 - bottom, 1.0 - top), (left, right)
    if mirrored:
        across = (1.0 - across[1], 1.0 - across[0])
    return across, down


def _reversed_axes(rotation: int, mirrored: bool) -> tuple[bool, bool]:
    """Return whether coded columns, and coded rows, run against the displayed axis they become."""
    return (rotation in (180, 270)) != mirrored, rotation in (90, 180)


@lru_cache(maxsize=32)  # windows that stand still or move along one axis, and both chroma planes, have the same
def _taps(
    span: tuple[float, float],
    length: int,
    step: int,
    phase: float,
    source_length: int,
    plane_length: int,
    *,
    is_sited_left: bool,
) -> _Taps:
    """Return the bicubic filter that makes the samples of a result from those of a plane along one axis.

    Parameters
    ----------
    span : tuple of float
        Part of the frame, as fractions.
    length : int
        Pixels of the result along the axis.
    step : int
        Pixels a sample of the result stands for.
    phase : float
        Position of its first sample, pixels.
    source_length, plane_length : int
        Pixels of the frame as decoded, and samples of the plane.
    is_sited_left : bool
        Whether samples of a subsampled plane lie on the first of their pixels.
    """
    begin, end = span
    fractions = begin + (np.arange(length // step) * step + phase) / length * (end - begin)
    subsampling = round(source_length / plane_length)
    sited = 0.5 if is_sited_left or subsampling == 1 else subsampling / 2
    positions = (fractions * source_length - sited) / subsampling
    stretch = max((end - begin) * source_length / subsampling / (length // step), 1.0)
    n_taps = 2 * _REACH * math.ceil(stretch)
    firsts = np.floor(positions).astype(np.int64) - n_taps // 2 + 1
    distance = np.abs(firsts + np.arange(n_taps)[:, None] - positions) / stretch
    near = ((_SHARPNESS + 2.0) * distance - (_SHARPNESS + 3.0)) * distance**2 + 1.0
    far = _SHARPNESS * (((distance - 5.0) * distance + 8.0) * distance - 4.0)
    weights = np.where(distance < 1.0, near, np.where(distance < _REACH, far, 0.0))
    return _Taps(firsts, (weights / weights.sum(axis=0)).astype(np.float32))


def _window(plane: Level, rows: _Taps, columns: _Taps) -> tuple[Level, int, int]:
    """Return the part of a plane that the filters see, its edges repeated outside, and where it begins."""
    top, bottom = int(rows.firsts[0]), int(rows.firsts[-1]) + len(rows.weights)
    left, right = int(columns.firsts[0]), int(columns.firsts[-1]) + len(columns.weights)
    height, width = plane.shape
    inside = plane[
        min(max(top, 0), height - 1) : max(min(bottom, height), 1),
        min(max(left, 0), width - 1) : max(min(right, width), 1),
    ]
    outside = max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0)
    return np.asarray(cv2.copyMakeBorder(inside, *outside, cv2.BORDER_REPLICATE), np.uint8), top, left
