"""Momentary and short-term loudness: what BS.1770 defines, and what ffmpeg measures of the same sound."""

from __future__ import annotations

import re
import subprocess
import wave
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clipkit.analysis.hops import HOPS_PER_S
from clipkit.analysis.loudness import LoudnessMeter
from clipkit.analysis.speech import measure_audio
from clipkit.kernels.loudness import k_weighting
from clipkit.media.audio import audio_blocks, channel_names
from clipkit.media.child import ffmpeg_path
from clipkit.media.probe import probe
from clipkit.params import Params

RATE = 48_000
LU = 0.1
# The window of a row ends this much after the row, that of a meter at the time of its value.
LAG_S = {"M": 0.2, "S": 1.5}
WINDOW_S = {"M": 0.4, "S": 3.0}
COLUMN = {"M": "loudness_lufs", "S": "short_term_lufs"}


def ebur128(samples: NDArray[np.float32], layout: str) -> dict[str, NDArray[np.float64]]:
    """Return the momentary and short-term loudness of ffmpeg, one value each 100 ms."""
    shape = ["-f", "f32le", "-ar", str(RATE), "-channel_layout", layout]
    measure = ["-af", "ebur128=metadata=1,ametadata=print:file=-", "-f", "null", "-"]
    run = subprocess.run(
        [ffmpeg_path(), "-hide_banner", "-nostats", *shape, "-i", "-", *measure],
        input=samples.astype("<f4").tobytes(),
        capture_output=True,
        check=True,
    )
    printed = run.stdout.decode()
    return {key: np.array(re.findall(rf"r128\.{key}=(\S+)", printed), np.float64) for key in COLUMN}


def assert_same_loudness(audio: pd.DataFrame, metered: dict[str, NDArray[np.float64]]) -> None:
    for key, values in metered.items():
        ends_s = (np.arange(len(values)) + 1) / 10
        rows = np.rint((ends_s - LAG_S[key]) * HOPS_PER_S).astype(int)
        whole = (ends_s >= WINDOW_S[key] - 1e-9) & (values > -70.0) & (rows + LAG_S[key] * HOPS_PER_S <= len(audio))
        assert whole.sum() >= 5
        np.testing.assert_allclose(audio[COLUMN[key]].to_numpy()[rows[whole]], values[whole], atol=LU)


def write_wav(path: Path, samples: NDArray[np.float32]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
    return path


def measure(samples: NDArray[np.float32], channels: tuple[str, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    meter = LoudnessMeter(channels, RATE)
    meter.add(samples)
    return meter.curves(-(-len(samples) * HOPS_PER_S // RATE))


def tone(seconds: float, dbfs: float, n_channels: int = 1) -> NDArray[np.float32]:
    sine = 10 ** (dbfs / 20) * np.sin(2 * np.pi * 997 * np.arange(round(seconds * RATE)) / RATE)
    return np.repeat(sine[:, None], n_channels, axis=1).astype(np.float32)


def test_k_weighting_at_48_khz_has_the_published_coefficients() -> None:
    shelf, cut = k_weighting(48000)

    np.testing.assert_allclose(shelf[:3], [1.53512485958697, -2.69169618940638, 1.19839281085285], rtol=1e-5)
    np.testing.assert_allclose(shelf[4:], [-1.69065929318241, 0.73248077421585], rtol=1e-5)
    np.testing.assert_allclose(cut[4:], [-1.99004745483398, 0.99007225036621], rtol=1e-5)


@pytest.mark.parametrize(
    ("channels", "gain_db"),
    [
        (("FC",), 0.0),
        (("FL", "FR"), 3.01),
        (("NONE", "NONE"), 3.01),
        (("LFE",), -97.0),
        (("SL",), 1.49),
        (("FL", "FR", "FC", "LFE", "BL", "BR"), 10 * np.log10(3 + 2 * 1.41)),
    ],
)
def test_channels_add_up_with_the_weights_of_bs1770(channels: tuple[str, ...], gain_db: float) -> None:
    momentary, short_term = measure(tone(4.0, -20.0, len(channels)), channels)

    # A 997 Hz sine of 0 dBFS in one channel has -3.01 LUFS; these are 20 dB below.
    assert momentary[200] == pytest.approx(-23.01 + gain_db, abs=0.02)
    assert short_term[200] == pytest.approx(-23.01 + gain_db, abs=0.02)


def test_each_curve_is_the_mean_over_its_window_around_the_row() -> None:
    samples = np.concatenate([np.zeros((5 * RATE, 1), np.float32), tone(5.0, -20.0)])

    momentary, short_term = measure(samples, ("FC",))

    assert momentary[479] == -120.0
    assert momentary[520] == pytest.approx(-23.01, abs=0.02)
    assert short_term[500] == pytest.approx(-26.02, abs=0.02)  # half of the window sounds
    assert short_term[350] == -120.0
    assert short_term[650] == pytest.approx(-23.01, abs=0.02)
    # What lies outside the sound does not count as silence.
    assert momentary[-1] == pytest.approx(-23.01, abs=0.02)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=5), st.integers(1, 2))
def test_blocks_of_whole_hops_join_without_a_seam(n_hops: list[int], n_channels: int) -> None:
    rng = np.random.default_rng(sum(n_hops))
    samples = rng.uniform(-0.5, 0.5, (sum(n_hops) * 480, n_channels)).astype(np.float32)
    channels = ("FL", "FR")[:n_channels]
    meter = LoudnessMeter(channels, RATE)
    for block in np.split(samples, np.cumsum(n_hops)[:-1] * 480):
        meter.add(block)

    joined = meter.curves(sum(n_hops))

    np.testing.assert_allclose(joined, measure(samples, channels), atol=1e-5)


def test_digital_silence_after_sound_stays_silent() -> None:
    samples = np.concatenate([tone(1.0, -3.0), np.zeros((30 * RATE, 1), np.float32)])

    momentary, _ = measure(samples, ("FC",))

    assert (momentary[200:] == -120.0).all()


def test_stereo_with_highs_has_the_loudness_that_ffmpeg_measures(tmp_path: Path, rng: np.random.Generator) -> None:
    # Hiss above 8 kHz on one side and a swelling tone on the other: a mono mix at 16 kHz gets both wrong.
    n = 6 * RATE
    hiss = np.diff(0.1 * rng.standard_normal(n), prepend=0.0)
    swell = 0.4 * np.sin(2 * np.pi * 300 * np.arange(n) / RATE) * np.sin(np.pi * np.arange(n) / n) ** 2
    path = write_wav(tmp_path / "stereo.wav", np.stack([hiss, swell], axis=1).astype(np.float32))
    samples = np.concatenate(list(audio_blocks(path, rate_hz=RATE, channels=None)))

    audio = measure_audio(path, Params(), duration_s=6.0)

    assert_same_loudness(audio, ebur128(samples, "stereo"))


@pytest.mark.media
@pytest.mark.parametrize(
    "name",
    ["speech/sonnet1.mp3", "speech/librivox_0870.wav", "speech/jfk.flac", "cuts/sintel_trailer_204p24.mp4"],
)
def test_recordings_have_the_loudness_that_ffmpeg_measures(media: Path, name: str) -> None:
    path = media / name
    info = probe(path)
    samples = np.concatenate(list(audio_blocks(path, rate_hz=RATE, channels=None)))

    audio = measure_audio(path, Params(), duration_s=info.duration_s)

    assert_same_loudness(audio, ebur128(samples, {1: "mono", 2: "stereo"}[len(channel_names(info))]))
