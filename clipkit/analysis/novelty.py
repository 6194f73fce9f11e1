"""Where the sound becomes another: novelty along a checkerboard of similarities."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from clipkit.analysis.spectrum import POOL

_SIDE = 12  # rows on either side of a boundary: 6 s
_SMOOTH = 3
# Sounds whose bands differ by this much on average are alike by a factor of 1 / e.
_UNLIKE_DB = 10.0
_QUIETEST_DB = -70.0


def novelty(bands: NDArray[np.float32], n_hops: int) -> NDArray[np.float32]:
    """Return how much the sound after each hop differs from the one before it, 0..1.

    Parameters
    ----------
    bands : ndarray of float32, shape (n_rows, n_bands)
        Mel bands in dB, two rows a second.
    n_hops : int
        Hops of the result.

    Returns
    -------
    ndarray of float32, shape (n_hops,)
        0 where both sides are alike, 1 where each is uniform and they have nothing in common;
        interpolated between half seconds.

    Notes
    -----
    The checkerboard kernel of Foote [1]_ with a Gaussian taper, 12 s long, slides along the diagonal
    of the matrix of similarities.  Only the band that it touches is ever computed.

    References
    ----------
    .. [1] J. Foote, "Automatic audio segmentation using a measure of audio novelty", ICME 2000.
    """
    rows = scipy.ndimage.uniform_filter1d(np.maximum(bands, _QUIETEST_DB), _SMOOTH, axis=0, mode="nearest")
    padded = np.pad(rows, ((_SIDE, _SIDE), (0, 0)), mode="edge")
    is_inside = np.pad(np.ones(len(rows)), _SIDE)
    n_edges = len(rows) + 1
    taper = np.exp(-0.5 * ((np.arange(2 * _SIDE) - _SIDE + 0.5) / (0.5 * _SIDE)) ** 2)
    within, across = np.zeros((2, n_edges)), np.zeros((2, n_edges))  # similarities and their weights
    whole = 0.0
    for apart in range(1, 2 * _SIDE):
        difference_db = np.abs(padded[apart:] - padded[:-apart]).mean(axis=1)
        known = is_inside[apart:] * is_inside[:-apart]
        pairs = np.stack([known * np.exp(-difference_db / _UNLIKE_DB), known])
        for first in range(2 * _SIDE - apart):
            weight = taper[first] * taper[first + apart]
            is_across = first < _SIDE <= first + apart
            sums = across if is_across else within
            sums += weight * pairs[:, first : first + n_edges]
            whole += weight * is_across
    alike = [sums[0] / np.maximum(sums[1], 1e-12) for sums in (within, across)]
    # Near the ends little is known of one side, and at the ends nothing.
    found = np.clip(alike[0] - alike[1], 0.0, 1.0) * across[1] / whole
    return np.asarray(np.interp(np.arange(n_hops), np.arange(n_edges) * POOL, found), np.float32)
