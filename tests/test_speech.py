"""Sound at 100 Hz, and where somebody speaks."""

from __future__ import annotations

import math
import wave
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from clipkit.analysis import speech
from clipkit.analysis.speech import AUDIO_COLUMNS, find_pauses, measure_audio, runs_of
from clipkit.analysis.spoken import noise_floor
from clipkit.errors import InputError
from clipkit.kernels.audio import two_state_posterior
from clipkit.media.audio import read_audio
from clipkit.params import Params, SpeechParams

RATE_HZ = 16000


def write_wav(path: Path, samples: NDArray[np.float64], rate_hz: int = RATE_HZ) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def measure(path: Path, samples: NDArray[np.float64]) -> pd.DataFrame:
    return measure_audio(write_wav(path, samples), Params(), duration_s=len(samples) / RATE_HZ)


def voice(seconds: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return sound with the traits of speech: voiced syllables of changing colour, four a second, and hiss."""
    parts = []
    while sum(map(len, parts)) < seconds * RATE_HZ:
        n = int(rng.uniform(0.14, 0.28) * RATE_HZ)
        time_s = np.arange(n) / RATE_HZ
        pitch_hz, formants = rng.uniform(90, 200), rng.uniform([300, 900, 2200], [800, 2100, 3200])
        phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + 0.1 * time_s)) / RATE_HZ
        sound = np.zeros(n)
        for harmonic in range(1, int(4000 / pitch_hz)):
            gain = sum(math.exp(-(((harmonic * pitch_hz - f) / 150) ** 2)) for f in formants) + 0.02
            sound += gain * np.sin(harmonic * phase)
        parts.append(sound * np.sin(np.pi * np.arange(n) / n) ** 0.7)
        hiss = rng.normal(size=int(rng.uniform(0.03, 0.07) * RATE_HZ))
        parts.append(0.3 * np.diff(hiss, prepend=0.0))
    sound = np.concatenate(parts)[: int(seconds * RATE_HZ)]
    return 0.1 * sound / np.sqrt(np.mean(sound**2))


def posterior_by_sums(log_ratios: NDArray[np.float64], enter: float, leave: float) -> NDArray[np.float64]:
    """Return the forward-backward posterior with plain, scaled probabilities."""
    step = np.array([[1 - enter, enter], [leave, 1 - leave]])
    likelihoods = np.stack([np.ones(len(log_ratios)), np.exp(log_ratios)], axis=1)
    forward, backward = np.empty_like(likelihoods), np.ones_like(likelihoods)
    state = np.array([leave, enter]) / (enter + leave)
    for index, likelihood in enumerate(likelihoods):
        state = (state if index == 0 else state @ step) * likelihood
        state = state / state.sum()
        forward[index] = state
    for index in range(len(likelihoods) - 2, -1, -1):
        backward[index] = step @ (likelihoods[index + 1] * backward[index + 1])
        backward[index] /= backward[index].sum()
    both = forward * backward
    return both[:, 1] / both.sum(axis=1)


@pytest.mark.parametrize("n_steps", [1, 2, 7, 500])
@pytest.mark.parametrize("scale", [0.0, 0.3, 8.0])
def test_posterior_equals_the_sum_over_all_paths(n_steps: int, scale: float, rng: np.random.Generator) -> None:
    log_ratios = (scale * rng.normal(size=n_steps)).astype(np.float32)
    found = np.empty(n_steps, dtype=np.float32)

    two_state_posterior(log_ratios, 0.05, 0.02, found)

    np.testing.assert_allclose(found, posterior_by_sums(log_ratios.astype(np.float64), 0.05, 0.02), atol=1e-5)


def test_posterior_of_extreme_evidence_is_finite() -> None:
    log_ratios = np.array([-500.0, 500.0, -500.0, 500.0] * 100, dtype=np.float32)
    found = np.empty(len(log_ratios), dtype=np.float32)

    two_state_posterior(log_ratios, 0.02, 0.02, found)

    assert np.isfinite(found).all()


def test_voice_between_pauses_is_found(tmp_path: Path, rng: np.random.Generator) -> None:
    truth, parts = [], []
    for seconds, pause_s in ((2.0, 0.6), (3.0, 1.0), (1.5, 0.4), (2.5, 1.2)):
        parts += [voice(seconds, rng), np.zeros(int(pause_s * RATE_HZ))]
        truth += [True] * int(seconds * 100) + [False] * int(pause_s * 100)
    samples = np.concatenate(parts)
    samples = samples + 0.0005 * rng.normal(size=len(samples))

    audio = measure(tmp_path / "voice.wav", samples)

    found, expected = audio["is_speech"].to_numpy(), np.array(truth)
    f1 = 2 * (found & expected).sum() / (found.sum() + expected.sum())
    assert f1 >= 0.95
    assert len(find_pauses(audio, SpeechParams())) == 4


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda n, rng: np.zeros(n), id="digital silence"),
        pytest.param(lambda n, rng: 0.1 * rng.normal(size=n), id="constant noise"),
        pytest.param(lambda n, rng: 3e-5 * rng.normal(size=n), id="dither"),
        pytest.param(lambda n, rng: 0.3 * np.sin(np.arange(n) * 0.2), id="tone"),
        pytest.param(lambda n, rng: np.where(np.arange(n) % 8000 == 0, 0.9, 0.0), id="clicks"),
        pytest.param(lambda n, rng: np.full(n, 0.5), id="constant offset"),
        pytest.param(
            lambda n, rng: 0.1 * sum(np.sin(np.arange(n) * 2 * np.pi * f / RATE_HZ) for f in (220, 277, 330, 440)),
            id="chord",
        ),
        pytest.param(lambda n, rng: np.sign(np.sin(np.arange(n) * 0.05)), id="full scale"),
    ],
)
def test_sound_without_speech_has_none(make, tmp_path: Path, rng: np.random.Generator) -> None:  # type: ignore[no-untyped-def]
    audio = measure(tmp_path / "sound.wav", make(6 * RATE_HZ, rng))

    assert not audio["is_speech"].any()
    assert np.isfinite(audio.to_numpy(dtype=np.float64)).all()


def test_table_has_the_promised_columns_and_one_row_for_each_hundredth(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "second.wav", np.zeros(RATE_HZ))

    audio = measure_audio(path, Params(), duration_s=1.234)

    assert tuple(audio.columns) == AUDIO_COLUMNS
    assert {name: str(dtype) for name, dtype in audio.dtypes.items() if dtype != "float32"} == {
        "time_s": "float64",
        "is_speech": "bool",
    }
    assert len(audio) == 124
    np.testing.assert_allclose(audio["time_s"], np.arange(124) / 100)
    assert (audio["level_db"] == -120).all()


def test_file_without_sound_gives_silence(tmp_path: Path) -> None:
    from clipkit.media.writer import write_video

    path = tmp_path / "mute.mp4"
    write_video(path, iter(np.zeros((10, 64, 64, 3), dtype=np.uint8)), frame_rate=10)

    audio = measure_audio(path, Params(), duration_s=1.0)

    assert len(audio) == 100
    assert (audio["level_db"] == -120).all()
    assert not audio["is_speech"].any()


def test_missing_file_is_the_persons_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        measure_audio(tmp_path / "nowhere.wav", Params(), duration_s=1.0)


def test_blocks_of_any_size_give_the_same_table(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = np.concatenate([voice(3.0, rng), 0.001 * rng.normal(size=RATE_HZ), voice(3.3, rng)])
    whole = measure(tmp_path / "sound.wav", samples)
    monkeypatch.setattr(speech, "_BLOCK_S", 1.7)

    parts = measure(tmp_path / "sound.wav", samples)

    assert (whole["is_speech"] == parts["is_speech"]).all()
    np.testing.assert_allclose(whole["loudness_lufs"], parts["loudness_lufs"], atol=1e-4)
    np.testing.assert_allclose(whole["level_db"], parts["level_db"], atol=1e-3)


def test_progress_rises_to_one(tmp_path: Path) -> None:
    shares: list[float] = []
    path = write_wav(tmp_path / "long.wav", np.zeros(45 * RATE_HZ))

    measure_audio(path, Params(), duration_s=45.0, progress=shares.append)

    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) >= 3


def test_onset_marks_where_a_sound_begins(tmp_path: Path, rng: np.random.Generator) -> None:
    samples = 0.001 * rng.normal(size=4 * RATE_HZ)
    samples[2 * RATE_HZ :] += 0.2 * rng.normal(size=2 * RATE_HZ)

    audio = measure(tmp_path / "burst.wav", samples)

    assert audio["time_s"].iloc[int(audio["onset"].argmax())] == pytest.approx(2.0, abs=0.03)


def test_noise_floor_follows_the_quiet_tenth() -> None:
    level_db = np.concatenate([np.full(6000, -60.0), np.full(6000, -40.0)]).astype(np.float32)
    level_db[::3] = -10.0

    floor_db = noise_floor(level_db)

    assert floor_db[1000] == pytest.approx(-60.0)
    assert floor_db[-1000] == pytest.approx(-40.0)


def test_pauses_are_the_long_stretches_without_speech(rng: np.random.Generator) -> None:
    audio = pd.DataFrame({"is_speech": np.repeat(rng.random(300) < 0.5, rng.integers(1, 60, 300))})
    params = SpeechParams(pause_min_s=0.3)

    pauses = find_pauses(audio, params)

    silent = [run for run in runs_of(~audio["is_speech"].to_numpy()) if run[1] - run[0] >= 30]
    assert np.rint(pauses.to_numpy() * 100).astype(int).tolist() == np.array(silent).tolist()


def test_higher_threshold_never_finds_more_speech(tmp_path: Path, rng: np.random.Generator) -> None:
    samples = np.concatenate([voice(2.0, rng), np.zeros(RATE_HZ // 2), 0.05 * rng.normal(size=RATE_HZ)])
    path = write_wav(tmp_path / "sound.wav", samples)

    counts = [
        int(measure_audio(path, Params(speech=SpeechParams(threshold=threshold)), duration_s=3.5)["is_speech"].sum())
        for threshold in (0.1, 0.5, 0.9)
    ]

    assert counts == sorted(counts, reverse=True)


@pytest.mark.media
@pytest.mark.parametrize(
    ("noise", "at_least"), [pytest.param(0.0003, 0.93, id="quiet room"), pytest.param(0.02, 0.88, id="10 dB of noise")]
)
def test_recorded_speech_between_pauses_is_found(
    media: Path, tmp_path: Path, rng: np.random.Generator, noise: float, at_least: float
) -> None:
    pieces, truth = [], []
    for name, first_s, last_s in (("librivox_0870", 0.3, 6.6), ("librivox_0890", 0.2, 4.9)):
        sound = read_audio(media / "speech" / f"{name}.wav", rate_hz=RATE_HZ, channels=1)[:, 0]
        spoken = sound[int(first_s * RATE_HZ) : int(last_s * RATE_HZ)]
        pieces += [np.zeros(RATE_HZ), spoken]
        truth += [False] * 100 + [True] * (len(spoken) // 160)
    samples = np.concatenate([*pieces, np.zeros(RATE_HZ)]).astype(np.float64)
    truth += [False] * 100

    audio = measure(tmp_path / "read.wav", samples + noise * rng.normal(size=len(samples)))

    found, expected = audio["is_speech"].to_numpy()[: len(truth)], np.array(truth)[: len(audio)]
    assert 2 * (found & expected).sum() / (found.sum() + expected.sum()) >= at_least
