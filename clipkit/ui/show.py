"""What a notebook shows of a run besides figures: its facts and its clips to watch."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from IPython.display import HTML

from clipkit.output.record import RunRecord
from clipkit.output.report_page import media_facts
from clipkit.ui.markup import clips_markup, style


def show_facts(run_dir: str | Path) -> pd.DataFrame:
    """Return what is in the source file, a row a fact, with the column ``value``."""
    facts = media_facts(RunRecord(Path(run_dir)))
    return pd.DataFrame({"value": [value for _, value in facts]}, index=[name for name, _ in facts])


def show_clips(run_dir: str | Path) -> HTML:
    """Return the finished clips as players with their covers, titles and reasons.

    The players read ``clips/`` beside the notebook, so they work in the executed copy in the
    run folder.
    """
    return HTML(style() + clips_markup(RunRecord(Path(run_dir)), ""))  # type: ignore[no-untyped-call]
