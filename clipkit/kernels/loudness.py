"""K-weighting after ITU-R BS.1770: the two filters, and the power behind them hop by hop; and peaks between samples.

Conventions
-----------
Samples are float32, shape (n_samples, n_channels), full scale is 1.0.  Powers are mean squares.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from clipkit.kernels._jit import kernel

_BLOCK = 2048  # samples at a time, so that all that is summed stays near


def k_weighting(rate_hz: int) -> NDArray[np.float64]:
    """Return the shelf and the high pass of BS.1770 as second-order sections for any rate, shape (2, 6).

    The analogue prototypes behind the two filters that the standard tabulates for 48 kHz,
    through the bilinear transform.

    Examples
    --------
    >>> k_weighting(48000)[0].round(4).tolist()
    [1.5351, -2.6917, 1.1984, 1.0, -1.6907, 0.7325]
    """
    shelf_hz, shelf_db, shelf_q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
    pass_hz, pass_q = 38.13547087602444, 0.5003270373238773
    k = math.tan(math.pi * shelf_hz / rate_hz)
    high = 10.0 ** (shelf_db / 20.0)
    band = high**0.4996667741545416
    norm = 1.0 + k / shelf_q + k * k
    shelf = [
        (high + band * k / shelf_q + k * k) / norm,
        2.0 * (k * k - high) / norm,
        (high - band * k / shelf_q + k * k) / norm,
        1.0,
        2.0 * (k * k - 1.0) / norm,
        (1.0 - k / shelf_q + k * k) / norm,
    ]
    k = math.tan(math.pi * pass_hz / rate_hz)
    norm = 1.0 + k / pass_q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2.0 * (k * k - 1.0) / norm, (1.0 - k / pass_q + k * k) / norm]
    return np.array([shelf, high_pass])


@kernel
def weighted_power(
    samples: NDArray[np.float32],
    sections: NDArray[np.float64],
    hop: int,
    state: NDArray[np.float64],
    powers: NDArray[np.float64],
) -> None:
    """Fill `powers` with the mean square of each hop of each channel behind two filters.

    Both filters (transposed direct form II) and the squares in one pass, so that no filtered
    copy of the sound is ever made.

    Parameters
    ----------
    samples : ndarray of float32, shape (n_samples, n_channels)
        At least ``n_hops * hop`` samples; the rest is not read.
    sections : ndarray of float64, shape (2, 6)
        Result of `k_weighting`.
    hop : int
        Samples a hop.
    state : ndarray of float64, shape (n_channels, 4)
        Memory of the filters, zeros at first; updated, so that blocks join without a seam.
    powers : ndarray of float64, shape (n_hops, n_channels)
        Receives the mean squares.
    """
    b0, b1, b2, a1, a2 = sections[0, 0], sections[0, 1], sections[0, 2], sections[0, 4], sections[0, 5]
    d0, d1, d2, c1, c2 = sections[1, 0], sections[1, 1], sections[1, 2], sections[1, 4], sections[1, 5]
    for channel in range(samples.shape[1]):
        s1, s2, t1, t2 = state[channel, 0], state[channel, 1], state[channel, 2], state[channel, 3]
        for row in range(powers.shape[0]):
            total = 0.0
            for index in range(row * hop, (row + 1) * hop):
                x = np.float64(samples[index, channel])
                y = b0 * x + s1
                s1 = b1 * x - a1 * y + s2
                s2 = b2 * x - a2 * y
                z = d0 * y + t1
                t1 = d1 * y - c1 * z + t2
                t2 = d2 * y - c2 * z
                total += z * z
            powers[row, channel] = total / hop
            # In digital silence the memories fade into numbers that processors are slow with.
            if abs(s1) + abs(s2) + abs(t1) + abs(t2) < 1e-30:
                s1 = s2 = t1 = t2 = 0.0
        state[channel, 0], state[channel, 1], state[channel, 2], state[channel, 3] = s1, s2, t1, t2


@kernel
def peak_envelope(samples: NDArray[np.float32], phases: NDArray[np.float32], envelope: NDArray[np.float32]) -> None:
    """Fill `envelope` with the largest magnitude at each sample and up to the next one, over all channels.

    Parameters
    ----------
    samples : ndarray of float32, shape (n_samples, n_channels)
        Silent before and after.
    phases : ndarray of float32, shape (n_phases, n_taps)
        For each point between a sample and the next one the weights of the samples around it; ``n_taps`` is odd,
        and the middle one is the sample's own.
    envelope : ndarray of float32, shape (n_samples,)
        Receives the magnitudes.
    """
    reach = phases.shape[1] // 2
    near = np.empty(_BLOCK + 2 * reach, np.float32)
    sums = np.empty(_BLOCK, np.float32)
    envelope[:] = 0.0
    for first in range(0, len(samples), _BLOCK):
        count = min(_BLOCK, len(samples) - first)
        for channel in range(samples.shape[1]):
            for i in range(count + 2 * reach):
                at = first + i - reach
                near[i] = samples[at, channel] if 0 <= at < len(samples) else 0.0
            for phase in range(phases.shape[0]):
                sums[:] = 0.0
                for tap in range(phases.shape[1]):
                    weight = phases[phase, tap]
                    for i in range(count):
                        sums[i] += weight * near[i + tap]
                for i in range(count):
                    envelope[first + i] = max(envelope[first + i], abs(sums[i]))


def warm_up() -> None:
    """Compile the filters, their power and the peaks."""
    weighted_power(np.zeros((2, 1), np.float32), k_weighting(48000), 2, np.zeros((1, 4)), np.empty((1, 1)))
    peak_envelope(np.zeros((2, 1), np.float32), np.ones((1, 1), np.float32), np.empty(2, np.float32))
