"""What stands out of a single picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from clipkit.analysis.activity import Picture, texture

# The grid that is searched, rows and columns.
_GRID = (36, 64)


def saliency(picture: Picture) -> NDArray[np.float32]:
    """Return what stands out: half the spectral residual where the picture is sharp, half distance from the median.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width)

    Returns
    -------
    ndarray of float32, shape (36, 64)
        Shares that sum to 1; all zero for a flat picture.

    References
    ----------
    .. [1] Hou and Zhang, "Saliency detection: a spectral residual approach", CVPR 2007.
    .. [2] Achanta et al., "Frequency-tuned salient region detection", CVPR 2009.
    """
    small = cv2.resize(picture, (64, 36), interpolation=cv2.INTER_AREA).astype(np.float32)
    if np.ptp(small) < 4:
        return np.zeros((36, 64), np.float32)
    spectrum = np.fft.rfft2(small)
    level = np.log(np.abs(spectrum) + 1e-3).astype(np.float32)
    residual = level - cv2.blur(level, (3, 3))
    odd = np.abs(np.fft.irfft2(np.exp(residual + 1j * np.angle(spectrum)), s=small.shape)) ** 2
    # The transform wraps round, which lights up the borders of every picture.
    odd *= np.hanning(38)[1:-1, None] ** 0.25 * np.hanning(66)[None, 1:-1] ** 0.25
    odd = cv2.GaussianBlur(odd.astype(np.float32), (0, 0), 2.0)
    apart = cv2.absdiff(cv2.GaussianBlur(small, (0, 0), 1.5), np.full_like(small, np.median(small))) ** 2
    sharp = cv2.resize(texture(picture), (64, 36), interpolation=cv2.INTER_AREA)
    odd = odd * sharp
    found = odd / max(float(odd.sum()), 1e-9) + apart / max(float(apart.sum()), 1e-9)
    return np.asarray(found / found.sum(), np.float32)
