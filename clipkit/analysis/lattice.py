"""The lattice: every pair of an in-point and an out-point that is neither too near nor too far.

Conventions
-----------
Edges are whole milliseconds, so that a length may miss its limit by that much.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from clipkit.analysis.boundaries import find_edges, quietest_edge
from clipkit.analysis.gaps import Scene
from clipkit.analysis.speech import HOPS_PER_S
from clipkit.params import SelectionParams

ROUNDING_S = 0.001 + 1e-6
# An hour of talk has about 20,000 pairs under the usual limits; only limits far apart reach this many.
MOST_PAIRS_PER_HOUR = 100_000


def find_spans(scene: Scene, params: SelectionParams) -> pd.DataFrame:
    """Return all pairs of edges whose distance is allowed.

    Parameters
    ----------
    scene : Scene
        Sound, words and transitions.
    params : SelectionParams
        Lengths of clips, lead and tail.

    Returns
    -------
    DataFrame
        ``start_s``, ``end_s``, ``cost`` (joint cost of both edges, 0..1) float64, ``begins``, ``ends`` (why the
        edges are where they are) str, in order of time.  A start without any end at an allowed distance gets
        the best place there is; a video shorter than ``min_s`` is one span, without silence
        around its speech.  Of more than `MOST_PAIRS_PER_HOUR` the cheapest are kept.
    """
    if scene.duration_s < params.min_s:
        return _whole(scene, params)
    starts, ends = find_edges(scene, params)
    start_s, end_s = starts["time_s"].to_numpy(), ends["time_s"].to_numpy()
    first = np.searchsorted(end_s, start_s + params.min_s - ROUNDING_S)
    last = np.searchsorted(end_s, start_s + params.max_s + ROUNDING_S, side="right")
    counts = np.maximum(0, last - first)
    from_index = np.repeat(np.arange(len(start_s)), counts)
    to_index = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    spans = pd.DataFrame(
        {
            "start_s": start_s[from_index],
            "end_s": end_s[to_index],
            "cost": 1.0 - (1.0 - starts["cost"].to_numpy()[from_index]) * (1.0 - ends["cost"].to_numpy()[to_index]),
            "begins": starts["reason"].to_numpy()[from_index],
            "ends": ends["reason"].to_numpy()[to_index],
        }
    )
    alone = np.flatnonzero((counts == 0) & (start_s + params.min_s <= scene.duration_s + ROUNDING_S))
    lonely = [_Start(*row) for row in starts.iloc[alone].itertuples(index=False)]
    if not len(spans) and not lonely:
        lonely = [_Start(0.0, 0.0, "where the video begins")]
    if lonely:
        spans = pd.concat([spans, pd.DataFrame([_ended(start, scene, params) for start in lonely])])
    most = max(2000, int(MOST_PAIRS_PER_HOUR * scene.duration_s / 3600.0))
    if len(spans) > most:
        # Of equal cost, multiples of the golden ratio pick evenly over the whole video.
        spread = np.arange(len(spans)) * 0.6180339887498949 % 1.0
        spans = spans.iloc[np.lexsort([spread, spans["cost"].to_numpy()])[:most]]
    return spans.sort_values(["start_s", "end_s"], kind="stable").reset_index(drop=True)


class _Start(NamedTuple):
    time_s: float
    cost: float
    reason: str


def _ended(start: _Start, scene: Scene, params: SelectionParams) -> dict[str, float | str]:
    """Return the span from a start that has no end at an allowed distance to the best place there is."""
    latest_s = min(start.time_s + params.max_s, scene.duration_s)
    time_s, cost, reason = quietest_edge(scene, min(start.time_s + params.min_s, latest_s), latest_s)
    return {
        "start_s": start.time_s,
        "end_s": math.floor(time_s * 1000.0 + 1e-6) / 1000.0,
        "cost": 1.0 - (1.0 - start.cost) * (1.0 - cost),
        "begins": start.reason,
        "ends": reason,
    }


def _whole(scene: Scene, params: SelectionParams) -> pd.DataFrame:
    """Return the one span of a video that is shorter than the shortest clip."""
    start_s, end_s = 0.0, math.floor(scene.duration_s * 1000.0 + 1e-6) / 1000.0
    begins, ends = "where the video begins", "where the video ends"
    heard = np.flatnonzero(scene.is_speech)
    if len(heard):
        first_s = round(max(0.0, heard[0] / HOPS_PER_S - params.lead_s), 3)
        last_s = round(min(end_s, (heard[-1] + 1) / HOPS_PER_S + params.tail_s), 3)
        if last_s - first_s >= 0.5:
            start_s, begins = (first_s, "where speech begins") if first_s > 0.0 else (start_s, begins)
            end_s, ends = (last_s, "where speech ends") if last_s < end_s else (end_s, ends)
    return pd.DataFrame({"start_s": [start_s], "end_s": [end_s], "cost": [0.0], "begins": [begins], "ends": [ends]})
