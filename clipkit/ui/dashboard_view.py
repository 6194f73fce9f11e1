"""The dashboard's widgets: they show the model and hand on what a person does.

Widgets are made once and changed in place.  All changes come from one task on the kernel's own
loop, which also keeps the page live.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import ipywidgets as widgets
import plotly.graph_objects as go

from clipkit.errors import ClipkitError
from clipkit.output.figures import candidates_figure
from clipkit.output.record import RunRecord
from clipkit.ui.dashboard import HISTORY_S, DashboardModel, RunSummary
from clipkit.ui.markup import (
    chosen_markup,
    clips_markup,
    heading_markup,
    machine_markup,
    message_markup,
    ranking_markup,
    style,
    title_markup,
)
from clipkit.ui.weights import WeightSliders

_SIGNS = {"running": "▶", "done": "✓", "failed": "✗", "stopped": "■", "damaged": "?"}


class DashboardView(widgets.VBox):  # type: ignore[misc]
    """The page.

    Parameters
    ----------
    model : DashboardModel
        What is shown.
    media_url : str, optional
        Address under which the server gives out the files of the reports folder.
    """

    def __init__(self, model: DashboardModel, *, media_url: str = "/runs") -> None:
        self.model = model
        self.media_url = media_url.rstrip("/")
        self._files: list[object] | None = None
        self._task: asyncio.Task[None] | None = None

        self.alarm = widgets.HTML()
        self.gauges = widgets.HTML()
        self.picker = widgets.Select(rows=7, description="", layout=widgets.Layout(width="auto"))
        self.picker.tooltip = "Runs, newest first"
        self.heading = widgets.HTML()
        self.clips = widgets.HTML()
        self.figure: go.FigureWidget | None = None
        self.figure_box = widgets.VBox()
        self.sliders = WeightSliders()
        self.chosen = widgets.HTML()
        self.ranking = widgets.HTML()
        self.name = widgets.Text(placeholder="name of the profile", layout=widgets.Layout(width="220px"))
        self.replace = widgets.Checkbox(description="replace", indent=False, layout=widgets.Layout(width="90px"))
        self.save = widgets.Button(description="Save as profile", button_style="primary")
        self.reset = widgets.Button(description="Weights of this run")
        self.saved = widgets.HTML()
        self.opened = widgets.VBox(
            [
                self.heading,
                self.clips,
                widgets.HTML(
                    title_markup("Candidates", "Move a weight: the ranking follows at once, no video is read.")
                ),
                self.sliders,
                widgets.HBox(
                    [self.reset, self.name, self.replace, self.save],
                    layout=widgets.Layout(flex_flow="row wrap", grid_gap="4px 8px", margin="6px 0"),
                ),
                self.saved,
                self.figure_box,
                widgets.HTML(title_markup("These would be chosen")),
                self.chosen,
                self.ranking,
            ],
            layout=widgets.Layout(display="none"),
        )
        super().__init__(
            [
                widgets.HTML(style() + title_markup("Machine")),
                self.alarm,
                self.gauges,
                widgets.HTML(title_markup("Runs", f"in {model.reports_dir}")),
                self.picker,
                self.opened,
            ],
            layout=widgets.Layout(padding="8px 14px 40px", max_width="1200px", margin="0 auto"),
        )
        self._listen()

    def start(self, interval_s: float = 1.0) -> DashboardView:
        """Keep the page live until the kernel ends; returns the view itself.

        Parameters
        ----------
        interval_s : float, optional
            Time between two looks at the machine and the runs, seconds.
        """
        self._task = asyncio.get_running_loop().create_task(self._keep_up(interval_s))
        return self

    async def _keep_up(self, interval_s: float) -> None:
        try:
            while True:
                self.model.refresh()
                self._show_opened()
                await asyncio.sleep(interval_s)
        except Exception as error:
            text = f"Live figures stopped ({type(error).__name__}: {error}). Load this page again."
            self.alarm.value = message_markup(text, is_alarm=True)
            raise

    def _listen(self) -> None:
        self.model.observe(lambda _change: self._show_machine(), "reading")
        self.model.observe(lambda _change: self._show_runs(), "runs")
        self.model.observe(lambda _change: self._show_run(), "run")
        self.model.observe(lambda _change: self._show_ranking(), ["run", "ranking"])
        self.model.observe(lambda change: self._show_weights(change["new"]), "weights")
        self.picker.observe(self._pick, "value")
        self.sliders.observe(lambda change: self.model.weigh(change["new"]), "value")
        self.save.on_click(lambda _button: self._save())
        self.reset.on_click(lambda _button: self._reset())
        self._show_machine()
        was_open = self.model.run is not None
        self._show_runs()
        if was_open:
            self._show_run()
            self._show_weights(self.model.weights)
            self._show_ranking()

    def _show_machine(self) -> None:
        if self.model.reading is not None:
            self.gauges.value = machine_markup(self.model.reading, self.model.history, span_s=HISTORY_S)

    def _show_runs(self) -> None:
        options = [(_line(run), run.name) for run in self.model.runs]
        self.picker.unobserve(self._pick, "value")
        self.picker.options = options or [("No run is here yet: clipkit run VIDEO makes one.", None)]
        self.picker.observe(self._pick, "value")
        if self.model.run is None and options:
            self.model.open(options[0][1])
        self._point()
        self._show_heading()

    def _pick(self, change: Any) -> None:
        if change["new"] is not None:
            self.model.open(change["new"])

    def _point(self) -> None:
        """Mark the open run in the list without opening it again."""
        name = self.model.run.folder.name if self.model.run is not None else None
        self.picker.unobserve(self._pick, "value")
        self.picker.value = name if name in {run.name for run in self.model.runs} else None
        self.picker.observe(self._pick, "value")

    def _show_run(self) -> None:
        self.opened.layout.display = None if self.model.run is not None else "none"
        self._files = None
        self.saved.value = ""
        self._point()
        self._show_opened()

    def _show_opened(self) -> None:
        """Show the open run's files; players in use are left alone while nothing changed."""
        run = self.model.run
        if run is None:
            return
        files = _stamp(run)
        if files == self._files:
            return
        self._files = files
        fresh = RunRecord(run.folder)
        self.clips.value = clips_markup(fresh, f"{self.media_url}/{quote(run.folder.name)}")
        self._show_heading()

    def _show_heading(self) -> None:
        run = self.model.run
        if run is not None:
            statuses = {summary.name: summary.status for summary in self.model.runs}
            status = statuses.get(run.folder.name, "damaged")
            self.heading.value = heading_markup(RunRecord(run.folder), status, problems=run.problems)

    def _show_weights(self, weights: dict[str, float]) -> None:
        if weights != self.sliders.value:
            self.sliders.value = weights

    def _show_ranking(self) -> None:
        run, ranking, chosen = self.model.run, self.model.ranking, self.model.chosen
        if run is None or ranking is None or chosen is None:
            why = self.model.message or "This run has no candidates to rank."
            self.ranking.value, self.chosen.value = message_markup(why), ""
            self.figure_box.layout.display = "none"
            return
        self.figure_box.layout.display = None
        drawn = candidates_figure(ranking, chosen, duration_s=run.duration_s)
        if self.figure is None:
            # A page that opens later sees what a live figure was made with, not what it was given since.
            self.figure = _quiet(drawn)
            self.figure_box.children = [self.figure]
        else:
            with self.figure.batch_update():
                self.figure.layout.xaxis.range = drawn.layout.xaxis.range
                for trace, new in zip(self.figure.data, drawn.data, strict=True):
                    trace.x, trace.y, trace.text, trace.customdata = new.x, new.y, new.text, new.customdata
        self.ranking.value, self.chosen.value = ranking_markup(ranking), chosen_markup(chosen)

    def _reset(self) -> None:
        if self.model.run is not None:
            self.model.weigh(self.model.run.params.scoring.weights.model_dump())

    def _save(self) -> None:
        try:
            path = self.model.save_profile(self.name.value, overwrite=self.replace.value)
        except ClipkitError as error:
            self.saved.value = message_markup(error.message, is_alarm=True)
            return
        text = f"Saved as {path}. Use it with: clipkit run VIDEO --profile “{path.stem}”"
        self.saved.value = message_markup(text)


def _quiet(figure: go.Figure) -> go.FigureWidget:
    """Return a live figure without the tool bar, whose links have no names."""
    widget = go.FigureWidget(figure)
    widget._config = {"displayModeBar": False, "responsive": True}
    return widget


def _line(run: RunSummary) -> str:
    state = f"{run.stage} {run.progress:.0%}" if run.status in ("running", "stopped") else run.stage
    detail = {"done": f"{run.n_files} files", "damaged": "run.json cannot be read"}.get(run.status, state)
    when = run.started[:16].replace("T", " ")
    return f"{_SIGNS[run.status]} {run.status} · {run.video} · {detail} · {when}"


def _stamp(run: RunRecord) -> list[object]:
    paths = [run.folder / "tables" / "clips.csv", run.folder / "tables" / "verdicts.csv"]
    paths += [file.path for file in run.clip_files()]
    stamps: list[object] = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        stamps.append((path.name, status.st_size, status.st_mtime_ns))
    return stamps
