"""The benchmark as a whole: material, jobs, results, bars, the README's table, the command."""

from __future__ import annotations

import importlib.util
import itertools
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clipkit.bench import cost, table
from clipkit.bench.bars import bars, bars_table
from clipkit.bench.finishing import measure_finished, measure_step
from clipkit.bench.footage import Labelled
from clipkit.bench.hearing import CENTRE, centred, measure_talk
from clipkit.bench.job import PEERS, RENDERINGS, SCENEDETECT
from clipkit.bench.kernels import registry, time_kernels
from clipkit.bench.material import SAMPLE, Material, Recipe, Talk, sample_talk
from clipkit.bench.offcentre import SIZE, film_again
from clipkit.bench.results import OURS, Results, load_results
from clipkit.bench.run import QUICK, run_bench
from clipkit.bench.seeing import SKIPPED, measure_crop, measure_shots
from clipkit.bench.shots import score_shots
from clipkit.bench.talk import score_edges, talk_truth
from clipkit.bench.tvsum import measure_tvsum
from clipkit.bench.views import alarms, bars_figure, compare, costs, held, recalls
from clipkit.errors import InputError, ParamsError, ResourceError
from clipkit.media.reader import open_video
from clipkit.media.writer import write_video
from clipkit.output.figures import summary
from clipkit.params import Params
from clipkit.runs.verbs import shots
from clipkit.samples import make_sample
from clipkit.ui.cli import main

README = Path(__file__).resolve().parents[1] / "README.md"


@pytest.fixture(scope="module")
def cuts(tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    """Return a video of five noisy pictures, 20 frames each, that every detector can tell apart."""
    rng = np.random.default_rng(3)
    pictures = [np.kron(rng.integers(0, 256, (9, 16, 3)), np.ones((20, 20, 1))).astype(np.uint8) for _ in range(5)]
    path = tmp_path_factory.mktemp("cuts") / "cuts.mp4"
    write_video(path, (pictures[k // 20] for k in range(100)), frame_rate=25)
    truth = pd.DataFrame({"kind": "cut", "begin": [20, 40, 60, 80], "end": [20, 40, 60, 80]})
    return Labelled("cuts", path, truth)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return Material(tmp_path_factory.mktemp("work"), None, sample_height=90)


@pytest.mark.parametrize("who", [OURS, SKIPPED, *PEERS])
def test_every_detector_counts_frames_alike(cuts: Labelled, who: str):
    if cost.can_run(who):
        pytest.skip(cost.can_run(who))
    results = Results()

    measure_shots(cuts, "shots", results, (who,))

    assert results.values("shots", "hit cut", who=who) == {"cuts": 4.0}
    assert results.values("shots", "cut_offset_frames", who=who) == {"cuts": 0.0}


def test_a_job_finds_what_the_command_finds(cuts: Labelled):
    found = cost.measure(OURS, cuts.path).found

    assert found.to_numpy().tolist() == shots(cuts.path)[["begin", "end"]].to_numpy().tolist()


def test_a_job_says_what_it_took_and_how_it_failed(cuts: Labelled, tmp_path: Path):
    decoding = cost.measure("decode", cuts.path)

    assert decoding.found.empty
    assert 0 < decoding.cpu_s < 60
    assert decoding.peak_bytes > 10_000_000
    (tmp_path / "none.mp4").write_bytes(b"no video")
    with pytest.raises(ResourceError, match=r"none\.mp4: decode ended early") as refused:
        cost.measure("decode", tmp_path / "none.mp4")
    assert refused.value.code == "resource.job_failed"


def test_a_missing_peer_is_noted_and_left_out(cuts: Labelled, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    results = Results()

    measure_shots(cuts, "shots", results, tuple(SCENEDETECT))

    assert results.rows == []
    assert len(results.notes) == 1
    assert "PySceneDetect is not installed" in results.notes[0]


def test_the_sample_is_a_pool_of_its_scenes(material: Material):
    path, made = material.sample
    joins = [round(scene.begin / 25, 2) for scene in made.scenes[1:]]

    assert len(material.spans) == len(made.scenes)
    assert all(not any(span.start_s < join < span.end_s for join in joins) for span in material.spans)
    assert all(span.path == path for span in material.spans)
    assert len({span.source for span in material.spans}) == len(made.scenes)


def test_composed_videos_are_made_once(material: Material):
    recipe = Recipe(5, 0.05, size=(64, 36))

    first = material.composed(recipe)
    written = first.path.stat().st_mtime_ns
    second = Material(material.work, None, sample_height=90).composed(recipe)

    assert second.path == first.path
    assert second.path.stat().st_mtime_ns == written
    assert second.truth.equals(first.truth)
    assert material.composed(Recipe(6, 0.05, size=(64, 36))).path != first.path


def test_the_sample_brings_its_own_truth(material: Material):
    (labelled,) = material.labelled
    (boxed,) = material.boxed
    talk = material.talk(1, 5.0)

    assert set(labelled.truth["kind"]) == {"cut", "dissolve", "fade"}
    assert score_shots(labelled.truth, labelled.truth).f1 == 1.0
    assert boxed.boxes["x0"].lt(boxed.boxes["x1"]).all()
    sentence = talk.truth.sentences[1]
    clean = score_edges(talk.truth, pd.DataFrame({"start_s": [sentence[0] - 0.1], "end_s": [sentence[1] + 0.1]}))
    assert clean.figures()["whole_sentences"] == 1.0


def test_a_talk_is_measured_beside_the_centre_prior(tmp_path: Path, talk: Path):
    truth = talk_truth(sample_talk(make_sample(height=180, n_sentences=5)))
    results = Results()

    measure_talk(Talk(SAMPLE, talk, truth, talk.with_suffix(".srt")), results, tmp_path)

    for words in ("subtitles", "no subtitles"):
        item = f"{SAMPLE}, {words}"
        assert results.values("edges", "n_clips", item=item)[item] >= 1
        assert results.values("edges", "edges_in_word", item=item) == {item: 0.0}
        assert item in results.values("edges", "edges_in_word", who=CENTRE, item=item)
    assert results.values("speech", "f1")[SAMPLE] > 0.8


def test_the_centre_prior_lies_side_by_side_in_the_middle():
    clips = pd.DataFrame({"start_s": [40.0, 0.0], "end_s": [50.0, 20.0]})

    assert centred(clips, 100.0).to_numpy().tolist() == [[35.0, 45.0], [45.0, 65.0]]


def test_a_crop_is_measured_where_the_boxes_are(material: Material):
    (boxed,) = material.boxed
    results = Results()

    measure_crop(replace(boxed, boxes=boxed.boxes[boxed.boxes["time_s"] < 12.0]), "crop", results, Params())

    inside = results.values("crop", "path_centre_inside")[SAMPLE]
    assert 0 <= inside <= 1
    assert held(results).loc[SAMPLE, OURS] == pytest.approx(inside, abs=1e-3)
    assert results.values("crop", "n_rows")[SAMPLE] == 60


def test_crops_are_held_to_the_limit_the_centre_and_the_best_fixed_window():
    held = {"path": 0.92, "centre": 0.94, "static": 0.92}
    rows = [("crop", "bmx", OURS, f"{who}_mean_inside", value) for who, value in held.items()]
    rows += [("crop", "bmx", OURS, f"{who}_centre_inside", 0.95) for who in held]
    rest = {"limit": 1.0, "n_rows": 10.0, "reversals_per_minute": 6.5, "third_difference": 1e-4}
    rows += [("crop", "bmx", OURS, name, value) for name, value in rest.items()]

    found = {bar.what: bar.holds for bar in bars(made_results(*rows))}

    assert list(found.values()) == [True, True, False, True, False, True]


def test_a_clip_filmed_again_has_its_boxes_on_its_subject(tmp_path: Path):
    side = 20
    lefts = [100 + number for number in range(75)]

    def picture(left: int) -> np.ndarray:
        image = np.full((90, 320, 3), 40, np.uint8)
        image[30 : 30 + side, left : left + side] = (220, 220, 60)
        return image

    write_video(tmp_path / "a.mp4", map(picture, lefts), frame_rate=25, crf=10)
    rows = [(k / 25, left / 320, (left + side) / 320, 30 / 90, 50 / 90, 1) for k, left in enumerate(lefts)]
    boxes = pd.DataFrame(rows[25::5], columns=["time_s", "x0", "x1", "y0", "y1", "certain"])

    again = film_again(tmp_path / "a.mp4", boxes, tmp_path / "b.mp4", seed=1)

    assert again["time_s"].iloc[0] == 0.0
    assert again["certain"].eq(1).all()
    assert (again["x0"] + again["x1"]).sub(1.0).abs().max() > 0.2
    with open_video(tmp_path / "b.mp4") as reader:
        for row in again.iloc[:-1].itertuples():
            bright = reader.frame_at(row.time_s + 0.001).rgb()[..., 0] > 150
            across, down = np.flatnonzero(bright.any(axis=0)), np.flatnonzero(bright.any(axis=1))
            assert across[[0, -1]] / SIZE[0] == pytest.approx([row.x0, row.x1], abs=0.01)
            assert down[[0, -1]] / SIZE[1] == pytest.approx([row.y0, row.y1], abs=0.02)


def test_finished_files_are_measured_by_another_program(tmp_path: Path, talk: Path):
    results = Results()

    measure_finished(talk, results)
    measure_step(results, edit_list=True)

    assert results.notes == []
    assert set(results.values("finished", "broken_rules").values()) == {0.0}
    assert list(results.values("finished", "lufs").values()) == pytest.approx([-14.0, -14.0], abs=0.5)
    assert results.values("step", "apart_ms")["edit list"] < 10
    assert {bar.what.split(",")[0] for bar in bars(results)} >= {"reading speed of captions", "their true peak"}


def test_rendering_is_a_job_beside_one_command(talk: Path):
    for name in RENDERINGS:
        assert cost.measure(name, talk).cpu_s > 0


def test_rated_videos_get_our_rows_where_the_video_is_there(tmp_path: Path, talk: Path):
    rng = np.random.default_rng(1)
    duration_s = make_sample(height=180, n_sentences=5).duration_s
    label = rng.integers(1, 6, (round(duration_s / 2), 4)).tolist()
    records = [{"vid": name, "duration": duration_s, "label": label} for name in ("talk", "gone")]
    (tmp_path / "labels.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records))
    labels_only, both = Results(), Results()

    measure_tvsum(tmp_path, labels_only, tmp_path / "work")
    (tmp_path / "talk.mp4").symlink_to(talk)
    measure_tvsum(tmp_path, both, tmp_path / "work")

    assert labels_only.values("rated", "tau", who=CENTRE)
    assert not labels_only.values("rated", "tau")
    assert "none of the 2 rated videos" in labels_only.notes[0]
    assert -1 <= both.values("rated", "tau")["1 videos"] <= 1
    assert 0 <= both.values("rated", "percentile of 1 x 15 s")["1 videos"] <= 1
    assert "1 of the 2 rated videos are there" in both.notes[0]
    assert any(bar.what == "rated videos, tau" and "one person" in bar.beside for bar in bars(both))


def test_an_hour_is_ranked_anew_from_its_table():
    assert 0 < cost.time_to_rerank(repeats=1) < 30


def test_kernels_are_timed_from_the_registry():
    cases = registry()
    assert cases is not None
    results = Results()

    names = list(itertools.islice(time_kernels(results, budget_s=0.0), 2))

    assert names == [case.name for case in cases.CASES[:2]]
    assert all(value > 0 for *_, value in results.rows)


def test_results_survive_a_file(tmp_path: Path):
    results = Results(about={"seeds": [1]}, notes=["nothing is missing"])
    results.add("shots", "seed 1", OURS, "f1", 0.9)
    results.add("shots", "seed 1", OURS, "cut_offset_frames", math.nan)

    results.save(tmp_path)
    again = load_results(tmp_path)

    assert again.about == results.about
    assert again.notes == results.notes
    assert again.rows[0] == results.rows[0]
    assert math.isnan(again.rows[1][4])
    assert pd.read_csv(tmp_path / "results.csv")["figure"].tolist() == ["f1", "cut_offset_frames"]
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(InputError, match="Run `clipkit bench` first"):
        load_results(tmp_path)


def made_results(*rows: tuple[str, str, str, str, float]) -> Results:
    about = {"date": "2026-01-01", "clipkit": "0", "python": "3", "system": "any", "cores": 2, "seeds": [1, 2]}
    return Results(list(rows), about=about | {"footage": True, "whole": True, "minutes": 4.0})


@pytest.mark.parametrize(
    ("rows", "what", "holds"),
    [
        ([("shots", "a", OURS, "f1", 0.95), ("shots", "b", OURS, "f1", 0.97)], "F1 of transitions", True),
        ([("shots", "a", OURS, "f1", 0.94), ("shots", "b", OURS, "f1", 0.99)], "F1 of transitions", False),
        ([("shots", "a", OURS, "f1", 0.95), ("shots", "b", OURS, "f1", 0.96)], "F1 of transitions", False),
        ([("real", v, OURS, "f1", 0.9) for v in "abc"] + [("real", "a", PEERS[0], "f1", 0.95)], "hand-labelled", True),
        (
            [("real", v, OURS, "f1", 0.9) for v in "abc"] + [("real", v, PEERS[0], "f1", 0.9) for v in "ab"],
            "hand",
            False,
        ),
        ([("speed", "720p", OURS, "cpu_s", 1.1), ("speed", "720p", "decode", "cpu_s", 1.0)], "CPU of all", True),
        ([("speed", "720p", OURS, "cpu_s", 1.2), ("speed", "720p", "decode", "cpu_s", 1.0)], "CPU of all", False),
        ([("speed", "360p", OURS, "cpu_s", 1.2), ("speed", "360p", "decode", "cpu_s", 1.0)], "CPU of all", True),
        ([("start", "new process", OURS, "ready_s", 1.2)], "new process", False),
        ([("speech", "t", OURS, "f1", 0.93)], "F1 of speech", True),
        ([("rerank", "one hour", OURS, "ms", 100.0)], "ranking one hour", True),
        ([("memory", "1080p", OURS, "peak_mb", 901.0)], "peak memory", False),
        ([("whole", "reframing at 1080p", OURS, "cpu_share", 0.35)], "CPU of reframing", True),
        ([("whole", "talk", OURS, "wall_share", 0.36)], "talk: six clips", False),
        ([("step", kind, OURS, "apart_ms", ms) for kind, ms in (("a", 1.0), ("b", 10.5))], "sound beside", False),
        (
            [
                ("finished", "silent", OURS, "lufs", -70.0),
                ("finished", "loud", OURS, "lufs", -14.2),
                ("finished", "loud", OURS, "true_peak_db", -1.2),
            ],
            "loudness of 1 files",
            True,
        ),
        ([("finished", f, OURS, "broken_rules", n) for f, n in (("a", 0.0), ("b", 1.0))], "finished files", False),
        (
            [("rendering", "v", who, "cpu_s", s) for who, s in zip(RENDERINGS, (2.0, 1.0, 0.9), strict=True)],
            "speed of writing",
            True,
        ),
    ],
)
def test_bars_hold_at_their_limit_and_not_beyond(rows: list, what: str, holds: bool):
    (bar,) = [bar for bar in bars(made_results(*rows)) if bar.what.startswith(what)]

    assert bar.holds is holds


def test_skipping_the_loop_filter_must_not_cost_accuracy():
    def bar(loss: float) -> bool:
        rows = [("speed", "720p", who, "cpu_s", value) for who, value in ((OURS, 1.0), (SKIPPED, 0.8), ("decode", 1.0))]
        f1 = [("shots", "a", OURS, "f1", 0.97), ("shots", "a", SKIPPED, "f1", 0.97 - loss)]
        return next(b.holds for b in bars(made_results(*rows, *f1)) if b.what.startswith("the same"))

    assert bar(0.004)
    assert not bar(0.02)


def test_recall_and_alarms_are_counted_over_all_seeds():
    counts = {"hit cut": 9, "all cut": 10, "hit fade": 1, "all fade": 4, "alarm pan": 1, "decoys pan": 5}
    rows = [("shots", seed, OURS, figure, value) for seed in "ab" for figure, value in counts.items()]
    results = made_results(*rows, ("shots", "a", OURS, "f1", 0.9))

    assert recalls(results, "shots").loc["fade"].tolist() == [0.25, 8]
    assert alarms(results, "shots").loc["pan"].tolist() == [0.2, 10]
    found = {bar.what: bar for bar in bars(results)}
    assert found["recall of hard cuts"].measured == "0.900"
    assert found["recall of each gradual kind"].measured == "fade 0.25"
    assert found["decoys that raise an alarm"].measured == "20.0%"
    assert bars_table(results)["holds"].tolist() == ["no"] * 4


def test_views_put_ours_first_and_empty_parts_are_empty():
    results = made_results(
        ("speed", "360p", "decode", "cpu_s", 2.0),
        ("speed", "360p", OURS, "cpu_s", 3.0),
        ("shots", "a", OURS, "f1", 0.9),
    )

    assert compare(results, "speed", "cpu_s").columns.tolist() == [OURS, "decode"]
    assert costs(results).loc["360p", OURS] == 1.5
    assert compare(results, "real", "f1").empty
    assert "360p: clipkit" in summary(bars_figure(compare(results, "speed", "cpu_s"), "CPU seconds"))
    assert summary(bars_figure(compare(results, "real", "f1"), "F1")) == "F1"


def test_the_readme_has_a_place_for_the_table_and_writing_twice_changes_nothing(tmp_path: Path):
    made_results(("shots", "a", OURS, "f1", 0.95), ("speech", "t", OURS, "f1", 0.5)).save(tmp_path)
    page = tmp_path / "README.md"
    page.write_text(README.read_text())

    assert table.main([str(tmp_path), str(page)]) == 0
    once = page.read_text()
    assert table.main([str(tmp_path), str(page)]) == 0

    assert page.read_text() == once
    assert "| F1 of speech at 10 ms | ≥ 0.93 | 0.500 lowest of 1 | **no** |  |" in once
    outside = [text.split(table.BEGIN)[0] + text.split(table.END)[1] for text in (once, README.read_text())]
    assert outside[0] == outside[1]


@pytest.mark.parametrize("name", ["footage", "whole"])
def test_the_readme_keeps_its_table_after_anything_less(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str):
    results = made_results(("shots", "a", OURS, "f1", 0.95))
    results.about[name] = False
    results.save(tmp_path)
    (tmp_path / "README.md").write_text(README.read_text())

    assert table.main([str(tmp_path), str(tmp_path / "README.md")]) == 0
    assert "keeps its table" in capsys.readouterr().err
    assert (tmp_path / "README.md").read_text() == README.read_text()


def test_a_page_without_markers_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    made_results(("start", "new process", OURS, "ready_s", 1.2)).save(tmp_path)
    (tmp_path / "README.md").write_text(f"{table.END} {table.BEGIN}")

    assert table.main([str(tmp_path), str(tmp_path / "README.md")]) == 2
    assert "each once" in capsys.readouterr().err
    assert table.main([str(tmp_path / "gone"), str(tmp_path / "README.md")]) == 2


def test_unknown_parts_and_folders_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(ParamsError, match="there is no part 'shot'") as refused:
        run_bench(replace(QUICK, parts=("shot",)), work=tmp_path)
    assert refused.value.code == "params.unknown_part"

    assert main(["bench", "shots", "--media", str(tmp_path / "none"), "--out", str(tmp_path / "out"), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "input.missing"
    assert not (tmp_path / "out").exists()


@pytest.mark.notebook
def test_the_command_leaves_results_and_the_executed_notebook(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "media" / "cuts").mkdir(parents=True)
    status = main(
        ["bench", "start", "--quick", "--media", str(tmp_path / "media"), "--out", str(tmp_path / "out"), "--json"]
    )

    answer = json.loads(capsys.readouterr().out)
    assert status == 0
    assert [bar["what"] for bar in answer["bars"]] == ["new process ready"]
    assert load_results(tmp_path / "out").values("start", "ready_s")
    assert "papermill" in (tmp_path / "out" / "benchmark.ipynb").read_text()


def test_a_small_measurement_reports_its_progress(tmp_path: Path):
    told: list[tuple[float, str]] = []
    scope = replace(QUICK, parts=("memory",), heights=(90,), speed_minutes=0.03, sample_height=90)

    results = run_bench(scope, work=tmp_path, progress=lambda share, what: told.append((share, what)))

    assert told == [(0.0, "memory"), (1.0, "done")]
    assert results.values("memory", "peak_mb")["90p"] > 50
    assert not results.about["footage"]
    assert not results.about["whole"]
    assert "built-in sample" in results.notes[0]
