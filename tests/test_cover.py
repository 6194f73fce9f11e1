from __future__ import annotations

import cv2
import numpy as np
import pytest

from clipkit.media.reader import open_video
from clipkit.output import cover
from clipkit.output.cover import CoverChooser, write_cover
from clipkit.output.cover_title import draw_title
from clipkit.output.faces import FONTS_DIR
from clipkit.output.portrait import portrait_sharpness
from clipkit.params import CaptionParams

RATE = 24


def texture(rng, blur=0.0):
    picture = cv2.resize(rng.integers(40, 220, (80, 45), np.uint8), (90, 160), interpolation=cv2.INTER_NEAREST)
    return cv2.GaussianBlur(picture, (0, 0), blur) if blur else picture


def chosen(pictures):
    chooser = CoverChooser(RATE)
    for tick, luma in enumerate(pictures):
        chooser.look(tick, luma)
    return chooser.best_tick()


def test_a_sharp_stretch_wins_over_a_blurred_one(rng):
    sharp = texture(rng)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 2.0)

    assert 48 <= chosen([blurred] * 48 + [sharp] * 24 + [blurred] * 48) < 72


def test_black_white_and_flat_pictures_are_passed_over(rng):
    black, white = np.full((160, 90), 16, np.uint8), np.full((160, 90), 250, np.uint8)
    dim = cv2.GaussianBlur(texture(rng), (0, 0), 1.0)

    assert 72 <= chosen([black] * 36 + [white] * 36 + [dim] * 36) < 108


def test_no_frame_beside_a_cut_is_taken(rng):
    calm, sharp = texture(rng, blur=1.5), texture(rng)
    # The sharp picture is on screen for the looked-at tick alone.
    pictures = [calm] * 12 + [sharp] + [calm] * 23

    assert pictures[chosen(pictures)] is calm


def test_a_clip_of_one_frame_has_its_cover(rng):
    assert chosen([texture(rng)]) == 0


def test_a_black_clip_still_has_a_cover():
    assert 0 <= chosen([np.zeros((160, 90), np.uint8)] * 48) < 48


def test_the_cover_is_the_frame_at_that_time(hazard, tmp_path):
    from hazards import read_number

    write_cover(hazard("cfr25.mp4"), 0.8, tmp_path / "cover.jpg")

    image = cv2.imread(str(tmp_path / "cover.jpg"))
    assert read_number(image) == 20
    with open_video(hazard("cfr25.mp4")) as reader:
        rgb = reader.frame_at(0.8).rgb()
    assert np.abs(image[:, :, ::-1].astype(int) - rgb).mean() < 4
    assert image[-8:, :40, 2].mean() == pytest.approx(200, abs=25)  # red is red


def test_a_title_stands_at_the_top_of_the_safe_box():
    plain = np.full((640, 360, 3), 90, np.uint8)
    box, title = (108, 384, 918, 1248), "What nobody tells you about long titles"

    drawn, again = (draw_title(plain, title, CaptionParams(), safe_box=box, fonts_dir=FONTS_DIR) for _ in range(2))

    changed = (np.abs(drawn.astype(int) - plain) > 8).any(axis=2)
    rows, columns = (np.flatnonzero(changed.any(axis=axis)) for axis in (1, 0))
    assert drawn.shape == plain.shape
    assert box[0] / 3 <= columns[0] < columns[-1] < box[2] / 3
    assert box[1] / 3 <= rows[0] < box[1] / 3 + 20
    assert 50 < len(rows) < 120  # two or three lines
    assert (drawn > 240).all(axis=2).sum() > 200  # letters in the captions' white
    assert np.array_equal(drawn, again)


@pytest.mark.parametrize("title", ["{\\b1}a\\Nb", "<b>x</b>", "'; rm -rf", "ש", "👍"])
def test_a_title_is_text_whatever_it_holds(title):
    plain = np.full((128, 72, 3), 90, np.uint8)

    assert (
        draw_title(plain, title, CaptionParams(), safe_box=(108, 384, 918, 1248), fonts_dir=FONTS_DIR).shape
        == plain.shape
    )


def test_the_sharpest_face_with_open_eyes_wins_over_a_sharper_frame_without(rng, monkeypatch):
    sharp, dull, face = texture(rng), texture(rng, blur=0.6), texture(rng, blur=0.5)
    faces = {dull.mean(): 3.0, face.mean(): 5.0}
    monkeypatch.setattr(cover, "portrait_sharpness", lambda luma: faces.get(luma.mean(), 0.0))

    assert 48 <= chosen([sharp] * 24 + [dull] * 24 + [face] * 24 + [sharp] * 24) < 72


def test_only_the_sharpest_pictures_are_searched_for_faces(rng, monkeypatch):
    searched = []
    monkeypatch.setattr(cover, "portrait_sharpness", lambda luma: searched.append(1) or 0.0)

    chosen([texture(rng)] * (RATE * 30))

    assert len(searched) == 16


def test_a_picture_without_a_face_is_no_portrait(rng):
    assert portrait_sharpness(cv2.resize(texture(rng), (320, 568))) == 0.0
    assert portrait_sharpness(np.zeros((10, 8), np.uint8)) == 0.0


@pytest.mark.media
def test_open_eyes_are_seen_and_covered_eyes_are_not(media):
    with open_video(media / "people" / "talking_head_woman_590x590.mp4") as reader:
        luma = cv2.cvtColor(reader.frame_at(2.0).rgb(), cv2.COLOR_RGB2GRAY)
    (face, *_), centre = cover_faces(luma), luma.shape[1] // 2
    x, y, width, height = face
    covered = luma.copy()
    covered[y + height // 5 : y + height // 2, x : x + width] = int(luma[y + height * 2 // 3, centre])

    assert portrait_sharpness(luma) > 0.0
    assert portrait_sharpness(covered) == 0.0


def cover_faces(luma):
    cascade = cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_frontalface_alt2.xml")
    return cascade.detectMultiScale(luma, 1.2, 4, 0, (80, 80))
