"""Sound kernels: recursions over a series that array operations cannot express.

Conventions
-----------
A series is one-dimensional, float32 or float64, one value a hop.  Logarithms are natural.
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


def warm_up() -> None:
    """Compile the chain of two states."""
    two_state_posterior(np.zeros(2, np.float32), 0.1, 0.1, np.empty(2, np.float32))
