from __future__ import annotations

import re
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipkit.media.child import ffmpeg_path
from clipkit.output.loudness import fade_edges, level_audio, measure_loudness
from clipkit.params import AudioParams

RATE = 48_000
LU = 0.1  # EBU Tech 3341 asks for this
DB = 0.2  # true peak by 4 times oversampling


def sine(duration_s, dbfs, frequency_hz=1000.0, channels=2, rate_hz=RATE, phase=0.0):
    wave = 10 ** (dbfs / 20) * np.sin(
        2 * np.pi * frequency_hz * np.arange(round(duration_s * rate_hz)) / rate_hz + phase
    )
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def speech_like(rng, duration_s=4.0, channels=2, rate_hz=RATE):
    """Noise in bursts with rests, each channel its own."""
    n = round(duration_s * rate_hz)
    envelope = np.clip(np.sin(2 * np.pi * 1.3 * np.arange(n) / rate_hz), 0, None) ** 2
    return (0.2 * envelope[:, None] * rng.standard_normal((n, channels))).astype(np.float32)


def ebur128(samples, rate_hz):
    shape = ["-f", "f32le", "-ar", str(rate_hz), "-ac", str(samples.shape[1])]
    measure = ["-af", "ebur128=peak=true", "-f", "null", "-"]
    run = subprocess.run(
        [ffmpeg_path(), "-hide_banner", "-nostats", *shape, "-i", "-", *measure],
        input=samples.astype("<f4").tobytes(),
        capture_output=True,
        check=True,
    )
    summary = run.stderr.decode().rsplit("Summary", 1)[1]
    return (
        float(re.search(r"I:\s+(\S+) LUFS", summary)[1]),
        float(re.search(r"Peak:\s+(\S+) dBFS", summary)[1]),
    )


@pytest.mark.parametrize(
    ("parts", "lufs"),
    [
        ([(20, -23)], -23.0),
        ([(20, -33)], -33.0),
        ([(10, -36), (30, -23), (10, -36)], -23.0),
        ([(5, -72), (10, -36), (30, -23), (10, -36), (5, -72)], -23.0),
    ],
    ids=["tone", "quiet tone", "relative gate", "absolute gate"],
)
def test_signals_of_ebu_tech_3341_have_their_loudness(parts, lufs):
    samples = np.concatenate([sine(duration_s, dbfs) for duration_s, dbfs in parts])

    assert measure_loudness(samples, RATE).integrated_lufs == pytest.approx(lufs, abs=LU)


@pytest.mark.parametrize(("rate_hz", "channels"), [(48_000, 2), (44_100, 1), (16_000, 1)])
def test_loudness_and_true_peak_agree_with_ffmpeg(rng, rate_hz, channels):
    samples = speech_like(rng, channels=channels, rate_hz=rate_hz)

    loudness = measure_loudness(samples, rate_hz)

    theirs_lufs, theirs_peak = ebur128(samples, rate_hz)
    assert loudness.integrated_lufs == pytest.approx(theirs_lufs, abs=LU)
    assert loudness.true_peak_dbtp == pytest.approx(theirs_peak, abs=DB)


def test_peaks_between_samples_are_seen():
    samples = sine(1, 0.0, frequency_hz=RATE / 4, phase=np.pi / 4)
    assert np.abs(samples).max() < 0.71

    assert measure_loudness(samples, RATE).true_peak_dbtp == pytest.approx(0.0, abs=DB)


def test_a_peak_at_the_border_of_two_chunks_is_seen_once_and_whole():
    samples = np.zeros((960_100, 1), np.float32)
    samples[480_000 - 40 : 480_000 + 40] = sine(80 / RATE, 0.0, RATE / 4, channels=1, phase=np.pi / 4)

    alone = measure_loudness(samples[480_000 - 500 : 480_000 + 500], RATE).true_peak_dbtp
    assert measure_loudness(samples, RATE).true_peak_dbtp == pytest.approx(alone, abs=1e-4)


@pytest.mark.parametrize("n_samples", [0, 1, 100, RATE // 3])
def test_less_than_a_block_has_no_loudness(n_samples):
    loudness = measure_loudness(np.full((n_samples, 2), 0.1, np.float32), RATE)

    assert loudness.is_silent


@pytest.mark.parametrize("before_db", [-30.0, 0.0, 12.0])
def test_levelled_sound_is_at_its_target_with_peaks_below_the_ceiling(rng, before_db):
    samples = speech_like(rng) * np.float32(10 ** (before_db / 20))

    levelled = measure_loudness(level_audio(samples, RATE, AudioParams()), RATE)

    assert levelled.integrated_lufs == pytest.approx(-14.0, abs=0.1)
    assert levelled.true_peak_dbtp <= -1.0 + 0.05


def test_sound_with_room_is_only_multiplied(rng):
    samples = sine(2, -30.0)

    levelled = level_audio(samples, RATE, AudioParams(target_lufs=-20.0))

    gains = levelled[100:] / np.where(samples[100:] == 0, 1, samples[100:])
    assert np.ptp(gains[np.abs(samples[100:]) > 1e-3]) < 1e-4


def test_silence_stays_silence():
    assert not level_audio(np.zeros((RATE, 2), np.float32), RATE, AudioParams()).any()


def test_quiet_noise_is_raised_by_no_more_than_asked(rng):
    samples = (1e-4 * rng.standard_normal((2 * RATE, 2))).astype(np.float32)

    raised = level_audio(samples, RATE, AudioParams(max_gain_db=12.0))

    assert measure_loudness(raised, RATE).integrated_lufs == pytest.approx(
        measure_loudness(samples, RATE).integrated_lufs + 12.0, abs=0.01
    )


def test_one_click_does_not_turn_down_what_stands_away_from_it():
    samples = sine(4, -24.0)
    samples[2 * RATE : 2 * RATE + 20] = 0.95

    levelled = level_audio(samples, RATE, AudioParams())

    ratio = levelled[RATE // 2 : RATE] / np.where(samples[RATE // 2 : RATE] == 0, 1, samples[RATE // 2 : RATE])
    late = levelled[3 * RATE : 3 * RATE + RATE // 2] / samples[3 * RATE : 3 * RATE + RATE // 2].clip(1e-9)
    loud = samples[3 * RATE : 3 * RATE + RATE // 2] > 0.02
    assert np.median(late[loud]) == pytest.approx(np.median(ratio[samples[RATE // 2 : RATE] > 0.02]), rel=1e-3)
    assert measure_loudness(levelled, RATE).true_peak_dbtp <= -1.0 + 0.05


def test_levelling_twice_gives_the_same_samples(rng):
    samples = speech_like(rng)

    assert np.array_equal(level_audio(samples, RATE, AudioParams()), level_audio(samples, RATE, AudioParams()))


def test_stereo_is_turned_down_together():
    samples = np.stack([sine(1, -20.0, channels=1)[:, 0], sine(1, -40.0, channels=1)[:, 0]], axis=1)
    samples[RATE // 2 : RATE // 2 + 2000, 0] *= 12

    levelled = level_audio(samples, RATE, AudioParams())

    kept = np.abs(samples).min(axis=1) > 1e-3
    assert (levelled[kept, 0] / samples[kept, 0]) == pytest.approx(levelled[kept, 1] / samples[kept, 1], rel=1e-4)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_samples=st.integers(0, 30_000),
    peak_dbtp=st.floats(-12, 0),
    spikes=st.integers(0, 20),
)
def test_no_true_peak_passes_the_ceiling(seed, n_samples, peak_dbtp, spikes):
    rng = np.random.default_rng(seed)
    samples = (0.1 * rng.standard_normal((n_samples, 2))).astype(np.float32)
    if n_samples:
        samples[rng.integers(0, n_samples, spikes)] *= 30

    levelled = level_audio(samples, RATE, AudioParams(), peak_dbtp=peak_dbtp)

    assert levelled.shape == samples.shape
    assert measure_loudness(levelled, RATE).true_peak_dbtp <= peak_dbtp + 0.1


@given(n_samples=st.integers(0, 50), fade_s=st.floats(0, 1))
@settings(deadline=None)
def test_fades_are_symmetric_and_only_take_away(n_samples, fade_s):
    faded = fade_edges(np.ones((n_samples, 2), np.float32), 100, fade_s)

    assert np.array_equal(faded, faded[::-1])
    assert (faded <= 1).all()
    assert (faded >= 0).all()
