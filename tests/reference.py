"""The plain NumPy twin of every kernel, written for reading; shares no code with them.

A twin takes the inputs of its kernel and returns what the kernel fills or returns.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy.ndimage import maximum_filter1d
from scipy.signal import find_peaks, sosfilt


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
    spread = levels - levels.mean(axis=(1, 2), keepdims=True)
    return np.stack([np.sqrt((one**2).mean(axis=(1, 2))) for one in (above, below, spread)], axis=1).astype(np.float32)


def changes(pictures, weights, length):
    steps = pictures[length:].astype(np.float64) - pictures[: len(pictures) - length]
    return np.sqrt((weights * steps**2).sum(axis=1)).astype(np.float32)


def best_ramp(shares):
    at = np.arange(len(shares))
    ramps = [(begin, end) for begin in at for end in at if end - begin >= 3]
    errors = [((np.interp(at, ramp, (0.0, 1.0)) - shares) ** 2).sum() for ramp in ramps]
    return ramps[int(np.argmin(errors))]


def shifted_likeness(first, second, down, across):
    likenesses = []
    for dy in range(-down, down + 1):
        for dx in range(-across, across + 1):
            n_rows, n_columns = first.shape[0] - abs(dy), first.shape[1] - abs(dx)
            one = first[max(0, dy) :, max(0, dx) :][:n_rows, :n_columns].astype(np.float64)
            other = second[max(0, -dy) :, max(0, -dx) :][:n_rows, :n_columns].astype(np.float64)
            spread = (one.var() + 1) * (other.var() + 1)
            likenesses.append(((one * other).mean() - one.mean() * other.mean()) / np.sqrt(spread))
    return max(likenesses)


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


def change_matrix(y, u, v, weights, black):
    blue, red = u.astype(np.float64) - 128, v.astype(np.float64) - 128
    tint = np.pad(weights[0, 1] * blue + weights[0, 2] * red, ((1, 1), (0, 1)), "edge")
    down = np.stack([3 * tint[1:-1] + tint[:-2], 3 * tint[1:-1] + tint[2:]], axis=1).reshape(len(y), -1) / 4
    full = np.stack([down[:, :-1], (down[:, :-1] + down[:, 1:]) / 2], axis=2).reshape(y.shape)
    sums = (
        weights[0, 0] * y + full + black,
        weights[1, 1] * blue + weights[1, 2] * red + 128,
        weights[2, 1] * blue + weights[2, 2] * red + 128,
    )
    return tuple(np.floor(np.clip(plane + 0.5, 0, 255)) for plane in sums)


def released_gain(gains, release):
    out, gain = [], 1.0
    for allowed in gains:
        gain = min(float(allowed), gain + (1.0 - gain) * release)
        out.append(gain)
    return np.array(out)


def weighted_power(samples, sections, hop):
    n_hops = (len(samples) - 1) // hop
    weighted, state = [], []
    for channel in samples[: n_hops * hop].T:
        filtered, memory = sosfilt(sections, channel.astype(np.float64), zi=np.zeros((2, 2)))
        weighted.append((filtered.reshape(n_hops, hop) ** 2).mean(axis=1))
        state.append(memory.ravel())
    return np.array(state), np.array(weighted).T


def peak_envelope(samples, phases):
    reach = phases.shape[1] // 2
    between = [
        np.convolve(np.pad(channel, reach), weights[::-1], "valid")
        for channel in samples.T.astype(np.float64)
        for weights in phases
    ]
    return np.abs(between).max(axis=0)


def strongest_periods(samples, hop, window, shortest, longest, octave_cost):
    periods, strengths = [], []
    n_frames = (len(samples) - window - longest - 1) // hop + 1
    for frame in range(n_frames):
        sound = samples[frame * hop :].astype(np.float64)
        here = sound[:window]
        peaks = [(-np.inf, 0.0, 0.0)]
        if (here**2).sum() >= 1e-8 * window:
            lags = np.arange(shortest - 1, longest + 2)
            moved = np.stack([sound[lag : lag + window] for lag in lags])
            correlation = moved @ here / np.sqrt((here**2).sum() * np.maximum((moved**2).sum(axis=1), 1e-20))
            for before, peak, after, lag in zip(correlation, correlation[1:], correlation[2:], lags[1:], strict=False):
                if peak > 0 and peak > before and peak >= after:
                    curve = np.polyfit([-1, 0, 1], [before, peak, after], 2)
                    shift = -curve[1] / (2 * curve[0])
                    height = np.polyval(curve, shift)
                    period = lag + shift
                    peaks.append((height - octave_cost * np.log2(period / shortest), period, min(1.0, height)))
        _, period, strength = max(peaks)
        periods.append(period)
        strengths.append(strength)
    return np.array(periods), np.array(strengths)


def prominent_peaks(values, least):
    is_peak = np.zeros(len(values), np.bool_)
    is_peak[find_peaks(values, prominence=least)[0]] = True
    return is_peak


def highest_around(values, size):
    return maximum_filter1d(values, size)


def map_light(y, u, v, width, to_index, to_primaries, curves, to_levels):
    light, system, factor, signal = curves.astype(np.float64)
    last, height = len(light) - 1, y.shape[0]
    # An odd picture is as if its last row and column were there twice.
    rows = np.minimum(np.arange(2 * u.shape[0]), height - 1)
    columns = np.minimum(np.arange(2 * ((width + 1) // 2)), width - 1)
    codes = y[rows][:, columns].astype(np.float64)

    def at_pixels(plane):
        plane = plane[:, : len(columns) // 2].astype(np.float64) - 512
        padded = np.pad(plane, 1, mode="edge")
        upper, lower = 0.75 * padded[1:-1] + 0.25 * padded[:-2], 0.75 * padded[1:-1] + 0.25 * padded[2:]
        tall = np.stack([upper, lower], axis=1).reshape(len(rows), -1)[:, 1:]
        between = (tall[:, :-1] + tall[:, 1:]) / 2
        return np.stack([tall[:, :-1], between], axis=2).reshape(codes.shape)

    def nearest(curve, index):
        return curve[np.floor(np.clip(index, 0, last) + 0.5).astype(int)]

    blue, red = at_pixels(u), at_pixels(v)
    scale, offset, red_r, blue_g, red_g, blue_b = to_index.astype(np.float64)
    base = codes * scale + offset
    index = np.stack([base + red_r * red, base + blue_g * blue + red_g * red, base + blue_b * blue], axis=-1)
    *rgb, grey = np.moveaxis(nearest(light, index) @ to_primaries.astype(np.float64).T, -1, 0)
    rgb = np.stack(rgb, axis=-1)
    lowest = np.minimum(rgb.min(axis=-1), 0.0)
    keep = grey / (grey - lowest + 1e-12)
    rgb = np.maximum(grey[..., None] + keep[..., None] * (rgb - grey[..., None]), 0.0)
    strongest = rgb.max(axis=-1)
    scaled = np.minimum(nearest(system, last * grey**0.25), 1.0 / (strongest + 1e-12))
    bent = nearest(factor, last * (strongest * scaled) ** 0.25)[..., None]
    levels = bent * nearest(signal, last * (rgb * scaled[..., None]) ** 0.25) @ to_levels.astype(np.float64).T
    shared = levels[..., 1:].reshape(u.shape[0], 2, -1, 2, 2).mean(axis=(1, 3))
    planes = levels[:height, :width, 0] + 16, shared[..., 0] + 128, shared[..., 1] + 128
    return tuple(np.floor(plane + 0.5).astype(np.uint8) for plane in planes)
