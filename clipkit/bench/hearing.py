"""What the benchmark measures of talks: where clips begin and end, and found speech."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from clipkit.analysis.words import words_from_cues
from clipkit.bench.material import SAMPLE, Talk
from clipkit.bench.results import OURS, Results
from clipkit.bench.talk import EdgeScore, score_edges, score_speech, speech_spans
from clipkit.params import Params
from clipkit.profiles import make_params
from clipkit.runs.folder import LooseFolder
from clipkit.runs.stages import ClipRun

CENTRE = "centre prior"
# The sample is too short for clips of the usual length.
_SHORT = {"selection": {"min_s": 6.0, "max_s": 15.0, "ideal_s": 10.0}}


def measure_talk(talk: Talk, results: Results, work: Path) -> None:
    """Choose clips of a talk with and without its subtitles and keep how clean their edges are."""
    settings = _SHORT if talk.name == SAMPLE else {}
    params = make_params(settings=settings, subtitles=None if talk.subtitles is None else str(talk.subtitles))
    chain = ClipRun(talk.video, LooseFolder(work / f"tables-{talk.name}"), params)
    chain.inspect()
    chain.measure()
    chain.listen()
    chain.find_shots()
    speech = score_speech(talk.truth, speech_spans(chain.audio["is_speech"].to_numpy(bool)))
    for figure, value in (("f1", speech.f1), ("precision", speech.precision), ("recall", speech.recall)):
        results.add("speech", talk.name, OURS, figure, value)
    if talk.subtitles is not None:
        _keep(talk, "subtitles", _chosen(chain, params), results)
    chain.words = words_from_cues(pd.DataFrame(columns=["start_s", "end_s", "text"]), chain.audio)
    _keep(talk, "no subtitles", _chosen(chain, params), results)


def centred(clips: pd.DataFrame, duration_s: float) -> pd.DataFrame:
    """Return clips of the same lengths that lie side by side around the middle of the video."""
    lengths = (clips["end_s"] - clips["start_s"]).to_numpy(np.float64)
    ends = np.cumsum(lengths) + max(0.0, (duration_s - lengths.sum()) / 2)
    return pd.DataFrame({"start_s": ends - lengths, "end_s": ends})


def _chosen(chain: ClipRun, params: Params) -> pd.DataFrame:
    chain.params = params
    chain.find_candidates()
    return chain.choose()


def _keep(talk: Talk, words: str, clips: pd.DataFrame, results: Results) -> None:
    rows: dict[str, EdgeScore] = {
        OURS: score_edges(talk.truth, clips),
        CENTRE: score_edges(talk.truth, centred(clips, talk.truth.duration_s)),
    }
    for who, score in rows.items():
        for figure, value in score.figures().items():
            results.add("edges", f"{talk.name}, {words}", who, figure, value)
