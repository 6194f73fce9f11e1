"""The beginning of a run in a notebook."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clipkit.profiles import make_params
from clipkit.resources import reports_dir
from clipkit.runs.folder import ENGINE_VARIABLE, RunFolder, folder_name
from clipkit.runs.identity import identify
from clipkit.runs.stages import ClipRun
from clipkit.runs.verbs import sample


def start_run(
    video: str | Path = "",
    run_dir: str | Path = "",
    *,
    profile: str = "auto",
    platforms: Sequence[str] = (),
    n_clips: int | None = None,
    subtitles: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
) -> ClipRun:
    """Begin a run as a notebook does, and return its :class:`~clipkit.runs.stages.ClipRun`.

    Parameters
    ----------
    video : path, optional
        The source file; without one the built-in sample is made and used.
    run_dir : path, optional
        The run folder; without one it is made in :func:`~clipkit.resources.reports_dir`.
    profile, platforms, n_clips, subtitles, settings
        As for :func:`make_params`.

    Returns
    -------
    ClipRun
    """
    params = make_params(profile=profile, platforms=platforms, n_clips=n_clips, subtitles=subtitles, settings=settings)
    source = Path(video).resolve() if video else sample(reports_dir() / "sample.mp4")
    if os.environ.get(ENGINE_VARIABLE) == str(run_dir):
        return ClipRun(source, RunFolder(run_dir), params)
    identity = identify(source, params)
    folder = RunFolder(run_dir or reports_dir() / folder_name(source, identity["digest"]))
    folder.begin(**identity)
    return ClipRun(source, folder, params)
