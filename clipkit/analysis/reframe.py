"""Where the crop window stands in every frame of a clip."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.camera import Layout, path_at, plan_path
from clipkit.analysis.shots import shots_from_transitions
from clipkit.analysis.subject import FACE_SIDE, Axis, Observer, Sight, evidence, picture_size, shrink
from clipkit.errors import InputError
from clipkit.media.frames import Frame, turn
from clipkit.media.probe import MediaInfo, VideoInfo
from clipkit.media.reader import open_video
from clipkit.params import Params, ReframeParams

COLUMNS = ("time_s", "x", "y", "width", "height", "layout")

# Shapes nearer to each other than this count as the same: no window moves by less than a pixel or two.
_SAME_SHAPE = 0.005
# Tables that went through a file have rounded times; no two frames are this near.
_ROUNDING_S = 0.001
_GLANCES_PER_KNOT = 2


def window_size(width: int, height: int, aspect: str) -> tuple[float, float]:
    """Return the size of the largest window of a shape in a displayed frame, as fractions of it.

    Parameters
    ----------
    width, height : int
        Of the displayed frame, pixels.
    aspect : str
        ``"9:16"`` and the like, width to height.

    Examples
    --------
    >>> window_size(1280, 720, "9:16"), window_size(720, 1280, "9:16"), window_size(720, 1280, "1:1")
    ((0.31640625, 1.0), (1.0, 1.0), (1.0, 0.5625))
    """
    across, _, down = aspect.partition(":")
    share = (int(across) / int(down)) / (width / height)
    if abs(share - 1.0) < _SAME_SHAPE:
        return 1.0, 1.0
    return (share, 1.0) if share < 1.0 else (1.0, 1.0 / share)


def plan_crop(
    path: str | Path,
    start_s: float,
    end_s: float,
    transitions: pd.DataFrame,
    params: Params,
    *,
    info: MediaInfo | None = None,
) -> pd.DataFrame:
    """Return the crop window of every source frame in ``[start_s, end_s)``.

    Only this stretch is decoded.  Each shot is planned by itself, so the window may jump at a cut
    and nowhere else; without evidence of a subject it is exactly the centre crop.

    Parameters
    ----------
    path : path
        The video.
    start_s, end_s : float
        The stretch, seconds from the first displayed frame.
    transitions : DataFrame
        What ``detect_transitions`` found, of the whole video.
    params : Params
        ``params.reframe`` decides; ``source`` and ``resources`` say how to read.
    info : MediaInfo, optional
        What ``probe`` found, where the caller has it.

    Returns
    -------
    DataFrame
        ``time_s, x, y, width, height`` float64 and ``layout`` str, one row a frame: left and top edge and size as
        fractions of the displayed frame; layout is static, pan, track or centre.

    Raises
    ------
    InputError
        ``input.bad_stretch`` if no frame lies in the stretch.
    """
    starts_s = shots_from_transitions(transitions, math.inf)["start_s"].to_numpy(np.float64)
    with open_video(
        path, reader=params.source.reader, threads=params.resources.threads, security=params.security
    ) as reader:
        video = (info and info.video) or reader.video
        width, height = window_size(video.width, video.height, params.reframe.aspect)
        axis: Axis = "x" if width < 1.0 else "y"
        observer = Observer(axis, faces=params.reframe.faces)
        is_full = width == 1.0 and height == 1.0
        shots: list[list[float]] = []
        shot = -1
        next_s = 0.0
        for frame in reader.frames(start_s, end_s):
            current = int(np.searchsorted(starts_s, frame.time_s + _ROUNDING_S, side="right"))
            if not shots or current != shot:
                shot, next_s = current, frame.time_s
                shots.append([])
                observer.begin_shot()
            shots[-1].append(frame.time_s)
            if not is_full and frame.time_s >= next_s - _ROUNDING_S:
                observer.glance(display_picture(frame, video, FACE_SIDE), frame.time_s)
                next_s = max(next_s + 1.0 / (_GLANCES_PER_KNOT * params.reframe.rate_hz), frame.time_s)
    if not shots:
        message = (
            f"{path}: a stretch to reframe must hold a frame, none lies in {start_s:g} to {end_s:g} s: "
            "choose times inside the video."
        )
        raise InputError(message, code="input.bad_stretch")
    size = width if axis == "x" else height
    tables = [
        _shot_rows(np.array(times_s), sight, axis, (width, height), size, observer.content(), params.reframe)
        for times_s, sight in zip(shots, observer.sights, strict=True)
    ]
    return pd.concat(tables, ignore_index=True)


def display_picture(frame: Frame, video: VideoInfo, long_side: int) -> NDArray[np.uint8]:
    """Return the luma of a frame as displayed, small.

    Parameters
    ----------
    frame : Frame
    video : VideoInfo
        Its stream: displayed size, rotation and mirroring.
    long_side : int
        Of the result, pixels.

    Returns
    -------
    ndarray of uint8, shape (height, width)
    """
    plane = frame.planes[0]
    lines = np.lib.stride_tricks.as_strided(plane.samples, (plane.height, plane.width), (plane.stride, 1))
    width, height = picture_size(video.width, video.height, long_side)
    size = (height, width) if video.rotation in (90, 270) else (width, height)
    small = shrink(lines, size)
    return np.ascontiguousarray(turn(small, video.rotation, video.mirrored))  # type: ignore[arg-type]


def _shot_rows(
    times_s: NDArray[np.float64],
    sight: Sight,
    axis: Axis,
    window: tuple[float, float],
    size: float,
    content: tuple[float, float],
    params: ReframeParams,
) -> pd.DataFrame:
    knots_s = times_s[0] + np.arange(int((times_s[-1] - times_s[0]) * params.rate_hz) + 1) / params.rate_hz
    layout: Layout = "centre"
    centre = np.full(len(times_s), 0.5)
    if size < 1.0:
        path = plan_path(
            at_knots(evidence(sight, axis, params.evidence_min), np.array(sight.time_s), knots_s),
            size=size,
            rate_hz=params.rate_hz,
            content=content,
            static_range=params.static_range,
            max_speed=params.max_speed,
        )
        layout = path.layout
        centre = path_at(path.positions, knots_s, times_s)
    corner = np.clip(centre - size / 2, 0.0, 1.0 - size)
    return pd.DataFrame(
        {
            "time_s": times_s,
            "x": corner if axis == "x" else 0.0,
            "y": corner if axis == "y" else 0.0,
            "width": window[0],
            "height": window[1],
            "layout": layout,
        },
        columns=list(COLUMNS),
    )


def at_knots(
    values: NDArray[np.float64], times_s: NDArray[np.float64], knots_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return rows at even knots: the mean of those less than one spacing away, weighted by nearness.

    Parameters
    ----------
    values : ndarray of float64, shape (n_times, n_bins)
    times_s : ndarray of float64, shape (n_times,)
        Sorted; at least one.
    knots_s : ndarray of float64, shape (n_knots,)
        Sorted, evenly spaced.

    Returns
    -------
    ndarray of float64, shape (n_knots, n_bins)
        A knot without any row that near takes the nearest.
    """
    spacing = knots_s[1] - knots_s[0] if len(knots_s) > 1 else 1.0
    found = np.empty((len(knots_s), values.shape[1]))
    for k, knot in enumerate(knots_s):
        first, last = np.searchsorted(times_s, [knot - spacing, knot + spacing])
        near = slice(first, last)
        weights = 1.0 - np.abs(times_s[near] - knot) / spacing
        if weights.sum() > 1e-6:
            found[k] = weights @ values[near] / weights.sum()
        else:
            found[k] = values[int(np.argmin(np.abs(times_s - knot)))]
    return found
