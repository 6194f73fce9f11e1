"""Scaling planes by weighted sums of rows.

Conventions
-----------
A pass makes each output row from ``n_taps`` source rows in sequence; columns are done as rows of
the transposed plane.  Loops over a row run along memory, which the compiler vectorises, and take
four rows at a time, which saves going over the output as often.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clipkit.kernels._jit import kernel


@kernel
def blend_rows(
    plane: NDArray[np.uint8], firsts: NDArray[np.int64], weights: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """Fill each row of `out` with a weighted sum of rows of `plane`.

    Parameters
    ----------
    plane : ndarray of uint8, shape (n_rows, width)
    firsts : ndarray of int64, shape (n_out,)
        First source row of each output row; ``firsts + n_taps <= n_rows``.
    weights : ndarray of float32, shape (n_taps, n_out)
        ``n_taps`` is a multiple of 4.
    out : ndarray of float32, shape (n_out, width)
    """
    line = np.zeros(out.shape[1], np.float32)
    tap = weights.shape[0] - 4
    for row in range(out.shape[0]):
        if tap:
            line[:] = 0.0
            _add_rows(plane, firsts[row], weights[:tap, row], line)
        first = firsts[row] + tap
        p, q, r, s = weights[tap, row], weights[tap + 1, row], weights[tap + 2, row], weights[tap + 3, row]
        for x in range(out.shape[1]):
            out[row, x] = line[x] + (
                p * np.float32(plane[first, x])
                + q * np.float32(plane[first + 1, x])
                + r * np.float32(plane[first + 2, x])
                + s * np.float32(plane[first + 3, x])
            )


@kernel
def blend_rows_to_levels(
    plane: NDArray[np.float32],
    firsts: NDArray[np.int64],
    weights: NDArray[np.float32],
    out: NDArray[np.uint8],
) -> None:
    """Do as :func:`blend_rows` from float to levels, rounded and held to 0..255.

    Parameters
    ----------
    plane : ndarray of float32, shape (n_rows, width)
    firsts : ndarray of int64, shape (n_out,)
    weights : ndarray of float32, shape (n_taps, n_out)
    out : ndarray of uint8, shape (n_out, width)
    """
    line = np.full(out.shape[1], 0.5, np.float32)
    tap = weights.shape[0] - 4
    for row in range(out.shape[0]):
        if tap:
            line[:] = 0.5
            _add_rows(plane, firsts[row], weights[:tap, row], line)
        first = firsts[row] + tap
        p, q, r, s = weights[tap, row], weights[tap + 1, row], weights[tap + 2, row], weights[tap + 3, row]
        for x in range(out.shape[1]):
            level = line[x] + (
                p * plane[first, x] + q * plane[first + 1, x] + r * plane[first + 2, x] + s * plane[first + 3, x]
            )
            out[row, x] = np.uint8(min(max(np.int32(level), np.int32(0)), np.int32(255)))


@kernel
def _add_rows(
    plane: NDArray[np.uint8] | NDArray[np.float32],
    first: int,
    weights: NDArray[np.float32],
    line: NDArray[np.float32],
) -> None:
    """Add a weighted sum of rows of `plane`, as many as there are weights, to `line`."""
    for tap in range(0, weights.shape[0], 4):
        row = first + tap
        p, q, r, s = weights[tap], weights[tap + 1], weights[tap + 2], weights[tap + 3]
        for x in range(line.shape[0]):
            line[x] += (
                p * np.float32(plane[row, x])
                + q * np.float32(plane[row + 1, x])
                + r * np.float32(plane[row + 2, x])
                + s * np.float32(plane[row + 3, x])
            )


def warm_up() -> None:
    """Compile both passes for planes."""
    firsts, weights = np.zeros(1, np.int64), np.ones((4, 1), np.float32)
    between = np.empty((1, 2), np.float32)
    blend_rows(np.zeros((4, 2), np.uint8), firsts, weights, between)
    blend_rows_to_levels(np.zeros((4, 2), np.float32), firsts, weights, np.empty((1, 2), np.uint8))
