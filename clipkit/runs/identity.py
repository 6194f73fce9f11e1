"""What a run is a run of, so that the same work finds its folder again."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from pathlib import Path
from typing import Any

from clipkit import __version__
from clipkit.errors import InputError
from clipkit.files import file_digest
from clipkit.media.speech_model import find_model
from clipkit.media.subtitles import subtitle_bytes, subtitle_file
from clipkit.params import Params, params_digest

_NAMED_VERSIONS = ("av", "imageio-ffmpeg", "numba", "numpy", "opencv-python-headless", "pandas", "papermill", "scipy")


def identify(video: Path, params: Params) -> dict[str, Any]:
    """Return what a run is a run of; ``digest`` names its folder."""
    video_digest = file_digest(video)
    parts = [video_digest, params_digest(params), _words_digest(video, params)]
    named = {
        "reframe.keyframes": params.reframe.keyframes,
        "reframe.detector": params.reframe.detector,
        "captions.font": params.captions.font,
    }
    parts += [_named_digest(setting, path) for setting, path in named.items() if path is not None]
    versions = {name: importlib.metadata.version(name) for name in _NAMED_VERSIONS}
    return {
        "digest": hashlib.sha256("\n".join(parts).encode()).hexdigest(),
        "input": {"path": str(video), "sha256": video_digest, "size_bytes": video.stat().st_size},
        "params": params.model_dump(mode="json"),
        "params_digest": params_digest(params),
        "versions": {"clipkit": __version__, "python": platform.python_version(), **versions},
    }


def _named_digest(setting: str, path: str) -> str:
    try:
        return file_digest(Path(path).expanduser())
    except OSError as error:
        message = f"{setting} must name a file that can be read, {path} cannot ({error.strerror}). Correct the path."
        raise InputError(message, code="input.missing") from error


def _words_digest(video: Path, params: Params) -> str:
    """Return the sha256 of what the words come from, a subtitle file or a speech model; empty without either."""
    subtitles = subtitle_file(video, params.speech)
    if subtitles is not None:
        return hashlib.sha256(subtitle_bytes(subtitles)).hexdigest()
    model = find_model(params.speech)
    return model.digest if model else ""
