"""Files that are either whole or not there, and their digests."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clipkit.errors import ResourceError

MAX_STEM_BYTES = 80


@contextmanager
def replace_file(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it becomes `path`, on failure it goes.

    The temporary name keeps the suffix, because writers choose a format by it.

    Raises
    ------
    ResourceError
        If the disk is full or the folder may not be written.  `path` is then as it was.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replace_file(folder / "a.txt") as temporary:
    ...     _ = temporary.write_text("whole")
    >>> [p.name for p in folder.iterdir()]
    ['a.txt']
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex[:12]}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise disk_error(error, path) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text so that `path` holds all of it or what it held before."""
    with replace_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def disk_error(error: OSError, path: str | Path) -> ResourceError:
    """Return the error of the operating system about `path` as one sentence of ours."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        message = f"{path} cannot be written: the disk is full. Free some space and start again."
        return ResourceError(message, code="resource.disk_full")
    message = f"{path} cannot be written ({error.strerror or error}). Choose a folder that you may write to."
    return ResourceError(message, code="resource.not_writable", retry="never")


def file_digest(path: str | Path) -> str:
    """Return the sha256 of a file's bytes as 64 hex digits."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def safe_stem(name: str) -> str:
    """Return a file name's stem that every file system takes.

    Letters and digits of all scripts, ``-``, ``_`` and ``.`` stay; anything else becomes ``-``.
    It is cut to 80 bytes, since file systems count bytes, not characters.

    Examples
    --------
    >>> safe_stem("My talk: part 1?.mp4"), safe_stem("...")
    ('My-talk-part-1', 'video')
    """
    stem = re.sub(r"[^\w.-]+", "-", Path(name).stem).strip("-.")
    return stem.encode()[:MAX_STEM_BYTES].decode(errors="ignore") or "video"
