"""What work costs: CPU seconds of a process and its children, and the memory of the whole tree."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, TimeoutExpired

import numpy as np
import pandas as pd
import psutil

from clipkit.analysis.highlights import score_candidates
from clipkit.analysis.select import select_clips
from clipkit.analysis.terms import TERMS
from clipkit.bench.job import SCENEDETECT
from clipkit.errors import ResourceError
from clipkit.params import ScoringWeights, SelectionParams
from clipkit.processes import kill_tree, start_child

_POLL_S = 0.05
# As many as an hour of video has.
_CANDIDATES = 2000


@dataclass(frozen=True)
class Cost:
    """What one piece of work took, and what it found.

    Attributes
    ----------
    cpu_s, wall_s : float
        Without start and imports.
    peak_bytes : int
        Largest memory of the process and all below it together, start included; sampled.
    found : DataFrame
        ``begin,end`` in frames.
    """

    cpu_s: float
    wall_s: float
    peak_bytes: int
    found: pd.DataFrame


def can_run(job: str) -> str | None:
    """Return why a job of :mod:`clipkit.bench.job` cannot be run here, or None."""
    if job in SCENEDETECT and importlib.util.find_spec("scenedetect") is None:
        return "PySceneDetect is not installed (pip install scenedetect-headless): its rows are missing."
    return None


def measure(job: str, video: str | Path) -> Cost:
    """Do a job of :mod:`clipkit.bench.job` in a new process.

    Raises
    ------
    ResourceError
        ``resource.job_failed`` with the last line that it said.
    """
    said, peak, _ = _watched([sys.executable, "-m", "clipkit.bench.job", job, str(video)], f"{Path(video).name}: {job}")
    answer = json.loads(said.splitlines()[-1])
    found = pd.DataFrame(answer["found"], columns=["begin", "end"]).astype("int64")
    return Cost(answer["cpu_s"], answer["wall_s"], peak, found)


def measure_run(video: str | Path, *, n_clips: int, platforms: Sequence[str]) -> tuple[float, int]:
    """Do the main job in a new process, start included; return its seconds and its largest memory, bytes.

    Raises
    ------
    ResourceError
        ``resource.job_failed`` with the last line that it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        asked = [f"--platform={name}" for name in platforms]
        command = [sys.executable, "-m", "clipkit", "run", str(video), f"--clips={n_clips}", *asked, f"--out={folder}"]
        _, peak, wall_s = _watched(command, f"{Path(video).name}: the whole job")
    return wall_s, peak


def _watched(command: Sequence[str], what: str) -> tuple[str, int, float]:
    """Return what a command said, the largest memory of it and all below it, and how long it took."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = time.perf_counter()
        child = start_child(command, stdin=DEVNULL, stdout=out, stderr=err)
        peak = 0
        try:
            while child.poll() is None:
                peak = max(peak, tree_bytes(child.pid))
                with contextlib.suppress(TimeoutExpired):
                    child.wait(_POLL_S)
        finally:
            kill_tree(child.pid)
        wall_s = time.perf_counter() - begun
        out.seek(0)
        err.seek(0)
        said, errors = out.read().decode(), err.read().decode(errors="replace").strip()
    if child.returncode:
        last = errors.splitlines()[-1] if errors else f"status {child.returncode}"
        message = f"{what} ended early ({last})."
        raise ResourceError(message, code="resource.job_failed", retry="never")
    return said, peak, wall_s


def measure_in_turn(jobs: Sequence[str], video: str | Path, *, repeats: int) -> dict[str, float]:
    """Return the median CPU seconds of jobs that are done one after another, again and again.

    Whatever else the machine does then burdens all of them alike.
    """
    taken: dict[str, list[float]] = {job: [] for job in jobs}
    for turn in range(repeats):
        order = list(jobs) if turn % 2 == 0 else list(reversed(jobs))
        for job in order:
            taken[job].append(measure(job, video).cpu_s)
    return {job: statistics.median(times) for job, times in taken.items()}


def tree_bytes(pid: int) -> int:
    """Return the resident memory of a process and all below it; pages that they share count for each."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
    return total


def time_to_ready(*, repeats: int) -> float:
    """Return the median seconds until a new process has imported the analysis and its kernels answer."""
    program = (
        "import pkgutil, importlib, clipkit.kernels\n"
        "import clipkit.analysis.shots, clipkit.analysis.speech\n"
        "for m in pkgutil.iter_modules(clipkit.kernels.__path__):\n"
        "    if not m.name.startswith('_'): importlib.import_module('clipkit.kernels.' + m.name).warm_up()\n"
    )
    taken = []
    for _ in range(repeats + 1):
        begun = time.perf_counter()
        child = start_child([sys.executable, "-c", program], stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
        status = child.wait()
        if status:
            message = f"a new process could not warm its kernels (status {status}). Try python -m clipkit.kernels"
            raise ResourceError(message, code="resource.job_failed", retry="never")
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken[1:])  # the first fills the caches


def time_to_rerank(*, repeats: int) -> float:
    """Return the median seconds in which the candidates of one hour are scored anew and clips chosen again."""
    rng = np.random.default_rng(1)
    start_s = np.sort(rng.uniform(0, 3600 - 60, _CANDIDATES)).round(3)
    table = pd.DataFrame({"candidate_id": np.arange(_CANDIDATES), "start_s": start_s, "score": 0.0})
    table.insert(2, "end_s", (start_s + rng.uniform(15, 60, _CANDIDATES)).round(3))
    terms = pd.DataFrame(rng.random((_CANDIDATES, len(TERMS))), columns=list(TERMS))
    table = pd.concat([table, terms], axis=1).assign(begins="a pause", ends="a pause")
    taken = []
    for _ in range(repeats + 1):
        weights = ScoringWeights(hook=float(rng.random()))
        begun = time.perf_counter()
        select_clips(score_candidates(table, weights), SelectionParams(), duration_s=3600.0)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken[1:])
