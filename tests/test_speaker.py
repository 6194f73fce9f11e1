"""Who speaks: on made-up mouths, on pictures made in code, and on real heads side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from clipkit.analysis.activity import optical_flow
from clipkit.analysis.faces import Face
from clipkit.analysis.reframe import plan_crop
from clipkit.analysis.speaker import Mouth, heard_at, latest_faces, mouth_activity, who_speaks
from clipkit.analysis.speech import measure_audio
from clipkit.analysis.subject import N_BINS, Observer, Sight, evidence
from clipkit.media.audio import read_audio
from clipkit.media.reader import open_video
from clipkit.media.writer import write_video
from clipkit.params import Params

TIMES_S = np.arange(200) / 10
TALKS, NOISE = 0.6, 0.5  # a speaker's look at most, and how far looks scatter


def seated(x: float, width: float = 0.15) -> list[Face]:
    return [Face(float(time_s), x, 0.4, width, width * 16 / 9) for time_s in TIMES_S[::8]]


def looks(people: Sequence[list[Face]], speaks: Sequence[NDArray[np.float64]]) -> list[Mouth]:
    """Return a look at every glance, at the place of the last detection."""
    return [
        Mouth(float(time_s), faces[number // 8], float(gain[number]))
        for number, time_s in enumerate(TIMES_S)
        for faces, gain in zip(people, speaks, strict=True)
    ]


def turns(rng: np.random.Generator, turn: NDArray[np.int64], n: int) -> list[NDArray[np.float64]]:
    return [TALKS * (turn == seat) + NOISE * rng.standard_normal(len(turn)) for seat in range(n)]


@pytest.mark.parametrize("n", [2, 3])
def test_the_face_whose_mouth_moves_speaks(rng: np.random.Generator, n: int) -> None:
    people = [seated(x) for x in (0.2, 0.5, 0.8)[:n]]
    turn = np.repeat(np.arange(4) % n, 50)

    found = who_speaks(people, looks(people, turns(rng, turn, n)), TIMES_S)

    assert (found == turn).mean() > 0.9
    assert (np.diff(found) != 0).sum() <= 5


def test_a_short_turn_is_passed_over_and_a_long_one_is_not() -> None:
    people = [seated(0.2), seated(0.8)]
    for length, passed_over in ((5, True), (20, False)):
        turn = np.where((np.arange(200) >= 100) & (np.arange(200) < 100 + length), 1, 0)

        found = who_speaks(people, looks(people, [TALKS * (turn == seat) for seat in range(2)]), TIMES_S)

        assert (found == 0).all() == passed_over
        if not passed_over:
            assert (found == turn).all()


def test_nobody_speaks_in_silence_alone_or_when_mouths_move_alike() -> None:
    people = [seated(0.2), seated(0.8)]

    for mouths in (
        [],
        looks(people, [np.zeros(200)] * 2),
        looks(people, [np.full(200, TALKS)] * 2),
        looks(people[:1], [np.full(200, TALKS)]),
    ):
        assert (who_speaks(people, mouths, TIMES_S) == -1).all()


def test_detections_that_belong_to_no_track_say_nothing() -> None:
    people = [seated(0.2), seated(0.8)]
    false = looks([seated(0.5)], [np.full(200, 5.0)])

    found = who_speaks(people, looks(people, [np.zeros(200), np.full(200, TALKS)]) + false, TIMES_S)

    assert (found == 1).all()


def head(rng: np.random.Generator, sway: int, *, talks: bool) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return two pictures of a textured head that sways, with another mouth in the second if it talks."""
    scene = cv2.resize(rng.integers(40, 210, (24, 40), np.uint8), (320, 180), interpolation=cv2.INTER_CUBIC)
    face = cv2.resize(rng.integers(40, 210, (14, 14), np.uint8), (60, 60), interpolation=cv2.INTER_CUBIC)
    pictures = []
    for place, is_later in ((0, False), (sway, True)):
        picture = scene.copy()
        picture[60:120, 130 + place : 190 + place] = face
        if talks and is_later:
            picture[104:116, 148 + place : 172 + place] = rng.integers(20, 60, (12, 24), np.uint8)
        pictures.append(picture)
    return pictures[0], pictures[1]


@pytest.mark.parametrize("sway", [0, 1, 2])
def test_a_mouth_that_moves_is_told_from_a_head_that_does(rng: np.random.Generator, sway: int) -> None:
    face = Face(0.0, 0.5, 0.5, 60 / 320, 60 / 180)

    quiet = mouth_activity(optical_flow(), *head(rng, sway, talks=False), 0.1, face)
    talks = mouth_activity(optical_flow(), *head(rng, sway, talks=True), 0.1, face)

    assert talks > quiet + 0.5
    assert quiet < 0.4


def test_looks_at_mouths_leave_the_motion_of_the_picture_alone(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = cv2.resize(rng.integers(40, 210, (24, 60), np.uint8), (480, 180), interpolation=cv2.INTER_CUBIC)
    monkeypatch.setattr(
        "clipkit.analysis.subject.detect_faces",
        lambda _, time_s, *, mirrored: [Face(time_s, x, 0.5, 0.2, 0.3) for x in (0.25, 0.75)],
    )

    motion = []
    for speech in (None, np.ones(500)):
        observer = Observer("x", faces=True, screens=False, speech=speech)
        observer.begin_shot()
        for number in range(12):
            observer.glance(np.ascontiguousarray(wide[:, number * number : number * number + 320]), number / 10)
        motion.append(np.array(observer.sights[0].motion))

    assert len(observer.sights[0].mouths) > 10
    assert np.array_equal(*motion)


def test_a_short_shot_has_no_speaker() -> None:
    people = [seated(0.2), seated(0.8)]
    mouths = [mouth for mouth in looks(people, [np.zeros(200), np.full(200, TALKS)]) if mouth.time_s < 2.5]

    assert (who_speaks(people, mouths, TIMES_S[:25]) == -1).all()


def test_the_latest_detection_of_each_face_is_used() -> None:
    faces = [Face(0.0, 0.2, 0.4, 0.1, 0.2), Face(0.8, 0.8, 0.4, 0.1, 0.2), Face(1.6, 0.22, 0.4, 0.1, 0.2)]

    assert latest_faces(faces, 2.0) == [faces[2], faces[1]]
    assert latest_faces(faces, 3.0) == [faces[2]]
    assert latest_faces(faces, 9.0) == []


def test_beyond_the_sound_nobody_is_heard() -> None:
    speech = np.array([0.0, 0.5, 1.0])

    assert [heard_at(speech, time_s) for time_s in (0.0, 0.015, 0.029, 0.031)] == [0.0, 0.5, 1.0, 0.0]


def test_the_window_wants_the_speaker_though_another_face_is_larger() -> None:
    people = [seated(0.2, 0.2), seated(0.8, 0.15)]
    flat = [np.zeros(N_BINS, np.float32)] * 200
    faces = sorted(people[0] + people[1], key=lambda face: face.time_s)
    speaks = looks(people, [np.zeros(200), np.full(200, TALKS)])

    def right_half(mouths: list[Mouth]) -> float:
        rows = evidence(Sight(TIMES_S.tolist(), flat, flat, faces, [], mouths), "x", 0.15)
        return float(rows[:, N_BINS // 2 :].sum() / rows.sum())

    assert right_half([]) < 0.4
    assert right_half(speaks) > 0.8


def test_the_window_goes_to_the_real_head_that_is_heard(media: Path, tmp_path: Path) -> None:
    talks, listens = media / "people/talking_head_man_700x700.mp4", media / "people/two_people_webcam_720p25.webm"
    times_s = 0.1 + np.arange(130) / 25
    pictures = []
    with open_video(talks) as left, open_video(listens) as right:
        for one, other in zip(left.frames_at(times_s), right.frames_at(times_s + 6.0), strict=True):
            man = cv2.resize(one.rgb(), (560, 560), interpolation=cv2.INTER_AREA)[:, 80:480]
            guest = other.rgb()[160:720, 300:780]
            pictures.append(np.hstack([man, np.zeros((560, 120, 3), np.uint8), guest]))
    sound = np.asarray(read_audio(talks, rate_hz=48_000, channels=1, start_s=0.1, end_s=5.3), np.float32).reshape(-1, 1)
    video = tmp_path / "two.mp4"
    params = Params.model_validate({"reframe": {"split": False}})
    no_cuts = pd.DataFrame({"kind": [], "begin_s": [], "end_s": []})
    for mirrored in (False, True):
        seen = [np.ascontiguousarray(picture[:, ::-1]) for picture in pictures] if mirrored else pictures
        write_video(video, seen, frame_rate=25, samples=sound, rate_hz=48_000)

        crop = plan_crop(
            video, 0.0, 9.0, no_cuts, params, audio=measure_audio(video, params, duration_s=len(pictures) / 25)
        )

        middle = (crop["x"] + crop["width"] / 2).to_numpy()
        assert ((middle > 0.5) if mirrored else (middle < 0.5)).mean() > 0.9
