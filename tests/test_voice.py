"""Pitch of the voice, its range, and syllables a second."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clipkit.analysis.speech import measure_audio
from clipkit.analysis.voice import pitch_range, speech_rate, track_pitch
from clipkit.media.probe import probe
from clipkit.params import Params

RATE_HZ = 16_000


def harmonics(pitch_hz: NDArray[np.float64], n_harmonics: int) -> NDArray[np.float32]:
    """Return a sound whose pitch is given for each sample; its overtones fall by 6 dB an octave."""
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    sound = sum(np.sin(k * phase) / k for k in range(1, n_harmonics + 1))
    return (0.1 * sound).astype(np.float32)


@pytest.mark.parametrize("n_harmonics", [1, 2, 12])
def test_the_pitch_of_a_sweep_is_found_within_three_per_cent(n_harmonics: int) -> None:
    pitch_hz = np.geomspace(70, 380, 8 * RATE_HZ)

    found, harmonicity = track_pitch(harmonics(pitch_hz, n_harmonics), 800)

    middle = pitch_hz[RATE_HZ // 200 :: RATE_HZ // 100]
    np.testing.assert_allclose(found[10:-10], middle[10:-10], rtol=0.03)
    assert (harmonicity[10:-10] > 0.9).all()


@given(st.floats(65, 390), st.integers(1, 15), st.floats(0.0, 0.03))
def test_a_steady_tone_has_its_pitch_whatever_its_overtones(pitch_hz: float, n_harmonics: int, noise: float) -> None:
    sound = harmonics(np.full(RATE_HZ, pitch_hz), n_harmonics)
    sound += (noise * np.random.default_rng(1).standard_normal(len(sound))).astype(np.float32)

    found, _ = track_pitch(sound, 100)

    assert np.median(found[10:-10]) == pytest.approx(pitch_hz, rel=0.03)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda n, rng: np.zeros(n), id="silence"),
        pytest.param(lambda n, rng: np.full(n, 0.5), id="constant offset"),
        pytest.param(lambda n, rng: 0.1 * rng.standard_normal(n), id="noise"),
        pytest.param(lambda n, rng: 0.3 * np.sin(2 * np.pi * 2500 * np.arange(n) / RATE_HZ), id="whistle"),
        pytest.param(lambda n, rng: np.where(np.arange(n) % 4000 == 0, 0.9, 0.0), id="clicks"),
    ],
)
def test_sound_without_a_voice_has_no_pitch(make, rng: np.random.Generator) -> None:  # type: ignore[no-untyped-def]
    found, harmonicity = track_pitch(make(3 * RATE_HZ, rng).astype(np.float32), 300)

    assert (found[5:-5] > 0).mean() < 0.02
    assert np.isfinite(harmonicity).all()


@pytest.mark.parametrize("n_hops", [1, 2, 7, 50])
def test_short_sounds_have_a_row_for_each_hop(n_hops: int) -> None:
    found, harmonicity = track_pitch(np.ones(n_hops * 160 - 80, np.float32), n_hops)

    assert found.shape == harmonicity.shape == (n_hops,)


def test_range_is_in_semitones_and_only_of_the_voice() -> None:
    pitch_hz = np.full(1200, 100.0, np.float32)
    pitch_hz[1::4] = pitch_hz[::4] = 200.0
    is_voice = np.arange(1200) < 600

    spans = pitch_range(pitch_hz, is_voice)

    assert spans[300] == pytest.approx(12.0, abs=0.01)
    assert spans[1000] == 0.0
    assert pitch_range(np.full(500, 150.0, np.float32), np.ones(500, bool)).max() == pytest.approx(0.0, abs=1e-5)


def test_range_does_not_follow_a_few_wrong_octaves() -> None:
    pitch_hz = np.full(600, 100.0, np.float32)
    pitch_hz[::30] = 200.0

    assert pitch_range(pitch_hz, np.ones(600, bool))[300] == 0.0


@given(st.integers(2, 7))
def test_rate_counts_the_swells_of_the_level(per_second: int) -> None:
    time_s = np.arange(1200) / 100
    level_db = (-30 + 8 * np.cos(2 * np.pi * per_second * time_s)).astype(np.float32)
    is_speech = time_s < 8

    rate = speech_rate(level_db, np.full(1200, 120.0, np.float32), is_speech)

    np.testing.assert_allclose(rate[200:600], per_second, atol=0.5)
    assert (rate[1000:] == 0).all()
    assert (speech_rate(level_db, np.zeros(1200, np.float32), is_speech) == 0).all()


@pytest.mark.media
@pytest.mark.parametrize("name", ["jfk.flac", "librivox_0870.wav", "librivox_0890.wav"])
def test_syllables_of_a_reading_are_about_those_of_its_text(media: Path, name: str) -> None:
    path = media / "speech" / name
    words = path.with_suffix(".txt").read_text(encoding="utf-8").lower().split()
    n_syllables = sum(max(1, len(re.findall("[aeiouy]+", re.sub("e$", "", word)))) for word in words)

    audio = measure_audio(path, Params(), duration_s=probe(path).duration_s)

    spoken = audio[audio["is_speech"]]
    assert spoken["speech_rate"].mean() * len(spoken) / 100 == pytest.approx(n_syllables, rel=0.25)


@pytest.mark.media
@pytest.mark.parametrize(
    ("name", "lowest_hz", "highest_hz"),
    [
        pytest.param("sonnet1.mp3", 140, 240, id="a woman reads a sonnet"),
        pytest.param("librivox_0870.wav", 75, 130, id="a man reads prose"),
    ],
)
def test_readers_have_the_pitch_of_their_voice(media: Path, name: str, lowest_hz: float, highest_hz: float) -> None:
    path = media / "speech" / name

    audio = measure_audio(path, Params(), duration_s=probe(path).duration_s)

    spoken = audio[audio["is_speech"]]
    voiced = spoken["pitch_hz"][spoken["pitch_hz"] > 0]
    assert len(voiced) > 0.4 * len(spoken)
    assert lowest_hz < np.median(voiced) < highest_hz
    assert 2.0 < np.median(spoken["pitch_range"]) < 14.0
