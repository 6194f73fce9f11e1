"""The only place where numba's options are set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of arrays and scalars with the project's options.

    ``cache``: a new process loads machine code instead of compiling; ``make setup`` fills the
    cache once, so that processes which start together only read it.
    ``nogil``: decoding threads run beside the kernel.
    ``error_model="numpy"``: a division by zero yields inf instead of raising inside a loop.
    No ``fastmath`` (it assumes that there is no NaN) and no ``parallel`` (the unit of parallel
    work is a video).
    """
    compiled: Callable[..., Any] = njit(function, cache=True, nogil=True, error_model="numpy")
    return compiled
