"""Every kernel equals its twin, compiled or not; what is not a row of the registry fails here."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import numpy as np
import pytest
from cases import CASES
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import clipkit.kernels
from clipkit.kernels.luma import luma_measures
from clipkit.kernels.motion import best_ramp, grid_difference, shifted_likeness

PARAMETERS = [pytest.param(case, size, id=f"{case.name}-{size}") for case in CASES for size in case.sizes]
# Uncompiled loops over more values than this are for a long night.
SMALL = 2000


def assert_equal(case, args, **how):
    expected = case.expected(args)
    found = case.filled(args, **how)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=case.tolerance)


@pytest.mark.parametrize(("case", "size"), PARAMETERS)
def test_a_kernel_equals_its_twin(case, size):
    for seed in range(25):
        assert_equal(case, case.make(np.random.default_rng(seed), size))


@pytest.mark.parametrize(("case", "size"), PARAMETERS)
def test_a_kernel_means_the_same_without_compilation(case, size):
    for seed in range(4):
        args = case.make(np.random.default_rng(seed), size)
        if max(np.size(arg) for arg in args) <= SMALL:
            assert_equal(case, args, compiled=False)


def test_unsigned_bytes_do_not_wrap():
    black_beside_white = np.tile(np.array([0, 0, 255, 255], np.uint8), 18 * 8)
    edges = np.empty((9, 16), np.float32)

    luma_measures(black_beside_white, 32, 18, 32, np.empty((18, 32), np.uint8), edges, np.empty(256, np.int32))

    assert edges[:, 1:].tolist() == np.full((9, 15), 255.0).tolist()
    assert grid_difference(np.zeros((3, 3), np.uint8), np.full((3, 3), 255, np.uint8)) == 255.0


@given(arrays(np.uint8, (4, 5)), arrays(np.uint8, (4, 5)))
@settings(deadline=None)
def test_the_difference_of_grids_is_symmetric_and_zero_for_equal_ones(first, second):
    assert grid_difference(first, second) == grid_difference(second, first)
    assert grid_difference(first, first) == 0.0
    assert 0.0 <= grid_difference(first, second) <= 255.0


@given(arrays(np.uint8, (6, 8)))
@settings(deadline=None)
def test_a_shift_by_one_cell_costs_only_its_border(grid):
    difference = grid_difference(grid[:, :-1], grid[:, 1:])

    assert difference <= 255.0 * 6 / (6 * 7)


@given(st.integers(0, 6), st.integers(3, 9), st.integers(1, 6))
@settings(deadline=None)
def test_a_ramp_is_found_where_it_is(n_before, length, n_after):
    at = np.arange(n_before + length + n_after)

    assert best_ramp(np.clip((at - n_before) / length, 0.0, 1.0)) == (n_before, n_before + length)


@given(arrays(np.uint8, (8, 12)), st.integers(-3, 3), st.integers(-3, 3))
@settings(deadline=None)
def test_a_moved_picture_is_like_itself(grid, down, across):
    moved = np.roll(grid, (down, across), axis=(0, 1))

    assert shifted_likeness(grid, moved, 3, 3) >= shifted_likeness(grid, moved, 0, 0)
    if grid[3:5, 3:9].std() > 20:
        assert shifted_likeness(grid, moved, 3, 3) > 0.98


def test_the_grid_of_a_mirrored_plane_is_the_mirrored_grid(rng):
    pixels = rng.integers(0, 256, (36, 64), np.uint8)
    grids = []
    for one in (pixels, pixels[:, ::-1]):
        grid = np.empty((18, 32), np.uint8)
        clipkit.kernels.luma.cell_means(np.ascontiguousarray(one).ravel(), 64, 36, 64, grid)
        grids.append(grid)

    assert (grids[1] == grids[0][:, ::-1]).all()


@pytest.mark.parametrize(
    "name", [m.name for m in pkgutil.iter_modules(clipkit.kernels.__path__) if not m.name.startswith("_")]
)
def test_a_kernel_module_can_be_warmed_up(name):
    module = importlib.import_module(f"clipkit.kernels.{name}")

    module.warm_up()

    dispatchers = [value for value in vars(module).values() if hasattr(value, "py_func")]
    # What only other kernels call is part of their machine code, and is not compiled where that comes from the cache.
    own = [
        value
        for value in dispatchers
        if value.py_func.__module__ == module.__name__ and not value.py_func.__name__.startswith("_")
    ]
    assert own
    assert all(value.signatures for value in own), "warm_up() leaves a kernel uncompiled"


@pytest.mark.slow
def test_production_compiles_nothing_that_the_warm_up_did_not(tmp_path):
    """Run the frame pass in a process of its own after the warm-up and count signatures."""
    program = f"""
import numpy as np
from clipkit.kernels import luma, motion, peaks
luma.warm_up(); motion.warm_up(); peaks.warm_up()
kernels = [v for m in (luma, motion, peaks) for v in vars(m).values() if hasattr(v, "signatures")]
warm = {{k.py_func.__name__: len(k.signatures) for k in kernels}}
from clipkit.analysis.features import measure_frames
from clipkit.analysis.shots import detect_transitions
from clipkit.media.writer import write_video
from clipkit.params import Params
pictures = [np.full((72, 128, 3), 40 + 150 * (i >= 12), np.uint8) for i in range(24)]
write_video({str(tmp_path / "a.mp4")!r}, pictures, frame_rate=25)
frames = measure_frames({str(tmp_path / "a.mp4")!r}, Params())
detect_transitions(frames, Params().analysis)
print([k.py_func.__name__ for k in kernels if len(k.signatures) != warm[k.py_func.__name__]])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
