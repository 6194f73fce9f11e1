"""The evaluator of clip edges and of found speech, on a small talk drawn by hand."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from clipkit.bench.talk import read_talk, score_edges, score_speech, speech_spans, talk_truth
from clipkit.errors import InputError

# 0 .. 1: silence; 1-3 and 3.5-5: a sentence in two utterances; 6-8: a sentence without word times; 8.5-9.5: laughter;
# 10-12: speech whose sentences are not known; then silence until 14.  One cut at 5.4 s.
TALK: dict[str, Any] = {
    "fps": 25,
    "duration_s": 14.0,
    "sentences": [
        {"text": "One two, three.", "start_s": 1.0, "end_s": 5.0},
        {"text": "Four.", "start_s": 6.0, "end_s": 8.0},
    ],
    "utterances": [
        {"text": "One two,", "start_s": 1.0, "end_s": 3.0, "sentence": 0},
        {"text": "three.", "start_s": 3.5, "end_s": 5.0, "sentence": 0},
        {"text": "Four.", "start_s": 6.0, "end_s": 8.0, "sentence": 1},
        {"text": "", "start_s": 10.0, "end_s": 12.0, "sentence": None},
    ],
    "words": [
        {"text": "One", "start_s": 1.0, "end_s": 1.8, "utterance": 0},
        {"text": "two,", "start_s": 2.2, "end_s": 3.0, "utterance": 0},
        {"text": "three.", "start_s": 3.5, "end_s": 5.0, "utterance": 1},
        {"text": "Four.", "start_s": None, "end_s": None, "utterance": 2},
    ],
    "speech": [
        {"start_s": 1.0, "end_s": 3.0},
        {"start_s": 3.5, "end_s": 5.0},
        {"start_s": 6.0, "end_s": 8.0},
        {"start_s": 10.0, "end_s": 12.0},
    ],
    "pauses": [{"start_s": 3.0, "end_s": 3.5, "where": "phrase"}],
    "sounds": [{"kind": "laugh", "start_s": 8.5, "end_s": 9.5}, {"kind": "music", "start_s": 12.5, "end_s": 13.0}],
    "cuts_s": [5.4],
}


def figures(*clips: tuple[float, float]) -> dict[str, float]:
    return score_edges(talk_truth(TALK), pd.DataFrame(clips, columns=["start_s", "end_s"])).figures()


def test_a_whole_sentence_with_close_edges_is_clean():
    assert figures((0.9, 5.1)) == {
        "n_clips": 1,
        "edges_in_word": 0.0,
        "edges_in_sentence": 0.0,
        "whole_sentences": 1.0,
        "flash_frames": 0.0,
        "lead_p95_s": pytest.approx(0.1),
        "tail_p95_s": pytest.approx(0.1),
        "silent": 0.0,
    }


@pytest.mark.parametrize(
    ("start_s", "in_word", "in_sentence", "whole"),
    [
        (1.4, 0.5, 0.5, 0.0),  # inside a word
        (2.0, 0.0, 0.5, 0.0),  # between two words
        (3.2, 0.0, 0.5, 0.0),  # in a pause inside the sentence
        (1.04, 0.0, 0.0, 1.0),  # at the edge of a word, within the tolerance
    ],
)
def test_a_start_inside_a_sentence_counts(start_s: float, in_word: float, in_sentence: float, whole: float):
    found = figures((start_s, 5.1))

    assert (found["edges_in_word"], found["edges_in_sentence"], found["whole_sentences"]) == (
        in_word,
        in_sentence,
        whole,
    )


def test_unbroken_speech_stands_for_words_that_are_not_known():
    assert figures((0.9, 7.0))["edges_in_word"] == 0.5
    assert figures((0.9, 11.0))["edges_in_word"] == 0.5


def test_sentences_that_are_not_known_are_not_judged():
    unknown = figures((10.5, 13.5))

    assert unknown["edges_in_word"] == 0.5
    assert unknown["edges_in_sentence"] == 0.0  # the out point alone
    assert math.isnan(unknown["whole_sentences"])


def test_one_broken_end_is_enough_to_say_no():
    assert figures((4.0, 12.2))["whole_sentences"] == 0.0


@pytest.mark.parametrize(("end_s", "flash"), [(5.4, 0.0), (5.44, 0.5), (5.84, 0.5), (5.88, 0.0)])
def test_a_cut_1_to_11_frames_inside_an_edge_flashes(end_s: float, flash: float):
    assert figures((0.9, end_s))["flash_frames"] == flash
    assert figures((10.8 - end_s, 9.8))["flash_frames"] == flash


def test_silence_runs_to_the_nearest_sound_of_any_kind():
    found = score_edges(talk_truth(TALK), pd.DataFrame({"start_s": [8.1, 0.0], "end_s": [13.4, 0.5]}))

    assert found.lead_s[0] == pytest.approx(0.4)
    assert found.tail_s[0] == pytest.approx(0.4)
    assert math.isnan(found.lead_s[1])
    assert found.silent.tolist() == [0.0, 1.0]


def test_no_clips_give_no_shares():
    assert math.isnan(figures()["edges_in_word"])


def test_the_speech_itself_scores_one_and_silence_scores_nothing():
    truth = talk_truth(TALK)

    assert score_speech(truth, pd.DataFrame(TALK["speech"])).f1 == 1.0
    nothing = score_speech(truth, pd.DataFrame({"start_s": [], "end_s": []}))
    assert (nothing.precision, nothing.recall, nothing.f1) == (0.0, 0.0, 0.0)


def test_speech_is_compared_in_steps_and_laughter_goes_either_way():
    truth = talk_truth(TALK)
    everything = pd.DataFrame({"start_s": [0.0], "end_s": [14.0]})

    score = score_speech(truth, everything)

    # 7.5 s of speech in 14 s of which 1 s is laughter.
    assert score.recall == 1.0
    assert score.precision == pytest.approx(7.5 / 13.0)
    half = score_speech(truth, pd.DataFrame({"start_s": [1.0], "end_s": [2.0]}))
    assert half.recall == pytest.approx(1.0 / 7.5)


def test_a_mask_becomes_spans():
    mask = np.zeros(10, bool)
    mask[[0, 1, 5, 9]] = True

    assert speech_spans(mask).to_numpy().tolist() == [[0.0, 0.02], [0.05, 0.06], [0.09, 0.1]]


@pytest.mark.parametrize("name", ["fps", "sentences", "utterances", "words", "speech", "sounds", "cuts_s"])
def test_a_truth_without_a_part_is_refused(name: str, tmp_path: Path):
    record = copy.deepcopy(TALK)
    del record[name]
    (tmp_path / "t.truth.json").write_text(json.dumps(record))

    with pytest.raises(InputError, match=f"t.truth.json: the truth of a talk needs .*KeyError.'{name}'") as refused:
        read_talk(tmp_path / "t.truth.json")
    assert refused.value.code == "input.bad_truth"


def test_a_file_that_is_no_json_is_refused(tmp_path: Path):
    (tmp_path / "t.truth.json").write_text("kind,begin\n")

    with pytest.raises(InputError, match="must be the truth of a talk as JSON"):
        read_talk(tmp_path / "t.truth.json")


@pytest.mark.parametrize(
    ("clips", "says"),
    [
        (pd.DataFrame({"from": [1.0]}), "the columns start_s and end_s are needed"),
        (pd.DataFrame({"start_s": [2.0], "end_s": [2.0]}), "one goes from 2 to 2 s"),
        (pd.DataFrame({"start_s": [math.nan], "end_s": [2.0]}), "one goes from nan to 2 s"),
    ],
)
def test_malformed_clips_are_refused(clips: pd.DataFrame, says: str):
    with pytest.raises(InputError, match=says):
        score_edges(talk_truth(TALK), clips)
