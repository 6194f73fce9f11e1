"""The plain NumPy twin of every kernel, written for reading; shares no code with them.

A twin takes the inputs of its kernel and returns what the kernel fills or returns.
"""

from __future__ import annotations

import itertools

import numpy as np


def plane(samples, stride, height, width):
    """Return the pixels of a plane as float64 of shape (height, width)."""
    index = np.arange(height)[:, None] * stride + np.arange(width)
    return np.asarray(samples)[index].astype(np.float64)


def cells(size, n_cells):
    """Return the first and the last + 1 pixel of each cell along an axis."""
    edges = np.arange(n_cells + 1) * size // n_cells
    return list(itertools.pairwise(edges))


def cell_means(samples, stride, height, width, shape):
    pixels = plane(samples, stride, height, width)
    means = [
        [pixels[top:bottom, left:right].mean() for left, right in cells(width, shape[1])]
        for top, bottom in cells(height, shape[0])
    ]
    return np.floor(np.array(means) + 0.5).astype(np.uint8)


def luma_measures(samples, stride, height, width, shape):
    pixels = plane(samples, stride, height, width)
    steps = np.full((height, width), np.nan)
    steps[::2, 2:] = np.abs(pixels[::2, 2:] - pixels[::2, :-2])
    edges = np.zeros((shape[0] // 2, shape[1] // 2), np.float32)
    for row, (top, bottom) in enumerate(cells(height, edges.shape[0])):
        for column, (left, right) in enumerate(cells(width, edges.shape[1])):
            known = steps[top:bottom, left:right]
            known = known[~np.isnan(known)]
            edges[row, column] = known.mean() if known.size else 0.0
    counts = np.bincount(pixels[::4, ::4].astype(int).ravel(), minlength=256)
    return cell_means(samples, stride, height, width, shape), edges, counts.astype(np.int32)


def picture_measures(*planes_and_shape):
    *planes, shape = planes_and_shape
    grid, edges, counts = luma_measures(*planes[:4], shape)
    colours = [cell_means(*plane, edges.shape) for plane in (planes[4:8], planes[8:])]
    return grid, np.stack(colours), edges, counts


def grid_difference(first, second):
    def one_way(here, there):
        here, there = here.astype(float), np.pad(there.astype(float), 1, constant_values=np.inf)
        n_rows, n_columns = here.shape
        shifted = [there[y : y + n_rows, x : x + n_columns] for y in range(3) for x in range(3)]
        return np.abs(here - np.stack(shifted)).min(axis=0).mean()

    return (one_way(first, second) + one_way(second, first)) / 2


def grid_differences(grids, before):
    return np.array([grid_difference(grids[b], grids[i]) for i, b in enumerate(before)], np.float32)


def differences_to_last(grids, still):
    before, steps, kept = [], [], 0
    for frame, grid in enumerate(grids):
        step = grid_difference(grids[kept], grid) if frame else 0.0
        before.append(kept)
        steps.append(step if step >= still else 0.0)
        kept = frame if step >= still else kept
    return np.array(before, np.int64), np.array(steps, np.float32)


def depths(grids, black, white):
    levels = grids.astype(np.float64)
    above, below = np.maximum(levels - black, 0.0), np.maximum(white - levels, 0.0)
    return np.stack([np.sqrt((one**2).mean(axis=(1, 2))) for one in (above, below)], axis=1).astype(np.float32)


def linear_changes(pictures, weights, length):
    fits, changes = [], []
    at = np.arange(length + 1)
    for first in range(len(pictures) - length):
        window = pictures[first : first + length + 1].astype(np.float64)
        slope, offset = np.polyfit(at, window, 1)
        lines = offset + at[:, None] * slope
        total = (weights * (window - window.mean(axis=0)) ** 2).sum()
        rest = (weights * (window - lines) ** 2).sum()
        fits.append(1.0 - rest / total if total > 1e-9 else 0.0)
        changes.append(np.sqrt((weights * (slope * length) ** 2).sum()))
    return np.array(fits, np.float32), np.array(changes, np.float32)


def moving_shares(grids, before, level):
    steps = np.abs(grids.astype(int) - grids[before].astype(int))
    return (steps > level).mean(axis=(1, 2)).astype(np.float32)


def blend_rows(plane, firsts, weights):
    matrix = np.zeros((len(firsts), plane.shape[0]))
    for row, first in enumerate(firsts):
        matrix[row, first : first + len(weights)] = weights[:, row]
    return matrix @ plane.astype(np.float64)


def blend_rows_to_levels(plane, firsts, weights):
    return np.floor(np.clip(blend_rows(plane, firsts, weights) + 0.5, 0, 255))


def released_gain(gains, release):
    out, gain = [], 1.0
    for allowed in gains:
        gain = min(float(allowed), gain + (1.0 - gain) * release)
        out.append(gain)
    return np.array(out)
