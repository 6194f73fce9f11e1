"""Edges of clips looked at once more where the scan did not decode every frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.boundaries import FLASH_FRAMES
from clipkit.analysis.features import measure_stretch
from clipkit.analysis.shots import detect_transitions
from clipkit.media.reader import open_video
from clipkit.params import Params

# Decoded on both sides of an edge, seconds.
AROUND_S = 1.0


def settle_edges(video: str | Path, clips: pd.DataFrame, words: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Decode a second on both sides of every edge and take flashes of another shot away.

    Parameters
    ----------
    video : path
    clips : DataFrame
        With ``start_s`` and ``end_s``.
    words : DataFrame
        Words table; may be empty.
    params : Params
        Reads ``source``, ``analysis``, ``resources``, ``security`` and ``selection.min_s``.

    Returns
    -------
    DataFrame
        The same clips; an edge with a cut 1 to 11 frames inside it lies on that cut, or 12 frames away from it
        where a word or the shortest length would suffer.
    """
    rows = []
    with open_video(video, threads=params.resources.threads, security=params.security) as reader:
        for start_s, end_s in zip(clips["start_s"].tolist(), clips["end_s"].tolist(), strict=True):
            edges = []
            for edge_s, is_start in ((start_s, True), (end_s, False)):
                around = measure_stretch(reader, params, max(0.0, edge_s - AROUND_S), edge_s + AROUND_S)
                if around is None:
                    edges.append(edge_s)
                    continue
                found = detect_transitions(around, params.analysis)
                cuts = found.loc[found["kind"] == "cut", "begin"].to_numpy()
                room_s = end_s - start_s - params.selection.min_s
                edges.append(settled(edge_s, is_start, around.table["time_s"].to_numpy(), cuts, words, room_s))
            rows.append(edges)
    new = np.array(rows, np.float64).reshape(-1, 2)
    return clips.assign(start_s=new[:, 0].round(3), end_s=new[:, 1].round(3))


def settled(
    edge_s: float,
    is_start: bool,
    time_s: NDArray[np.float64],
    cuts: NDArray[np.int64],
    words: pd.DataFrame,
    room_s: float,
) -> float:
    """Return where an edge should lie.

    Parameters
    ----------
    edge_s : float
    is_start : bool
        Whether the clip begins here.
    time_s : ndarray of float64, shape (n_frames,)
        Times of the frames around the edge.
    cuts : ndarray of int64
        Hard cuts, as indices of those frames.
    words : DataFrame
        ``start_s``, ``end_s``.
    room_s : float
        How much shorter the clip may become.

    Examples
    --------
    >>> nothing = pd.DataFrame({"start_s": [], "end_s": []})
    >>> settled(1.0, True, np.arange(50) / 25, np.array([30]), nothing, 9.0)
    1.2
    """
    edge = int(np.searchsorted(time_s, edge_s - 1e-6))
    inside = cuts - edge if is_start else edge - cuts
    near = cuts[(inside >= 1) & (inside <= FLASH_FRAMES)]
    if not near.size:
        return edge_s
    cut = int(near.max() if is_start else near.min())
    cut_s = float(time_s[cut])
    from_s, to_s = sorted((edge_s, cut_s))
    hits_word = bool(((words["start_s"] < to_s) & (words["end_s"] > from_s)).any())
    if not hits_word and to_s - from_s <= room_s:
        return cut_s
    away = cut + (-1 if is_start else 1) * (FLASH_FRAMES + 1)
    return float(time_s[away]) if 0 <= away < len(time_s) else edge_s
