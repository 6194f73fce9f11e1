"""What a person sees on the terminal: progress bars and tables, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from clipkit.runs.batch import BatchItem

STAGE_WORDS = {
    "start": "starting",
    "sample": "drawing the sample",
    "inspect": "opening",
    "measure": "looking",
    "listen": "listening",
    "shots": "finding shots",
    "transcribe": "writing down words",
    "candidates": "scoring",
    "choose": "choosing",
    "render": "rendering",
    "verify": "checking",
    "report": "writing the report",
    "done": "done",
}
_STATE_STYLES = {"done": "green", "resumed": "green", "failed": "red", "running": "cyan", "waiting": "dim"}


def is_terminal() -> bool:
    """Tell whether stderr is a terminal, so that bars make sense."""
    return sys.stderr.isatty()


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[float, str], None] | None]:
    """Give a function that moves a bar on stderr, or None where stderr is no terminal."""
    if not is_terminal():
        yield None
        return
    with _bars() as bars:
        task = bars.add_task(title, total=1.0, stage="starting")
        yield lambda share, stage: bars.update(task, completed=share, stage=STAGE_WORDS.get(stage, stage))


@contextmanager
def batch_lines(items: Sequence[str]) -> Iterator[Callable[[list[BatchItem]], None]]:
    """Give a function that shows a line for each running video, and their total.

    Where stderr is no terminal it writes one line when a video starts and one when it ends.
    """
    console = Console(stderr=True)
    if not is_terminal():
        told: dict[str, str] = {}

        def tell(batch: list[BatchItem]) -> None:
            for item in batch:
                if told.get(str(item.video)) != item.state and item.state != "waiting":
                    told[str(item.video)] = item.state
                    console.print(f"{item.state:8} {item.video.name}", highlight=False, markup=False, soft_wrap=True)

        yield tell
        return
    with _bars() as bars:
        total = bars.add_task(f"{len(items)} videos", total=float(len(items)), stage="")
        tasks: dict[str, TaskID] = {}

        def show(batch: list[BatchItem]) -> None:
            for item in batch:
                key = str(item.video)
                if item.state == "running":
                    if key not in tasks:
                        tasks[key] = bars.add_task(item.video.name, total=1.0, stage="starting")
                    stage = STAGE_WORDS.get(item.stage, item.stage)
                    bars.update(tasks[key], completed=item.share, stage=stage)
                elif key in tasks and item.state != "waiting":
                    bars.remove_task(tasks.pop(key))
            ended = sum(item.state in ("done", "resumed", "failed") for item in batch)
            bars.update(
                total,
                completed=sum(item.share for item in batch if item.state != "failed")
                + sum(item.state == "failed" for item in batch),
                stage=f"{ended} of {len(batch)} ended",
            )

        yield show


def print_batch(items: list[BatchItem]) -> None:
    """Print the outcome of a batch, one row a video."""
    table = Table("video", "outcome", "clips", "seconds", "where, or why not")
    for item in items:
        last = item.error["message"] if item.error else item.run_dir
        state = f"[{_STATE_STYLES[item.state]}]{item.state}[/]"
        table.add_row(_plain(item.video.name), state, str(item.n_clips), f"{item.seconds:.0f}", _plain(last))
    Console(stderr=True).print(table)


def print_table(frame: pd.DataFrame, columns: Sequence[str] | None = None) -> None:
    """Print a table, or some columns of it, on stdout."""
    shown = frame if columns is None else frame[[name for name in columns if name in frame.columns]]
    table = Table(*[str(name) for name in shown.columns])
    for row in shown.itertuples(index=False):
        table.add_row(*[_plain(_cell(value)) for value in row])
    Console().print(table)


def print_notes(sentences: Sequence[str]) -> None:
    """Write what a person should know, a line each, on stderr."""
    for sentence in sentences:
        sys.stderr.write(f"note     {sentence}\n")


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[stage]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:g}"
    return str(value)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
