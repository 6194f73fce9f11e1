"""The only place where numba's options are set, and where its machine code is kept."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.runtime.nrt import rtsys


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of arrays and scalars with the project's options.

    ``cache``: a new process loads machine code instead of compiling.
    ``nogil``: decoding threads run beside the kernel.
    ``error_model="numpy"``: a division by zero yields inf instead of raising inside a loop.
    No ``fastmath`` (it assumes that there is no NaN) and no ``parallel`` (the unit of parallel
    work is a video).
    """
    compiled: Callable[..., Any] = njit(function, cache=True, nogil=True, error_model="numpy")
    if compiled is not function:  # it is under NUMBA_DISABLE_JIT
        compiled._cache = _Cache(function)  # type: ignore[attr-defined]
    return compiled


class _CacheFile(IndexDataCacheFile):
    """Machine code that is there before the index names it, under a name that nothing else ever had.

    numba numbers its files and writes the index first.  Two processes that compile at once can
    then load each other's code, and one that is killed in between leaves an index that names the
    code of an older source (numba issues 4807 and 10128).
    """

    def save(self, key: Any, data: Any) -> None:
        """Keep the code of one signature."""
        name = self._data_name(uuid.uuid4().int)
        self._save_data(name, data)
        known = self._load_index()
        if not known:
            self._drop_all_but(name)
        known[key] = name
        self._save_index(known)

    def _drop_all_but(self, name: str) -> None:
        """Remove what an older source left behind; a process that looks for it compiles again."""
        for path in Path(self._cache_path).glob(f"{name.rsplit('.', 2)[0]}.*.nbc"):
            if path.name != name:
                with contextlib.suppress(OSError):
                    path.unlink()


class _Cache(FunctionCache):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _CacheFile(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=self._impl.locator.get_source_stamp(),
        )

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load kept machine code without what only a compilation needs.

        numba readies its whole compiler before it looks, which takes a new process 0.3 s; a compilation
        readies it by itself.  Machine code needs no more than the functions that allocate its arrays.
        """
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)
