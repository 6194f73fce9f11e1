"""The end of a run: its report and its last word, good or bad."""

from __future__ import annotations

from contextlib import suppress

from clipkit.errors import ResourceError
from clipkit.output.report import write_report
from clipkit.runs.folder import RunFolder, describe_error, now


def close_run(folder: RunFolder) -> None:
    """Write the report of a run that went well, and call it done."""
    folder.update(stage="report")
    write_report(folder.path)
    folder.update(status="done", stage="done", progress=1.0, outputs=folder.list_outputs(), finished=now())


def fail_run(folder: RunFolder, error: BaseException) -> None:
    """Write down why a run stopped, and a report that says so."""
    # On a full disk the record cannot be written either; what stopped the run matters more.
    with suppress(ResourceError):
        stage = str(folder.record().get("stage", "start"))
        folder.update(status="failed", error=describe_error(error, stage), finished=now())
        write_report(folder.path)
