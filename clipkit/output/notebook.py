"""What a notebook shows of a run besides figures: its facts and its clips to watch."""

from __future__ import annotations

from html import escape
from pathlib import Path
from urllib.parse import quote

import pandas as pd
from IPython.display import HTML

from clipkit.output.record import RunRecord
from clipkit.output.report_page import cover_uri, media_facts
from clipkit.timeline import format_timecode


def facts_table(run_dir: str | Path) -> pd.DataFrame:
    """Return what is in the source file, a row a fact, with the column ``value``."""
    facts = media_facts(RunRecord(Path(run_dir)))
    return pd.DataFrame({"value": [value for _, value in facts]}, index=[name for name, _ in facts])


def clips_to_watch(run_dir: str | Path, *, width_px: int = 220) -> HTML:
    """Return the finished clips as players side by side, with their covers.

    The players read ``clips/…`` beside the notebook, so they work in the executed copy in the
    run folder.

    Parameters
    ----------
    run_dir : path
        The run folder.
    width_px : int, optional
        Width of a player.
    """
    run = RunRecord(Path(run_dir))
    table = run.table("clips")
    rows = {} if table is None else {int(row["clip_id"]): row for row in table.to_dict("records")}
    shown: dict[int, str] = {}
    for file in run.clip_files():
        if file.clip_id in shown:
            continue
        row = rows.get(file.clip_id, {})
        head = f"{file.clip_id}. {row.get('title', '')}"
        span = f"{format_timecode(row['start_s'])} to {format_timecode(row['end_s'])}" if row else ""
        cover = cover_uri(file.cover)
        shown[file.clip_id] = (
            f'<figure style="margin:0;width:{width_px}px"><video controls preload="none" width="{width_px}" '
            f'poster="{cover}" src="{quote(file.relative)}"></video>'
            f"<figcaption><b>{escape(str(head))}</b><br>{escape(span)}<br>"
            f"<small>{escape(str(row.get('reason', '')))}</small></figcaption></figure>"
        )
    return HTML(f'<div style="display:flex;flex-wrap:wrap;gap:16px">{"".join(shown.values())}</div>')
