"""Measures of frames, some hundred at a time, on their way from the decoder to a table and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.kernels.luma import picture_measures
from clipkit.kernels.motion import grid_differences, moving_shares
from clipkit.media.frames import Frame, Plane
from clipkit.media.probe import VideoInfo
from clipkit.params import AnalysisParams
from clipkit.scratch import ArrayFile, Rows

COLUMNS = (
    "pts",
    "time_s",
    "is_key",
    "luma_mean",
    "luma_std",
    "black_share",
    "white_share",
    "edge_energy",
    "chroma_u",
    "chroma_v",
    "difference",
    "motion",
)
GRIDS = ("luma", "chroma", "edges", "histograms")
BLOCK = 512
# Of a higher plane every second, third … line is read: a cell still has a hundred pixels or more, and
# fetching what a decoder wrote costs more than adding it up.
LUMA_LINES_A_CELL, CHROMA_LINES_A_CELL = 8, 4
# A cell moves when it changes by more than coding noise from the picture shown this long ago.
MOTION_LAG_S = 0.06
MOTION_LEVEL = 4


class Repeat(NamedTuple):
    """A frame that is not decoded and gets the measures of another."""

    block: Block
    row: int
    pts: int
    time_s: float
    is_key: bool


class Block:
    """Measures of up to `BLOCK` frames, grids still as decoded."""

    def __init__(self, video: VideoInfo, params: AnalysisParams) -> None:
        self._video, self._params = video, params
        is_high, is_turned = video.height > video.width, video.rotation in (90, 270)
        shape = (16, 9) if is_high != is_turned else (9, 16)
        self.n_frames = 0
        self._pts = np.empty(BLOCK, np.int64)
        self._time_s = np.empty(BLOCK, np.float64)
        self._is_key = np.empty(BLOCK, np.bool_)
        self._is_decoded = np.empty(BLOCK, np.bool_)
        self._luma = np.empty((BLOCK, 2 * shape[0], 2 * shape[1]), np.uint8)
        self._chroma = np.empty((BLOCK, 2, *shape), np.uint8)
        self._edges = np.empty((BLOCK, *shape), np.float32)
        self._counts = np.empty((BLOCK, 256), np.int32)

    @property
    def is_full(self) -> bool:
        """Whether no frame can be added."""
        return self.n_frames == BLOCK

    @property
    def pts(self) -> NDArray[np.int64]:
        """Ticks of the frames so far."""
        return self._pts[: self.n_frames]

    @property
    def luma(self) -> NDArray[np.uint8]:
        """Luma grids as decoded."""
        return self._luma[: self.n_frames]

    def add(self, picture: Frame | Repeat) -> None:
        """Measure a frame, or take over what was measured of another."""
        n = self.n_frames
        self._pts[n], self._time_s[n], self._is_key[n] = picture.pts, picture.time_s, picture.is_key
        if isinstance(picture, Repeat):
            self._is_decoded[n] = picture.is_key
            source, row = picture.block, picture.row
            for mine, other in zip(self._measures(), source._measures(), strict=True):
                mine[n] = other[row]
        else:
            self._is_decoded[n] = True
            self._measure(picture, n)
        self.n_frames += 1

    def _measures(self) -> tuple[NDArray[Any], ...]:
        return self._luma, self._chroma, self._edges, self._counts

    def _measure(self, frame: Frame, n: int) -> None:
        luma, u, v = frame.planes
        cells = self._edges.shape[1:]
        picture_measures(
            *_fit(luma, *self._luma.shape[1:], LUMA_LINES_A_CELL),
            *_fit(u, *cells, CHROMA_LINES_A_CELL),
            *_fit(v, *cells, CHROMA_LINES_A_CELL),
            self._luma[n],
            self._chroma[n],
            self._edges[n],
            self._counts[n],
        )

    def finished(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of the block, as displayed and without the unused tail."""
        n, levels = self.n_frames, np.arange(256)
        counts = self._counts[:n]
        n_counted = counts.sum(axis=1)
        shares = counts / n_counted[:, None]
        # Products of whole numbers: those of fractions wake the threads of BLAS, which then spin for longer.
        mean, mean_square = (counts @ levels) / n_counted, (counts @ levels**2) / n_counted
        chroma = self._chroma[:n].mean(axis=(2, 3))
        scalars = {
            "luma_mean": mean,
            "luma_std": np.sqrt(np.maximum(mean_square - mean**2, 0.0)),
            "black_share": shares[:, : self._params.black_level + 1].sum(axis=1),
            "white_share": shares[:, self._params.white_level :].sum(axis=1),
            "edge_energy": self._edges[:n].mean(axis=(1, 2)),
            "chroma_u": chroma[:, 0],
            "chroma_v": chroma[:, 1],
            "histograms": shares.reshape(n, 32, 8).sum(axis=2),
        }
        return {
            "pts": self._pts[:n],
            "time_s": self._time_s[:n],
            "is_key": self._is_key[:n],
            "is_decoded": self._is_decoded[:n],
            **{name: values.astype(np.float32) for name, values in scalars.items()},
            "luma": _as_displayed(self._luma[:n], self._video),
            "chroma": _as_displayed(self._chroma[:n], self._video),
            "edges": _as_displayed(self._edges[:n], self._video),
        }


class Kept:
    """All blocks so far: grids in files, columns of the table in memory."""

    def __init__(self, folder: str | Path | None) -> None:
        self._grids = {name: ArrayFile(folder) for name in GRIDS}
        self._columns: dict[str, list[NDArray[Any]]] = {name: [] for name in (*COLUMNS, "is_decoded")}
        # The frames that those of the next block are compared with.
        self._last_s: NDArray[np.float64] | None = None
        self._last_luma: NDArray[np.uint8] | None = None

    def add(self, block: Block) -> None:
        """Add a block that no frame will be added to."""
        values = block.finished()
        time_s, luma = values["time_s"], np.ascontiguousarray(values["luma"])
        if self._last_s is not None and self._last_luma is not None:
            time_s, luma = np.concatenate([self._last_s, time_s]), np.concatenate([self._last_luma, luma])
        before = _frame_before(time_s, MOTION_LAG_S)
        difference, motion = np.empty(len(time_s), np.float32), np.empty(len(time_s), np.float32)
        grid_differences(luma, np.maximum(np.arange(len(time_s)) - 1, 0), difference)
        moving_shares(luma, before, MOTION_LEVEL, motion)
        values |= {"difference": difference[-block.n_frames :], "motion": motion[-block.n_frames :]}
        self._last_s, self._last_luma = time_s[before[-1] :], luma[before[-1] :]
        for name, grid in self._grids.items():
            grid.append(values[name])
        for name, column in self._columns.items():
            column.append(values[name].copy())

    def finished(self) -> tuple[pd.DataFrame, dict[str, Rows], NDArray[np.bool_]]:
        """Return the table, the grids and which frames were decoded; nothing can be added any more."""
        columns = {name: np.concatenate(column) for name, column in self._columns.items()}
        is_decoded = columns.pop("is_decoded")
        return pd.DataFrame(columns), {name: grid.finished() for name, grid in self._grids.items()}, is_decoded


def _fit(plane: Plane, n_rows: int, n_columns: int, lines_a_cell: int) -> tuple[NDArray[np.uint8], int, int, int]:
    """Return the arguments of a kernel: a read-only plane with at least one pixel a cell, high ones thinned."""
    samples, height, width, stride = plane
    step = max(1, height // (lines_a_cell * n_rows))
    height, stride = height // step, stride * step
    if height < n_rows or width < n_columns:
        up, across = -(-n_rows // height), -(-n_columns // width)
        rows = np.stack([samples[y * stride : y * stride + width] for y in range(height)])
        samples = rows.repeat(up, axis=0).repeat(across, axis=1).ravel()
        height, width = height * up, width * across
        stride = width
    # Writable and read-only arrays are two types to numba, and each would be compiled anew.
    samples = samples.view()
    samples.flags.writeable = False
    return samples, stride, height, width


def _as_displayed(grids: NDArray[Any], video: VideoInfo) -> NDArray[Any]:
    straight = grids[..., ::-1] if video.mirrored else grids
    return np.rot90(straight, k=-(video.rotation // 90), axes=(-2, -1))


def _frame_before(time_s: NDArray[np.float64], lag_s: float) -> NDArray[np.int64]:
    """Return for each frame the newest one at least `lag_s` older, or the first."""
    return np.maximum(np.searchsorted(time_s, time_s - lag_s + 1e-6, side="right") - 1, 0).astype(np.int64)
