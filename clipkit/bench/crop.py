"""A horizontal crop path against boxes of the subject.

Conventions
-----------
Positions and widths are shares of the displayed frame's width.  The truth has ``time_s,x0,x1`` and ``certain``: only
rows with 1 count.  The path has ``time_s,x,width`` with the left edge in ``x``; it is linear between its rows and may
jump where the shot changes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.errors import InputError

Values = NDArray[np.float64]

# Labels are good to about this much (frame widths).
SLACK = 0.01
# Below this the camera rests (frame widths a second).
STILL = 0.01
_N_PLACES = 501


@dataclass(frozen=True)
class Held:
    """How much of the subject a window holds: means over rows.

    Attributes
    ----------
    centre_inside : float
        Share of rows whose box has its centre in the window.
    mean_inside : float
        Share of the box's width in the window.
    fully_inside : float
        Share of rows with the whole box in the window, or the whole window in a wider box, within 1 %.
    iou : float
        Width of window and box together over the width that either covers.
    """

    centre_inside: float
    mean_inside: float
    fully_inside: float
    iou: float

    @property
    def total(self) -> float:
        """Sum of the first three, by which the best fixed window is chosen."""
        return self.centre_inside + self.mean_inside + self.fully_inside


@dataclass(frozen=True)
class CropScore:
    """A path, and the windows that stand still, over the same rows.

    Attributes
    ----------
    path, centre, static : Held
        The path; a window of the same width in the middle; the fixed window that holds most, which has seen the truth.
    limit : float
        Highest possible ``mean_inside``: boxes can be wider than the window.
    reversals_per_minute, third_difference : float
        Changes of direction inside shots; mean absolute third difference of the window's centre, in frame
        widths a row^3 (compare only at equal rates of rows).
    n_rows, n_outside : int
        Rows that were judged, and certain rows outside the path's time.
    """

    path: Held
    centre: Held
    static: Held
    limit: float
    reversals_per_minute: float
    third_difference: float
    n_rows: int
    n_outside: int

    def figures(self) -> dict[str, float]:
        """Return all of it as one flat record."""
        flat: dict[str, float] = {}
        for name in ("path", "centre", "static"):
            flat |= {f"{name}_{key}": float(value) for key, value in asdict(getattr(self, name)).items()}
        rest = ("limit", "reversals_per_minute", "third_difference", "n_rows")
        return flat | {name: float(getattr(self, name)) for name in rest}


def score_crop(truth: pd.DataFrame, crop: pd.DataFrame, *, cuts_s: Values) -> CropScore:
    """Judge a crop path.

    Parameters
    ----------
    truth : DataFrame
        ``time_s,x0,x1,certain``.
    crop : DataFrame
        ``time_s,x,width``, best one row a frame.
    cuts_s : ndarray of float64
        When a new shot begins, sorted.

    Raises
    ------
    InputError
        ``input.bad_table`` where a column is missing, a box is empty, or no certain row lies in the path's time.
    """
    rows, path = (
        _columns(truth, ("time_s", "x0", "x1", "certain"), "truth"),
        _columns(crop, ("time_s", "x", "width"), "crop"),
    )
    times_s, x0, x1 = rows[:3, rows[3] == 1]
    left, width = _at(times_s, path, cuts_s)
    is_known = ~np.isnan(left)
    if not is_known.any():
        message = "truth: no certain row lies in the time of the crop path. Do both count from the first frame?"
        raise InputError(message, code="input.bad_table")
    x0, x1, left, width = x0[is_known], x1[is_known], left[is_known], width[is_known]
    if not (x0 < x1).all():
        message = "truth: every certain box needs x0 < x1. Correct the rows."
        raise InputError(message, code="input.bad_table")
    turns, third = _motion(path, cuts_s)
    return CropScore(
        path=_held(x0, x1, left, width),
        centre=_held(x0, x1, (1 - width) / 2, width),
        static=_best_static(x0, x1, width),
        limit=float(np.minimum(1, width / (x1 - x0)).mean()),
        reversals_per_minute=turns,
        third_difference=third,
        n_rows=len(x0),
        n_outside=int((~is_known).sum()),
    )


def read_boxes(path: str | Path) -> pd.DataFrame:
    """Read a truth table of boxes.

    Raises
    ------
    InputError
        ``input.bad_table`` where it cannot be read or lacks a column.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        message = f"{path} must be a CSV table of boxes, found {error}. Pass a *.subject.csv."
        raise InputError(message, code="input.bad_table") from error
    _columns(table, ("time_s", "x0", "x1", "certain"), str(path))
    return table


def _columns(table: pd.DataFrame, names: tuple[str, ...], where: str) -> Values:
    """Return columns as rows of an array, sorted by the first."""
    missing = [name for name in names if name not in table]
    if missing or table.empty:
        found = f"{', '.join(missing)} is missing" if missing else "there are no rows"
        message = f"{where}: rows with {', '.join(names)} are needed, {found}. Correct the table."
        raise InputError(message, code="input.bad_table")
    values = table[list(names)].to_numpy(np.float64)
    return values[np.argsort(values[:, 0], kind="stable")].T


def _at(times_s: Values, path: Values, cuts_s: Values) -> tuple[Values, Values]:
    """Return left edge and width at times; NaN where the path has no row of that shot near."""
    when, left, width = path
    found = np.full((2, len(times_s)), np.nan)
    reach = 1.5 * float(np.median(np.diff(when))) if len(when) > 1 else 0.0
    shot_of, shot_at = (np.searchsorted(cuts_s, t, side="right") for t in (when, times_s))
    for shot in np.unique(shot_of):
        mine = shot_of == shot
        asked = (shot_at == shot) & (times_s >= when[mine][0] - reach) & (times_s <= when[mine][-1] + reach)
        for row, values in enumerate((left, width)):
            found[row, asked] = np.interp(times_s[asked], when[mine], values[mine])
    return found[0], found[1]


def _held(x0: Values, x1: Values, left: Values, width: Values) -> Held:
    right, middle = left + width, (x0 + x1) / 2
    inside = np.clip(np.minimum(x1, right) - np.maximum(x0, left), 0, None)
    holds = (left <= x0 + SLACK) & (right >= x1 - SLACK)
    is_held = (x1 - x0 > width) & (left >= x0 - SLACK) & (right <= x1 + SLACK)
    return Held(
        centre_inside=float(((middle >= left) & (middle <= right)).mean()),
        mean_inside=float((inside / (x1 - x0)).mean()),
        fully_inside=float((holds | is_held).mean()),
        iou=float((inside / ((x1 - x0) + width - inside)).mean()),
    )


def _best_static(x0: Values, x1: Values, width: Values) -> Held:
    """Return the best fixed window; among equals the one nearest the middle."""
    places = np.linspace(width.min() / 2, 1 - width.min() / 2, _N_PLACES)
    tried = [
        _held(x0, x1, np.clip(p - width / 2, 0, 1 - width), width) for p in sorted(places, key=lambda p: abs(p - 0.5))
    ]
    return max(tried, key=lambda held: held.total)


def _motion(path: Values, cuts_s: Values) -> tuple[float, float]:
    """Return changes of direction a minute and the mean absolute third difference of the centre."""
    when, left, width = path
    shot_of = np.searchsorted(cuts_s, when, side="right")
    turns, seconds, thirds = 0, 0.0, [np.empty(0)]
    for shot in np.unique(shot_of):
        t, centre = when[shot_of == shot], (left + width / 2)[shot_of == shot]
        if len(t) > 1:
            speed = np.diff(centre) / np.diff(t)
            ways = np.sign(speed[np.abs(speed) > STILL])
            turns += int((ways[1:] != ways[:-1]).sum())
            seconds += float(t[-1] - t[0])
            thirds.append(np.abs(np.diff(centre, 3)))
    third = np.concatenate(thirds)
    return 60 * turns / seconds if seconds else 0.0, float(third.mean()) if len(third) else 0.0
