"""Where clips may begin and end."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import Talk, make_talk, no_words, params_of, transitions_at

from clipkit.analysis.boundaries import FLASH_FRAMES, find_edges
from clipkit.analysis.gaps import MID_SENTENCE_COST, SILENT_COST, Scene, gaps_before_speech, moment_costs
from clipkit.analysis.speech import find_pauses
from clipkit.params import SelectionParams, SpeechParams

FRAME_S = 0.04


def scene_of(talk: Talk, **changes: object) -> Scene:
    fields = {
        "is_speech": talk.audio["is_speech"].to_numpy(),
        "level_db": talk.audio["level_db"].to_numpy(),
        "words": talk.words,
        "pauses": talk.pauses,
        "transitions": talk.transitions,
        "duration_s": talk.duration_s,
        "frame_s": FRAME_S,
    }
    return Scene(**(fields | changes))  # type: ignore[arg-type]


def nearest(table, time_s: float):  # type: ignore[no-untyped-def]
    return table.iloc[int((table["time_s"] - time_s).abs().argmin())]


@pytest.mark.parametrize("has_words", [True, False])
def test_edges_lie_in_pauses_next_to_speech(has_words: bool, rng: np.random.Generator) -> None:
    talk = make_talk(200.0, rng, has_words=has_words)
    params = SelectionParams()

    starts, ends = find_edges(scene_of(talk), params)

    for sentence_start_s, sentence_end_s in talk.sentences[1:-1]:
        assert sentence_start_s - nearest(starts, sentence_start_s)["time_s"] == pytest.approx(params.lead_s, abs=0.03)
        assert 0.1 <= nearest(ends, sentence_end_s + 0.2)["time_s"] - sentence_end_s <= params.tail_s + 0.01
    for table in (starts, ends):
        hops = np.minimum((table["time_s"].to_numpy() * 100).astype(int), len(talk.audio) - 1)
        assert not talk.audio["is_speech"].to_numpy()[hops].any()


def test_sentence_edges_cost_nothing_and_say_so(rng: np.random.Generator) -> None:
    talk = make_talk(100.0, rng)

    starts, ends = find_edges(scene_of(talk), SelectionParams())

    first, last = nearest(starts, talk.sentences[3, 0]), nearest(ends, talk.sentences[3, 1])
    assert (first["cost"], last["cost"]) == (0.0, 0.0)
    assert first["reason"].startswith("at a sentence after")
    assert last["reason"].startswith("on a full sentence before")


def test_longer_pauses_cost_less_where_no_words_are_known(rng: np.random.Generator) -> None:
    talk = make_talk(200.0, rng, has_words=False)

    starts, _ = find_edges(scene_of(talk), SelectionParams())

    pauses = talk.pauses[(talk.pauses["start_s"] > 0) & (talk.pauses["end_s"] < 199)]
    length_s = (pauses["end_s"] - pauses["start_s"]).to_numpy()
    costs = np.array([nearest(starts, end_s - 0.12)["cost"] for end_s in pauses["end_s"]])
    order = np.argsort(length_s)
    assert (np.diff(costs[order]) <= 1e-9).all()
    assert costs.max() > costs.min()


def test_a_pause_is_long_or_short_for_its_speaker(rng: np.random.Generator) -> None:
    costs = []
    for pause_s in ((0.3, 0.6), (0.9, 1.8)):
        talk = make_talk(200.0, rng, has_words=False, pause_s=pause_s)
        middle = talk.sentences[10, 1] + 0.1, talk.sentences[10, 1] + 0.8
        is_speech = talk.audio["is_speech"].copy()
        is_speech[round((middle[0] - 0.5) * 100) : round(middle[0] * 100)] = True
        is_speech[round(middle[0] * 100) : round(middle[1] * 100)] = False
        is_speech[round(middle[1] * 100) : round((middle[1] + 0.5) * 100)] = True
        pauses = find_pauses(talk.audio.assign(is_speech=is_speech), SpeechParams())
        scene = scene_of(talk, is_speech=is_speech.to_numpy(), pauses=pauses)
        gaps = {round(gap.on_s, 2): gap.cost for gap in gaps_before_speech(scene)}
        costs.append(gaps[round(middle[1], 2)])

    assert costs[0] < 0.25
    assert costs[1] > 0.4


def test_a_held_vowel_that_was_taken_for_a_pause_costs_more(rng: np.random.Generator) -> None:
    talk = make_talk(100.0, rng, has_words=False)
    level_db = talk.audio["level_db"].to_numpy().copy()
    off_s, on_s = talk.sentences[6, 1], talk.sentences[7, 0]
    before = {gap.on_s: gap.cost for gap in gaps_before_speech(scene_of(talk))}
    level_db[round(off_s * 100) : round(on_s * 100)] = -26.0

    after = {gap.on_s: gap.cost for gap in gaps_before_speech(scene_of(talk, level_db=level_db))}

    changed = [time_s for time_s in before if after[time_s] > before[time_s]]
    assert changed == pytest.approx([on_s], abs=0.011)
    assert after[changed[0]] == pytest.approx(before[changed[0]] + 0.3)


def test_a_cut_in_a_short_pause_is_no_better_than_the_pause(rng: np.random.Generator) -> None:
    talk = make_talk(100.0, rng, has_words=False, pause_s=(0.9, 1.0))
    cut_s = float(talk.sentences[6, 1] + 0.45)

    starts, ends = find_edges(scene_of(talk, transitions=transitions_at(cut_s)), SelectionParams())

    for table in (starts, ends):
        near = table[(table["time_s"] - cut_s).abs() < 0.5]
        assert near["cost"].min() > 0.2


@pytest.mark.parametrize("begins", [True, False])
def test_a_cut_inside_a_sentence_breaks_into_it(begins: bool, rng: np.random.Generator) -> None:
    talk = make_talk(100.0, rng)
    first_s, last_s = talk.sentences[5]
    middle_s = (first_s + last_s) / 2.0
    is_speech = talk.audio["is_speech"].to_numpy().copy()
    is_speech[round((middle_s - 0.4) * 100) : round((middle_s + 0.4) * 100)] = False
    scene = scene_of(talk, is_speech=is_speech)

    assert moment_costs(scene, [middle_s], begins=begins) == [MID_SENTENCE_COST]


def test_silence_between_a_cut_and_speech_is_dead_air_and_music_is_not(rng: np.random.Generator) -> None:
    talk = make_talk(120.0, rng, pause_s=(3.0, 3.1), has_words=False)
    off_s, on_s = talk.sentences[5, 1], talk.sentences[6, 0]
    level_db = talk.audio["level_db"].to_numpy().copy()
    level_db[round(off_s * 100) : round(on_s * 100)] = -30.0
    times = {"near": on_s - 0.2, "far": on_s - 2.0}

    quiet = {name: moment_costs(scene_of(talk), [time_s], begins=True)[0] for name, time_s in times.items()}
    music = moment_costs(scene_of(talk, level_db=level_db), [times["far"]], begins=True)[0]
    ending = moment_costs(scene_of(talk), [off_s + 2.0, off_s + 0.2], begins=False)

    assert quiet["far"] == pytest.approx(quiet["near"] + 0.3)
    assert music == pytest.approx(SILENT_COST)
    assert ending[0] == pytest.approx(ending[1] + 0.3)


def test_a_leaning_opener_costs_more(rng: np.random.Generator) -> None:
    talk = make_talk(60.0, rng)
    words = talk.words.copy()
    row = int(np.flatnonzero(words["sentence"] == 4)[0])
    words.loc[row, "word"] = "And"

    starts, _ = find_edges(scene_of(talk, words=words), SelectionParams())

    assert nearest(starts, talk.sentences[4, 0])["cost"] == pytest.approx(0.2)
    assert "leans" in nearest(starts, talk.sentences[4, 0])["reason"]


@pytest.mark.parametrize("offset_s", [-0.5, -0.2, -0.1, -0.05, 0.0, 0.02, 0.1, 0.2, 0.3, 0.4])
def test_no_good_edge_leaves_a_flash_of_another_shot(offset_s: float, rng: np.random.Generator) -> None:
    talk = make_talk(60.0, rng, pause_s=(0.8, 1.2))
    cut_in_s, cut_out_s = talk.sentences[4, 0] + offset_s, talk.sentences[8, 1] + offset_s

    starts, ends = find_edges(scene_of(talk, transitions=transitions_at(cut_in_s, cut_out_s)), SelectionParams())

    good_starts = starts["time_s"][starts["cost"] < 0.5].to_numpy()
    good_ends = ends["time_s"][ends["cost"] < 0.5].to_numpy()
    for cut_s in (cut_in_s, cut_out_s):
        for shown_s in (cut_s - good_starts, good_ends - cut_s):
            frames = shown_s / FRAME_S
            assert not ((frames > 1.6) & (frames < FLASH_FRAMES + 0.4)).any()


def test_edges_snap_to_a_cut_beside_speech(rng: np.random.Generator) -> None:
    talk = make_talk(60.0, rng, pause_s=(0.8, 1.2))
    cut_in_s, cut_out_s = talk.sentences[4, 0] - 0.08, talk.sentences[8, 1] + 0.45

    starts, ends = find_edges(scene_of(talk, transitions=transitions_at(cut_in_s, cut_out_s)), SelectionParams())

    assert nearest(starts, cut_in_s)["time_s"] == pytest.approx(cut_in_s, abs=0.001)
    assert nearest(ends, cut_out_s)["time_s"] == pytest.approx(cut_out_s, abs=0.001)
    assert "on a cut" in nearest(ends, cut_out_s)["reason"]


def test_times_are_whole_milliseconds_rounded_down(rng: np.random.Generator) -> None:
    cut_s = 20.0 + 2.0 / 3.0
    talk = make_talk(40.0, rng, is_silent=True)

    starts, ends = find_edges(scene_of(talk, transitions=transitions_at(cut_s)), SelectionParams())

    assert 20.666 in starts["time_s"].to_numpy()
    assert 20.666 in ends["time_s"].to_numpy()


def test_only_cuts_where_nobody_speaks_are_edges(rng: np.random.Generator) -> None:
    talk = make_talk(100.0, rng)
    inside_s = float(talk.sentences[5].mean())

    starts, ends = find_edges(scene_of(talk, transitions=transitions_at(inside_s)), SelectionParams())

    assert (starts["time_s"] - inside_s).abs().min() > 0.2
    assert (ends["time_s"] - inside_s).abs().min() > 0.2


def test_speech_without_a_pause_is_cut_only_for_want_of_a_better_place(rng: np.random.Generator) -> None:
    talk = make_talk(120.0, rng, has_words=False, sentence_s=(50.0, 51.0), pause_s=(1.0, 1.1))

    starts, _ = find_edges(scene_of(talk), SelectionParams())

    assert starts["time_s"].diff().max() <= 11.0
    middles = starts[starts["reason"].str.contains("for want of a pause")]
    assert len(middles) >= 6
    assert (middles["cost"] >= 0.6).all()


def test_edges_between_words_are_preferred_inside_long_speech(rng: np.random.Generator) -> None:
    talk = make_talk(60.0, rng, sentence_s=(50.0, 51.0))

    starts, _ = find_edges(scene_of(talk), SelectionParams())

    middles = starts["time_s"][starts["reason"].str.contains("between two words")].to_numpy()
    gaps = talk.words["end_s"].to_numpy()
    assert len(middles)
    assert all(np.abs(gaps - middle_s).min() < 0.002 for middle_s in middles)


def test_silence_and_stillness_give_regular_points(rng: np.random.Generator) -> None:
    talk = make_talk(60.0, rng, is_silent=True)

    starts, ends = find_edges(scene_of(talk, words=no_words()), params_of(min_s=15.0).selection)

    assert starts["time_s"].iloc[0] == 0.0
    assert ends["time_s"].iloc[-1] == 60.0
    assert starts["time_s"].diff().max() <= 5.0


def test_captions_beyond_the_video_do_no_harm(rng: np.random.Generator) -> None:
    talk = make_talk(60.0, rng)
    shifted = talk.words.assign(start_s=talk.words["start_s"] + 40.0, end_s=talk.words["end_s"] + 40.0)

    starts, ends = find_edges(scene_of(talk, words=shifted), SelectionParams())

    for table in (starts, ends):
        assert table["time_s"].between(0.0, 60.0).all()
        assert table["time_s"].is_monotonic_increasing
        assert table["cost"].between(0.0, 1.0).all()
