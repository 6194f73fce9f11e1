"""The command line: help, mistakes in one sentence, exit statuses, JSON alone on stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clipkit.ui.cli import main

VERBS = ("run", "batch", "shots", "analyze", "reframe", "render", "verify", "sample", "dashboard")


def refuse(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    status = main(list(arguments))
    out, err = capsys.readouterr()
    assert status == 2, err
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


def test_help_lists_every_verb(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])

    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert all(verb in out for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_json(capsys, verb):
    with pytest.raises(SystemExit):
        main([verb, "--help"])

    assert "--json" in capsys.readouterr().out


def test_wrong_flag_names_the_nearest(capsys):
    assert "Did you mean --platform?" in refuse(capsys, "run", "a.mp4", "--plattform", "x")


def test_abbreviated_flag_is_not_guessed(capsys):
    assert "--prof" in refuse(capsys, "run", "a.mp4", "--prof", "talk")


def test_missing_argument_and_unknown_verb_say_so(capsys):
    assert "VIDEO" in refuse(capsys, "run")
    assert "frobnicate" in refuse(capsys, "frobnicate")


def test_unknown_param_names_the_nearest(capsys, tmp_path):
    video = tmp_path / "a.mp4"
    video.write_bytes(b"x")

    assert "Did you mean 'max_s'" in refuse(capsys, "run", str(video), "--set", "selection.max_sec=3")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--subtitles", "none.srt"], "no such subtitle file"),
        (["--set", "captions.font=none.ttf"], "captions.font must name a font file"),
        (["--set", "reframe.keyframes=none.csv"], "none.csv"),
        (["--set", "reframe.detector=none.onnx"], "none.onnx"),
    ],
    ids=lambda given: given[-1] if isinstance(given, list) else "",
)
def test_named_file_that_is_not_there_is_one_sentence_before_any_work(capsys, tmp_path, hazard, options, words):
    out = tmp_path / "out"

    assert words in refuse(capsys, "run", str(hazard("cfr25.mp4")), "--out", str(out), *options)
    assert not out.exists() or not any(out.iterdir())


def test_unknown_platform_lists_those_there_are(capsys, tmp_path):
    assert "snapchat_spotlight" in refuse(capsys, "run", str(tmp_path / "a.mp4"), "--platform", "myspace")


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no such file"), (b"", "empty"), (b"Dear diary, this is text.\n" * 40, "a.mp4")],
    ids=["missing", "empty", "text"],
)
@pytest.mark.parametrize("verb", ["run", "shots", "analyze", "reframe"])
def test_file_that_is_no_video_is_one_sentence(capsys, tmp_path, content, words, verb):
    video = tmp_path / "a.mp4"
    if content is not None:
        video.write_bytes(content)
    out = [] if verb == "shots" else ["--out", str(tmp_path / "out")]

    error = refuse(capsys, verb, str(video), *out)

    assert "a.mp4" in error
    assert words in error
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_json_mistake_has_a_code_on_stdout_and_a_sentence_on_stderr(capsys, tmp_path):
    status = main(["run", str(tmp_path / "none.mp4"), "--json"])
    out, err = capsys.readouterr()

    assert status == 2
    assert json.loads(out)["error"]["code"] == "input.missing"
    assert "none.mp4" in err


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_may_not_be_written_is_refused(capsys, tmp_path, talk):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)

    assert main(["run", str(talk), "--out", str(closed)]) == 1
    assert "closed" in capsys.readouterr().err


def test_output_folder_that_is_a_file_is_refused_and_kept(capsys, tmp_path, talk):
    file = tmp_path / "file"
    file.write_text("mine")

    assert main(["run", str(talk), "--out", str(file)]) == 1
    assert "file" in capsys.readouterr().err
    assert file.read_text() == "mine"


def test_too_little_disk_is_refused_before_work(capsys, tmp_path, talk):
    assert main(["run", str(talk), "--out", str(tmp_path / "out"), "--set", "resources.min_free_gb=9999"]) == 1
    assert "free" in capsys.readouterr().err


def test_module_runs_as_a_program():
    done = subprocess.run([sys.executable, "-m", "clipkit", "--version"], capture_output=True, text=True, check=True)

    assert done.stdout.startswith("clipkit ")


def test_import_of_the_package_is_light():
    code = "import sys, clipkit; sys.exit(any(m in sys.modules for m in ('numba', 'cv2', 'pandas', 'papermill')))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_bad_clip_list_names_line_and_rule(capsys, tmp_path: Path, talk):
    clips = tmp_path / "clips.csv"
    clips.write_text("clip_id,start_s,end_s\n1,2,5\n2,9,7\n")

    error = refuse(capsys, "render", str(clips), "--video", str(talk), "--out", str(tmp_path / "out"))

    assert "clips.csv, line 3" in error


@pytest.mark.parametrize("verb", ["run", "reframe", "render", "analyze"])
def test_files_for_the_camera_that_cannot_be_used_are_refused_before_any_work(
    capsys, tmp_path: Path, talk, monkeypatch, verb
):
    monkeypatch.setattr("clipkit.runs.verbs.measure_frames", lambda *_, **__: pytest.fail("too late"))
    monkeypatch.setattr("clipkit.runs.stages.measure_frames", lambda *_, **__: pytest.fail("too late"))
    (tmp_path / "clips.csv").write_text("clip_id,start_s,end_s\n1,2,5\n")
    (tmp_path / "mine.csv").write_text("time_s,x\n1.0,left\n")
    video = [str(tmp_path / "clips.csv"), "--video", str(talk)] if verb == "render" else [str(talk)]
    out = ["--out", str(tmp_path / "out")]

    missing = refuse(capsys, verb, *video, *out, "--set", f"reframe.keyframes={tmp_path / 'none.csv'}")
    wrong = refuse(capsys, verb, *video, *out, "--set", f"reframe.keyframes={tmp_path / 'mine.csv'}")

    no_network = refuse(capsys, verb, *video, *out, "--set", f"reframe.detector={tmp_path / 'mine.csv'}")

    assert "none.csv" in missing
    assert "mine.csv: a detector must be an ONNX file" in no_network
    assert "mine.csv, line 2: x must be a fraction of the frame" in wrong
    assert not list(tmp_path.rglob("*.mp4"))


def test_render_says_what_a_platform_refuses_and_wastes_no_work_on_it(capsys, talk, tmp_path, monkeypatch):
    clips = tmp_path / "clips.csv"
    clips.write_text("clip_id,start_s,end_s\n1,0.0,3.0\n2,4.0,8.0\n")
    monkeypatch.setattr("clipkit.runs.stages.plan_crop", lambda *_, **__: pytest.fail("nothing needs a crop"))

    status = main(
        ["render", str(clips), "--video", str(talk), "--out", str(tmp_path / "out"), "--platform", "snapchat_spotlight"]
    )

    err = capsys.readouterr().err
    assert status == 2
    assert "clip 1 is not written for snapchat_spotlight: Snapchat Spotlight takes 5 to 60 s, the clip lasts 3 s" in err
    assert "Traceback" not in err
    assert not list((tmp_path / "out").glob("*.mp4"))


def test_render_and_reframe_say_what_they_did_for_a_person(capsys, talk, tmp_path):
    clips, mine = tmp_path / "clips.csv", tmp_path / "mine.csv"
    clips.write_text("clip_id,start_s,end_s\n1,0.0,3.0\n")
    mine.write_text("time_s,x\n0.0,0.4\n")
    fast = ["--set", "render.preset=ultrafast", "--set", f"reframe.keyframes={mine}"]

    assert main(["reframe", str(talk), "--to", "1", "--out", str(tmp_path / "crop.csv"), *fast[2:]]) == 0
    assert "crop.csv: keyframes 100%" in capsys.readouterr().out
    out = ["--video", str(talk), "--out", str(tmp_path / "out"), "--platform", "tiktok", "--platform", "x"]
    assert main(["render", str(clips), *out, *fast, "--json"]) == 0

    said, err = capsys.readouterr()
    (note,) = json.loads(said)["notes"]
    assert note == "the window goes through the keyframes of mine.csv in these clips: 1."
    assert err.count(f"note     {note}\n") == 1


def test_a_shape_that_no_platform_takes_is_refused_before_anything_is_measured(capsys, talk, tmp_path):
    platform = ["--platform", "facebook_reels", "--set", "reframe.aspect=16:9"]

    assert main(["run", str(talk), "--out", str(tmp_path), *platform]) == 2

    err = capsys.readouterr().err
    assert "no platform would take these clips: Facebook Reels takes frames of width/height 0.5625" in err
    assert not list(tmp_path.iterdir())
