"""Where the crop window stands in every frame of a clip."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.camera import at_knots, held_share, path_at, plan_path
from clipkit.analysis.detector import Colour, Detector, load_detector
from clipkit.analysis.faces import Face, face_tracks
from clipkit.analysis.group import group_span
from clipkit.analysis.keyframes import Keyframes, path_through, read_keyframes
from clipkit.analysis.screen import text_span
from clipkit.analysis.shots import shots_from_transitions
from clipkit.analysis.split import split_box
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
_LOCKS = {"left": 0.0, "centre": 0.5, "right": 1.0}
# A face wider than this makes a shot one of a person, whatever is written beside it; of the frame's width.
_PERSON_WIDTH = 0.1
# Text or a group that takes more of the frame than this is shown with all that is around it.
_ALL_BUT_WHOLE = 0.85
# A group is shown whole where the window would hold less of the evidence than this: a bed has its price.
_LEAST_HELD = 0.5


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


def _travel(video: VideoInfo, aspect: str) -> tuple[Axis, float]:
    """Return the axis that a window of a shape moves on, and its length along it as a fraction of the frame."""
    width, height = window_size(video.width, video.height, aspect)
    return ("y", height) if height < 1.0 else ("x", width)


def _find_keyframes(video: VideoInfo, params: ReframeParams) -> Keyframes | None:
    return None if params.keyframes is None else read_keyframes(params.keyframes, _travel(video, params.aspect)[0])


def _find_detector(params: ReframeParams) -> Detector | None:
    return None if params.detector is None else load_detector(params.detector)


def check_files(info: MediaInfo, params: ReframeParams) -> None:
    """Raise what :func:`plan_crop` would raise of the files that the params name, before anything is measured."""
    if info.video is not None:
        _find_keyframes(info.video, params)
        _find_detector(params)


def plan_crop(
    path: str | Path,
    start_s: float,
    end_s: float,
    transitions: pd.DataFrame,
    params: Params,
    *,
    info: MediaInfo | None = None,
    audio: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the crop window of every source frame in ``[start_s, end_s)``.

    Only this stretch is decoded.  Each shot is planned by itself, so the window may jump at a cut
    and nowhere else; without evidence of a subject it is exactly the centre crop.  In a shot that has a keyframe
    of ``reframe.keyframes``, within the stretch or beyond, the window obeys those alone.

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
    audio : DataFrame, optional
        What ``measure_audio`` found, of the whole video: of several faces, the window follows the one that speaks.

    Returns
    -------
    DataFrame
        ``time_s, x, y, width, height`` float64 and ``layout`` str, one row a frame: left and top edge and size as
        fractions of the displayed frame; layout is static, pan, track, centre, locked, keyframes, or
        screen or pad: a page of text or a group, whose window is as wide as they are and is shown whole; or split:
        two people, each in a panel as high as the window, one at its left end and one at its right.

    Raises
    ------
    InputError
        ``input.bad_stretch`` if no frame lies in the stretch; what :func:`read_keyframes` and :func:`load_detector`
        raise.
    """
    starts_s = shots_from_transitions(transitions, math.inf)["start_s"].to_numpy(np.float64)
    with open_video(
        path, reader=params.source.reader, threads=params.resources.threads, security=params.security
    ) as reader:
        video = (info and info.video) or reader.video
        axis, size = _travel(video, params.reframe.aspect)
        keyframes = _find_keyframes(video, params.reframe)
        lock = None if params.reframe.lock is None else locked_place(params.reframe.lock)
        detector = _find_detector(params.reframe)
        observer = Observer(
            axis,
            faces=params.reframe.faces,
            screens=params.reframe.screens,
            detector=detector,
            speech=None if audio is None else audio["speech"].to_numpy(np.float64),
        )
        looks = size < 1.0 and lock is None
        shots: list[list[float]] = []
        numbers: list[int] = []
        shot = -1
        next_s = 0.0
        for frame in reader.frames(start_s, end_s):
            current = int(np.searchsorted(starts_s, frame.time_s + _ROUNDING_S, side="right"))
            if not shots or current != shot:
                shot, next_s = current, frame.time_s
                shots.append([])
                numbers.append(shot)
                observer.begin_shot()
            shots[-1].append(frame.time_s)
            if looks and frame.time_s >= next_s - _ROUNDING_S:
                colour = partial(_colour_picture, frame)
                observer.glance(display_picture(frame, video, FACE_SIDE), frame.time_s, colour)
                next_s = max(next_s + 1.0 / (_GLANCES_PER_KNOT * params.reframe.rate_hz), frame.time_s)
    if not shots:
        message = (
            f"{path}: a stretch to reframe must hold a frame, none lies in {start_s:g} to {end_s:g} s: "
            "choose times inside the video."
        )
        raise InputError(message, code="input.bad_stretch")
    content = observer.content()
    tables = []
    for number, shot_times_s, sight in zip(numbers, shots, observer.sights, strict=True):
        times_s = np.array(shot_times_s)
        own = _in_shot(keyframes, starts_s, number)
        if own is not None and size < 1.0:
            moved = _Moved(path_through(own, times_s), size, "keyframes")
        elif lock is not None:
            moved = _Moved(np.full(len(times_s), lock), size, "locked")
        else:
            moved = _moved(times_s, sight, axis, size, content, params.reframe)
        tables.append(_rows(times_s, moved, axis))
    return pd.concat(tables, ignore_index=True)


def crop_notes(crop: pd.DataFrame, params: ReframeParams) -> list[str]:
    """Return what a person's files did to the crop paths of a run, a sentence each.

    Parameters
    ----------
    crop : DataFrame
        As from :func:`plan_crop`, with a ``clip_id`` for each row.
    params : ReframeParams
    """
    notes = []
    if params.keyframes is not None:
        clips = crop.loc[crop["layout"] == "keyframes", "clip_id"].unique()
        where = ", ".join(f"{clip_id}" for clip_id in clips)
        name = Path(params.keyframes).name
        did = f"the window goes through the keyframes of {name} in these clips: {where}."
        none = f"the keyframes of {name} moved no window: they lie in no shot of a clip, or it takes the whole frame."
        notes.append(did if where else none)
    if params.detector is not None and params.faces and params.lock is None:
        name = Path(params.detector).name
        notes.append(f"the network {name} looked for faces or people, instead of the search that came along.")
    return notes


def _in_shot(keyframes: Keyframes | None, starts_s: NDArray[np.float64], number: int) -> Keyframes | None:
    """Return the keyframes of one shot, counted from 1; None where it has none."""
    if keyframes is None:
        return None
    mine = np.searchsorted(starts_s, keyframes.time_s + _ROUNDING_S, side="right") == number
    return Keyframes(keyframes.time_s[mine], keyframes.place[mine]) if mine.any() else None


def locked_place(lock: str) -> float:
    """Return where ``reframe.lock`` puts the middle of the window, as a fraction of the frame.

    Examples
    --------
    >>> locked_place("left"), locked_place("centre"), locked_place("62.5%")
    (0.0, 0.5, 0.625)
    """
    return _LOCKS[lock] if lock in _LOCKS else float(lock.removesuffix("%")) / 100


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


def _colour_picture(frame: Frame, long_side: int) -> Colour:
    """Return blue, green and red of a frame as displayed, small."""
    height = picture_size(frame.info.width, frame.info.height, long_side)[1]
    return np.ascontiguousarray(frame.rgb(height)[..., ::-1])


class _Moved(NamedTuple):
    """How the window moves through one shot: its middle in every frame, its length, and the kind of path."""

    centre: NDArray[np.float64]
    size: float
    layout: str
    across: tuple[float, float] = (0.0, 1.0)  # start and length on the other axis


def _moved(
    times_s: NDArray[np.float64],
    sight: Sight,
    axis: Axis,
    size: float,
    content: tuple[float, float],
    params: ReframeParams,
) -> _Moved:
    if size >= 1.0:
        return _Moved(np.full(len(times_s), 0.5), size, "centre")
    tracks = face_tracks(sight.faces)
    faces = [face for track in tracks for face in track]
    is_person = len(faces) > 0 and float(np.median([face.width for face in faces])) > _PERSON_WIDTH
    span = None if is_person else text_span(sight.pages)
    if span is not None:
        ends = [span, *(_ends(face, axis) for face in faces)]  # who speaks beside the text stays with it
        return _wide(times_s, (min(ends)[0], max(end for _, end in ends)), size, content, "screen")
    split = split_box(tracks, times_s, size) if params.split and axis == "x" else None
    if split is not None:
        middle = np.full(len(times_s), split.x + split.width / 2)
        return _Moved(middle, split.width, "split", (split.y, split.height))
    knots_s = times_s[0] + np.arange(int((times_s[-1] - times_s[0]) * params.rate_hz) + 1) / params.rate_hz
    found = at_knots(evidence(sight, axis, params.evidence_min), np.array(sight.time_s), knots_s)
    path = plan_path(
        found,
        size=size,
        rate_hz=params.rate_hz,
        content=content,
        static_range=params.static_range,
        max_speed=params.max_speed,
    )
    group = group_span(tracks, times_s) if params.pad and axis == "x" else None
    if group is not None and held_share(found, path.positions, size) < _LEAST_HELD:
        return _wide(times_s, group, size, content, "pad")
    return _Moved(path_at(path.positions, knots_s, times_s), size, path.layout)


def _wide(
    times_s: NDArray[np.float64], span: tuple[float, float], size: float, content: tuple[float, float], layout: str
) -> _Moved:
    """Return a window as wide as a span, or as all of the content where that is little more."""
    start, end = max(span[0], content[0]), min(span[1], content[1])
    if end - start >= _ALL_BUT_WHOLE * (content[1] - content[0]):
        start, end = content
    return _Moved(np.full(len(times_s), (start + end) / 2), max(size, end - start), layout)


def _ends(face: Face, axis: Axis) -> tuple[float, float]:
    """Return the place of a face and its shoulders along the axis."""
    centre, length = (face.x, face.width) if axis == "x" else (face.y, face.height)
    return centre - length, centre + length


def _rows(times_s: NDArray[np.float64], moved: _Moved, axis: Axis) -> pd.DataFrame:
    corner = np.clip(moved.centre - moved.size / 2, 0.0, 1.0 - moved.size)
    along, across = ("x", "width"), ("y", "height")
    (place, length), (other_place, other_length) = (along, across) if axis == "x" else (across, along)
    return pd.DataFrame(
        {
            "time_s": times_s,
            place: corner,
            length: moved.size,
            other_place: moved.across[0],
            other_length: moved.across[1],
            "layout": moved.layout,
        },
        columns=list(COLUMNS),
    )
