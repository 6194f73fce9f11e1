"""Long videos in, checked vertical clips out.

The verbs of the command line are functions here: :func:`run`, :func:`analyze`, :func:`shots`,
:func:`reframe`, :func:`render`, :func:`verify`, :func:`sample`; a notebook begins with
:func:`start_run`.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from clipkit.runs.run import run as run
    from clipkit.runs.start import start_run as start_run
    from clipkit.runs.verbs import analyze as analyze
    from clipkit.runs.verbs import reframe as reframe
    from clipkit.runs.verbs import render as render
    from clipkit.runs.verbs import sample as sample
    from clipkit.runs.verbs import shots as shots
    from clipkit.runs.verbs import verify as verify

# jsonschema compiles a grammar of web addresses if it can import this (2 s of CPU), for checks
# that no notebook's format has.  Only processes that are wholly clipkit's do without it.
if "CLIPKIT_RUN_DIR" in os.environ:
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

# Loaded when asked for: the rooms below import numba, OpenCV and papermill.
_HOMES = {
    "run": "clipkit.runs.run",
    "start_run": "clipkit.runs.start",
    "analyze": "clipkit.runs.verbs",
    "reframe": "clipkit.runs.verbs",
    "render": "clipkit.runs.verbs",
    "sample": "clipkit.runs.verbs",
    "shots": "clipkit.runs.verbs",
    "verify": "clipkit.runs.verbs",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    message = f"module 'clipkit' has no attribute {name!r}"
    raise AttributeError(message)
