"""Small pictures and counts of one decoded plane, each sample read once.

Conventions
-----------
A plane is ``samples`` (uint8, one dimension), ``stride``, ``height`` and ``width``: pixel (y, x)
is ``samples[y * stride + x]``, and what lies between ``width`` and ``stride`` is not looked at.
Cell ``c`` of ``n`` along an axis of ``size`` pixels covers ``[c * size // n, (c + 1) * size // n)``,
so every pixel belongs to exactly one cell; the caller sees to ``size >= n``.

Sums run down the columns first: the inner loops are then over contiguous samples and become
vector instructions, best over two lines at a time.  16-bit column sums hold 257 lines, hence the
bands.  Compiled ``uint8 - uint8`` wraps, so differences are taken as larger minus smaller.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clipkit.kernels._jit import kernel

BAND = 128


@kernel
def _bounds(size: int, n_cells: int) -> NDArray[np.int64]:
    bounds = np.empty(n_cells + 1, np.int64)
    for cell in range(n_cells + 1):
        bounds[cell] = cell * size // n_cells
    return bounds


@kernel
def _add_line(line: NDArray[np.uint8], columns: NDArray[np.uint16]) -> None:
    for x in range(columns.size):
        columns[x] += np.uint16(line[x])


@kernel
def _add_pair(first: NDArray[np.uint8], second: NDArray[np.uint8], columns: NDArray[np.uint16]) -> None:
    for x in range(columns.size):
        columns[x] += np.uint16(np.uint16(first[x]) + np.uint16(second[x]))


@kernel
def _add_steps(left: NDArray[np.uint8], right: NDArray[np.uint8], steps: NDArray[np.uint16]) -> None:
    for x in range(steps.size):
        steps[x] += np.uint16(np.uint8(max(left[x], right[x]) - min(left[x], right[x])))


@kernel
def _add_lines(
    samples: NDArray[np.uint8], stride: int, first: int, last: int, width: int, columns: NDArray[np.uint16]
) -> None:
    for y in range(first, last - 1, 2):
        at, below = y * stride, (y + 1) * stride
        _add_pair(samples[at : at + width], samples[below : below + width], columns)
    if (last - first) % 2 == 1:
        at = (last - 1) * stride
        _add_line(samples[at : at + width], columns)


@kernel
def _add_to_cells(columns: NDArray[np.uint16], bounds: NDArray[np.int64], totals: NDArray[np.int64]) -> None:
    for cell in range(totals.size):
        # A slice counted from 0 becomes vector instructions; a range from a bound could begin below 0, and does not.
        part = columns[bounds[cell] : bounds[cell + 1]]
        total = np.uint32(0)
        for x in range(part.size):
            total = np.uint32(total + part[x])
        totals[cell] += total
    columns[:] = 0


@kernel
def _rounded_mean(total: int, n_pixels: int) -> np.uint8:
    # Dividing floats is several times faster, and exact for integers this small.
    return np.uint8(np.int32(np.float64(total + n_pixels // 2) / np.float64(n_pixels)))


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
    rows, cells = _bounds(height, n_rows), _bounds(width, n_columns)
    columns = np.zeros(width, np.uint16)
    totals = np.empty(n_columns, np.int64)
    for row in range(n_rows):
        top, bottom = rows[row], rows[row + 1]
        totals[:] = 0
        for band in range(top, bottom, BAND):
            _add_lines(samples, stride, band, min(band + BAND, bottom), width, columns)
            _add_to_cells(columns, cells, totals)
        for column in range(n_columns):
            grid[row, column] = _rounded_mean(totals[column], (bottom - top) * (cells[column + 1] - cells[column]))


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
    rows, cells, pairs = _bounds(height, 2 * n_rows), _bounds(width, 2 * n_columns), _bounds(width, n_columns)
    columns, steps = np.zeros(width, np.uint16), np.zeros(width, np.uint16)
    totals, step_totals = np.empty(2 * n_columns, np.int64), np.empty(n_columns, np.int64)
    # Four tables: neighbours are often alike, and a counter waits for the last addition to it.
    tables = np.zeros((4, 256), np.int32)
    for row in range(2 * n_rows):
        top, bottom = rows[row], rows[row + 1]
        totals[:] = 0
        if row % 2 == 0:
            step_totals[:] = 0
            first = top
        for band in range(top, bottom, BAND):
            end = min(band + BAND, bottom)
            _add_lines(samples, stride, band, end, width, columns)
            _add_to_cells(columns, cells, totals)
            for y in range((band + 1) // 2 * 2, end, 2):
                at = y * stride
                _add_steps(samples[at : at + width - 2], samples[at + 2 : at + width], steps[2:])
            if row % 2 == 1 or bottom - top > BAND:  # two rows of cells fit into 16 bits when neither is high
                _add_to_cells(steps, pairs, step_totals)
            for y in range((band + 3) // 4 * 4, end, 4):
                _count_levels(samples[y * stride : y * stride + width], tables)
        for column in range(2 * n_columns):
            grid[row, column] = _rounded_mean(totals[column], (bottom - top) * (cells[column + 1] - cells[column]))
        if row % 2 == 1:
            n_lines = (bottom + 1) // 2 - (first + 1) // 2
            for column in range(n_columns):
                n_steps = pairs[column + 1] - max(2, pairs[column])
                edges[row // 2, column] = step_totals[column] / max(1, n_lines * n_steps)
    for level in range(256):
        counts[level] = tables[0, level] + tables[1, level] + tables[2, level] + tables[3, level]


@kernel
def picture_measures(
    luma: NDArray[np.uint8],
    luma_stride: int,
    luma_height: int,
    luma_width: int,
    u: NDArray[np.uint8],
    u_stride: int,
    u_height: int,
    u_width: int,
    v: NDArray[np.uint8],
    v_stride: int,
    v_height: int,
    v_width: int,
    grid: NDArray[np.uint8],
    colours: NDArray[np.uint8],
    edges: NDArray[np.float32],
    counts: NDArray[np.int32],
) -> None:
    """Do :func:`luma_measures` on the first plane and :func:`cell_means` on the two others.

    Parameters
    ----------
    luma, u, v : ndarray of uint8
        Samples of the planes, each followed by its stride, height and width.
    grid, edges, counts : ndarray
        As filled by :func:`luma_measures`.
    colours : ndarray of uint8, shape (2, n_rows, n_columns)
        Filled with the cell means of `u` and `v`.
    """
    luma_measures(luma, luma_stride, luma_height, luma_width, grid, edges, counts)
    cell_means(u, u_stride, u_height, u_width, colours[0])
    cell_means(v, v_stride, v_height, v_width, colours[1])


def warm_up() -> None:
    """Compile the kernels for the arrays of the frame pass."""
    samples = np.zeros(32 * 32, np.uint8)
    samples.flags.writeable = False
    plane = (samples, 32, 32, 32)
    grid, edges, counts = np.empty((18, 32), np.uint8), np.empty((9, 16), np.float32), np.empty(256, np.int32)
    picture_measures(*plane, *plane, *plane, grid, np.empty((2, 9, 16), np.uint8), edges, counts)
    luma_measures(*plane, grid, edges, counts)
    cell_means(*plane, grid)
