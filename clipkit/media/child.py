"""The ffmpeg program as a child that takes bytes and leaves one whole file, or none."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any, Self

import imageio_ffmpeg

from clipkit.errors import RenderError, ResourceError
from clipkit.processes import start_child

_KEPT_LINES = 20
_PIPE_BYTES = 1 << 18  # four times the usual; more no longer stays in the caches of the two processes
_DISK_FULL = ("No space left on device", "File too large", "Disk quota exceeded")
# What ffmpeg says last is a summary; the cause stands above it.
_SUMMARIES = ("Conversion failed!", "Exiting normally", "Nothing was written", "Terminating thread", "Task finished")
_QUOTED_LINES = 3
_SOURCE = re.compile(r"^(\[[^\]]* @ 0x[0-9a-f]+\] ?)+")


class FileEncoder:
    """An ffmpeg that reads from its standard input and writes one file; a context manager.

    The file is written as ``<path>.part``, checked and then renamed.  After an error nothing is left.

    Parameters
    ----------
    arguments : sequence of str
        Arguments of ffmpeg between the general ones and the output path.
    path : Path
        The finished file.
    check : callable
        Called with the path of the finished part; raises `RenderError` when it is not right.

    Raises
    ------
    ResourceError
        ``resource.disk_full`` when the file does not fit, ``resource.no_encoder`` when ffmpeg is missing.
    RenderError
        ``render.encoder_failed`` when ffmpeg ends early or with an error.
    """

    def __init__(self, arguments: Sequence[str], path: Path, check: Callable[[Path], None]) -> None:
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._check = check
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        general = [ffmpeg_path(), "-hide_banner", "-nostats", "-loglevel", "warning", "-y"]
        command = [*general, *arguments, f"file:{self._part}"]
        try:
            self._child = start_child(command, stdin=PIPE, stdout=DEVNULL, stderr=PIPE)
        except OSError as error:
            message = f"ffmpeg could not be started ({error.strerror}). Free memory, or install imageio-ffmpeg again."
            raise ResourceError(message, code="resource.no_encoder") from error
        _widen(self._child.stdin)
        self._drain = threading.Thread(target=self._keep_lines, name="ffmpeg messages", daemon=True)
        self._drain.start()

    @property
    def pid(self) -> int:
        """Process id of ffmpeg."""
        return self._child.pid

    def write(self, samples: Any) -> None:
        """Send the bytes of a contiguous array."""
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(samples)
        except OSError:
            self._fail()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._stop()

    def _finish(self) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.close()
        except OSError:
            self._fail()
        if self._child.wait() != 0:
            self._fail()
        self._check(self._part)
        os.replace(self._part, self._path)

    def _stop(self) -> None:
        """Leave no process, no thread, no pipe and no part of a file."""
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        self._drain.join()
        for pipe in (self._child.stdin, self._child.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._part.unlink(missing_ok=True)

    def _fail(self) -> None:
        """Raise what made ffmpeg stop."""
        status = self._child.wait()
        self._drain.join()
        if status == -getattr(signal, "SIGXFSZ", sys.maxsize) or any(
            text in line for text in _DISK_FULL for line in self._lines
        ):
            message = f"{self._path} does not fit: the disk or the user's share of it is full. Free some space."
            raise ResourceError(message, code="resource.disk_full")
        said = [line for line in self._lines if not line.startswith(_SUMMARIES)][-_QUOTED_LINES:]
        if status < 0:
            said.insert(0, f"killed by signal {-status}")
        reason = "; ".join(said) or f"ended with status {status}"
        message = f"{self._path} could not be encoded: ffmpeg said: {reason}"
        raise RenderError(message, code="render.encoder_failed", retry="later" if status < 0 else "never")

    def _keep_lines(self) -> None:
        assert self._child.stderr is not None
        for line in self._child.stderr:
            text = _SOURCE.sub("", line.decode(errors="replace").strip())
            if text:
                self._lines.append(text)


def _widen(pipe: Any) -> None:
    """Let a pipe hold much of a picture, where that can be asked for: fewer turns between the two processes."""
    try:
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    except (ImportError, AttributeError, OSError):  # not Linux, or the user's share of pipes is used up
        return


def ffmpeg_path() -> str:
    """Return the ffmpeg program that imageio-ffmpeg brings.

    Raises
    ------
    ResourceError
        ``resource.no_encoder`` when there is none.
    """
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        message = "no ffmpeg program was found: install imageio-ffmpeg again, its wheel brings one."
        raise ResourceError(message, code="resource.no_encoder", retry="never") from error
