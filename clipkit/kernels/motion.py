"""How much one small picture differs from another.

Conventions
-----------
``grids`` has shape (n_frames, n_rows, n_columns), dtype uint8: the luma grids of
:mod:`clipkit.kernels.luma` in display order.  Differences are in luma levels, 0 to 255.  Levels
are cast before subtracting: compiled ``uint8 - uint8`` wraps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clipkit.kernels._jit import kernel


@kernel
def _nearest(
    first: NDArray[np.uint8], second: NDArray[np.uint8], forth: NDArray[np.uint8], back: NDArray[np.uint8]
) -> None:
    for x in range(first.size):
        gap = max(first[x], second[x]) - min(first[x], second[x])
        forth[x] = min(forth[x], gap)
        back[x] = min(back[x], gap)


@kernel
def grid_difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Return the motion-tolerant difference of two grids.

    Each cell is compared with the cells of the other grid at most one step away, and the nearest
    level counts; the mean over all cells is taken in both directions and the two are averaged,
    so the order of the two grids does not matter.

    Parameters
    ----------
    first, second : ndarray of uint8, shape (n_rows, n_columns)

    Returns
    -------
    float
    """
    n_rows, n_columns = first.shape
    forth = np.full((n_rows, n_columns), 255, np.uint8)
    back = np.full((n_rows, n_columns), 255, np.uint8)
    for row in range(n_rows):
        for other in range(max(0, row - 1), min(n_rows, row + 2)):
            for step in range(-1, 2):
                left, right = max(0, -step), n_columns - max(0, step)
                _nearest(
                    first[row, left:right],
                    second[other, left + step : right + step],
                    forth[row, left:right],
                    back[other, left + step : right + step],
                )
    total = np.int64(0)
    for row in range(n_rows):
        for column in range(n_columns):
            total += np.int64(forth[row, column]) + np.int64(back[row, column])
    return float(total / (2 * n_rows * n_columns))


@kernel
def grid_differences(grids: NDArray[np.uint8], before: NDArray[np.int64], out: NDArray[np.float32]) -> None:
    """Fill `out` with the motion-tolerant difference of each grid to an earlier one.

    Parameters
    ----------
    grids : ndarray of uint8, shape (n_frames, n_rows, n_columns)
    before : ndarray of int64, shape (n_frames,)
        Index of the grid to compare with; the grid itself gives 0.
    out : ndarray of float32, shape (n_frames,)
    """
    for frame in range(grids.shape[0]):
        out[frame] = grid_difference(grids[before[frame]], grids[frame]) if before[frame] != frame else 0.0


@kernel
def moving_shares(grids: NDArray[np.uint8], before: NDArray[np.int64], level: int, out: NDArray[np.float32]) -> None:
    """Fill `out` with the share of cells that differ from an earlier grid by more than `level`.

    Parameters
    ----------
    grids : ndarray of uint8, shape (n_frames, n_rows, n_columns)
    before : ndarray of int64, shape (n_frames,)
        Index of the grid to compare with.
    level : int
        Differences up to this many levels are noise.
    out : ndarray of float32, shape (n_frames,)
    """
    n_frames, n_rows, n_columns = grids.shape
    for frame in range(n_frames):
        moving = 0
        for row in range(n_rows):
            for column in range(n_columns):
                step = np.int32(grids[frame, row, column]) - np.int32(grids[before[frame], row, column])
                if abs(step) > level:
                    moving += 1
        out[frame] = moving / (n_rows * n_columns)


def warm_up() -> None:
    """Compile the kernels for the grids of the frame pass."""
    grids = np.zeros((2, 18, 32), np.uint8)
    before, out = np.zeros(2, np.int64), np.empty(2, np.float32)
    grid_differences(grids, before, out)
    moving_shares(grids, before, 4, out)
    grid_difference(grids[0], grids[1])
