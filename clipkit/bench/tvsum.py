"""clipkit on videos that people rated moment by moment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.gaps import Scene
from clipkit.analysis.highlights import repeated_share
from clipkit.analysis.terms import measure_terms, weighted_score
from clipkit.bench.highlights import COLUMNS, agreement_rows, percentile_rows
from clipkit.bench.ratings import UNIT_S, Rated, read_ratings
from clipkit.bench.results import Results
from clipkit.profiles import make_params
from clipkit.runs.folder import LooseFolder
from clipkit.runs.stages import ClipRun

# How many clips of how many seconds are chosen.
CLIPS = ((1, 15.0), (3, 15.0), (3, 30.0))
# Chosen clips may be this much shorter or longer; the window that is judged stands around their middle.
_PLAY = 0.2
# These say how a span is cut, not what is in it.
_ABOUT_EDGES = ("completeness", "length", "mid_sentence")


@dataclass(frozen=True)
class _Analysed:
    """What clipkit thinks of one video: a score a unit, and the middles of its clips for each of `CLIPS`."""

    score: NDArray[np.float64]
    middles_s: dict[tuple[int, float], list[float]]


def measure_tvsum(folder: str | Path, results: Results, work: str | Path) -> None:
    """Keep agreement and clip percentile for the rated videos of a folder.

    Videos are looked for by name in the folder; without any, the rows that labels alone give are kept.

    Raises
    ------
    InputError, ResourceError
        Those of :func:`clipkit.bench.ratings.read_ratings`.
    """
    rated = read_ratings(folder)
    files = {path.stem: path for path in sorted(Path(folder).rglob("*.mp4"))}
    seen = [video for video in rated if video.name in files]
    if not seen:
        results.note(f"none of the {len(rated)} rated videos lies in {folder}: the rows of the labels alone are shown.")
    elif len(seen) < len(rated):
        results.note(f"{len(seen)} of the {len(rated)} rated videos are there: all rated rows are about these.")
    ours = {video.name: _analyse(files[video.name], video, Path(work)) for video in seen}
    judged = seen or rated
    rows = agreement_rows(judged, (lambda video: ours[video.name].score) if seen else None)
    item = f"{len(judged)} videos"
    for row in rows.to_dict("records"):
        for figure in COLUMNS:
            results.add("rated", item, str(row["who"]), figure, row[figure])
    for n_clips, width_s in CLIPS:

        def choose(video: Rated, key: tuple[int, float] = (n_clips, width_s)) -> list[float]:
            last = min(video.duration_s, video.ratings.shape[1] * UNIT_S) - key[1]
            return [min(max(0.0, middle - key[1] / 2), last) for middle in ours[video.name].middles_s[key]]

        table = percentile_rows(judged, n_clips, width_s, choose if seen else None)
        for row in table.to_dict("records"):
            figure = f"percentile of {n_clips} x {width_s:g} s"
            results.add("rated", item, str(row["who"]), figure, row["percentile"])


def _analyse(path: Path, video: Rated, work: Path) -> _Analysed:
    chain = ClipRun(path, LooseFolder(work / f"tables-{path.stem}"), make_params())
    chain.inspect()
    chain.measure()
    chain.listen()
    chain.find_shots()
    middles = {}
    for n_clips, width_s in CLIPS:
        if chain.frames.duration_s < n_clips * width_s:
            continue
        lengths = {"min_s": (1 - _PLAY) * width_s, "max_s": (1 + _PLAY) * width_s, "ideal_s": width_s}
        chain.params = make_params(settings={"selection": {**lengths, "n_clips": n_clips}})
        chain.find_candidates()
        clips = chain.choose()
        middles[n_clips, width_s] = ((clips["start_s"] + clips["end_s"]) / 2).tolist()
    return _Analysed(_unit_score(chain, video), middles)


def _unit_score(chain: ClipRun, video: Rated) -> NDArray[np.float64]:
    """Return the score of each rated unit as if it were a clip, terms about edges left out."""
    times_s = chain.frames.table["time_s"].to_numpy(np.float64)
    scene = Scene(
        is_speech=chain.audio["is_speech"].to_numpy(bool),
        level_db=chain.audio["level_db"].to_numpy(np.float32),
        words=chain.words,
        pauses=chain.pauses,
        transitions=chain.transitions,
        duration_s=chain.frames.duration_s,
        frame_s=float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.04,
    )
    starts_s = np.arange(video.ratings.shape[1]) * UNIT_S
    ends_s = np.minimum(starts_s + UNIT_S, max(chain.frames.duration_s, starts_s[-1] + 0.1))
    spans = pd.DataFrame({"start_s": starts_s, "end_s": ends_s, "cost": 0.0})
    tables = chain.frames.table, chain.audio
    spans = spans.join(repeated_share(spans, *tables, chain.frames.duration_s))
    terms = measure_terms(spans, scene, *tables, chain.params)
    weights = chain.params.scoring.weights.model_copy(update=dict.fromkeys(_ABOUT_EDGES, 0.0))
    return weighted_score(terms, weights)
