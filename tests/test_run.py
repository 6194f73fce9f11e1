"""The main job, whole: one video in, checked clips and a report out."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import onnx_model
import pandas as pd
import papermill
import pytest

from clipkit.errors import InputError, RenderError
from clipkit.output.faces import FONTS_DIR
from clipkit.output.platforms import load_platforms
from clipkit.params import PLATFORM_NAMES, Params
from clipkit.profiles import make_params
from clipkit.resources import resource_path
from clipkit.runs.folder import LooseFolder, RunFolder
from clipkit.runs.identity import identify
from clipkit.runs.run import run
from clipkit.runs.stages import ClipRun
from clipkit.runs.verbs import analyze, reframe, render, shots

SHORT = {"selection": {"min_s": 3, "max_s": 7, "ideal_s": 5}}


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory, talk: Path) -> dict:
    """Return the record of one real run for all seven platforms."""
    return run(talk, out=tmp_path_factory.mktemp("out"), n_clips=2, platforms=PLATFORM_NAMES, settings=SHORT)


pytestmark = pytest.mark.notebook


def test_run_folder_is_complete(done: dict):
    folder = Path(done["run_dir"])
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    tables = (
        "frames.parquet audio.parquet words.parquet shots.csv candidates.csv clips.csv rejected.csv "
        "preflight.csv sidecars.csv crop.csv captions.csv verdicts.csv"
    )

    assert {"run.json", "clip_video.ipynb", "report.html", "timeline.otio", "timeline.edl", "timeline.fcpxml"} <= names
    assert {f"tables/{name}" for name in tables.split()} <= names
    for platform in PLATFORM_NAMES:
        for suffix in ("mp4", "srt", "jpg"):
            assert f"clips/1_{platform}.{suffix}" in names


def test_record_says_what_was_done(done: dict, talk: Path):
    record = RunFolder(done["run_dir"]).record()
    listed = {output["path"] for output in record["outputs"]}

    assert (record["schema"], record["status"], record["error"], record["verdicts_ok"]) == (1, "done", None, True)
    assert record["input"]["path"] == str(talk)
    assert len(record["input"]["sha256"]) == 64
    assert {"inspect", "measure", "listen", "render", "verify"} <= set(record["timings"])
    clips = RunFolder(done["run_dir"]).load_table("clips.csv")
    assert record["quality"]["mean_score"] == pytest.approx(clips["score"].mean(), abs=1e-4)
    assert 0.0 < record["quality"]["centre_prior"] <= 1.0
    assert Params.model_validate(record["params"]).selection.n_clips == 2
    assert "clips/2_x.mp4" in listed
    assert any(note["stage"] == "candidates" for note in record["notes"])


def test_executed_notebook_is_whole(done: dict):
    book = nbformat.read(Path(done["run_dir"]) / "clip_video.ipynb", as_version=4)

    assert all(cell.metadata.papermill.status == "completed" for cell in book.cells if cell.cell_type == "code")


def test_report_asks_for_nothing_outside(done: dict):
    html = (Path(done["run_dir"]) / "report.html").read_text(encoding="utf-8")
    page = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    addresses = re.findall(r'(?:src|href|poster|data)="([^"]+)"', page)

    assert addresses
    assert all(address.startswith(("data:", "clips/", "#")) for address in addresses)


def test_same_call_again_does_no_work(done: dict, talk: Path):
    again = run(talk, out=Path(done["run_dir"]).parent, n_clips=2, platforms=PLATFORM_NAMES, settings=SHORT)

    assert again["resumed"]
    assert again["run_dir"] == done["run_dir"]
    assert again["finished"] == done["finished"]


@pytest.mark.slow
def test_same_input_and_params_give_the_same_bytes(done: dict, talk: Path, tmp_path: Path):
    other = run(talk, out=tmp_path, n_clips=2, platforms=PLATFORM_NAMES, settings=SHORT)

    kept = {"clip", "captions", "cover", "table", "timeline"}
    first, second = (
        {o["path"]: o["sha256"] for o in record["outputs"] if o["kind"] in kept} for record in (done, other)
    )
    assert first == second


def test_hand_edited_captions_are_used_or_refused_before_anything_is_written(done: dict, talk: Path, tmp_path: Path):
    folder = tmp_path / "run"
    shutil.copytree(done["run_dir"], folder)
    clips = folder / "tables" / "clips.csv"
    mine = folder / "clips" / "1_tiktok.srt"
    mine.write_text(mine.read_text(encoding="utf-8").replace(" --> ", " -> "), encoding="utf-8")

    with pytest.raises(InputError) as raised:
        render(clips, video=talk, out=tmp_path / "out", platforms=["tiktok"])

    assert raised.value.code == "input.bad_captions"
    assert not list((tmp_path / "out").glob("*.mp4"))

    text = "1\n00:00:00,100 --> 00:00:02,000\n{mine}\n"
    mine.write_text(text, encoding="utf-8")
    clips.write_text("\n".join(clips.read_text().splitlines()[:2]) + "\n")
    render(clips, video=talk, out=tmp_path / "out", platforms=["x"])

    assert (tmp_path / "out" / "1_x.srt").read_text(encoding="utf-8") == text
    assert mine.read_text(encoding="utf-8") == text


def test_hand_edited_clip_list_is_rendered_as_it_says(done: dict, talk: Path, tmp_path: Path):
    clips = Path(done["run_dir"]) / "tables" / "clips.csv"
    edited = clips.parent / "mine.csv"
    edited.write_text("clip_id,start_s,end_s\n7,1.0,3.5\n")

    verdicts = render(edited, video=talk, out=tmp_path / "out", platforms=["tiktok"])
    edited.unlink()

    assert (tmp_path / "out" / "7_tiktok.mp4").is_file()
    assert set(verdicts["file"]) == {"7_tiktok.mp4"}
    assert not (~verdicts["ok"] & (verdicts["severity"] == "error")).any()


def test_failed_verdict_fails_the_run_and_names_the_row(talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    chain = ClipRun(talk, LooseFolder(tmp_path / "out"), make_params(platforms=["tiktok"], n_clips=1, settings=SHORT))
    chain.analyze()
    chain.render()
    (made,) = chain.rendered
    os.truncate(made.path, made.path.stat().st_size // 2)

    with pytest.raises(Exception, match=r"1_tiktok\.mp4") as caught:
        chain.verify()

    assert caught.value.code.startswith(("render.", "input."))


def test_analyze_writes_the_promised_tables(talk: Path, tmp_path: Path):
    folder = analyze(talk, out=tmp_path / "tables", settings=SHORT)

    assert {path.name for path in folder.iterdir()} == {
        "frames.parquet",
        "audio.parquet",
        "words.parquet",
        "shots.csv",
        "candidates.csv",
        "clips.csv",
        "rejected.csv",
        "preflight.csv",
    }


def test_shots_and_reframe_write_the_promised_columns(talk: Path, tmp_path: Path):
    transitions = shots(talk, out=tmp_path / "shots.csv")
    crop = reframe(talk, start_s=1.0, end_s=2.0, aspect="1:1", out=tmp_path / "crop.csv")

    header = (tmp_path / "shots.csv").read_text().splitlines()[0]
    assert header == "kind,begin,end,begin_s,end_s,score,margin"
    assert (tmp_path / "crop.csv").read_text().splitlines()[0] == "time_s,x,y,width,height,layout"
    assert len(transitions) >= 1
    assert len(crop) == 25
    assert crop["time_s"].between(1.0, 2.0, inclusive="left").all()


def test_keyframes_move_the_window_of_a_rendered_clip(talk: Path, tmp_path: Path):
    (tmp_path / "clips.csv").write_text("clip_id,start_s,end_s\n1,0.5,4.0\n")
    (tmp_path / "mine.csv").write_text("time_s,x\n1.0,1.0\n")
    settings = {"reframe": {"keyframes": str(tmp_path / "mine.csv")}, "render": {"preset": "ultrafast"}}

    render(tmp_path / "clips.csv", video=talk, out=tmp_path / "out", platforms=["tiktok"], settings=settings)

    crop = pd.read_csv(tmp_path / "out" / "crop.csv")
    first = crop[crop["layout"] == "keyframes"]
    assert first["time_s"].iloc[0] == pytest.approx(0.5, abs=0.05)
    assert (first["x"] + first["width"]).to_numpy() == pytest.approx(1.0)


@pytest.mark.parametrize(("section", "name"), [("reframe", "keyframes"), ("reframe", "detector"), ("captions", "font")])
def test_what_is_in_a_named_file_is_part_of_what_names_a_run(talk: Path, tmp_path: Path, section: str, name: str):
    mine = tmp_path / "mine"
    params = Params.model_validate({section: {name: str(mine)}})
    with pytest.raises(InputError, match=f"{section}.{name} must name a file"):
        identify(talk, params)
    mine.write_text("time_s,x\n1.0,0.2\n")
    before = identify(talk, params)["digest"]
    mine.write_text("time_s,x\n1.0,0.3\n")

    assert identify(talk, params)["digest"] != before


def test_the_notebook_gets_paths_that_hold_anywhere(talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    given: dict = {}

    def execute(_notebook: Path, _folder: RunFolder, parameters: dict, **_: object) -> None:
        given.update(parameters["settings"])
        raise KeyboardInterrupt

    monkeypatch.setattr("clipkit.runs.run.execute_notebook", execute)
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("time_s,x\n1.0,0.2\n")
    onnx_model.yunet(Path("mine.onnx"))
    shutil.copy(FONTS_DIR / "DejaVuSans-Bold.ttf", "mine.ttf")
    settings = {"reframe": {"keyframes": "mine.csv", "detector": "mine.onnx"}, "captions": {"font": "mine.ttf"}}
    with pytest.raises(KeyboardInterrupt):
        run(talk, out=tmp_path / "out", settings=settings)

    assert given["reframe"] == {"keyframes": str(tmp_path / "mine.csv"), "detector": str(tmp_path / "mine.onnx")}
    assert given["captions"] == {"font": str(tmp_path / "mine.ttf")}


@pytest.mark.skipif(os.name != "posix", reason="limits of file size are POSIX")
def test_full_disk_is_one_sentence_and_leaves_no_half_file(talk: Path, tmp_path: Path):
    import resource

    # No file may grow past this: the encoder meets it as a full disk.
    limit = 400_000
    command = [sys.executable, "-m", "clipkit", "render", str(tmp_path / "clips.csv"), "--video", str(talk)]
    (tmp_path / "clips.csv").write_text("clip_id,start_s,end_s\n1,0.5,12\n")
    finished = subprocess.run(
        [*command, "--out", str(tmp_path / "out"), "--platform", "tiktok"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )

    assert finished.returncode == 1, finished.stderr
    assert "is full" in finished.stderr
    assert "Traceback" not in finished.stderr
    out = tmp_path / "out"
    assert not [path for path in out.rglob("*") if path.suffix == ".mp4" or "part" in path.name]


def test_notebook_parameters_are_those_of_the_params():
    known = papermill.inspect_notebook(str(resource_path("notebooks", "clip_video.ipynb")))
    defaults = Params()

    assert list(known) == ["video", "run_dir", "profile", "platforms", "n_clips", "subtitles", "settings"]
    assert json.loads(known["platforms"]["default"]) == list(defaults.platforms.targets)
    assert int(known["n_clips"]["default"]) == defaults.selection.n_clips
    assert known["profile"]["default"] == f'"{defaults.scoring.profile}"'
    assert all(parameter["help"] for parameter in known.values())


def test_every_platform_has_a_row():
    assert tuple(load_platforms()) == PLATFORM_NAMES


def test_error_classes_keep_their_status():
    assert RenderError("x", code="render.x").exit_status == 1
