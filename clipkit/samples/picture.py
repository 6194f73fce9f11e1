"""The pictures of the sample: a drawn speaker before a still backdrop."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[Any]

_PALETTES = (
    ((38, 70, 83), (42, 157, 143), (244, 162, 97)),
    ((61, 52, 139), (118, 120, 237), (247, 184, 1)),
    ((20, 33, 61), (92, 107, 143), (252, 163, 17)),
    ((74, 78, 105), (154, 140, 152), (242, 233, 228)),
    ((0, 78, 100), (0, 165, 207), (255, 209, 102)),
    ((88, 47, 14), (182, 138, 92), (127, 212, 193)),
    ((33, 68, 52), (106, 153, 78), (242, 232, 207)),
    ((73, 17, 28), (157, 78, 90), (255, 230, 167)),
)


def subject_centre(scene: int, time_s: float) -> tuple[float, float]:
    """Return where the middle of the speaker's face is, as shares of the picture."""
    home = (0.24, 0.72, 0.36, 0.66, 0.5, 0.28, 0.74, 0.4)[scene % 8]
    reach = (0.04, 0.03, 0.22, 0.03, 0.05, 0.2, 0.04, 0.05)[scene % 8]
    x = home + reach * math.sin(2 * math.pi * time_s / 9.0)
    return x, 0.46 + 0.008 * math.sin(2 * math.pi * time_s / 1.7)


def backdrop(scene: int, width: int, height: int) -> Picture:
    """Return the still background of a scene, RGB uint8 of shape (height, width, 3)."""
    rng = np.random.default_rng(100 + scene)
    low, high, accent = (np.array(colour, dtype=np.float32) for colour in _PALETTES[scene % len(_PALETTES)])
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    picture: Picture = np.broadcast_to(low * (1 - down) + high * down, (height, width, 3)).copy()
    for _ in range(9):
        x, y = rng.integers(0, width), rng.integers(0, int(height * 0.7))
        size = int(height * (0.05 + 0.12 * rng.random()))
        shade = picture[y, x] * (0.75 + 0.5 * rng.random())
        corner = (int(x + size * (0.6 + rng.random())), int(y + size))
        cv2.rectangle(picture, (int(x), int(y)), corner, shade.tolist(), -1, cv2.LINE_AA)
    floor_y = int(height * 0.86)
    picture[floor_y:] = picture[floor_y:] * 0.6
    cv2.line(picture, (0, floor_y), (width, floor_y), accent.tolist(), max(1, height // 240), cv2.LINE_AA)
    grain = rng.normal(0, 3, (height, width, 1)).astype(np.float32)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def draw_speaker(picture: Picture, scene: int, time_s: float, mouth: float) -> Picture:
    """Draw the speaker into `picture`, the mouth open by a share of 0 to 1, and return it."""
    height, width = picture.shape[:2]
    x, y = subject_centre(scene, time_s)
    centre = (round(x * width), round(y * height))
    head = round(0.12 * height)
    coat, skin, dark = _PALETTES[scene % len(_PALETTES)][2], (236, 188, 152), (40, 30, 30)
    shoulders = (centre[0], centre[1] + round(3.1 * head))
    cv2.ellipse(picture, shoulders, (round(1.4 * head), 2 * head), 0, 180, 360, coat, -1, cv2.LINE_AA)
    cv2.rectangle(
        picture, (shoulders[0] - round(1.4 * head), shoulders[1]), (shoulders[0] + round(1.4 * head), height), coat, -1
    )
    wave = 0.5 + 0.5 * math.sin(2 * math.pi * time_s / 2.3)
    hand = (centre[0] + round((1.7 + 0.3 * wave) * head), centre[1] + round((2.6 - 1.1 * wave) * head))
    cv2.line(picture, (centre[0] + head, shoulders[1] - head // 2), hand, coat, head // 2, cv2.LINE_AA)
    cv2.circle(picture, hand, head // 3, skin, -1, cv2.LINE_AA)
    cv2.ellipse(picture, centre, (round(0.8 * head), head), 0, 0, 360, skin, -1, cv2.LINE_AA)
    cv2.ellipse(
        picture,
        (centre[0], centre[1] - head // 3),
        (round(0.84 * head), round(0.72 * head)),
        0,
        180,
        360,
        dark,
        -1,
        cv2.LINE_AA,
    )
    for side in (-1, 1):
        eye = (centre[0] + side * round(0.3 * head), centre[1] - head // 12)
        cv2.ellipse(picture, eye, (head // 7, head // 10), 0, 0, 360, (250, 250, 250), -1, cv2.LINE_AA)
        cv2.circle(picture, eye, max(1, head // 14), dark, -1, cv2.LINE_AA)
    lips = (centre[0], centre[1] + round(0.5 * head))
    cv2.ellipse(
        picture, lips, (round(0.28 * head), 1 + round(0.2 * head * mouth)), 0, 0, 360, (150, 50, 60), -1, cv2.LINE_AA
    )
    return picture
