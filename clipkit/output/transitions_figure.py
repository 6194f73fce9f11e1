"""Where shots change, drawn over the signal that tells of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from clipkit.output.figure_style import GREY, TRANSITION_COLOURS, axis_ms, peaks, seconds, styled, time_axis
from clipkit.timeline import format_timecode

_LEAST_SIZE, _MORE_SIZE = 6, 8


def transitions_figure(frames: pd.DataFrame, transitions: pd.DataFrame, *, duration_s: float) -> go.Figure:
    """Return the difference from frame to frame, with every transition on it.

    Parameters
    ----------
    frames : DataFrame
        Columns ``time_s`` and ``difference``.
    transitions : DataFrame
        Columns ``kind``, ``begin_s``, ``end_s``, ``score`` and ``margin``.
    duration_s : float
        End of the time axis, seconds.

    Returns
    -------
    Figure
        The first trace is the signal; then one trace a kind, sized by score, with ``customdata`` the row of
        `transitions`.
    """
    time_s, difference = seconds(frames, "time_s"), seconds(frames, "difference")
    x, y = peaks(time_s, difference)
    figure = go.Figure()
    figure.add_scatter(x=x, y=y, name="difference", line={"color": GREY, "width": 1}, hovertemplate="%{y:.1f} levels")
    middle_s = (seconds(transitions, "begin_s") + seconds(transitions, "end_s")) / 2
    score = seconds(transitions, "score")
    for kind, colour in TRANSITION_COLOURS.items():
        rows = np.flatnonzero(transitions["kind"].to_numpy() == kind)
        if not len(rows):
            continue
        first = np.searchsorted(time_s, seconds(transitions, "begin_s")[rows] - 1e-6)
        last = np.searchsorted(time_s, seconds(transitions, "end_s")[rows] + 1e-6)
        figure.add_scatter(
            x=axis_ms(middle_s[rows]),
            y=np.array([difference[a : max(b, a + 1)].max() for a, b in zip(first, last, strict=True)], np.float32),
            mode="markers",
            name=kind,
            marker={
                "color": colour,
                "size": _LEAST_SIZE + _MORE_SIZE * score[rows],
                "line": {"width": 1, "color": "white"},
            },
            customdata=rows,
            text=[
                f"{kind} at {format_timecode(one_s, decimals=2)}, score {one:.2f}"
                for one_s, one in zip(middle_s[rows], score[rows], strict=True)
            ],
            hovertemplate="%{text}<extra></extra>",
        )
    figure.update_yaxes(title_text="levels", rangemode="tozero")
    time_axis(figure, duration_s)
    counts = transitions["kind"].value_counts()
    said = ", ".join(f"{counts[kind]} {kind}" for kind in TRANSITION_COLOURS if kind in counts) or "none was found"
    close = f"; the closest call has a margin of {transitions['margin'].min():.2f}" if len(transitions) else ""
    return styled(figure, f"Transitions over {format_timecode(duration_s, decimals=0)}: {said}{close}.", 300)
