"""Small pictures and counts of one decoded plane, each sample read once.

Conventions
-----------
A plane is ``samples`` (uint8, one dimension), ``stride``, ``height`` and ``width``: pixel (y, x)
is ``samples[y * stride + x]``, and what lies between ``width`` and ``stride`` is not looked at.
Cell ``c`` of ``n`` along an axis of ``size`` pixels covers ``[c * size // n, (c + 1) * size // n)``,
so every pixel belongs to exactly one cell; the caller sees to ``size >= n``.

Sums run down the columns first: the inner loops are then over contiguous samples and become
vector instructions.  16-bit column sums hold 257 lines, hence the bands.  Compiled
``uint8 - uint8`` wraps, so differences are taken as larger minus smaller.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clipkit.kernels._jit import kernel

BAND = 128


@kernel
def _add_to_cells(columns: NDArray[np.uint16], totals: NDArray[np.int64]) -> None:
    width, n_cells = columns.size, totals.size
    for cell in range(n_cells):
        total = np.int64(0)
        for x in range(cell * width // n_cells, (cell + 1) * width // n_cells):
            total += np.int64(columns[x])
        totals[cell] += total
    columns[:] = 0


@kernel
def _count_levels(line: NDArray[np.uint8], tables: NDArray[np.int32]) -> None:
    whole = line.size - line.size % 16
    for x in range(0, whole, 16):
        tables[0, line[x]] += 1
        tables[1, line[x + 4]] += 1
        tables[2, line[x + 8]] += 1
        tables[3, line[x + 12]] += 1
    for x in range(whole, line.size, 4):
        tables[0, line[x]] += 1


@kernel
def cell_means(samples: NDArray[np.uint8], stride: int, height: int, width: int, grid: NDArray[np.uint8]) -> None:
    """Fill `grid` with the rounded mean of every cell of a plane.

    Parameters
    ----------
    samples : ndarray of uint8, shape (at least (height - 1) * stride + width,)
    stride, height, width : int
    grid : ndarray of uint8, shape (n_rows, n_columns)
        Filled; ``n_rows <= height`` and ``n_columns <= width``.
    """
    n_rows, n_columns = grid.shape
    columns = np.zeros(width, np.uint16)
    totals = np.empty(n_columns, np.int64)
    for row in range(n_rows):
        top, bottom = row * height // n_rows, (row + 1) * height // n_rows
        totals[:] = 0
        for band in range(top, bottom, BAND):
            for y in range(band, min(band + BAND, bottom)):
                line = samples[y * stride : y * stride + width]
                for x in range(width):
                    columns[x] += np.uint16(line[x])
            _add_to_cells(columns, totals)
        for column in range(n_columns):
            n_pixels = (bottom - top) * ((column + 1) * width // n_columns - column * width // n_columns)
            grid[row, column] = (totals[column] + n_pixels // 2) // n_pixels


@kernel
def luma_measures(
    samples: NDArray[np.uint8],
    stride: int,
    height: int,
    width: int,
    grid: NDArray[np.uint8],
    edges: NDArray[np.float32],
    counts: NDArray[np.int32],
) -> None:
    """Fill cell means, edge energy and level counts of a luma plane in one pass.

    Parameters
    ----------
    samples : ndarray of uint8, shape (at least (height - 1) * stride + width,)
    stride, height, width : int
    grid : ndarray of uint8, shape (2 * n_rows, 2 * n_columns)
        Filled with the rounded cell means; no larger than the plane.
    edges : ndarray of float32, shape (n_rows, n_columns)
        Filled with the mean of ``|Y[y, x] - Y[y, x - 2]|`` over the even rows of each cell
        (0 where a cell holds no such pair).
    counts : ndarray of int32, shape (256,)
        Filled with how often each level occurs in the pixels whose row and column are multiples
        of 4: counting one by one is the dearest part, and a sixteenth of the pixels is enough.
    """
    n_rows, n_columns = edges.shape
    columns, steps = np.zeros(width, np.uint16), np.zeros(width, np.uint16)
    totals, step_totals = np.empty(2 * n_columns, np.int64), np.empty(n_columns, np.int64)
    # Four tables: neighbours are often alike, and a counter waits for the last addition to it.
    tables = np.zeros((4, 256), np.int32)
    for row in range(2 * n_rows):
        top, bottom = row * height // (2 * n_rows), (row + 1) * height // (2 * n_rows)
        totals[:] = 0
        if row % 2 == 0:
            step_totals[:] = 0
            first = top
        for band in range(top, bottom, BAND):
            for y in range(band, min(band + BAND, bottom)):
                line = samples[y * stride : y * stride + width]
                for x in range(width):
                    columns[x] += np.uint16(line[x])
                if y % 2 == 0:
                    for x in range(2, width):
                        steps[x] += np.uint16(max(line[x], line[x - 2]) - min(line[x], line[x - 2]))
                if y % 4 == 0:
                    _count_levels(line, tables)
            _add_to_cells(columns, totals)
            _add_to_cells(steps, step_totals)
        for column in range(2 * n_columns):
            n_pixels = (bottom - top) * ((column + 1) * width // (2 * n_columns) - column * width // (2 * n_columns))
            grid[row, column] = (totals[column] + n_pixels // 2) // n_pixels
        if row % 2 == 1:
            n_lines = (bottom + 1) // 2 - (first + 1) // 2
            for column in range(n_columns):
                n_steps = (column + 1) * width // n_columns - max(2, column * width // n_columns)
                edges[row // 2, column] = step_totals[column] / max(1, n_lines * n_steps)
    for level in range(256):
        counts[level] = tables[0, level] + tables[1, level] + tables[2, level] + tables[3, level]


def warm_up() -> None:
    """Compile the kernels for the arrays of the frame pass."""
    samples = np.zeros(32 * 32, np.uint8)
    samples.flags.writeable = False
    grid, edges, counts = np.empty((18, 32), np.uint8), np.empty((9, 16), np.float32), np.empty(256, np.int32)
    luma_measures(samples, 32, 32, 32, grid, edges, counts)
    cell_means(samples, 32, 32, 32, grid)
