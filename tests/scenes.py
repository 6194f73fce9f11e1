"""Tables of made-up talks for the tests of candidates and choices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from clipkit.analysis.speech import find_pauses
from clipkit.analysis.words import words_from_cues
from clipkit.params import Params, SpeechParams

FRAME_RATE = 25


@dataclass
class Talk:
    """The tables that candidates are made from, and the sentences that were put in."""

    frames: pd.DataFrame
    audio: pd.DataFrame
    words: pd.DataFrame
    transitions: pd.DataFrame
    pauses: pd.DataFrame
    sentences: np.ndarray
    duration_s: float

    def tables(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        return self.frames, self.audio, self.words, self.transitions, self.pauses


def transitions_at(*times_s: float) -> pd.DataFrame:
    rows = [("cut", t, t) for t in times_s]
    return pd.DataFrame(rows, columns=["kind", "begin_s", "end_s"]).astype({"begin_s": float, "end_s": float})


def no_words() -> pd.DataFrame:
    return words_from_cues(pd.DataFrame({"start_s": [], "end_s": [], "text": []}))


def make_talk(
    duration_s: float,
    rng: np.random.Generator,
    *,
    has_words: bool = True,
    cuts_s: tuple[float, ...] = (),
    sentence_s: tuple[float, float] = (2.0, 6.0),
    pause_s: tuple[float, float] = (0.3, 1.5),
    is_silent: bool = False,
) -> Talk:
    """Return sentences of random length with pauses between them, loud where somebody speaks."""
    n_hops = round(duration_s * 100)
    is_speech = np.zeros(n_hops, dtype=bool)
    sentences, now_s = [], float(rng.uniform(0.3, 0.9))
    while not is_silent and now_s + sentence_s[1] < duration_s:
        end_s = round(now_s + float(rng.uniform(*sentence_s)), 2)
        sentences.append((round(now_s, 2), end_s))
        is_speech[round(now_s * 100) : round(end_s * 100)] = True
        now_s = end_s + float(rng.uniform(*pause_s))
    level_db = np.where(is_speech, rng.normal(-24.0, 3.0, n_hops), -120.0 if is_silent else -60.0).astype(np.float32)
    audio = pd.DataFrame(
        {
            "time_s": np.arange(n_hops) / 100,
            "level_db": level_db,
            "floor_db": np.full(n_hops, -60.0, np.float32),
            "loudness_lufs": level_db,
            "onset": np.zeros(n_hops, np.float32),
            "speech": is_speech.astype(np.float32),
            "is_speech": is_speech,
            "novelty": rng.uniform(0, 0.3, n_hops).astype(np.float32),
            "pitch_range": (is_speech * rng.uniform(2, 8, n_hops)).astype(np.float32),
            "speech_rate": (is_speech * rng.uniform(3, 5, n_hops)).astype(np.float32),
            "music": np.zeros(n_hops, np.float32),
            "applause": np.zeros(n_hops, np.float32),
            "laughter": np.zeros(n_hops, np.float32),
        }
    )
    vocabulary = ["We", "talk", "about", "never", "you", "42", "mountains", "rivers", "today", "quietly"]
    vocabulary += [f"word{number}" for number in range(400)]
    cues = [(a, b, " ".join(rng.choice(vocabulary, max(2, round(2.5 * (b - a))))) + ".") for a, b in sentences]
    frame_s = np.arange(round(duration_s * FRAME_RATE)) / FRAME_RATE
    frames = pd.DataFrame({"time_s": frame_s, "motion": rng.uniform(0, 0.2, len(frame_s)).astype(np.float32)})
    frames["luma_mean"] = rng.uniform(60, 120, len(frame_s)).astype(np.float32)
    frames["luma_std"] = rng.uniform(20, 40, len(frame_s)).astype(np.float32)
    frames["edge_energy"] = rng.uniform(8, 12, len(frame_s)).astype(np.float32)
    frames["difference"] = rng.uniform(0.5, 1.5, len(frame_s)).astype(np.float32)
    frames["black_share"] = np.float32(0.0)
    return Talk(
        frames=frames,
        audio=audio,
        words=words_from_cues(pd.DataFrame(cues, columns=["start_s", "end_s", "text"]), audio)
        if has_words
        else no_words(),
        transitions=transitions_at(*cuts_s),
        pauses=find_pauses(audio, SpeechParams()),
        sentences=np.array(sentences).reshape(-1, 2),
        duration_s=duration_s,
    )


def shown_twice(talk: Talk) -> Talk:
    """Return a video that shows all of a talk, and then all of it again."""
    later = talk.duration_s

    def moved(table: pd.DataFrame) -> pd.DataFrame:
        times = [name for name in ("time_s", "start_s", "end_s", "begin_s") if name in table]
        again = table.assign(**{name: table[name] + later for name in times})
        if "sentence" in table and len(table):
            again = again.assign(sentence=table["sentence"] + int(table["sentence"].max()) + 1)
        return pd.concat([table, again], ignore_index=True)

    audio = moved(talk.audio)
    return Talk(
        frames=moved(talk.frames),
        audio=audio,
        words=moved(talk.words),
        transitions=moved(talk.transitions),
        pauses=find_pauses(audio, SpeechParams()),
        sentences=np.concatenate([talk.sentences, talk.sentences + later]),
        duration_s=2 * later,
    )


def params_of(**selection: float) -> Params:
    return Params.model_validate({"selection": selection})
