"""The look that all figures share: colours, time axes, and how many points are drawn.

Conventions
-----------
Time runs on a date axis that counts from the first frame, so that its labels stay readable when a
person zooms in: :func:`axis_ms`.  Colours are those of Okabe and Ito, which people with any
kind of colour vision can tell apart [1]_; backgrounds are transparent, so that a page chooses
light or dark.

References
----------
.. [1] M. Okabe, K. Ito, "Color universal design", 2008.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, GREY = "#56B4E9", "#CC79A7", "#7F7F7F"
TRANSITION_COLOURS = {"cut": VERMILION, "dissolve": BLUE, "fade": PURPLE, "wipe": ORANGE}
CLIP_FILL = "rgba(230, 159, 0, 0.22)"
WINDOW_FILL = "rgba(86, 180, 233, 0.35)"

# More points than this cannot be told apart on a screen; a figure of a whole hour stays below 300 kB.
MAX_POINTS = 1200

_DAY_MS = 86_400_000.0
_GRID = "rgba(127, 127, 127, 0.25)"
_CLEAR = "rgba(0, 0, 0, 0)"
_FONT = "system-ui, -apple-system, Segoe UI, Roboto, sans-serif"

Values = NDArray[Any]


def has_rows(table: pd.DataFrame | None, *columns: str) -> TypeGuard[pd.DataFrame]:
    """Tell whether a table is there, has these columns and is not empty."""
    return table is not None and len(table) > 0 and set(columns) <= set(table.columns)


def seconds(table: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """Return a column of times as float64 seconds."""
    return np.asarray(table[column], dtype=np.float64)


def axis_ms(time_s: Values | float) -> Values:
    """Return times in seconds as places on a date axis, in milliseconds.

    Zero stands at the second day of 1970: plotly reads a bare number of four digits as a year.
    """
    return np.asarray(1000 * np.asarray(time_s, np.float64) + _DAY_MS)


def peaks(time_s: NDArray[np.float64], values: Values) -> tuple[Values, Values]:
    """Return times on the axis and values, the highest of each stretch when there are many.

    Parameters
    ----------
    time_s, values : ndarray, shape (n,)
        Rising times and what was measured then; NaN is passed over.

    Returns
    -------
    axis, highest : ndarray, shape (at most 1200,)
    """
    if len(time_s) <= MAX_POINTS:
        return axis_ms(time_s), values.astype(np.float32)
    starts = np.linspace(0, len(time_s), MAX_POINTS, endpoint=False).astype(np.int64)
    return axis_ms(time_s[starts]), np.fmax.reduceat(values, starts).astype(np.float32)


def dates(axis: Values) -> list[str]:
    """Return places on the axis as dates in words.

    A live figure whose numbers are replaced forgets that its axis counts time, unless they look like it.
    """
    return [str(date) for date in np.datetime_as_string(np.rint(axis).astype("datetime64[ms]"), unit="ms")]


def strokes(table: pd.DataFrame) -> tuple[list[str], Values]:
    """Return one broken line, a stretch from ``start_s`` to ``end_s`` at the height of ``score`` per row."""
    start_s, end_s, score = (seconds(table, column) for column in ("start_s", "end_s", "score"))
    x = np.column_stack([start_s, end_s, end_s]).ravel()
    gap = np.full(len(table), np.nan)
    return dates(axis_ms(x)), np.column_stack([score, score, gap]).ravel().astype(np.float32)


def middles(table: pd.DataFrame) -> list[str]:
    """Return the middle of each row's stretch of time on the axis."""
    return dates(axis_ms((seconds(table, "start_s") + seconds(table, "end_s")) / 2))


def lengths(table: pd.DataFrame) -> Values:
    """Return the length of each row's stretch of time in seconds."""
    return seconds(table, "end_s") - seconds(table, "start_s")


def time_axis(figure: go.Figure, duration_s: float, *, whole: bool = True) -> None:
    """Make the x axes count minutes and seconds, from 0 to the end where `whole`."""
    clock = "%-H:%M:%S" if duration_s >= 3600 else "%-M:%S"
    figure.update_xaxes(
        type="date",
        tickformat=clock,
        tickformatstops=[{"dtickrange": [None, 900], "value": clock + ".%1f"}],
        hoverformat=clock + ".%1f",
        nticks=6,
        tickangle=0,
    )
    if whole:
        figure.update_xaxes(range=axis_ms(np.array([0.0, max(duration_s, 0.1)])).tolist())


def shade(figure: go.Figure, clips: pd.DataFrame) -> None:
    """Colour the time of each clip over the whole height of the figure."""
    figure.update_layout(
        shapes=[
            {
                "type": "rect",
                "xref": "x",
                "yref": "paper",
                "x0": start_ms,
                "x1": end_ms,
                "y0": 0,
                "y1": 1,
                "fillcolor": CLIP_FILL,
                "line": {"width": 0},
                "layer": "below",
            }
            for start_ms, end_ms in zip(
                axis_ms(seconds(clips, "start_s")), axis_ms(seconds(clips, "end_s")), strict=True
            )
        ]
    )


def styled(figure: go.Figure, sentence: str, height: int) -> go.Figure:
    """Give a figure the shared look, its height in pixels and the sentence that says what it shows."""
    figure.update_layout(
        meta={"summary": sentence},
        template=None,
        height=height,
        autosize=True,
        margin={"l": 56, "r": 14, "t": 30, "b": 36},
        paper_bgcolor=_CLEAR,
        plot_bgcolor=_CLEAR,
        font={"family": _FONT, "size": 12},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        hovermode="closest",
        bargap=0.15,
    )
    figure.update_xaxes(gridcolor=_GRID, zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor=_GRID, zeroline=False, automargin=True)
    return figure
