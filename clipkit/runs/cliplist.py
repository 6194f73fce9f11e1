"""Clip lists: the tables that a person may edit before they are rendered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from clipkit.errors import InputError
from clipkit.runs.folder import load_table


def read_clips(path: str | Path) -> pd.DataFrame:
    """Return a clip list as a table with ``clip_id``, ``start_s``, ``end_s`` and what else it has.

    Raises
    ------
    InputError
        If a column is missing, a value is no number, a clip ends before it starts, or two
        clips have one id.
    """
    table = load_table(path)
    for column in ("clip_id", "start_s", "end_s"):
        if column not in table.columns:
            message = f"{path}: a clip list needs the columns clip_id, start_s and end_s; {column} is missing."
            raise InputError(message, code="input.bad_clip_list")
        table[column] = pd.to_numeric(table[column], errors="coerce")
    rows: list[Any] = list(table[["clip_id", "start_s", "end_s"]].itertuples(index=False))
    for line, row in enumerate(rows, start=2):
        if not (row.start_s >= 0 and row.end_s > row.start_s and row.clip_id == row.clip_id):
            message = (
                f"{path}, line {line}: a clip starts at 0 or later and ends after it, got {row.start_s} to {row.end_s}."
            )
            raise InputError(message, code="input.bad_clip_list")
    if table.empty:
        message = f"{path}: the clip list has no rows, so there is nothing to render."
        raise InputError(message, code="input.bad_clip_list")
    if table["clip_id"].duplicated().any():
        twice = table["clip_id"][table["clip_id"].duplicated()].iloc[0]
        message = f"{path}: every clip needs its own clip_id, {twice:g} stands there twice."
        raise InputError(message, code="input.bad_clip_list")
    table["clip_id"] = table["clip_id"].astype("int64")
    return table
