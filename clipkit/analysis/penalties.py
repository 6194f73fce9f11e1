"""Penalties: what speaks against a span, one number for each reason, 0 for nothing and 1 for the worst."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.gaps import Scene
from clipkit.analysis.means import Values, mean_of, mean_over
from clipkit.analysis.speech import HOPS_PER_S, runs_of

# So much quieter than usual is silence.
_SILENCE_LU = 20.0
_NO_SOUND_LUFS = -70.0
# An edge that costs this or less lies at the end of a sentence or in a pause.
_CLEAN_COST = 0.3
_DARK_LEVEL, _DARK_SHARE = 32.0, 0.9
# Of the detail that is usual in this video.
_BLURRED_SHARE = 0.35
_STILL_LEVEL, _FROZEN_S = 0.02, 2.0
# First and last part of a video: greetings, titles, thanks.
_ENDS_SHARE = 0.05


def measure_penalties(
    spans: pd.DataFrame, scene: Scene, frames_table: pd.DataFrame, loudness: Values
) -> dict[str, Values]:
    """Return the penalties of spans.

    Parameters
    ----------
    spans : DataFrame
        ``start_s``, ``end_s``; ``cost``, the joint cost of both edges, and ``repeated``, the share
        that was shown before, 0..1.
    scene : Scene
        Speech and length of the video.
    frames_table : DataFrame
        What `measure_frames` returns as its table.
    loudness : ndarray of float64, shape (n_hops,)
        Momentary loudness at 100 Hz, LUFS.

    Returns
    -------
    dict of str to ndarray of float64, shape (n_spans,)
        ``silence``, the share in which nobody speaks and hardly anything is heard; ``mid_sentence``, how
        surely an edge breaks into speech; ``repetition``, the share that was shown before;
        ``poor_picture``, the share that is dark, blurred or frozen where the video mostly is not;
        ``intro_outro``, the share that lies in the first or last twentieth of the video.
    """
    start_s, end_s = spans["start_s"].to_numpy(), spans["end_s"].to_numpy()
    length_s = np.maximum(1e-3, end_s - start_s)
    times_s = frames_table["time_s"].to_numpy(dtype=np.float64)
    margin_s = _ENDS_SHARE * scene.duration_s
    at_ends_s = np.clip(margin_s - start_s, 0.0, length_s) + np.clip(
        end_s - (scene.duration_s - margin_s), 0.0, length_s
    )
    return {
        "silence": mean_over(_is_silent(loudness, scene.is_speech).astype(np.float64), HOPS_PER_S)(start_s, end_s),
        "mid_sentence": (spans["cost"].to_numpy() - _CLEAN_COST) / (1.0 - _CLEAN_COST),
        "repetition": spans["repeated"].to_numpy(),
        "poor_picture": mean_of(times_s, _is_poor(frames_table, times_s).astype(np.float64))(start_s, end_s),
        "intro_outro": at_ends_s / length_s,
    }


def _is_silent(loudness: Values, is_speech: NDArray[np.bool_]) -> NDArray[np.bool_]:
    heard = loudness[loudness > _NO_SOUND_LUFS]
    if not len(heard):
        return np.zeros(len(loudness), dtype=bool)
    return np.asarray((loudness < float(np.median(heard)) - _SILENCE_LU) & ~is_speech)


def _is_poor(frames_table: pd.DataFrame, times_s: Values) -> NDArray[np.bool_]:
    """Return the frames that are dark, blurred or frozen; what most of the video is counts for nothing."""
    poor = np.zeros(len(times_s), dtype=bool)
    for fault in (_is_dark, _is_blurred, _is_frozen):
        found = fault(frames_table, times_s)
        if 2 * int(found.sum()) < len(found):
            poor |= found
    return poor


def _is_dark(frames_table: pd.DataFrame, _times_s: Values) -> NDArray[np.bool_]:
    dark = frames_table["luma_mean"].to_numpy() < _DARK_LEVEL
    return np.asarray(dark | (frames_table["black_share"].to_numpy() > _DARK_SHARE))


def _is_blurred(frames_table: pd.DataFrame, _times_s: Values) -> NDArray[np.bool_]:
    edges = frames_table["edge_energy"].to_numpy(dtype=np.float64)
    usual = float(np.median(edges)) if len(edges) else 0.0
    return np.asarray(edges < _BLURRED_SHARE * usual)


def _is_frozen(frames_table: pd.DataFrame, times_s: Values) -> NDArray[np.bool_]:
    frozen = np.zeros(len(times_s), dtype=bool)
    still = (frames_table["motion"].to_numpy() == 0.0) & (frames_table["difference"].to_numpy() < _STILL_LEVEL)
    for first, last in runs_of(still):
        frozen[first:last] = times_s[last - 1] - times_s[first] >= _FROZEN_S
    return frozen
