"""Where a clip may begin and where it may end, what each place costs and why.

Conventions
-----------
A cost runs from 0 (a whole sentence beside a pause) to 1 (inside a word).  Every clean edge lies
in a gap of :mod:`clipkit.analysis.gaps`.  A clip may start on the first frame of a shot and, being
half-open, end on it without showing it.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.gaps import (
    MID_SENTENCE_COST,
    SILENT_COST,
    Gap,
    Scene,
    gaps_after_speech,
    gaps_before_speech,
    moment_costs,
)
from clipkit.analysis.speech import HOPS_PER_S, runs_of
from clipkit.params import SelectionParams

# A shot that shows for 1 to 11 frames at an edge reads as a mistake.
FLASH_FRAMES = 11
# A cut this soon after the last word ends the clip better than the start of the next shot.
_END_ON_CUT_S = 0.5
_START_ON_CUT_S = 0.18
_LONGEST_LEAD_S = 0.3
# Waiting for a word a moment longer than usual.
_LATE_COST = 0.1
# Speech is found to within a few hundredths: a cut this soon after its onset is at its onset.
_ONSET_ERROR_S = 0.03
_CLOSEST_EDGES_S = 0.25
_FLASH_COST = 0.5
_SPEAKING_AT_FILE_EDGE_COST = 0.3
_REGULAR_COST = 0.45
# An edge of this cost or more is used only where a stretch this long has no better one.
_POOR_COST = 0.5
_LONGEST_STRETCH_S = 10.0
_MID_SPEECH_COST = 0.9


class _Edge(NamedTuple):
    time_s: float
    cost: float
    reason: str


def find_edges(scene: Scene, params: SelectionParams) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the in-points and the out-points of a video.

    Sentence edges come first; where no words are known, pauses; where nobody speaks, cuts.
    Only stretches without any of these get other points, and only speech without any pause is
    cut into, where it is quietest.

    Parameters
    ----------
    scene : Scene
        Sound, words and transitions.
    params : SelectionParams
        Lengths of clips, lead and tail.

    Returns
    -------
    starts, ends : DataFrame
        ``time_s`` float64 (whole milliseconds, sorted), ``cost`` float64 0..1, ``reason`` str.
    """
    cuts_in = sorted(scene.transitions["end_s"].astype(float).tolist())
    cuts_out = sorted(scene.transitions["begin_s"].astype(float).tolist())
    starts = [_start_in(gap, cuts_in, scene.frame_s, params) for gap in gaps_before_speech(scene)]
    ends = [_end_in(gap, cuts_out, scene.frame_s, params) for gap in gaps_after_speech(scene)]
    silent_in = [time_s for time_s in cuts_in if _is_silent(scene, time_s, time_s + 0.2)]
    silent_out = [time_s for time_s in cuts_out if _is_silent(scene, time_s - 0.2, time_s)]
    starts += _on_cuts(silent_in, moment_costs(scene, silent_in, begins=True))
    ends += _on_cuts(silent_out, moment_costs(scene, silent_out, begins=False))
    starts.append(_Edge(0.0, _file_edge_cost(scene.is_speech), "where the video begins"))
    ends.append(_Edge(scene.duration_s, _file_edge_cost(scene.is_speech[::-1]), "where the video ends"))
    starts, ends = _without_needless(starts), _without_needless(ends)
    spacing_s = max(1.0, min(params.min_s / 3.0, _LONGEST_STRETCH_S))
    starts += _fill(scene, starts, spacing_s)
    ends += _fill(scene, ends, spacing_s)
    return _edge_table(starts, scene.duration_s), _edge_table(ends, scene.duration_s)


def quietest_edge(scene: Scene, from_s: float, to_s: float) -> tuple[float, float, str]:
    """Return the best place in a stretch that has no clean edge: time, cost and reason.

    The middle of the longest moment without speech, else the end of a word, else the quietest
    hundredth of a second.
    """
    first = min(max(0, round(from_s * HOPS_PER_S)), len(scene.level_db) - 1)
    last = max(first + 1, min(len(scene.level_db), round(to_s * HOPS_PER_S)))
    quiet = runs_of(~scene.is_speech[first:last])
    if len(quiet):
        longest = quiet[int(np.argmax(quiet[:, 1] - quiet[:, 0]))]
        length_s = float(longest[1] - longest[0]) / HOPS_PER_S
        edge = _Edge((first + float(longest.sum()) / 2.0) / HOPS_PER_S, MID_SENTENCE_COST, "in a short pause")
        if length_s >= 1.0 or longest[1] - longest[0] == last - first:
            edge = edge._replace(cost=_REGULAR_COST, reason="where nobody speaks")
    else:
        loud_s = (first + int(np.argmin(scene.level_db[first:last])) + 0.5) / HOPS_PER_S
        edge = _Edge(loud_s, _MID_SPEECH_COST, "in the middle of speech, for want of a pause")
        word_ends = scene.words["end_s"].to_numpy(dtype=np.float64)
        word_ends = word_ends[(word_ends > from_s) & (word_ends < to_s)]
        if len(word_ends):
            nearest_s = float(word_ends[int(np.argmin(np.abs(word_ends - loud_s)))])
            edge = _Edge(nearest_s, _MID_SPEECH_COST - 0.1, "between two words, for want of a pause")
    return edge._replace(time_s=float(np.clip(edge.time_s, from_s, to_s)))


def _start_in(gap: Gap, cuts: list[float], frame_s: float, params: SelectionParams) -> _Edge:
    """Return the in-point of a gap: a little before speech, on a cut where one is near."""
    room_s = max(0.0, gap.on_s - gap.off_s)
    time_s = gap.on_s - min(params.lead_s, room_s / 2.0)
    earliest_s = min(time_s, gap.off_s + min(0.05, room_s / 2.0))
    edge = _Edge(time_s, gap.cost, gap.reason)
    flash_s = (FLASH_FRAMES + 1) * frame_s
    index = bisect_right(cuts, gap.on_s + _ONSET_ERROR_S) - 1
    if index >= 0 and cuts[index] >= max(earliest_s, gap.on_s - max(_START_ON_CUT_S, params.lead_s)):
        edge = edge._replace(time_s=cuts[index], reason=f"{gap.reason}, on a cut")
    index = bisect_right(cuts, edge.time_s + 1.5 * frame_s)
    if index < len(cuts) and cuts[index] <= edge.time_s + flash_s:
        before_s = cuts[index] - flash_s
        if before_s >= earliest_s and gap.on_s - before_s <= _LONGEST_LEAD_S:
            return _Edge(before_s, gap.cost + _LATE_COST, gap.reason)
        return edge._replace(cost=min(1.0, edge.cost + _FLASH_COST), reason=f"{edge.reason}, just before a cut")
    return edge


def _end_in(gap: Gap, cuts: list[float], frame_s: float, params: SelectionParams) -> _Edge:
    """Return the out-point of a gap: a little after speech, on a cut where one is near."""
    room_s = max(0.0, gap.on_s - gap.off_s)
    latest_s = gap.off_s + max(room_s / 2.0, room_s - params.lead_s)
    edge = _Edge(min(gap.off_s + params.tail_s, latest_s), gap.cost, gap.reason)
    flash_s = (FLASH_FRAMES + 1) * frame_s
    index = bisect_left(cuts, gap.off_s + 0.05)
    if index < len(cuts) and cuts[index] <= min(gap.on_s, gap.off_s + max(_END_ON_CUT_S, params.tail_s)):
        edge = edge._replace(time_s=cuts[index], reason=f"{gap.reason}, on a cut")
    index = bisect_left(cuts, edge.time_s - 1.5 * frame_s) - 1
    if index >= 0 and cuts[index] >= edge.time_s - flash_s:
        after_s = cuts[index] + flash_s
        if after_s <= latest_s and after_s - gap.off_s <= _END_ON_CUT_S + 0.1:
            return _Edge(after_s, gap.cost, gap.reason)
        return edge._replace(cost=min(1.0, edge.cost + _FLASH_COST), reason=f"{edge.reason}, just after a cut")
    return edge


def _on_cuts(times_s: list[float], costs: list[float]) -> list[_Edge]:
    return [_Edge(time_s, cost, "on a cut") for time_s, cost in zip(times_s, costs, strict=True)]


def _is_silent(scene: Scene, from_s: float, to_s: float) -> bool:
    first, last = max(0, math.floor(from_s * HOPS_PER_S)), math.ceil(to_s * HOPS_PER_S)
    return not scene.is_speech[first:last].any()


def _file_edge_cost(is_speech: NDArray[np.bool_]) -> float:
    """Return the cost of an end of the file, where the sound next to it, nearest first, has speech."""
    if is_speech[:5].any():
        return _SPEAKING_AT_FILE_EDGE_COST
    if is_speech[:30].any():
        return 0.0
    # Where somebody speaks, silence at the ends of the file is not worth keeping.
    return _REGULAR_COST if is_speech.any() else SILENT_COST


def _without_needless(edges: list[_Edge]) -> list[_Edge]:
    """Return the good edges, and the poor ones that have no good one near."""
    good = sorted(edge.time_s for edge in edges if edge.cost < _POOR_COST)
    kept = []
    for edge in edges:
        index = bisect_left(good, edge.time_s - _LONGEST_STRETCH_S / 2.0)
        if edge.cost < _POOR_COST or index >= len(good) or good[index] > edge.time_s + _LONGEST_STRETCH_S / 2.0:
            kept.append(edge)
    return kept


def _fill(scene: Scene, edges: list[_Edge], spacing_s: float) -> list[_Edge]:
    """Return second choices for the stretches that have no edge: poor ones only in long stretches."""
    times = sorted({0.0, scene.duration_s, *(edge.time_s for edge in edges)})
    extra = []
    for left_s, right_s in pairwise(times):
        n_parts = math.ceil((right_s - left_s) / spacing_s)
        step_s = (right_s - left_s) / max(1, n_parts)
        for part in range(1, n_parts):
            middle_s = left_s + part * step_s
            edge = _Edge(*quietest_edge(scene, middle_s - 0.4 * step_s, middle_s + 0.4 * step_s))
            if edge.cost < _POOR_COST or right_s - left_s > _LONGEST_STRETCH_S:
                extra.append(edge)
    return extra


def _edge_table(edges: list[_Edge], duration_s: float) -> pd.DataFrame:
    """Return edges sorted by time; of several that lie close together the cheapest."""
    kept: list[_Edge] = []
    for edge in sorted(edges):
        # Downwards: a time rounded up to the next frame would show one frame of the wrong shot.
        time_s = math.floor(min(max(edge.time_s, 0.0), duration_s) * 1000.0 + 1e-6) / 1000.0
        edge = edge._replace(time_s=time_s)
        if kept and edge.time_s - kept[-1].time_s < _CLOSEST_EDGES_S:
            if edge.cost < kept[-1].cost:
                kept[-1] = edge
        else:
            kept.append(edge)
    return pd.DataFrame(kept, columns=["time_s", "cost", "reason"]).astype({"time_s": "float64", "cost": "float64"})
