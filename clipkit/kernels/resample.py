"""Scaling planes by weighted sums of rows.

Conventions
-----------
A pass makes each output row from ``n_taps`` source rows in sequence; columns are done as rows of
the transposed plane.  Both loops over a row run along memory, which the compiler vectorises.
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
    out : ndarray of float32, shape (n_out, width)
    """
    for row in range(out.shape[0]):
        first = firsts[row]
        weight = weights[0, row]
        for x in range(out.shape[1]):
            out[row, x] = weight * np.float32(plane[first, x])
        for tap in range(1, weights.shape[0]):
            weight = weights[tap, row]
            for x in range(out.shape[1]):
                out[row, x] += weight * np.float32(plane[first + tap, x])


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
    line = np.empty(out.shape[1], np.float32)
    for row in range(out.shape[0]):
        first = firsts[row]
        weight = weights[0, row]
        for x in range(out.shape[1]):
            line[x] = np.float32(0.5) + weight * plane[first, x]
        for tap in range(1, weights.shape[0]):
            weight = weights[tap, row]
            for x in range(out.shape[1]):
                line[x] += weight * plane[first + tap, x]
        for x in range(out.shape[1]):
            out[row, x] = np.uint8(np.int32(min(max(line[x], np.float32(0.0)), np.float32(255.0))))


def warm_up() -> None:
    """Compile both passes for planes."""
    firsts, weights = np.zeros(1, np.int64), np.ones((1, 1), np.float32)
    between = np.empty((1, 2), np.float32)
    blend_rows(np.zeros((1, 2), np.uint8), firsts, weights, between)
    blend_rows_to_levels(between, firsts, weights, np.empty((1, 2), np.uint8))
