"""Child processes that never outlive the one that wanted them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None

# The parent-death signal fires when the *thread* that started a child ends, so children are
# started by a thread that lives as long as the process.
_starter: ThreadPoolExecutor | None = None
_starter_lock = threading.Lock()


def start_child(command: Sequence[str], *, stdin: Any, stdout: Any, stderr: Any) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own that dies, on Linux, when this process does.

    Parameters
    ----------
    command : sequence of str
        Program and arguments; no shell reads them.
    stdin, stdout, stderr
        As for :class:`subprocess.Popen`.

    Returns
    -------
    subprocess.Popen
        Ctrl-C on a terminal does not reach it: stopping it is the caller's work.
    """
    global _starter
    with _starter_lock:
        if _starter is None:
            _starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="child starter")
        starter = _starter
    return starter.submit(_popen, list(command), stdin, stdout, stderr).result()


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


def _popen(command: list[str], stdin: Any, stdout: Any, stderr: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        preexec_fn=_die_with_parent if _libc is not None else None,
        start_new_session=True,
    )


def _die_with_parent() -> None:
    assert _libc is not None
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _forget_starter() -> None:
    global _starter, _starter_lock
    _starter, _starter_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_starter)
