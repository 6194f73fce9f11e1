"""Sound on the time line of the picture."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from hazards import RATE_HZ, click, tone, write

from clipkit.analysis.speech import measure_audio
from clipkit.errors import InputError
from clipkit.media.audio import audio_blocks, channel_names, find_track, read_audio, track_note
from clipkit.media.child import ffmpeg_path
from clipkit.media.probe import probe
from clipkit.output.sound import read_sound
from clipkit.params import Params

Hazard = Callable[[str], Path]

# An AAC coder spreads a click over a few hundred samples before it.
CLICK_S = 0.01


def onset_s(samples: np.ndarray, rate_hz: int) -> float:
    loud = np.flatnonzero(np.abs(samples).max(axis=1) > 0.2)
    return float(loud[0] / rate_hz)


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def write_wav(path: Path, samples: np.ndarray, layout: str, rate_hz: int = RATE_HZ) -> Path:
    with av.open(str(path), "w") as output:
        stream = output.add_stream("pcm_s16le", rate=rate_hz, layout=layout)
        frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16).reshape(1, -1), "s16", layout)
        frame.sample_rate = rate_hz
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("rate_hz", "channels"), [(16_000, 1), (48_000, 2), (44_100, 1), (8_000, 2)])
def test_length_shape_and_level_follow_the_request(hazard: Hazard, rate_hz: int, channels: int) -> None:
    samples = read_audio(hazard("cfr25.mp4"), rate_hz=rate_hz, channels=channels)

    assert samples.shape == (2 * rate_hz, channels)
    assert samples.dtype == np.float32
    assert rms(samples[rate_hz // 10 : -rate_hz // 10]) == pytest.approx(0.5 / 2**0.5, rel=0.02)


def test_mono_is_the_mean_of_both_channels(tmp_path: Path) -> None:
    stereo = tone(RATE_HZ)
    stereo[:, 1] *= 0.5

    mono = read_audio(write_wav(tmp_path / "s.wav", stereo, "stereo"), rate_hz=RATE_HZ, channels=1)

    np.testing.assert_allclose(mono[:, 0], stereo.mean(axis=1), atol=1e-4)


def test_mono_sound_fills_both_channels_at_its_own_level(tmp_path: Path) -> None:
    wave = tone(RATE_HZ)[:, :1]

    stereo = read_audio(write_wav(tmp_path / "m.wav", wave, "mono"), rate_hz=RATE_HZ, channels=2)

    np.testing.assert_allclose(stereo, np.repeat(wave, 2, axis=1), atol=1e-4)


def test_six_channels_are_mixed_by_weight_and_do_not_clip(tmp_path: Path) -> None:
    surround = np.zeros((RATE_HZ, 6), np.float32)
    surround[:, 2] = 0.9  # the centre, where speech is
    speech = read_audio(write_wav(tmp_path / "c.wav", surround, "5.1"), rate_hz=RATE_HZ, channels=2)
    full = read_audio(write_wav(tmp_path / "f.wav", np.full((RATE_HZ, 6), 0.999), "5.1"), rate_hz=RATE_HZ, channels=2)

    assert speech[RATE_HZ // 2, 0] == pytest.approx(speech[RATE_HZ // 2, 1])
    assert speech[RATE_HZ // 2, 0] > 0.2
    assert np.abs(full).max() <= 1.0


def test_channels_stay_unmixed_when_no_number_is_asked_for(hazard: Hazard, tmp_path: Path) -> None:
    surround = np.arange(6) / 10 * np.ones((RATE_HZ, 1))
    path = write_wav(tmp_path / "six.wav", surround, "5.1")

    (block,) = audio_blocks(path, rate_hz=RATE_HZ, channels=None)

    assert channel_names(probe(path)) == ("FL", "FR", "FC", "LFE", "BL", "BR")
    np.testing.assert_allclose(block, surround, atol=1e-4)
    assert channel_names(probe(hazard("no_sound.mp4"))) == ()
    assert next(audio_blocks(hazard("no_sound.mp4"), rate_hz=100, channels=None)).shape == (200, 1)


def test_sound_that_begins_late_is_late(hazard: Hazard) -> None:
    samples = read_audio(hazard("late_sound.mp4"), rate_hz=RATE_HZ, channels=2)

    assert samples.shape == (2 * RATE_HZ, 2)
    assert onset_s(samples, RATE_HZ) == pytest.approx(0.9, abs=CLICK_S)


def test_sound_before_the_first_picture_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "late_picture.mp4", range(20, 70), samples=click(3 * RATE_HZ, [1.5]))

    samples = read_audio(path, rate_hz=RATE_HZ, channels=2)

    assert onset_s(samples, RATE_HZ) == pytest.approx(1.5 - 20 / 25, abs=CLICK_S)


def test_sound_that_ends_early_goes_on_as_silence(hazard: Hazard) -> None:
    samples = read_audio(hazard("short_sound.mp4"), rate_hz=16_000, channels=1)

    assert rms(samples[1600:6400]) > 0.3
    assert samples.shape == (32_000, 1)
    assert np.abs(samples[16_000:]).max() < 1e-3


def test_a_file_without_sound_is_silent_as_long_as_the_picture(hazard: Hazard) -> None:
    samples = read_audio(hazard("no_sound.mp4"), rate_hz=16_000, channels=2)

    assert samples.shape == (32_000, 2)
    assert not samples.any()


def test_a_gap_in_the_time_stamps_is_silence(tmp_path: Path) -> None:
    path = tmp_path / "gap.mkv"
    samples = tone(2 * RATE_HZ)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("pcm_s16le", rate=RATE_HZ, layout="stereo")
        for begin in range(0, len(samples), 4800):
            if 48_000 <= begin < 72_000:
                continue
            block = (samples[begin : begin + 4800] * 32767).astype(np.int16).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(block, "s16", "stereo")
            frame.sample_rate, frame.pts = RATE_HZ, begin
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))

    heard = read_audio(path, rate_hz=RATE_HZ, channels=2)

    assert not heard[48_100:71_900].any()
    np.testing.assert_allclose(heard[72_100:95_000], samples[72_100:95_000], atol=1e-3)


@pytest.mark.parametrize("name", ["cfr25.mp4", "late_sound.mp4", "sound_only.m4a", "no_sound.mp4"])
def test_blocks_are_the_whole_in_pieces(hazard: Hazard, name: str) -> None:
    whole = read_audio(hazard(name), rate_hz=16_000, channels=1)
    blocks = list(audio_blocks(hazard(name), rate_hz=16_000, channels=1, block_s=0.3))

    assert [len(block) for block in blocks[:-1]] == [4800] * (len(blocks) - 1)
    np.testing.assert_array_equal(np.concatenate(blocks), whole)


def test_a_part_is_the_same_as_in_the_whole(tmp_path: Path) -> None:
    # A rising tone: no two moments are alike, and AAC codes no noise by chance in it.
    time_s = np.arange(8 * RATE_HZ) / RATE_HZ
    chirp = 0.5 * np.sin(2 * np.pi * (200 + 100 * time_s) * time_s).astype(np.float32)
    path = write(tmp_path / "chirp.mp4", range(200), samples=np.stack([chirp, -chirp], axis=1))
    whole = read_audio(path, rate_hz=RATE_HZ, channels=2)

    for start_s, end_s in ((0.0, 0.1), (0.77, 1.5), (5.013, 6.5), (7.5, 9.0)):
        part = read_audio(path, rate_hz=RATE_HZ, channels=2, start_s=start_s, end_s=end_s)
        expected = whole[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]

        assert len(part) == round(end_s * RATE_HZ) - round(start_s * RATE_HZ)
        np.testing.assert_allclose(part[: len(expected)], expected, atol=1e-5)
        assert not part[len(expected) :].any()


def test_an_empty_part_is_empty(hazard: Hazard) -> None:
    assert read_audio(hazard("cfr25.mp4"), rate_hz=16_000, channels=2, start_s=1.0, end_s=1.0).shape == (0, 2)


def test_a_track_that_is_not_there_is_an_error(hazard: Hazard) -> None:
    with pytest.raises(InputError, match=r"tracks: 0: aac") as caught:
        read_audio(hazard("cfr25.mp4"), rate_hz=16_000, channels=1, track=3)
    assert caught.value.code == "input.no_audio_track"


TRACKS_HZ = {"eng": 150.0, "ger": 220.0, "fra": 330.0}


@pytest.fixture(scope="module")
def three_tracks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a video with a cover picture and a tone in each of three languages; the German one is the default."""
    folder = tmp_path_factory.mktemp("tracks")
    video = write(folder / "video.mkv", range(50))
    cover = write(folder / "cover.mkv", [0], codec="mjpeg", pix_fmt="yuvj420p", size=(192, 128))
    sounds = [write_wav(folder / f"{name}.wav", tone(2 * RATE_HZ, hz), "stereo") for name, hz in TRACKS_HZ.items()]
    inputs = [argument for path in (cover, video, *sounds) for argument in ("-i", str(path))]
    maps = [argument for number in range(5) for argument in ("-map", str(number))]
    command = [ffmpeg_path(), "-v", "error", *inputs, *maps, "-c:v", "copy", "-c:a", "aac"]
    for number, name in enumerate(TRACKS_HZ):
        command += [f"-metadata:s:a:{number}", f"language={name}"]
        command += [f"-disposition:a:{number}", "default" if name == "ger" else "0"]
    subprocess.run([*command, "-disposition:v:0", "attached_pic", str(folder / "tracks.mp4")], check=True)
    return folder / "tracks.mp4"


def pitch_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples[:RATE_HZ, 0]))
    return float(np.argmax(spectrum))


@pytest.mark.parametrize(
    ("language", "heard"),
    [(None, "ger"), ("en", "eng"), ("eng", "eng"), ("de-AT", "ger"), ("fre", "fra"), ("FR", "fra"), ("es", "ger")],
)
def test_a_track_is_chosen_by_language_and_else_by_its_default_flag(
    three_tracks: Path, language: str | None, heard: str
) -> None:
    info = probe(three_tracks)

    samples = read_audio(three_tracks, rate_hz=RATE_HZ, channels=2, track=find_track(info, language))

    assert info.video is not None
    assert (info.video.codec, info.video.width) == ("h264", 96), "the cover is not the video"
    assert pitch_hz(samples) == TRACKS_HZ[heard]


def test_the_note_says_which_track_is_heard_and_what_else_there_is(three_tracks: Path, hazard: Hazard) -> None:
    info = probe(three_tracks)

    assert "(eng, ger, fra): ger is heard, which comes first or is marked" in str(track_note(info, None))
    assert "fra is heard, as asked for" in str(track_note(info, "fr"))
    assert "none in es: ger is heard" in str(track_note(info, "es"))
    assert track_note(probe(hazard("cfr25.mp4")), None) is None
    assert "none in fr: no language is heard" in str(track_note(probe(hazard("cfr25.mp4")), "fr"))
    assert track_note(probe(hazard("no_sound.mp4")), "fr") is None


def test_the_whole_chain_hears_the_track_in_the_language_asked_for(three_tracks: Path) -> None:
    params = Params.model_validate({"audio": {"language": "en"}})

    table = measure_audio(three_tracks, params, duration_s=2.0)
    clip = read_sound(probe(three_tracks), 0.0, 2.0, params.audio, params.security)

    assert table["pitch_hz"].iloc[50:150].median() == pytest.approx(150.0, rel=0.02)
    assert pitch_hz(clip) == 150.0


@pytest.mark.media
def test_the_second_of_two_tracks_can_be_chosen(media: Path) -> None:
    path = media / "odd" / "tc_nasa_13013.mp4"
    first = read_audio(path, rate_hz=8000, channels=1, end_s=3.0, track=0)
    second = read_audio(path, rate_hz=8000, channels=1, end_s=3.0, track=1)

    assert first.any()
    assert second.any()
    assert not np.allclose(first, second, atol=1e-3)


@pytest.mark.media
def test_a_track_without_description_counts_as_silence(media: Path) -> None:
    samples = read_audio(media / "odd" / "ax_sample_missing_stsd.mp4", rate_hz=8000, channels=1)

    assert len(samples) == 8008
    assert not samples.any()
