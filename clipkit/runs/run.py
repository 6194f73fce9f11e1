"""One video through the notebook: the main job."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clipkit.analysis.reframe import check_files
from clipkit.errors import ClipkitError, ParamsError, ResourceError
from clipkit.files import disk_error
from clipkit.media.probe import require_video
from clipkit.output.faces import load_faces
from clipkit.output.platforms import load_platforms
from clipkit.params import Params
from clipkit.profiles import make_params, merge_layers
from clipkit.resources import resource_path
from clipkit.runs.close import close_run, fail_run
from clipkit.runs.engine import execute_notebook
from clipkit.runs.folder import RunFolder, folder_name
from clipkit.runs.identity import identify

Progress = Callable[[float, str], None]


def run(
    video: str | Path,
    *,
    out: str | Path = "reports",
    progress: Progress | None = None,
    **asked: Any,
) -> dict[str, Any]:
    """Turn one video into checked clips by executing ``notebooks/clip_video.ipynb``.

    Parameters
    ----------
    video : path
        The source file.
    out : path, optional
        Where the run folder goes.
    progress : callable, optional
        Called with the share done and the stage.
    **asked
        ``profile``, ``platforms``, ``n_clips``, ``subtitles`` and ``settings`` as for
        :func:`make_params`.

    Returns
    -------
    dict
        The record of the run, ``run.json``, with ``run_dir`` added and ``resumed`` true when an
        earlier run had already done all of it.

    Raises
    ------
    ClipkitError
        If the input, the params or the machine do not allow it, or a finished file breaks a
        platform's rule.  The run folder then says at which stage.
    """
    params = make_params(**asked)
    video = Path(video).resolve()
    info = require_video(video, params.security)
    check_files(info, params.reframe)
    load_faces(params.captions.font)
    out = Path(out).resolve()
    _check_room(out, params)
    _check_platforms(params)
    identity = identify(video, params)
    folder = RunFolder(out / folder_name(video, identity["digest"]))
    with _alone(folder):
        if folder.is_complete() and folder.record().get("versions") == identity["versions"]:
            return {**folder.record(), "run_dir": str(folder.path), "resumed": True}
        folder.begin(**identity)
        profile = str(asked.get("profile", "auto"))
        given = {
            "video": str(video),
            "run_dir": str(folder.path),
            "profile": str(Path(profile).resolve()) if profile.endswith((".yaml", ".yml")) else profile,
            "platforms": list(params.platforms.targets),
            "n_clips": params.selection.n_clips,
            "subtitles": params.speech.subtitles or "",
            "settings": json.loads(json.dumps(_lasting(asked.get("settings") or {}, params), default=list)),
        }
        try:
            execute_notebook(resource_path("notebooks", "clip_video.ipynb"), folder, given, progress=progress)
            close_run(folder)
        except (ClipkitError, KeyboardInterrupt) as error:
            fail_run(folder, error)
            raise
        return {**folder.record(), "run_dir": str(folder.path), "resumed": False}


def _lasting(settings: Mapping[str, Any], params: Params) -> Mapping[str, Any]:
    """Return settings whose paths hold wherever the notebook's kernel works."""
    model = params.speech.transcribe  # or a word
    named = (
        ("speech", "transcribe", model if Path(model).expanduser().is_dir() else None),
        ("reframe", "keyframes", params.reframe.keyframes),
        ("reframe", "detector", params.reframe.detector),
        ("captions", "font", params.captions.font),
    )
    found = ((section, key, Path(path).expanduser().resolve()) for section, key, path in named if path)
    return merge_layers(settings, *({section: {key: str(path)}} for section, key, path in found))


def _check_platforms(params: Params) -> None:
    """Refuse clips of a shape that no platform takes before anything is measured."""
    table = load_platforms()
    reasons = [table[name].unsuitable_frame(params.reframe.aspect) for name in params.platforms.targets]
    if all(reasons):
        message = f"no platform would take these clips: {' '.join(filter(None, reasons))} Change reframe.aspect."
        raise ParamsError(message, code="params.no_platform")


def _check_room(out: Path, params: Params) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(out).free
    except OSError as error:
        raise disk_error(error, out) from error
    if not os.access(out, os.W_OK):
        message = f"{out}: this folder must be writable, and it is not. Choose another one with --out."
        raise ResourceError(message, code="resource.not_writable", retry="never")
    if free < params.resources.min_free_gb * 1e9:
        message = (
            f"{out}: a run starts with at least {params.resources.min_free_gb:g} GB of free disk, there are "
            f"{free / 1e9:.2f}. Free some space, or lower resources.min_free_gb."
        )
        raise ResourceError(message, code="resource.disk_full")


@contextmanager
def _alone(folder: RunFolder) -> Iterator[None]:
    """Hold the run folder against other processes; the system lets go when this one dies."""
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, folder.path) from error
    if os.name != "posix":
        yield
        return
    import fcntl

    with (folder.path / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = f"{folder.path}: another clipkit is at work on this run. Wait for it, or stop it first."
            raise ResourceError(message, code="resource.busy") from error
        yield
