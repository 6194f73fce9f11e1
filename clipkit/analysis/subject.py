"""Where the subject is: what moves on its own, what is a face, what stands out.

Conventions
-----------
Pictures are luma as displayed (after rotation and pixel aspect).  Places along the axis that the
crop window moves on are fractions 0..1 of the frame; evidence is given in `N_BINS` equal bins of
that axis.  A *glance* is one picture that was looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
import scipy
from numpy.typing import NDArray

from clipkit.analysis.activity import Picture, optical_flow, own_activity
from clipkit.analysis.detector import Colour, Detector
from clipkit.analysis.faces import Face, detect_faces, face_tracks
from clipkit.analysis.saliency import saliency
from clipkit.analysis.screen import Page, read_page
from clipkit.analysis.speaker import Mouth, heard_at, latest_faces, mouth_activity, who_speaks

Axis = Literal["x", "y"]

N_BINS = 64
# Long side of the pictures for motion and for faces, pixels.
MOTION_SIDE = 160
FACE_SIDE = 320
# Less is too little for optical flow; only ribbons of a picture lose their shape by it.
_MIN_SIDE = 32
# Faces cost a hundred times what motion costs: they are looked for at every third glance while a shot is new,
# then at every eighth.
_FACE_EVERY = (3, 8)
_FACE_NEW = 18
# Text stays: it is looked for at every fifth glance.
_PAGE_EVERY = 5

# Own motion of a whole glance at which half of it is trusted; and the same as a share of the shot's mean.
_MOTION_HALF = 3e-5
_MOTION_HALF_SHARE = 0.25
# A pixel that never changed by more than this is burnt in, levels.
_FROZEN_LEVELS = 10
_BAR_LEVEL = 24

# A face is taken to be there this long before and after it is seen, seconds; glances over which its activity
# is averaged; and what a face without any movement counts beside one that has all of it.
_FACE_REACH_S = 0.5
_FACE_SMOOTH = 5.0
_FACE_IDLE = 0.25
# What a face counts while another is the one that speaks.
_LISTENER = 0.1

# How much each kind of evidence weighs.
_MOTION, _FACE, _SALIENCY = 1.0, 2.0, 0.4


def picture_size(width: int, height: int, long_side: int) -> tuple[int, int]:
    """Return (width, height) of a picture with the displayed frame's shape and this long side.

    Examples
    --------
    >>> picture_size(1920, 1080, 160), picture_size(1080, 1920, 160)
    ((160, 90), (90, 160))
    """
    scale = long_side / max(width, height)
    return max(_MIN_SIDE, round(width * scale)), max(_MIN_SIDE, round(height * scale))


def shrink(picture: Picture, size: tuple[int, int]) -> Picture:
    """Return a picture of this (width, height), each pixel the mean of those that it covers."""
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass
class Sight:
    """What was seen at the glances of one shot, summed onto the axis of movement.

    Attributes
    ----------
    time_s : list of float
        Time of each glance.
    motion, saliency : list of ndarray of float32, shape (N_BINS,)
        Own motion (frame widths a second, mean over the picture's area = the bins' sum), and how
        much each place stands out (a share).
    faces : list of Face
        Every detection, by time.
    pages : list of Page
        How far the picture is a page of text, at every fifth glance.
    mouths : list of Mouth
        Looks at the mouths of faces that were seen together, while speech is heard.
    """

    time_s: list[float]
    motion: list[NDArray[np.float32]]
    saliency: list[NDArray[np.float32]]
    faces: list[Face]
    pages: list[Page]
    mouths: list[Mouth] = field(default_factory=list)


class Observer:
    """Looks at the pictures of one stretch of video and collects evidence, shot by shot.

    Parameters
    ----------
    axis : {"x", "y"}
        Along which the window moves.
    faces : bool
        Whether to look for faces.
    screens : bool
        Whether to look for pages of text.
    detector : Detector, optional
        What looks for faces, instead of Haar cascades.
    speech : ndarray of float64, shape (n_hops,), optional
        Probability that speech is heard, at 100 Hz: with it, mouths are looked at.
    """

    def __init__(
        self,
        axis: Axis,
        *,
        faces: bool,
        screens: bool,
        detector: Detector | None = None,
        speech: NDArray[np.float64] | None = None,
    ) -> None:
        self.axis: Axis = axis
        self.sights: list[Sight] = []
        self._faces = faces
        self._screens = screens
        self._detector = detector
        self._speech = speech
        self._picture: Picture | None = None
        self._page: Picture | None = None
        self._mirrored = False
        # One flow for each size of picture: it keeps what it chose for the size before.
        self._flow, self._mouth_flow = optical_flow(), optical_flow()
        self._last: Picture | None = None
        self._lowest: Picture | None = None
        self._highest: Picture | None = None

    def begin_shot(self) -> None:
        """Start a new shot: nothing is compared across a cut."""
        self.sights.append(Sight([], [], [], [], []))
        self._last = self._page = self._picture = None

    def glance(self, picture: Picture, time_s: float, colour: Callable[[int], Colour] | None = None) -> None:
        """Take in one picture.

        Parameters
        ----------
        picture : ndarray of uint8, shape (height, width)
            Luma as displayed, long side `FACE_SIDE`.
        time_s : float
            Its time, later than that of the glance before.
        colour : callable, optional
            Returns the same in blue, green and red with a long side, pixels: for the detector, if there is one.
        """
        sight = self.sights[-1]
        height, width = picture.shape
        small = shrink(picture, picture_size(width, height, MOTION_SIDE))
        self._lowest = small if self._lowest is None else np.asarray(np.minimum(self._lowest, small), np.uint8)
        self._highest = small if self._highest is None else np.asarray(np.maximum(self._highest, small), np.uint8)
        motion = np.zeros(small.shape, np.float32)
        if self._last is not None and self._lowest is not None and self._highest is not None:
            motion = own_activity(self._flow, self._last, small, time_s - sight.time_s[-1])
            # A burnt-in logo stands still while the picture moves, and so seems to move on its own.
            motion[self._highest - self._lowest < _FROZEN_LEVELS] = 0
        n_seen = len(sight.time_s)
        if self._speech is not None and self._picture is not None:
            heard = heard_at(self._speech, time_s)
            faces = latest_faces(sight.faces, time_s)
            pictures = self._picture, picture, time_s - sight.time_s[-1]
            if heard > 0 and len(faces) > 1:
                sight.mouths += [
                    Mouth(time_s, face, heard * mouth_activity(self._mouth_flow, *pictures, face)) for face in faces
                ]
        every = _FACE_EVERY[n_seen >= _FACE_NEW]
        if self._faces and n_seen % every == 0:
            if self._detector is not None and colour is not None:
                sight.faces += self._detector.find(colour(self._detector.side), time_s)
            else:
                found = detect_faces(picture, time_s, mirrored=self._mirrored)
                sight.faces += found
                # The cascade for profiles knows one side: look the other way next time unless this way helped.
                self._mirrored ^= not found
        if self._screens and n_seen % _PAGE_EVERY == 0:
            across = 0 if self.axis == "x" else 1
            sight.pages.append(read_page(picture, self._page, across=across, n_bins=N_BINS))
            self._page = picture
        sight.motion.append(self._onto_axis(motion) / np.float32(N_BINS))
        sight.saliency.append(self._onto_axis(saliency(small)))
        sight.time_s.append(time_s)
        self._last, self._picture = small, picture

    def _onto_axis(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        profile = values.mean(axis=0 if self.axis == "x" else 1, dtype=np.float32)[None]
        return np.asarray(cv2.resize(profile, (N_BINS, 1), interpolation=cv2.INTER_AREA)[0], np.float32)

    def content(self) -> tuple[float, float]:
        """Return the part of the axis between equally wide dark bars, ``(0.0, 1.0)`` without them.

        Bars hold one dark level through the whole stretch.  Uneven ones are taken for a dark
        scene: only even ones leave the middle where it is.
        """
        if self._highest is None or self._lowest is None:
            return 0.0, 1.0
        across = 0 if self.axis == "x" else 1
        lit = (self._highest.max(axis=across) > _BAR_LEVEL) | ((self._highest - self._lowest).max(axis=across) > 6)
        where = np.flatnonzero(lit)
        if not len(where):
            return 0.0, 1.0
        before, after = int(where[0]), int(len(lit) - 1 - where[-1])
        bar = min(before, after)
        if bar < 2 or abs(before - after) > 2:
            return 0.0, 1.0
        return bar / len(lit), 1 - bar / len(lit)


def evidence(sight: Sight, axis: Axis, evidence_min: float) -> NDArray[np.float64]:
    """Return how strongly each place speaks for the subject at each glance.

    Parameters
    ----------
    sight : Sight
        One shot.
    axis : {"x", "y"}
        Along which the window moves.
    evidence_min : float
        Mean strength of motion and faces over the shot below which nothing counts: what merely
        stands out is no reason to leave the middle.

    Returns
    -------
    ndarray of float64, shape (n_glances, N_BINS)
        At least 0; a row's sum is the strength of that glance, 1 for motion alone that is beyond
        doubt.  All zero without evidence.
    """
    if not sight.time_s:
        return np.zeros((0, N_BINS))
    motion = np.asarray(sight.motion, np.float64)
    calm = np.quantile(motion, 0.3, axis=1, keepdims=True)
    motion = np.clip(motion - 1.5 * calm, 0, None)
    whole = motion.sum(axis=1, keepdims=True)
    motion /= whole + _MOTION_HALF + calm * N_BINS + _MOTION_HALF_SHARE * whole.mean()
    found = _MOTION * motion + _FACE * _face_evidence(sight, axis, motion)
    if found.sum(axis=1).mean() < evidence_min:
        return np.zeros_like(found)
    stands_out = np.asarray(sight.saliency, np.float64)
    stands_out = np.clip(stands_out - 1.2 * np.median(stands_out, axis=1, keepdims=True), 0, None)
    stands_out /= np.maximum(stands_out.sum(axis=1, keepdims=True), 1e-9)
    # What stands out speaks only while nothing moves.
    quiet = np.clip(1.0 - motion.sum(axis=1, keepdims=True), 0.0, 1.0)
    return np.asarray(found + _SALIENCY * quiet * stands_out, np.float64)


def _face_evidence(sight: Sight, axis: Axis, motion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of the faces that stay; of several, those count most that are large and active."""
    times_s = np.asarray(sight.time_s)
    edges = np.linspace(0.0, 1.0, N_BINS + 1)
    found = np.zeros((len(times_s), N_BINS))
    weights = np.zeros(len(times_s))
    tracks = face_tracks(sight.faces)
    speaker = who_speaks(tracks, sight.mouths, times_s)
    for number, track in enumerate(tracks):
        when = np.array([face.time_s for face in track])
        near = (times_s >= when[0] - _FACE_REACH_S) & (times_s <= when[-1] + _FACE_REACH_S)
        centre = np.interp(times_s[near], when, [face.x if axis == "x" else face.y for face in track])
        size = np.interp(times_s[near], when, [face.width if axis == "x" else face.height for face in track])
        # Shoulders are about two faces wide.
        shape = np.diff(np.clip((edges[None] - centre[:, None]) / (2 * size[:, None]) + 0.5, 0, 1), axis=1)
        active = scipy.ndimage.gaussian_filter1d((motion[near] * (shape > 0)).sum(axis=1), _FACE_SMOOTH, mode="nearest")
        weight = size**2 * min(1.0, len(track) / 3) * (_FACE_IDLE + active)
        weight *= np.where((speaker[near] == number) | (speaker[near] < 0), 1.0, _LISTENER)
        found[near] += weight[:, None] * shape
        weights[near] += weight
    return np.asarray(found / np.maximum(weights, 1e-9)[:, None], np.float64)
