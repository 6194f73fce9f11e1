"""Words with times from cues, and where sentences end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipkit.analysis.words import split_words, words_from_cues

CUE_TEXTS = st.text(alphabet=st.sampled_from(list("abcXY .,!?…-–'\"()[]0123。、你好\n؟")), max_size=60)


def cues_of(*rows: tuple[float, float, str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["start_s", "end_s", "text"]).astype({"start_s": float, "end_s": float})


def sentences_of(*texts: str, gap_s: float = 0.0) -> list[str]:
    cues = cues_of(*((index * 3.0, index * 3.0 + 3.0 - gap_s, text) for index, text in enumerate(texts)))
    words = words_from_cues(cues)
    return [" ".join(group) for _, group in words.groupby("sentence")["word"]]


def audio_of(duration_s: float, *pauses: tuple[float, float]) -> pd.DataFrame:
    time_s = np.arange(round(duration_s * 100)) / 100
    is_speech = np.ones(len(time_s), dtype=bool)
    for start_s, end_s in pauses:
        is_speech[round(start_s * 100) : round(end_s * 100)] = False
    return pd.DataFrame({"time_s": time_s, "is_speech": is_speech})


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0.1, 20), CUE_TEXTS), max_size=8), st.booleans())
@settings(deadline=None, max_examples=80)
def test_words_stand_in_order_inside_their_cues(rows: list[tuple[float, float, str]], has_audio: bool) -> None:
    cues = cues_of(*((start_s, start_s + length_s, text) for start_s, length_s, text in rows))
    audio = audio_of(130.0, (1.0, 1.4), (20.0, 21.0), (50.0, 90.0)) if has_audio else None

    words = words_from_cues(cues, audio)

    start_s, end_s = words["start_s"].to_numpy(), words["end_s"].to_numpy()
    assert (start_s <= end_s).all()
    assert (start_s[1:] >= end_s[:-1] - 1e-9).all()
    alone = cues["start_s"].iloc[words["cue"]].to_numpy()
    assert (start_s >= alone - 1e-9).all()
    assert (end_s <= (cues["end_s"]).max() + 1e-9).all() if len(words) else True
    assert (np.diff(words["sentence"]) == words["ends_sentence"].to_numpy()[:-1]).all()
    assert not len(words) or bool(words["ends_sentence"].iloc[-1])


@given(st.lists(st.tuples(st.floats(0.1, 20), CUE_TEXTS), max_size=6))
@settings(deadline=None, max_examples=40)
def test_cues_that_do_not_overlap_keep_their_words_inside(rows: list[tuple[float, str]]) -> None:
    edges = np.cumsum([0.0, *(length_s for length_s, _ in rows)])
    cues = cues_of(*((edges[i], edges[i + 1], text) for i, (_, text) in enumerate(rows)))

    words = words_from_cues(cues)

    assert (words["start_s"].to_numpy() >= cues["start_s"].iloc[words["cue"]].to_numpy() - 1e-9).all()
    assert (words["end_s"].to_numpy() <= cues["end_s"].iloc[words["cue"]].to_numpy() + 1e-9).all()


def test_no_cues_give_an_empty_table_with_its_types() -> None:
    words = words_from_cues(cues_of())

    assert words.dtypes.astype(str).tolist() == ["str", "float64", "float64", "int64", "int64", "bool"]
    assert list(words.columns) == ["word", "start_s", "end_s", "cue", "sentence", "ends_sentence"]


@pytest.mark.parametrize("text", ["", "   ", "[Music]", "♪ ♪", "(laughs)", "[door\nslams]", "...", "- - -"])
def test_cues_without_words_have_none(text: str) -> None:
    assert len(words_from_cues(cues_of((0, 2, text)))) == 0


def test_longer_words_last_longer() -> None:
    words = words_from_cues(cues_of((0, 4, "a extraordinarily long sentence")))

    length_s = words["end_s"] - words["start_s"]
    assert length_s.idxmax() == 1
    assert length_s.idxmin() == 0


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["One two. Three four!"], ["One two.", "Three four!"]),
        (
            ["A sentence that goes", "on in the next cue. And ends."],
            ["A sentence that goes on in the next cue.", "And ends."],
        ),
        (["Mr. Hill met Dr. Who."], ["Mr. Hill met Dr. Who."]),
        (["It is 3.14 or 2,5. Yes."], ["It is 3.14 or 2,5.", "Yes."]),
        (["J. R. R. Tolkien wrote it."], ["J. R. R. Tolkien wrote it."]),
        (["So do I. You too?"], ["So do I.", "You too?"]),
        (["Bread, milk, etc. and so on. Etc. Next."], ["Bread, milk, etc. and so on.", "Etc.", "Next."]),
        (["Well... maybe. No... Yes."], ["Well... maybe.", "No...", "Yes."]),
        (["Well… maybe. No… Yes."], ["Well… maybe.", "No…", "Yes."]),
        (['He asked "Why?" She left.'], ['He asked "Why?"', "She left."]),
        (['"Why?" he asked. "No."'], ['"Why?" he asked.', '"No."']),
        (["Really?! Yes!!"], ["Really?!", "Yes!!"]),
        (["(Nobody knows.) He left."], ["(Nobody knows.)", "He left."]),
        (["¿Qué? No sé."], ["¿Qué?", "No sé."]),
        (["هل هذا صحيح؟ نعم."], ["هل هذا صحيح؟", "نعم."]),
        (["यह सच है। हाँ।"], ["यह सच है।", "हाँ।"]),
        (["你好。我们走！"], ["你 好。", "我 们 走！"]),
        (["Quoi ? Rien !"], ["Quoi ?", "Rien !"]),
    ],
)
def test_sentences_end_where_a_reader_would_say(texts: list[str], expected: list[str]) -> None:
    assert sentences_of(*texts) == expected


def test_text_without_full_stops_is_split_at_gaps() -> None:
    assert sentences_of("so this is", "how it works", gap_s=1.0) == ["so this is", "how it works"]
    assert sentences_of("so this is", "how it works", gap_s=0.2) == ["so this is how it works"]


def test_text_with_full_stops_is_not_split_at_short_gaps() -> None:
    assert sentences_of("So this is", "how it works. Yes.", gap_s=1.0) == ["So this is how it works.", "Yes."]


def test_a_pause_is_put_between_the_sentences_of_a_cue() -> None:
    audio = audio_of(10.0, (4.2, 5.0))

    words = words_from_cues(cues_of((2.0, 8.0, "This is said first. This comes after it.")), audio)

    assert words["end_s"].iloc[3] == pytest.approx(4.2)
    assert words["start_s"].iloc[4] == pytest.approx(5.0)


def test_words_do_not_begin_in_the_silence_at_the_edges_of_a_cue() -> None:
    audio = audio_of(10.0, (0.0, 3.0), (7.0, 10.0))

    words = words_from_cues(cues_of((2.0, 8.0, "one two three")), audio)

    assert words["start_s"].iloc[0] == pytest.approx(3.0)
    assert words["end_s"].iloc[-1] == pytest.approx(7.0)


def test_cue_is_trusted_where_the_sound_has_no_speech() -> None:
    audio = audio_of(10.0, (1.0, 9.0))

    words = words_from_cues(cues_of((2.0, 8.0, "one two three")), audio)

    assert words["start_s"].iloc[0] == 2.0
    assert words["end_s"].iloc[-1] == 8.0


def test_overlapping_cues_give_way_to_the_next() -> None:
    words = words_from_cues(cues_of((0, 5, "first here"), (3, 6, "second here")))

    assert words["end_s"].iloc[1] <= 3.0
    assert words["cue"].tolist() == [0, 0, 1, 1]


def test_cues_that_start_together_share_their_time() -> None:
    words = words_from_cues(cues_of((1, 3, "- Hello."), (1, 3, "- Hi.")))

    assert words["word"].tolist() == ["Hello.", "Hi."]
    assert words["start_s"].is_monotonic_increasing


def test_notes_and_speaker_signs_are_no_words() -> None:
    assert split_words(">> So [laughs] this\n- is ♪ it – now") == ["So", "this", "is", "it –", "now"]


@pytest.mark.media
def test_words_of_a_reading_are_placed_to_a_quarter_of_a_second(media: Path) -> None:
    aligned = json.loads((media / "speech" / "librivox_0870.words.json").read_text())["w"]
    spoken = [word for word in aligned if not word["t"].startswith("<")]
    start_s = np.array([word["b"] for word in spoken])
    end_s = start_s + np.array([word["d"] for word in spoken])
    text = " ".join(word["t"].split("(")[0] for word in spoken)

    words = words_from_cues(cues_of((float(start_s[0]), float(end_s[-1]), text)))

    assert len(words) == len(spoken)
    assert np.median(np.abs(words["start_s"].to_numpy() - start_s)) <= 0.25
