"""Sound kernels: recursions over a series, and the search for periods in samples.

Conventions
-----------
A series is one-dimensional, float32 or float64, one value a hop.  Logarithms are natural where
no base is named.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from clipkit.kernels._jit import kernel


@kernel
def two_state_posterior(log_ratios: NDArray[np.float32], enter: float, leave: float, out: NDArray[np.float32]) -> None:
    """Fill `out` with the chance of the second of two states, given the whole series.

    The forward-backward algorithm on a chain that goes from state 0 to state 1 with chance
    `enter` and back with chance `leave` at each step, kept as log odds so that long series
    neither underflow nor need scaling.

    Parameters
    ----------
    log_ratios : ndarray of float, shape (n_steps,)
        Log of the likelihood in state 1 over that in state 0.
    enter, leave : float
        Chances of a change of state, both inside (0, 1).
    out : ndarray of float, shape (n_steps,)
        Receives the posterior, 0..1.
    """
    n_steps = log_ratios.shape[0]
    odds = math.log(enter / (enter + leave)) - math.log(leave / (enter + leave))
    for step in range(n_steps):
        if step > 0:
            share = 1.0 / (1.0 + math.exp(-odds))
            after = share * (1.0 - leave) + (1.0 - share) * enter
            odds = math.log(after) - math.log(1.0 - after)
        odds += np.float64(log_ratios[step])
        out[step] = odds
    behind = 0.0
    for back in range(n_steps):
        step = n_steps - 1 - back
        total = np.float64(out[step]) + behind
        out[step] = 1.0 / (1.0 + math.exp(-total))
        ahead = behind + np.float64(log_ratios[step])
        # Chances of everything that follows, given state 1 and given state 0, up to a common factor.
        share = 1.0 / (1.0 + math.exp(-ahead))
        behind = math.log(share * (1.0 - leave) + (1.0 - share) * leave) - math.log(
            share * enter + (1.0 - share) * (1.0 - enter)
        )


@kernel
def strongest_periods(
    samples: NDArray[np.float32],
    hop: int,
    window: int,
    shortest: int,
    longest: int,
    octave_cost: float,
    periods: NDArray[np.float32],
    strengths: NDArray[np.float32],
) -> None:
    """Fill `periods` and `strengths` with the best peak of the normalised autocorrelation of each frame.

    Frame ``i`` begins at sample ``i * hop``.  A peak is a lag whose correlation is above both of its
    neighbours; a parabola through the three gives its height and place.  Of all peaks that one
    wins which is highest after `octave_cost` was taken off for each octave above `shortest`.

    Parameters
    ----------
    samples : ndarray of float32, shape (n_samples,)
        At least ``(n_frames - 1) * hop + window + longest + 1`` samples.
    hop, window : int
        Samples from frame to frame, and samples that are compared.
    shortest, longest : int
        Periods searched, samples; `shortest` is at least 2.
    octave_cost : float
        Correlation that an octave is worth.
    periods, strengths : ndarray of float32, shape (n_frames,)
        Receive the period in samples and its correlation, 0..1; both 0 where there is no peak, and below
        -80 dB of full scale.
    """
    n_lags = longest - shortest + 3
    sums = np.empty(n_lags, np.float32)
    correlation = np.empty(n_lags, np.float64)
    for frame in range(periods.shape[0]):
        first = frame * hop
        periods[frame] = 0.0
        strengths[frame] = 0.0
        energy = 0.0
        for index in range(first, first + window):
            energy += np.float64(samples[index]) * np.float64(samples[index])
        if energy < 1e-8 * window:  # -80 dB
            continue
        sums[:] = 0.0
        # Lags inside: neighbouring ones add up side by side in the processor's wide registers.
        for index in range(first, first + window):
            sample = samples[index]
            shifted = samples[index + shortest - 1 : index + shortest - 1 + n_lags]
            for lag in range(n_lags):
                sums[lag] += sample * shifted[lag]
        moved = 0.0
        for index in range(first + shortest - 1, first + shortest - 1 + window):
            moved += np.float64(samples[index]) * np.float64(samples[index])
        for lag in range(n_lags):
            correlation[lag] = sums[lag] / math.sqrt(energy * max(moved, 1e-20))
            begin = first + shortest - 1 + lag
            if lag + 1 < n_lags:
                gone, come = np.float64(samples[begin]), np.float64(samples[begin + window])
                moved += come * come - gone * gone
        best = -1e9
        for lag in range(1, n_lags - 1):
            before, here, after = correlation[lag - 1], correlation[lag], correlation[lag + 1]
            if here > 0.0 and here > before and here >= after:
                bend = before - 2.0 * here + after
                shift = 0.5 * (before - after) / bend
                height = here - 0.25 * (before - after) * shift
                period = shortest - 1 + lag + shift
                value = height - octave_cost * math.log2(period / shortest)
                if value > best:
                    best = value
                    periods[frame] = period
                    strengths[frame] = min(1.0, height)


def warm_up() -> None:
    """Compile the chain of two states and the search for periods."""
    strongest_periods(np.zeros(20, np.float32), 2, 4, 2, 4, 0.1, np.empty(2, np.float32), np.empty(2, np.float32))
    two_state_posterior(np.zeros(2, np.float32), 0.1, 0.1, np.empty(2, np.float32))
