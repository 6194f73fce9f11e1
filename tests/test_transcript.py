"""Speech becomes words where clips may lie, once, and a run that was stopped goes on."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipkit.analysis import transcript
from clipkit.analysis.speech import measure_audio, runs_of
from clipkit.analysis.transcript import (
    lies_within,
    likely_spans,
    plan_stretches,
    transcribe,
    words_from_heard,
)
from clipkit.errors import InputError, ResourceError
from clipkit.media.speech_model import Heard, HeardWord, SpeechModel
from clipkit.params import Params
from clipkit.profiles import make_params
from clipkit.runs.folder import LooseFolder
from clipkit.runs.identity import identify
from clipkit.runs.run import run
from clipkit.runs.stages import ClipRun
from clipkit.runs.verbs import render

SHORT = {"selection": {"min_s": 2, "max_s": 5, "ideal_s": 3}}
# Lengths in tenths of a second: speech and silence in turn.
RUNS = st.lists(st.integers(1, 3000), min_size=1, max_size=12)


def audio_of(lengths: list[int], *, starts_silent: bool = False) -> pd.DataFrame:
    flags = [np.full(length * 10, (index % 2 == 0) != starts_silent) for index, length in enumerate(lengths)]
    is_speech = np.concatenate(flags)
    return pd.DataFrame({"is_speech": is_speech, "level_db": np.where(is_speech, -20.0, -60.0).astype(np.float32)})


def heard(*words: tuple[str, float, float]) -> Heard:
    return Heard("en", tuple(HeardWord(*word, 0) for word in words))


@pytest.fixture
def video(talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a talk without subtitles, and give clipkit a home of its own."""
    monkeypatch.setenv("CLIPKIT_HOME", str(tmp_path / "home"))
    return Path(shutil.copy(talk, tmp_path / "alone.mp4"))


@pytest.fixture(scope="session")
def audio(talk: Path) -> pd.DataFrame:
    return measure_audio(talk, Params(), duration_s=20.0)


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch):
    """Let no model be loaded."""

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a model was loaded")

    monkeypatch.setattr(transcript, "Recogniser", refuse)


# Where to listen


@given(RUNS, st.booleans())
def test_every_moment_of_speech_is_in_one_stretch(lengths: list[int], starts_silent: bool):
    audio = audio_of(lengths, starts_silent=starts_silent)

    stretches = plan_stretches(audio)

    assert (stretches[:, 1] > stretches[:, 0]).all()
    assert (stretches[1:, 0] >= stretches[:-1, 1] - 1e-9).all()
    assert (stretches[:, 1] - stretches[:, 0] <= 120.0 + 1e-6).all()
    covered = np.zeros(len(audio), dtype=bool)
    for start_s, end_s in stretches:
        covered[int(np.floor(start_s * 100 + 1e-6)) : int(np.ceil(end_s * 100 - 1e-6))] = True
    assert covered[audio["is_speech"].to_numpy()].all()


@given(RUNS, st.floats(0, 600), st.floats(1, 60))
def test_only_speech_that_touches_the_spans_is_listened_to(lengths: list[int], start_s: float, length_s: float):
    audio = audio_of(lengths)
    within = np.array([[start_s, start_s + length_s]])

    stretches = plan_stretches(audio, within)

    touching = [
        (a, b) for a, b in runs_of(audio["is_speech"].to_numpy()) / 100 if a < start_s + length_s and b > start_s
    ]
    assert (len(stretches) > 0) == bool(touching)
    if touching:
        assert stretches[0, 0] >= max(touching[0][0], start_s - 10.0) - 0.31
        assert stretches[-1, 1] <= min(touching[-1][1], start_s + length_s + 10.0) + 0.31


def test_speech_without_a_pause_is_cut_at_a_quiet_moment():
    audio = audio_of([2000])
    audio.loc[10_500, "level_db"] = -50.0

    assert plan_stretches(audio).tolist() == [[0.0, 105.0], [105.0, 200.0]]


def test_stretches_end_in_the_middle_of_a_pause_and_bridge_short_ones():
    audio = audio_of([100, 20, 300, 2, 900, 100, 50])

    assert plan_stretches(audio).tolist() == [[0.0, 42.1], [42.1, 132.5], [141.9, 147.2]]


def test_three_times_as_many_places_as_clips_are_likely():
    table = pd.DataFrame(
        {"start_s": [10.0, 12.0, 100.0, 200.0, 300.0, 400.0], "end_s": [30.0, 32.0, 120.0, 220.0, 320.0, 420.0]}
    ).assign(score=[0.9, 0.8, 0.7, 0.6, 0.5, 0.4])

    assert likely_spans(table, 1, 425.0).tolist() == [[5.0, 35.0], [95.0, 125.0], [195.0, 225.0]]


def test_clips_stay_clear_of_edges_where_nobody_listened():
    spans = np.array([[0.0, 20.0], [50.0, 80.0]])
    table = pd.DataFrame({"start_s": [0.0, 1.0, 51.0, 53.0, 53.0, 30.0], "end_s": [17.0, 19.0, 70.0, 77.0, 80.0, 45.0]})

    assert lies_within(table, spans, 80.0).tolist() == [True, False, False, True, True, False]
    assert lies_within(table, spans, 90.0).tolist() == [True, False, False, True, False, False]


# What was heard


@given(
    RUNS,
    st.lists(
        st.lists(st.tuples(st.sampled_from(["one", "-", "", "你好", "two."]), st.floats(-1, 130), st.floats(-1, 130))),
        min_size=12,
        max_size=12,
    ),
)
def test_whatever_a_model_says_words_are_in_order_inside_their_stretch(
    lengths: list[int], said: list[list[tuple[str, float, float]]]
):
    audio = audio_of(lengths)
    stretches = plan_stretches(audio)[:12]

    words = words_from_heard([heard(*words) for words in said[: len(stretches)]], stretches, audio)

    start_s, end_s = words["start_s"].to_numpy(), words["end_s"].to_numpy()
    assert (end_s > start_s).all()
    assert (start_s[1:] >= end_s[:-1] - 1e-9).all()
    for from_s, to_s in zip(start_s, end_s, strict=True):
        assert ((stretches[:, 0] <= from_s + 0.011) & (to_s <= stretches[:, 1] + 0.011)).any()
    assert words["cue"].is_monotonic_increasing


def test_words_where_nobody_speaks_are_left_out():
    audio = audio_of([20, 30, 20])

    words = words_from_heard(
        [heard(("One.", 0.1, 1.9), ("Thanks", 2.9, 3.4), ("Two.", 5.1, 6.9))], np.array([[0.0, 7.0]]), audio
    )

    assert words["word"].tolist() == ["One.", "Two."]
    assert words["sentence"].tolist() == [0, 1]


def test_words_begin_and_end_with_the_sound():
    words = words_from_heard(
        [heard(("One", 0.05, 2.4), ("two", 2.4, 4.0))], np.array([[10.0, 14.0]]), audio_of([120, 10, 10])
    )

    assert words[["start_s", "end_s"]].to_numpy().round(6).tolist() == [[10.05, 12.0], [13.0, 14.0]]


def test_writing_without_spaces_gives_a_word_a_character():
    words = words_from_heard([heard(("你好", 0.0, 1.0), ("。", 1.0, 1.1))], np.array([[0.0, 2.0]]), audio_of([20]))

    assert words["word"].tolist() == ["你", "好"]


# Once


def hear(video: Path, audio: pd.DataFrame, model: Path, **asked: object) -> tuple[pd.DataFrame, str]:
    return transcribe(
        video,
        np.array([[0.0, 3.0], [9.0, 13.0]]),
        audio,
        Params(),
        SpeechModel("nonsense", model),
        video_digest="d" * 64,
        **asked,
    )


def test_a_real_model_gives_words_in_their_stretches(video: Path, audio: pd.DataFrame, whisper: Path):
    shares: list[float] = []

    words, language = hear(video, audio, whisper, progress=shares.append)

    assert language == "en"
    assert len(words) > 0
    assert list(words.columns) == ["word", "start_s", "end_s", "cue", "sentence", "ends_sentence"]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_the_second_time_nothing_is_loaded(
    video: Path, audio: pd.DataFrame, whisper: Path, request: pytest.FixtureRequest
):
    first, _ = hear(video, audio, whisper)
    request.getfixturevalue("deaf")

    second, language = hear(video, audio, whisper)

    pd.testing.assert_frame_equal(first, second)
    assert language == "en"


def test_a_stopped_run_goes_on_at_the_next_stretch(
    video: Path, audio: pd.DataFrame, whisper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def stop(share: float) -> None:
        if len(list(kept.iterdir()) if kept.is_dir() else []) == 1:
            raise KeyboardInterrupt

    kept = tmp_path / "home" / "cache" / "transcripts"
    with pytest.raises(KeyboardInterrupt):
        hear(video, audio, whisper, progress=stop)
    read: list[float] = []
    real = transcript.read_audio
    monkeypatch.setattr(
        transcript, "read_audio", lambda path, **asked: read.append(asked["start_s"]) or real(path, **asked)
    )

    words, _ = hear(video, audio, whisper)

    assert len(read) == 1
    assert len(words) > 0
    assert [path.suffix for path in kept.iterdir()] == [".json", ".json"]


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "list"])
def test_a_damaged_file_is_made_anew(video: Path, audio: pd.DataFrame, whisper: Path, tmp_path: Path, damage: str):
    first, _ = hear(video, audio, whisper)
    path = sorted((tmp_path / "home" / "cache" / "transcripts").iterdir())[0]
    whole = path.read_text()
    record = json.loads(whole)
    record["heard"]["words"][:1] = [["other", 0.0, 1.0, 0]]
    path.write_text({"cut": whole[: len(whole) // 2], "changed": json.dumps(record), "empty": "", "list": "[]"}[damage])

    second, _ = hear(video, audio, whisper)

    pd.testing.assert_frame_equal(first, second)
    assert path.read_text() == whole


def test_another_model_hears_for_itself(video: Path, audio: pd.DataFrame, whisper: Path, tmp_path: Path):
    other = shutil.copytree(whisper, tmp_path / "other")
    (other / "config.json").write_text((other / "config.json").read_text() + "\n")

    hear(video, audio, whisper)
    hear(video, audio, other)

    assert len(list((tmp_path / "home" / "cache" / "transcripts").iterdir())) == 4


def test_silence_is_not_listened_to(video: Path, whisper: Path, deaf: None):
    words, language = transcribe(
        video,
        plan_stretches(audio_of([100], starts_silent=True)),
        audio_of([100], starts_silent=True),
        Params(),
        SpeechModel("nonsense", whisper),
        video_digest="",
    )

    assert len(words) == 0
    assert language == ""


# In a run


def chain(video: Path, folder: Path, **speech: object) -> ClipRun:
    params = make_params(n_clips=1, platforms=["x"], settings={**SHORT, "speech": speech})
    return ClipRun(video, LooseFolder(folder), params)


def notes(of: ClipRun, stage: str) -> list[str]:
    return [note["message"] for note in of.folder.record().get("notes", []) if note["stage"] == stage]


def test_a_run_without_subtitles_gets_its_words_from_the_model(video: Path, whisper: Path, tmp_path: Path):
    made = chain(video, tmp_path / "out", transcribe=str(whisper))
    clips = made.analyze()

    assert len(made.words) > 0
    assert pd.read_parquet(tmp_path / "out" / "words.parquet").equals(made.words)
    assert lies_within(made.candidates, made.heard, made.frames.duration_s).all()
    assert len(clips) == 1
    assert "transcribe" in made.folder.record()["timings"]
    assert "wrote down" in notes(made, "transcribe")[0]


def test_all_speech_is_heard_when_asked_for(video: Path, whisper: Path, tmp_path: Path):
    made = chain(video, tmp_path / "out", transcribe=str(whisper), transcribe_all=True)
    made.analyze()

    assert made.heard is None
    assert len(made.words) > 0


def test_subtitles_win(talk: Path, whisper: Path, tmp_path: Path, deaf: None):
    made = chain(talk, tmp_path / "out", transcribe=str(whisper))
    made.analyze()

    assert made.model is None
    assert len(made.words) > 0
    assert "transcribe" not in made.folder.record()["timings"]


@pytest.mark.parametrize(
    ("setting", "blocked", "expected"),
    [
        ("auto", True, "pip install faster-whisper"),
        ("auto", False, "there is no speech model"),
        ("off", False, "speech.transcribe is off"),
    ],
)
def test_without_a_model_the_run_goes_on_and_says_why(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, blocked: bool, expected: str
):
    if blocked:
        monkeypatch.setitem(sys.modules, "faster_whisper", None)

    made = chain(video, tmp_path / "out", transcribe=setting)
    made.analyze()

    assert len(made.words) == 0
    assert expected in notes(made, "listen")[0]


def test_what_cannot_be_found_stops_a_run_before_it_looks(video: Path, tmp_path: Path):
    with pytest.raises(ResourceError):
        chain(video, tmp_path / "out", transcribe="small").inspect()
    with pytest.raises(InputError):
        chain(video, tmp_path / "out", transcribe=str(tmp_path)).inspect()


def test_a_list_of_clips_without_tables_gets_words_for_its_clips(video: Path, whisper: Path, tmp_path: Path):
    (tmp_path / "clips.csv").write_text("clip_id,start_s,end_s\n1,2.0,2.6\n")

    render(
        tmp_path / "clips.csv",
        video=video,
        out=tmp_path / "out",
        platforms=["x"],
        settings={"speech": {"transcribe": str(whisper)}, "render": {"preset": "ultrafast"}},
    )

    words = pd.read_parquet(tmp_path / "out" / "words.parquet")
    assert len(words) > 0
    assert words["end_s"].max() < 2.6 + 5.0 + 10.0


def test_the_model_is_part_of_what_names_a_run(video: Path, whisper: Path, tmp_path: Path):
    without = identify(video, Params())["digest"]
    shutil.copytree(whisper, tmp_path / "home" / "models" / "mine")

    assert identify(video, Params())["digest"] != without


@pytest.mark.notebook
def test_the_notebook_finds_a_model_given_by_a_relative_path(
    video: Path, whisper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(whisper.parent)
    settings = {"selection": {"min_s": 1, "max_s": 2, "ideal_s": 1}, "speech": {"transcribe": whisper.name}}

    record = run(video, out=tmp_path / "out", n_clips=1, platforms=["x"], settings=settings)

    assert record["status"] == "done"
    assert any("wrote down" in note["message"] for note in record["notes"])
    assert list(record["timings"]).index("transcribe") == list(record["timings"]).index("shots") + 1
