"""Music, applause and laughter: what shows their traits and what must not; and novelty of sound."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.signal import fftconvolve, firwin

from clipkit.analysis.novelty import novelty
from clipkit.analysis.speech import measure_audio
from clipkit.media.probe import probe
from clipkit.params import Params

RATE_HZ = 16_000
EVIDENCE = ["music", "applause", "laughter"]
Samples = NDArray[np.float64]


@pytest.fixture
def measure(tmp_path: Path) -> Callable[[Samples], pd.DataFrame]:
    def measure(samples: Samples) -> pd.DataFrame:
        path = tmp_path / "sound.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
        return measure_audio(path, Params(), duration_s=len(samples) / RATE_HZ)

    return measure


def time_of(seconds: float) -> Samples:
    return np.arange(round(seconds * RATE_HZ)) / RATE_HZ


def chords(seconds: float) -> Samples:
    """Return struck chords of three notes with overtones, a new one each second."""
    time_s = time_of(seconds)
    sound = np.zeros(len(time_s))
    roots = np.array([220.0, 196.0, 174.6, 164.8])[time_s.astype(int) % 4]
    for ratio in (1.0, 1.26, 1.5):
        phase = 2 * np.pi * np.cumsum(roots * ratio) / RATE_HZ
        sound += sum(np.sin(k * phase) / k for k in range(1, 6))
    return 0.05 * sound * np.exp(-1.5 * (time_s % 1.0))


def bursts(seconds: float, rng: np.random.Generator) -> Samples:
    """Return three seconds of noise that dies away, each six seconds, over a quiet room."""
    time_s = time_of(seconds)
    envelope = np.where(time_s % 6.0 < 3.0, np.exp(-(time_s % 6.0) / 1.5), 0.0)
    return (0.15 * envelope + 1e-4) * rng.standard_normal(len(time_s))


def test_a_bed_of_chords_is_music_and_no_speech(measure) -> None:  # type: ignore[no-untyped-def]
    audio = measure(chords(10.0))

    assert audio["music"].iloc[100:-100].min() > 0.8
    assert not audio["is_speech"].any()
    assert audio[["applause", "laughter"]].to_numpy().max() < 0.2


def test_noise_that_dies_away_slowly_is_applause(measure, rng: np.random.Generator) -> None:  # type: ignore[no-untyped-def]
    audio = measure(bursts(18.0, rng))

    into_s = audio["time_s"] % 6.0
    assert audio["applause"][(into_s > 0.5) & (into_s < 2.0)].mean() > 0.8
    assert audio["applause"][(into_s > 3.5) & (into_s < 5.5)].max() < 0.05
    assert audio["music"].max() < 0.5
    assert not audio["is_speech"].any()


def test_many_clapping_hands_in_a_room_are_applause(measure, rng: np.random.Generator) -> None:  # type: ignore[no-untyped-def]
    claps = np.zeros(12 * RATE_HZ)
    n_clap = RATE_HZ // 50
    decay = np.exp(-np.arange(n_clap) / (0.004 * RATE_HZ))
    for hands in range(40):
        colour = firwin(31, [400 + 30 * hands, 1800 + 120 * hands], pass_zero=False, fs=RATE_HZ)
        now_s = 4.0 + 0.3 * rng.random()
        while now_s < 8.0:
            begin = round(now_s * RATE_HZ)
            claps[begin : begin + n_clap] += np.convolve(rng.standard_normal(n_clap) * decay, colour, "same")
            now_s += rng.uniform(0.2, 0.33)
    echo = 0.05 * rng.standard_normal(RATE_HZ // 2) * np.exp(-np.arange(RATE_HZ // 2) / (0.12 * RATE_HZ))
    echo[0] = 1.0

    audio = measure(0.05 * fftconvolve(claps, echo)[: len(claps)] + 1e-4 * rng.standard_normal(len(claps)))

    assert audio["applause"][450:750].mean() > 0.6
    assert audio["applause"][:350].max() == audio["applause"][1000:].max() == 0.0
    assert audio[["music", "laughter"]][450:750].to_numpy().max() < 0.4
    assert not audio["is_speech"].any()


def test_short_hisses_and_a_noisy_room_are_no_applause(measure, rng: np.random.Generator) -> None:  # type: ignore[no-untyped-def]
    time_s = time_of(12.0)
    hisses = np.where(time_s % 1.0 < 0.3, 0.1, 1e-4) * rng.standard_normal(len(time_s))

    assert measure(hisses)["applause"].max() < 0.1
    assert measure(0.1 * rng.standard_normal(len(time_s)))["applause"].max() < 0.1


@pytest.mark.parametrize("level", [0.0, 1e-4])
def test_silence_and_a_quiet_room_show_nothing(measure, level: float, rng: np.random.Generator) -> None:  # type: ignore[no-untyped-def]
    audio = measure(level * rng.standard_normal(6 * RATE_HZ))

    assert (audio[[*EVIDENCE, "pitch_range", "speech_rate"]].to_numpy() == 0.0).all()
    assert audio["novelty"].max() < 0.05
    assert (audio["pitch_hz"] > 0).mean() < 0.02


@settings(max_examples=8)
@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.integers(0, 5))
def test_evidence_stays_between_nothing_and_all(tmp_path_factory, loud: float, tonal: float, seed: int) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    samples = loud * (tonal * chords(3.0) * 4 + (1 - tonal) * bursts(3.0, rng) * 4)
    path = tmp_path_factory.mktemp("sound") / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())

    audio = measure_audio(path, Params(), duration_s=3.0)

    shares = audio[[*EVIDENCE, "novelty", "speech"]].to_numpy()
    assert np.isfinite(audio.to_numpy(dtype=np.float64)).all()
    assert shares.min() >= 0.0
    assert shares.max() <= 1.0


def test_what_follows_does_not_change_the_beginning(measure, rng: np.random.Generator) -> None:  # type: ignore[no-untyped-def]
    """The measures look ahead at most 15 s, for the floor; its level and the speech found with it are left out."""
    first = np.concatenate([chords(8.0), bursts(22.0, rng)])
    whole = measure(np.concatenate([first, chords(30.0)]))
    part = measure(first)

    columns = ["level_db", "loudness_lufs", "short_term_lufs", "onset", "novelty", "pitch_hz"]
    np.testing.assert_allclose(whole[columns][:2000], part[columns][:2000], atol=1e-3)
    every = [column for column in part.columns if column != "is_speech"]
    np.testing.assert_allclose(whole[every][:1000], part[every][:1000], atol=2e-2)


def test_novelty_is_highest_where_the_sound_becomes_another() -> None:
    rng = np.random.default_rng(1)
    low, high = rng.normal(-40, 2, (40, 32)), rng.normal(-40, 2, (40, 32))
    high[:, 16:] += 30

    found = novelty(np.concatenate([low, high]).astype(np.float32), 4000)

    assert abs(int(found.argmax()) - 2000) <= 50
    assert found.max() > 0.3
    assert found[:1200].max() < 0.1
    assert max(found[0], found[-1]) < 1e-3


@settings(max_examples=30)
@given(arrays(np.float32, st.tuples(st.integers(1, 60), st.just(4)), elements=st.floats(-120, 0, width=32)))
def test_novelty_is_a_share_and_nothing_for_sound_that_stays(bands: NDArray[np.float32]) -> None:
    found = novelty(bands, 50 * len(bands))

    assert found.shape == (50 * len(bands),)
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    assert novelty(np.repeat(bands[:1], 40, axis=0), 2000).max() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.media
def test_recordings_show_what_they_are(media: Path) -> None:
    shown = {}
    for name in (
        "speech/sonnet1.mp3",
        "speech/three_speakers.wav",
        "speech/laugh1.mp3",
        "long/bbb_720p30_first122s.ts",
    ):
        audio = measure_audio(media / name, Params(), duration_s=min(60.0, probe(media / name).duration_s))
        shown[name] = audio[EVIDENCE].mean()

    assert shown["long/bbb_720p30_first122s.ts"]["music"] > 0.6
    assert shown["speech/laugh1.mp3"]["laughter"] > 0.3
    for name in ("speech/sonnet1.mp3", "speech/three_speakers.wav"):
        assert shown[name].max() < 0.1
