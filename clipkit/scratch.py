"""Arrays too long for memory: written row by row into a nameless file, read as far as they are asked for.

Conventions
-----------
The file has no name from the start where the system allows it, so a killed process leaves nothing.
Its rows are read and never mapped: pages that were looked at once would count as memory until the end.
"""

from __future__ import annotations

import math
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from clipkit.files import disk_error

# Rows handled at a time: enough that a call costs nothing beside its work, few enough for a processor's cache.
BLOCK = 256
# Rows up to this many times as far apart as they are many are read at once, with those between them.
SPARSE = 32


class Rows(Protocol):
    """Rows of one kind: an array, or a file of which those that are asked for are read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, then the shape of each."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def __getitem__(self, index: Any, /) -> Any:
        """Return a row, or the rows of a slice or of a series of indices."""


def in_blocks(rows: Rows, overlap: int = 0) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Yield all rows, some hundred at a time.

    Parameters
    ----------
    rows : Rows
    overlap : int
        How many of the rows behind it, where there are so many, each block holds beside its own.

    Yields
    ------
    at : slice
        Which rows are the block's own.
    block : ndarray
        They and those of the overlap.

    Examples
    --------
    >>> [(at.start, at.stop, len(block)) for at, block in in_blocks(np.zeros(600), overlap=10)]
    [(0, 256, 266), (256, 512, 266), (512, 600, 88)]
    """
    n_rows = len(rows)
    for first in range(0, n_rows, BLOCK):
        yield slice(first, min(first + BLOCK, n_rows)), rows[first : first + BLOCK + overlap]


class ArrayFile:
    """Rows of one kind that are added block by block.

    Parameters
    ----------
    folder : path, optional
        Where the file lies, or in the nearest folder above it that is there; none: the system's folder for
        temporary files.

    Examples
    --------
    >>> rows = ArrayFile()
    >>> rows.append(np.arange(4).reshape(2, 2))
    >>> rows.append(np.arange(2).reshape(1, 2))
    >>> rows.finished()[1:].tolist()
    [[2, 3], [0, 1]]
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        wanted = Path(folder or tempfile.gettempdir()).absolute()
        self._folder = next((one for one in (wanted, *wanted.parents) if one.is_dir()), wanted)
        self._file: Any = None
        self._shape: tuple[int, ...] = ()
        self._dtype: np.dtype[Any] = np.dtype(np.uint8)
        self._n_rows = 0

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows; all have the shape and dtype of the first.

        Raises
        ------
        ResourceError
            ``resource.disk_full`` or ``resource.not_writable``.
        """
        try:
            if self._file is None:
                self._shape, self._dtype = rows.shape[1:], rows.dtype
                self._file = tempfile.TemporaryFile(dir=self._folder, prefix="clipkit-", buffering=0)  # noqa: SIM115
            left = np.ascontiguousarray(rows).data.cast("B")
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            self.close()
            raise disk_error(error, self._folder / "a temporary file") from error
        self._n_rows += len(rows)

    def finished(self) -> FileRows:
        """Return the rows; at least one was added, and none can be added any more."""
        return FileRows(self._file, (self._n_rows, *self._shape), self._dtype)

    def close(self) -> None:
        """Let go of a file that will not be read."""
        if self._file is not None:
            self._file.close()


class FileRows:
    """The rows of an :class:`ArrayFile`, read anew whenever some are asked for.

    Parameters
    ----------
    file : file
        Unbuffered; closed when nobody holds the rows any more.
    shape : tuple of int
        Number of rows, then the shape of each.
    dtype : dtype

    Notes
    -----
    An index, a slice, a mask or a series of indices from 0 on gives an array of its own.  ``np.asarray`` reads
    everything.
    """

    def __init__(self, file: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape, self.dtype = shape, dtype
        self._row_bytes = math.prod(shape[1:]) * dtype.itemsize
        # Threads share the place that a file is read at.
        self._file, self._lock = file, Lock()
        weakref.finalize(self, file.close)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(self, index: int | slice | ArrayLike) -> NDArray[Any]:
        """Return a row, or the rows of a slice, a mask or a series of indices."""
        if isinstance(index, slice):
            wanted = range(len(self))[index]
            if wanted.step == 1:
                return self._read(wanted.start, len(wanted))
            index = np.array(wanted, np.int64)
        indices = np.asarray(index)
        if indices.ndim == 0:
            return np.asarray(self._read(range(len(self))[int(indices)], 1)[0])
        if indices.dtype.kind == "b":
            indices = np.flatnonzero(indices)
        # A list's own least and largest: most series are of two, and numpy takes ten times as long for them.
        wanted = indices.tolist()
        if not wanted:
            return self._read(0, 0)
        first, last = min(wanted), max(wanted)
        if first < 0 or last >= len(self):
            message = f"there are rows 0 to {len(self) - 1}, asked for were {first} to {last}."
            raise IndexError(message)
        if last - first < SPARSE * len(wanted):
            return np.asarray(self._read(first, last + 1 - first).take(indices - first, axis=0))
        return np.concatenate([self._read(at, 1) for at in wanted])

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all rows, as another type where one is asked for."""
        return np.asarray(self[:], dtype)

    def _read(self, first: int, n_rows: int) -> NDArray[Any]:
        rows = np.empty((n_rows, *self.shape[1:]), self.dtype)
        left = rows.data.cast("B") if n_rows else b""
        with self._lock:
            self._file.seek(first * self._row_bytes)
            while left:
                left = left[self._file.readinto(left) :]
        return rows
