"""The best set of spans that do not get in each other's way, exactly; and without two of a kind.

Conventions
-----------
Times are compared in whole milliseconds and scores in millionths, so that equal input gives
equal choices everywhere and ties are ties.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rows = NDArray[np.int64]
# Which of the second rows show or say the same as each of the first: (n_first, n_second).
Alike = Callable[[Rows, Rows], NDArray[np.bool_]]


@dataclass(frozen=True)
class Choice:
    """Which spans were chosen, and which ones stood aside for their likeness to a chosen one.

    Attributes
    ----------
    rows : ndarray of int64
        The chosen spans, best first, ties by start.
    twin_of : ndarray of int64, shape (n_spans,)
        Row of the chosen span that a vetoed one is like; -1 where nothing was vetoed.
    met : ndarray of int64
        Every span that was part of some optimum on the way: among these alone the choice is the same.
    """

    rows: Rows
    twin_of: Rows
    met: Rows


def best_spans(start_s: ArrayLike, end_s: ArrayLike, score: ArrayLike, *, gap_s: float, most: int) -> Rows:
    """Return the rows of the at most `most` spans, `gap_s` apart, with the highest total score.

    Parameters
    ----------
    start_s, end_s, score : array_like of float, shape (n_spans,)
        Spans in any order; scores are at least 0.
    gap_s : float
        Smallest time from one end to the next start.
    most : int
        Largest number of spans.

    Returns
    -------
    ndarray of int64
        In order of time.

    Notes
    -----
    Weighted interval scheduling with a limited number of intervals: with the spans in order of
    start, ``V[k][i] = max(V[k][i + 1], score[i] + V[k - 1][next(i)])`` is the most that `k` spans
    from the i-th on can bring.  O(n log n + n K).

    Examples
    --------
    >>> best_spans([0, 2, 4], [3, 5, 7], [0.5, 0.9, 0.5], gap_s=0, most=2).tolist()
    [0, 2]
    """
    order, after, taken = _totals(start_s, end_s, score, gap_s, most)
    rows, index = [], 0
    for worth in reversed(taken):
        # The first span from here on that is worth as much as anything later.
        later = worth[index:]
        if not len(later):
            break
        place = index + int(later.argmax())
        rows.append(order[place])
        index = int(after[place])
    return np.array(rows, dtype=np.int64)


def _totals(
    start_s: ArrayLike, end_s: ArrayLike, score: ArrayLike, gap_s: float, most: int
) -> tuple[Rows, Rows, list[Rows]]:
    """Return the order of the spans, the next one after each, and what each brings as the first of 1, 2 … spans."""
    starts, ends = _milliseconds(start_s), _milliseconds(end_s)
    order = np.lexsort([ends, starts])
    starts, ends = starts[order], ends[order]
    values = _millionths(score)[order]
    after = np.searchsorted(starts, ends + round(gap_s * 1000))
    total = np.zeros(len(order) + 1, dtype=np.int64)
    taken = []
    for _ in range(most):
        taken.append(values + total[after])
        total[:-1] = np.maximum.accumulate(taken[-1][::-1])[::-1]
    return order, after, taken


def choose_spans(
    start_s: ArrayLike, end_s: ArrayLike, score: ArrayLike, *, gap_s: float, most: int, alike: Alike
) -> Choice:
    """Return the best set of spans in which no two are twins.

    The best set is found as if there were no twins.  While it holds some, the best of each kind is kept
    for good, all its twins stand aside, and the best set around what is kept is found anew: at most
    `most` rounds.  Without twins the choice is the one of :func:`best_spans`.

    Parameters
    ----------
    start_s, end_s, score, gap_s, most
        As for :func:`best_spans`.
    alike : callable
        ``alike(first, second)`` says which of the rows `second` are twins of each of the rows `first`.

    Returns
    -------
    Choice

    Notes
    -----
    Where twins cost so much that fewer spans would bring more, fewer are chosen: a larger `most`
    never lowers the total.
    """
    starts, ends = np.asarray(start_s, dtype=np.float64), np.asarray(end_s, dtype=np.float64)
    values = np.asarray(score, dtype=np.float64)
    choice = _without_twins(starts, ends, values, gap_s, most, alike)
    if (choice.twin_of < 0).all():
        return choice
    met = [choice.met]
    bounds = [int(taken.max()) for taken in _totals(starts, ends, values, gap_s, most)[2]]
    for fewer in range(most - 1, 0, -1):
        reached = _millionths(values[choice.rows]).sum()
        if bounds[fewer - 1] <= reached:
            break
        other = _without_twins(starts, ends, values, gap_s, fewer, alike)
        met.append(other.met)
        if _millionths(values[other.rows]).sum() > reached:
            choice = other
    return Choice(choice.rows, choice.twin_of, np.unique(np.concatenate(met)))


def _without_twins(
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    values: NDArray[np.float64],
    gap_s: float,
    most: int,
    alike: Alike,
) -> Choice:
    first_ms, last_ms, gap_ms = _milliseconds(starts), _milliseconds(ends), round(gap_s * 1000)
    free = np.ones(len(starts), dtype=bool)
    twin_of = np.full(len(starts), -1, dtype=np.int64)
    kept = np.empty(0, dtype=np.int64)
    met: list[Rows] = []
    while True:
        rows = np.flatnonzero(free)
        rest = best_spans(starts[rows], ends[rows], values[rows], gap_s=gap_s, most=most - len(kept))
        chosen = np.concatenate([kept, rows[rest]])
        chosen = chosen[np.lexsort([starts[chosen], -values[chosen]])]
        met.append(chosen)
        doubled = _best_of_twins(alike(chosen, chosen))
        if not len(doubled):
            return Choice(chosen, twin_of, np.unique(np.concatenate(met)))
        for row in chosen[doubled].tolist():
            # What overlaps a kept span cannot be chosen beside it anyway.
            free &= (first_ms >= last_ms[row] + gap_ms) | (last_ms + gap_ms <= first_ms[row])
        kept = np.concatenate([kept, chosen[doubled]])
        rows = np.flatnonzero(free)
        twins = alike(chosen[doubled], rows)
        like = twins.any(axis=0)
        twin_of[rows[like]] = chosen[doubled][twins.argmax(axis=0)[like]]
        free[rows[like]] = False


def _best_of_twins(twins: NDArray[np.bool_]) -> Rows:
    """Return the places, best first, that have a worse twin and are no twin of a better place returned."""
    best: list[int] = []
    for place in range(len(twins)):
        if twins[place, place + 1 :].any() and not twins[place, best].any():
            best.append(place)
    return np.array(best, dtype=np.int64)


def _milliseconds(time_s: ArrayLike) -> NDArray[np.int64]:
    return np.rint(np.asarray(time_s, dtype=np.float64) * 1000).astype(np.int64)


def _millionths(score: ArrayLike) -> NDArray[np.int64]:
    return np.rint(np.asarray(score, dtype=np.float64) * 1e6).astype(np.int64)
