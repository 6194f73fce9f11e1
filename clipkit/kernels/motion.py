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
def changes(pictures: NDArray[np.uint8], weights: NDArray[np.float32], length: int, out: NDArray[np.float32]) -> None:
    """Fill `out` with how much each picture differs from the one `length` later.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n_frames, n_values)
    weights : ndarray of float32, shape (n_values,)
        Weight of the square of each value's difference.
    length : int
        At least 1.
    out : ndarray of float32, shape (n_frames - length,)
        Empty where there are no more pictures than that.  Root of the weighted sum of squares, in levels.
    """
    n_frames, n_values = pictures.shape
    for frame in range(n_frames - length):
        total = np.float32(0)
        for value in range(n_values):
            step = np.int32(pictures[frame, value]) - np.int32(pictures[frame + length, value])
            total += weights[value] * np.float32(step * step)
        out[frame] = np.sqrt(total)


@kernel
def best_ramp(shares: NDArray[np.float64]) -> tuple[int, int]:
    """Return where the clipped straight ramp from 0 to 1 that is nearest to a series leaves 0 and reaches 1.

    Parameters
    ----------
    shares : ndarray of float64, shape (n,)
        At least four values.

    Returns
    -------
    begin, end : int
        Last index of 0 and first index of 1, at least 3 apart; of equal ramps the earliest and shortest.
    """
    n, least, first, last = shares.size, np.inf, 0, 3
    # What a ramp costs before it begins and after it ends is known beforehand, and mostly too much.
    tails = np.zeros(n + 1)
    for at in range(n - 1, -1, -1):
        tails[at] = tails[at + 1] + (shares[at] - 1.0) ** 2
    head = 0.0
    for begin in range(n - 3):
        head += shares[begin] ** 2
        if head >= least:
            break
        for end in range(begin + 3, n):
            total = head + tails[end]
            for at in range(begin + 1, end):
                if total >= least:
                    break
                total += (shares[at] - (at - begin) / (end - begin)) ** 2
            if total < least:
                least, first, last = total, begin, end
    return first, last


@kernel
def shifted_likeness(first: NDArray[np.uint8], second: NDArray[np.uint8], down: int, across: int) -> float:
    """Return the highest correlation of two grids over all shifts of one against the other.

    Parameters
    ----------
    first, second : ndarray of uint8, shape (n_rows, n_columns)
    down, across : int
        Largest shift, in cells; less than the size.

    Returns
    -------
    float
        -1 to 1, over the cells that both grids share.  One level of noise a cell is added to the
        variances, so that plain grids are alike to nothing.
    """
    n_rows, n_columns = first.shape
    best = -1.0
    for dy in range(-down, down + 1):
        for dx in range(-across, across + 1):
            n_cells = np.int64((n_rows - abs(dy)) * (n_columns - abs(dx)))
            sums, others, products = np.int64(0), np.int64(0), np.int64(0)
            squares, other_squares = np.int64(0), np.int64(0)
            left, right = max(0, dx), min(n_columns, n_columns + dx)
            for row in range(max(0, dy), min(n_rows, n_rows + dy)):
                line, other_line = first[row, left:right], second[row - dy, left - dx : right - dx]
                # 32-bit sums of a row become vector instructions; 30,000 cells would fit.
                row_sums, row_others, row_products = np.int32(0), np.int32(0), np.int32(0)
                row_squares, row_other_squares = np.int32(0), np.int32(0)
                for column in range(line.size):
                    one, other = np.int32(line[column]), np.int32(other_line[column])
                    row_sums += one
                    row_others += other
                    row_squares += one * one
                    row_other_squares += other * other
                    row_products += one * other
                sums += row_sums
                others += row_others
                squares += row_squares
                other_squares += row_other_squares
                products += row_products
            spread = (squares - sums * sums / n_cells + n_cells) * (other_squares - others * others / n_cells + n_cells)
            best = max(best, (products - sums * others / n_cells) / np.sqrt(spread))
    return best


@kernel
def depths(grids: NDArray[np.uint8], black: float, white: float, out: NDArray[np.float32]) -> None:
    """Fill `out` with how far each grid is from all black, from all white and from one level everywhere.

    Parameters
    ----------
    grids : ndarray of uint8, shape (n_frames, n_rows, n_columns)
    black, white : float
        Levels; what lies beyond them counts as on them.
    out : ndarray of float32, shape (n_frames, 3)
        Root mean square over the cells of the distance from black, from white and from the mean.
    """
    n_frames, n_rows, n_columns = grids.shape
    n_cells = n_rows * n_columns
    for frame in range(n_frames):
        above, below = 0.0, 0.0
        total, squares = np.int64(0), np.int64(0)
        for row in range(n_rows):
            for column in range(n_columns):
                level = np.float64(grids[frame, row, column])
                above += max(level - black, 0.0) ** 2
                below += max(white - level, 0.0) ** 2
                total += np.int64(grids[frame, row, column])
                squares += np.int64(grids[frame, row, column]) ** 2
        out[frame, 0] = np.sqrt(above / n_cells)
        out[frame, 1] = np.sqrt(below / n_cells)
        out[frame, 2] = np.sqrt(np.float64(n_cells * squares - total * total)) / n_cells


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
    depths(grids, 16.0, 235.0, np.empty((2, 3), np.float32))
    changes(grids.reshape(2, -1), np.ones(576, np.float32), 1, out[:1])
    best_ramp(np.zeros(4))
    shifted_likeness(grids[0], grids[1], 1, 1)
    grid_difference(grids[0], grids[1])
