"""Arrays too long for memory: written row by row into a nameless file, read through the page cache.

Conventions
-----------
The file has no name from the start where the system allows it, so a killed process leaves nothing.
"""

from __future__ import annotations

import mmap
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clipkit.files import disk_error


class ArrayFile:
    """Rows of one kind that are added block by block and read as one array.

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
    >>> rows.finished().tolist()
    [[0, 1], [2, 3], [0, 1]]
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

    def finished(self) -> NDArray[Any]:
        """Return all rows as one array; at least one was added, and none can be added any more.

        Its pages come and go with the system's cache.  It may be written to, which changes nothing on disk.
        """
        with self._file:
            # Not read-only: kernels are compiled for arrays that can be written to.
            pages = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_COPY)
        return np.frombuffer(pages, self._dtype).reshape(self._n_rows, *self._shape)

    def close(self) -> None:
        """Let go of a file that will not be read."""
        if self._file is not None:
            self._file.close()
