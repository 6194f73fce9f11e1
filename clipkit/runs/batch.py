"""Many videos, one process tree each; a bad one stops nobody."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from clipkit.errors import InputError
from clipkit.files import safe_stem
from clipkit.processes import kill_tree, start_child
from clipkit.runs.folder import RunFolder, now

VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mov .mkv .webm .ts .m2ts .mts .mpg .mpeg .avi .flv .ogv .3gp .wmv".split()  # noqa: SIM905
)
POLL_S = 0.2

State = Literal["waiting", "running", "done", "resumed", "failed"]


@dataclass
class BatchItem:
    """One video of a batch and how far it is.

    Attributes
    ----------
    video : Path
    state : {"waiting", "running", "done", "resumed", "failed"}
        ``resumed``: an earlier run had already done all of it.
    stage, share
        What it is doing, and how much of the whole is done, 0 to 1.
    n_clips : int
        Clip files written.
    seconds : float
        Wall time of this run.
    run_dir : str
    error : dict or None
        As in ``run.json``.
    """

    video: Path
    state: State = "waiting"
    stage: str = ""
    share: float = 0.0
    n_clips: int = 0
    seconds: float = 0.0
    run_dir: str = ""
    error: dict[str, str] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the item as plain data for ``--json``."""
        return {
            "video": str(self.video),
            "state": self.state,
            "n_clips": self.n_clips,
            "seconds": round(self.seconds, 1),
            "run_dir": self.run_dir,
            "error": self.error,
        }


@dataclass
class _Child:
    item: BatchItem
    process: subprocess.Popen[bytes]
    answer: IO[bytes]
    log: IO[bytes]
    begin: float = field(default_factory=time.monotonic)
    folder: RunFolder | None = None


def find_videos(inputs: Iterable[str | Path]) -> list[Path]:
    """Return the video files that files and folders name, sorted within each folder, each once.

    Parameters
    ----------
    inputs : iterable of path
        Files are taken as they are; folders are searched, with what lies below them, for files
        with a video's suffix.

    Raises
    ------
    InputError
        If a path does not exist, or there is no video at all.
    """
    found: dict[Path, None] = {}
    for entry in map(Path, inputs):
        if entry.is_dir():
            below = (path for path in sorted(entry.rglob("*")) if path.suffix.lower() in VIDEO_SUFFIXES)
            found.update((path.resolve(), None) for path in below if path.is_file())
        elif entry.exists():
            found[entry.resolve()] = None
        else:
            message = f"{entry}: there is no such file or folder."
            raise InputError(message, code="input.missing")
    if not found:
        message = f"no video was found in {', '.join(map(str, inputs))}. Give video files or folders that hold some."
        raise InputError(message, code="input.no_videos")
    return list(found)


def run_batch(
    videos: Sequence[Path],
    *,
    out: str | Path,
    workers: int,
    timeout_s: float,
    options: Sequence[str] = (),
    watch: Callable[[list[BatchItem]], None] | None = None,
) -> list[BatchItem]:
    """Run ``clipkit run`` on every video, at most `workers` at a time.

    Parameters
    ----------
    videos : sequence of Path
    out : path
        Where the run folders go.  A video whose run is complete there is not run again.
    workers : int
        Videos at a time.
    timeout_s : float
        A video that takes longer is stopped with its whole process tree, seconds.
    options : sequence of str, optional
        Further arguments for ``clipkit run``.
    watch : callable, optional
        Called several times a second with all items.

    Returns
    -------
    list of BatchItem
        In the order of `videos`.
    """
    out = Path(out).resolve()
    items = [BatchItem(video) for video in videos]
    waiting = list(items)
    children: list[_Child] = []
    try:
        while waiting or children:
            while waiting and len(children) < workers:
                children.append(_start(waiting.pop(0), out, options))
            time.sleep(POLL_S)
            for child in list(children):
                if child.process.poll() is not None:
                    _finish(child)
                    children.remove(child)
                elif time.monotonic() - child.begin > timeout_s:
                    _stop(child, "run.timeout", f"it took longer than {timeout_s:g} s (batch.timeout_s)")
                    children.remove(child)
                else:
                    _look(child, out)
            if watch:
                watch(items)
    except BaseException:
        for child in children:
            _stop(child, "run.interrupted", "the batch was stopped by hand")
        raise
    return items


def _start(item: BatchItem, out: Path, options: Sequence[str]) -> _Child:
    answer, log = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
    command = [sys.executable, "-m", "clipkit", "run", str(item.video), "--json", "--out", str(out), *options]
    process = start_child(command, stdin=subprocess.DEVNULL, stdout=answer, stderr=log)
    item.state = "running"
    return _Child(item, process, answer, log)


def _look(child: _Child, out: Path) -> None:
    child.item.seconds = time.monotonic() - child.begin
    if child.folder is None:
        candidates = map(RunFolder, out.glob(f"{_escaped(safe_stem(child.item.video.name))}-*"))
        child.folder = next((f for f in candidates if f.record().get("pid") == child.process.pid), None)
    if child.folder is not None:
        record = child.folder.record()
        child.item.stage = str(record.get("stage", ""))
        child.item.share = float(record.get("progress", 0.0))
        child.item.run_dir = str(child.folder.path)


def _escaped(stem: str) -> str:
    return stem.replace("[", "[[]")


def _finish(child: _Child) -> None:
    item = child.item
    item.seconds = time.monotonic() - child.begin
    child.answer.seek(0)
    try:
        record = json.loads(child.answer.read())
    except ValueError:
        child.log.seek(0)
        last = (child.log.read().decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        _stop(child, "run.died", f"its process ended with status {child.process.returncode} ({last})")
        return
    _close(child)
    item.run_dir = record.get("run_dir", item.run_dir)
    if child.process.returncode == 0:
        item.state = "resumed" if record.get("resumed") else "done"
        item.share = 1.0
        item.n_clips = sum(output["kind"] == "clip" for output in record.get("outputs", []))
    else:
        item.state = "failed"
        item.error = record.get("error")
    item.stage = ""


def _stop(child: _Child, code: str, why: str) -> None:
    kill_tree(child.process.pid)
    child.process.wait()
    _close(child)
    item = child.item
    item.seconds = time.monotonic() - child.begin
    item.state = "failed"
    stage = item.stage or "start"
    message = f"{item.video.name}: stopped at stage {stage}, because {why}. The same command starts it again."
    item.error = {"class": "ClipkitError", "code": code, "message": message, "retry": "later", "stage": stage}
    if child.folder is not None and child.folder.record().get("status") == "running":
        child.folder.update(status="failed", error=item.error, finished=now())


def _close(child: _Child) -> None:
    child.answer.close()
    child.log.close()
