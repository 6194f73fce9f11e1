from __future__ import annotations

import hashlib
import os
from fractions import Fraction
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest
from hazards import RATE_HZ, click, picture, read_number, tone

from clipkit.bench.finishing import clicks, flashes, onsets
from clipkit.errors import ClipkitError, InputError
from clipkit.media.audio import read_audio
from clipkit.media.probe import require_video
from clipkit.media.reader import open_video
from clipkit.media.writer import write_video
from clipkit.output import render
from clipkit.output.boxes import read_boxes
from clipkit.output.edits import read_edit
from clipkit.output.platforms import find_platform
from clipkit.output.render import render_clip
from clipkit.output.verify import verify_file
from clipkit.params import Params

WIDTH, HEIGHT = 408, 180  # a quarter of it has the shape 9:16
FAST = {"render": {"preset": "ultrafast", "encoder_threads": 1}}
WORDS = pd.DataFrame(
    {"word": ["hello", "there."], "start_s": [1.1, 1.5], "end_s": [1.5, 1.9], "ends_sentence": [False, True]}
)
NO_WORDS = WORDS.iloc[:0]


def params_of(**sections):
    return Params.model_validate({**FAST, **sections})


def crop_of(x=0.25, width=0.25, n=200, rate=25.0, height=1.0, y=0.0):
    """Return a still window; the usual one is the second quarter of the frame."""
    return pd.DataFrame(
        {"time_s": np.arange(n) / rate, "x": x, "y": y, "width": width, "height": height, "layout": "static"}
    )


def make(video, out_dir, *, start_s=1.0, end_s=2.0, names=("x",), crop=None, words=WORDS, params=None, **others):
    return render_clip(
        video,
        SimpleNamespace(clip_id=others.get("clip_id", 3), start_s=start_s, end_s=end_s, title=others.get("title")),
        crop_of() if crop is None else crop,
        words,
        params or params_of(),
        [find_platform(name) for name in names],
        out_dir,
        info=require_video(video),
        edits=others.get("edits"),
    )


@pytest.mark.parametrize(("title", "is_drawn"), [("Every title counts", True), ("", False), (float("nan"), False)])
def test_a_cover_gets_the_title_where_there_is_one(numbered, tmp_path, title, is_drawn):
    covers = []
    for has_title in (False, True):
        params = params_of(render={"preset": "ultrafast", "cover_title": has_title})
        (file,) = make(numbered, tmp_path / str(has_title), end_s=1.2, words=NO_WORDS, params=params, title=title)
        covers.append(file.cover_path.read_bytes())

    assert (covers[0] != covers[1]) is is_drawn


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    """Return 4 s at 25 a second; each picture shows its number four times, left to right, with a click at 1.5 s."""
    path = tmp_path_factory.mktemp("numbered") / "it's [a] talk, 1.mp4"
    tile = WIDTH // 4
    frames = (np.tile(picture(number, tile, HEIGHT), (1, 4, 1)) for number in range(100))
    samples = 0.1 * tone(4 * RATE_HZ) + click(4 * RATE_HZ, [1.5])
    write_video(path, frames, frame_rate=25, samples=samples, preset="superfast", crf=12)
    return path


@pytest.fixture(scope="module")
def finished(numbered, tmp_path_factory):
    """Return one clip for three platforms with captions."""
    out_dir = tmp_path_factory.mktemp("finished") / "clips"
    return make(numbered, out_dir, names=("tiktok", "x", "instagram_reels"))


def numbers(path):
    with open_video(path) as reader:
        return [read_number(frame.rgb()) for frame in reader]


def test_each_platform_gets_video_sidecar_and_cover(finished):
    assert [rendered.platform.name for rendered in finished] == ["tiktok", "x", "instagram_reels"]
    folder = finished[0].path.parent
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"3_{name}.{suffix}" for name in ("tiktok", "x", "instagram_reels") for suffix in ("mp4", "srt", "jpg")
    )
    assert [(rendered.width, rendered.height) for rendered in finished] == [(1080, 1920), (720, 1280), (1080, 1920)]
    assert finished[0].srt_path.read_text(encoding="utf-8").startswith("1\n00:00:00,100 --> ")


def test_platforms_with_equal_encodings_share_one_file(finished):
    tiktok, x, reels = (rendered.path for rendered in finished)

    assert os.path.samefile(tiktok, reels)
    assert not os.path.samefile(tiktok, x)


def test_finished_files_pass_the_checks_of_their_platforms(finished):
    for rendered in finished:
        verdicts = verify_file(
            rendered.path, rendered.platform, expected_s=rendered.duration_s, caption_box=rendered.caption_box
        )
        failed = set(verdicts.loc[~verdicts["ok"], "check"])
        # One second is too short for Reels, and ultrafast makes no High profile.
        assert failed <= {"duration", "video_profile", "edit_list"}, verdicts[~verdicts["ok"]]


def test_a_screen_is_whole_and_above_its_captions(numbered, tmp_path):
    whole = crop_of(x=0.0, width=1.0).assign(layout="screen")

    (rendered,) = make(numbered, tmp_path, crop=whole)

    with open_video(rendered.path) as reader:
        shown = reader.frame_at(0.5).rgb().astype(int)
    lines = shown.max(axis=(1, 2)) >= 180
    first, last = int(np.flatnonzero(lines)[0]), int(np.flatnonzero(lines)[-1])
    assert rendered.caption_box[1] <= first
    # The second half of each number is red, then blue: all four tiles are there from edge to edge.
    assert read_number(shown[first : first + round(720 * HEIGHT / WIDTH), : 720 // 4]) == 37
    assert read_number(shown[first : first + round(720 * HEIGHT / WIDTH), 3 * 720 // 4 :]) == 37
    assert last < rendered.caption_box[3]


def test_captions_are_in_the_picture_and_nowhere_but_in_their_box(numbered, finished, tmp_path):
    x = finished[1]
    (plain,) = make(numbered, tmp_path, words=NO_WORDS)
    with open_video(x.path) as captioned, open_video(plain.path) as bare:
        difference = np.abs(captioned.frame_at(0.3).rgb().astype(int) - bare.frame_at(0.3).rgb()).max(axis=2)

    left, top, right, bottom = x.caption_box
    assert (difference[top:bottom, left:right] > 60).sum() > 1000
    difference[top:bottom, left:right] = 0
    assert (difference > 60).sum() == 0
    assert plain.caption_box is None
    assert plain.srt_path.read_bytes() == b""


DARK = {"colour": "#101010", "highlight": "#102010", "outline": 0.0}


@pytest.mark.parametrize(("luma", "has_box"), [(16, True), (235, False)])
def test_letters_get_a_box_where_the_picture_would_hide_them(tmp_path, luma, has_box):
    video = tmp_path / "plain.mp4"
    write_video(video, (np.full((180, 320, 3), 255 * (luma > 16), np.uint8) for _ in range(75)), frame_rate=25)

    (rendered,) = make(video, tmp_path / "out", params=params_of(captions=DARK))

    found = rendered.conformance
    assert found.has_box is has_box
    assert found.contrast >= 3.0
    assert found.outside == 0
    assert any("got a box" in note for note in rendered.notes) is has_box
    (without,) = make(video, tmp_path / "never", params=params_of(captions={**DARK, "box": "never"}))
    assert not without.conformance.has_box
    assert (without.conformance.contrast < 1.5) is has_box


def test_capital_letters_are_for_the_picture_alone(numbered, finished, tmp_path):
    (loud,) = make(numbered, tmp_path, params=params_of(captions={"uppercase": True}))

    assert loud.srt_path.read_bytes() == finished[1].srt_path.read_bytes()
    assert loud.path.read_bytes() != finished[1].path.read_bytes()
    assert loud.conformance.n_pages == 1


def test_captions_can_be_left_to_the_sidecar(numbered, tmp_path):
    (rendered,) = make(numbered, tmp_path, params=params_of(captions={"burn": False}))

    assert rendered.conformance is None

    assert rendered.caption_box is None
    assert "hello" in rendered.srt_path.read_text(encoding="utf-8")


def edited(path, text, start_s=1.0, end_s=2.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"1\n00:00:00,100 --> 00:00:00,900\n{text}\n", encoding="utf-8")
    return read_edit(path.resolve(), start_s, end_s)


def test_edited_captions_are_shown_and_their_file_stays(numbered, finished, tmp_path):
    edit = edited(tmp_path / "3_x.srt", "hi")

    (rendered,) = make(numbered, tmp_path, edits={"x": edit})

    assert rendered.edited == edit.path
    assert rendered.srt_path.read_bytes() == edit.raw
    assert rendered.notes == ("clip 3: its captions are those of the edited file 3_x.srt.",)
    with open_video(rendered.path) as mine, open_video(finished[1].path) as usual:
        difference = np.abs(mine.frame_at(0.3).rgb().astype(int) - usual.frame_at(0.3).rgb()).max(axis=2)
    assert (difference > 60).sum() > 1000


def test_platforms_with_captions_of_their_own_get_files_of_their_own(numbered, tmp_path):
    edits = {"tiktok": edited(tmp_path / "3_tiktok.srt", "one")}

    tiktok, reels = make(numbered, tmp_path, names=("tiktok", "instagram_reels"), edits=edits)

    assert "one" in tiktok.srt_path.read_text(encoding="utf-8")
    assert "hello" in reels.srt_path.read_text(encoding="utf-8")
    assert not os.path.samefile(tiktok.path, reels.path)
    assert (tiktok.edited, reels.edited) == (edits["tiktok"].path, None)


def test_edited_captions_move_with_their_clip_and_the_old_file_is_kept(numbered, tmp_path):
    edit = edited(tmp_path / "3_x.srt", "mine")

    (rendered,) = make(numbered, tmp_path, start_s=0.8, edits={"x": edit})

    assert rendered.srt_path.read_text(encoding="utf-8").startswith("1\n00:00:00,300 --> 00:00:01,100\nmine")
    assert (tmp_path / "3_x.edited.srt").read_bytes() == edit.raw
    assert "1.00 to 2.00 s" in rendered.notes[0]


def test_edited_captions_of_another_stretch_are_set_aside(numbered, tmp_path):
    edit = edited(tmp_path / "3_x.srt", "mine", start_s=3.0, end_s=4.0)

    (rendered,) = make(numbered, tmp_path, edits={"x": edit})

    assert "hello" in rendered.srt_path.read_text(encoding="utf-8")
    assert rendered.edited is None
    assert "were not used" in rendered.notes[0]
    assert (tmp_path / "3_x.edited.srt").read_bytes() == edit.raw


def test_a_change_to_one_sidecar_changes_no_other(finished):
    assert not os.path.samefile(finished[0].srt_path, finished[2].srt_path)


def test_the_frames_are_those_of_the_source_and_the_sound_is_in_step(numbered, tmp_path):
    (rendered,) = make(numbered, tmp_path, words=NO_WORDS)

    assert numbers(rendered.path) == list(range(25, 50))
    assert (rendered.start_s, rendered.end_s, rendered.duration_s) == (1.0, 2.0, 1.0)
    sound = np.abs(read_audio(rendered.path, rate_hz=RATE_HZ, channels=1)[:, 0])
    assert int(np.argmax(sound)) / RATE_HZ == pytest.approx(0.501, abs=0.004)


@pytest.fixture(scope="module")
def flashing(tmp_path_factory):
    """Return 4 s at 25 a second that flash and click together at 1.4 and 2.6 s."""
    path = tmp_path_factory.mktemp("flashing") / "flash.mp4"
    frames = (np.full((HEIGHT, WIDTH, 3), 235 if number in (35, 65) else 20, np.uint8) for number in range(100))
    write_video(path, frames, frame_rate=25, samples=click(4 * RATE_HZ, [1.4, 2.6]), preset="superfast")
    return path


@pytest.mark.parametrize("edit_list", [True, False])
def test_a_flash_and_its_click_stay_together_with_and_without_an_edit_list(flashing, tmp_path, edit_list):
    params = params_of(render={"preset": "veryfast", "edit_list": edit_list}, audio={"target_lufs": -20.0})

    (rendered,) = make(flashing, tmp_path, start_s=1.0, end_s=3.0, params=params, words=NO_WORDS)

    assert read_boxes(rendered.path).has_edit_list is edit_list
    seen_s, heard_s = flashes(rendered.path), clicks(rendered.path)
    assert seen_s == pytest.approx([0.4, 1.6], abs=0.005)
    assert heard_s == pytest.approx(seen_s, abs=0.010)
    with open_video(rendered.path) as reader:
        own_s = [frame.time_s for frame in reader if frame.planes[0].samples.mean() > 100]
    samples = read_audio(rendered.path, rate_hz=RATE_HZ, channels=1)
    assert own_s == pytest.approx([0.4, 1.6], abs=0.001)
    assert onsets(samples[:, 0]) == pytest.approx(own_s, abs=0.010)
    verdicts = verify_file(rendered.path, rendered.platform, expected_s=rendered.duration_s)
    assert set(verdicts.loc[~verdicts["ok"] & (verdicts["severity"] == "error"), "check"]) == set()


def test_edges_rounded_in_a_table_show_no_frame_of_the_neighbours(numbered, tmp_path):
    (rendered,) = make(numbered, tmp_path, start_s=1.0004, end_s=1.2004, words=NO_WORDS)

    assert numbers(rendered.path) == [25, 26, 27, 28, 29]


def test_an_edge_between_frames_begins_with_the_next_one(numbered, tmp_path):
    (rendered,) = make(numbered, tmp_path, start_s=1.01, end_s=1.21, words=NO_WORDS)

    assert rendered.start_s == pytest.approx(1.04)
    assert numbers(rendered.path) == [26, 27, 28, 29, 30]


def test_a_clip_that_ends_after_the_video_ends_with_it(numbered, tmp_path):
    (rendered,) = make(numbered, tmp_path, start_s=3.6, end_s=5.0, words=NO_WORDS)

    assert numbers(rendered.path) == list(range(90, 100))


@pytest.mark.parametrize(("start_s", "end_s"), [(2.0, 2.0), (3.0, 1.0), (-1.0, 1.0), (9.0, 10.0), (float("nan"), 2.0)])
def test_a_clip_outside_the_video_is_a_mistake_of_the_lists(numbered, tmp_path, start_s, end_s):
    with pytest.raises(InputError, match="clip 3 must lie inside the video") as raised:
        make(numbered, tmp_path, start_s=start_s, end_s=end_s)

    assert raised.value.code == "input.clip_range"
    assert not list(tmp_path.iterdir())


def test_a_clip_without_a_crop_path_is_refused(numbered, tmp_path):
    with pytest.raises(InputError, match="crop path"):
        make(numbered, tmp_path, crop=crop_of().iloc[:0])


def test_no_platforms_mean_no_files(numbered, tmp_path):
    assert make(numbered, tmp_path, names=()) == []
    assert not list(tmp_path.iterdir())


def test_the_same_input_gives_the_same_bytes(numbered, finished, tmp_path):
    again = make(numbered, tmp_path / "elsewhere", names=("tiktok", "x", "instagram_reels"))

    for first, second in zip(finished, again, strict=True):
        for name in ("path", "srt_path", "cover_path"):
            digests = {hashlib.sha256(getattr(one, name).read_bytes()).hexdigest() for one in (first, second)}
            assert len(digests) == 1, name


def test_the_crop_follows_its_path(numbered, tmp_path):
    # At each quarter of the frame the number stands where it is read.
    crop = crop_of()
    crop["x"] = np.where(crop["time_s"] < 1.5, 0.0, 0.5)
    crop.loc[crop["time_s"] >= 1.76, ["x"]] = 0.125  # half a number off
    (rendered,) = make(numbered, tmp_path, crop=crop, words=NO_WORDS)

    assert numbers(rendered.path)[:19] == list(range(25, 44))
    assert numbers(rendered.path)[19:] != list(range(44, 50))


def test_a_window_of_another_shape_is_cut_not_stretched(tmp_path):
    circle = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    cv2.circle(circle, (204, 90), 30, (230, 230, 230), -1)
    video = tmp_path / "circle.mp4"
    write_video(video, [circle] * 25, frame_rate=25, preset="superfast")

    (rendered,) = make(
        video, tmp_path / "clips", start_s=0.0, end_s=0.4, crop=crop_of(x=0.0, width=1.0), words=NO_WORDS
    )

    with open_video(rendered.path) as reader:
        bright = np.argwhere(reader.frame_at(0.2).rgb()[:, :, 1] > 128)
    height, width = np.ptp(bright, axis=0) + 1
    assert height / width == pytest.approx(1.0, abs=0.02)
    assert height == pytest.approx(60 / 180 * 1280, rel=0.03)


@pytest.mark.parametrize(("aspect", "size"), [("1:1", (720, 720)), ("4:5", (720, 900)), ("16:9", (1280, 720))])
def test_other_aspects_are_written(numbered, tmp_path, aspect, size):
    (rendered,) = make(
        numbered, tmp_path, end_s=1.4, crop=crop_of(x=0, width=1.0), params=params_of(reframe={"aspect": aspect})
    )

    assert (rendered.width, rendered.height) == size
    left, top, right, bottom = rendered.caption_box
    assert 0 <= left < right <= size[0]
    assert 0 <= top < bottom <= size[1]


def test_a_source_without_sound_gets_a_silent_track(hazard, tmp_path):
    (rendered,) = make(hazard("no_sound.mp4"), tmp_path, start_s=0.0, end_s=1.0, words=NO_WORDS)

    verdicts = verify_file(rendered.path, rendered.platform).set_index("check")
    assert verdicts.loc["loudness", "value"] == "silent"
    assert verdicts.loc["audio_codec", "ok"]
    assert any("silent" in note for note in rendered.notes)


@pytest.mark.parametrize(
    "name",
    ["variable.mp4", "ntsc.mp4", "late_start.mp4", "cut_copy.mp4", "odd_size.mkv", "animation.gif", "ten_bit.mkv"],
)
def test_awkward_sources_become_ordinary_files(hazard, tmp_path, name):
    crop = crop_of(x=0.0, width=1.0)

    (rendered,) = make(hazard(name), tmp_path, start_s=0.0, end_s=0.4, crop=crop, words=NO_WORDS)

    verdicts = verify_file(rendered.path, rendered.platform, expected_s=rendered.duration_s).set_index("check")
    assert verdicts.loc[["decodes", "expected_duration", "constant_rate", "frame_rate", "sound_delay"], "ok"].all()


@pytest.mark.parametrize("name", ["turned_90.mp4", "turned_180.mp4", "mirrored.mp4", "mirrored_270.mp4"])
def test_turned_sources_stand_upright(hazard, tmp_path, name):
    crop = crop_of(x=0.0, width=1.0)

    (rendered,) = make(
        hazard(name),
        tmp_path,
        start_s=0.0,
        end_s=0.2,
        crop=crop,
        words=NO_WORDS,
        params=params_of(reframe={"aspect": "16:9"}),
    )

    with open_video(rendered.path) as reader:
        image = reader.frame_at(0.1).rgb()
    red, blue = image[-90:, 40:400].mean(axis=(0, 1)), image[-90:, -400:-40].mean(axis=(0, 1))
    assert red[0] > 150 > 90 > red[2]
    assert blue[2] > 150 > 90 > blue[0]


@pytest.mark.parametrize(
    ("tagged", "matrix"), [("bt601", "ITU601"), ("bt709", "ITU709")], ids=["BT.601 is converted", "BT.709 is kept"]
)
def test_colours_are_those_of_the_source(tmp_path, tagged, matrix):
    import av

    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[:, :204], image[:, 204:] = (200, 60, 40), (40, 160, 90)
    video = tmp_path / "colours.mp4"
    with av.open(str(video), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"crf": "8"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.colorspace = 1 if tagged == "bt709" else 6
        for _ in range(10):
            frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuv420p", dst_colorspace=matrix)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    assert require_video(video).video.matrix == tagged

    (rendered,) = make(
        video,
        tmp_path / "clips",
        start_s=0.0,
        end_s=0.2,
        crop=crop_of(x=0.0, width=1.0),
        words=NO_WORDS,
        params=params_of(reframe={"aspect": "16:9"}),
    )

    with open_video(rendered.path) as reader:
        shown = reader.frame_at(0.1).rgb().astype(float)
        assert reader.video.matrix == "bt709"
    assert shown[:, 50:500].mean(axis=(0, 1)) == pytest.approx([200, 60, 40], abs=4)
    assert shown[:, -500:-50].mean(axis=(0, 1)) == pytest.approx([40, 160, 90], abs=4)


@pytest.mark.parametrize("broken", ["write_cover", "check_file", "_lay_down"])
def test_after_an_error_nothing_new_is_there_and_the_old_files_are(numbered, tmp_path, monkeypatch, broken):
    make(numbered, tmp_path, end_s=1.2)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(*_):
        message = "no room"
        raise OSError(28, message)

    monkeypatch.setattr(render, broken, fail)
    with pytest.raises(ClipkitError, match="disk is full"):
        make(numbered, tmp_path, start_s=2.0, end_s=2.2)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_a_killed_run_left_is_cleared_away(numbered, tmp_path):
    left = tmp_path / ".3.part"
    left.mkdir()
    (left / "0.mp4").write_bytes(b"half")

    make(numbered, tmp_path, end_s=1.2)

    assert not left.exists()


def test_progress_only_grows_and_ends_at_one(numbered, tmp_path):
    seen = []
    render_clip(
        numbered,
        SimpleNamespace(clip_id=1, start_s=0.0, end_s=0.4),
        crop_of(),
        WORDS,
        params_of(),
        [find_platform("x")],
        tmp_path,
        info=require_video(numbered),
        progress=seen.append,
    )

    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)
    assert len(seen) > 5


def test_the_frame_rate_is_a_fraction(finished):
    assert finished[0].frame_rate == Fraction(25)
    assert finished[0].loudness.true_peak_dbtp <= -1.0


@pytest.mark.media
def test_a_phone_video_that_is_turned_is_rendered_upright(media, tmp_path):
    video = media / "odd" / "mb_rotate-buck-bunny.mp4"
    info = require_video(video).video
    crop = crop_of(x=0.0, width=1.0, rate=24.0)

    (rendered,) = make(video, tmp_path, start_s=1.0, end_s=1.3, crop=crop, words=NO_WORDS)

    with open_video(rendered.path) as made, open_video(video) as source:
        out = cv2.resize(made.frame_at(0.1).rgb(), (180, 320), interpolation=cv2.INTER_AREA).astype(int)
        given = cv2.resize(source.frame_at(rendered.start_s + 0.1).rgb(), (180, 320), interpolation=cv2.INTER_AREA)
    assert info.rotation == 90
    assert np.abs(out - given).mean() < 3
