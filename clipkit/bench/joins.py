"""How one shot gives way to the next, picture by picture.

Conventions
-----------
A join of `n_frames` mixes picture k of the old shot with picture k of the new one, k = 0 … n - 1, at the share
``(k + 1) / (n + 1)``: no picture of it is purely the old shot or purely the new one.  A cut has none.
"""

from __future__ import annotations

import functools
import math
import random
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

# How often each join is drawn.  An insert is a cut to a shot of a few frames, and a cut on.
SHARES = {
    "cut": 0.40,
    "jump": 0.10,
    "insert": 0.09,
    "dissolve": 0.15,
    "fade": 0.10,
    "dip": 0.04,
    "wipe": 0.08,
    "push": 0.04,
}
WIPES = ("left", "right", "up", "down", "diagonal", "circle", "bars")
PUSHES = ("push-left", "push-right", "push-up", "push-down", "cover-left", "cover-right", "cover-up", "cover-down")
PLAIN = ("black", "white")

# Lengths of gradual joins at 25 frames a second: median 14, a tenth below 4 and above 30, as counted in ClipShots.
_MEDIAN_FRAMES, _SIGMA = 14.0, 0.6
_LENGTHS = {"dissolve": (4, 45), "fade": (8, 45), "dip": (4, 8), "wipe": (8, 24), "push": (8, 24)}
_N_BARS = 8


@dataclass(frozen=True)
class Join:
    """One join.

    Parameters
    ----------
    kind : str
        ``cut``, ``jump`` (a cut within one source), ``dissolve``, ``fade``, ``dip``, ``wipe`` or ``push``.
    detail : str
        Direction, shape or colour; ``insert`` for the cuts around a short shot.
    n_frames : int
        Pictures that are mixed; 0 for a cut.
    gamma : float
        Exponent of the brightness of a fade.
    softness : float
        Width of a wipe's edge as a share of its way; 0 is a hard edge.
    """

    kind: str
    detail: str = ""
    n_frames: int = 0
    gamma: float = 1.0
    softness: float = 0.0

    def blend(self, old: Picture, new: Picture, k: int) -> Picture:
        """Return mixed picture `k` of two pictures of one shape (height, width, 3)."""
        share = (k + 1) / (self.n_frames + 1)
        if self.kind == "dissolve":
            return cv2.addWeighted(new, share, old, 1 - share, 0)  # type: ignore[return-value]
        if self.kind in ("fade", "dip"):
            return _through(old, new, share, 255.0 if self.detail == "white" else 0.0, self.gamma)
        if self.kind == "wipe":
            return _wiped(old, new, share, self.detail, self.softness)
        if self.kind == "push":
            return _pushed(old, new, share, self.detail)
        message = f"a {self.kind} has no mixed pictures"
        raise ValueError(message)


def draw_join(kind: str, rate: float, rng: random.Random) -> Join:
    """Return a join of a kind with random length, direction and softness.

    Parameters
    ----------
    kind : str
        A key of `SHARES`; an insert begins with a cut.
    rate : float
        Frames a second: lengths are the same in time at every rate, and at least three frames.
    rng : random.Random
    """
    if kind in ("cut", "jump"):
        return Join(kind)
    if kind == "insert":
        return Join("cut", "insert")
    shortest, longest = _LENGTHS[kind]
    if kind in ("wipe", "push", "dip"):
        frames = float(rng.randint(shortest, longest))
    else:
        frames = min(max(rng.lognormvariate(math.log(_MEDIAN_FRAMES), _SIGMA), shortest), longest)
    n_frames = max(3, round(frames * rate / 25))
    detail = {"wipe": WIPES, "push": PUSHES, "fade": PLAIN, "dip": PLAIN, "dissolve": ("",)}[kind]
    return Join(
        kind,
        rng.choice(detail),
        n_frames,
        gamma=rng.choice((1.0, 1.0, 0.7, 1.5)) if kind == "fade" else 1.0,
        softness=rng.choice((0.0, 0.0, 0.1, 0.25)) if kind == "wipe" else 0.0,
    )


def _through(old: Picture, new: Picture, share: float, level: float, gamma: float) -> Picture:
    picture, rest = (old, 1 - 2 * share) if share < 0.5 else (new, 2 * share - 1)
    alpha = rest**gamma
    return cv2.convertScaleAbs(picture, alpha=alpha, beta=(1 - alpha) * level)  # type: ignore[return-value]


def _wiped(old: Picture, new: Picture, share: float, shape: str, softness: float) -> Picture:
    field = _field(shape, *old.shape[:2])
    if not softness:
        return np.where((field < share)[:, :, None], new, old)
    mask = np.clip((share * (1 + softness) - field) / softness, 0, 1)[:, :, None]
    mixed: Picture = (old + (new.astype(np.float32) - old) * mask).round().astype(np.uint8)
    return mixed


@functools.cache
def _field(shape: str, height: int, width: int) -> NDArray[np.float32]:
    """Return when the edge of a wipe passes each pixel, 0 to 1."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / (width - 1), y / (height - 1)
    fields = {
        "right": x,
        "left": 1 - x,
        "down": y,
        "up": 1 - y,
        "diagonal": (x + y) / 2,
        # By area, so that the picture changes as evenly as in a straight wipe.
        "circle": 2 * (x - 0.5) ** 2 + 2 * (y - 0.5) ** 2,
        "bars": (x * _N_BARS) % 1.0,
    }
    passed: NDArray[np.float32] = fields[shape]
    return passed


def _pushed(old: Picture, new: Picture, share: float, detail: str) -> Picture:
    way, direction = detail.split("-")
    axis = 1 if direction in ("left", "right") else 0
    extent = old.shape[axis]
    eased = share * share * (3 - 2 * share)
    shift = min(max(round(eased * extent), 1), extent - 1)
    before, after = (old, new) if direction in ("left", "up") else (new, old)
    if way == "push":
        both = np.concatenate([before, after], axis=axis)
        first = shift if direction in ("left", "up") else extent - shift
        return both[:, first : first + extent] if axis else both[first : first + extent]
    covered = old.copy()
    kept = slice(0, shift) if direction in ("left", "up") else slice(extent - shift, extent)
    place = slice(extent - shift, extent) if direction in ("left", "up") else slice(0, shift)
    if axis:
        covered[:, place] = new[:, kept]
    else:
        covered[place] = new[kept]
    return covered
