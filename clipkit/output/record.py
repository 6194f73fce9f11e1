"""What a run left on disk, read with forgiveness.

A report and a dashboard must also work for a run that failed, is still going, was edited by
hand or was damaged.  So nothing here raises for a bad folder: what cannot be read is missing,
and :attr:`RunRecord.problems` says so in one sentence each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pydantic import ValidationError

from clipkit.params import PLATFORM_NAMES, Params

_MAX_RECORD_BYTES = 32 * 2**20

# The columns without which a table is of no use, and their kind: numbers, text or truth.
_COLUMNS: dict[str, dict[str, str]] = {
    "frames": {"time_s": "number", "difference": "number", "motion": "number"},
    "audio": {"time_s": "number", "loudness_lufs": "number", "is_speech": "truth"},
    "words": {"word": "text", "start_s": "number", "end_s": "number"},
    "shots": {"kind": "text", "begin_s": "number", "end_s": "number", "score": "number"},
    "candidates": {"start_s": "number", "end_s": "number", "score": "number"},
    "clips": {
        "clip_id": "number",
        "start_s": "number",
        "end_s": "number",
        "score": "number",
        "title": "text",
        "reason": "text",
    },
    "rejected": {"start_s": "number", "end_s": "number", "rule": "text"},
    "crop": {"time_s": "number", "x": "number", "width": "number", "layout": "text"},
    "captions": {
        "clip_id": "number",
        "n_pages": "number",
        "max_cps": "number",
        "contrast": "number",
        "has_box": "truth",
        "note": "text",
    },
    "verdicts": {"check": "text", "value": "text", "limit": "text", "ok": "truth", "severity": "text"},
}
_PARQUET = ("frames", "audio", "words")


def verdict_word(is_ok: bool, severity: str) -> str:
    """Return ``passed``, ``noted`` (a remark only), ``warned`` or ``failed`` for one check."""
    return "passed" if is_ok else {"info": "noted", "warning": "warned"}.get(severity, "failed")


@dataclass(frozen=True)
class ClipFile:
    """One finished file of a clip.

    Attributes
    ----------
    clip_id : int
        Its place in the clip list, from 1.
    platform : str
        Name of the platform it was made for.
    path : Path
        The video file.
    verdict : {"passed", "warned", "failed", "unchecked"}
        What the check of the finished file said.
    """

    clip_id: int
    platform: str
    path: Path
    verdict: str

    @property
    def relative(self) -> str:
        """Path below the run folder, with forward slashes."""
        return f"clips/{self.path.name}"

    @property
    def cover(self) -> Path:
        """The cover frame beside it, which may be missing."""
        return self.path.with_suffix(".jpg")


@dataclass(eq=False)
class RunRecord:
    """A run folder for reading.

    Parameters
    ----------
    folder : Path
        The run folder; it need not be complete.

    Attributes
    ----------
    problems : list of str
        One sentence for each thing that is there but cannot be read.
    """

    folder: Path
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder = Path(self.folder)
        self._tables: dict[str, pd.DataFrame | None] = {}

    @cached_property
    def fields(self) -> dict[str, Any]:
        """Contents of ``run.json``; empty when it cannot be read."""
        path = self.folder / "run.json"
        try:
            if path.stat().st_size > _MAX_RECORD_BYTES:
                self.problems.append("run.json is far larger than a run's record and was not read.")
                return {}
            loaded = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            self.problems.append(f"run.json cannot be read ({error.strerror}).")
            return {}
        except (ValueError, RecursionError):
            self.problems.append("run.json is damaged: it is not JSON.")
            return {}
        if not isinstance(loaded, dict):
            self.problems.append("run.json is damaged: it is not a JSON object.")
            return {}
        return loaded

    @property
    def status(self) -> str:
        """``running``, ``done``, ``failed``, or ``damaged`` when ``run.json`` does not say."""
        status = self.fields.get("status")
        return status if status in ("running", "done", "failed") else "damaged"

    @cached_property
    def params(self) -> Params:
        """The settings of the run; the defaults when they are missing or from another version."""
        try:
            return Params.model_validate(self.fields.get("params") or {})
        except ValidationError:
            self.problems.append("The settings in run.json do not fit this version of clipkit; defaults are shown.")
            return Params()

    @property
    def video_name(self) -> str:
        """File name of the video."""
        path = self.section("input").get("path")
        return path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] if isinstance(path, str) else self.folder.name

    @property
    def duration_s(self) -> float:
        """Length of the video in seconds, from the record or else from the tables."""
        duration_s = self.section("media").get("duration_s")
        if isinstance(duration_s, int | float) and 0 < duration_s < 1e7:
            return float(duration_s)
        ends = [
            float(table[column].max())
            for name, column in (("frames", "time_s"), ("audio", "time_s"), ("candidates", "end_s"), ("clips", "end_s"))
            if (table := self.table(name)) is not None and len(table)
        ]
        return max(ends, default=0.0)

    def section(self, name: str) -> dict[str, Any]:
        """Return an object of ``run.json``; empty when it is missing or something else."""
        value = self.fields.get(name)
        return value if isinstance(value, dict) else {}

    def items(self, name: str) -> list[dict[str, Any]]:
        """Return the objects of a list of ``run.json``; none when it is missing or something else."""
        value = self.fields.get(name)
        return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

    def table(self, name: str) -> pd.DataFrame | None:
        """Return a table of the run, or None when it is missing or of no use.

        Parameters
        ----------
        name : str
            ``frames``, ``audio``, ``words``, ``shots``, ``candidates``, ``clips``, ``rejected``,
            ``crop``, ``captions`` or ``verdicts``.  Rows whose numbers cannot be read are left out.
        """
        if name not in self._tables:
            self._tables[name] = self._read_table(name)
        return self._tables[name]

    def clip_files(self) -> list[ClipFile]:
        """Return the finished videos in the folder, by clip and platform."""
        verdicts = self._verdicts_by_file()
        found = []
        for path in (self.folder / "clips").glob("*.mp4"):
            rank, _, platform = path.stem.partition("_")
            if rank.isdecimal() and platform:
                key = (int(rank), platform)
                found.append(ClipFile(*key, path, verdicts.get(key, "unchecked")))
        order = {name: place for place, name in enumerate(PLATFORM_NAMES)}
        return sorted(found, key=lambda file: (file.clip_id, order.get(file.platform, len(order)), file.platform))

    def _verdicts_by_file(self) -> dict[tuple[int, str], str]:
        table = self.table("verdicts")
        if table is None or not {"clip_id", "platform"} <= set(table.columns):
            return {}
        worst: dict[tuple[int, str], str] = {}
        for row in table.to_dict("records"):
            key = (int(row["clip_id"]), str(row["platform"]))
            verdict = verdict_word(row["ok"], row["severity"])
            verdict = "passed" if verdict == "noted" else verdict
            worst[key] = max(worst.get(key, "passed"), verdict, key=("passed", "warned", "failed").index)
        return worst

    def _read_table(self, name: str) -> pd.DataFrame | None:
        suffix = ".parquet" if name in _PARQUET else ".csv"
        path = self.folder / "tables" / f"{name}{suffix}"
        if not path.exists():
            return None
        try:
            if suffix == ".parquet":
                table = pd.read_parquet(path)
            else:
                table = pd.read_csv(path, keep_default_na=False, na_values=[""], encoding="utf-8")
        except (OSError, ValueError, pa.ArrowException) as error:
            self.problems.append(f"tables/{path.name} cannot be read ({type(error).__name__}).")
            return None
        missing = [column for column in _COLUMNS[name] if column not in table.columns]
        if missing:
            self.problems.append(f"tables/{path.name} lacks the column {missing[0]}.")
            return None
        return self._coerced(name, path.name, table)

    def _coerced(self, name: str, file_name: str, table: pd.DataFrame) -> pd.DataFrame:
        numbers = [column for column, kind in _COLUMNS[name].items() if kind == "number"]
        for column, kind in _COLUMNS[name].items():
            if kind == "number":
                table[column] = pd.to_numeric(table[column], errors="coerce")
            elif kind == "truth":
                table[column] = table[column].astype(str).str.lower().isin(("true", "1", "1.0"))
            else:
                table[column] = table[column].astype("object").where(table[column].notna(), "").astype(str)
        whole = table.dropna(subset=numbers)
        if len(whole) < len(table):
            self.problems.append(f"tables/{file_name}: {len(table) - len(whole)} rows without numbers were left out.")
        if "clip_id" in whole.columns:
            whole = whole.assign(clip_id=pd.to_numeric(whole["clip_id"], errors="coerce").fillna(0).astype("int64"))
        return whole.reset_index(drop=True)
