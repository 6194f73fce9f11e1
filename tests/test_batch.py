"""Batches: many videos, one process tree each."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from clipkit.errors import InputError
from clipkit.runs import batch
from clipkit.runs.batch import find_videos, run_batch
from clipkit.ui.cli import main

FAST = ["--clips", "1", "--platform", "tiktok", "--set", "selection.min_s=3", "--set", "selection.max_s=6"]


def test_folders_are_searched_and_every_video_comes_once(tmp_path: Path):
    for name in ("b.mp4", "a.MKV", "note.txt", "deep/c.mov"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    found = find_videos([tmp_path / "b.mp4", tmp_path])

    assert [path.name for path in found] == ["b.mp4", "a.MKV", "c.mov"]


def test_missing_path_and_empty_folder_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no such file"):
        find_videos([tmp_path / "none.mp4"])
    with pytest.raises(InputError, match="no video was found"):
        find_videos([tmp_path])


@pytest.mark.notebook
@pytest.mark.slow
def test_bad_file_stops_nobody_and_the_second_call_does_only_what_is_left(tmp_path: Path, talk: Path, capsys):
    folder = tmp_path / "videos"
    folder.mkdir()
    shutil.copy(talk, folder / "good.mp4")
    (folder / "bad.mp4").write_text("this is text")
    arguments = ["batch", str(folder), "--out", str(tmp_path / "out"), "--json", *FAST]

    status = main(arguments)
    first = json.loads(capsys.readouterr().out)
    again = main(arguments)
    second = json.loads(capsys.readouterr().out)

    outcomes = {Path(item["video"]).name: item for item in first["videos"]}
    assert (status, again) == (1, 1)
    assert outcomes["good.mp4"]["state"] == "done"
    assert outcomes["good.mp4"]["n_clips"] == 1
    assert outcomes["bad.mp4"]["state"] == "failed"
    assert outcomes["bad.mp4"]["error"]["code"] == "input.not_media"
    assert {Path(item["video"]).name: item["state"] for item in second["videos"]}["good.mp4"] == "resumed"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a program of the test's own where the batch starts its children."""

    def put(code: str) -> None:
        path = tmp_path / "child.py"
        path.write_text(textwrap.dedent(code))
        started = batch.start_child

        def start(command, **pipes):
            return started([sys.executable, str(path), *command[3:]], **pipes)

        monkeypatch.setattr(batch, "start_child", start)

    return put


def test_video_that_takes_too_long_is_stopped_with_its_whole_tree(tmp_path: Path, program):
    pids = tmp_path / "pids"
    program(f"""
        import os, subprocess, sys, time
        grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        with open({str(pids)!r}, "w") as file:
            file.write(f"{{os.getpid()}} {{grandchild.pid}}")
        grandchild.wait()
        """)

    (item,) = run_batch([tmp_path / "a.mp4"], out=tmp_path, workers=1, timeout_s=2.0)

    assert item.state == "failed"
    assert item.error["code"] == "run.timeout"
    assert not any(psutil.pid_exists(int(pid)) for pid in pids.read_text().split())


def test_child_that_dies_without_an_answer_is_named_with_its_last_words(tmp_path: Path, program):
    program("""
        import os, sys
        print("out of luck", file=sys.stderr, flush=True)
        os._exit(9)
        """)

    (item,) = run_batch([tmp_path / "a.mp4"], out=tmp_path, workers=1, timeout_s=60.0)

    assert item.error["code"] == "run.died"
    assert "out of luck" in item.error["message"]


def test_no_more_than_the_asked_number_runs_at_a_time(tmp_path: Path, program):
    program("""
        import json, time
        time.sleep(0.4)
        print(json.dumps({"outputs": [], "run_dir": ""}))
        """)
    running = []

    items = run_batch(
        [tmp_path / f"{n}.mp4" for n in range(4)],
        out=tmp_path,
        workers=2,
        timeout_s=60.0,
        watch=lambda batch: running.append(sum(item.state == "running" for item in batch)),
    )

    assert max(running) == 2
    assert [item.state for item in items] == ["done"] * 4
