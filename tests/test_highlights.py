"""Candidates, their terms and scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import Talk, make_talk, no_words, params_of, transitions_at

from clipkit.analysis.highlights import choose_profile, find_candidates, score_candidates
from clipkit.analysis.telling import telling_words
from clipkit.analysis.terms import TERMS
from clipkit.params import PENALTIES, PROFILE_NAMES, Params, ScoringWeights
from clipkit.profiles import apply_profile


def candidates_of(talk: Talk, params: Params | None = None) -> pd.DataFrame:
    return find_candidates(*talk.tables(), params or Params(), duration_s=talk.duration_s)


def test_columns_are_the_fields_of_the_weights_in_their_order(rng: np.random.Generator) -> None:
    found = candidates_of(make_talk(120.0, rng))

    expected = ["candidate_id", "start_s", "end_s", "score", *ScoringWeights.model_fields, "begins", "ends", "origin_s"]
    assert list(found.columns) == expected
    assert found.dtypes.astype(str).tolist() == ["int64", *["float64"] * (3 + len(TERMS)), "str", "str", "float64"]


@given(
    seed=st.integers(0, 2**32 - 1),
    duration_s=st.floats(0.2, 200.0),
    limits=st.tuples(st.floats(0.5, 60.0), st.floats(0.0, 60.0)),
    has_words=st.booleans(),
    is_silent=st.booleans(),
    n_cuts=st.integers(0, 30),
)
@settings(deadline=None, max_examples=60)
def test_candidates_are_allowed_spans_with_terms_from_0_to_1(
    seed: int,
    duration_s: float,
    limits: tuple[float, float],
    has_words: bool,
    is_silent: bool,
    n_cuts: int,
) -> None:
    rng = np.random.default_rng(seed)
    cuts_s = tuple(np.sort(rng.uniform(0, duration_s, n_cuts)))
    talk = make_talk(duration_s, rng, has_words=has_words, is_silent=is_silent, cuts_s=cuts_s)
    min_s, max_s = limits[0], max(1.0, limits[0] + limits[1])

    found = candidates_of(talk, params_of(min_s=min_s, max_s=max_s))

    assert len(found) >= 1
    length_s = found["end_s"] - found["start_s"]
    assert (found["start_s"] >= 0).all()
    assert (found["end_s"] <= duration_s + 1e-9).all()
    assert (length_s <= max_s + 0.0011).all()
    if duration_s >= min_s:
        assert (length_s >= min_s - 0.0011).all()
    else:
        assert len(found) == 1
    values = found[list(TERMS)].to_numpy()
    assert np.isfinite(values).all()
    assert values.min() >= 0.0
    assert values.max() <= 1.0
    assert found["score"].is_monotonic_decreasing
    assert not found.duplicated(["start_s", "end_s"]).any()


def test_same_input_gives_the_same_bytes(rng: np.random.Generator) -> None:
    talk = make_talk(150.0, rng)

    assert candidates_of(talk).to_csv().encode() == candidates_of(talk).to_csv().encode()


def test_score_is_the_weighted_mean_of_the_terms_less_the_penalties(rng: np.random.Generator) -> None:
    found = candidates_of(make_talk(100.0, rng))
    weights = ScoringWeights()

    praise = [term for term in TERMS if term not in PENALTIES]
    mean = np.average(found[praise], axis=1, weights=[getattr(weights, term) for term in praise])
    taken_off = found[list(PENALTIES)] @ [getattr(weights, term) for term in PENALTIES]
    np.testing.assert_allclose(found["score"], np.maximum(0.0, mean - taken_off), atol=6e-5)
    assert taken_off.max() > 0.0


def test_new_weights_rank_anew_and_keep_everything_else(rng: np.random.Generator) -> None:
    found = candidates_of(make_talk(150.0, rng))
    only_early = ScoringWeights(**{term: 0.0 for term in TERMS} | {"energy": 1.0})

    ranked = score_candidates(found, only_early)

    assert ranked["score"].tolist() == sorted(found["energy"], reverse=True)
    both = [table.sort_values("candidate_id").drop(columns="score").reset_index(drop=True) for table in (found, ranked)]
    pd.testing.assert_frame_equal(*both)
    pd.testing.assert_frame_equal(score_candidates(ranked, Params().scoring.weights), found)


def test_weights_of_nothing_give_0(rng: np.random.Generator) -> None:
    found = candidates_of(make_talk(60.0, rng))

    assert (score_candidates(found, ScoringWeights(**dict.fromkeys(TERMS, 0.0)))["score"] == 0.0).all()


@pytest.mark.parametrize("term", ["energy", "hook", "payoff"])
def test_a_loud_stretch_raises_the_energy_of_its_candidates(term: str, rng: np.random.Generator) -> None:
    talk = make_talk(300.0, rng)
    loud = talk.audio["time_s"].between(140.0, 170.0) & talk.audio["is_speech"]
    talk.audio.loc[loud, "loudness_lufs"] += 12.0

    found = candidates_of(talk)

    inside = (found["start_s"] >= 139.0) & (found["end_s"] <= 171.0)
    outside = (found["end_s"] < 139.0) | (found["start_s"] > 171.0)
    assert found.loc[inside, term].min() > found.loc[outside, term].median()


def test_motion_and_cuts_show_in_their_terms(rng: np.random.Generator) -> None:
    talk = make_talk(300.0, rng, cuts_s=tuple(np.arange(100.5, 130.0, 1.5)))
    moving = talk.frames["time_s"].between(100.0, 130.0)
    talk.frames.loc[moving, "motion"] += 0.4

    found = candidates_of(talk)

    middle = (found["start_s"] + found["end_s"]) / 2
    inside, outside = middle.between(105.0, 125.0), (middle < 70.0) | (middle > 160.0)
    for term in ("motion", "pace"):
        assert found.loc[inside, term].median() > 0.6 > found.loc[outside, term].median()


def test_speech_and_length_and_position_say_what_they_are(rng: np.random.Generator) -> None:
    talk = make_talk(200.0, rng)

    found = candidates_of(talk)

    for row in found.iloc[::20].itertuples():
        hops = talk.audio["is_speech"].iloc[round(row.start_s * 100) : round(row.end_s * 100)]
        assert row.speech == pytest.approx(hops.mean(), abs=0.01)
        assert row.position == pytest.approx(1 - abs((row.start_s + row.end_s) / 200.0 - 1), abs=1e-3)
    lengths = (found["end_s"] - found["start_s"] - 32.0).abs()
    assert found["length"].iloc[int(lengths.argmin())] > 0.99


def test_whole_sentences_are_complete(rng: np.random.Generator) -> None:
    talk = make_talk(200.0, rng)

    best = candidates_of(talk).iloc[0]

    starts, ends = talk.sentences[:, 0], talk.sentences[:, 1]
    assert np.abs(starts - best["start_s"] - 0.12).min() < 0.05
    assert np.abs(ends - best["end_s"] + 0.30).min() < 0.2
    assert best["completeness"] == 1.0


def test_video_shorter_than_a_clip_is_one_candidate_without_the_silence_around_speech(rng: np.random.Generator) -> None:
    talk = make_talk(12.0, rng, sentence_s=(2.0, 2.5))
    talk.audio.loc[talk.audio["time_s"] < 3.0, "is_speech"] = False
    first_s = float(talk.audio.loc[talk.audio["is_speech"], "time_s"].iloc[0])

    found = candidates_of(talk)

    assert len(found) == 1
    assert found["start_s"].iloc[0] == pytest.approx(first_s - 0.12)
    assert found["end_s"].iloc[0] <= 12.0


def test_silent_black_video_still_has_candidates(rng: np.random.Generator) -> None:
    talk = make_talk(25.0, rng, is_silent=True, has_words=False)
    talk.frames["motion"] = 0.0

    found = candidates_of(talk)

    assert len(found) >= 1
    assert (found["score"] < Params().selection.quality_bar).all()


@pytest.mark.parametrize("duration_s", [8.0, 40.0, 90.0])
def test_a_video_of_which_no_frame_is_known_still_has_candidates(duration_s: float, rng: np.random.Generator) -> None:
    talk = make_talk(duration_s, rng)
    talk.frames = talk.frames.iloc[:0]

    found = candidates_of(talk)

    assert len(found) >= 1
    assert np.isfinite(found[list(TERMS)].to_numpy()).all()
    assert (found["poor_picture"] == 0.0).all()


def test_an_hour_has_a_bounded_number_of_candidates_everywhere(rng: np.random.Generator) -> None:
    talk = make_talk(3600.0, rng)

    found = candidates_of(talk)

    assert len(found) == 2000
    assert np.histogram(found["start_s"], bins=60, range=(0, 3570))[0].min() >= 5


def test_exact_length_is_met_where_no_pause_helps(rng: np.random.Generator) -> None:
    talk = make_talk(100.0, rng)

    found = candidates_of(talk, params_of(min_s=20.0, max_s=20.0))

    assert len(found) >= 5
    np.testing.assert_allclose(found["end_s"] - found["start_s"], 20.0, atol=0.0011)


def test_a_video_as_long_as_its_shortest_clip_has_a_candidate(rng: np.random.Generator) -> None:
    talk = make_talk(20.1, rng)

    found = candidates_of(talk, params_of(min_s=20.0, max_s=20.0))

    assert len(found) >= 1


def test_wide_limits_still_cover_the_whole_hour(rng: np.random.Generator) -> None:
    talk = make_talk(3600.0, rng)

    found = candidates_of(talk, params_of(min_s=5.0, max_s=900.0))

    assert np.histogram(found["start_s"], bins=12, range=(0, 3600))[0].min() >= 20


@pytest.mark.parametrize("name", PROFILE_NAMES)
def test_every_profile_gives_candidates(name: str, rng: np.random.Generator) -> None:
    params = apply_profile(Params(), name)

    found = candidates_of(make_talk(120.0, rng), params)

    assert len(found)
    assert found["score"].nunique() > 3


@pytest.mark.parametrize(
    ("speech", "loud", "music", "applause", "cuts_a_minute", "motion", "expected"),
    [
        (0.8, 0.1, 0.0, 0.0, 2.0, 0.02, "talk"),
        (0.8, 0.1, 0.1, 0.1, 2.0, 0.02, "talk"),
        (0.7, 0.2, 0.0, 0.0, 14.0, 0.2, "vlog"),
        (0.6, 0.3, 0.0, 0.0, 0.5, 0.4, "gaming"),
        (0.05, 0.9, 0.8, 0.0, 10.0, 0.1, "music"),
        (0.05, 0.9, 0.0, 0.0, 10.0, 0.05, "vlog"),
        (0.1, 0.8, 0.0, 0.0, 3.0, 0.5, "sports"),
        (0.1, 0.5, 0.0, 0.2, 3.0, 0.05, "sports"),
        (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, "vlog"),
    ],
)
def test_profile_follows_speech_music_applause_cuts_and_motion(
    speech: float, loud: float, music: float, applause: float, cuts_a_minute: float, motion: float, expected: str
) -> None:
    n_hops = 60_000
    place = np.arange(n_hops) / n_hops
    loudness = np.where(place < speech + loud, -20.0, -70.0)
    audio = pd.DataFrame({"is_speech": place < speech, "loudness_lufs": loudness})
    # What is no speech is at the end.
    audio["music"] = np.where((place >= speech) & (place < speech + music), 1.0, 0.0)
    audio["applause"] = np.where((place >= speech) & (place < speech + applause), 0.9, 0.0)
    audio["laughter"] = 0.0
    frames = pd.DataFrame({"time_s": [0.0, 1.0], "motion": [motion, motion]})
    cuts = transitions_at(*np.arange(cuts_a_minute * 10))

    name, reason = choose_profile(frames, audio, no_words(), cuts)

    assert name == expected
    assert f"{speech:.0%} speech" in reason
    assert f"{music:.0%} music, {applause:.0%} applause" in reason
    assert expected in reason


@pytest.mark.parametrize("sound", ["applause", "laughter"])
def test_reactions_speak_for_a_clip_and_most_at_its_end(sound: str, rng: np.random.Generator) -> None:
    talk = make_talk(300.0, rng)
    talk.audio.loc[talk.audio["time_s"].between(150.0, 154.0), sound] = 0.9

    found = candidates_of(talk)

    heard = (found["start_s"] < 149.0) & (found["end_s"] > 155.0)
    ends_on_it = heard & (found["end_s"] < 160.0)
    assert found.loc[heard, "reaction"].min() > 0.7
    assert found.loc[(found["end_s"] < 149.0) | (found["start_s"] > 155.0), "reaction"].max() == 0.0
    assert found.loc[ends_on_it, "payoff"].median() > found.loc[heard & ~ends_on_it, "payoff"].median() + 0.1


@pytest.mark.parametrize("column", ["pitch_range", "speech_rate"])
def test_a_lively_voice_shows_in_the_delivery(column: str, rng: np.random.Generator) -> None:
    talk = make_talk(300.0, rng)
    talk.audio.loc[talk.audio["time_s"].between(100.0, 140.0) & talk.audio["is_speech"], column] *= 2.0

    found = candidates_of(talk)

    inside = (found["start_s"] >= 99.0) & (found["end_s"] <= 141.0)
    assert found.loc[inside, "delivery"].min() > found.loc[found["start_s"] > 141.0, "delivery"].median() + 0.15


def test_the_body_counts_the_best_third_of_the_middle(rng: np.random.Generator) -> None:
    talk = make_talk(300.0, rng)
    talk.frames.loc[talk.frames["time_s"].between(100.0, 108.0), "motion"] += 0.6

    found = candidates_of(talk)

    has_it = (found["start_s"] < 96.0) & (found["end_s"] > 120.0) & (found["end_s"] - found["start_s"] < 30.0)
    away = (found["end_s"] < 99.0) | (found["start_s"] > 109.0)
    assert has_it.any()
    assert found.loc[has_it, "body"].min() > found.loc[away, "body"].median()


@pytest.mark.parametrize(
    ("term", "column", "value"),
    [
        ("poor_picture", "luma_mean", 5.0),
        ("poor_picture", "edge_energy", 1.0),
        ("poor_picture", "black_share", 1.0),
        ("poor_picture", "frozen", 0.0),
        ("silence", "loudness_lufs", -69.0),
    ],
)
def test_what_is_poor_is_taken_off(term: str, column: str, value: float, rng: np.random.Generator) -> None:
    talk = make_talk(110.0, rng)
    table = talk.audio if column == "loudness_lufs" else talk.frames
    poor = table["time_s"].between(35.0, 75.0)
    columns = {"frozen": ["motion", "difference"], "loudness_lufs": ["loudness_lufs", "level_db"]}.get(column, [column])
    table.loc[poor, columns] = value
    if term == "silence":
        table.loc[poor, "is_speech"] = False

    found = candidates_of(talk)

    inside = (found["start_s"] >= 35.0) & (found["end_s"] <= 75.0)
    away = (found["end_s"] < 34.0) | (found["start_s"] > 76.0)
    assert inside.any()
    assert found.loc[inside, term].min() > 0.95
    assert found.loc[away, term].max() < 0.5
    dull = found.assign(**{term: 0.0})
    scores = [score_candidates(table, ScoringWeights()).set_index("candidate_id")["score"] for table in (found, dull)]
    lost = (scores[1] - scores[0]).loc[found.loc[inside, "candidate_id"]]
    assert ((lost >= 0.09) | (scores[0].loc[lost.index] == 0.0)).all()


def test_what_most_of_a_video_is_counts_for_nothing(rng: np.random.Generator) -> None:
    talk = make_talk(200.0, rng)
    talk.frames.loc[talk.frames["time_s"] > 50.0, ["motion", "difference"]] = 0.0

    assert candidates_of(talk)["poor_picture"].max() == 0.0


def test_the_ends_of_a_video_are_marked_down(rng: np.random.Generator) -> None:
    found = candidates_of(make_talk(400.0, rng))

    shares = (np.maximum(0.0, 20.0 - found["start_s"]) + np.maximum(0.0, found["end_s"] - 380.0)).clip(lower=0.0)
    expected = np.minimum(1.0, shares / (found["end_s"] - found["start_s"]))
    np.testing.assert_allclose(found["intro_outro"], expected, atol=1e-4)
    assert (expected > 0.0).any()


def test_an_edge_inside_speech_is_taken_off_and_a_clean_one_is_not(rng: np.random.Generator) -> None:
    talk = make_talk(120.0, rng, has_words=False, sentence_s=(50.0, 51.0), pause_s=(1.0, 1.1))

    found = candidates_of(talk)

    breaks = found["begins"].str.contains("for want of a pause") | found["ends"].str.contains("for want of a pause")
    assert breaks.any()
    assert found.loc[breaks, "mid_sentence"].min() > found.loc[~breaks, "mid_sentence"].max()


@pytest.mark.parametrize(("profile", "expected_s"), [("talk", 32.0), ("sports", 18.0), ("gaming", 18.0)])
def test_length_is_log_normal_around_what_suits_the_kind_of_video(
    profile: str, expected_s: float, rng: np.random.Generator
) -> None:
    params = apply_profile(Params(), profile)

    found = candidates_of(make_talk(300.0, rng), params)

    length_s = found["end_s"] - found["start_s"]
    np.testing.assert_allclose(found["length"], np.exp(-2.0 * np.log(length_s / expected_s) ** 2), atol=1e-4)


def test_questions_numbers_and_rare_words_are_telling() -> None:
    said = "this is plain and plain . why are you 42 mountains away?"
    words = pd.DataFrame({"word": said.split()})
    words["start_s"] = np.arange(len(words), dtype=float)
    words["end_s"] = words["start_s"] + 1.0
    words["sentence"] = [0] * 6 + [1] * 6

    text, promise = telling_words(words, np.array([0.0, 6.0, 2.0]), np.array([6.0, 12.0, 4.0]))

    assert text[1] > text[0]
    assert promise[1] > promise[0] == 0.0


def test_no_candidate_lies_after_the_last_picture(rng):
    talk = make_talk(60.0, rng)
    frames = talk.frames[talk.frames["time_s"] < 30.0]

    found = find_candidates(frames, *talk.tables()[1:], params_of(min_s=4.0, max_s=20.0), duration_s=60.0)

    assert len(found) > 0
    assert (found["start_s"] < 30.0).all()
