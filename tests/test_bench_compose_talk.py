"""Composed talks: what their truth says is heard and seen where it says."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from clipkit.bench.compose_talk import compose_talk, plan_talk, read_pool, truth_of
from clipkit.bench.footage import Span
from clipkit.bench.talk import read_talk, talk_truth
from clipkit.errors import InputError
from clipkit.media.audio import read_audio
from clipkit.media.reader import open_video
from clipkit.media.subtitles import read_subtitles
from clipkit.media.writer import encode_audio, write_video
from clipkit.samples import RATE_HZ, make_sample


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two recordings of made speech, a list of what is said, and two plain clips."""
    folder = tmp_path_factory.mktemp("media")
    made = make_sample(height=36, n_sentences=8)
    noise = 0.002 * np.random.default_rng(2).standard_normal(made.samples.shape).astype(np.float32)
    speech = []
    for name, sentences in (("one.m4a", made.sentences[:4]), ("two.m4a", made.sentences[4:])):
        encode_audio(made.samples + noise, folder / name, rate_hz=RATE_HZ)
        for index, sentence in enumerate(sentences):
            words = sentence.words
            entry = {"file": name, "from_s": sentence.start_s, "to_s": sentence.end_s, "text": sentence.text}
            if index == 0:  # a sentence in two entries, with a pause that the composer puts in
                half = len(words) // 2
                first = {**entry, "to_s": words[half - 1].end_s, "text": "First half", "more": True}
                speech += [first, {**entry, "from_s": words[half].start_s, "text": "second half."}]
            else:
                speech.append(entry | ({"sentences": False} if index == 3 else {}))
    end_s = made.sentences[0].start_s
    pool = {
        "speech": speech,
        "rooms": [{"file": name, "from_s": 0.1, "to_s": end_s - 0.1} for name in ("one.m4a", "two.m4a")],
        "sounds": [{"file": "one.m4a", "kind": "music", "from_s": 2.0, "to_s": 4.0}],
    }
    (folder / "talk_pool.json").write_text(json.dumps(pool))
    for name, level in (("dark.mp4", 50), ("light.mp4", 200)):
        picture = np.full((36, 64, 3), level, np.uint8)
        write_video(folder / name, (picture for _ in range(16 * 25)), frame_rate=25)
    return folder


@pytest.fixture(scope="module")
def composed(media: Path) -> Path:
    path = media / "talk.mp4"
    spans = [Span(media / name, 0.0, 15.9, name) for name in ("dark.mp4", "light.mp4")]
    compose_talk(read_pool(media / "talk_pool.json"), media, spans, path, seed=4, minutes=0.6)
    return path


def level_db(sound: np.ndarray, spans: np.ndarray, margin_s: float) -> np.ndarray:
    pieces = [
        sound[round((a + margin_s) * 48000) : round((b - margin_s) * 48000)] for a, b in spans if b - a > 3 * margin_s
    ]
    return np.array([10 * np.log10(np.mean(np.square(piece)) + 1e-12) for piece in pieces])


def test_speech_is_loud_and_pauses_are_quiet_where_the_truth_says(composed: Path):
    truth = read_talk(composed.with_suffix(".truth.json"))
    record = json.loads(composed.with_suffix(".truth.json").read_text())
    sound = read_audio(composed, rate_hz=48000, channels=1)[:, 0]
    pauses = np.array([(row["start_s"], row["end_s"]) for row in record["pauses"]])

    assert len(sound) == round(truth.duration_s * 48000)
    assert level_db(sound, truth.speech, 0.05).min() > level_db(sound, pauses, 0.1).max() + 10


def test_the_picture_changes_at_the_cuts(composed: Path):
    truth = read_talk(composed.with_suffix(".truth.json"))
    with open_video(composed) as reader:
        levels = np.array([frame.planes[0].samples.mean() for frame in reader])

    changes = np.flatnonzero(np.abs(np.diff(levels)) > 50) + 1
    assert len(levels) == round(truth.duration_s * 25)
    assert changes.tolist() == np.round(truth.cuts_s * 25).astype(int).tolist()
    assert len(changes) >= 2


def test_a_cue_is_a_sentence(composed: Path):
    truth = read_talk(composed.with_suffix(".truth.json"))
    cues = read_subtitles(composed.with_suffix(".srt"))

    unknown = (truth.sentence_of < 0).sum()
    assert len(cues) == len(truth.sentences) + unknown
    assert "First half second half." in set(cues["text"])
    known = cues[cues["start_s"].round(3).isin(truth.sentences[:, 0].round(3))]
    assert np.allclose(known["end_s"], truth.sentences[:, 1], atol=2e-3)


def test_every_sentence_is_said_once_before_any_comes_again(media: Path):
    pool = read_pool(media / "talk_pool.json")
    pieces = [piece for piece in plan_talk(pool, 120.0, seed=1) if piece.is_speech]

    first = [
        piece.entry["from_s"] + 1000 * (piece.entry["file"] == "two.m4a") for piece in pieces[: len(pool["speech"])]
    ]
    assert len(set(first)) == len(pool["speech"])
    assert all(a.end_s < b.start_s for a, b in pairwise(pieces))
    for piece, following in pairwise(pieces):
        if piece.entry.get("more"):
            assert following.sentence == piece.sentence
            assert 0.15 <= following.start_s - piece.end_s <= 0.7
    assert any(not piece.is_speech for piece in plan_talk(pool, 120.0, seed=1))


def test_words_and_gaps_move_with_their_recording():
    entry = {
        "file": "a",
        "from_s": 10.0,
        "to_s": 14.0,
        "text": "One two.",
        "gaps": [[11.0, 12.0]],
        "words": [{"text": "One", "start_s": 10.0, "end_s": 11.0}, {"text": "two.", "start_s": 12.0, "end_s": 14.0}],
    }
    pieces = plan_talk({"speech": [entry], "rooms": [], "sounds": []}, 3.0, seed=1)
    start_s = pieces[0].start_s

    record = truth_of(pieces, [], 9.0)

    assert record["speech"] == [
        {"start_s": start_s, "end_s": pytest.approx(start_s + 1)},
        {"start_s": pytest.approx(start_s + 2), "end_s": pytest.approx(start_s + 4)},
    ]
    assert record["words"][1]["start_s"] == pytest.approx(start_s + 2)
    assert talk_truth(record).solid.shape == (2, 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no json", "JSONDecodeError"),
        ('{"speech": [], "rooms": [], "sounds": []}', "no speech"),
        ('{"speech": [{"file": "a"}], "rooms": [], "sounds": []}', "speech of a without a room"),
        ('{"speech": []}', "KeyError"),
    ],
)
def test_a_malformed_pool_is_refused(tmp_path: Path, text: str, says: str):
    (tmp_path / "talk_pool.json").write_text(text)

    with pytest.raises(InputError, match=says) as refused:
        read_pool(tmp_path / "talk_pool.json")
    assert refused.value.code == "input.bad_pool"


def test_too_little_footage_is_refused(media: Path, tmp_path: Path):
    spans = [Span(media / "dark.mp4", 0.0, 3.0, "dark")]

    with pytest.raises(InputError, match="no two sources") as refused:
        compose_talk(read_pool(media / "talk_pool.json"), media, spans, tmp_path / "talk.mp4", seed=1, minutes=0.1)
    assert refused.value.code == "input.no_footage"
