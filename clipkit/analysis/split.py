"""Two people too far apart for one window: a window for each, one above the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clipkit.analysis.faces import Face

# Detections further apart in time than this leave a hole in somebody's presence, seconds.
_HOLE_S = 3.0
# Tracks this near to each other are one person's, of the frame's width.
_SAME_PLACE = 0.12
# Both must be there for so much of the shot, no third for more than that share of the time, and the smaller
# face must not be smaller than that beside the larger.
_LEAST_PRESENCE, _MOST_PRESENCE, _LEAST_LIKENESS = 0.6, 0.3, 0.5
# A shorter shot is no conversation, seconds.
_SHORTEST_S = 3.0
# Heights of faces differ by at most this share of a panel's height.
_LEVEL = 0.25
# Where faces stand in their panel: below its middle, since captions cover the top of the lower one.
_FACE_AT = 0.52
# Smallest and largest height of a panel, in heights of the larger face.
_PANEL_FACES = (1.7, 4.0)


class Split(NamedTuple):
    """The box from the left edge of the left panel to the right edge of the right one, fractions of the frame.

    Panels are as high as the box, and their shape is that of half the clip.
    """

    x: float
    y: float
    width: float
    height: float


class Person(NamedTuple):
    """Somebody at one place: the detections, by track, and the share of the shot in which there are any."""

    faces: list[Face]
    presence: float

    def median(self, name: str) -> float:
        """Return the median of one of the face's measures."""
        return float(np.median([getattr(face, name) for face in self.faces]))

    @property
    def middle(self) -> float:
        """Middle of the range in which the face stands."""
        return float(np.mean(np.quantile([face.x for face in self.faces], [0.05, 0.95])))


def split_box(tracks: Sequence[list[Face]], times_s: NDArray[np.float64], size: float) -> Split | None:
    """Return the box of two panels for one shot, or None where it does not show two people far apart.

    Parameters
    ----------
    tracks : sequence of list of Face
        The faces of the shot that stay, as :func:`clipkit.analysis.faces.face_tracks` returns them.
    times_s : ndarray of float64, shape (n,)
        Times of its frames.
    size : float
        Width of the crop window over that of the frame, less than 1; its height is the frame's.
    """
    length_s = float(times_s[-1] - times_s[0])
    people = sorted(people_in(tracks, length_s), key=lambda person: -person.presence * person.median("width"))
    if length_s < _SHORTEST_S or len(people) < 2:
        return None
    left, right = sorted(people[:2], key=lambda person: person.middle)
    widths = sorted([left.median("width"), right.median("width")])
    apart = right.middle - left.middle
    if (
        min(left.presence, right.presence) < _LEAST_PRESENCE
        or any(person.presence > _MOST_PRESENCE for person in people[2:])
        or widths[0] < _LEAST_LIKENESS * widths[1]
        or apart + widths[1] <= size
    ):
        return None
    tall = max(left.median("height"), right.median("height"))
    # A panel is half as high as the clip and as wide, so at the frame's height it is twice as wide as the window.
    height = min(apart / (2 * size), _PANEL_FACES[1] * tall, 1.0)
    if height < min(_PANEL_FACES[0] * tall, 1.0) or abs(left.median("y") - right.median("y")) > _LEVEL * height:
        return None
    panel = 2 * size * height
    start, end = max(0.0, left.middle - panel / 2), min(1.0, right.middle + panel / 2)
    at = (left.median("y") + right.median("y")) / 2
    return Split(start, float(np.clip(at - _FACE_AT * height, 0.0, 1.0 - height)), end - start, height)


def people_in(tracks: Sequence[list[Face]], length_s: float) -> list[Person]:
    """Return the tracks that stand at one place as one person, with the share of the shot in which it is there."""
    groups: list[list[Face]] = []
    for track in sorted(tracks, key=len, reverse=True):
        place = np.mean([face.x for face in track])
        near = [group for group in groups if abs(np.mean([face.x for face in group]) - place) < _SAME_PLACE]
        if near:
            near[0].extend(track)
        else:
            groups.append(list(track))
    people = []
    for group in groups:
        when = np.sort([face.time_s for face in group])
        steps = np.minimum(np.diff(when), _HOLE_S)
        people.append(Person(group, float(steps.sum()) / max(length_s, 1e-9)))
    return people
