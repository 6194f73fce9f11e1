import asyncio
import json
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from run_folder import make_run

from clipkit.errors import InputError, ParamsError, ResourceError
from clipkit.params import ScoringWeights
from clipkit.profiles import load_params
from clipkit.runs.monitor import Monitor
from clipkit.ui.dashboard import DashboardModel
from clipkit.ui.dashboard_view import DashboardView
from clipkit.ui.server import serve
from clipkit.ui.weights import WeightSliders

EVIL = '<img src=x onerror="alert(1)"></script>'


@pytest.fixture
def reports(tmp_path, rng, monkeypatch):
    monkeypatch.setenv("CLIPKIT_HOME", str(tmp_path / "home"))
    make_run(tmp_path / "reports" / "A-talk-01234567", rng, n_candidates=60)
    return tmp_path / "reports"


@pytest.fixture
def model(reports):
    model = DashboardModel(reports)
    model.open("A-talk-01234567")
    return model


def change_record(run_dir: Path, **fields) -> None:
    path = run_dir / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **fields}), encoding="utf-8")


# The model


def test_runs_are_listed_with_what_they_say(reports, rng):
    make_run(reports / "B", rng)
    change_record(
        reports / "B", status="running", stage="render", progress=0.4, pid=os.getpid(), started="2026-02-01T00:00:00Z"
    )
    make_run(reports / "C", rng)
    change_record(reports / "C", status="running", stage="render", pid=2**22 + 1)
    (reports / "D").mkdir()
    (reports / "D" / "run.json").write_text("{ broken", encoding="utf-8")
    (reports / "not-a-run").mkdir()
    (reports / ".hidden").mkdir()
    (reports / ".hidden" / "run.json").write_text("{}", encoding="utf-8")

    runs = {run.name: run for run in DashboardModel(reports).runs}

    assert next(iter(runs)) == "B"
    assert {name: run.status for name, run in runs.items()} == {
        "A-talk-01234567": "done",
        "B": "running",
        "C": "stopped",
        "D": "damaged",
    }
    assert (runs["B"].stage, runs["B"].progress) == ("render", 0.4)
    assert runs["A-talk-01234567"].n_files == 6


@pytest.mark.parametrize(
    "record",
    [
        {"status": "done", "progress": "much", "pid": "x", "outputs": {"a": 1}, "input": 7, "media": [1]},
        {"status": ["done"], "params": {"scoring": {"weights": {"hook": 99}}}},
        {"status": "running", "pid": -5, "progress": 7, "timings": {"a": "b"}, "notes": "x"},
        [],
    ],
)
def test_a_damaged_run_does_not_break_the_page(reports, record):
    (reports / "D").mkdir()
    (reports / "D" / "run.json").write_text(json.dumps(record), encoding="utf-8")

    model = DashboardModel(reports)
    view = DashboardView(model)
    view.picker.value = "D"
    assert "/reports/D</p>" in view.heading.value
    view.picker.value = "A-talk-01234567"

    assert model.ranking is not None
    assert len(model.runs) == 2


def test_a_missing_reports_folder_is_an_empty_list_that_fills(tmp_path, rng):
    model = DashboardModel(tmp_path / "later")
    view = DashboardView(model)
    assert model.runs == ()
    assert view.picker.value is None

    make_run(tmp_path / "later" / "A", rng)
    model.refresh()

    assert [run.name for run in model.runs] == ["A"]
    assert view.picker.value == "A"


def test_only_records_that_changed_are_opened_again(reports, monkeypatch):
    model = DashboardModel(reports)
    opened = []
    monkeypatch.setattr(
        "clipkit.ui.dashboard.RunRecord", lambda folder: opened.append(folder) or (_ for _ in ()).throw(AssertionError)
    )

    model.refresh()

    assert opened == []


def test_a_name_outside_the_list_cannot_be_opened(model):
    for name in ("..", "../reports/A-talk-01234567", "", "/"):
        with pytest.raises(KeyError):
            model.open(name)


def test_ranking_follows_the_weights_from_the_term_columns(model):
    model.weigh(dict.fromkeys(ScoringWeights.model_fields, 0.0) | {"pace": 1.0})

    pace = model.ranking["pace"].to_numpy()
    assert np.all(np.diff(pace) <= 0)
    np.testing.assert_allclose(model.ranking["score"], pace, atol=1e-3)
    assert model.ranking["rank"].tolist() == list(range(1, 61))
    assert sorted(model.ranking["rank_before"]) == list(range(1, 61))
    assert model.ranking["chosen"].sum() == len(model.chosen) > 0


def test_opening_a_run_takes_the_weights_it_was_made_with(reports, rng):
    record = json.loads((reports / "A-talk-01234567" / "run.json").read_text(encoding="utf-8"))
    record["params"]["scoring"]["weights"]["hook"] = 0.77
    (reports / "A-talk-01234567" / "run.json").write_text(json.dumps(record), encoding="utf-8")
    model = DashboardModel(reports)

    model.open("A-talk-01234567")

    assert model.weights["hook"] == 0.77


def test_a_run_without_candidates_says_so(reports):
    (reports / "A-talk-01234567" / "tables" / "candidates.csv").unlink()
    model = DashboardModel(reports)
    view = DashboardView(model)

    model.open("A-talk-01234567")

    assert model.ranking is None
    assert "no candidates to rank" in view.ranking.value


def test_state_goes_out_and_comes_back(model, reports):
    model.weigh({"hook": 0.9})
    state = json.loads(json.dumps(model.state()))

    other = DashboardModel(reports)
    other.restore(state)

    assert other.weights == model.weights
    pd.testing.assert_frame_equal(other.ranking, model.ranking)


def test_the_machine_is_read_and_its_history_kept_short(reports, monkeypatch):
    model = DashboardModel(reports)
    clock = iter(range(0, 100_000, 10))
    monkeypatch.setattr("clipkit.runs.monitor.time.monotonic", lambda: float(next(clock)))
    model.history = ()

    for _ in range(40):
        model.refresh()

    assert len(model.history) == 12
    assert 0 <= model.reading.memory <= 100
    assert "polyline" in DashboardView(model).gauges.value


def test_no_gpu_is_said_in_words(monkeypatch, reports):
    import pynvml

    def missing():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", missing)

    model = DashboardModel(reports)
    view = DashboardView(model)

    assert Monitor().read().gpu is None
    assert "no GPU found" in view.gauges.value


# Profiles


def test_saved_profile_lists_only_what_differs_and_loads_again(model):
    model.weigh({"hook": 0.9, "pace": 0.0})

    path = model.save_profile("mine")

    saved = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert saved == {"scoring": {"weights": {"hook": 0.9, "pace": 0.0}}}
    weights = load_params("mine").scoring.weights.model_dump()
    assert weights == {**ScoringWeights().model_dump(), "hook": 0.9, "pace": 0.0}


def test_saved_profile_is_laid_over_the_profile_of_the_run(reports):
    talk = load_params("talk")
    change_record(reports / "A-talk-01234567", params=talk.model_dump(mode="json"))
    model = DashboardModel(reports)
    model.open("A-talk-01234567")
    model.weigh({"payoff": 0.93})

    path = model.save_profile("my talk")

    saved = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert saved == {"scoring": {"profile": "talk", "weights": {"payoff": 0.93}}}
    weights = load_params("my talk").scoring.weights
    assert weights == talk.scoring.weights.model_copy(update={"payoff": 0.93})


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/b", "a\\b", "x.yaml", ".hidden", "a\nb", "x" * 65, "talk", "AUTO", "-x"]
)
def test_unsafe_or_taken_names_are_refused(model, name, tmp_path):
    model.weigh({"hook": 0.9})

    with pytest.raises(ParamsError):
        model.save_profile(name)

    assert not list(tmp_path.rglob("*.yaml"))


def test_a_profile_is_replaced_only_when_asked(model):
    model.weigh({"hook": 0.9})
    path = model.save_profile("mine")
    model.weigh({"hook": 0.1})

    with pytest.raises(ParamsError, match="already"):
        model.save_profile("mine")
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["scoring"]["weights"] == {"hook": 0.9}

    model.save_profile("mine", overwrite=True)
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["scoring"]["weights"] == {"hook": 0.1}


def test_nothing_is_saved_when_nothing_differs(model):
    with pytest.raises(ParamsError, match="nothing differs"):
        model.save_profile("mine")


# The view


def test_a_slider_sets_the_model_and_the_model_sets_the_slider(model):
    view = DashboardView(model)
    before = model.ranking["candidate_id"].tolist()

    view.sliders.sliders["motion"].value = 1.0
    assert model.weights["motion"] == 1.0
    assert model.ranking["candidate_id"].tolist() != before

    view.reset.click()
    assert view.sliders.sliders["motion"].value == ScoringWeights().motion
    assert model.ranking["candidate_id"].tolist() == before


def test_a_second_view_shows_the_same_thing(model):
    model.weigh({"hook": 0.9})

    view = DashboardView(model)

    assert view.picker.value == "A-talk-01234567"
    assert view.sliders.value == model.weights
    assert view.sliders.sliders["hook"].value == 0.9
    assert model.weights["hook"] == 0.9


def test_one_slider_ranks_once(model, monkeypatch):
    view = DashboardView(model)
    count = []
    model.observe(lambda change: count.append(change), "ranking")

    view.sliders.sliders["hook"].value = 0.5

    assert len(count) == 1


def test_sliders_have_the_bounds_and_descriptions_of_the_settings():
    sliders = WeightSliders().sliders

    assert list(sliders) == list(ScoringWeights.model_fields)
    assert {(slider.min, slider.max) for slider in sliders.values()} == {(0.0, 1.0)}
    assert sliders["hook"].tooltip == ScoringWeights.model_fields["hook"].description


def test_clips_play_from_the_route_for_files(model):
    view = DashboardView(model, media_url="/runs/")

    assert 'src="/runs/A-talk-01234567/clips/1_tiktok.mp4"' in view.clips.value
    assert 'poster="/runs/A-talk-01234567/clips/1_tiktok.jpg"' in view.clips.value


def test_players_are_left_alone_while_nothing_changed(model):
    view = DashboardView(model)
    changes = []
    view.clips.observe(changes.append, "value")

    view._show_opened()
    model.refresh()
    view._show_opened()
    assert changes == []

    path = model.run.folder / "tables" / "clips.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("Why the answer is 2", "Another title"), encoding="utf-8")
    view._show_opened()
    assert len(changes) == 1
    assert "Another title" in view.clips.value


def test_text_from_strangers_stays_text(reports):
    run_dir = reports / "A-talk-01234567"
    clips = pd.read_csv(run_dir / "tables" / "clips.csv").assign(title=EVIL, reason=EVIL)
    clips.to_csv(run_dir / "tables" / "clips.csv", index=False)
    change_record(run_dir, input={"path": f"{EVIL}.mp4"}, status="failed", error={"stage": EVIL, "message": EVIL})

    view = DashboardView(DashboardModel(reports))

    shown = view.clips.value + view.heading.value + view.chosen.value + view.ranking.value
    assert "<img src=x" not in shown
    assert "&lt;img src=x" in shown


def test_save_button_says_what_is_wrong_and_what_was_written(model, tmp_path):
    view = DashboardView(model)
    view.sliders.sliders["hook"].value = 0.66

    view.name.value = "../evil"
    view.save.click()
    assert "letters, digits" in view.saved.value

    view.name.value = "mine"
    view.save.click()
    assert "Saved as" in view.saved.value
    assert (tmp_path / "home" / "profiles" / "mine.yaml").is_file()


def test_live_task_says_when_it_stops(model, monkeypatch):
    view = DashboardView(model)

    async def run_until_it_fails():
        monkeypatch.setattr(model, "refresh", lambda: 1 / 0)
        view.start(0.01)
        with pytest.raises(ZeroDivisionError):
            await view._task

    asyncio.run(run_until_it_fails())

    assert "Live figures stopped" in view.alarm.value


# The server


def test_a_port_in_use_is_one_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(ResourceError, match=f"port {port}"):
            serve(tmp_path, port=port)


def test_a_file_is_no_reports_folder(tmp_path):
    (tmp_path / "x").write_text("", encoding="utf-8")

    with pytest.raises(InputError, match="folder of runs"):
        serve(tmp_path / "x", port=1)


@pytest.mark.slow
@pytest.mark.notebook
def test_the_server_ends_when_it_is_stopped_while_a_page_is_built(reports, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "CLIPKIT_TOKEN": "secret", "TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    command = [sys.executable, "-m", "clipkit.ui.server", str(reports), "--port", str(port)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            while not (line := process.stderr.readline()).startswith("clipkit dashboard:"):
                assert line, "the server ended before it listened"
            request = f"http://127.0.0.1:{port}/voila/render/dashboard.ipynb?token=secret"
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(request, timeout=60) as page:
                assert page.read(64)
                process.terminate()
                process.communicate(timeout=60)
        finally:
            process.kill()

    assert process.returncode is not None
    assert list((tmp_path / "tmp").iterdir()) == []
