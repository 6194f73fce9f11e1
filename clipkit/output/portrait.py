"""Whether somebody looks out of a picture with open eyes, and how sharp the face is.

References
----------
.. [1] P. Viola and M. Jones, "Rapid object detection using a boosted cascade of simple features", CVPR 2001.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from clipkit.analysis.faces import cascade

_LEAST_FACE = 1 / 6  # of the picture's width
_EYE_LINES = (1 / 6, 0.6)  # where eyes are in a face, of its height
_EYE_SIZE = (1 / 8, 1 / 2)  # of the face's width


def portrait_sharpness(luma: NDArray[np.uint8]) -> float:
    """Return the sharpness of the largest frontal face, 0 where there is none or not both of its eyes are seen open.

    The eye cascade knows open eyes; lids and turned heads show it less than two.

    Parameters
    ----------
    luma : ndarray of uint8, shape (height, width)
        About 320 pixels wide or more.
    """
    half = cv2.resize(luma, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    least = max(20, round(_LEAST_FACE * half.shape[1]))
    faces = cascade("frontalface_alt2").detectMultiScale(cv2.equalizeHist(half), 1.2, 4, 0, (least, least))
    if not len(faces):
        return 0.0
    # Ties are broken by place: the cascade's threads give faces in any order.
    x, y, width, height = (2 * int(side) for side in max(faces, key=lambda face: (face[2], face[0], face[1])))
    face = luma[y : y + height, x : x + width]
    first, last = (round(share * height) for share in _EYE_LINES)
    sizes = [(round(share * width),) * 2 for share in _EYE_SIZE]
    eyes = cascade("eye").detectMultiScale(np.ascontiguousarray(face[first:last]), 1.1, 5, 0, sizes[0], sizes[1])
    centres = [left + across / 2 for left, _, across, _ in eyes]
    if not centres or not min(centres) < width / 2 < max(centres):
        return 0.0
    return float(cv2.Laplacian(face, cv2.CV_16S).std())
