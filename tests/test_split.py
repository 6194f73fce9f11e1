"""When two faces become two panels, and when they do not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipkit.analysis.faces import Face, face_tracks
from clipkit.analysis.split import split_box

SIZE = 81 / 256  # a 9:16 window of a 16:9 frame
TIMES_S = np.arange(0, 10, 0.04)


def person(
    x: float, *, width: float = 0.1, y: float = 0.4, start_s: float = 0.0, end_s: float = 10.0, step_s: float = 0.8
) -> list[Face]:
    return [Face(float(t), x, y, width, width * 16 / 9) for t in np.arange(start_s, end_s, step_s)]


def together(*people: list[Face]) -> list[list[Face]]:
    return face_tracks(sorted((face for faces in people for face in faces), key=lambda face: face.time_s))


def test_two_people_far_apart_get_a_panel_each():
    split = split_box(together(person(0.25), person(0.75)), TIMES_S, SIZE)

    assert split is not None
    panel = 2 * SIZE * split.height
    assert split.x + panel / 2 == pytest.approx(0.25)
    assert split.x + split.width - panel / 2 == pytest.approx(0.75)
    assert split.width >= 2 * panel - 1e-9
    assert split.y < 0.4 < split.y + split.height


@pytest.mark.parametrize(
    "tracks",
    [
        together(person(0.5)),
        together(person(0.4), person(0.6)),
        together(person(0.25, width=0.2), person(0.75, width=0.08)),
        together(person(0.25), person(0.75, start_s=0.0, end_s=4.0)),
        together(person(0.2), person(0.5), person(0.8)),
        together(person(0.25, y=0.2), person(0.75, y=0.8)),
        [],
    ],
    ids=["one", "near", "unlike", "one leaves", "three", "one above the other", "nobody"],
)
def test_anything_else_stays_one_window(tracks: list[list[Face]]):
    assert split_box(tracks, TIMES_S, SIZE) is None


def test_a_short_shot_is_no_conversation():
    tracks = together(person(0.25, end_s=2.0), person(0.75, end_s=2.0))

    assert split_box(tracks, TIMES_S[TIMES_S < 2], SIZE) is None


def test_somebody_who_looks_away_for_a_moment_is_still_there():
    gone = together(person(0.25), person(0.75, end_s=4.0), person(0.75, start_s=6.0))

    assert split_box(gone, TIMES_S, SIZE) is not None


@settings(max_examples=200, deadline=None)
@given(
    left=st.floats(0.05, 0.95),
    right=st.floats(0.05, 0.95),
    width=st.floats(0.03, 0.3),
    ratio=st.floats(0.4, 2.5),
    y=st.floats(0.1, 0.9),
)
def test_the_box_lies_in_the_frame_and_its_panels_hold_the_faces(
    left: float, right: float, width: float, ratio: float, y: float
):
    split = split_box(together(person(left, width=width, y=y), person(right, width=width * ratio, y=y)), TIMES_S, SIZE)

    if split is not None:
        panel = 2 * SIZE * split.height
        assert split.x >= 0.0
        assert split.x + split.width <= 1.0 + 1e-9
        assert 0.0 <= split.y <= 1.0 - split.height + 1e-9
        assert panel <= split.width + 1e-9
        assert split.x - 1e-9 <= min(left, right) <= split.x + panel + 1e-9
        assert split.x + split.width - panel - 1e-9 <= max(left, right) <= split.x + split.width + 1e-9
        assert split.y - 1e-9 <= y <= split.y + split.height + 1e-9
