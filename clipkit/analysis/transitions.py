"""One transition, and how evidence for it becomes a score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clipkit.params import AnalysisParams

Kind = Literal["cut", "dissolve", "fade", "wipe"]


@dataclass(frozen=True)
class Transition:
    """One picture giving way to the next.

    Attributes
    ----------
    kind : {"cut", "dissolve", "fade", "wipe"}
    begin, end : int
        First frame that is no longer purely the old shot, first that is purely the new one.
    evidence : float
        Natural log of the odds that this is a transition.
    """

    kind: Kind
    begin: int
    end: int
    evidence: float

    @property
    def score(self) -> float:
        """The odds as a share, 0 to 1; one threshold serves every kind."""
        return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, self.evidence))))


def least_evidence(params: AnalysisParams) -> float:
    """Return the evidence at which a transition has the smallest score that counts.

    Examples
    --------
    >>> least_evidence(AnalysisParams(min_score=0.5))
    0.0
    """
    return math.log(params.min_score / (1.0 - params.min_score))


def likeness(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the correlation of two pictures, -1 to 1; brightness and contrast do not matter.

    Examples
    --------
    >>> ramp = np.arange(6.0).reshape(2, 3)
    >>> round(likeness(ramp, 2 * ramp + 30), 3), round(likeness(ramp, -ramp), 3)
    (1.0, -1.0)
    """
    first, second = first - first.mean(), second - second.mean()
    # Pictures without any detail are alike to nothing: one level of noise a cell stands in.
    return float(
        (first * second).sum() / math.sqrt(((first**2).sum() + first.size) * ((second**2).sum() + second.size))
    )
