"""HTML that notebooks and the dashboard show.

Every text in it may come from a stranger (file names, titles, subtitles); the template escapes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from clipkit.output.record import RunRecord
from clipkit.output.report_page import clip_cards
from clipkit.params import ScoringWeights
from clipkit.runs.monitor import Reading
from clipkit.timeline import format_timecode

_MAX_ROWS = 60


def style() -> str:
    """Return the style sheet that the other parts need once on a page."""
    return f"<style>{(Path(__file__).parent / 'templates' / 'parts.css').read_text(encoding='utf-8')}</style>"


def clips_markup(run: RunRecord, media_url: str) -> str:
    """Return the clips of a run with a player each.

    Parameters
    ----------
    run : RunRecord
        The run.
    media_url : str
        Address of its folder; empty beside an executed notebook.
    """
    base = f"{media_url.rstrip('/')}/" if media_url else ""
    return _part("clips")(clip_cards(run), base, run.status == "running")


def heading_markup(run: RunRecord, status: str, *, problems: Sequence[str] = ()) -> str:
    """Return what a run is about: its video, its state, and what went wrong, `problems` among it."""
    length, profile = format_timecode(run.duration_s, decimals=0), run.params.scoring.profile
    every_problem = list(dict.fromkeys([*problems, *run.problems]))
    return _part("heading")(run, status, length, profile, run.section("error"), every_problem)


def ranking_markup(ranking: pd.DataFrame) -> str:
    """Return the best candidates as a table; the chosen ones are marked by a word and a colour."""
    terms = [term for term in ScoringWeights.model_fields if term in ranking.columns]
    rows = []
    for row in ranking.head(_MAX_ROWS).to_dict("records"):
        cells = [
            row["rank"],
            row["rank_before"],
            "yes" if row["chosen"] else "",
            f"{row['score']:.3f}",
            format_timecode(row["start_s"]),
            format_timecode(row["end_s"]),
            f"{row['end_s'] - row['start_s']:.1f} s",
            *(f"{row[term]:.2f}" if np.isfinite(row[term]) else "" for term in terms),
        ]
        rows.append({"chosen": row["chosen"], "cells": cells})
    note = f"The best {_MAX_ROWS} of {len(ranking)} candidates." if len(ranking) > _MAX_ROWS else ""
    return _part("ranking")(["rank", "was", "chosen", "score", "from", "to", "length", *terms], rows, note)


def chosen_markup(chosen: pd.DataFrame) -> str:
    """Return the clips that would be chosen, one line each."""
    clips = [
        {**row, "span": f"{format_timecode(row['start_s'])} to {format_timecode(row['end_s'])}"}
        for row in chosen.to_dict("records")
    ]
    return _part("chosen")(clips)


def machine_markup(reading: Reading, history: Sequence[Reading], *, span_s: float) -> str:
    """Return the machine's figures in words, as bars, and as lines over the last `span_s` seconds."""
    memory = f"{reading.memory_used_gb:.1f} of {reading.memory_total_gb:.1f} GB"
    gpu = "no GPU found" if reading.gpu is None else f"{reading.gpu_name}, memory {reading.gpu_memory:.0f} %"
    gauges = []
    for name, field, detail in (("processor", "cpu", "all cores"), ("memory", "memory", memory), ("GPU", "gpu", gpu)):
        percent = getattr(reading, field)
        # The line lives in a box of 100 by 100 that the page stretches.
        points = [
            (100 - 100 * (reading.time_s - past.time_s) / span_s, 100 - getattr(past, field))
            for past in history
            if getattr(past, field) is not None
        ]
        gauges.append(
            {
                "name": name,
                "percent": None if percent is None else round(percent),
                "detail": detail,
                "points": " ".join(f"{x:.1f},{y:.1f}" for x, y in points),
            }
        )
    return _part("machine")(gauges)


def message_markup(text: str, *, is_alarm: bool = False) -> str:
    """Return a sentence about what happened, which screen readers announce."""
    return _part("message")(text, "alarm" if is_alarm else "quiet")


def title_markup(text: str, detail: str = "") -> str:
    """Return the heading of a part of the page."""
    return _part("title")(text, detail)


@cache
def _templates() -> Any:
    environment = Environment(loader=PackageLoader("clipkit.ui"), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("parts.html.j2").module


def _part(name: str) -> Callable[..., str]:
    return lambda *arguments: str(getattr(_templates(), name)(*arguments))
