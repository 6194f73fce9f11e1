"""How the window moves: the rules that every path keeps, and the best paths on small cases."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clipkit.analysis.camera import CameraPath, held_share, inclusion, path_at, plan_path, smooth_path, window_positions

RATE_HZ = 5.0
SIZE = 0.3164
MAX_SPEED = 0.7


def spots(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Evidence of a subject a tenth of the frame wide."""
    bins = (np.arange(64) + 0.5) / 64
    near = (np.abs(bins[None] - centres[:, None]) < 0.05).astype(np.float64)
    return near / near.sum(axis=1, keepdims=True)


def plan(evidence: NDArray[np.float64], size: float = SIZE) -> CameraPath:
    return plan_path(evidence, size=size, rate_hz=RATE_HZ, static_range=0.1, max_speed=MAX_SPEED)


def test_no_evidence_keeps_the_exact_middle() -> None:
    path = plan(np.zeros((40, 64)))

    assert path.layout == "centre"
    assert (path.positions == 0.5).all()


def test_even_evidence_keeps_the_exact_middle() -> None:
    path = plan(np.full((40, 64), 1 / 64))

    assert path.layout == "centre"
    assert (path.positions == 0.5).all()


def test_a_subject_that_stands_aside_gets_a_still_camera() -> None:
    path = plan(spots(np.full(40, 0.75)))

    assert path.layout == "static"
    assert np.ptp(path.positions) == 0
    assert abs(path.positions[0] - 0.75) < 0.1


def test_a_subject_that_walks_across_stays_in_the_window() -> None:
    centres = np.linspace(0.2, 0.8, 60)

    path = plan(spots(centres))

    assert path.layout in ("pan", "track")
    assert (np.abs(path.positions - centres) < SIZE / 2).all()


def test_a_subject_that_goes_and_comes_back_is_followed() -> None:
    centres = np.concatenate([np.full(15, 0.2), np.linspace(0.2, 0.8, 15), np.full(15, 0.8), np.linspace(0.8, 0.2, 15)])

    path = plan(spots(centres))

    assert path.layout == "track"
    assert (np.abs(path.positions - centres) < SIZE / 2).mean() > 0.95


def test_a_moment_of_distraction_moves_nothing() -> None:
    centres = np.full(50, 0.3)
    centres[25] = 0.9

    assert np.ptp(plan(spots(centres)).positions) == 0


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 40), st.floats(0.1, 1.0), st.integers(0, 2**32 - 1))
def test_the_window_stays_inside_rests_at_both_ends_and_keeps_the_speed_limit(n: int, size: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    evidence = spots(np.clip(np.cumsum(rng.normal(0.0, 0.1, n)) + rng.uniform(), 0.06, 0.94))
    knots_s = np.arange(n) / RATE_HZ
    times_s = np.linspace(0.0, knots_s[-1] + 0.19, 7 * n)

    centre = path_at(plan(evidence, size).positions, knots_s, times_s)

    assert (centre >= size / 2 - 1e-9).all()
    assert (centre <= 1 - size / 2 + 1e-9).all()
    step_s = times_s[1] - times_s[0]
    assert (np.abs(np.diff(centre)) <= MAX_SPEED * step_s + 1e-9).all()
    for resting in (times_s <= 0.3, times_s >= knots_s[-1] - 0.3):
        assert np.ptp(centre[resting]) < 1e-9


@pytest.mark.parametrize("size", [1.0, 0.9999999999999999, 1.0 - 1e-9])
def test_a_window_that_fills_the_frame_stays_in_the_middle(size: float) -> None:
    path = plan(spots(np.linspace(0.2, 0.8, 30)), size)

    assert path.layout == "centre"
    assert (path.positions == 0.5).all()


def test_the_calmest_path_of_a_ramp_is_the_ramp_between_its_rests() -> None:
    target = np.concatenate([np.full(4, 0.2), np.linspace(0.2, 0.6, 21)[1:-1], np.full(4, 0.6)])
    tight = 1e-4

    path = smooth_path(target, target - tight, target + tight, max_step=0.1, n_rest=3)

    assert path == pytest.approx(target, abs=5e-3)


def test_the_calmest_path_costs_no_more_than_any_path_on_a_grid() -> None:
    target = np.array([0.3, 0.5, 0.3, 0.5, 0.7])
    low, high = target - 0.05, target + 0.05

    def cost(path: NDArray[np.float64]) -> float:
        calm = sum(w * np.abs(np.diff(path, k)).sum() for k, w in ((1, 2.0), (2, 0.2), (3, 20.0)))
        outside = np.maximum(np.maximum(low - path, path - high), 0).sum()
        return float(calm + np.abs(path - target).sum() + 20.0 * outside)

    path = smooth_path(target, low, high, max_step=1.0, n_rest=0)
    grid = [np.array(tried) for tried in itertools.product(np.linspace(0.25, 0.75, 11), repeat=5)]

    assert cost(path) <= min(cost(tried) for tried in grid) + 1e-9


def test_the_path_is_smoother_than_what_it_follows(rng: np.random.Generator) -> None:
    target = np.clip(np.linspace(0.2, 0.8, 60) + rng.normal(0, 0.02, 60), 0.16, 0.84)

    path = smooth_path(target, target - 0.05, target + 0.05, max_step=0.2, n_rest=3)

    assert np.abs(np.diff(path, 3)).mean() < 0.02 * np.abs(np.diff(target, 3)).mean()


def test_inclusion_is_highest_with_the_subject_in_the_middle() -> None:
    positions = window_positions(SIZE, (0.0, 1.0))

    gains = inclusion(spots(np.array([0.5])), positions, SIZE)[0]

    assert gains[len(positions) // 2] == gains.max() == pytest.approx(1.0)
    assert gains[0] == 0.0


def test_the_window_keeps_off_bars() -> None:
    positions = window_positions(SIZE, (0.125, 0.875))

    assert positions[0] - SIZE / 2 == pytest.approx(0.125)
    assert positions[-1] + SIZE / 2 == pytest.approx(0.875)
    assert positions[32] == pytest.approx(0.5)


def test_the_held_share_is_what_lies_in_the_window() -> None:
    evidence = np.zeros((2, 10))
    evidence[:, 1], evidence[:, 8] = 1.0, 3.0

    assert held_share(evidence, np.array([0.15, 0.15]), 0.3) == pytest.approx(0.25)
    assert held_share(evidence, np.array([0.15, 0.85]), 0.3) == pytest.approx(0.5)
    assert held_share(np.zeros((2, 10)), np.array([0.5, 0.5]), 0.3) == 1.0
