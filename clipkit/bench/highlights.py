"""Scores of moments and chosen clips against what people rated.

Conventions
-----------
Ratings are of shape (n_raters, n_units), one for each unit of 2 s.  Each figure is a mean over raters, then over
videos.  People differ so much that no figure means anything alone: the rows of random, uniform and
centred choices and of other people stand beside it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import kendalltau, rankdata

from clipkit.bench.ratings import UNIT_S, Rated

Values = NDArray[np.float64]

# Windows of a clip start on this grid (seconds).
GRID_S = 0.5
BUDGET = 0.15
SEED = 1
_N_RANDOM = 20

COLUMNS = ("tau", "rho", "f1")


class Agreement(NamedTuple):
    """How far one score a unit agrees with raters: Kendall's tau-b, Spearman's rho, F1 of the best 15 % of units."""

    tau: float
    rho: float
    f1: float


def agreement(score: Values, ratings: Values) -> Agreement:
    """Compare a score with each rater and return the means.

    Parameters
    ----------
    score : ndarray of float64, shape (n_units,)
    ratings : ndarray of float64, shape (n_raters, n_units)

    Notes
    -----
    ``tau_b = (C - D) / sqrt((C + D + Tx) (C + D + Ty))`` over pairs of units: concordant, discordant, tied in one
    only; rho is Pearson's correlation of the ranks.  A constant score or rater orders nothing and counts 0.

    F1 compares sets of ``k = max(1, floor(0.15 n))`` units, so that it is the overlap over k.  Units tied at the limit
    belong to a set with equal chance, which gives the expected overlap.

    Examples
    --------
    >>> agreement(np.array([1.0, 2.0, 3.0]), np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))[:2]
    (0.0, 0.0)
    """
    chosen = _chance_of_best(score)
    k = chosen.sum()
    tau = [_tau(score, rater) for rater in ratings]
    rho = [_rho(score, rater) for rater in ratings]
    f1 = [float(chosen @ _chance_of_best(rater) / k) for rater in ratings]
    return Agreement(float(np.mean(tau)), float(np.mean(rho)), float(np.mean(f1)))


def clip_percentile(starts_s: Sequence[float] | Values, width_s: float, video: Rated) -> Values:
    """Return for each rater how good chosen windows are among all windows of their length.

    Parameters
    ----------
    starts_s : sequence of float
        Starts of the chosen windows.
    width_s : float
        Their length; a longer video is needed.
    video : Rated

    Returns
    -------
    ndarray of float64, shape (n_raters,)
        Mean over the chosen windows of ``(worse + equal / 2) / all``: the share of the windows, starting every half
        second, with a lower mean rating.
    """
    means = _window_means(window_starts(video, width_s), width_s, video)
    chosen = _window_means(np.asarray(starts_s, np.float64), width_s, video)
    worse = (means[:, None, :] < chosen[:, :, None] - 1e-9).mean(axis=2)
    equal = (np.abs(means[:, None, :] - chosen[:, :, None]) <= 1e-9).mean(axis=2)
    return np.asarray((worse + equal / 2).mean(axis=1), np.float64)


def window_starts(video: Rated, width_s: float) -> Values:
    """Return where windows of a length may start: every half second."""
    n_starts = int((_rated_s(video) - width_s) / GRID_S + 1e-9) + 1
    return np.arange(max(1, n_starts), dtype=np.float64) * GRID_S


def best_windows(worth: Values, n_windows: int, width_s: float) -> list[float]:
    """Return the starts of the non-overlapping windows of greatest total worth, in order of time.

    Parameters
    ----------
    worth : ndarray of float64, shape (n_starts,)
        Worth of the window at each start of :func:`window_starts`.
    n_windows : int
        How many; fewer where no more fit.
    width_s : float

    Notes
    -----
    Exact: ``best[k, i] = max(best[k, i + 1], worth[i] + best[k - 1, i + width])``.
    """
    step = max(1, round(width_s / GRID_S))
    n = len(worth)
    best = np.full((n_windows + 1, n + step + 1), -np.inf)
    best[0] = 0.0
    for k in range(1, n_windows + 1):
        for i in range(n - 1, -1, -1):
            best[k, i] = max(best[k, i + 1], worth[i] + best[k - 1, i + step])
    k = max(k for k in range(n_windows + 1) if np.isfinite(best[k, 0]))
    starts, i = [], 0
    while k:
        if best[k, i] == best[k, i + 1]:
            i += 1
        else:
            starts.append(i * GRID_S)
            i, k = i + step, k - 1
    return starts


def agreement_rows(videos: Sequence[Rated], score: Callable[[Rated], Values] | None = None) -> pd.DataFrame:
    """Return the agreement of our score, if given, and of the rows that belong beside it.

    Parameters
    ----------
    videos : sequence of Rated
    score : callable, optional
        Gives one score a unit of a video.

    Returns
    -------
    DataFrame
        ``who,tau,rho,f1``.  A person "among the others" is compared with each of them, and averaged; "the mean of
        the others" is compared with the one left out.
    """
    rng = np.random.default_rng(SEED)
    rows: dict[str, list[Agreement]] = {}
    for video in videos:
        ratings, n_units = video.ratings, video.ratings.shape[1]
        others = [np.delete(ratings, rater, axis=0) for rater in range(len(ratings))]
        random = [agreement(rng.permutation(n_units).astype(float), ratings) for _ in range(_N_RANDOM)]
        found = {
            "random": _mean(random),
            "uniform": agreement(_uniform(n_units), ratings),
            "centre prior": agreement(-np.abs(video.centres_s - video.duration_s / 2), ratings),
            "one person": _mean([agreement(r, o) for r, o in zip(ratings, others, strict=True)]),
            "mean of the others": _mean(
                [agreement(o.mean(axis=0), r[None]) for r, o in zip(ratings, others, strict=True)]
            ),
        }
        if score is not None:
            found = {"clipkit": agreement(score(video), ratings)} | found
        for who, row in found.items():
            rows.setdefault(who, []).append(row)
    return pd.DataFrame([(who, *_mean(found)) for who, found in rows.items()], columns=["who", *COLUMNS])


def percentile_rows(
    videos: Sequence[Rated], n_windows: int, width_s: float, choose: Callable[[Rated], list[float]] | None = None
) -> pd.DataFrame:
    """Return the clip percentile of our choice, if given, and of the rows that belong beside it.

    Parameters
    ----------
    videos : sequence of Rated
        Those too short for the windows are left out.
    n_windows : int
    width_s : float
    choose : callable, optional
        Gives the starts of windows of that length.

    Returns
    -------
    DataFrame
        ``who,percentile``.
    """
    rng = np.random.default_rng(SEED)
    rows: dict[str, list[float]] = {}
    for video in videos:
        if _rated_s(video) < n_windows * width_s:
            continue
        starts = window_starts(video, width_s)
        means = _window_means(starts, width_s, video)
        rank = functools.partial(clip_percentile, width_s=width_s, video=video)
        best = functools.partial(best_windows, n_windows=n_windows, width_s=width_s)
        raters = range(len(video.ratings))
        others = [np.delete(means, rater, axis=0).mean(axis=0) for rater in raters]
        centre = -np.abs(starts + width_s / 2 - video.duration_s / 2)
        gap_s = (_rated_s(video) - n_windows * width_s) / (n_windows + 1)
        found = {
            "random": float(
                np.mean([rank(_scattered(video, n_windows, width_s, rng)).mean() for _ in range(_N_RANDOM)])
            ),
            "uniform": float(rank([gap_s + k * (gap_s + width_s) for k in range(n_windows)]).mean()),
            "centre prior": float(rank(best(centre)).mean()),
            "mean of the others": float(np.mean([rank(best(others[rater]))[rater] for rater in raters])),
            "oracle": float(np.mean([rank(best(means[rater]))[rater] for rater in raters])),
        }
        if choose is not None:
            found = {"clipkit": float(rank(choose(video)).mean())} | found
        for who, value in found.items():
            rows.setdefault(who, []).append(value)
    return pd.DataFrame([(who, float(np.mean(values))) for who, values in rows.items()], columns=["who", "percentile"])


def _tau(score: Values, rater: Values) -> float:
    if np.ptp(score) == 0 or np.ptp(rater) == 0:
        return 0.0
    return float(kendalltau(score, rater).statistic)


def _rho(score: Values, rater: Values) -> float:
    if np.ptp(score) == 0 or np.ptp(rater) == 0:
        return 0.0
    return float(np.corrcoef(rankdata(score), rankdata(rater))[0, 1])


def _chance_of_best(score: Values) -> Values:
    """Return the chance of each unit to be among the best, ties broken by lot; they sum to the number chosen."""
    k = max(1, int(BUDGET * len(score)))
    limit = np.sort(score)[-k]
    is_above, is_tied = score > limit, score == limit
    chance: Values = is_above + is_tied * ((k - is_above.sum()) / is_tied.sum())
    return chance


def _uniform(n_units: int) -> Values:
    """Return a score whose best units, however many, lie evenly over the video: multiples of the golden ratio."""
    return -(np.arange(n_units, dtype=np.float64) * 0.6180339887498949 % 1.0)


def _scattered(video: Rated, n_windows: int, width_s: float, rng: np.random.Generator) -> Values:
    """Return the starts of windows that do not overlap, every such choice as likely as any other."""
    slack_s = _rated_s(video) - n_windows * width_s
    starts_s: Values = np.sort(rng.uniform(0, slack_s, n_windows)) + np.arange(n_windows) * width_s
    return starts_s


def _window_means(starts_s: Values, width_s: float, video: Rated) -> Values:
    """Return the mean rating over each window, shape (n_raters, n_starts)."""
    edges = np.arange(video.ratings.shape[1] + 1) * UNIT_S
    total = np.concatenate([np.zeros((len(video.ratings), 1)), np.cumsum(video.ratings * UNIT_S, axis=1)], axis=1)
    integral = [np.interp(starts_s + width_s, edges, row) - np.interp(starts_s, edges, row) for row in total]
    return np.asarray(integral, np.float64) / width_s


def _rated_s(video: Rated) -> float:
    return float(min(video.duration_s, video.ratings.shape[1] * UNIT_S))


def _mean(rows: Sequence[Agreement]) -> Agreement:
    return Agreement(*(float(value) for value in np.mean(np.asarray(rows), axis=0)))
