"""Word edges beside pauses move to the sound, and words stay in order."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from clipkit.analysis.alignment import REACH_S, snap_to_sound
from clipkit.analysis.speech import runs_of

# Lengths in hundredths of a second: speech and silence in turn, word and gap in turn.
RUNS = st.lists(st.integers(1, 60), min_size=1, max_size=25)


def audio_of(lengths: list[int], starts_silent: bool = False) -> pd.DataFrame:
    flags = [np.full(length, (index % 2 == 0) != starts_silent) for index, length in enumerate(lengths)]
    return pd.DataFrame({"is_speech": np.concatenate(flags)})


def words_of(lengths: list[int]) -> np.ndarray:
    edges = np.cumsum([0, *lengths]) / 100.0
    return np.column_stack([edges[:-1], edges[1:]])[::2]


def snap(words: list[list[float]], *lengths: int) -> list[list[float]]:
    return snap_to_sound(np.array(words), audio_of(list(lengths))).round(6).tolist()


@given(RUNS, st.booleans(), RUNS)
def test_words_keep_their_order_and_never_overlap(lengths: list[int], starts_silent: bool, words: list[int]):
    audio, before = audio_of(lengths, starts_silent), words_of(words)

    after = snap_to_sound(before, audio)

    assert after.shape == before.shape
    assert (after[:, 1] > after[:, 0]).all()
    assert (after[1:, 0] >= after[:-1, 1]).all()


@given(RUNS, st.booleans(), RUNS)
def test_an_edge_moves_far_only_out_of_a_pause(lengths: list[int], starts_silent: bool, words: list[int]):
    audio, before = audio_of(lengths, starts_silent), words_of(words)
    pauses = runs_of(~audio["is_speech"].to_numpy()) / 100.0

    moves = np.abs(snap_to_sound(before, audio) - before)

    for length_s, move_s in zip(np.repeat(before[:, 1] - before[:, 0], 2), moves.ravel(), strict=True):
        longest_s = (pauses[:, 1] - pauses[:, 0]).max(initial=0.0)
        assert move_s <= max(REACH_S, longest_s + min(REACH_S, length_s)) + 1e-9


def test_an_edge_between_words_in_a_pause_becomes_both_edges_of_the_pause():
    assert snap([[0.1, 0.6], [0.6, 1.2]], 50, 30, 60) == [[0.1, 0.5], [0.8, 1.2]]


def test_words_are_drawn_up_to_a_pause_that_is_near():
    assert snap([[0.1, 0.42], [2.4, 2.8]], 100, 100, 100) == [[0.1, 1.0], [2.0, 2.8]]
    assert snap([[0.1, 0.38], [2.65, 2.8]], 100, 100, 100) == [[0.1, 0.38], [2.65, 2.8]]


def test_words_are_not_drawn_over_a_pause_or_another_word():
    assert snap([[0.1, 0.42], [0.44, 0.46]], 50, 30, 60) == [[0.1, 0.42], [0.44, 0.5]]
    assert snap([[0.1, 0.25]], 20, 20, 30, 30) == [[0.1, 0.2]]


def test_a_word_over_a_whole_pause_goes_where_more_of_it_is():
    assert snap([[0.4, 1.4]], 50, 30, 80) == [[0.8, 1.4]]
    assert snap([[0.1, 0.9]], 50, 30, 80) == [[0.1, 0.5]]


def test_a_word_that_begins_long_before_it_sounds_begins_with_the_sound():
    assert snap([[0.0, 0.4], [0.6, 3.4]], 50, 250, 80) == [[0.0, 0.5], [3.0, 3.4]]


def test_edges_inside_unbroken_speech_and_beside_short_closures_stay():
    assert snap([[0.1, 0.6], [0.6, 1.2]], 120) == [[0.1, 0.6], [0.6, 1.2]]
    assert snap([[0.1, 0.6], [0.6, 1.2]], 55, 7, 60) == [[0.1, 0.6], [0.6, 1.2]]


def test_a_word_inside_a_pause_is_left_alone():
    assert snap([[0.55, 0.65]], 50, 30, 60) == [[0.55, 0.65]]


def test_no_words_stay_no_words():
    assert snap_to_sound(np.empty((0, 2)), audio_of([50, 30])).shape == (0, 2)
