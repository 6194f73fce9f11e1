"""The run folder: one execution's record, tables and clips on disk."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from clipkit.errors import ClipkitError, InputError
from clipkit.files import disk_error, file_digest, replace_file, safe_stem, write_text

SCHEMA = 1
PROGRESS_INTERVAL_S = 0.5
# Set in a kernel whose run folder an engine looks after.
ENGINE_VARIABLE = "CLIPKIT_RUN_DIR"


def folder_name(video: str | Path, digest: str) -> str:
    """Return the name of a run's folder, ``<video-stem>-<short hash>``.

    Examples
    --------
    >>> folder_name("a talk.mp4", "0123456789abcdef")
    'a-talk-01234567'
    """
    return f"{safe_stem(Path(video).name)}-{digest[:8]}"


def save_table(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a table as ``.parquet`` or ``.csv``, whole or not at all."""
    path = Path(path)
    with replace_file(path) as temporary:
        if path.suffix == ".parquet":
            frame.to_parquet(temporary, index=False)
        else:
            frame.to_csv(temporary, index=False, lineterminator="\n")


def load_table(path: str | Path) -> pd.DataFrame:
    """Read a ``.parquet`` or ``.csv`` table.

    Raises
    ------
    InputError
        If it is missing or not a table.
    """
    path = Path(path)
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, keep_default_na=False, na_values=[""])
    except FileNotFoundError as error:
        message = f"{path}: there is no such table. Run `clipkit analyze` or `clipkit run` first."
        raise InputError(message, code="input.missing") from error
    except (OSError, ValueError) as error:
        message = f"{path}: this cannot be read as a table ({str(error).splitlines()[0]})."
        raise InputError(message, code="input.bad_table") from error


class RunFolder:
    """One run on disk.  Only one process writes it at a time; any may read.

    Parameters
    ----------
    path : path
        The folder; it need not exist yet.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._shown = 0.0

    @property
    def tables(self) -> Path:
        """Folder of the tables."""
        return self.path / "tables"

    @property
    def clips(self) -> Path:
        """Folder of the finished clips."""
        return self.path / "clips"

    def record(self) -> dict[str, Any]:
        """Return what ``run.json`` says; empty when there is none yet or it cannot be read."""
        try:
            record = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def update(self, **fields: Any) -> None:
        """Change fields of ``run.json``; readers see the old record or the new one."""
        record = {"schema": SCHEMA, **self.record(), **fields}
        write_text(self.path / "run.json", json.dumps(record, indent=1, ensure_ascii=False) + "\n")

    def begin(self, **fields: Any) -> None:
        """Start a new record; what an earlier attempt said about its end, or left half written, goes."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(error, self.path) from error
        for abandoned in self.path.rglob(".*.part*"):
            abandoned.unlink(missing_ok=True)
        blank = {"status": "running", "stage": "start", "progress": 0.0, "timings": {}, "notes": [], "outputs": []}
        open_end = {"error": None, "verdicts_ok": None, "finished": None, "started": now(), "pid": os.getpid()}
        self.update(**blank, **open_end, **fields)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage and write down how it ended."""
        self.update(stage=name)
        begin = time.perf_counter()
        try:
            yield
        except BaseException as error:
            self.update(status="failed", error=describe_error(error, name))
            raise
        finally:
            timings = self.record().get("timings", {})
            timings[name] = round(timings.get(name, 0.0) + time.perf_counter() - begin, 3)
            self.update(timings=timings)

    def note(self, stage: str, message: str) -> None:
        """Write down a second choice that was taken, once."""
        notes = self.record().get("notes", [])
        entry = {"stage": stage, "message": message}
        if entry not in notes:
            self.update(notes=[*notes, entry])

    def progress(self, share: float) -> None:
        """Show how far the whole run is, 0 to 1, at most twice a second."""
        if time.monotonic() - self._shown >= PROGRESS_INTERVAL_S:
            self._shown = time.monotonic()
            self.update(progress=round(share, 4))

    def save_table(self, name: str, frame: pd.DataFrame) -> None:
        """Write ``tables/<name>``."""
        save_table(frame, self.tables / name)

    def load_table(self, name: str) -> pd.DataFrame:
        """Read ``tables/<name>``."""
        return load_table(self.tables / name)

    def list_outputs(self) -> list[dict[str, Any]]:
        """Return path, sha256, size and kind of every file that the run made."""
        kinds = {
            ".mp4": "clip",
            ".srt": "captions",
            ".jpg": "cover",
            ".ipynb": "notebook",
            ".html": "report",
            ".otio": "timeline",
            ".edl": "timeline",
            ".fcpxml": "timeline",
        }
        outputs = []
        for path in sorted(self.path.rglob("*")):
            name = path.relative_to(self.path).as_posix()
            if path.is_file() and name != "run.json" and not path.name.startswith("."):
                kind = "table" if path.parent == self.tables else kinds.get(path.suffix, "other")
                outputs.append(
                    {"path": name, "sha256": file_digest(path), "size_bytes": path.stat().st_size, "kind": kind}
                )
        return outputs

    def is_complete(self) -> bool:
        """Tell whether the run is done and every file still is what it was.

        ``tables/clips.csv`` and the notebook may be edited by a person; they only have to be there.  Edited
        captions make the run incomplete, because the clips do not show them yet.
        """
        record = self.record()
        if record.get("status") != "done" or record.get("schema") != SCHEMA:
            return False
        for output in record.get("outputs", []):
            path = self.path / output["path"]
            if not path.is_file():
                return False
            if output["kind"] in ("clip", "captions", "cover") and file_digest(path) != output["sha256"]:
                return False
        return True


class LooseFolder(RunFolder):
    """A folder for tables and clips alone; its record is kept in memory, not on disk."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self._record: dict[str, Any] = {}

    @property
    def tables(self) -> Path:
        """The folder itself."""
        return self.path

    @property
    def clips(self) -> Path:
        """The folder itself."""
        return self.path

    def record(self) -> dict[str, Any]:
        """Return what was noted so far."""
        return self._record

    def update(self, **fields: Any) -> None:
        """Note fields in memory."""
        self._record = {**self._record, **fields}


def describe_error(error: BaseException, stage: str) -> dict[str, str]:
    """Return an error as the plain record that ``run.json`` keeps."""
    if isinstance(error, ClipkitError):
        return {"class": type(error).__name__, **error.to_dict(), "stage": stage}
    if isinstance(error, OSError):
        mine = disk_error(error, error.filename or "a file of this run")
        return {"class": type(mine).__name__, **mine.to_dict(), "stage": stage}
    if isinstance(error, MemoryError):
        message = f"{stage}: the machine ran out of memory. Close other programs or use a smaller video."
        return {
            "class": "ResourceError",
            "code": "resource.memory",
            "message": message,
            "retry": "smaller",
            "stage": stage,
        }
    if isinstance(error, KeyboardInterrupt):
        message = f"stopped by hand while at stage {stage}. The same command goes on from the start of the run."
        return {
            "class": "ClipkitError",
            "code": "run.interrupted",
            "message": message,
            "retry": "later",
            "stage": stage,
        }
    text = (str(error).splitlines() or [""])[0]
    what = f"{type(error).__name__}: {text}"
    message = f"{stage}: a mistake inside clipkit ({what}). Please report it with this run's notebook."
    return {"class": "ClipkitError", "code": "internal", "message": message, "retry": "never", "stage": stage}


def now() -> str:
    """Return the time of day in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).replace(microsecond=0).isoformat()
