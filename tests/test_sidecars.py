from __future__ import annotations

from types import SimpleNamespace

import pytest

from clipkit.errors import InputError
from clipkit.runs.folder import LooseFolder, RunFolder
from clipkit.runs.sidecars import Sidecars, choose_edits, find_sidecars

CLIP = SimpleNamespace(clip_id=1, start_s=10.0, end_s=14.0)
NAMES = ["tiktok", "x"]


def cue(text):
    return f"1\n00:00:00,100 --> 00:00:01,500\n{text}\n"


def write(folder, text, *, names=NAMES, edited=None):
    """Write sidecars as a rendering does and take note of them."""
    made = []
    folder.mkdir(exist_ok=True)
    for name in names:
        path = folder / f"1_{name}.srt"
        path.write_text(text, encoding="utf-8")
        made.append(SimpleNamespace(srt_path=path, edited=edited, start_s=10.0, end_s=14.0))
    tables = folder.parent / "tables" if folder.name == "clips" else folder
    Sidecars(folder.resolve(), tables).add(made)


def chosen(out, clip_list=None):
    edits = choose_edits(CLIP, NAMES, find_sidecars(LooseFolder(out), clip_list))
    return {name: (edit.path.name, edit.cues[0].text) for name, edit in edits.items()}


def test_what_clipkit_wrote_is_no_edit(tmp_path):
    write(tmp_path, cue("ours"))

    assert chosen(tmp_path) == {}


def test_an_edited_file_is_for_all_platforms_that_have_none_of_their_own(tmp_path):
    write(tmp_path, cue("ours"))
    (tmp_path / "1_x.srt").write_text(cue("mine"))

    assert chosen(tmp_path) == {"x": ("1_x.srt", "mine"), "tiktok": ("1_x.srt", "mine")}

    (tmp_path / "1_tiktok.srt").write_text(cue("shorter"))

    assert chosen(tmp_path) == {"x": ("1_x.srt", "mine"), "tiktok": ("1_tiktok.srt", "shorter")}


def test_an_edit_lasts_and_a_later_one_is_followed(tmp_path):
    write(tmp_path, cue("mine"), edited=(tmp_path / "1_x.srt").resolve())

    assert chosen(tmp_path)["tiktok"] == ("1_x.srt", "mine")

    (tmp_path / "1_x.srt").write_text(cue("mine, again"))

    assert chosen(tmp_path)["tiktok"] == ("1_x.srt", "mine, again")


def test_a_deleted_edit_is_gone(tmp_path):
    write(tmp_path, cue("mine"), edited=(tmp_path / "1_x.srt").resolve())
    (tmp_path / "1_x.srt").unlink()

    assert chosen(tmp_path) == {}


def test_a_clip_list_brings_the_edits_of_its_run_and_nearer_ones_come_first(tmp_path):
    write(tmp_path / "clips", cue("ours"))
    (tmp_path / "clips" / "1_x.srt").write_text(cue("of the run"))
    final = tmp_path / "final"

    assert chosen(final, tmp_path / "tables" / "clips.csv")["tiktok"] == ("1_x.srt", "of the run")

    write(final, cue("of the run"), edited=(tmp_path / "clips" / "1_x.srt").resolve())
    (final / "1_tiktok.srt").write_text(cue("nearer"))

    assert chosen(final, tmp_path / "tables" / "clips.csv")["x"] == ("1_tiktok.srt", "nearer")


def test_a_clip_list_beside_the_clips_brings_the_edits_there(tmp_path):
    write(tmp_path / "first", cue("ours"))
    (tmp_path / "first" / "1_x.srt").write_text(cue("mine"))

    assert chosen(tmp_path / "second", tmp_path / "first" / "clips.csv")["tiktok"] == ("1_x.srt", "mine")


def test_files_beside_a_list_that_is_of_no_run_are_left_alone(tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "1_x.srt").write_text("anything")

    assert chosen(tmp_path / "final", tmp_path / "tables" / "clips.csv") == {}


def test_a_damaged_list_of_sidecars_is_refused(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "sidecars.csv").write_text("nonsense\n1\n")

    with pytest.raises(InputError, match=r"sidecars\.csv"):
        find_sidecars(RunFolder(tmp_path))
