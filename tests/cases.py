"""The registry of kernels: equality tests and ``clipkit bench`` both read it.

A new kernel needs its twin in ``tests/reference.py`` and one row here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import reference

from clipkit.kernels import audio, light, limiter, loudness, luma, matrix, motion, peaks, resample


@dataclass(frozen=True)
class Case:
    """One kernel.

    ``make(rng, size)`` returns the arguments; the last ``n_filled`` of them are what the kernel
    fills, before that come its inputs, which the twin takes too (a luma twin gets the shape of
    the grid in place of the filled arrays).  ``sizes`` are small and odd, ``bench_size`` is real.
    ``tolerance`` is the largest absolute difference: 0 for integers.
    """

    kernel: Callable[..., Any]
    twin: Callable[..., Any]
    make: Callable[..., tuple[Any, ...]]
    sizes: tuple[Any, ...]
    bench_size: Any
    n_filled: int = 0
    tolerance: float = 0.0
    opencv: Callable[..., Any] | None = None

    @property
    def name(self) -> str:
        return str(self.kernel.__name__)

    def filled(self, args: tuple[Any, ...], *, compiled: bool = True) -> tuple[Any, ...]:
        """Run the kernel; return what it returns, or the arrays that it filled."""
        function = self.kernel if compiled else self.kernel.py_func  # type: ignore[attr-defined]
        result = function(*args)
        if self.n_filled:
            return tuple(args[len(args) - self.n_filled :])
        return result if isinstance(result, tuple) else (result,)

    def expected(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Run the twin on the same inputs."""
        inputs = args[: len(args) - self.n_filled]
        if self.kernel in (luma.cell_means, luma.luma_measures, luma.picture_measures):
            inputs = (*inputs, args[len(inputs)].shape)
        result = self.twin(*inputs)
        return result if isinstance(result, tuple) else (result,)


FILLS = ("random", "extremes", "black", "white", "ramp")


def levels(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return levels of a kind that the generator picks; 0 and 255 side by side are the trap of unsigned bytes."""
    fill = rng.choice(FILLS)
    if fill == "random":
        return rng.integers(0, 256, shape, np.uint8)
    if fill == "extremes":
        return rng.choice(np.array([0, 255], np.uint8), shape)
    if fill == "ramp":
        return (np.arange(np.prod(shape)) % 256).astype(np.uint8).reshape(shape)
    return np.full(shape, 0 if fill == "black" else 255, np.uint8)


def plane(rng: np.random.Generator, height: int, width: int, padding: int) -> tuple[np.ndarray, int, int, int]:
    """Return a read-only plane; what lies behind a row is noise, and nothing lies behind the last one."""
    stride = width + padding
    samples = rng.integers(0, 256, height * stride, np.uint8)
    pixels = levels(rng, (height, width))
    for y in range(height):
        samples[y * stride : y * stride + width] = pixels[y]
    samples = samples[: height * stride - padding].copy()
    samples.flags.writeable = False
    return samples, stride, height, width


def make_cell_means(rng, size):
    height, width, padding, shape = size
    return (*plane(rng, height, width, padding), np.full(shape, 7, np.uint8))


def make_luma_measures(rng, size):
    height, width, padding, (n_rows, n_columns) = size
    filled = (
        np.full((n_rows, n_columns), 7, np.uint8),
        np.full((n_rows // 2, n_columns // 2), -1, np.float32),
        np.full(256, -1, np.int32),
    )
    return (*plane(rng, height, width, padding), *filled)


def make_picture_measures(rng, size):
    height, width, padding, (n_rows, n_columns) = size
    colours = [plane(rng, (height + 1) // 2, (width + 1) // 2, padding) for _ in range(2)]
    args = make_luma_measures(rng, size)
    small = np.full((2, n_rows // 2, n_columns // 2), 7, np.uint8)
    return (*args[:4], *colours[0], *colours[1], args[4], small, *args[5:])


def before(rng, n_frames):
    return np.maximum(np.arange(n_frames) - rng.integers(0, 3, n_frames), 0)


def make_blend(rng, size, dtype, out_dtype):
    n_rows, width, n_taps, n_out = size
    plane = levels(rng, (n_rows, width)).astype(dtype)
    firsts = np.sort(rng.integers(0, n_rows - n_taps + 1, n_out))
    weights = rng.uniform(-0.5, 1.5, (n_taps, n_out)).astype(np.float32)
    return plane, firsts, weights, np.full((n_out, width), 7, out_dtype)


def voiced(rng, n_samples):
    """Return a tone with overtones in noise, or silence: peaks of a correlation that rounding does not swap."""
    phase = 2 * np.pi * np.arange(n_samples) / rng.uniform(3.0, 30.0)
    sound = np.sin(phase) + 0.5 * np.sin(2 * phase + 1.0) + 0.05 * rng.standard_normal(n_samples)
    return (rng.choice([0.0, 1e-7, 0.3]) * sound).astype(np.float32)


def make_light(rng, size):
    """Return noise or ramps with curves as smooth as real ones, and primaries and levels much like theirs."""
    height, width, padding = size
    codes = rng.choice(["noise", "ramp"])
    planes = [
        rng.integers(0, 1024, shape, np.uint16)
        if codes == "noise"
        else np.linspace(rng.integers(0, 500), rng.integers(500, 1024), shape[0] * shape[1])
        .astype(np.uint16)
        .reshape(shape)
        for shape in [(height, width + padding)] + 2 * [((height + 1) // 2, (width + 1) // 2 + padding)]
    ]
    x = np.linspace(0.0, 1.0, 500)
    curves = np.stack([3 * x**4, 0.4 + 0.5 * x, 1.0 - 0.3 * x, x ** (5 / 3)])
    to_index = 499 * np.array([1 / 876, -64 / 876, 1.4 / 896, -0.2 / 896, -0.6 / 896, 1.9 / 896])
    to_primaries = np.array([[1.66, -0.59, -0.07], [-0.12, 1.13, -0.01], [-0.02, -0.10, 1.12], [0.26, 0.68, 0.06]])
    to_levels = np.array([[47, 156, 16], [-26, -86, 112], [112, -102, -10]])
    tables = (table.astype(np.float32) for table in (to_index, to_primaries, curves, to_levels))
    out = [np.full(shape, 7, np.uint8) for shape in [(height, width)] + 2 * [((height + 1) // 2, (width + 1) // 2)]]
    return (*planes, width, *tables, *out)


def shrink(samples, stride, height, width, grid, *_):
    """Do the same as the grid of a kernel with OpenCV."""
    pixels = np.lib.stride_tricks.as_strided(samples, (height, width), (stride, 1))
    return cv2.resize(pixels, grid.shape[::-1], interpolation=cv2.INTER_AREA)


CASES = (
    Case(
        luma.cell_means,
        reference.cell_means,
        make_cell_means,
        (
            (1, 1, 0, (1, 1)),
            (2, 2, 3, (2, 2)),
            (9, 16, 0, (9, 16)),
            (37, 53, 11, (9, 16)),
            (53, 37, 0, (16, 9)),
            (600, 20, 1, (2, 3)),
        ),
        (540, 960, 0, (9, 16)),
        n_filled=1,
        opencv=shrink,
    ),
    Case(
        luma.luma_measures,
        reference.luma_measures,
        make_luma_measures,
        ((2, 2, 0, (2, 2)), (18, 32, 5, (18, 32)), (45, 77, 3, (18, 32)), (97, 33, 0, (32, 18)), (530, 12, 4, (2, 4))),
        (1080, 1920, 0, (18, 32)),
        n_filled=3,
        tolerance=1e-4,  # the float32 of a mean up to 255
        opencv=shrink,
    ),
    Case(
        luma.picture_measures,
        reference.picture_measures,
        make_picture_measures,
        ((2, 2, 0, (2, 2)), (18, 32, 5, (18, 32)), (97, 33, 1, (32, 18))),
        (180, 640, 0, (18, 32)),
        n_filled=4,
        tolerance=1e-4,
    ),
    Case(
        motion.grid_difference,
        reference.grid_difference,
        lambda rng, size: (levels(rng, size), levels(rng, size)),
        ((1, 1), (1, 5), (4, 1), (3, 3), (18, 32), (32, 18)),
        (18, 32),
        tolerance=1e-9,
    ),
    Case(
        motion.grid_differences,
        reference.grid_differences,
        lambda rng, size: (levels(rng, size), before(rng, size[0]), np.empty(size[0], np.float32)),
        ((1, 3, 4), (5, 2, 2), (4, 18, 32)),
        (1000, 18, 32),
        n_filled=1,
        tolerance=1e-4,
    ),
    Case(
        motion.differences_to_last,
        reference.differences_to_last,
        lambda rng, size: (
            np.repeat(levels(rng, size), 2, axis=0),
            0.1,
            np.empty(2 * size[0], np.int64),
            np.empty(2 * size[0], np.float32),
        ),
        ((1, 3, 4), (5, 2, 2), (4, 18, 32)),
        (1000, 18, 32),
        n_filled=2,
        tolerance=1e-4,
    ),
    Case(
        motion.depths,
        reference.depths,
        lambda rng, size: (levels(rng, size), 16.0, 235.0, np.empty((size[0], 3), np.float32)),
        ((1, 1, 1), (3, 5, 2), (2, 18, 32)),
        (1000, 18, 32),
        n_filled=1,
        tolerance=1e-3,
    ),
    Case(
        motion.changes,
        reference.changes,
        lambda rng, size: (
            levels(rng, size[:2]),
            rng.random(size[1]).astype(np.float32),
            size[2],
            np.empty(size[0] - size[2], np.float32),
        ),
        ((2, 1, 1), (9, 7, 3), (30, 12, 20)),
        (1000, 432, 20),
        n_filled=1,
        tolerance=1e-2,  # float32 sums of squares up to 1e6
    ),
    Case(
        motion.best_ramp,
        reference.best_ramp,
        lambda rng, size: (np.sort(rng.normal(0.5, 0.5, size)),),
        ((4,), (5,), (13,)),
        (40,),
    ),
    Case(
        motion.shifted_likeness,
        reference.shifted_likeness,
        lambda rng, size: (levels(rng, size), levels(rng, size), size[0] // 2, size[1] // 2),
        ((1, 1), (3, 4), (9, 5)),
        (18, 32),
        tolerance=1e-9,
    ),
    Case(
        motion.moving_shares,
        reference.moving_shares,
        lambda rng, size: (levels(rng, size), before(rng, size[0]), 4, np.empty(size[0], np.float32)),
        ((1, 1, 1), (5, 3, 4), (3, 18, 32)),
        (1000, 18, 32),
        n_filled=1,
        tolerance=1e-6,
    ),
    Case(
        resample.blend_rows,
        reference.blend_rows,
        lambda rng, size: make_blend(rng, size, np.uint8, np.float32),
        ((4, 1, 4, 1), (4, 1, 4, 3), (9, 7, 8, 9), (33, 40, 12, 21)),
        (412, 720, 4, 1080),
        n_filled=1,
        tolerance=1e-2,  # float32 sums of levels
    ),
    Case(
        resample.blend_rows_to_levels,
        reference.blend_rows_to_levels,
        lambda rng, size: make_blend(rng, size, np.float32, np.uint8),
        ((4, 1, 4, 1), (4, 1, 4, 3), (9, 7, 8, 9), (33, 40, 12, 21)),
        (720, 1080, 4, 1920),
        n_filled=1,
        tolerance=1,  # a float32 sum may fall on the other side of a half
    ),
    Case(
        matrix.change_matrix,
        reference.change_matrix,
        lambda rng, size: (
            levels(rng, (2 * size[0], 2 * size[1])),
            *(levels(rng, size) for _ in "uv"),
            rng.uniform(-1, 1.5, (3, 3)).astype(np.float32),
            rng.uniform(-20, 20),
            *(np.full(shape, 7, np.uint8) for shape in ((2 * size[0], 2 * size[1]), size, size)),
        ),
        ((1, 1), (2, 1), (3, 5), (9, 20)),
        (960, 540),
        n_filled=3,
        tolerance=1,  # a float32 sum may fall on the other side of a half
    ),
    Case(
        light.map_light,
        reference.map_light,
        make_light,
        ((1, 1, 0), (2, 2, 3), (3, 5, 0), (4, 7, 9), (9, 16, 1)),
        (1080, 1920, 0),
        n_filled=3,
        tolerance=1,  # a float32 may fall on the other side of a half
    ),
    Case(
        peaks.prominent_peaks,
        reference.prominent_peaks,
        # Whole numbers, so that there are plateaus and equal peaks.
        lambda rng, size: (rng.integers(0, 9, size).astype(np.float64), 3.0, np.empty(size, np.bool_)),
        ((1,), (2,), (7,), (300,)),
        (108_000,),
        n_filled=1,
    ),
    Case(
        peaks.highest_around,
        reference.highest_around,
        lambda rng, size: (rng.normal(size=size), 5),
        ((1,), (4,), (300,)),
        (108_000,),
    ),
    Case(
        limiter.released_gain,
        reference.released_gain,
        lambda rng, size: (rng.random(size).astype(np.float32), 0.003, np.empty(size, np.float32)),
        ((1,), (2,), (500,)),
        (480_000,),
        n_filled=1,
        tolerance=1e-6,
    ),
    Case(
        loudness.weighted_power,
        reference.weighted_power,
        lambda rng, size: (
            rng.uniform(-1, 1, (size[0] * size[1] + 1, size[2])).astype(np.float32),
            loudness.k_weighting(48000),
            size[0],
            np.zeros((size[2], 4)),
            np.empty((size[1], size[2])),
        ),
        ((1, 1, 1), (3, 2, 1), (7, 40, 2), (48, 4, 6)),
        (480, 2000, 2),
        n_filled=2,
        tolerance=1e-9,
    ),
    Case(
        loudness.peak_envelope,
        reference.peak_envelope,
        lambda rng, size: (
            rng.uniform(-1, 1, size[:2]).astype(np.float32),
            rng.uniform(-1, 1, size[2:]).astype(np.float32),
            np.full(size[0], 7.0, np.float32),
        ),
        ((1, 1, 1, 1), (5, 2, 3, 7), (2100, 2, 4, 25)),
        (480_000, 2, 4, 25),
        n_filled=1,
        tolerance=1e-5,  # float32 sums
    ),
    Case(
        audio.strongest_periods,
        reference.strongest_periods,
        lambda rng, size: (
            voiced(rng, (size[0] - 1) * size[1] + size[2] + size[4] + 1),
            *size[1:],
            0.03,
            np.empty(size[0], np.float32),
            np.empty(size[0], np.float32),
        ),
        ((1, 3, 8, 2, 3), (3, 5, 20, 2, 9), (6, 40, 80, 5, 33)),
        (1000, 80, 160, 10, 67),
        n_filled=2,
        tolerance=5e-3,  # float32 sums, and periods up to 67 samples
    ),
)
