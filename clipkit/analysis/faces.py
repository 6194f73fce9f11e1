"""Faces that stay: detections linked over time, so that a single false one counts for nothing."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

# Fractions of the picture's width; smaller faces cost far more to look for than they help.
MIN_SIZE = 0.075
LINK_S = 2.0
# Equalisation by tiles: how far it may raise contrast, and how many tiles across and down.
_CLIP, _TILES = 2.0, (8, 8)


class Face(NamedTuple):
    """One detection: centre and size as fractions of the displayed width and height."""

    time_s: float
    x: float
    y: float
    width: float
    height: float


@cache
def cascade(name: str) -> cv2.CascadeClassifier:
    """Return the Haar cascade of OpenCV's wheel with this name, such as ``frontalface_alt2``."""
    return cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_{name}.xml")  # type: ignore[attr-defined]


def detect_faces(picture: NDArray[np.uint8], time_s: float, *, mirrored: bool) -> list[Face]:
    """Return the faces in one picture: frontal ones, and those in profile that look one way.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width)
        Luma as displayed, about 320 pixels wide.
    time_s : float
        Its time, copied to the detections.
    mirrored : bool
        Which way profiles look: the cascade knows one side.

    Notes
    -----
    Haar cascades of OpenCV 4.  The picture is equalised place by place: equalised as a whole, a lit face leaves the
    dark ones beside it without levels.
    """
    height, width = picture.shape
    size = max(20, round(MIN_SIZE * width))
    if size > min(height, width):
        return []
    even = cv2.createCLAHE(_CLIP, _TILES).apply(picture)
    found: list[Face] = []
    for name, flipped, neighbours in (("frontalface_alt2", False, 3), ("profileface", mirrored, 3)):
        view = np.ascontiguousarray(even[:, ::-1]) if flipped else even
        for x, y, w, h in cascade(name).detectMultiScale(view, 1.2, neighbours, 0, (size, size)):
            left = width - x - w if flipped else x
            box = Face(time_s, (left + w / 2) / width, (y + h / 2) / height, w / width, h / height)
            if not any(same_face(box, other) for other in found):
                found.append(box)
    return found


def same_face(one: Face, other: Face) -> bool:
    """Return whether two detections are near each other and alike in size."""
    reach = 0.6 * max(one.width, other.width)
    tall = 0.6 * max(one.height, other.height)
    near = abs(one.x - other.x) < reach and abs(one.y - other.y) < tall
    return near and max(one.width, other.width) < 1.8 * min(one.width, other.width)


def face_tracks(faces: list[Face], *, min_detections: int = 2) -> list[list[Face]]:
    """Return the faces that were seen again and again near the same place.

    Parameters
    ----------
    faces : list of Face
        Detections of one shot, by time.
    min_detections : int, optional
        Tracks with fewer are dropped as false.

    Returns
    -------
    list of list of Face
        Each by time; links bridge at most 2 s.

    Examples
    --------
    >>> seen = [Face(t / 2, 0.3, 0.4, 0.1, 0.2) for t in range(4)] + [Face(2.0, 0.9, 0.9, 0.1, 0.2)]
    >>> [len(track) for track in face_tracks(seen)]
    [4]
    """
    tracks: list[list[Face]] = []
    for face in faces:
        open_tracks = [
            track for track in tracks if 0 < face.time_s - track[-1].time_s <= LINK_S and same_face(face, track[-1])
        ]
        if open_tracks:
            min(open_tracks, key=lambda track: abs(track[-1].x - face.x) + abs(track[-1].y - face.y)).append(face)
        else:
            tracks.append([face])
    return [track for track in tracks if len(track) >= min_detections]
