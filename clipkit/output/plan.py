"""What a clip will be before anything is written: its frames, its rate, its encodings, its crop.

Conventions
-----------
Times are seconds of the source.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.errors import InputError
from clipkit.media.frames import Frame, VideoReader
from clipkit.output.cadence import on_ticks, output_rate
from clipkit.output.framing import Window
from clipkit.output.platforms import Aspect, Encode, Platform, group_platforms
from clipkit.params import Params

# Edges come from tables that round times; a frame this near is the one meant.
_EDGE_S = 0.0005


@dataclass(frozen=True)
class ClipPlan:
    """What is going to be written.

    Attributes
    ----------
    clip_id : int
    start_s : float
        Time of the first frame.
    rate : Fraction
        Frames a second of the files.
    n_ticks : int
        Frames in each file.
    first : Frame
        The source frame on the first tick.
    encodes : sequence of Encode
        Different encodings.
    platforms : sequence of Platform
    aspect : str
    crop : ndarray of float64, shape (n_rows, 5)
        Time, left, top, width and height of the crop window.
    layouts : ndarray of str, shape (n_rows,)
        How the window is shown, as :class:`clipkit.output.framing.Framer` knows it.
    """

    clip_id: int
    start_s: float
    rate: Fraction
    n_ticks: int
    first: Frame
    encodes: Sequence[Encode]
    platforms: Sequence[Platform]
    aspect: Aspect
    crop: NDArray[np.float64]
    layouts: NDArray[np.str_]

    @property
    def duration_s(self) -> float:
        """Length of the files, seconds."""
        return float(self.n_ticks / self.rate)

    @property
    def end_s(self) -> float:
        """End of the last frame."""
        return self.start_s + self.duration_s

    @property
    def stem(self) -> str:
        """Beginning of the names of the files."""
        return str(self.clip_id)

    def frames(self, reader: VideoReader) -> Iterator[Frame]:
        """Yield the source frame of every tick; the same object again where the source has no newer one."""
        return on_ticks(self._source_frames(reader), self.rate, self.n_ticks, self.start_s)

    def window(self, frame: Frame) -> Window:
        """Return the crop window at a frame."""
        row = self._row(frame.time_s)
        _, x, y, across, down = map(float, self.crop[row])
        return Window((x, y, x + across, y + down), str(self.layouts[row]))

    def layout(self, time_s: float) -> str:
        """Return how the window is shown at a time."""
        return str(self.layouts[self._row(time_s)])

    def _row(self, time_s: float) -> int:
        after = int(np.searchsorted(self.crop[:, 0], time_s))
        near = [row for row in (after - 1, after) if 0 <= row < len(self.crop)]
        return min(near, key=lambda k: abs(float(self.crop[k, 0]) - time_s))

    def _source_frames(self, reader: VideoReader) -> Iterator[Frame]:
        yield self.first
        for frame in reader.frames(self.start_s, self.end_s):
            if frame.time_s > self.first.time_s:
                yield frame


def plan_clip(
    reader: VideoReader, clip: Any, crop: pd.DataFrame, params: Params, platforms: Sequence[Platform]
) -> ClipPlan:
    """Return the plan of a clip.

    Raises
    ------
    InputError
        ``input.clip_range`` if the clip does not lie in the video, ``input.no_crop`` if the crop
        path is empty.
    """
    video = reader.video
    start_s, end_s = float(clip.start_s), min(float(clip.end_s), reader.info.duration_s)
    if not (math.isfinite(start_s) and math.isfinite(float(clip.end_s)) and 0.0 <= start_s < end_s):
        message = (
            f"clip {clip.clip_id} must lie inside the video, 0 to {reader.info.duration_s:.3f} s, and end after it "
            f"starts, got {clip.start_s} to {clip.end_s}. Correct the clip list."
        )
        raise InputError(message, code="input.clip_range")
    if crop.empty:
        message = f"clip {clip.clip_id} needs a crop path with a row for each frame, got none. Plan the crop again."
        raise InputError(message, code="input.no_crop")
    rate = output_rate(video.frame_rate, is_variable=video.is_variable_rate, max_rate=params.render.max_frame_rate)
    start_s, first = _first_frame(reader, start_s, rate)
    n_ticks = max(1, math.floor((end_s - start_s - _EDGE_S) * rate) + 1)
    aspect = params.reframe.aspect
    return ClipPlan(
        clip_id=int(clip.clip_id),
        start_s=start_s,
        rate=rate,
        n_ticks=n_ticks,
        first=first,
        encodes=group_platforms(platforms, aspect, target_lufs=params.audio.target_lufs),
        platforms=platforms,
        aspect=aspect,
        crop=crop[["time_s", "x", "y", "width", "height"]].to_numpy(dtype=np.float64),
        layouts=crop["layout"].to_numpy(dtype=np.str_),
    )


def _first_frame(reader: VideoReader, start_s: float, rate: Fraction) -> tuple[float, Frame]:
    """Return when the clip really starts and the frame on screen then.

    A start between two frames moves to the next one, so that no frame of the shot before shows;
    where frames stay on screen for long, it stays and the frame before it is shown.
    """
    upcoming = next(reader.frames(max(0.0, start_s - _EDGE_S), start_s + float(1 / rate)), None)
    if upcoming is not None:
        return upcoming.time_s, upcoming
    return start_s, reader.frame_at(start_s)
