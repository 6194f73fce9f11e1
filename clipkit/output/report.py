"""One HTML file that explains a run to a person without Jupyter.

It is made from what is on disk, also for a run that failed or is still going.  Everything is
inside the file except the clips themselves, which lie beside it; no address is ever fetched.
File names, titles and subtitles are text from strangers: the templates escape them, and a
content security policy lets nothing run but the two scripts whose digests it names.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from clipkit.files import write_text
from clipkit.output import figures
from clipkit.output.record import RunRecord
from clipkit.output.report_page import page_content, run_timings


@dataclass(frozen=True)
class Chart:
    """A figure as the report's page holds it."""

    json: Markup
    summary: str
    height: int


def write_report(run_dir: str | Path) -> Path:
    """Write ``report.html`` into a run folder and return its path.

    Parameters
    ----------
    run_dir : path
        A run folder, of a finished, failed or running run.  What cannot be read in it is
        named in the report.

    Returns
    -------
    Path
        The report, which opens without a server and without a network.

    Raises
    ------
    ResourceError
        If the folder may not be written or the disk is full.
    """
    run = RunRecord(Path(run_dir))
    path = run.folder / "report.html"
    write_text(path, render_report(run))
    return path


def render_report(run: RunRecord) -> str:
    """Return the report of a run as one HTML text."""
    charts = {name: _chart(figure) for name, figure in run_figures(run).items()}
    page = page_content(run)
    environment = Environment(
        loader=PackageLoader("clipkit.output"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    plotly, script = get_plotlyjs(), _template_text("report.js")
    return environment.get_template("report.html.j2").render(
        page=page,
        figures=charts,
        css=Markup(_template_text("report.css")),
        plotly=Markup(plotly),
        script=Markup(script),
        policy=content_policy(plotly, script),
    )


def content_policy(*scripts: str) -> str:
    """Return the policy that lets a page run exactly these inline scripts and fetch only clips beside it."""
    digests = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts
    )
    return (
        f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; img-src data:; "
        "media-src 'self' file:; base-uri 'none'; form-action 'none'"
    )


def run_figures(run: RunRecord) -> dict[str, go.Figure]:
    """Return the figures that the tables of a run allow, by name."""
    tables = {name: run.table(name) for name in ("frames", "audio", "shots", "candidates", "clips", "crop")}
    duration_s = run.duration_s
    made: dict[str, go.Figure] = {}
    if tables["candidates"] is not None:
        made["candidates"] = figures.candidates_figure(tables["candidates"], tables["clips"], duration_s=duration_s)
    if tables["clips"] is not None and len(tables["clips"]):
        made["terms"] = figures.terms_figure(tables["clips"], run.params.scoring.weights)
    if tables["frames"] is not None or tables["audio"] is not None:
        made["signals"] = figures.signals_figure(
            tables["frames"], tables["audio"], tables["shots"], tables["clips"], duration_s=duration_s
        )
    if tables["shots"] is not None:
        made["shots"] = figures.shots_figure(tables["shots"], tables["clips"], duration_s=duration_s)
    if tables["crop"] is not None and len(tables["crop"]):
        made["crop"] = figures.crop_figure(tables["crop"])
    if timings := run_timings(run):
        made["timings"] = figures.timings_figure(timings)
    return made


def _chart(figure: go.Figure) -> Chart:
    # Inside a script element only "<" can end the data early; the two separators are line ends to old engines.
    json = figure.to_json().replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return Chart(Markup(json), figures.summary(figure), int(figure.layout.height))


@cache
def _template_text(name: str) -> str:
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")
