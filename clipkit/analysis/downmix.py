"""One channel at 16 kHz from the sound as the file has it: the mix of the channels, and fewer samples.

Conventions
-----------
Blocks are float32 and follow each other without gaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import scipy
from numpy.typing import NDArray

SOURCE_HZ = 48000
RATE_HZ = 16000

_DECIMATION = SOURCE_HZ // RATE_HZ
_REACH = 48  # source samples on either side that the low pass sees
# Share of each channel, after ITU-R BS.775; the rest count like those at the side.
_MIX = {"FC": 1.0, "FL": 0.7071, "FR": 0.7071, "LFE": 0.0, "LFE2": 0.0}
_MIX_ELSEWHERE = 0.5


def low_pass(edge_hz: float, rate_hz: float, reach: int, *, beta: float) -> NDArray[np.float32]:
    """Return the weights of a low pass, a sinc in a Kaiser window, shape (2 * reach + 1,).

    Examples
    --------
    >>> low_pass(1.0, 4.0, 1, beta=0.0).round(2).tolist()
    [0.28, 0.44, 0.28]
    """
    weights = np.sinc(2 * edge_hz / rate_hz * np.arange(-reach, reach + 1)) * np.kaiser(2 * reach + 1, beta)
    return np.asarray(weights / weights.sum(), np.float32)


def mono_mix(channels: tuple[str, ...]) -> NDArray[np.float32]:
    """Return the weight of each channel in the mono mix; they add up to 1.

    Examples
    --------
    >>> mono_mix(("FL", "FR")).tolist()
    [0.5, 0.5]
    """
    weights = np.array([_MIX.get(name, _MIX_ELSEWHERE) for name in channels], np.float32)
    return weights / (weights.sum() or 1.0)


def decimated(blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """Yield one channel of sound at 48 kHz as blocks at 16 kHz, without delay and without seams.

    A block comes 1 ms short, which is then the beginning of the next one.
    """
    kept = np.zeros(_REACH, np.float32)
    for block in blocks:
        kept = np.concatenate([kept, block])
        done = _low_passed(kept)
        yield done
        kept = kept[len(done) * _DECIMATION :]
    yield _low_passed(np.pad(kept, (0, _REACH)))


def _low_passed(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each third sample behind the low pass, beginning with the first that it sees whole."""
    if len(samples) <= 2 * _REACH:
        return np.empty(0, np.float32)
    return np.asarray(scipy.signal.oaconvolve(samples, _LOW_PASS, mode="valid")[::_DECIMATION], np.float32)


_LOW_PASS = low_pass(7400.0, SOURCE_HZ, _REACH, beta=6.0)
