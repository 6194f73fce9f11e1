"""The same clip filmed again by a camera that keeps its subject off the middle, with the boxes carried over.

A smaller 16:9 window goes over the picture so that the subject stands now left, now right of its middle; what the
window shows is the new video.  A crop that does not look for its subject then loses most of it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.bench.crop import Values
from clipkit.media.probe import VideoInfo, require_video
from clipkit.media.reader import open_video
from clipkit.media.writer import write_video

SIZE = (640, 360)
# Share of the frame's width that is filmed again; in an upright frame of its height.
ZOOM = 0.62
_TALLEST = 0.98
LONGEST_S = 40.0
# Where in the new frame the subject stands, and how far apart two places in a row are at least.
_PLACES = (0.16, 0.30, 0.50, 0.70, 0.84)
_APART = 0.15
_HOLD_S = (2.0, 5.0)
_MOVE_S = 0.8
# A camera follows late: time constants across and upright.
_LAG_S = (0.15, 0.65)
# Where a head is, of the subject's height, and where the new frame has it.
_HEAD, _HEAD_PLACE = 0.25, 0.4
# Boxes of which less is left in the new frame are no longer certain.
_LEAST_LEFT = 0.6


def film_again(video: str | Path, boxes: pd.DataFrame, out: str | Path, *, seed: int) -> pd.DataFrame:
    """Write a clip as a second camera would see it.

    Parameters
    ----------
    video : path
    boxes : DataFrame
        ``time_s,x0,x1,y0,y1,certain``: the subject, shares of the displayed frame.
    out : path
        The new video, `SIZE`, without sound: from the first box on, at most `LONGEST_S`.
    seed : int
        Of where the subject stands and when that changes.

    Returns
    -------
    DataFrame
        The same columns for the new video, whose time begins with the first box.
    """
    info = require_video(video).video
    assert info is not None
    width, height = _window(info)
    start_s = float(boxes["time_s"].min())
    boxes = boxes.assign(time_s=boxes["time_s"] - start_s)
    until_s = min(LONGEST_S, float(boxes["time_s"].max()))
    corners: list[tuple[float, float, float]] = []

    def pictures() -> Iterator[NDArray[np.uint8]]:
        aim = _Aim(boxes, until_s, random.Random(seed), (width, height))
        with open_video(video) as reader:
            for frame in reader.frames(start_s, start_s + until_s):
                time_s = frame.time_s - start_s
                x, y = aim.corner(time_s)
                corners.append((time_s, x, y))
                yield _warped(frame.rgb(info.height), x, y, width, height)

    write_video(out, pictures(), frame_rate=info.frame_rate, crf=20)
    return _carried(boxes, np.array(corners), (width, height))


def _window(info: VideoInfo) -> tuple[float, float]:
    """Return the size of the new frame as shares of the old one."""
    height = min(ZOOM * info.width * SIZE[1] / SIZE[0], _TALLEST * info.height)
    return height * SIZE[0] / SIZE[1] / info.width, height / info.height


class _Aim:
    """Where the second camera looks; asked in order of time."""

    def __init__(self, boxes: pd.DataFrame, until_s: float, rng: random.Random, size: tuple[float, float]) -> None:
        self._size = size
        self._when = boxes["time_s"].to_numpy(np.float64)
        self._centre = boxes[["x0", "x1"]].to_numpy(np.float64).mean(axis=1)
        top, bottom = boxes["y0"].to_numpy(np.float64), boxes["y1"].to_numpy(np.float64)
        self._head = top + _HEAD * np.minimum(bottom - top, 1.0)
        self._knots, self._places = [0.0], [rng.choice((_PLACES[0], _PLACES[-1]))]
        while self._knots[-1] < until_s:
            leave_s = self._knots[-1] + rng.uniform(*_HOLD_S)
            last = self._places[-1]
            self._knots += [leave_s, leave_s + _MOVE_S]
            self._places += [last, rng.choice([place for place in _PLACES if abs(place - last) > _APART])]
        self._last: tuple[float, float, float] | None = None

    def corner(self, time_s: float) -> tuple[float, float]:
        """Return the left and top edge of the window."""
        width, height = self._size
        x = np.interp(time_s, self._when, self._centre) - np.interp(time_s, self._knots, self._places) * width
        y = np.interp(time_s, self._when, self._head) - _HEAD_PLACE * height
        aimed = float(np.clip(x, 0.0, 1.0 - width)), float(np.clip(y, 0.0, 1.0 - height))
        if self._last is not None:
            past_s = time_s - self._last[0]
            aimed = tuple(  # type: ignore[assignment]
                old + (new - old) * (1.0 - math.exp(-past_s / lag))
                for old, new, lag in zip(self._last[1:], aimed, _LAG_S, strict=True)
            )
        self._last = (time_s, *aimed)
        return aimed


def _warped(picture: NDArray[np.uint8], x: float, y: float, width: float, height: float) -> NDArray[np.uint8]:
    rows, columns = picture.shape[:2]
    across, down = SIZE[0] / (width * columns), SIZE[1] / (height * rows)
    # Pixels have their middle at a half.
    move = np.array(
        [
            [across, 0.0, 0.5 * (across - 1) - x * columns * across],
            [0.0, down, 0.5 * (down - 1) - y * rows * down],
        ]
    )
    smooth = cv2.INTER_AREA if across < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.warpAffine(picture, move, SIZE, flags=smooth, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _carried(boxes: pd.DataFrame, corners: Values, size: tuple[float, float]) -> pd.DataFrame:
    kept = pd.DataFrame(boxes[boxes["time_s"] <= corners[-1, 0]])
    nearest = np.abs(corners[:, :1] - kept["time_s"].to_numpy(np.float64)).argmin(axis=0)
    for ends, offset, length in (
        (("x0", "x1"), corners[nearest, 1], size[0]),
        (("y0", "y1"), corners[nearest, 2], size[1]),
    ):
        placed = [(kept[end].to_numpy(np.float64) - offset) / length for end in ends]
        seen = [np.clip(values, 0.0, 1.0) for values in placed]
        left = (seen[1] - seen[0]) / np.maximum(placed[1] - placed[0], 1e-6)
        if ends[0] == "x0":
            kept["certain"] = np.where(left >= _LEAST_LEFT, kept["certain"], 0).astype(int)
        kept[ends[0]], kept[ends[1]] = seen
    return pd.DataFrame(kept.reset_index(drop=True))
