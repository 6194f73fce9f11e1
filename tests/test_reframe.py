"""Crop tables of whole videos made in code."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from test_screen import slide

from clipkit.analysis.camera import at_knots
from clipkit.analysis.faces import Face
from clipkit.analysis.reframe import COLUMNS, crop_notes, display_picture, plan_crop, window_size
from clipkit.errors import InputError
from clipkit.media.reader import open_video
from clipkit.media.writer import write_video
from clipkit.params import Params, ReframeParams

RATE = 20
PARAMS = Params.model_validate({"reframe": {"faces": False}, "resources": {"threads": 1}})
PEOPLE = Params.model_validate({"resources": {"threads": 1}})
NO_CUTS = pd.DataFrame({"kind": pd.Series(dtype=str), "begin_s": [], "end_s": []})


def scene(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    coarse = rng.integers(60, 200, (height // 12 + 2, width // 12 + 2)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def film(
    path: Path,
    rng: np.random.Generator,
    places: NDArray[np.float64],
    *,
    size: tuple[int, int] = (320, 180),
    axis: str = "x",
    scenes: int = 1,
) -> Path:
    """Write a video of a textured square that stands at `places`, over as many backgrounds one after another."""
    width, height = size
    backgrounds = [scene(rng, height, width) for _ in range(scenes)]
    square = scene(rng, 44, 44)
    frames = []
    for k, place in enumerate(places):
        x, y = (place, 0.5) if axis == "x" else (0.5, place)
        picture = backgrounds[k * scenes // len(places)].copy()
        left, top = round(x * width) - 22, round(y * height) - 22
        picture[top : top + 44, left : left + 44] = square
        frames.append(np.repeat(picture[..., None], 3, axis=2))
    write_video(path, frames, frame_rate=RATE, preset="ultrafast", crf=16)
    return path


def check_table(crop: pd.DataFrame) -> None:
    assert tuple(crop.columns) == COLUMNS
    assert crop[["x", "y", "width", "height"]].min().min() >= 0.0
    assert (crop["x"] + crop["width"]).max() <= 1.0 + 1e-12
    assert (crop["y"] + crop["height"]).max() <= 1.0 + 1e-12
    assert set(crop["layout"]) <= {"static", "pan", "track", "centre", "screen", "pad", "split", "locked", "keyframes"}
    assert (np.diff(crop["time_s"]) > 0).all()


def test_a_walking_subject_is_followed_in_every_frame(tmp_path: Path, rng: np.random.Generator) -> None:
    places = np.concatenate([np.full(10, 0.2), np.linspace(0.2, 0.8, 60), np.full(10, 0.8)])
    video = film(tmp_path / "walk.mp4", rng, places)

    crop = plan_crop(video, 0.0, 100.0, NO_CUTS, PARAMS)

    check_table(crop)
    assert len(crop) == len(places)
    assert set(crop["layout"]) <= {"pan", "track"}
    centre = (crop["x"] + crop["width"] / 2).to_numpy()
    inside = np.abs(centre - places) < crop["width"].iloc[0] / 2
    assert inside.mean() > 0.95
    assert (np.abs(np.diff(centre)) <= PARAMS.reframe.max_speed / RATE + 1e-9).all()


def test_without_evidence_it_is_exactly_the_centre_crop(tmp_path: Path, rng: np.random.Generator) -> None:
    noise = [np.repeat(rng.integers(0, 256, (90, 160, 1), np.uint8), 3, axis=2) for _ in range(30)]
    write_video(tmp_path / "noise.mp4", noise, frame_rate=RATE)
    video = film(tmp_path / "still.mp4", rng, np.full(30, 0.8))

    for path in (video, tmp_path / "noise.mp4"):
        crop = plan_crop(path, 0.0, 100.0, NO_CUTS, PARAMS)
        assert (crop["layout"] == "centre").all()
        assert (crop["x"] == (1 - crop["width"]) / 2).all()


@pytest.mark.parametrize(("lock", "x"), [("left", 0.0), ("centre", 0.342), ("right", 0.684), ("40%", 0.242)])
def test_a_locked_window_stays_where_it_was_put(tmp_path: Path, rng: np.random.Generator, lock: str, x: float) -> None:
    video = film(tmp_path / "walk.mp4", rng, np.linspace(0.2, 0.8, 30))
    params = Params.model_validate({"reframe": {"lock": lock}})

    crop = plan_crop(video, 0.0, 100.0, NO_CUTS, params)

    check_table(crop)
    assert set(crop["layout"]) == {"locked"}
    assert crop["x"].to_numpy() == pytest.approx(x, abs=0.001)


@pytest.mark.parametrize("lock", ["middle", "101%", "-5%", "40", ""])
def test_a_lock_that_is_no_place_is_refused(lock: str) -> None:
    with pytest.raises(ValueError, match="lock"):
        Params.model_validate({"reframe": {"lock": lock}})


def with_keyframes(folder: Path, text: str) -> Params:
    (folder / "mine.csv").write_text(text)
    return Params.model_validate({"reframe": {"faces": False, "keyframes": str(folder / "mine.csv")}})


def test_keyframes_rule_the_shots_in_which_they_lie(tmp_path: Path, rng: np.random.Generator) -> None:
    video = film(tmp_path / "cut.mp4", rng, np.tile(np.linspace(0.2, 0.8, 30), 3), scenes=3)
    cuts = pd.DataFrame({"kind": ["cut", "cut"], "begin_s": [1.5, 3.0], "end_s": [1.5, 3.0]})
    params = with_keyframes(tmp_path, "time_s,x\n1.5,0.3\n2.0,0.3\n2.5,0.6\n")

    auto = plan_crop(video, 0.0, 100.0, cuts, PARAMS)
    crop = plan_crop(video, 0.0, 100.0, cuts, params)

    check_table(crop)
    mine = crop["time_s"].between(1.499, 2.99)
    assert (crop["layout"] == "keyframes").to_list() == mine.to_list()
    pd.testing.assert_frame_equal(crop[~mine], auto[~mine], check_exact=True)
    middle = (crop["x"] + crop["width"] / 2)[mine].to_numpy()
    assert middle[:11] == pytest.approx(0.3)
    assert middle[20:] == pytest.approx(0.6)
    assert (np.diff(middle) >= 0).all()


def test_a_keyframe_before_the_stretch_holds_in_its_shot(tmp_path: Path, rng: np.random.Generator) -> None:
    video = film(tmp_path / "walk.mp4", rng, np.linspace(0.2, 0.8, 40))

    crop = plan_crop(video, 1.0, 1.5, NO_CUTS, with_keyframes(tmp_path, "time_s,x\n0.2,1.0\n"))

    check_table(crop)
    assert set(crop["layout"]) == {"keyframes"}
    assert (crop["x"] + crop["width"]).to_numpy() == pytest.approx(1.0)


def test_a_crop_table_that_is_handed_back_gives_the_same_path(tmp_path: Path, rng: np.random.Generator) -> None:
    video = film(tmp_path / "walk.mp4", rng, np.concatenate([np.full(10, 0.2), np.linspace(0.2, 0.8, 60)]))
    crop = plan_crop(video, 0.0, 100.0, NO_CUTS, PARAMS)

    again = plan_crop(video, 0.0, 100.0, NO_CUTS, with_keyframes(tmp_path, crop.to_csv(index=False)))

    assert again["x"].to_numpy() == pytest.approx(crop["x"].to_numpy(), abs=1e-6)


def test_keyframes_of_a_window_that_moves_up_and_down_are_y(tmp_path: Path, rng: np.random.Generator) -> None:
    video = film(tmp_path / "tall.mp4", rng, np.full(6, 0.5), size=(180, 320), axis="y")
    params = with_keyframes(tmp_path, "time_s,y\n0,0.25\n")
    params = params.model_copy(update={"reframe": params.reframe.model_copy(update={"aspect": "16:9"})})

    crop = plan_crop(video, 0.0, 100.0, NO_CUTS, params)

    check_table(crop)
    assert (crop["y"] + crop["height"] / 2).to_numpy() == pytest.approx(0.25)


def test_notes_say_what_a_persons_files_did() -> None:
    params = ReframeParams(keyframes="a/mine.csv")
    crop = pd.DataFrame({"clip_id": [1, 1, 2, 3], "layout": ["keyframes", "track", "track", "keyframes"]})

    assert crop_notes(crop, ReframeParams()) == []
    assert crop_notes(crop, params) == ["the window goes through the keyframes of mine.csv in these clips: 1, 3."]
    assert "moved no window" in crop_notes(crop[2:3], params)[0]
    assert "mine.onnx" in crop_notes(crop, ReframeParams(detector="a/mine.onnx"))[0]
    assert crop_notes(crop, ReframeParams(detector="a/mine.onnx", faces=False)) == []


def test_a_page_of_text_is_shown_as_wide_as_its_text(tmp_path: Path) -> None:
    page = np.repeat(slide(0.3, 0.85)[..., None], 3, axis=2)
    write_video(tmp_path / "talk.mp4", [page] * 40, frame_rate=RATE, crf=12)

    crop = plan_crop(tmp_path / "talk.mp4", 0.0, 100.0, NO_CUTS, PARAMS)
    cut = plan_crop(tmp_path / "talk.mp4", 0.0, 100.0, NO_CUTS, Params.model_validate({"reframe": {"screens": False}}))

    check_table(crop)
    assert set(crop["layout"]) == {"screen"}
    assert crop["x"].iloc[0] == pytest.approx(0.27, abs=0.03)
    assert (crop["x"] + crop["width"]).iloc[0] == pytest.approx(0.88, abs=0.03)
    assert (cut["width"] == cut["width"].iloc[0]).all()
    assert cut["width"].iloc[0] < 0.32


def test_text_that_all_but_fills_the_frame_is_shown_with_all_around_it(tmp_path: Path) -> None:
    page = np.repeat(slide(0.04, 0.96)[..., None], 3, axis=2)
    write_video(tmp_path / "talk.mp4", [page] * 30, frame_rate=RATE, crf=12)

    crop = plan_crop(tmp_path / "talk.mp4", 0.0, 100.0, NO_CUTS, PARAMS)

    assert (crop["width"] == 1.0).all()


@pytest.mark.parametrize(
    ("places", "params", "layout", "x"),
    [
        ((0.25, 0.5, 0.75), PEOPLE, "pad", 0.15),
        ((0.12, 0.5, 0.88), PEOPLE, "pad", 0.0),
        ((0.42, 0.5, 0.58), PEOPLE, "centre", None),
        ((0.12, 0.5, 0.88), Params.model_validate({"reframe": {"pad": False}}), "centre", None),
    ],
    ids=["as wide as they sit", "all", "held by the window", "switched off"],
)
def test_a_group_that_no_window_holds_is_shown_whole(
    tmp_path: Path,
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
    places: tuple[float, ...],
    params: Params,
    layout: str,
    x: float | None,
) -> None:
    video = film(tmp_path / "still.mp4", rng, np.full(80, 0.5))

    def faces(_: object, time_s: float, *, mirrored: bool) -> list[Face]:
        return [Face(time_s, place, 0.4, 0.1 - 0.001 * n, 0.16) for n, place in enumerate(places)]

    monkeypatch.setattr("clipkit.analysis.subject.detect_faces", faces)

    crop = plan_crop(video, 0.0, 100.0, NO_CUTS, params)

    check_table(crop)
    assert set(crop["layout"]) == {layout}
    if x is not None:
        assert crop["x"].iloc[0] == pytest.approx(x, abs=0.005)
        assert (crop["x"] + crop["width"]).iloc[0] == pytest.approx(1 - x, abs=0.005)


def test_the_window_jumps_at_a_cut_and_nowhere_else(tmp_path: Path, rng: np.random.Generator) -> None:
    sway = 0.03 * np.sin(np.arange(30) / 2)
    video = film(tmp_path / "cut.mp4", rng, np.concatenate([0.2 + sway, 0.8 + sway]), scenes=2)
    cut_s = 30 / RATE
    cuts = pd.DataFrame({"kind": ["cut"], "begin_s": [cut_s], "end_s": [cut_s]})

    crop = plan_crop(video, 0.0, 100.0, cuts, PARAMS)

    check_table(crop)
    moves = np.abs(np.diff(crop["x"]))
    assert int(np.argmax(moves)) == 29
    assert moves[29] > 0.3
    assert np.delete(moves, 29).max() <= PARAMS.reframe.max_speed / RATE + 1e-9


def test_a_portrait_source_is_cropped_up_and_down(tmp_path: Path, rng: np.random.Generator) -> None:
    places = np.concatenate([np.full(10, 0.2), np.linspace(0.2, 0.8, 60), np.full(10, 0.8)])
    video = film(tmp_path / "tall.mp4", rng, places, size=(180, 320), axis="y")
    params = PARAMS.model_copy(update={"reframe": PARAMS.reframe.model_copy(update={"aspect": "16:9"})})

    crop = plan_crop(video, 0.0, 100.0, NO_CUTS, params)

    check_table(crop)
    assert (crop["x"] == 0).all()
    assert (crop["width"] == 1).all()
    middle = (crop["y"] + crop["height"] / 2).to_numpy()
    assert (np.abs(middle - places) < crop["height"].iloc[0] / 2).mean() > 0.95


def test_a_frame_of_the_wanted_shape_is_kept_whole(tmp_path: Path, rng: np.random.Generator) -> None:
    video = film(tmp_path / "square.mp4", rng, np.linspace(0.2, 0.8, 6), size=(180, 180))
    params = PARAMS.model_copy(update={"reframe": PARAMS.reframe.model_copy(update={"aspect": "1:1"})})

    crop = plan_crop(video, 0.0, 100.0, NO_CUTS, params)

    assert (crop[["x", "y", "width", "height"]].to_numpy() == [0.0, 0.0, 1.0, 1.0]).all()


@pytest.mark.parametrize("n_frames", [1, 3])
def test_very_short_clips_get_a_row_a_frame(tmp_path: Path, rng: np.random.Generator, n_frames: int) -> None:
    video = film(tmp_path / "short.mp4", rng, np.linspace(0.2, 0.3, n_frames))

    crop = plan_crop(video, 0.0, 100.0, NO_CUTS, PARAMS)

    check_table(crop)
    assert len(crop) == n_frames
    assert crop["x"].nunique() == 1


def test_only_the_stretch_asked_for_has_rows(tmp_path: Path, rng: np.random.Generator) -> None:
    video = film(tmp_path / "part.mp4", rng, np.linspace(0.2, 0.8, 40))

    crop = plan_crop(video, 0.5, 1.0, NO_CUTS, PARAMS)

    assert crop["time_s"].to_list() == pytest.approx([k / RATE for k in range(10, 20)])


def test_a_stretch_behind_the_end_is_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    video = film(tmp_path / "end.mp4", rng, np.full(3, 0.5))

    with pytest.raises(InputError, match="none lies in 50 to 60 s") as caught:
        plan_crop(video, 50.0, 60.0, NO_CUTS, PARAMS)

    assert caught.value.code == "input.bad_stretch"


def test_the_same_video_gives_the_same_table(tmp_path: Path, rng: np.random.Generator) -> None:
    video = film(tmp_path / "twice.mp4", rng, np.linspace(0.2, 0.8, 40))

    once, again = (plan_crop(video, 0.0, 100.0, NO_CUTS, PARAMS) for _ in range(2))

    pd.testing.assert_frame_equal(once, again, check_exact=True)


@pytest.mark.media
@pytest.mark.parametrize("name", ["odd/de_video_90.mov", "odd/ax_sample_rotate_and_reflect.mp4", "odd/ae_SAR-2by3.mp4"])
def test_pictures_are_as_displayed(media: Path, name: str) -> None:
    with open_video(media / name, threads=1) as reader:
        frame = reader.frame_at(0.0)
        picture = display_picture(frame, reader.video, 160)
        shown = cv2.cvtColor(frame.rgb(picture.shape[0]), cv2.COLOR_RGB2GRAY)

    assert picture.shape == pytest.approx(shown.shape, abs=1)
    shown = cv2.resize(shown, picture.shape[::-1])
    # Luma's range and weights differ a little from RGB's grey; a wrong turn correlates with nothing.
    assert np.corrcoef(picture.ravel(), shown.ravel())[0, 1] > 0.97


def test_windows_are_as_large_as_fits() -> None:
    assert window_size(1920, 1080, "9:16") == pytest.approx((0.31640625, 1.0))
    assert window_size(608, 1080, "9:16") == (1.0, 1.0)
    assert window_size(1080, 1920, "16:9") == pytest.approx((1.0, 0.31640625))
    assert window_size(1000, 1000, "4:5") == pytest.approx((0.8, 1.0))


def test_knots_take_the_rows_around_them() -> None:
    times_s = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
    values = np.arange(5.0)[:, None]

    even = at_knots(values, times_s, np.array([0.0, 0.2, 0.4]))
    sparse = at_knots(values[[0, 4]], times_s[[0, 4]], np.array([0.0, 0.1, 0.2, 0.3, 0.4]))

    assert even[1, 0] == pytest.approx(2.0)
    assert set(sparse[:, 0]) == {0.0, 4.0}


def test_frame_rates_below_the_rate_of_looking_work(tmp_path: Path, rng: np.random.Generator) -> None:
    picture = np.repeat(scene(rng, 90, 160)[..., None], 3, axis=2)
    write_video(tmp_path / "slow.mp4", [picture] * 4, frame_rate=Fraction(1, 1))

    check_table(plan_crop(tmp_path / "slow.mp4", 0.0, 100.0, NO_CUTS, PARAMS))
