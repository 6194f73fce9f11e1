"""Which pauses end a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipkit.analysis.prosody import sentence_end_chance
from clipkit.analysis.speech import find_pauses, measure_audio
from clipkit.media.probe import probe
from clipkit.params import Params


def talk(lengths_s: list[float], pitches_hz: list[float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return 2 s of speech at each pitch with pauses of the given lengths between them."""
    pitch_hz, is_speech, pauses, now_s = [], [], [], 0.0
    for pitch, length_s in zip(pitches_hz, [*lengths_s, 0.0], strict=True):
        pitch_hz += [pitch] * 200 + [0.0] * round(length_s * 100)
        is_speech += [True] * 200 + [False] * round(length_s * 100)
        pauses.append((now_s + 2.0, now_s + 2.0 + length_s))
        now_s += 2.0 + length_s
    audio = pd.DataFrame({"pitch_hz": np.array(pitch_hz, np.float32), "is_speech": is_speech})
    return audio, pd.DataFrame(pauses[:-1], columns=["start_s", "end_s"])


def test_a_pause_that_is_long_for_its_speaker_ends_a_sentence() -> None:
    slow = sentence_end_chance(*talk([0.8, 0.8, 2.0, 0.8, 0.8, 0.8], [120.0] * 7))
    quick = sentence_end_chance(*talk([0.3, 0.3, 0.8, 0.3, 0.3, 0.3], [120.0] * 7))

    assert slow.argmax() == quick.argmax() == 2
    assert slow[2] > 0.5
    assert quick[2] > 0.5
    assert slow[4] < 0.2  # as long as the long one of the quick speaker


def test_another_speaker_after_the_pause_makes_a_sentence_end_likelier() -> None:
    alone = sentence_end_chance(*talk([0.4, 0.4, 0.4], [120.0] * 4))
    turn = sentence_end_chance(*talk([0.4, 0.4, 0.4], [120.0, 120.0, 210.0, 210.0]))

    np.testing.assert_allclose(turn[[0, 2]], alone[[0, 2]])
    assert turn[1] > 3 * alone[1]


def test_intonation_alone_is_no_other_speaker() -> None:
    flat = sentence_end_chance(*talk([0.4, 0.4], [120.0] * 3))

    np.testing.assert_allclose(sentence_end_chance(*talk([0.4, 0.4], [120.0, 135.0, 120.0])), flat)


@given(st.lists(st.floats(0.25, 3.0), min_size=1, max_size=12), st.integers(0, 11), st.integers(0, 100))
def test_a_longer_pause_is_never_less_of_an_end(lengths_s: list[float], index: int, seed: int) -> None:
    index %= len(lengths_s)
    pitches = np.random.default_rng(seed).choice([0.0, 90.0, 180.0], len(lengths_s) + 1).tolist()
    longer = [length_s + 0.5 * (k == index) for k, length_s in enumerate(lengths_s)]

    chance, more = sentence_end_chance(*talk(lengths_s, pitches)), sentence_end_chance(*talk(longer, pitches))

    assert chance.shape == (len(lengths_s),)
    assert ((chance > 0) & (chance < 1)).all()
    assert more[index] >= chance[index] - 1e-9


def test_no_pauses_have_no_chances() -> None:
    audio, pauses = talk([], [120.0])

    assert sentence_end_chance(audio, pauses).shape == (0,)


@pytest.mark.media
def test_sentence_ends_of_a_reading_stand_out(media: Path) -> None:
    path = media / "speech" / "sonnet1.mp3"
    audio = measure_audio(path, Params(), duration_s=probe(path).duration_s)
    pauses = find_pauses(audio, Params().speech)
    inside = pauses[(pauses["start_s"] > 2.0) & (pauses["end_s"] < 50.0)]

    chance = sentence_end_chance(audio, inside)

    # After "memory.", "too cruel." and "niggarding."; the other pauses end lines of verse.
    is_end = np.array([any(a < t < b for t in (14.8, 30.8, 44.1)) for a, b in inside.to_numpy()])
    assert is_end.sum() == 3
    assert np.mean(chance[is_end][:, None] > chance[~is_end]) >= 0.9
