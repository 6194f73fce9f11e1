"""Where something moves against the camera, and the best way to follow it.

Conventions
-----------
Optical flow is float32, shape (height, width, 2), in pixels: x first, then y.  An affine motion
is six float64 ``(a, b, c, d, e, f)`` with ``u = a + b x + c y`` and ``v = d + e x + f y``, where x
and y run from -1 to 1 over the picture.
"""

from __future__ import annotations

import numpy as np

from clipkit.kernels._jit import kernel


@kernel
def _solve(matrix, right):  # type: ignore[no-untyped-def]
    """Put the solution in the place of `right`; the matrix is positive definite, and used up.

    numpy's solve would load scipy.linalg: a tenth of a second for three unknowns.
    """
    n = len(matrix)
    for k in range(n):
        for i in range(k + 1, n):
            share = matrix[i, k] / matrix[k, k]
            matrix[i] -= share * matrix[k]
            right[i] -= share * right[k]
    for k in range(n - 1, -1, -1):
        for i in range(k + 1, n):
            right[k] -= matrix[k, i] * right[i]
        right[k] /= matrix[k, k]


@kernel
def camera_motion(flow, weights, spread, n_rounds):  # type: ignore[no-untyped-def]
    """Affine motion that most of the weighted flow agrees with.

    Robust least squares: in each round every pixel counts by how near its flow lies to the last
    fit (Cauchy's weight), so that a moving subject loses its say as long as it is not the larger part.

    Parameters
    ----------
    flow : ndarray of float32, shape (height, width, 2)
        Optical flow, pixels.
    weights : ndarray of float32, shape (height, width)
        How far each pixel's flow can be trusted, >= 0; all zero gives no motion.
    spread : float
        Distance in pixels at which a pixel keeps half its weight, > 0.
    n_rounds : int
        Rounds of reweighting.

    Returns
    -------
    ndarray of float64, shape (6,)
        The motion, as in the module's conventions.

    References
    ----------
    .. [1] Odobez and Bouthemy, "Robust multiresolution estimation of parametric motion models",
       Journal of Visual Communication and Image Representation 6(4), 1995.
    """
    height, width = weights.shape
    motion = np.zeros(6, np.float64)
    for _ in range(n_rounds):
        normal = np.zeros((3, 3), np.float64)
        right = np.zeros((3, 2), np.float64)
        for i in range(height):
            y = (2.0 * i + 1.0) / height - 1.0
            for j in range(width):
                trust = np.float64(weights[i, j])
                if trust <= 0.0:
                    continue
                x = (2.0 * j + 1.0) / width - 1.0
                u = np.float64(flow[i, j, 0])
                v = np.float64(flow[i, j, 1])
                off_u = u - (motion[0] + motion[1] * x + motion[2] * y)
                off_v = v - (motion[3] + motion[4] * x + motion[5] * y)
                trust /= 1.0 + (off_u * off_u + off_v * off_v) / (spread * spread)
                normal[0, 0] += trust
                normal[0, 1] += trust * x
                normal[0, 2] += trust * y
                normal[1, 1] += trust * x * x
                normal[1, 2] += trust * x * y
                normal[2, 2] += trust * y * y
                right[0, 0] += trust * u
                right[1, 0] += trust * x * u
                right[2, 0] += trust * y * u
                right[0, 1] += trust * v
                right[1, 1] += trust * x * v
                right[2, 1] += trust * y * v
        normal[1, 0] = normal[0, 1]
        normal[2, 0] = normal[0, 2]
        normal[2, 1] = normal[1, 2]
        # A touch of ridge keeps a picture with texture along one line, or none, solvable.
        ridge = 1e-6 * normal[0, 0] + 1e-12
        for k in range(3):
            normal[k, k] += ridge
        _solve(normal, right)
        for k in range(3):
            motion[k] = right[k, 0]
            motion[3 + k] = right[k, 1]
    return motion


@kernel
def own_motion(flow, motion, out):  # type: ignore[no-untyped-def]
    """Fill `out` with the length of the flow that is left when the camera's motion is taken away.

    Parameters
    ----------
    flow : ndarray of float32, shape (height, width, 2)
        Optical flow, pixels.
    motion : ndarray of float64, shape (6,)
        What :func:`camera_motion` found.
    out : ndarray of float32, shape (height, width)
        Receives the lengths, pixels.
    """
    height, width = out.shape
    for i in range(height):
        y = (2.0 * i + 1.0) / height - 1.0
        for j in range(width):
            x = (2.0 * j + 1.0) / width - 1.0
            off_u = np.float64(flow[i, j, 0]) - (motion[0] + motion[1] * x + motion[2] * y)
            off_v = np.float64(flow[i, j, 1]) - (motion[3] + motion[4] * x + motion[5] * y)
            out[i, j] = np.sqrt(off_u * off_u + off_v * off_v)


@kernel
def best_path(scores, price, max_step):  # type: ignore[no-untyped-def]
    """Positions with the highest sum of scores less the price of moving.

    Maximises ``sum(scores[t, x[t]]) - price * sum(|x[t] - x[t - 1]|)`` over all paths that move at
    most `max_step` positions from one row to the next.  Exact.  Among equals the smaller move
    wins, then the position nearer to the middle.

    Parameters
    ----------
    scores : ndarray of float64, shape (n_steps, n_positions)
        Gain of standing at each position, no NaN; at least one row and one column.
    price : float
        Cost of moving by one position, >= 0.
    max_step : int
        Most positions moved between two rows, >= 0.

    Returns
    -------
    ndarray of int64, shape (n_steps,)
        The position at each step.

    Notes
    -----
    Dynamic programming, O(n_steps × n_positions × max_step).
    """
    n_steps, n_positions = scores.shape
    came_from = np.zeros((n_steps, n_positions), np.int64)
    total = scores[0].copy()
    following = np.empty(n_positions, np.float64)
    for t in range(1, n_steps):
        for x in range(n_positions):
            best = total[x]
            origin = x
            for step in range(1, max_step + 1):
                for side in range(2):
                    y = x - step if side == 0 else x + step
                    if 0 <= y < n_positions and total[y] - price * step > best:
                        best = total[y] - price * step
                        origin = y
            following[x] = best + scores[t, x]
            came_from[t, x] = origin
        total[:] = following
    path = np.empty(n_steps, np.int64)
    last = 0
    for x in range(1, n_positions):
        nearer = abs(2 * x - n_positions + 1) < abs(2 * last - n_positions + 1)
        if total[x] > total[last] or (total[x] == total[last] and nearer):
            last = x
    for t in range(n_steps - 1, -1, -1):
        path[t] = last
        last = came_from[t, last]
    return path


def warm_up() -> None:
    """Compile every kernel with the types of production."""
    flow, plane = np.zeros((4, 4, 2), np.float32), np.ones((4, 4), np.float32)
    motion = camera_motion(flow, plane, 0.7, 1)
    own_motion(flow, motion, plane)
    best_path(np.zeros((2, 3)), 0.1, 1)
