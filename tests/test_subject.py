"""Evidence of the subject, on pictures made in code."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from clipkit.analysis.activity import hold_camera
from clipkit.analysis.faces import Face, face_tracks
from clipkit.analysis.saliency import saliency
from clipkit.analysis.subject import N_BINS, Observer, Sight, evidence, picture_size

HEIGHT, WIDTH = 180, 320


def textured(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    coarse = rng.integers(60, 200, (height // 8 + 2, width // 8 + 2)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def watch(pictures: list[NDArray[np.uint8]], axis: str = "x", step_s: float = 0.1) -> Observer:
    observer = Observer(axis, faces=False, screens=True)  # type: ignore[arg-type]
    observer.begin_shot()
    for k, picture in enumerate(pictures):
        observer.glance(picture, k * step_s)
    return observer


def centre_of(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    bins = (np.arange(N_BINS) + 0.5) / N_BINS
    return (rows * bins).sum(axis=1) / rows.sum(axis=1)


def with_square(scene: NDArray[np.uint8], square: NDArray[np.uint8], x: float, y: float) -> NDArray[np.uint8]:
    picture = scene.copy()
    side = square.shape[0]
    top, left = round(y * scene.shape[0] - side / 2), round(x * scene.shape[1] - side / 2)
    picture[top : top + side, left : left + side] = square
    return picture


@pytest.mark.parametrize("pan_px", [0, 4])
def test_a_moving_square_is_found_also_while_the_camera_pans(rng: np.random.Generator, pan_px: int) -> None:
    wide, square = textured(rng, HEIGHT, 2 * WIDTH), textured(rng, 40, 40)
    places = np.linspace(0.2, 0.7, 20)
    pictures = [with_square(wide[:, k * pan_px : k * pan_px + WIDTH], square, x, 0.5) for k, x in enumerate(places)]

    rows = evidence(watch(pictures).sights[0], "x", 0.15)

    # Both the place it left and the one it came to change.
    assert np.abs(centre_of(rows[1:]) - places[1:]).max() < 0.1


def test_a_square_that_moves_down_is_found_along_y(rng: np.random.Generator) -> None:
    scene, square = textured(rng, 320, 180), textured(rng, 40, 40)
    places = np.linspace(0.2, 0.8, 20)

    rows = evidence(watch([with_square(scene, square, 0.5, y) for y in places], "y").sights[0], "y", 0.15)

    assert np.abs(centre_of(rows[1:]) - places[1:]).max() < 0.1


def test_a_still_picture_and_a_panned_one_are_no_evidence(rng: np.random.Generator) -> None:
    wide = textured(rng, HEIGHT, 2 * WIDTH)

    for step in (0, 4):
        pictures = [np.ascontiguousarray(wide[:, k * step : k * step + WIDTH]) for k in range(20)]
        assert not evidence(watch(pictures).sights[0], "x", 0.15).any()


def test_a_burnt_in_logo_over_a_pan_is_no_subject(rng: np.random.Generator) -> None:
    wide, logo = textured(rng, HEIGHT, 2 * WIDTH), textured(rng, 32, 32)
    pictures = [with_square(wide[:, k * 4 : k * 4 + WIDTH], logo, 0.9, 0.15) for k in range(30)]

    rows = evidence(watch(pictures).sights[0], "x", 0.0)

    assert rows[5:, int(0.85 * N_BINS) : int(0.95 * N_BINS)].sum(axis=1).mean() < 0.3


def test_even_bars_are_cut_off_and_a_dark_side_is_not() -> None:
    barred = np.full((HEIGHT, WIDTH), 120, np.uint8)
    barred[:, :40] = barred[:, -40:] = 16
    half_dark = np.full((HEIGHT, WIDTH), 120, np.uint8)
    half_dark[:, :80] = 5

    assert watch([barred]).content() == pytest.approx((0.125, 0.875), abs=0.01)
    assert watch([half_dark]).content() == (0.0, 1.0)
    assert watch([np.zeros((HEIGHT, WIDTH), np.uint8)]).content() == (0.0, 1.0)


def test_a_face_counts_only_when_it_is_seen_again() -> None:
    stays = [Face(0.3 * k, 0.3, 0.4, 0.1, 0.2) for k in range(5)]
    once = [Face(0.6, 0.8, 0.4, 0.3, 0.5)]
    n = 20
    nothing = [np.zeros(N_BINS, np.float32)] * n
    sight = Sight([0.1 * k for k in range(n)], nothing, nothing, sorted(stays + once), [])

    rows = evidence(sight, "x", 0.15)

    assert len(face_tracks(sight.faces)) == 1
    assert centre_of(rows[:15]) == pytest.approx(np.full(15, 0.3), abs=0.02)


def test_holding_the_camera_undoes_a_shift(rng: np.random.Generator) -> None:
    wide = textured(rng, 90, 180)
    before, after = wide[:, 4:164], wide[:, :160]

    held, seen = hold_camera(np.ascontiguousarray(after), np.array([4.0, 0, 0, 0, 0, 0]))

    assert (held[seen == 1] == before[seen == 1]).all()
    assert seen[:, :150].all()
    assert not seen[:, -4:].any()


@pytest.mark.parametrize("level", [0, 255])
def test_a_flat_picture_has_nothing_that_stands_out(level: int) -> None:
    assert not saliency(np.full((90, 160), level, np.uint8)).any()


@pytest.mark.parametrize("size", [(1920, 1080), (8, 8), (4000, 60), (60, 4000), (2, 2)])
def test_any_shape_can_be_looked_at(rng: np.random.Generator, size: tuple[int, int]) -> None:
    width, height = picture_size(*size, 320)
    pictures = [textured(rng, height, width) for _ in range(3)]

    rows = evidence(watch(pictures).sights[0], "x", 0.15)

    assert rows.shape == (3, N_BINS)
    assert np.isfinite(rows).all()
