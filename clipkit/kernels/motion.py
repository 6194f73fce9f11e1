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
def differences_to_last(
    grids: NDArray[np.uint8], still: float, before: NDArray[np.int64], out: NDArray[np.float32]
) -> None:
    """Fill `out` with the motion-tolerant difference to the last grid that was not a repetition.

    A grid that differs by less than `still` from the last kept one repeats it: it gets 0 and is
    not kept.  So footage whose frames were doubled shows the steps of the footage itself.

    Parameters
    ----------
    grids : ndarray of uint8, shape (n_frames, n_rows, n_columns)
    still : float
        In levels.
    before : ndarray of int64, shape (n_frames,)
        Filled with the index of the kept grid that each one was compared with.
    out : ndarray of float32, shape (n_frames,)
    """
    kept = 0
    for frame in range(grids.shape[0]):
        before[frame] = kept
        step = grid_difference(grids[kept], grids[frame]) if frame > 0 else 0.0
        out[frame] = 0.0
        if step >= still:
            out[frame] = step
            kept = frame


@kernel
def linear_changes(
    pictures: NDArray[np.uint8],
    weights: NDArray[np.float32],
    length: int,
    fit: NDArray[np.float32],
    change: NDArray[np.float32],
) -> None:
    """Fill how linear in time, and how large, the change over each window of pictures is.

    A straight line in time is fitted to every value over the frames ``t .. t + length``.  Sums
    over the window are carried along, so the cost does not depend on its length.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n_frames, n_values)
    weights : ndarray of float32, shape (n_values,)
        Weight of each value's squares; they sum to 1.
    length : int
        Steps in a window, at least 1 and less than `n_frames`.
    fit : ndarray of float32, shape (n_frames - length,)
        Share of the variance over time that the lines explain (0 where nothing changes).
    change : ndarray of float32, shape (n_frames - length,)
        Root mean square over the values of what the lines rise or fall, in levels.
    """
    n_frames, n_values = pictures.shape
    sums, moments = np.zeros(n_values, np.int32), np.zeros(n_values, np.int32)
    squares = np.zeros(n_values, np.int32)
    for step in range(length + 1):
        for value in range(n_values):
            level = np.int32(pictures[step, value])
            sums[value] += level
            moments[value] += step * level
            squares[value] += level * level
    count = np.float32(length + 1)
    spread = np.float32((length + 1) * ((length + 1) ** 2 - 1) / 12)
    for frame in range(n_frames - length):
        explained, total = np.float32(0), np.float32(0)
        for value in range(n_values):
            slope = np.float32(2 * moments[value] - length * sums[value]) / np.float32(2)
            rest = np.float32(squares[value]) - np.float32(sums[value]) * np.float32(sums[value]) / count
            explained += weights[value] * slope * slope
            total += weights[value] * rest
        fit[frame] = explained / (spread * total) if total > 0 else 0.0
        change[frame] = np.sqrt(explained) * length / spread
        if frame + length + 1 < n_frames:
            for value in range(n_values):
                old = np.int32(pictures[frame, value])
                new = np.int32(pictures[frame + length + 1, value])
                moments[value] += old - sums[value] + length * new
                sums[value] += new - old
                squares[value] += new * new - old * old


@kernel
def depths(grids: NDArray[np.uint8], black: float, white: float, out: NDArray[np.float32]) -> None:
    """Fill `out` with how far each grid is from all black and from all white.

    Parameters
    ----------
    grids : ndarray of uint8, shape (n_frames, n_rows, n_columns)
    black, white : float
        Levels; what lies beyond them counts as on them.
    out : ndarray of float32, shape (n_frames, 2)
        Root mean square over the cells of the distance from black, and from white.
    """
    n_frames, n_rows, n_columns = grids.shape
    for frame in range(n_frames):
        above, below = 0.0, 0.0
        for row in range(n_rows):
            for column in range(n_columns):
                level = np.float64(grids[frame, row, column])
                above += max(level - black, 0.0) ** 2
                below += max(white - level, 0.0) ** 2
        out[frame, 0] = np.sqrt(above / (n_rows * n_columns))
        out[frame, 1] = np.sqrt(below / (n_rows * n_columns))


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
    differences_to_last(grids, 0.1, before, out)
    depths(grids, 16.0, 235.0, np.empty((2, 2), np.float32))
    linear_changes(grids.reshape(2, -1), np.ones(576, np.float32), 1, out[:1], out[:1])
    grid_difference(grids[0], grids[1])
