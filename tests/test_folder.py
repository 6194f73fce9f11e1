"""The run folder's record and what it says about mistakes."""

from __future__ import annotations

import errno
import json
import pickle
from pathlib import Path

import pandas as pd
import pytest

from clipkit.errors import InputError, ResourceError, error_from_dict
from clipkit.files import replace_file, safe_stem, write_text
from clipkit.runs.folder import LooseFolder, RunFolder, describe_error, folder_name, load_table, save_table


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "talk-0123abcd")
    run.begin(versions={"clipkit": "1"})
    return run


def finished(folder: RunFolder) -> RunFolder:
    folder.clips.mkdir()
    (folder.clips / "1_tiktok.mp4").write_bytes(b"clip")
    folder.save_table("clips.csv", pd.DataFrame({"clip_id": [1]}))
    folder.update(status="done", outputs=folder.list_outputs())
    return folder


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def write_half() -> None:
        with replace_file(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()

    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "resource.disk_full"), (errno.EACCES, "resource.not_writable")]
)
def test_error_of_the_disk_becomes_one_sentence(tmp_path: Path, number: int, code: str):
    with pytest.raises(ResourceError, match=r"a\.txt cannot be written") as caught, replace_file(tmp_path / "a.txt"):
        raise OSError(number, "no")

    assert caught.value.code == code
    assert list(tmp_path.iterdir()) == []


def test_names_are_safe_and_short_in_bytes():
    assert len(folder_name("видео про котов " * 20 + ".mp4", "f" * 64).encode()) <= 89
    assert safe_stem("../../etc/passwd") == "passwd"
    assert safe_stem("a\nb\t<c>.mp4") == "a-b-c"


def test_stage_is_timed_and_its_error_written_down(folder: RunFolder):
    refusal = InputError("talk.mp4: no.", code="input.too_short")
    with pytest.raises(InputError), folder.stage("measure"):
        raise refusal

    record = folder.record()
    assert record["status"] == "failed"
    assert record["error"]["code"] == "input.too_short"
    assert record["error"]["stage"] == "measure"
    assert record["timings"]["measure"] >= 0
    again = error_from_dict(record["error"])
    assert (type(again), again.message, again.exit_status) == (InputError, "talk.mp4: no.", 2)


def test_unexpected_error_is_named_as_ours():
    record = describe_error(KeyError("x"), "choose")

    assert record["code"] == "internal"
    assert record["message"].startswith("choose: a mistake inside clipkit (KeyError")


def test_new_attempt_forgets_the_end_of_the_last_and_its_half_files(folder: RunFolder):
    folder.update(status="failed", error={"code": "x"})
    (folder.path / ".0123.part.mp4").write_bytes(b"half")

    folder.begin()

    assert folder.record()["error"] is None
    assert folder.record()["status"] == "running"
    assert not list(folder.path.glob(".*part*"))


def test_note_is_kept_once(folder: RunFolder):
    folder.note("listen", "no subtitles")
    folder.note("listen", "no subtitles")

    assert folder.record()["notes"] == [{"stage": "listen", "message": "no subtitles"}]


def test_run_is_complete_while_its_clips_are_what_they_were(folder: RunFolder):
    finished(folder)
    assert folder.is_complete()

    (folder.clips / "1_tiktok.mp4").write_bytes(b"clop")
    assert not folder.is_complete()


def test_edited_clip_list_leaves_a_run_complete_but_a_missing_one_does_not(folder: RunFolder):
    finished(folder)
    (folder.tables / "clips.csv").write_text("clip_id\n2\n")
    assert folder.is_complete()

    (folder.tables / "clips.csv").unlink()
    assert not folder.is_complete()


def test_edited_captions_make_a_run_go_again(folder: RunFolder):
    finished(folder)
    (folder.clips / "1_tiktok.srt").write_text("ours")
    folder.update(outputs=folder.list_outputs())
    assert folder.is_complete()

    (folder.clips / "1_tiktok.srt").write_text("mine")
    assert not folder.is_complete()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 99, "status": "done"}'])
def test_damaged_record_means_not_complete(folder: RunFolder, text: str):
    (folder.path / "run.json").write_text(text)

    assert not folder.is_complete()


def test_record_is_plain_json_on_disk(folder: RunFolder):
    assert json.loads((folder.path / "run.json").read_text())["schema"] == 1


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_tables_come_back(tmp_path: Path, name: str):
    table = pd.DataFrame({"clip_id": [1, 2], "title": ['a, "b"', "NA"], "score": [0.25, 1.0]})

    save_table(table, tmp_path / name)

    pd.testing.assert_frame_equal(load_table(tmp_path / name), table, check_dtype=False)


def test_missing_and_broken_tables_say_so(tmp_path: Path):
    (tmp_path / "b.parquet").write_bytes(b"no table")
    with pytest.raises(InputError, match="no such table"):
        load_table(tmp_path / "a.csv")
    with pytest.raises(InputError, match="cannot be read as a table"):
        load_table(tmp_path / "b.parquet")


def test_loose_folder_writes_no_record(tmp_path: Path):
    folder = LooseFolder(tmp_path / "out")

    with folder.stage("shots"):
        folder.save_table("shots.csv", pd.DataFrame({"kind": ["cut"]}))

    assert [p.name for p in folder.path.iterdir()] == ["shots.csv"]


def test_an_error_survives_the_way_between_processes():
    sent = ResourceError("disk: full. Make room.", code="resource.disk_full", retry="never")

    received = pickle.loads(pickle.dumps(sent))

    assert type(received) is ResourceError
    assert received.to_dict() == sent.to_dict()
    assert str(received) == str(sent)
