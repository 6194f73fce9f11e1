"""What changes in a picture by itself: motion and change that the camera's motion does not explain."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from clipkit.kernels.track import camera_motion, own_motion

Picture = NDArray[np.uint8]

# Speeds in frame widths a second: below the first it is noise of the flow, above the second it counts no more.
_SPEED_FLOOR = 0.02
_SPEED_FULL = 0.40
# How much change that no motion explains counts beside speed, and how much of it is noise, levels.
_CHANGE = 0.5
_CHANGE_FLOOR = 6.0
# Flow that is this far off the camera's motion keeps half its say about it, pixels; rounds of fitting.
_FIT_SPREAD = 0.7
_FIT_ROUNDS = 8


def optical_flow() -> cv2.DISOpticalFlow:
    """Return a dense flow; on pictures this small it gives the same for any number of threads."""
    return cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)


def own_activity(flow: cv2.DISOpticalFlow, before: Picture, after: Picture, elapsed_s: float) -> NDArray[np.float32]:
    """Return how lively each place is once the camera's motion is taken away.

    Parameters
    ----------
    flow : cv2.DISOpticalFlow
        What :func:`optical_flow` returned.
    before, after : ndarray of uint8, shape (height, width)
        Luma, about 160 pixels on the long side.
    elapsed_s : float
        Time between them, > 0.

    Returns
    -------
    ndarray of float32, shape (height, width)
        Speed in frame lengths a second where there is texture to see it by, plus half the share of the
        range by which the place changed otherwise; 0 where the camera saw only one of the two.
    """
    found = np.asarray(flow.calc(before, after, np.zeros((*before.shape, 2), np.float32)), np.float32)
    trust = texture(before)
    camera = camera_motion(found, trust, _FIT_SPREAD, _FIT_ROUNDS)
    left = np.empty(before.shape, np.float32)
    own_motion(found, camera, left)
    speed = np.clip(left / (max(before.shape) * elapsed_s) - _SPEED_FLOOR, 0, _SPEED_FULL) * trust
    held, seen = hold_camera(after, camera)
    return np.asarray((speed + _CHANGE * change_between(before, held, camera)) * seen, np.float32)


def hold_camera(picture: Picture, camera: NDArray[np.float64]) -> tuple[Picture, Picture]:
    """Return a picture as the camera would have seen it had it not moved, and where it saw anything.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width)
        The later picture.
    camera : ndarray of float64, shape (6,)
        Motion to it from the earlier one, as :func:`clipkit.kernels.track.camera_motion` returns it.

    Returns
    -------
    tuple of ndarray of uint8, shape (height, width)
        The picture in the places of the earlier one, and a mask of 0 and 1: what came into view is 0, with a
        margin of two pixels.
    """
    height, width = picture.shape
    a, b, c, d, e, f = camera
    matrix = np.array(
        [
            [1 + 2 * b / width, 2 * c / height, a + b * (1 / width - 1) + c * (1 / height - 1)],
            [2 * e / width, 1 + 2 * f / height, d + e * (1 / width - 1) + f * (1 / height - 1)],
        ]
    )
    size, flags = (width, height), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    held = cv2.warpAffine(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    seen = cv2.warpAffine(np.ones_like(picture), matrix, size, flags=flags, borderMode=cv2.BORDER_CONSTANT)
    kernel = np.ones((5, 5), np.uint8)
    shrunk = cv2.erode(seen, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    return np.asarray(held, np.uint8), np.asarray(shrunk, np.uint8)


def change_between(before: Picture, held: Picture, camera: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return how much each pixel changed beyond what the camera's motion accounts for.

    Parameters
    ----------
    before, held : ndarray of uint8, shape (height, width)
        The earlier picture, and the later one as :func:`hold_camera` returns it.
    camera : ndarray of float64, shape (6,)
        Motion between them; unless there was none, edges are forgiven a third of a pixel.

    Returns
    -------
    ndarray of float32, shape (height, width)
        Share of the full range, at least 0.
    """
    allowed = np.full(before.shape, _CHANGE_FLOOR, np.float32)
    if np.abs(camera).max() > 0.05:
        edges = cv2.morphologyEx(before, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        allowed += np.float32(0.35) * np.asarray(edges, np.float32)
    change = cv2.absdiff(held, before).astype(np.float32) - allowed
    return np.asarray(np.clip(change, 0, None) / 255, np.float32)


def texture(picture: Picture) -> NDArray[np.float32]:
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
    return np.asarray(length / (length + 6.0), np.float32)
