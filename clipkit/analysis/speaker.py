"""Who speaks: whose mouth moves, beyond what the head does, while speech is heard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from clipkit.analysis.activity import Picture, own_activity
from clipkit.analysis.faces import LINK_S, Face, same_face
from clipkit.analysis.hops import HOPS_PER_S

# A face is looked at in a square of this many pixels, which shows so much more than its box.
_SIDE, _ROOM = 64, 1.3
# The mouth, and the face from the eyebrows to the nose, in the box: first and last row, first and last column.
_MOUTH, _BROW = ((0.64, 1.0), (0.22, 0.78)), ((0.1, 0.55), (0.12, 0.88))
# Activity that is noise of the flow, and the most that one look can say.
_STILL, _MOST = 0.01, 1.0
# What a change of speaker must bring, in looks of the most that one can say; and what a look must bring
# for anybody to be taken for the speaker.
_CHANGE_PRICE, _DOUBT = 3.0, 0.05
# A shorter shot has too few looks: whoever laughs or moves first would be taken for the speaker, seconds.
_SHORTEST_S = 3.0


class Mouth(NamedTuple):
    """One look at a mouth.

    Attributes
    ----------
    time_s : float
        Time of the later of the two pictures.
    face : Face
        The detection where it was looked for.
    speaks : float
        Logarithm of the mouth's own activity over that of the rest of the face, times the probability of speech.
    """

    time_s: float
    face: Face
    speaks: float


def latest_faces(faces: Sequence[Face], time_s: float) -> list[Face]:
    """Return the last detection of each face that was seen within `LINK_S`, the latest first.

    Parameters
    ----------
    faces : sequence of Face
        Detections of one shot, by time.
    time_s : float
        Now.
    """
    latest: list[Face] = []
    for face in reversed(faces):
        if time_s - face.time_s > LINK_S:
            break
        if not any(same_face(face, later) for later in latest):
            latest.append(face)
    return latest


def heard_at(speech: NDArray[np.float64], time_s: float) -> float:
    """Return the probability of speech at a time, from one at 100 Hz; 0 beyond its end."""
    hop = int(time_s * HOPS_PER_S)
    return float(speech[hop]) if hop < len(speech) else 0.0


def mouth_activity(flow: cv2.DISOpticalFlow, before: Picture, after: Picture, elapsed_s: float, face: Face) -> float:
    """Return how much livelier a mouth is than the rest of the face, as the logarithm of the ratio.

    The head's own movement is taken away as that of a camera is from a frame.  People who talk have about
    0.6, people who listen about 0.

    Parameters
    ----------
    flow : cv2.DISOpticalFlow
        What :func:`optical_flow` returned.
    before, after : ndarray of uint8, shape (height, width)
        Luma as displayed, about 320 pixels on the long side.
    elapsed_s : float
        Time between them, > 0.
    face : Face
        Where the face is in both.
    """
    moved = own_activity(flow, _close_up(before, face), _close_up(after, face), elapsed_s)
    mouth, brow = (float(moved[_part(part)].mean()) for part in (_MOUTH, _BROW))
    return float(np.log((mouth + _STILL) / (brow + _STILL)))


def who_speaks(
    tracks: Sequence[Sequence[Face]], mouths: Sequence[Mouth], times_s: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the number of the track that speaks at each glance, -1 where nobody stands out.

    Each face is compared with the mean of those seen beside it; a turn that is too short to pay for two
    changes is passed over, and so is a shot of less than 3 s.

    Parameters
    ----------
    tracks : sequence of sequence of Face
        The faces of one shot, as :func:`clipkit.analysis.faces.face_tracks` returns them.
    mouths : sequence of Mouth
        Looks at their mouths.
    times_s : ndarray of float64, shape (n_times,)
        Times of the glances; those of the looks are among them.

    Returns
    -------
    ndarray of int64, shape (n_times,)
    """
    if not mouths or times_s[-1] - times_s[0] < _SHORTEST_S:
        return np.full(len(times_s), -1)
    track_of = {face: number for number, track in enumerate(tracks) for face in track}
    glance_of = {time_s: number for number, time_s in enumerate(times_s.tolist())}
    speaks = np.full((len(times_s), len(tracks)), np.nan)
    for mouth in mouths:
        if mouth.face in track_of:
            speaks[glance_of[mouth.time_s], track_of[mouth.face]] = mouth.speaks
    is_seen = np.isfinite(speaks)
    speaks = np.where(is_seen, speaks, 0.0)
    speaks -= (speaks.sum(axis=1) / np.maximum(is_seen.sum(axis=1), 1))[:, None]
    speaks = np.where(is_seen, np.clip(speaks, -_MOST, _MOST), 0.0)
    return _best_turns(np.column_stack([np.full(len(times_s), _DOUBT), speaks]), _CHANGE_PRICE) - 1


def _best_turns(gains: NDArray[np.float64], price: float) -> NDArray[np.int64]:
    """Return the column for each row that has the highest sum of gains less a price for each change."""
    total = gains[0].copy()
    came_from = np.tile(np.arange(gains.shape[1]), (len(gains), 1))
    for row in range(1, len(gains)):
        best = int(total.argmax())
        changes = total < total[best] - price
        came_from[row, changes] = best
        total = np.where(changes, total[best] - price, total) + gains[row]
    turns = np.full(len(gains), int(total.argmax()))
    for row in range(len(gains) - 1, 0, -1):
        turns[row - 1] = came_from[row, turns[row]]
    return turns


def _close_up(picture: Picture, face: Face) -> Picture:
    """Return the square around a face, scaled to `_SIDE` pixels."""
    height, width = picture.shape
    across, down = _ROOM * face.width * width, _ROOM * face.height * height
    matrix = np.array(
        [
            [across / _SIDE, 0.0, face.x * width - across / 2],
            [0.0, down / _SIDE, face.y * height - down / 2],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(picture, matrix, (_SIDE, _SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8)


def _part(part: tuple[tuple[float, float], tuple[float, float]]) -> tuple[slice, slice]:
    """Return the pixels of a part of a face's box in its close-up."""
    rows, columns = (slice(*(round((0.5 + (place - 0.5) / _ROOM) * _SIDE) for place in ends)) for ends in part)
    return rows, columns
