"""What the dashboard knows and can do, without any widget.

Everything comes from what is on disk, so that a reload or a second viewer sees the same.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import yaml
from traitlets import Dict, HasTraits, Instance, Tuple, Unicode

from clipkit.errors import ClipkitError, ParamsError
from clipkit.files import write_text
from clipkit.output.record import RunRecord
from clipkit.params import PROFILE_NAMES, ScoringWeights
from clipkit.profiles import SAFE_NAME, load_params
from clipkit.resources import user_dir
from clipkit.runs.monitor import Monitor, Reading
from clipkit.ui.ranking import rank_candidates

HISTORY_S = 120.0


@dataclass(frozen=True)
class RunSummary:
    """One line of the list of runs.

    Attributes
    ----------
    name : str
        Name of the run's folder.
    video : str
        File name of the video.
    status : {"running", "stopped", "done", "failed", "damaged"}
        ``stopped`` is a run that says it is running while its process is gone.
    stage : str
        The stage it is at or ended at.
    progress : float
        Share of the work that is done, 0 to 1.
    n_files : int
        Finished clip files.
    started : str
        Time of day of its start, ISO 8601.
    pid : int
        Its process.
    """

    name: str
    video: str
    status: str
    stage: str = ""
    progress: float = 0.0
    n_files: int = 0
    started: str = ""
    pid: int = 0


class DashboardModel(HasTraits):
    """The machine, the runs in a folder, and one of them opened.

    Parameters
    ----------
    reports_dir : path
        Folder of run folders; it may still be missing.

    Attributes
    ----------
    reading : Reading
        The machine now; `history` holds the readings of the last two minutes.
    runs : tuple of RunSummary
        Newest first.
    run : RunRecord or None
        The run that is open.
    weights : dict of str to float
        Weight of each score term; setting it ranks anew.
    ranking : DataFrame
        Candidates under `weights`, best first, with ``rank``, ``rank_before`` and ``chosen``.
    chosen : DataFrame
        The clips that would be chosen under `weights`.
    message : str
        What happened last, one sentence.
    """

    reading = Instance(Reading, allow_none=True)
    history = Tuple()
    runs = Tuple()
    run = Instance(RunRecord, allow_none=True)
    weights = Dict()
    ranking = Instance(pd.DataFrame, allow_none=True)
    chosen = Instance(pd.DataFrame, allow_none=True)
    message = Unicode()

    def __init__(self, reports_dir: str | Path) -> None:
        super().__init__()
        self.reports_dir = Path(reports_dir).absolute()
        self._monitor = Monitor()
        self._seen: dict[str, tuple[tuple[int, int], RunSummary]] = {}
        self.weights = ScoringWeights().model_dump()
        self.refresh()

    def refresh(self) -> None:
        """Read the machine and the list of runs; only records that changed are opened."""
        first = self.reading is None
        reading = self._monitor.read()
        recent = (past for past in self.history if reading.time_s - past.time_s < HISTORY_S)
        # The first one measures the processor over no time at all.
        self.history = () if first else (*recent, reading)
        self.reading = reading
        summaries = tuple(sorted(self._summaries(), key=lambda run: (run.started, run.name), reverse=True))
        if summaries != self.runs:
            self.runs = summaries

    def open(self, name: str) -> None:
        """Open a run of the list and rank its candidates under the weights it was made with.

        Raises
        ------
        KeyError
            If the list has no run of that name.
        """
        if name not in {run.name for run in self.runs}:
            raise KeyError(name)
        run = RunRecord(self.reports_dir / name)
        with self.hold_trait_notifications():
            self.run = run
            self.weights = run.params.scoring.weights.model_dump()
            self.message = ""
            self._rank()

    def weigh(self, weights: Mapping[str, float]) -> None:
        """Set weights and rank the candidates of the open run under them.

        Parameters
        ----------
        weights : mapping of str to float
            Terms that are left out keep their weight.
        """
        wanted = ScoringWeights.model_validate({**self.weights, **weights}).model_dump()
        if wanted != self.weights:
            with self.hold_trait_notifications():
                self.weights = wanted
                self._rank()

    @property
    def base_profile(self) -> str:
        """Profile that the open run was made with, ``auto`` when it had none."""
        return self.run.params.scoring.profile if self.run is not None else "auto"

    def changed_weights(self) -> dict[str, float]:
        """Return the weights that are not those of the profile they will be laid over."""
        base = load_params(self.base_profile).scoring.weights.model_dump()
        return {term: weight for term, weight in self.weights.items() if weight != base[term]}

    def save_profile(self, name: str, *, overwrite: bool = False) -> Path:
        """Write the weights as a profile of the user's own and return its path.

        The file names the profile it is laid over and lists only what differs from it.

        Parameters
        ----------
        name : str
            Letters, digits, blanks, ``-`` and ``_``; not the name of a profile of clipkit's own.
        overwrite : bool, optional
            Replace a profile of the same name.

        Raises
        ------
        ParamsError
            If the name cannot be used, is taken, or nothing differs.
        """
        name = name.strip()
        if not SAFE_NAME.fullmatch(name):
            message = f"a profile's name has letters, digits, blanks, - and _, at most 64, got {name!r}."
            raise ParamsError(message, code="params.bad_name")
        if name.lower() in ("auto", *PROFILE_NAMES):
            message = f"{name!r} is a profile that came with clipkit. Choose another name."
            raise ParamsError(message, code="params.name_taken")
        changed = self.changed_weights()
        if not changed:
            message = f"nothing differs from profile {self.base_profile!r}. Move a weight first."
            raise ParamsError(message, code="params.nothing_changed")
        path = user_dir("profiles") / f"{name}.yaml"
        if path.exists() and not overwrite:
            message = f"there is a profile {name!r} already. Tick “replace” to overwrite it, or choose another name."
            raise ParamsError(message, code="params.name_taken")
        scoring: dict[str, Any] = {"profile": self.base_profile} if self.base_profile != "auto" else {}
        layer = {"scoring": {**scoring, "weights": changed}}
        write_text(path, "# Saved from the dashboard.\n" + yaml.safe_dump(layer, sort_keys=False))
        return path

    def state(self) -> dict[str, Any]:
        """Return which run is open and its weights as plain data, for :meth:`restore`."""
        return {"run": self.run.folder.name if self.run is not None else None, "weights": dict(self.weights)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Bring back what :meth:`state` returned."""
        if state.get("run"):
            self.open(state["run"])
        self.weigh(state.get("weights", {}))

    def _rank(self) -> None:
        candidates = self.run.table("candidates") if self.run is not None else None
        if self.run is None or candidates is None or not set(self.weights) <= set(candidates.columns):
            self.ranking = self.chosen = None
            return
        try:
            self.ranking, self.chosen = rank_candidates(
                candidates,
                self.weights,
                self.run.params.selection,
                duration_s=self.run.duration_s,
                words=self.run.table("words"),
            )
        except (ClipkitError, ValueError, KeyError) as error:
            self.ranking = self.chosen = None
            self.message = f"The candidates cannot be ranked: {error}"

    def _summaries(self) -> list[RunSummary]:
        try:
            folders = [entry for entry in os.scandir(self.reports_dir) if not entry.name.startswith(".")]
        except OSError:
            return []
        found = []
        for folder in folders:
            try:
                record = (Path(folder.path) / "run.json").stat()
            except OSError:
                continue
            stamp = (record.st_mtime_ns, record.st_size)
            stored_stamp, summary = self._seen.get(folder.name, (None, None))
            if summary is None or stored_stamp != stamp:
                summary = _summarise(RunRecord(Path(folder.path)))
                self._seen[folder.name] = (stamp, summary)
            if summary.status == "running" and not psutil.pid_exists(summary.pid):
                summary = replace(summary, status="stopped")
            found.append(summary)
        return found


def _summarise(run: RunRecord) -> RunSummary:
    fields = run.fields
    progress, pid = fields.get("progress"), fields.get("pid")
    return RunSummary(
        name=run.folder.name,
        video=run.video_name,
        status=run.status,
        stage=str(fields.get("stage") or ""),
        progress=min(1.0, max(0.0, float(progress))) if isinstance(progress, int | float) else 0.0,
        n_files=sum(output.get("kind") == "clip" for output in run.items("outputs")),
        started=str(fields.get("started") or ""),
        pid=pid if isinstance(pid, int) and 0 <= pid < 2**31 else 0,
    )
