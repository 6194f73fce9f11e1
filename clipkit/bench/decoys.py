"""Disturbances inside one shot that are no transitions: what a shot detector must not fall for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

from clipkit.bench.joins import Picture

KINDS = ("flash", "lightning", "ramp", "pan", "shake", "overlay", "freeze", "title", "inset")
# Pan and shake look through a window of this share of the picture.
_WINDOW = 2 / 3
_WORDS = ("Breaking news", "Chapter two", "Live now", "Coming up next", "Part three")


@dataclass
class Decoy:
    """One disturbance of the pictures of a shot.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    begin, end : int
        Pictures of the shot from which it is seen and from which it stands still again.
    seed : int
        What is random in it.
    inset : iterator of Picture, optional
        The pictures shown in the corner, for ``inset``; small ones.
    """

    kind: str
    begin: int
    end: int
    seed: int
    inset: Iterator[Picture] | None = field(default=None, repr=False)

    def source_index(self, k: int) -> int:
        """Return which picture of the footage is shown as picture `k` of the shot: a freeze holds, then goes on."""
        if self.kind != "freeze":
            return k
        return min(k, self.begin) if k < self.end else k - (self.end - self.begin)

    def apply(self, picture: Picture, k: int) -> Picture:
        """Return picture `k` of the shot as it is shown; `picture` stays as it is."""
        if self.kind == "freeze":
            return picture
        if self.kind in ("pan", "shake"):
            return self._moved(picture, k)
        if k < self.begin or (k >= self.end and self.kind in ("flash", "lightning", "title", "inset")):
            return picture
        rng = random.Random(self.seed)
        share = min(1.0, (k - self.begin + 1) / (self.end - self.begin))
        if self.kind == "flash":
            return _scaled(picture, 0.25, 191.0)
        if self.kind == "lightning":
            period = rng.randint(3, 8)
            return picture if (k - self.begin) // period % 2 else _scaled(picture, 1.6, 50.0)
        if self.kind == "ramp":
            return _scaled(picture, 1 + (rng.choice((0.45, 1.8)) - 1) * share, 0.0)
        if self.kind == "inset":
            return self._with_inset(picture, rng)
        return _with_title(picture, share, rng, is_crawl=self.kind == "title")

    def _moved(self, picture: Picture, k: int) -> Picture:
        height, width = picture.shape[:2]
        x = y = (1 - _WINDOW) / 2
        if self.kind == "pan":
            share = min(1.0, max(0.0, (k - self.begin) / (self.end - self.begin)))
            x = (1 - _WINDOW) * (share if self.seed % 2 else 1 - share)
        elif self.begin <= k < self.end:
            shift = np.random.default_rng((self.seed, k)).uniform(-0.05, 0.05, 2)
            x, y = x + float(shift[0]), y + float(shift[1])
        zoom = 1 / _WINDOW
        matrix = np.array([[zoom, 0, -x * width * zoom], [0, zoom, -y * height * zoom]])
        moved = cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        return moved.astype(np.uint8, copy=False)

    def _with_inset(self, picture: Picture, rng: random.Random) -> Picture:
        assert self.inset is not None
        small = next(self.inset)
        height, width = small.shape[:2]
        gap = picture.shape[0] // 20
        y = rng.choice((gap, picture.shape[0] - gap - height))
        x = rng.choice((gap, picture.shape[1] - gap - width))
        shown = picture.copy()
        shown[y : y + height, x : x + width] = small
        return shown


def draw_decoy(kind: str, first: int, last: int, rate: float, rng: random.Random) -> Decoy | None:
    """Return a decoy that lies within pictures ``first <= k < last`` of its shot, or None where it does not fit.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    first, last : int
    rate : float
        Frames a second.
    rng : random.Random
    """
    few = max(1.0, rate / 30)
    seed = rng.randrange(1 << 30)
    length = {
        "flash": lambda: rng.randint(1, 3) * few,
        "lightning": lambda: rng.randint(3, 6) * 5.0 * few,
        "ramp": lambda: rng.uniform(0.5, 1.0) * rate,
        "pan": lambda: rng.uniform(0.5, 1.2) * rate,
        "shake": lambda: rng.uniform(0.5, 1.2) * rate,
        "overlay": lambda: rng.uniform(0.15, 0.4) * rate,
        "freeze": lambda: rng.uniform(0.4, 1.6) * rate,
        "title": lambda: rng.uniform(1.0, 2.5) * rate,
        "inset": lambda: rng.uniform(0.8, 2.5) * rate,
    }[kind]()
    n_frames = max(1, round(length))
    if last - first < n_frames:
        return None
    begin = rng.randint(first, last - n_frames)
    return Decoy(kind, begin, begin + n_frames, seed)


def _scaled(picture: Picture, gain: float, lift: float) -> Picture:
    return cv2.convertScaleAbs(picture, alpha=gain, beta=lift)  # type: ignore[return-value]


def _with_title(picture: Picture, share: float, rng: random.Random, *, is_crawl: bool) -> Picture:
    """Draw a lower third that slides in, or a line of text that crosses the picture."""
    height, width = picture.shape[:2]
    colour = tuple(rng.randrange(256) for _ in range(3))
    words, scale = rng.choice(_WORDS), height / (220 if is_crawl else 500)
    shown = picture.copy()
    if is_crawl:
        (text_width, _), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, scale, max(1, height // 90))
        at = (round(width - (width + text_width) * share), round(height * rng.uniform(0.3, 0.8)))
    else:
        right = round(width * 0.45 * share)
        cv2.rectangle(shown, (0, round(height * 0.62)), (right, round(height * 0.88)), colour, -1)
        at = (right - round(width * 0.42), round(height * 0.77))
    cv2.putText(shown, words, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), max(1, height // 90))
    return shown
