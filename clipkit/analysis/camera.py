"""How the crop window moves: as little as the subject allows.

Conventions
-----------
The window slides along one axis.  Positions are its centre as a fraction of the displayed frame;
`size` is its length along that axis, also a fraction.  A *knot* is a point of time on an even grid
inside a shot at which a position is decided; between knots the path is a cubic B-spline, which
never leaves the range of its knots nor moves faster than they do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from clipkit.kernels.track import best_path

Layout = Literal["static", "pan", "track", "centre"]
Floats = NDArray[np.float64]

# Positions tried along the room that the window has.
N_POSITIONS = 65
# The camera rests this long after a cut and before the next.
REST_S = 0.3
# Gains of inclusion that a moving camera must bring, as shares of the evidence.
_PRICE = {"centre": 0.0, "static": 0.02, "pan": 0.035, "track": 0.05}
# Inclusion given up a second of travel across the whole frame.
_TRAVEL_PRICE = 0.35
_LEAST_SPACING = 1e-6  # of the frame; a thousandth of a pixel
# Weights of the calmest path: first, second and third differences, and distance outside the corridor, against
# distance from the followed place; the first three in the proportion of Grundmann et al.
_CALM = (4.0, 0.2, 20.0)
_OUTSIDE = 20.0
# How well a path must do to lie on the corridor around the best one.
_CORRIDOR = 0.1


@dataclass(frozen=True)
class CameraPath:
    """Positions of the window at even knots of one shot.

    Attributes
    ----------
    positions : ndarray of float64, shape (n_knots,)
        Centre of the window.
    layout : {"static", "pan", "track", "centre"}
        What kind of path it is.
    """

    positions: Floats
    layout: Layout


def inclusion(evidence: Floats, positions: Floats, size: float) -> Floats:
    """Return how much evidence a window holds at each position.

    Evidence in the middle of the window counts whole, towards the window's edge less, outside
    nothing; so the best window has the subject inside and near its middle.

    Parameters
    ----------
    evidence : ndarray of float64, shape (n_knots, n_bins)
        Evidence in equal bins of the axis.
    positions : ndarray of float64, shape (n_positions,)
        Centres of the window.
    size : float
        Length of the window, fraction of the axis.

    Returns
    -------
    ndarray of float64, shape (n_knots, n_positions)
    """
    n_bins = evidence.shape[1]
    bins = (np.arange(n_bins) + 0.5) / n_bins
    distance = np.abs(bins[:, None] - positions[None]) / size
    return np.asarray(evidence @ np.clip((0.55 - distance) / 0.35, 0.0, 1.0), np.float64)


def held_share(evidence: Floats, path: Floats, size: float) -> float:
    """Return the share of the evidence that a window holds on its way, 1 where there is none.

    Parameters
    ----------
    evidence : ndarray of float64, shape (n_knots, n_bins)
        Evidence in equal bins of the axis.
    path : ndarray of float64, shape (n_knots,)
        Centre of the window.
    size : float
        Length of the window, fraction of the axis.
    """
    bins = (np.arange(evidence.shape[1]) + 0.5) / evidence.shape[1]
    is_inside = np.abs(bins[None] - path[:, None]) <= size / 2
    total = float(evidence.sum())
    return float(evidence[is_inside].sum()) / total if total > 0.0 else 1.0


def window_positions(size: float, content: tuple[float, float]) -> Floats:
    """Return the centres at which a window of this size is tried, the frame's middle among them.

    Parameters
    ----------
    size : float
        Length of the window, at most 1.
    content : tuple of float
        Part of the axis without bars; the window stays on it where it fits.
    """
    start, end = content if content[1] - content[0] >= size else (0.0, 1.0)
    return np.linspace(start + size / 2, end - size / 2, N_POSITIONS)


def smooth_path(target: Floats, low: Floats, high: Floats, *, max_step: float, n_rest: int) -> Floats:
    """Return the calmest path through a corridor.

    Minimises a weighted sum of the absolute first, second and third differences, of the distance to `target` and
    of what lies outside ``[low, high]``: the first makes the camera stand, the second pan evenly,
    the third speed up gently.  The path stays within the range of `low` and `high`.

    Parameters
    ----------
    target, low, high : ndarray of float64, shape (n_knots,)
        Where the subject is, and the corridor around it, ``low <= target <= high``.
    max_step : float
        Largest move between two knots.
    n_rest : int
        Moves at either end that must be zero.

    Returns
    -------
    ndarray of float64, shape (n_knots,)

    References
    ----------
    .. [1] Grundmann, Kwatra and Essa, "Auto-directed video stabilization with robust L1 optimal
       camera paths", CVPR 2011.
    """
    n = len(target)
    if n - 1 <= 2 * n_rest:
        return np.full(n, float(np.median(target)))
    eye = scipy.sparse.identity(n, format="csr")
    terms = [(1.0, eye, target, target)]
    differences = eye
    for weight in _CALM:
        differences = differences[1:] - differences[:-1]
        none = np.zeros(differences.shape[0])
        terms.append((weight, differences, none, none))
    terms.append((_OUTSIDE, eye, low, high))
    rows, bounds, costs = [], [], [np.zeros(n)]
    sizes = [term[1].shape[0] for term in terms]
    for k, (weight, matrix, under, over) in enumerate(terms):
        slack = scipy.sparse.hstack(
            [
                scipy.sparse.identity(sizes[k]) if j == k else scipy.sparse.csr_matrix((sizes[k], sizes[j]))
                for j in range(len(terms))
            ]
        )
        rows += [scipy.sparse.hstack([matrix, -slack]), scipy.sparse.hstack([-matrix, -slack])]
        bounds += [over, -under]
        costs.append(np.full(sizes[k], weight))
    n_slack = sum(sizes)
    step = eye[1:] - eye[:-1]
    limit = np.full(n - 1, max_step)
    limit[:n_rest] = limit[n - 1 - n_rest :] = 0.0
    wide = scipy.sparse.hstack([step, scipy.sparse.csr_matrix((n - 1, n_slack))])
    solved = scipy.optimize.linprog(
        np.concatenate(costs),
        A_ub=scipy.sparse.vstack([*rows, wide, -wide], format="csr"),
        b_ub=np.concatenate([*bounds, limit, limit]),
        bounds=[(float(low.min()), float(high.max()))] * n + [(0.0, None)] * n_slack,
        method="highs",
    )
    if solved.status != 0:
        return np.full(n, float(np.median(target)))
    return np.asarray(np.clip(solved.x[:n], low.min(), high.max()), np.float64)


def _score(gains: Floats, positions: Floats, path: Floats) -> float:
    """Mean gain along a path, read between the positions tried."""
    place = np.interp(path, positions, np.arange(len(positions)))
    left = np.minimum(place.astype(np.int64), len(positions) - 2)
    share = place - left
    rows = np.arange(len(path))
    return float(np.mean(gains[rows, left] * (1 - share) + gains[rows, left + 1] * share))


def _ramps(gains: Floats, positions: Floats, *, max_step: float, n_rest: int) -> Floats:
    """Best path that rests, moves evenly once through the shot, and rests."""
    n = len(gains)
    moves = n - 1 - 2 * n_rest
    if moves < 2:
        return np.full(n, positions[len(positions) // 2])
    share = np.clip((np.arange(n) - n_rest) / moves, 0.0, 1.0)
    tried = np.arange(0, len(positions), 4)
    best, found = -np.inf, np.full(n, positions[len(positions) // 2])
    for start in tried:
        for end in tried:
            path = positions[start] + share * (positions[end] - positions[start])
            if abs(path[-1] - path[0]) > max_step * moves:
                continue
            index = np.rint(start + share * (end - start)).astype(np.int64)
            score = float(gains[np.arange(n), index].mean())
            if score > best:
                best, found = score, path
    return found


def plan_path(
    evidence: Floats,
    *,
    size: float,
    rate_hz: float,
    content: tuple[float, float] = (0.0, 1.0),
    static_range: float,
    max_speed: float,
) -> CameraPath:
    """Return how the window moves through one shot.

    The best still, evenly panning and following paths compete: the one with the highest mean
    inclusion less a price for moving wins.  Without evidence the window stands in the middle.

    Parameters
    ----------
    evidence : ndarray of float64, shape (n_knots, n_bins)
        Strength of the evidence in equal bins of the axis, at even knots.
    size : float
        Length of the window along the axis, fraction of the frame.
    rate_hz : float
        Knots a second.
    content : tuple of float, optional
        Part of the axis without bars.
    static_range : float
        A subject whose place varies less gets a still camera, fraction of the frame.
    max_speed : float
        Fastest move of the window, frame lengths a second.
    """
    n = len(evidence)
    positions = window_positions(size, content)
    middle = CameraPath(np.full(n, 0.5), "centre")
    spacing = float(positions[1] - positions[0])
    # A window that fills the frame to within rounding has no second place to stand.
    if n == 0 or spacing < _LEAST_SPACING or not evidence.any():
        return middle
    max_step = max_speed / rate_hz
    n_rest = int(np.ceil(REST_S * rate_hz)) + 1
    # A trace of preference for the middle decides between places that are equally good.
    gains = inclusion(evidence, positions, size) - 0.02 * np.abs(positions - 0.5)[None]

    still = np.full(n, positions[int(np.argmax(gains.mean(axis=0)))])
    candidates: list[tuple[Layout, Floats]] = [("centre", middle.positions), ("static", still)]
    followed = best_path(gains, _TRAVEL_PRICE * rate_hz * spacing, max(1, int(max_step / spacing)))
    target = positions[followed]
    if np.ptp(target) > static_range and n - 1 > 2 * n_rest:
        candidates.append(("pan", _ramps(gains, positions, max_step=max_step, n_rest=n_rest)))
        low, high = _corridor(gains, followed, positions)
        candidates.append(("track", smooth_path(target, low, high, max_step=max_step, n_rest=n_rest)))
    layout, path = max(candidates, key=lambda found: _score(gains, positions, found[1]) - _PRICE[found[0]])
    return CameraPath(path, "static" if layout in ("pan", "track") and np.ptp(path) < 1e-6 else layout)


def _corridor(gains: Floats, followed: NDArray[np.int64], positions: Floats) -> tuple[Floats, Floats]:
    """Stretch around the followed positions in which the window still holds almost as much."""
    low, high = np.empty(len(gains)), np.empty(len(gains))
    for t, at in enumerate(followed):
        good = gains[t] >= gains[t, at] - _CORRIDOR
        left = right = int(at)
        while left > 0 and good[left - 1]:
            left -= 1
        while right < len(positions) - 1 and good[right + 1]:
            right += 1
        low[t], high[t] = positions[left], positions[right]
    return low, high


def path_at(path: Floats, knots_s: Floats, times_s: Floats) -> Floats:
    """Return the position at each time: a cubic B-spline with the path's positions as control points.

    Parameters
    ----------
    path : ndarray of float64, shape (n_knots,)
        Positions at even knots.
    knots_s : ndarray of float64, shape (n_knots,)
        Their times.
    times_s : ndarray of float64, shape (n_times,)
        Times asked for; before the first knot and after the last the path rests.
    """
    if len(path) == 1 or np.ptp(path) == 0.0:
        return np.full(len(times_s), path[0])
    place = np.interp(times_s, knots_s, np.arange(len(path)))
    padded = np.concatenate([[path[0]] * 2, path, [path[-1]] * 2])
    grid = np.arange(-4, len(padded), dtype=np.float64)
    spline = scipy.interpolate.BSpline(grid, padded, 3, extrapolate=False)
    return np.asarray(np.clip(spline(np.clip(place, 0, len(path) - 1)), path.min(), path.max()), np.float64)


def at_knots(
    values: NDArray[np.float64], times_s: NDArray[np.float64], knots_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return rows at even knots: the mean of those less than one spacing away, weighted by nearness.

    Parameters
    ----------
    values : ndarray of float64, shape (n_times, n_bins)
    times_s : ndarray of float64, shape (n_times,)
        Sorted; at least one.
    knots_s : ndarray of float64, shape (n_knots,)
        Sorted, evenly spaced.

    Returns
    -------
    ndarray of float64, shape (n_knots, n_bins)
        A knot without any row that near takes the nearest.
    """
    spacing = knots_s[1] - knots_s[0] if len(knots_s) > 1 else 1.0
    found = np.empty((len(knots_s), values.shape[1]))
    for k, knot in enumerate(knots_s):
        first, last = np.searchsorted(times_s, [knot - spacing, knot + spacing])
        near = slice(first, last)
        weights = 1.0 - np.abs(times_s[near] - knot) / spacing
        if weights.sum() > 1e-6:
            found[k] = weights @ values[near] / weights.sum()
        else:
            found[k] = values[int(np.argmin(np.abs(times_s - knot)))]
    return found
