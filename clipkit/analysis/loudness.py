"""Loudness over time after ITU-R BS.1770: momentary (400 ms) and short-term (3 s).

Conventions
-----------
A row is a hundredth of a second.  The window of row ``i`` holds as many rows before its start
``i / 100`` as from there on, so the values of a meter, whose windows end at the time of their
value, come 0.2 s (momentary) and 1.5 s (short-term) later for the same sound.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clipkit.analysis.hops import HOPS_PER_S, SILENCE_DB
from clipkit.kernels.loudness import k_weighting, weighted_power

_MOMENTARY_S = 0.4
_SHORT_TERM_S = 3.0
_SURROUND_WEIGHT = 1.41
_SURROUND = frozenset({"BL", "BR", "BC", "SL", "SR", "SDL", "SDR", "TBL", "TBC", "TBR"})
_LOW_EFFECTS = frozenset({"LFE", "LFE2"})


class LoudnessMeter:
    """Collects the K-weighted power of sound that comes in blocks.

    Parameters
    ----------
    channels : tuple of str
        Names of the channels: those at the side and behind count 1.41 times, the low effects not.
    rate_hz : int
        Samples a second, a multiple of 100.
    """

    def __init__(self, channels: tuple[str, ...], rate_hz: int) -> None:
        self._hop = rate_hz // HOPS_PER_S
        self._sections = k_weighting(rate_hz)
        self._weights = np.array([_weight(name) for name in channels])
        self._state = np.zeros((len(channels), 4))
        self._powers: list[NDArray[np.float64]] = []

    def add(self, block: NDArray[np.float32]) -> None:
        """Take the next block, shape (n_samples, n_channels); all but the last hold whole hops."""
        missing = -len(block) % self._hop
        if missing:
            block = np.pad(block, ((0, missing), (0, 0)))
        powers = np.empty((len(block) // self._hop, block.shape[1]))
        weighted_power(block, self._sections, self._hop, self._state, powers)
        self._powers.append(powers @ self._weights)

    def curves(self, n_hops: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return momentary and short-term loudness of the first `n_hops` rows, LUFS, not below -120."""
        powers = np.concatenate([*self._powers, np.zeros(n_hops)])[:n_hops]
        return _loudness(powers, _MOMENTARY_S), _loudness(powers, _SHORT_TERM_S)


def _weight(channel: str) -> float:
    if channel in _LOW_EFFECTS:
        return 0.0
    return _SURROUND_WEIGHT if channel in _SURROUND else 1.0


def _loudness(powers: NDArray[np.float64], window_s: float) -> NDArray[np.float32]:
    """Return the loudness of the part of each row's window that lies inside the sound."""
    half = round(window_s * HOPS_PER_S / 2)
    rows = np.arange(len(powers))
    first, last = np.maximum(0, rows - half), np.minimum(len(powers), rows + half)
    sums = np.concatenate([[0.0], np.cumsum(powers)])
    mean = (sums[last] - sums[first]) / (last - first)
    loudness = -0.691 + 10.0 * np.log10(np.maximum(mean, 1e-13))
    return np.asarray(np.maximum(SILENCE_DB, loudness), np.float32)
