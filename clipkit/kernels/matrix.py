"""Planes of one colour matrix and range as those of another.

Conventions
-----------
4:2:0, chroma sited as in ``clipkit.output.scaler``: at the left of and between the rows of its four pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clipkit.kernels._jit import kernel

Level = NDArray[np.uint8]


@kernel
def change_matrix(
    y: Level, u: Level, v: Level, weights: NDArray[np.float32], black: float, out_y: Level, out_u: Level, out_v: Level
) -> None:
    """Fill planes with weighted sums of others, chroma between its samples linear.

    Parameters
    ----------
    y : ndarray of uint8, shape (height, width)
        Even sides.
    u, v : ndarray of uint8, shape (height / 2, width / 2)
    weights : ndarray of float32, shape (3, 3)
        Of Y, U and V in each of them, levels of chroma counted from 128; Y has none in U and V, which are thus of
        grey what they were.
    black : float
        Level of a Y, U and V of 0, 128 and 128.
    out_y, out_u, out_v : ndarray of uint8
        Of the same shapes.
    """
    n_rows, n_columns = u.shape
    tint = np.empty(n_columns + 1, np.float32)
    of_y, of_u, of_v = weights[0]
    base = np.float32(black + 0.5)
    for row in range(2 * n_rows):
        near = row // 2
        far = min(max(near + (1 if row % 2 else -1), 0), n_rows - 1)
        for x in range(n_columns):
            blue = np.float32(3 * np.int32(u[near, x]) + np.int32(u[far, x]) - 512) * np.float32(0.25)
            red = np.float32(3 * np.int32(v[near, x]) + np.int32(v[far, x]) - 512) * np.float32(0.25)
            tint[x] = base + of_u * blue + of_v * red
        tint[n_columns] = tint[n_columns - 1]
        for x in range(n_columns):
            between = (tint[x] + tint[x + 1]) * np.float32(0.5)
            out_y[row, 2 * x] = _level(of_y * np.float32(y[row, 2 * x]) + tint[x])
            out_y[row, 2 * x + 1] = _level(of_y * np.float32(y[row, 2 * x + 1]) + between)
    grey = np.float32(128.5)
    for row in range(n_rows):
        for x in range(n_columns):
            blue, red = np.float32(np.int32(u[row, x]) - 128), np.float32(np.int32(v[row, x]) - 128)
            out_u[row, x] = _level(grey + weights[1, 1] * blue + weights[1, 2] * red)
            out_v[row, x] = _level(grey + weights[2, 1] * blue + weights[2, 2] * red)


@kernel
def _level(value: np.float32) -> np.uint8:
    """Return a value cut to a whole level."""
    return np.uint8(min(max(np.int32(value), np.int32(0)), np.int32(255)))


def warm_up() -> None:
    """Compile the sums for planes."""
    planes = [np.zeros(shape, np.uint8) for shape in ((2, 2), (1, 1), (1, 1))]
    change_matrix(*planes, np.eye(3, dtype=np.float32), 0.0, *(plane.copy() for plane in planes))
