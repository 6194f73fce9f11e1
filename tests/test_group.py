"""When faces are a group, and how wide it is."""

from __future__ import annotations

import numpy as np
import pytest

from clipkit.analysis.faces import Face, face_tracks
from clipkit.analysis.group import group_span

TIMES_S = np.arange(0, 10, 0.04)


def person(x: float, *, width: float = 0.1, end_s: float = 10.0) -> list[Face]:
    return [Face(float(t), x, 0.4, width, width * 16 / 9) for t in np.arange(0, end_s, 0.8)]


def together(*people: list[Face]) -> list[list[Face]]:
    return face_tracks(sorted((face for faces in people for face in faces), key=lambda face: face.time_s))


def test_a_group_reaches_from_shoulder_to_shoulder() -> None:
    span = group_span(together(person(0.2), person(0.5), person(0.8, width=0.08)), TIMES_S)

    assert span == pytest.approx((0.1, 0.88))


@pytest.mark.parametrize(
    "tracks",
    [
        together(person(0.2), person(0.8)),
        together(person(0.2), person(0.5), person(0.8, end_s=4.0)),
        together(person(0.2), person(0.5), person(0.8, width=0.04)),
        [],
    ],
    ids=["two", "one leaves", "one far behind", "nobody"],
)
def test_fewer_than_three_who_stay_are_no_group(tracks: list[list[Face]]) -> None:
    assert group_span(tracks, TIMES_S) is None


def test_a_short_shot_is_not_worth_another_layout() -> None:
    people = together(*(person(x, end_s=2.0) for x in (0.2, 0.5, 0.8)))

    assert group_span(people, TIMES_S[TIMES_S < 2]) is None
