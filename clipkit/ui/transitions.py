"""Every transition of a video, one after the other, with the pictures on both sides of it."""

from __future__ import annotations

from typing import Any

import cv2
import ipywidgets as widgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from clipkit.media.reader import VideoReader
from clipkit.output.figure_style import axis_ms
from clipkit.output.transitions_figure import transitions_figure
from clipkit.timeline import format_timecode

# Pictures before, inside and after a transition, and their height in pixels.
N_BEFORE, N_INSIDE, N_AFTER = 3, 3, 3
THUMBNAIL_HEIGHT = 110
_GAP = 6
_ORDERS = ("by time", "closest calls first")


class TransitionsView(widgets.VBox):  # type: ignore[misc]
    """A figure of all transitions, and the frames around one of them.

    Parameters
    ----------
    reader : VideoReader
        Stays open as long as the view is used.
    frames, transitions : DataFrame
        The tables of `measure_frames` and `detect_transitions`.
    duration_s : float

    Attributes
    ----------
    number : IntSlider
        Place of the transition that is shown, from 1, in the order chosen by `order`.
    order : Dropdown
        By time, or those nearest to the threshold first: they are the ones worth a look.
    figure : FigureWidget
    strip : Image
        Frames before, inside and after; a gap stands where the shot changes.
    words : Label
    """

    def __init__(
        self, reader: VideoReader, frames: pd.DataFrame, transitions: pd.DataFrame, *, duration_s: float
    ) -> None:
        self._reader, self._time_s = reader, frames["time_s"].to_numpy(dtype=np.float64)
        self.transitions = transitions.reset_index(drop=True)
        self.figure = go.FigureWidget(transitions_figure(frames, self.transitions, duration_s=duration_s))
        self.figure.add_vline(x=float(axis_ms(0.0)), line={"color": "#009E73", "width": 2})
        n = len(self.transitions)
        self.order = widgets.Dropdown(options=_ORDERS, description="order")
        self.number = widgets.IntSlider(value=1, min=1, max=max(1, n), description="transition", disabled=n == 0)
        self.number.continuous_update = False
        self.words = widgets.Label(value="No shot changes were found." if n == 0 else "")
        self.strip = widgets.Image(format="jpeg", layout=widgets.Layout(max_width="100%"))
        super().__init__([self.figure, widgets.HBox([self.number, self.order]), self.words, self.strip])
        if n:
            self.number.observe(self._show, "value")
            self.order.observe(self._show, "value")
            for trace in self.figure.data[1:]:
                trace.on_click(self._pick)
            self._show(None)

    def _rows(self) -> NDArray[np.int64]:
        if self.order.value == _ORDERS[0]:
            return np.arange(len(self.transitions))
        return np.argsort(self.transitions["margin"].to_numpy(), kind="stable")

    def _pick(self, trace: Any, points: Any, _state: Any) -> None:
        if points.point_inds:
            row = int(trace.customdata[points.point_inds[0]])
            self.number.value = int(np.flatnonzero(self._rows() == row)[0]) + 1

    def _show(self, _change: Any) -> None:
        row = self.transitions.iloc[int(self._rows()[self.number.value - 1])]
        self.words.value = (
            f"{row['kind']} from {format_timecode(row['begin_s'], decimals=3)} (frame {row['begin']}) "
            f"to {format_timecode(row['end_s'], decimals=3)} (frame {row['end']}), "
            f"score {row['score']:.3f}, {row['margin']:.3f} above the threshold"
        )
        with self.figure.batch_update():
            cursor = self.figure.layout.shapes[-1]
            cursor.x0 = cursor.x1 = float(axis_ms((row["begin_s"] + row["end_s"]) / 2))
        _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(self._pictures(row), cv2.COLOR_RGB2BGR))
        self.strip.value = jpeg.tobytes()

    def _pictures(self, row: pd.Series) -> NDArray[np.uint8]:
        """Return the frames around a transition side by side, shape (height, width, 3)."""
        begin, end = (int(np.searchsorted(self._time_s, row[name] - 1e-6)) for name in ("begin_s", "end_s"))
        last = len(self._time_s) - 1
        inside = (
            np.unique(np.linspace(begin, end - 1, N_INSIDE).round().astype(int)) if end > begin else np.array([], int)
        )
        groups = [np.arange(max(0, begin - N_BEFORE), begin), inside, np.arange(end, min(last + 1, end + N_AFTER))]
        shown = self._reader.frames_at(self._time_s[np.concatenate(groups)].tolist())
        columns: list[NDArray[np.uint8]] = []
        for group in groups:
            if len(group) and columns:
                columns.append(np.full((THUMBNAIL_HEIGHT, _GAP, 3), 255, np.uint8))
            columns += [next(shown).rgb(THUMBNAIL_HEIGHT) for _ in group]
        return np.concatenate(columns, axis=1)
