"""Execute a notebook through papermill and tell the truth about how it ended."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# As in clipkit/__init__.py, which sees to the kernels: 2 s of CPU for nothing that is needed.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

import nbformat
import papermill
from traitlets.config import Config

from clipkit.errors import ClipkitError, ParamsError, ResourceError, error_from_dict
from clipkit.files import replace_file
from clipkit.runs.folder import ENGINE_VARIABLE, RunFolder, describe_error

POLL_S = 0.3


def execute_notebook(
    notebook: str | Path,
    folder: RunFolder,
    parameters: Mapping[str, Any],
    *,
    progress: Callable[[float, str], None] | None = None,
) -> Path:
    """Execute a notebook in a kernel of its own and keep the executed copy in the run folder.

    Parameters
    ----------
    notebook : path
        The source notebook; it is only read.
    folder : RunFolder
        Where it runs and where the executed copy goes.  The kernel writes ``run.json`` there.
    parameters : mapping
        Values for the notebook's ``parameters`` cell.
    progress : callable, optional
        Called with the share done and the stage, about three times a second.

    Returns
    -------
    Path
        The executed notebook, also when this raises: its cells then say which one failed.

    Raises
    ------
    ParamsError
        If the notebook has no parameter of a name given.
    ClipkitError
        The error that a stage wrote into ``run.json``, or one for a kernel that died.
    """
    notebook = Path(notebook)
    check_parameters(notebook, parameters)
    target = folder.path / notebook.name
    logging.getLogger("papermill").setLevel(logging.ERROR)
    with (
        replace_file(target) as temporary,
        _socket_folder() as sockets,
        _environment(folder),
        _watch(folder, progress),
    ):
        # A path of its own for every kernel: kernels that share the default one take each
        # other's messages.
        own_sockets = {"KernelManager": {"transport": "ipc", "ip": str(sockets / "s")}}
        config = Config(own_sockets if os.name == "posix" else {})
        failure: BaseException | None = None
        try:
            papermill.execute_notebook(
                str(notebook),
                str(temporary),
                parameters=dict(parameters),
                cwd=str(folder.path),
                kernel_name="python3",
                progress_bar=False,
                config=config,
                # How a run ended is told once, by us; a kernel that is stopped has more to say.
                extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
            )
        except (Exception, KeyboardInterrupt) as error:
            failure = error
            if not temporary.exists():
                shutil.copyfile(notebook, temporary)
            _correct_statuses(temporary, error)
    if failure is not None:
        raise _true_cause(folder, failure) from failure
    return target


def check_parameters(notebook: Path, parameters: Mapping[str, Any]) -> None:
    """Raise a ParamsError for a name that the notebook's parameters cell does not have.

    papermill itself only logs a warning, and writes names into the notebook unescaped.
    """
    known = papermill.inspect_notebook(str(notebook))
    for name in parameters:
        if name not in known:
            message = f"{notebook.name} has no parameter {name!r}. It has: {', '.join(known)}."
            raise ParamsError(message, code="params.unknown_parameter")


def _correct_statuses(path: Path, error: BaseException) -> None:
    """Mark cells that never ran as pending and the one that did not end as failed.

    After a killed kernel or an interrupt papermill calls every cell completed.
    """
    try:
        book = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except (OSError, ValueError):
        return
    cells = [cell for cell in book.cells if cell.cell_type == "code" and "papermill" in cell.metadata]
    begun = [cell for cell in cells if cell.metadata.papermill.get("start_time")]
    broken = [cell for cell in cells if cell.metadata.papermill.get("exception")] or begun[-1:]
    for cell in cells:
        ended = "completed" if cell in begun else "pending"
        cell.metadata.papermill["status"] = "failed" if cell in broken else ended
    book.metadata.setdefault("papermill", {})["exception"] = True
    book.metadata["papermill"]["error"] = type(error).__name__
    nbformat.write(book, path)  # type: ignore[no-untyped-call]


def _true_cause(folder: RunFolder, failure: BaseException) -> ClipkitError:
    record = folder.record()
    stage = str(record.get("stage", "start"))
    noted = record.get("error")
    if noted:
        return error_from_dict(noted)
    if isinstance(failure, KeyboardInterrupt):
        return error_from_dict(describe_error(failure, stage))
    if type(failure).__name__ == "DeadKernelError":
        message = f"{stage}: the notebook's kernel died, most often for lack of memory. Close other programs and retry."
        return ResourceError(message, code="run.kernel_died", retry="smaller")
    if isinstance(failure, papermill.PapermillExecutionError):
        message = f"{stage}: a cell of the notebook failed ({failure.ename}: {failure.evalue}). Open it to see where."
        return ClipkitError(message, code="internal")
    return error_from_dict(describe_error(failure, stage))


@contextmanager
def _socket_folder() -> Iterator[Path]:
    # Short, because the path of a Unix socket has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="ck-", dir="/tmp" if os.path.isdir("/tmp") else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _environment(folder: RunFolder) -> Iterator[None]:
    before = os.environ.get(ENGINE_VARIABLE)
    os.environ[ENGINE_VARIABLE] = str(folder.path)
    try:
        yield
    finally:
        if before is None:
            del os.environ[ENGINE_VARIABLE]
        else:
            os.environ[ENGINE_VARIABLE] = before


@contextmanager
def _watch(folder: RunFolder, progress: Callable[[float, str], None] | None) -> Iterator[None]:
    if progress is None:
        yield
        return
    stop = threading.Event()

    def show() -> None:
        while not stop.wait(POLL_S):
            record = folder.record()
            progress(float(record.get("progress", 0.0)), str(record.get("stage", "")))

    watcher = threading.Thread(target=show, name="run-progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()
