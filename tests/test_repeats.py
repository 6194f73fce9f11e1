"""Repeats of a video, and spans that are like others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scenes import make_talk, no_words

from clipkit.analysis import likeness
from clipkit.analysis.likeness import SAME_WORDS, Likeness
from clipkit.analysis.repeats import find_repeats


def signals(rng: np.random.Generator, duration_s: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return frames and sound that change from second to second."""

    def wander(n: int, rate: int) -> np.ndarray:
        return np.interp(np.arange(n) / rate, np.arange(duration_s + 1), rng.normal(0, 1, int(duration_s) + 1))

    n_frames, n_hops = int(duration_s * 25), int(duration_s * 100)
    frames = pd.DataFrame({"time_s": np.arange(n_frames) / 25})
    for name, scale in (("luma_mean", 30), ("luma_std", 8), ("edge_energy", 3), ("chroma_u", 9), ("motion", 0.2)):
        frames[name] = 80 + scale * wander(n_frames, 25)
    audio = pd.DataFrame({"level_db": -30 + 9 * wander(n_hops, 100), "onset": 2 + wander(n_hops, 100)})
    return frames, audio


def joined(first: tuple[pd.DataFrame, pd.DataFrame], second: tuple[pd.DataFrame, pd.DataFrame], at_s: float):
    frames = pd.concat([first[0], second[0].assign(time_s=second[0]["time_s"] + at_s)], ignore_index=True)
    return frames, pd.concat([first[1], second[1]], ignore_index=True)


@pytest.mark.parametrize("shift", [0, 13, 25, 37])
def test_a_second_half_that_repeats_the_first_is_found(shift: int, rng: np.random.Generator) -> None:
    first = signals(rng, 90.0)
    between = signals(rng, 1.0)
    between = between[0].iloc[: shift // 4], between[1].iloc[:shift]
    start_s = 90.0 + shift / 100
    again = joined(joined(first, between, 90.0), first, start_s)

    moment_s, lag_s = find_repeats(*again, duration_s=start_s + 90.0)

    half = round(start_s / moment_s)
    assert (lag_s[: half - 2] == 0.0).all()
    assert (lag_s[half + 4 : -4] > 0.0).mean() > 0.95
    assert lag_s[lag_s > 0.0] == pytest.approx(start_s, abs=moment_s)


def test_a_third_showing_goes_back_to_the_first(rng: np.random.Generator) -> None:
    first, other = signals(rng, 40.0), signals(rng, 30.0)
    video = joined(joined(joined(first, other, 40.0), first, 70.0), first, 110.0)

    _, lag_s = find_repeats(*video, duration_s=150.0)

    assert np.median(lag_s[150:210]) == 70.0
    assert np.median(lag_s[230:290]) == 110.0


def test_the_same_picture_with_other_sound_is_no_repeat(rng: np.random.Generator) -> None:
    first, other = signals(rng, 60.0), signals(rng, 60.0)
    video = joined(first, (first[0], other[1]), 60.0)

    _, lag_s = find_repeats(*video, duration_s=120.0)

    assert not lag_s.any()


def test_a_still_picture_and_silence_repeat_nothing(rng: np.random.Generator) -> None:
    frames, audio = signals(rng, 90.0)
    frames.loc[:, frames.columns != "time_s"] = 80.0
    audio.loc[:, :] = -120.0

    _, lag_s = find_repeats(frames, audio, duration_s=90.0)

    assert not lag_s.any()


def test_pauses_of_one_length_over_one_slide_make_no_repeat(rng: np.random.Generator) -> None:
    frames, audio = signals(rng, 400.0)
    frames.loc[:, frames.columns != "time_s"] = 80.0
    time_s = np.arange(len(audio)) / 100
    audio.loc[time_s % 50.0 < 4.0, "level_db"] = -60.0

    _, lag_s = find_repeats(frames, audio, duration_s=400.0)

    assert not lag_s.any()


@pytest.mark.parametrize("duration_s", [0.3, 5.0, 24.0, 25.0])
def test_short_videos_repeat_nothing(duration_s: float, rng: np.random.Generator) -> None:
    frames, audio = (
        table.iloc[: max(1, int(duration_s * rate))] for table, rate in zip(signals(rng, 30.0), (25, 100), strict=True)
    )

    _, lag_s = find_repeats(frames, audio, duration_s=duration_s)

    assert not lag_s.any()


def test_made_up_talk_repeats_nothing(rng: np.random.Generator) -> None:
    talk = make_talk(600.0, rng)

    _, lag_s = find_repeats(talk.frames, talk.audio, duration_s=600.0)

    assert not lag_s.any()


def words_of(*sentences: str, length_s: float = 1.0) -> pd.DataFrame:
    rows = [(word, number) for number, text in enumerate(sentences) for word in text.split()]
    words = pd.DataFrame(rows, columns=["word", "sentence"])
    words["start_s"] = np.arange(len(words)) * length_s
    words["end_s"] = words["start_s"] + length_s
    return words


def test_the_same_words_in_another_order_are_twins_and_other_words_are_not() -> None:
    words = words_of(
        "Rivers carry stones down to the wide sea.",
        "To the wide sea rivers carry down stones!",
        "Nobody has ever asked how mountains begin there.",
    )
    spans = pd.DataFrame({"start_s": [0.0, 8.0, 16.0], "end_s": [8.0, 16.0, 24.0]})
    spoken = Likeness(spans, words)

    alike = spoken.same_words(0, np.array([1, 2]))

    assert alike[0] == pytest.approx(1.0)
    assert alike[1] < 0.2 < SAME_WORDS
    assert spoken.alike(np.array([0]), np.array([1, 2])).tolist() == [[True, False]]


def test_cosine_is_that_of_counts_times_rarity(rng: np.random.Generator) -> None:
    vocabulary = [f"w{number}" for number in range(30)]
    words = words_of(*(" ".join(rng.choice(vocabulary, 6)) for _ in range(40)))
    starts = rng.integers(0, 200, 12).astype(float)
    spans = pd.DataFrame({"start_s": starts, "end_s": starts + 20.0})

    found = Likeness(spans, words).same_words(0, np.arange(12))

    uses = words.groupby("word")["sentence"].nunique()
    rarity = np.log(1.0 + 40 / uses)
    bags = []
    for start in starts.astype(int):
        counts = words["word"].iloc[start : start + 20].value_counts().reindex(rarity.index, fill_value=0)
        bags.append((counts * rarity).to_numpy() / np.linalg.norm(counts * rarity))
    np.testing.assert_allclose(found, np.array(bags) @ bags[0], atol=1e-12)


@pytest.mark.parametrize("n_words", [8, 40, 900])
@pytest.mark.parametrize("at_once", [7, 4000])
def test_twins_by_words_are_those_of_the_cosine(
    n_words: int, at_once: int, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    vocabulary = [f"w{number}" for number in range(n_words)]
    words = words_of(*(" ".join(rng.choice(vocabulary, 6)) for _ in range(80)))
    starts = rng.integers(0, 400, 300).astype(float)
    spans = pd.DataFrame({"start_s": starts, "end_s": starts + rng.integers(10, 80, 300)})
    rows = np.arange(300)
    expected = [Likeness(spans, words).same_words(int(row), rows) > SAME_WORDS for row in rows[::30]]

    # Many rows are first narrowed down by an upper bound.
    monkeypatch.setattr(likeness, "_ROWS_AT_ONCE", at_once)
    found = Likeness(spans, words).alike(rows[::30], rows)

    assert found.tolist() == np.array(expected).tolist()
    assert found.any()


def test_too_few_words_say_nothing() -> None:
    words = words_of("Yes we do.", "Yes we do.")
    spans = pd.DataFrame({"start_s": [0.0, 3.0], "end_s": [3.0, 6.0]})

    assert Likeness(spans, words).same_words(0, np.array([1])).tolist() == [0.0]
    assert Likeness(spans, no_words()).same_words(0, np.array([1])).tolist() == [0.0]


def test_footage_shared_with_a_repeat_is_measured_by_the_shorter_span() -> None:
    spans = pd.DataFrame(
        {
            "start_s": [0.0, 110.0, 130.0, 40.0],
            "end_s": [30.0, 120.0, 160.0, 70.0],
            "origin_s": [0.0, 10.0, 30.0, 40.0],
        }
    )

    shared = Likeness(spans).shared_footage(np.array([0]), np.array([0, 1, 2, 3]))[0]

    assert shared.tolist() == [0.0, 1.0, 0.0, 0.0]
