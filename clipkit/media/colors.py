"""The planes of any SDR video in the one matrix and range of every finished file: BT.709, limited.

References
----------
.. [1] Rec. ITU-R BT.601-7, BT.709-6 and BT.2020-2: shares of the colours in luma.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clipkit.kernels.matrix import change_matrix

Level = NDArray[np.uint8]

# Shares of red and blue in luma.
LUMA_SHARES = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}


class Recoloring:
    """Makes BT.709 limited range of the planes of one video.

    A colour matrix and a range leave grey grey, so chroma depends on chroma alone, and luma on luma but for a tint
    that is small and as soft as chroma is: no picture of full chroma is made.

    Parameters
    ----------
    matrix : {"bt709", "bt601", "bt2020"}
        Colour matrix of the planes.
    is_full_range : bool
        Whether their luma runs over 0..255.
    """

    def __init__(self, matrix: str, *, is_full_range: bool) -> None:
        luma, chroma, black = (255.0, 255.0, 0.0) if is_full_range else (219.0, 224.0, 16.0)
        change = _from_rgb("bt709") @ np.linalg.inv(_from_rgb(matrix))
        weights = np.array([[219.0], [224.0], [224.0]]) * change / np.array([luma, chroma, chroma])
        self._weights = weights.astype(np.float32)
        self._black = float(16.0 - weights[0, 0] * black)
        self._planes: tuple[Level, Level, Level] | None = None

    def picture(self, y: Level, u: Level, v: Level) -> tuple[Level, Level, Level]:
        """Return the planes of a 4:2:0 picture converted; the next call fills them again."""
        if self._planes is None:
            self._planes = np.empty_like(y), np.empty_like(u), np.empty_like(v)
        change_matrix(y, u, v, self._weights, self._black, *self._planes)
        return self._planes


def _from_rgb(matrix: str) -> NDArray[np.float64]:
    """Return the matrix from R, G and B to Y, 0..1, and U and V, -0.5..0.5."""
    red, blue = LUMA_SHARES[matrix]
    luma = np.array([red, 1.0 - red - blue, blue])
    return np.array(
        [luma, ([0.0, 0.0, 1.0] - luma) / (2.0 * (1.0 - blue)), ([1.0, 0.0, 0.0] - luma) / (2.0 * (1.0 - red))]
    )
