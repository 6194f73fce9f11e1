"""Child processes that never outlive the one that wanted them."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable

import psutil

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    assert _libc is not None
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


# For ``Popen(preexec_fn=…)``: on Linux the kernel kills the child when the thread that started
# it ends, so start children from a thread that lives as long as they do.  Elsewhere None.
die_with_parent: Callable[[], None] | None = _die_with_parent if _libc is not None else None


def kill_tree(pid: int) -> None:
    """Kill a process and everything below it, and wait until all are gone.

    A process group is not enough: a notebook's kernel has a group of its own.
    """
    try:
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in tree:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(tree, timeout=10)
