"""The choice of clips."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import make_talk, params_of, shown_twice

from clipkit.analysis import highlights
from clipkit.analysis.highlights import find_candidates
from clipkit.analysis.select import CLIP_COLUMNS, centre_prior, select_clips
from clipkit.analysis.terms import TERMS
from clipkit.params import Params, SelectionParams


def table_of(*rows: tuple[float, float, float]) -> pd.DataFrame:
    spans = pd.DataFrame(rows, columns=["start_s", "end_s", "score"]).astype(float)
    spans.insert(0, "candidate_id", np.arange(len(spans)))
    return spans.assign(**dict.fromkeys(TERMS, 0.5), begins="on a cut", ends="on a cut")


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.floats(0, 5), st.booleans())
@settings(deadline=None, max_examples=25)
def test_every_candidate_is_a_clip_or_rejected_once(seed: int, n_clips: int, gap_s: float, has_words: bool) -> None:
    talk = make_talk(150.0, np.random.default_rng(seed), has_words=has_words)
    params = params_of(n_clips=n_clips, gap_s=gap_s)
    candidates = find_candidates(*talk.tables(), params, duration_s=talk.duration_s)

    clips, rejected = select_clips(candidates, params.selection, duration_s=talk.duration_s, words=talk.words)

    assert tuple(clips.columns) == CLIP_COLUMNS
    assert list(rejected.columns) == ["candidate_id", "start_s", "end_s", "score", "rule", "detail"]
    assert len(clips) + len(rejected) == len(candidates)
    assert rejected["candidate_id"].is_unique
    assert clips["clip_id"].tolist() == list(range(1, len(clips) + 1))
    assert clips["score"].is_monotonic_decreasing
    in_time = clips.sort_values("start_s")
    assert (in_time["start_s"].to_numpy()[1:] - in_time["end_s"].to_numpy()[:-1] >= gap_s - 0.001).all()
    assert rejected["detail"].str.len().gt(10).all()


def test_same_input_gives_the_same_file(rng: np.random.Generator) -> None:
    talk = make_talk(200.0, rng)
    params = Params()
    candidates = find_candidates(*talk.tables(), params, duration_s=talk.duration_s)
    shuffled = candidates.sample(frac=1.0, random_state=1)

    first, _ = select_clips(candidates, params.selection, duration_s=200.0, words=talk.words)
    second, _ = select_clips(shuffled, params.selection, duration_s=200.0, words=talk.words)

    assert first.to_csv(index=False).encode() == second.to_csv(index=False).encode()


def test_equal_totals_take_the_earlier_span() -> None:
    clips, _ = select_clips(
        table_of((50, 70, 0.6), (10, 30, 0.6), (90, 110, 0.6)), SelectionParams(n_clips=1), duration_s=120.0
    )

    assert clips["start_s"].tolist() == [10.0]


def test_poor_clips_fill_up_and_say_that_they_are_below_the_bar() -> None:
    clips, _ = select_clips(
        table_of((0, 20, 0.42), (30, 50, 0.8), (60, 80, 0.0)), SelectionParams(n_clips=3), duration_s=90.0
    )

    assert clips["score"].tolist() == [0.8, 0.42, 0.0]
    assert clips["reason"].iloc[1].startswith("below your bar (0.42 < 0.50): ")
    assert not clips["reason"].iloc[0].startswith("below")


def test_each_rule_names_what_the_candidate_lost_against() -> None:
    candidates = table_of(
        (100, 130, 0.9),
        (101, 131, 0.8),
        (120, 150, 0.7),
        (130.5, 160, 0.6),
        (200, 230, 0.4),
        (0, 5, 0.9),
        (300, 400, 0.9),
    )

    clips, rejected = select_clips(candidates, SelectionParams(n_clips=1), duration_s=500.0)

    assert clips["start_s"].tolist() == [100.0]
    assert rejected["rule"].tolist() == [
        "near_duplicate", "overlaps_chosen", "too_close", "lower_score", "too_short", "too_long"
    ]  # fmt: skip
    assert rejected["detail"].iloc[:4].str.contains("clip 1 \\(0.90\\)").all()
    assert "15 s" in rejected["detail"].iloc[4]
    assert "60 s" in rejected["detail"].iloc[5]


def test_whole_short_video_is_not_too_short() -> None:
    clips, rejected = select_clips(table_of((0.5, 8.0, 0.5)), SelectionParams(), duration_s=9.0)

    assert len(clips) == 1
    assert len(rejected) == 0


def test_nothing_that_fits_gives_no_clips_and_says_why() -> None:
    clips, rejected = select_clips(table_of((0, 100, 0.9)), SelectionParams(), duration_s=200.0)

    assert len(clips) == 0
    assert tuple(clips.columns) == CLIP_COLUMNS
    assert rejected["rule"].tolist() == ["too_long"]


@pytest.mark.parametrize("has_words", [True, False])
def test_a_video_that_shows_all_twice_gives_nothing_twice(has_words: bool, rng: np.random.Generator) -> None:
    talk = shown_twice(make_talk(240.0, rng, has_words=has_words, cuts_s=tuple(np.arange(4.0, 236.0, 7.7))))
    params = params_of(n_clips=8)
    candidates = find_candidates(*talk.tables(), params, duration_s=talk.duration_s)

    clips, _ = select_clips(candidates, params.selection, duration_s=talk.duration_s, words=talk.words)

    assert len(clips) >= 4
    first_shown = np.sort(clips["start_s"].to_numpy() % 240.0)
    length_s = (clips["end_s"] - clips["start_s"]).to_numpy()[np.argsort(clips["start_s"].to_numpy() % 240.0)]
    assert (first_shown[1:] - first_shown[:-1] > 0.7 * length_s[:-1]).all()
    again = candidates["start_s"] > 260.0
    assert (candidates.loc[again, "repetition"] > 0.9).all()
    assert candidates.loc[candidates["end_s"] < 230.0, "repetition"].max() < 0.1


def test_a_near_duplicate_names_the_clip_that_it_is_like() -> None:
    candidates = table_of((0, 30, 0.9), (100, 130, 0.8), (200, 230, 0.4), (110, 140, 0.3))
    candidates["origin_s"] = [0.0, 1.0, 200.0, 11.0]

    clips, rejected = select_clips(candidates, SelectionParams(n_clips=2), duration_s=300.0)

    assert clips["start_s"].tolist() == [0.0, 200.0]
    assert rejected["rule"].tolist() == ["near_duplicate", "near_duplicate"]
    assert rejected["detail"].tolist() == [
        "97% of it is shown in clip 1 (0.90) too",
        "63% of it is shown in clip 1 (0.90) too",
    ]


def test_clips_that_say_the_same_are_not_both_chosen() -> None:
    said = "Rivers carry heavy stones down to the wide sea."
    words = words_of(said, "Nobody asked why mountains stand there so very still.", said)
    candidates = table_of((0, 9, 0.9), (9, 18, 0.5), (18, 27, 0.8))

    clips, rejected = select_clips(candidates, SelectionParams(n_clips=2, min_s=5, gap_s=0), duration_s=30, words=words)

    assert clips["start_s"].tolist() == [0.0, 9.0]
    assert rejected["detail"].tolist() == ["says the same as clip 1 (0.90) (cosine 1.00)"]


@pytest.mark.parametrize("is_doubled", [True, False])
def test_the_kept_candidates_hold_the_best_choice_of_all_pairs(
    is_doubled: bool, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = make_talk(900.0, rng)
    talk = shown_twice(talk) if is_doubled else talk
    params = params_of(n_clips=9)

    kept = find_candidates(*talk.tables(), params, duration_s=talk.duration_s)
    monkeypatch.setattr(highlights, "_CANDIDATES_PER_HOUR", 10**9)
    every = find_candidates(*talk.tables(), params, duration_s=talk.duration_s)

    assert len(every) > 3 * len(kept)
    both = [
        select_clips(table, params.selection, duration_s=talk.duration_s, words=talk.words)[0]
        for table in (kept, every)
    ]
    compared = [clips[["start_s", "end_s", "score", "title"]] for clips in both]
    pd.testing.assert_frame_equal(*compared)


def test_the_centre_prior_is_what_place_alone_would_choose() -> None:
    candidates = table_of((0, 20, 0.9), (30, 50, 0.8), (40, 60, 0.2), (80, 100, 0.4))
    candidates["position"] = [0.2, 0.8, 1.0, 0.3]

    assert centre_prior(candidates, SelectionParams(n_clips=1), duration_s=100.0) == 0.2
    assert centre_prior(candidates, SelectionParams(n_clips=2), duration_s=100.0) == pytest.approx(0.3)
    assert centre_prior(candidates.iloc[:0], SelectionParams(), duration_s=100.0) == 0.0


def words_of(*sentences: str) -> pd.DataFrame:
    rows = [(word, number) for number, text in enumerate(sentences) for word in text.split()]
    start_s = np.arange(len(rows), dtype=float)
    return pd.DataFrame(
        {
            "word": [word for word, _ in rows],
            "start_s": start_s,
            "end_s": start_s + 1.0,
            "sentence": [number for _, number in rows],
        }
    )


@pytest.mark.parametrize(
    ("sentences", "start_s", "expected"),
    [
        (["We begin here.", "Then it goes on."], 0.0, "We begin here."),
        (["We begin here.", "Then it goes on."], 1.5, "It goes on."),
        (["We begin here.", "Why does nobody stay?"], 0.0, "Why does nobody stay?"),
        (["They left. ", "And so we came to stay.", "Rivers run south today."], 0.0, "Rivers run south today."),
        (["And so we came to stay."], 0.0, "We came to stay."),
        (["You asked about 42 rivers.", "Why does nobody stay?"], 0.0, "You asked about 42 rivers."),
        (["It ends.", "Rivers run south " * 9], 0.0, "It ends."),
        (["one " * 40], 0.0, " ".join(["one"] * 15) + "…"),
        (["x" * 90], 0.0, "x" * 59 + "…"),
        (["你 好。"], 0.0, "你好。"),
        ([], 0.0, "0:00 to 0:20"),
    ],
)
def test_title_is_the_first_whole_sentence_or_the_time(sentences: list[str], start_s: float, expected: str) -> None:
    candidates = table_of((start_s, start_s + 20.0, 0.9))

    clips, _ = select_clips(candidates, SelectionParams(), duration_s=100.0, words=words_of(*sentences))

    assert clips["title"].tolist() == [expected]
    assert len(clips["title"].iloc[0]) <= 60


def test_two_clips_have_the_same_title_only_where_they_say_nothing_else() -> None:
    greeting = "Hello you there, my friends."
    words = words_of(greeting, "Rivers run south today.", greeting, "Mountains stand very still.", greeting)
    candidates = table_of((0, 9, 0.9), (9, 18, 0.8), (18, 23, 0.7))

    clips, _ = select_clips(candidates, SelectionParams(min_s=4, gap_s=0), duration_s=30.0, words=words)

    assert clips["title"].tolist() == [greeting, "Mountains stand very still.", greeting]


def test_reason_tells_how_the_clip_starts_and_ends_and_what_is_good(rng: np.random.Generator) -> None:
    talk = make_talk(200.0, rng)
    loud = talk.audio["time_s"].between(60.0, 95.0) & talk.audio["is_speech"]
    talk.audio.loc[loud, "loudness_lufs"] += 9.0
    candidates = find_candidates(*talk.tables(), Params(), duration_s=200.0)

    clips, _ = select_clips(candidates, SelectionParams(n_clips=1), duration_s=200.0, words=talk.words)

    reason = clips["reason"].iloc[0]
    assert reason.startswith("starts at a sentence after")
    assert "somebody speaks for" in reason
    assert "loud" in reason
    assert "ends on a full sentence" in reason
