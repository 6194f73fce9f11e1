"""Where the files that belong to clipkit lie, and where it keeps its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from clipkit.errors import ResourceError

_PACKAGE = Path(__file__).resolve().parent


def resource_path(*parts: str) -> Path:
    """Return the path of a notebook or params file that came with clipkit.

    In a checkout they lie beside the package, in an installed wheel inside it.

    Parameters
    ----------
    *parts : str
        Path below the top level, such as ``"notebooks", "clip_video.ipynb"``.

    Raises
    ------
    ResourceError
        If the installation lacks the file.
    """
    candidates = (_PACKAGE / "share" / Path(*parts), _PACKAGE.parent / Path(*parts))
    for path in candidates:
        if path.exists():
            return path
    message = f"{'/'.join(parts)} is missing from the clipkit installation: install clipkit again."
    raise ResourceError(message, code="resource.installation", retry="never")


def home() -> Path:
    """Return the folder of clipkit's own state: ``$CLIPKIT_HOME`` or the user's data folder."""
    chosen = os.environ.get("CLIPKIT_HOME")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "clipkit"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "clipkit"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "clipkit"


def user_dir(name: str) -> Path:
    """Return a folder below :func:`home`, made when it is not there, readable by its owner alone.

    Raises
    ------
    ResourceError
        If it cannot be made.
    """
    folder = home() / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        message = f"{folder} cannot be made ({error.strerror}): set CLIPKIT_HOME to a folder that you may write."
        raise ResourceError(message, code="resource.not_writable") from error
    return folder


def reports_dir() -> Path:
    """Return where notebooks put their runs: ``reports/`` of the checkout they belong to, else here.

    JupyterLab works in the folder of the open notebook, and ``notebooks/`` holds notebooks only.
    """
    checkout = _PACKAGE.parent
    return checkout / "reports" if (checkout / "notebooks").is_dir() else Path("reports")
