"""Where the subject is: what moves on its own, what is a face, what stands out.

Conventions
-----------
Pictures are luma as displayed (after rotation and pixel aspect).  Places along the axis that the
crop window moves on are fractions 0..1 of the frame; evidence is given in `N_BINS` equal bins of
that axis.  A *glance* is one picture that was looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from clipkit.analysis.faces import Face, detect_faces, face_tracks
from clipkit.kernels.track import camera_motion, own_motion

Axis = Literal["x", "y"]

N_BINS = 64
# Long side of the pictures for motion and for faces, pixels.
MOTION_SIDE = 160
FACE_SIDE = 320
# Faces are looked for at every sixth glance: they cost a hundred times what motion costs.
FACE_EVERY = 6

# Speeds in frame widths a second: below the first it is noise of the flow, above the second it counts no more.
_SPEED_FLOOR = 0.02
_SPEED_FULL = 0.40
# Mean own motion of the whole picture at which half of the look is trusted.
_MOTION_HALF = 0.0015
# A pixel that never changed by more than this is burnt in, levels.
_FROZEN_LEVELS = 10
_BAR_LEVEL = 24

# How much each kind of evidence weighs.
_MOTION, _FACE, _SALIENCY = 1.0, 1.5, 0.12


def picture_size(width: int, height: int, long_side: int) -> tuple[int, int]:
    """Return (width, height) of a picture with the displayed frame's shape and this long side.

    Examples
    --------
    >>> picture_size(1920, 1080, 160), picture_size(1080, 1920, 160)
    ((160, 90), (90, 160))
    """
    scale = long_side / max(width, height)
    return max(8, round(width * scale)), max(8, round(height * scale))


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
    """

    time_s: list[float]
    motion: list[NDArray[np.float32]]
    saliency: list[NDArray[np.float32]]
    faces: list[Face]


class Observer:
    """Looks at the pictures of one stretch of video and collects evidence, shot by shot.

    Parameters
    ----------
    axis : {"x", "y"}
        Along which the window moves.
    faces : bool
        Whether to look for faces.
    """

    def __init__(self, axis: Axis, *, faces: bool) -> None:
        self.axis: Axis = axis
        self.sights: list[Sight] = []
        self._faces = faces
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._last: NDArray[np.uint8] | None = None
        self._lowest: NDArray[np.uint8] | None = None
        self._highest: NDArray[np.uint8] | None = None

    def begin_shot(self) -> None:
        """Start a new shot: nothing is compared across a cut."""
        self.sights.append(Sight([], [], [], []))
        self._last = None

    def glance(self, picture: NDArray[np.uint8], time_s: float) -> None:
        """Take in one picture.

        Parameters
        ----------
        picture : ndarray of uint8, shape (height, width)
            Luma as displayed, long side `FACE_SIDE`.
        time_s : float
            Its time, later than that of the glance before.
        """
        sight = self.sights[-1]
        height, width = picture.shape
        small = cv2.resize(picture, picture_size(width, height, MOTION_SIDE), interpolation=cv2.INTER_AREA)
        self._lowest = small if self._lowest is None else np.minimum(self._lowest, small)
        self._highest = small if self._highest is None else np.maximum(self._highest, small)
        motion = np.zeros(small.shape, np.float32)
        if self._last is not None:
            motion = self._own_speed(small, time_s - sight.time_s[-1])
        if self._faces and len(sight.time_s) % FACE_EVERY == 0:
            sight.faces += detect_faces(picture, time_s, mirrored=len(sight.time_s) // FACE_EVERY % 2 == 1)
        sight.motion.append(self._onto_axis(motion) / np.float32(N_BINS))
        sight.saliency.append(self._onto_axis(saliency(small)))
        sight.time_s.append(time_s)
        self._last = small

    def _own_speed(self, picture: NDArray[np.uint8], elapsed_s: float) -> NDArray[np.float32]:
        flow = self._flow.calc(self._last, picture, None)  # type: ignore[arg-type]
        trust = texture(picture)
        motion = camera_motion(flow, trust, 0.7, 8)
        left = np.empty(picture.shape, np.float32)
        own_motion(flow, motion, left)
        # A burnt-in logo stands still while the picture moves, and so seems to move on its own.
        left[cv2.subtract(self._highest, self._lowest) < _FROZEN_LEVELS] = 0  # type: ignore[arg-type]
        speed = left / np.float32(max(picture.shape) * elapsed_s)
        return (np.clip(speed - _SPEED_FLOOR, 0, _SPEED_FULL) * trust).astype(np.float32)

    def _onto_axis(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        profile = values.mean(axis=0 if self.axis == "x" else 1, dtype=np.float32)[None]
        return cv2.resize(profile, (N_BINS, 1), interpolation=cv2.INTER_AREA)[0].astype(np.float32)

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


def texture(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return how far motion can be seen at each pixel: 0 on flat parts, towards 1 on edges.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width)

    Returns
    -------
    ndarray of float32, shape (height, width)
        ``g / (g + 6)`` with g the blurred length of the gradient, levels a pixel.
    """
    smooth = cv2.GaussianBlur(picture, (3, 3), 0)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=0.125)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=0.125)
    length = cv2.blur(cv2.magnitude(across, down), (5, 5))
    return (length / (length + 6.0)).astype(np.float32)


def saliency(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what stands out of its surroundings: the spectral residual, where the picture is sharp.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width)

    Returns
    -------
    ndarray of float32, shape (36, 64)
        Shares that sum to 1; all zero for a flat picture.

    References
    ----------
    .. [1] Hou and Zhang, "Saliency detection: a spectral residual approach", CVPR 2007.
    """
    small = cv2.resize(picture, (64, 36), interpolation=cv2.INTER_AREA).astype(np.float32)
    if np.ptp(small) < 4:
        return np.zeros((36, 64), np.float32)
    spectrum = np.fft.rfft2(small)
    level = np.log(np.abs(spectrum) + 1e-3).astype(np.float32)
    residual = level - cv2.blur(level, (3, 3))
    found = np.abs(np.fft.irfft2(np.exp(residual + 1j * np.angle(spectrum)), s=small.shape)) ** 2
    # The transform wraps round, which lights up the borders of every picture.
    found *= np.hanning(38)[1:-1, None] ** 0.25 * np.hanning(66)[None, 1:-1] ** 0.25
    sharp = cv2.resize(texture(picture), (64, 36), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(found.astype(np.float32), (0, 0), 2.0) * sharp
    total = float(blurred.sum())
    return (blurred / total if total > 0 else blurred).astype(np.float32)


def evidence(sight: Sight, axis: Axis) -> NDArray[np.float64]:
    """Return how strongly each place speaks for the subject at each glance.

    Parameters
    ----------
    sight : Sight
        One shot.
    axis : {"x", "y"}
        Along which the window moves.

    Returns
    -------
    ndarray of float64, shape (n_glances, N_BINS)
        At least 0; a row's sum is the strength of that glance: near 0 when nothing was found,
        1 for motion alone that is beyond doubt.
    """
    if not sight.time_s:
        return np.zeros((0, N_BINS))
    motion = np.asarray(sight.motion, np.float64)
    motion /= motion.sum(axis=1, keepdims=True) + _MOTION_HALF
    stands_out = np.asarray(sight.saliency, np.float64)
    stands_out = np.clip(stands_out - 1.0 / stands_out.size * len(stands_out), 0, None)
    stands_out /= np.maximum(stands_out.sum(axis=1, keepdims=True), 1e-9)
    return _MOTION * motion + _SALIENCY * stands_out + _FACE * _face_evidence(sight, axis)


def _face_evidence(sight: Sight, axis: Axis) -> NDArray[np.float64]:
    times_s = np.asarray(sight.time_s)
    edges = np.linspace(0.0, 1.0, N_BINS + 1)
    found = np.zeros((len(times_s), N_BINS))
    sizes = np.zeros(len(times_s))
    for track in face_tracks(sight.faces):
        when = np.array([face.time_s for face in track])
        near = (times_s >= when[0] - 0.5) & (times_s <= when[-1] + 0.5)
        centre = np.interp(times_s[near], when, [face.x if axis == "x" else face.y for face in track])
        size = np.interp(times_s[near], when, [face.width if axis == "x" else face.height for face in track])
        # Shoulders are about two faces wide.
        covered = np.clip((edges[None] - centre[:, None]) / (2 * size[:, None]) + 0.5, 0, 1)
        shape = np.diff(covered, axis=1)
        weight = size**2
        found[near] += weight[:, None] * shape
        sizes[near] += weight
    return found / np.maximum(sizes, 1e-9)[:, None]
