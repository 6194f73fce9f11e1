"""Decoded pictures as planes for kernels and as displayed RGB for people."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Self

import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from clipkit.media.info import MediaInfo, VideoInfo

COLORSPACES = {"bt601": Colorspace.ITU601, "bt709": Colorspace.ITU709, "bt2020": Colorspace.BT2020}


class Plane(NamedTuple):
    """One plane of a picture; pixel (y, x) is ``samples[y * stride + x]``.

    ``samples`` is uint8, one-dimensional and contiguous: a view of the decoder's memory, which it keeps alive.
    """

    samples: NDArray[np.uint8]
    height: int
    width: int
    stride: int


class Frame:
    """One decoded picture.

    Parameters
    ----------
    picture : av.VideoFrame
        In 8-bit planar YUV.
    pts : int
        Tick at which it is shown.
    info : VideoInfo
        The stream it comes from.
    is_key : bool
        Whether decoding can begin here.

    Attributes
    ----------
    time_s : float
        Seconds after the first displayed frame.
    planes : tuple of Plane
        Y, U and V as decoded: not rotated, pixels not made square.
    """

    __slots__ = ("_picture", "info", "is_key", "planes", "pts", "time_s")

    def __init__(self, picture: Any, pts: int, info: VideoInfo, *, is_key: bool) -> None:
        self._picture = picture
        self.pts = pts
        self.info = info
        # Whole numbers divided are rounded as the fraction would be, at a tenth of its cost.
        self.time_s = (pts - info.start_pts) * info.time_base.numerator / info.time_base.denominator
        self.is_key = is_key
        self.planes = tuple(_plane(plane) for plane in picture.planes[:3])

    def rgb(self, height: int | None = None) -> NDArray[np.uint8]:
        """Return the picture as displayed: rotated, with square pixels.

        Parameters
        ----------
        height : int, optional
            Rows of the result, by default those of the displayed picture; the width follows.

        Returns
        -------
        ndarray of uint8, shape (height, width, 3)
        """
        info = self.info
        height = info.height if height is None else height
        width = max(1, round(info.width * height / info.height))
        upright = (height, width) if info.rotation in (90, 270) else (width, height)
        image = self._picture.reformat(
            width=upright[0],
            height=upright[1],
            format="rgb24",
            src_colorspace=COLORSPACES[info.matrix],
            dst_colorspace=COLORSPACES[info.matrix],
            src_color_range=ColorRange.JPEG if info.is_full_range else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation="BICUBIC",
        ).to_ndarray()
        return np.ascontiguousarray(turn(image, info.rotation, info.mirrored))


def turn(image: NDArray[np.uint8], rotation: int, mirrored: bool) -> NDArray[np.uint8]:
    """Return a view of an image mirrored left to right if asked, then turned clockwise.

    Examples
    --------
    >>> turn(np.array([[1, 2], [3, 4]], np.uint8), 90, False).tolist()
    [[3, 1], [4, 2]]
    """
    return np.rot90(image[:, ::-1] if mirrored else image, k=-(rotation // 90))


class VideoReader(ABC):
    """Frames of one file in display order; a context manager.

    One reader belongs to one thread.  A reader may be iterated again; a new iteration ends the one before.

    Attributes
    ----------
    info : MediaInfo
    video : VideoInfo
        ``info.video``, never None.
    """

    info: MediaInfo
    video: VideoInfo

    @property
    @abstractmethod
    def n_corrupt(self) -> int:
        """Packets and frames so far that were broken."""

    @abstractmethod
    def frames(self, start_s: float = 0.0, end_s: float = math.inf) -> Iterator[Frame]:
        """Yield the frames with ``start_s <= time_s < end_s``, times strictly rising."""

    @abstractmethod
    def frames_at(self, times_s: Iterable[float]) -> Iterator[Frame]:
        """Yield the frame on screen at each of the sorted times; beyond the ends, the first and the last."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the file; may be called again."""

    def frame_at(self, time_s: float) -> Frame:
        """Return the frame on screen at a time; beyond the ends, the first and the last."""
        return next(iter(self.frames_at([time_s])))

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _plane(plane: Any) -> Plane:
    samples = np.frombuffer(plane, np.uint8)
    return Plane(samples, plane.height, plane.width, plane.line_size)
