"""The rows of the audio table: a hundred a second."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HOPS_PER_S = 100
SILENCE_DB = -120.0


def runs_of(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first index of each run of true values and the index after it, shape (n_runs, 2).

    Examples
    --------
    >>> runs_of(np.array([True, False, True, True])).tolist()
    [[0, 1], [2, 4]]
    """
    padded = np.concatenate([[False], flags, [False]])
    return np.flatnonzero(padded[1:] != padded[:-1]).reshape(-1, 2).astype(np.int64)
