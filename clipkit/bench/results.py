"""Measurements as one tidy table: what was measured, on what, by whom, and how much."""

from __future__ import annotations

import json
import math
import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from clipkit import __version__
from clipkit.errors import InputError
from clipkit.files import replace_file, write_text

COLUMNS = ("part", "item", "who", "figure", "value")
OURS = "clipkit"


@dataclass
class Results:
    """What one run of the benchmark found.

    Attributes
    ----------
    rows : list of tuple
        ``part,item,who,figure,value``.
    notes : list of str
        What could not be measured and why.
    about : dict
        When, on which machine, with which plan.
    """

    rows: list[tuple[str, str, str, str, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)

    def add(self, part: str, item: str, who: str, figure: str, value: float) -> None:
        """Keep one figure."""
        self.rows.append((part, item, who, figure, float(value)))

    def note(self, sentence: str) -> None:
        """Keep one sentence about what is missing, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def table(self, part: str | None = None) -> pd.DataFrame:
        """Return the figures, of one part or all."""
        table = pd.DataFrame(self.rows, columns=list(COLUMNS))
        return table if part is None else table[table["part"] == part].reset_index(drop=True)

    def values(self, part: str, figure: str, *, who: str = OURS, item: str | None = None) -> dict[str, float]:
        """Return a figure by item; those that are NaN are left out."""
        return {
            row[1]: row[4]
            for row in self.rows
            if (row[0], row[2], row[3]) == (part, who, figure) and item in (None, row[1]) and not math.isnan(row[4])
        }

    def save(self, folder: str | Path) -> None:
        """Write ``results.json`` and ``results.csv`` into a folder."""
        folder = Path(folder)
        rows = [
            {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
            for row in self.table().to_dict("records")
        ]
        record = {"about": self.about, "notes": self.notes, "figures": rows}
        write_text(folder / "results.json", json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        with replace_file(folder / "results.csv") as temporary:
            self.table().to_csv(temporary, index=False)


def load_results(folder: str | Path) -> Results:
    """Read what :meth:`Results.save` wrote.

    Raises
    ------
    InputError
        ``input.bad_results`` where it is missing or not as written.
    """
    path = Path(folder) / "results.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        rows = [tuple(row[name] for name in COLUMNS) for row in record["figures"]]
        known = [(*row[:4], math.nan if row[4] is None else float(row[4])) for row in rows]
        return Results(known, list(record["notes"]), dict(record["about"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path} must be what `clipkit bench` wrote, found {error!r}. Run `clipkit bench` first."
        raise InputError(message, code="input.bad_results") from error


def machine() -> dict[str, Any]:
    """Return what the figures depend on: date, version, machine."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "clipkit": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
    }
