"""The light of HDR pictures brought into the range of SDR.

Conventions
-----------
Planes are whole rows as the decoder keeps them, so wider than the picture; 4:2:0, chroma sited as in
``clipkit.output.scaler``: at the left of and between the rows of its four pixels.  Tables over light are indexed by
its fourth root, which follows the eye nearly as PQ does.

A line goes through passes that either calculate, which the compiler vectorises as long as nothing is looked up,
or look up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clipkit.kernels._jit import kernel

Line = NDArray[np.float32]
Indices = NDArray[np.int32]


@kernel
def map_light(
    y: NDArray[np.uint16],
    u: NDArray[np.uint16],
    v: NDArray[np.uint16],
    width: int,
    to_index: NDArray[np.float32],
    to_primaries: NDArray[np.float32],
    curves: NDArray[np.float32],
    to_levels: NDArray[np.float32],
    out_y: NDArray[np.uint8],
    out_u: NDArray[np.uint8],
    out_v: NDArray[np.uint8],
) -> None:
    """Fill the planes of an SDR picture from those of an HDR one.

    Parameters
    ----------
    y : ndarray of uint16, shape (height, at least width)
        10-bit codes.
    u, v : ndarray of uint16, shape ((height + 1) // 2, at least (width + 1) // 2)
    width : int
        Pixels of a row that are shown.
    to_index : ndarray of float32, shape (6,)
        Index into the first curve by R', G' and B': a share of the code of y and an offset for all, then the shares of
        v in R', of u and of v in G', of u in B'; codes of chroma count from 512.
    to_primaries : ndarray of float32, shape (4, 3)
        From the light of the source's primaries to that of BT.709's and, last, of the pixel.
    curves : ndarray of float32, shape (4, n)
        Light by the signal; factor by the light of the pixel, after which 1 is the brightest; factor of the SDR signal
        by the light of the strongest primary; SDR signal by light.
    to_levels : ndarray of float32, shape (3, 3)
        From the SDR signal to Y, U and V, without their offsets.
    out_y, out_u, out_v : ndarray of uint8
        Limited range, of the shapes of `y`, `u` and `v` or wider.
    """
    n_columns, last = (width + 1) // 2, np.float32(curves.shape[1] - 1)
    blue, red = np.empty(2 * n_columns, np.float32), np.empty(2 * n_columns, np.float32)
    colors = np.empty((3, 2 * n_columns), np.float32)
    indices = np.zeros((4, 2 * n_columns), np.int32)
    factors = np.empty(2 * n_columns, np.float32)
    levels = np.empty((5, 2 * n_columns), np.float32)
    codes = np.empty(2 * n_columns, np.float32)
    for row in range(2 * u.shape[0]):
        line, near = min(row, y.shape[0] - 1), row // 2
        far = min(max(near + (1 if row % 2 else -1), 0), u.shape[0] - 1)
        _upsample(u[near], u[far], n_columns, blue)
        _upsample(v[near], v[far], n_columns, red)
        for x in range(2 * n_columns):
            codes[x] = np.float32(y[line, min(x, width - 1)])
        _find_signals(codes, blue, red, to_index, last, indices)
        for k in range(3):
            _look_up(curves[0], indices[k], colors[k])
        _change_primaries(colors, to_primaries, last, indices[3])
        _look_up(curves[1], indices[3], factors)
        _scale(colors, factors, last, indices)
        _look_up(curves[2], indices[3], factors)
        for k in range(3):
            _look_up(curves[3], indices[k], colors[k])
        first = 1 + 2 * (row % 2)
        _weigh(colors, factors, to_levels[0], levels[0])
        _weigh(colors, factors, to_levels[1], levels[first])
        _weigh(colors, factors, to_levels[2], levels[first + 1])
        if row == line:
            _round(levels[0], width, out_y[row])
        if row % 2:
            _pool(levels[1], levels[3], n_columns, out_u[near])
            _pool(levels[2], levels[4], n_columns, out_v[near])


@kernel
def _upsample(near: NDArray[np.uint16], far: NDArray[np.uint16], n_columns: int, out: Line) -> None:
    """Fill a line with chroma at every pixel, three parts of the row at hand and one of the next, 0 for grey."""
    for column in range(n_columns):
        code = np.float32(3 * np.int32(near[column]) + np.int32(far[column]) - 2048)
        out[2 * column] = code * np.float32(0.25)
    for column in range(n_columns - 1):
        out[2 * column + 1] = (out[2 * column] + out[2 * column + 2]) * np.float32(0.5)
    out[2 * n_columns - 1] = out[2 * n_columns - 2]


@kernel
def _find_signals(codes: Line, blue: Line, red: Line, to_index: Line, last: np.float32, out: Indices) -> None:
    half, zero = np.float32(0.5), np.float32(0.0)
    scale, offset, red_r, blue_g, red_g, blue_b = to_index
    out_r, out_g, out_b = out[0], out[1], out[2]
    for x in range(codes.shape[0]):
        base = codes[x] * scale + offset + half
        r = base + red_r * red[x]
        g = base + blue_g * blue[x] + red_g * red[x]
        b = base + blue_b * blue[x]
        out_r[x] = np.int32(zero if r < zero else (last if r > last else r))
        out_g[x] = np.int32(zero if g < zero else (last if g > last else g))
        out_b[x] = np.int32(zero if b < zero else (last if b > last else b))


@kernel
def _look_up(table: Line, indices: Indices, out: Line) -> None:
    for x in range(out.shape[0]):
        out[x] = table[np.uint32(indices[x])]


@kernel
def _change_primaries(colors: NDArray[np.float32], matrix: NDArray[np.float32], last: np.float32, out: Indices) -> None:
    """Bring light to the primaries of BT.709, in place, and fill `out` with the index of the light of each pixel.

    A colour that BT.709 does not have is mixed with grey of the same light until it has it.
    """
    half, zero, one = np.float32(0.5), np.float32(0.0), np.float32(1.0)
    rr, rg, rb = matrix[0]
    gr, gg, gb = matrix[1]
    br, bg, bb = matrix[2]
    share_r, share_g, share_b = matrix[3]
    line_r, line_g, line_b = colors[0], colors[1], colors[2]
    for x in range(out.shape[0]):
        red, green, blue = line_r[x], line_g[x], line_b[x]
        r = rr * red + rg * green + rb * blue
        g = gr * red + gg * green + gb * blue
        b = br * red + bg * green + bb * blue
        grey = share_r * red + share_g * green + share_b * blue
        least = r if r < g else g
        least = least if least < b else b
        least = least if least < zero else zero
        keep = grey / (grey - least + np.float32(1e-12))
        line_r[x] = grey + keep * (r - grey)
        line_g[x] = grey + keep * (g - grey)
        line_b[x] = grey + keep * (b - grey)
        out[x] = np.int32(np.sqrt(np.sqrt(grey if grey < one else one)) * last + half)


@kernel
def _scale(colors: NDArray[np.float32], factors: Line, last: np.float32, out: Indices) -> None:
    """Fill `out` with the index of the light of each primary, and of the strongest, after `factors`, at most 1."""
    half, zero, one = np.float32(0.5), np.float32(0.0), np.float32(1.0)
    line_r, line_g, line_b = colors[0], colors[1], colors[2]
    out_r, out_g, out_b, out_most = out[0], out[1], out[2], out[3]
    for x in range(factors.shape[0]):
        r, g, b = line_r[x], line_g[x], line_b[x]
        r, g, b = r if r > zero else zero, g if g > zero else zero, b if b > zero else zero
        most = r if r > g else g
        most = most if most > b else b
        factor = factors[x]
        limit = one / (most + np.float32(1e-12))
        factor = factor if factor < limit else limit
        out_r[x] = np.int32(np.sqrt(np.sqrt(r * factor)) * last + half)
        out_g[x] = np.int32(np.sqrt(np.sqrt(g * factor)) * last + half)
        out_b[x] = np.int32(np.sqrt(np.sqrt(b * factor)) * last + half)
        out_most[x] = np.int32(np.sqrt(np.sqrt(most * factor)) * last + half)


@kernel
def _weigh(colors: NDArray[np.float32], factors: Line, weights: Line, out: Line) -> None:
    r, g, b = weights
    line_r, line_g, line_b = colors[0], colors[1], colors[2]
    for x in range(out.shape[0]):
        out[x] = factors[x] * (r * line_r[x] + g * line_g[x] + b * line_b[x])


@kernel
def _round(levels: Line, width: int, out: NDArray[np.uint8]) -> None:
    for x in range(width):
        out[x] = np.uint8(np.int32(levels[x] + np.float32(16.5)))


@kernel
def _pool(above: Line, below: Line, n_columns: int, out: NDArray[np.uint8]) -> None:
    """Fill a line of chroma with means over two by two pixels."""
    for column in range(n_columns):
        total = above[2 * column] + above[2 * column + 1] + below[2 * column] + below[2 * column + 1]
        out[column] = np.uint8(np.int32(total * np.float32(0.25) + np.float32(128.5)))


def warm_up() -> None:
    """Compile for planes."""
    y, chroma, out = np.zeros((2, 2), np.uint16), np.zeros((1, 1), np.uint16), np.empty((2, 2), np.uint8)
    curves, to_primaries = np.zeros((4, 2), np.float32), np.zeros((4, 3), np.float32)
    to_levels = np.zeros((3, 3), np.float32)
    map_light(y, chroma, chroma, 2, np.zeros(6, np.float32), to_primaries, curves, to_levels, out, out, out)
