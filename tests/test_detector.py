"""Detectors of a person's own: which files are taken, and where what they see is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx_model
import pandas as pd
import pytest
from numpy.typing import NDArray

from clipkit.analysis.detector import load_detector
from clipkit.analysis.reframe import plan_crop
from clipkit.analysis.subject import Observer
from clipkit.errors import InputError
from clipkit.media.writer import write_video
from clipkit.params import Params

RED, BLUE = (0, 0, 255), (255, 0, 0)
NO_CUTS = pd.DataFrame({"kind": pd.Series(dtype=str), "begin_s": [], "end_s": []})
YOLOS: list[dict[str, Any]] = [{}, {"end_to_end": True}, {"n_classes": 1}, {"side": 128}, {"side": "open"}]


def picture_with(x: float, y: float, colour: tuple[int, int, int] = RED, *, side: int = 40) -> NDArray[np.uint8]:
    """Return a wide picture, blue, green and red, with a square in the middle of which is (x, y)."""
    picture = np.full((180, 320, 3), 90, np.uint8)
    left, top = round(x * 320 - side / 2), round(y * 180 - side / 2)
    picture[top : top + side, left : left + side] = colour
    return picture


@pytest.mark.parametrize("network", YOLOS)
def test_a_yolo_finds_people_and_takes_the_top_of_their_boxes(tmp_path: Path, network: dict[str, Any]) -> None:
    detector = load_detector(onnx_model.yolo(tmp_path / "net.onnx", **network))

    faces = detector.find(picture_with(0.75, 0.5, side=80), 3.0)

    assert faces
    assert {face.time_s for face in faces} == {3.0}
    cell = onnx_model.CELL / (network.get("side", 64) if network.get("side") != "open" else 640)
    assert np.mean([face.x for face in faces]) == pytest.approx(0.75, abs=cell)
    for face in faces:
        # A box is two cells wide, and a head two fifths of that.
        assert face.width == pytest.approx(0.8 * cell, rel=0.01)
        assert face.height * 180 == pytest.approx(1.3 * face.width * 320, rel=0.01)
    top = min(face.y - face.height / 2 for face in faces)
    assert top == pytest.approx((0.5 * 180 - 40) / 180, abs=1.5 * cell * 320 / 180)


@pytest.mark.parametrize("end_to_end", [False, True])
def test_other_classes_are_no_people(tmp_path: Path, end_to_end: bool) -> None:
    network = onnx_model.yolo(tmp_path / "net.onnx", seen=1, end_to_end=end_to_end)

    assert load_detector(network).find(picture_with(0.75, 0.5, side=80), 0.0) == []


def test_boxes_that_share_most_of_their_place_are_one(tmp_path: Path) -> None:
    detector = load_detector(onnx_model.yolo(tmp_path / "net.onnx"))

    # Cells beside each other have boxes that share a third.
    assert len(detector.find(picture_with(0.5, 0.5, side=80), 0.0)) > 1
    doubled = onnx_model.yolo(tmp_path / "large.onnx", box=64.0)
    assert len(load_detector(doubled).find(picture_with(0.5, 0.5, side=80), 0.0)) == 1


def test_yunet_finds_faces(tmp_path: Path) -> None:
    detector = load_detector(onnx_model.yunet(tmp_path / "net.onnx"))

    faces = detector.find(picture_with(0.25, 0.5), 1.0)

    assert np.mean([face.x for face in faces]) == pytest.approx(0.25, abs=0.02)
    assert np.mean([face.y for face in faces]) == pytest.approx(0.5, abs=0.04)
    assert {face.time_s for face in faces} == {1.0}


@pytest.mark.parametrize("make", [onnx_model.yolo, onnx_model.yunet])
def test_colours_are_not_swapped(tmp_path: Path, make: Any) -> None:
    detector = load_detector(make(tmp_path / "net.onnx"))

    assert detector.find(picture_with(0.5, 0.5, BLUE), 0.0) == []
    assert detector.find(np.zeros((320, 180, 3), np.uint8), 0.0) == []


def test_files_that_are_no_detector_are_refused(tmp_path: Path) -> None:
    cut = onnx_model.yunet(tmp_path / "cut.onnx")
    cut.write_bytes(cut.read_bytes()[:500])
    (tmp_path / "text.onnx").write_text("Dear diary")
    (tmp_path / "empty.onnx").touch()
    onnx_model.other(tmp_path / "other.onnx")
    for name, words in {
        "none.onnx": "No such file",
        "text.onnx": "OpenCV cannot run it",
        "empty.onnx": "OpenCV cannot run it",
        "cut.onnx": "OpenCV cannot run it",
        "other.onnx": r"its outputs have the shapes \(1, 3, 32, 32\)",
    }.items():
        with pytest.raises(InputError, match=words) as raised:
            load_detector(tmp_path / name)
        assert raised.value.code == "input.bad_detector"
        assert name in raised.value.message
        assert "\n" not in raised.value.message


def test_the_detector_is_asked_at_few_glances() -> None:
    class Asked:
        def __init__(self) -> None:
            self.side = 100
            self.times_s: list[float] = []

        def find(self, picture: NDArray[np.uint8], time_s: float) -> list[Any]:
            assert picture.shape == (1, 100, 3)
            self.times_s.append(time_s)
            return []

    asked = Asked()
    observer = Observer("x", faces=True, screens=False, detector=asked)
    observer.begin_shot()
    for k in range(30):
        observer.glance(np.zeros((90, 160), np.uint8), k / 10, lambda side: np.zeros((1, side, 3), np.uint8))

    assert 5 < len(asked.times_s) < 10


@pytest.mark.parametrize("make", [onnx_model.yolo, onnx_model.yunet])
def test_the_window_stands_where_the_detector_sees_somebody(tmp_path: Path, make: Any) -> None:
    frames = [picture_with(0.75, 0.4, side=80)[..., ::-1].copy()] * 30
    write_video(tmp_path / "still.mp4", frames, frame_rate=15)
    network = make(tmp_path / "net.onnx")
    params = Params.model_validate({"reframe": {"detector": str(network)}, "resources": {"threads": 1}})

    crop = plan_crop(tmp_path / "still.mp4", 0.0, 100.0, NO_CUTS, params)
    without = plan_crop(tmp_path / "still.mp4", 0.0, 100.0, NO_CUTS, Params())

    assert set(without["layout"]) == {"centre"}
    assert set(crop["layout"]) == {"static"}
    assert (crop["x"] + crop["width"] / 2).to_numpy() == pytest.approx(0.75, abs=0.08)
