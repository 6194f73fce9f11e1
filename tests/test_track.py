"""Kernels that take the camera's motion away and follow a subject, each against a slow twin."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clipkit.kernels.track import best_path, camera_motion, own_motion


def affine_flow(motion: NDArray[np.float64], height: int, width: int) -> NDArray[np.float32]:
    y = ((2 * np.arange(height) + 1) / height - 1)[:, None]
    x = ((2 * np.arange(width) + 1) / width - 1)[None]
    a, b, c, d, e, f = motion
    return np.stack([a + b * x + c * y, d + e * x + f * y], axis=-1).astype(np.float32)


def slow_camera_motion(
    flow: NDArray[np.float32], weights: NDArray[np.float32], spread: float, n_rounds: int
) -> NDArray[np.float64]:
    height, width = weights.shape
    y, x = np.meshgrid((2 * np.arange(height) + 1) / height - 1, (2 * np.arange(width) + 1) / width - 1, indexing="ij")
    design = np.stack([np.ones(x.size), x.ravel(), y.ravel()], axis=1)
    wanted = flow.reshape(-1, 2).astype(np.float64)
    fit = np.zeros((3, 2))
    for _ in range(n_rounds):
        off = ((wanted - design @ fit) ** 2).sum(axis=1)
        trust = np.sqrt(weights.ravel().astype(np.float64) / (1 + off / spread**2))[:, None]
        fit = np.linalg.lstsq(design * trust, wanted * trust, rcond=None)[0]
    return fit.T.ravel()


@pytest.mark.parametrize("shape", [(4, 5), (9, 16), (17, 3)])
def test_camera_motion_equals_its_slow_twin(rng: np.random.Generator, shape: tuple[int, int]) -> None:
    flow = rng.normal(0, 2, (*shape, 2)).astype(np.float32)
    weights = rng.uniform(0, 1, shape).astype(np.float32)

    # The twin has no ridge, which moves the kernel's result by about a millionth.
    assert camera_motion(flow, weights, 0.7, 5) == pytest.approx(slow_camera_motion(flow, weights, 0.7, 5), abs=1e-4)


def test_camera_motion_is_found_though_a_third_of_the_picture_moves_otherwise() -> None:
    truth = np.array([3.0, 0.5, -0.2, -1.0, 0.1, 0.4])
    flow = affine_flow(truth, 18, 32)
    flow[:, :10] += np.float32([9.0, -6.0])

    found = camera_motion(flow, np.ones((18, 32), np.float32), 0.7, 20)

    # Plain least squares is off by 9 px times a third; Cauchy's weight leaves about a tenth of a pixel.
    assert found == pytest.approx(truth, abs=0.15)


def test_without_texture_there_is_no_camera_motion() -> None:
    flow = np.full((6, 8, 2), 5, np.float32)

    assert (camera_motion(flow, np.zeros((6, 8), np.float32), 0.7, 4) == 0).all()


def test_own_motion_is_what_the_camera_leaves(rng: np.random.Generator) -> None:
    motion = rng.normal(0, 1, 6)
    extra = rng.normal(0, 3, (7, 11, 2)).astype(np.float32)
    out = np.empty((7, 11), np.float32)

    own_motion(affine_flow(motion, 7, 11) + extra, motion, out)

    assert out == pytest.approx(np.hypot(extra[..., 0], extra[..., 1]), abs=1e-4)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(0, 3),
    st.floats(0, 2),
    st.integers(0, 2**32 - 1),
)
def test_best_path_scores_as_high_as_trying_every_path(
    n_steps: int, n_positions: int, max_step: int, price: float, seed: int
) -> None:
    scores = np.random.default_rng(seed).uniform(0, 1, (n_steps, n_positions))

    def total(path: tuple[int, ...] | NDArray[np.int64]) -> float:
        moves = np.abs(np.diff(path))
        if (moves > max_step).any():
            return -np.inf
        return float(scores[np.arange(n_steps), list(path)].sum() - price * moves.sum())

    best = max(total(path) for path in itertools.product(range(n_positions), repeat=n_steps))

    assert total(best_path(scores, price, max_step)) == pytest.approx(best)


def test_best_path_stands_in_the_middle_when_all_places_are_equal() -> None:
    assert best_path(np.zeros((4, 5)), 0.1, 2).tolist() == [2, 2, 2, 2]
