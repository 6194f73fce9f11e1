"""A group that no window holds: the frame as wide as the group, above a bed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clipkit.analysis.faces import Face
from clipkit.analysis.split import people_in

# A shorter shot is not worth another layout, seconds.
_SHORTEST_S = 3.0
# So many people must be there for so much of the shot, none with a smaller face than that beside the largest.
_LEAST_PEOPLE, _LEAST_PRESENCE, _LEAST_LIKENESS = 3, 0.6, 0.5


def group_span(tracks: Sequence[list[Face]], times_s: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return where a group stands across the frame in a shot, shoulders included, or None where there is no group.

    Parameters
    ----------
    tracks : sequence of list of Face
        The faces of the shot that stay, as :func:`clipkit.analysis.faces.face_tracks` returns them.
    times_s : ndarray of float64, shape (n,)
        Times of its frames.
    """
    length_s = float(times_s[-1] - times_s[0])
    people = [person for person in people_in(tracks, length_s) if person.presence >= _LEAST_PRESENCE]
    widest = max((person.median("width") for person in people), default=0.0)
    group = [person for person in people if person.median("width") >= _LEAST_LIKENESS * widest]
    if length_s < _SHORTEST_S or len(group) < _LEAST_PEOPLE:
        return None
    faces = [face for person in group for face in person.faces]
    return min(face.x - face.width for face in faces), max(face.x + face.width for face in faces)
