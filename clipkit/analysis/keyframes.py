"""Where a person wants the crop window: a few times and places that overrule the camera."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from clipkit.analysis.subject import Axis
from clipkit.errors import InputError

Floats = NDArray[np.float64]

# The length of a window's edge is here where the place is that of its left or top edge.
_LENGTHS = {"x": "width", "y": "height"}
# Rows of a crop table with one of these show more than one window of the clip's shape, so they name no place for it.
_WIDER = ("screen", "pad", "split")
# Times are compared in microseconds: nearer ones are one time written twice.
_DECIMALS = 6


class Keyframes(NamedTuple):
    """Places of the middle of the window, by time.

    Attributes
    ----------
    time_s : ndarray of float64, shape (n,)
        Seconds from the first displayed frame of the source, strictly rising.
    place : ndarray of float64, shape (n,)
        Fractions 0..1 of the displayed frame, along the axis that the window moves on.
    """

    time_s: Floats
    place: Floats


def read_keyframes(path: str | Path, axis: Axis) -> Keyframes:
    """Read a CSV file of keyframes: columns ``time_s`` and ``x``, or ``y`` for a window that moves up and down.

    A table such as ``crop.csv`` will do as well: with a column ``width`` (``height``), ``x`` (``y``) is the left (top)
    edge of the window.  Rows of such a table whose layout is screen or split are left out.  Rows need no order.

    Parameters
    ----------
    path : path
        Of the file.
    axis : {"x", "y"}
        Along which the window moves.

    Raises
    ------
    InputError
        ``input.bad_keyframes`` with the file, the line and the column: the file cannot be read, a column is missing, a
        value is no number or out of range, or one time has two places.
    """
    path = Path(path).expanduser()
    places: dict[float, float] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for line, time_s, place in _rows(path, csv.DictReader(stream), axis):
                if places.setdefault(time_s, place) != place:
                    what = f"{time_s:g} s must have one place, got {places[time_s]:g} and {place:g}"
                    raise _bad(path, line, what, "Delete one, or let the second come later")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "it is not a CSV file in UTF-8"
        what = f"keyframes must be a file that can be read, and this is none ({reason})"
        raise _bad(path, None, what, "Give another") from error
    if not places:
        what = "keyframes must have a row with a place, got none"
        raise _bad(path, None, what, "Add one, or leave the setting out")
    times_s = sorted(places)
    return Keyframes(np.array(times_s), np.array([places[time_s] for time_s in times_s]))


def _rows(path: Path, table: csv.DictReader[str], axis: Axis) -> Iterator[tuple[int, float, float]]:
    """Yield the line, the time and the place of each keyframe."""
    names = table.fieldnames or []
    missing = [name for name in ("time_s", axis) if name not in names]
    if missing:
        what = f"keyframes must have the columns time_s and {axis}, got {','.join(names) or 'none'}"
        raise _bad(path, 1, what, f"Add {missing[0]}, with commas between the columns")
    for row in table:
        if row.get("layout") in _WIDER:
            continue
        line = table.line_num
        time_s = _number(path, line, row, "time_s", most=math.inf)
        place = _number(path, line, row, axis, most=1.0)
        if _LENGTHS[axis] in names:
            place = min(place + _number(path, line, row, _LENGTHS[axis], most=1.0) / 2, 1.0)
        yield line, round(time_s, _DECIMALS), place


def _number(path: Path, line: int, row: dict[str, str], name: str, *, most: float) -> float:
    text = row[name]
    try:
        value = float(text)
    except (TypeError, ValueError):  # None where the line is short
        value = math.nan
    if 0.0 <= value <= most and math.isfinite(value):
        return value
    unit = "seconds, 0 or more" if most == math.inf else "a fraction of the frame, 0 to 1"
    what = f"{name} must be {unit}, got {text!r}"
    raise _bad(path, line, what, "Correct it, or delete the line")


def _bad(path: Path, line: int | None, what: str, remedy: str) -> InputError:
    where = f"{path}" if line is None else f"{path}, line {line}"
    return InputError(f"{where}: {what}. {remedy}.", code="input.bad_keyframes")


def path_through(keyframes: Keyframes, times_s: Floats) -> Floats:
    """Return where the middle of the window is at each time.

    It goes through the keyframes, is still before the first, after the last and between two that are equal, and
    glides between others without going beyond either: a monotone cubic that starts and ends at rest.

    Parameters
    ----------
    keyframes : Keyframes
        At least one.
    times_s : ndarray of float64, shape (n,)
        Seconds from the first displayed frame.

    Returns
    -------
    ndarray of float64, shape (n,)

    Examples
    --------
    >>> two = Keyframes(np.array([1.0, 3.0]), np.array([0.2, 0.6]))
    >>> path_through(two, np.array([0.0, 1.0, 2.0, 3.0, 9.0])).round(6).tolist()
    [0.2, 0.2, 0.4, 0.6, 0.6]
    """
    time_s, place = keyframes
    # A place that is held beyond either end makes the curve leave and reach it at rest.
    held_s = np.concatenate([[time_s[0] - 1.0], time_s, [time_s[-1] + 1.0]])
    held = np.concatenate([place[:1], place, place[-1:]])
    curve = scipy.interpolate.PchipInterpolator(held_s, held)
    return np.asarray(curve(np.clip(times_s, time_s[0], time_s[-1])), np.float64)
