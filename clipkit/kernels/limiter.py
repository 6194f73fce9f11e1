"""The one recursion of a limiter; everything else in it is array operations.

Conventions
-----------
Gains are linear, 0..1, one a sample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clipkit.kernels._jit import kernel


@kernel
def released_gain(gains: NDArray[np.float32], release: float, out: NDArray[np.float32]) -> None:
    """Fill `out` with gains that fall at once and come back to 1 slowly.

    Each step covers the share `release` of the way back to 1, but never goes above the gain
    allowed at that sample.

    Parameters
    ----------
    gains : ndarray of float32, shape (n_samples,)
        Highest gain allowed at each sample, 0..1.
    release : float
        Share of the distance to 1 covered in a sample, 0..1.
    out : ndarray of float32, shape (n_samples,)
        Receives the gains.
    """
    gain = 1.0
    for i in range(gains.shape[0]):
        gain = gain + (1.0 - gain) * release
        allowed = np.float64(gains[i])
        if allowed < gain:
            gain = allowed
        out[i] = gain


def warm_up() -> None:
    """Compile the recursion for sound."""
    released_gain(np.ones(1, np.float32), 0.5, np.empty(1, np.float32))
