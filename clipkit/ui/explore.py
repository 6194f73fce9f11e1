"""A video looked at by hand: its frames, its signals, and its ranking under other weights."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import ipywidgets as widgets
import pandas as pd
import plotly.graph_objects as go

from clipkit.analysis.select import centre_prior
from clipkit.errors import InputError
from clipkit.media.reader import VideoReader, open_video
from clipkit.output.figure_style import axis_ms
from clipkit.output.figures import candidates_figure, signals_figure
from clipkit.output.record import RunRecord
from clipkit.params import Params
from clipkit.runs.folder import LooseFolder
from clipkit.runs.stages import ClipRun
from clipkit.timeline import format_timecode
from clipkit.ui.markup import chosen_markup, ranking_markup, style, title_markup
from clipkit.ui.ranking import rank_candidates
from clipkit.ui.transitions import TransitionsView
from clipkit.ui.weights import WeightSliders

_FRAME_HEIGHT = 360


@dataclass(frozen=True)
class Measured:
    """What is known of a video before anything is chosen: its tables and the params they came from."""

    video: Path
    params: Params
    duration_s: float
    frames: pd.DataFrame
    audio: pd.DataFrame
    words: pd.DataFrame | None
    transitions: pd.DataFrame
    candidates: pd.DataFrame


def measure_video(video: str | Path, params: Params | None = None) -> Measured:
    """Return the tables of a video, measured now.

    Parameters
    ----------
    video : path
        The source file.
    params : Params, optional
        Settings; by default the profile is chosen by what is heard and seen.

    Raises
    ------
    InputError
        If the file is missing, refused by the gate, or too short.
    """
    with tempfile.TemporaryDirectory(prefix="clipkit-explore-") as folder:
        chain = ClipRun(video, LooseFolder(folder), params or Params())
        chain.inspect()
        frames = chain.measure()
        chain.listen()
        chain.find_shots()
        chain.find_candidates()
    return Measured(
        video=Path(video),
        params=chain.params,
        duration_s=frames.duration_s,
        frames=frames.table,
        audio=chain.audio,
        words=chain.words,
        transitions=chain.transitions,
        candidates=chain.candidates,
    )


def load_measured(run_dir: str | Path, video: str | Path | None = None) -> Measured:
    """Return the tables that a run left on disk.

    Parameters
    ----------
    run_dir : path
        A run folder.
    video : path, optional
        The source file, if it is not where the run found it.

    Raises
    ------
    InputError
        If a table is missing or of no use.
    """
    run = RunRecord(Path(run_dir))
    tables: dict[str, pd.DataFrame] = {}
    for name in ("frames", "audio", "shots", "candidates"):
        table = run.table(name)
        if table is None:
            message = f"{run.folder}: the table {name} is missing or damaged. Run the video again."
            raise InputError(message, code="input.bad_table")
        tables[name] = table
    return Measured(
        video=Path(video or str(run.section("input").get("path", ""))),
        params=run.params,
        duration_s=run.duration_s,
        frames=tables["frames"],
        audio=tables["audio"],
        words=run.table("words"),
        transitions=tables["shots"],
        candidates=tables["candidates"],
    )


class Explorer:
    """Four views of a video.

    Parameters
    ----------
    measured : Measured
        From :func:`measure_video` or :func:`load_measured`.

    Attributes
    ----------
    frames_view : Widget
        A slider over time and the frame on screen then.
    signals_view : Widget
        Loudness, speech and movement, with a cursor that follows the slider.
    shots_view : TransitionsView
        The transitions over the difference of frames, with the frames on both sides of one.
    ranking_view : Widget
        Sliders for the weights; the ranking and the choice follow while they move.
    ranking, chosen : DataFrame
        The candidates under the weights, best first, and the clips that would be chosen.
    """

    def __init__(self, measured: Measured) -> None:
        self.measured = measured
        self._reader: VideoReader = open_video(measured.video, tone_map=True)
        last_s = float(measured.frames["time_s"].iloc[-1])
        step_s = last_s / max(1, len(measured.frames) - 1)
        self.time = widgets.FloatSlider(
            value=0.0,
            min=0.0,
            max=last_s,
            step=step_s or 0.04,
            description="time",
            readout=False,
            continuous_update=False,
            layout=widgets.Layout(width="100%"),
        )
        self.clock = widgets.Label()
        self.picture = widgets.Image(format="jpeg", layout=widgets.Layout(max_width="100%", object_fit="contain"))
        self.signals = go.FigureWidget(self._signals())
        self.sliders = WeightSliders(live=True)
        self.sliders.value = measured.params.scoring.weights.model_dump()
        self.table, self.choice, self.heading = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self._rank()
        self.figure = go.FigureWidget(candidates_figure(self.ranking, self.chosen, duration_s=measured.duration_s))
        self.frames_view = widgets.VBox([self.time, self.clock, self.picture])
        self.signals_view = widgets.VBox([self.signals])
        self.shots_view = TransitionsView(
            self._reader, measured.frames, measured.transitions, duration_s=measured.duration_s
        )
        self.ranking_view = widgets.VBox(
            [
                widgets.HTML(style()),
                self.sliders,
                self.figure,
                self.heading,
                self.choice,
                self.table,
            ]
        )
        self.time.observe(lambda _change: self._show_frame(), "value")
        self.sliders.observe(self._reweigh, "value")
        self._show_frame()

    def close(self) -> None:
        """Close the video file."""
        self._reader.close()

    def _signals(self) -> go.Figure:
        measured = self.measured
        figure = signals_figure(
            measured.frames, measured.audio, measured.transitions, None, duration_s=measured.duration_s
        )
        figure.add_vline(x=float(axis_ms(0.0)), line={"color": "#D55E00", "width": 2})
        return figure

    def _show_frame(self) -> None:
        time_s = float(self.time.value)
        frame = self._reader.frame_at(time_s)
        height = min(_FRAME_HEIGHT, frame.info.height)
        _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(frame.rgb(height), cv2.COLOR_RGB2BGR))
        self.picture.value = jpeg.tobytes()
        key = ", key frame" if frame.is_key else ""
        self.clock.value = f"{format_timecode(frame.time_s, decimals=3)} (pts {frame.pts}{key})"
        with self.signals.batch_update():
            cursor = self.signals.layout.shapes[-1]
            cursor.x0 = cursor.x1 = float(axis_ms(frame.time_s))

    def _rank(self) -> None:
        measured = self.measured
        self.ranking, self.chosen = rank_candidates(
            measured.candidates,
            self.sliders.value,
            measured.params.selection,
            duration_s=measured.duration_s,
            words=measured.words,
        )
        self.table.value, self.choice.value = ranking_markup(self.ranking), chosen_markup(self.chosen)
        prior = centre_prior(
            self.ranking, measured.params.selection, duration_s=measured.duration_s, words=measured.words
        )
        mean = float(self.chosen["score"].mean()) if len(self.chosen) else 0.0
        detail = f"mean score {mean:.2f}, by nearness to the middle alone {prior:.2f}"
        self.heading.value = title_markup("These would be chosen", detail)

    def _reweigh(self, _change: Any) -> None:
        self._rank()
        drawn = candidates_figure(self.ranking, self.chosen, duration_s=self.measured.duration_s)
        with self.figure.batch_update():
            for trace, new in zip(self.figure.data, drawn.data, strict=True):
                trace.x, trace.y, trace.text, trace.customdata = new.x, new.y, new.text, new.customdata
