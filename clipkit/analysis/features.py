"""What every frame looks like: one decode pass, one row and four small pictures a frame.

Conventions
-----------
Grids are as displayed: after rotation and mirroring.  A picture at least as wide as it is high
has 18 rows of 32 luma cells and 9 rows of 16 chroma and edge cells; a higher one has 32 rows of
18, and 16 of 9.  Levels are those of the 8-bit picture that the reader hands out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.errors import InputError
from clipkit.kernels.luma import picture_measures
from clipkit.kernels.motion import grid_differences, moving_shares
from clipkit.media.frames import Frame, Plane
from clipkit.media.probe import MediaInfo, VideoInfo
from clipkit.media.reader import open_video
from clipkit.params import AnalysisParams, Params
from clipkit.scratch import ArrayFile

Progress = Callable[[float], None]

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


@dataclass(frozen=True)
class Frames:
    """The frames of one video, measured.

    Attributes
    ----------
    table : DataFrame
        One row a frame, columns as in `COLUMNS`: ``pts`` int64, ``time_s`` float64 (0 for the
        first), ``is_key`` bool, then float32: mean and standard deviation of luma in levels,
        share of black and of white pixels, mean of ``edges``, mean U and V, motion-tolerant
        difference to the frame before in levels (0 for the first), share of cells that move.
    luma : ndarray of uint8, shape (n_frames, 18, 32) or (n_frames, 32, 18)
    chroma : ndarray of uint8, shape (n_frames, 2, 9, 16) or (n_frames, 2, 16, 9)
        U and V.
    edges : ndarray of float32, shape (n_frames, 9, 16) or (n_frames, 16, 9)
        Mean absolute luma step over two pixels along the decoded rows.
    histograms : ndarray of float32, shape (n_frames, 32)
        Share of the pixels in each eight luma levels; a row sums to 1.
    info : MediaInfo
    duration_s : float
        End of the last frame.
    n_corrupt : int
        Packets and frames that were broken; what could be decoded of them is in the table.
    """

    table: pd.DataFrame
    luma: NDArray[np.uint8]
    chroma: NDArray[np.uint8]
    edges: NDArray[np.float32]
    histograms: NDArray[np.float32]
    info: MediaInfo
    duration_s: float
    n_corrupt: int = 0


def measure_frames(
    path: str | Path, params: Params, *, progress: Progress | None = None, scratch: str | Path | None = None
) -> Frames:
    """Decode a video once and measure every frame.

    Parameters
    ----------
    path : str or Path
    params : Params
        Reads ``source``, ``resources.threads``, ``security`` and the black and white
        levels of ``analysis``.
    progress : callable, optional
        Gets the share of the video that is done, 0 to 1, never falling.
    scratch : path, optional
        Folder on a disk with room for the grids; none: the system's folder for temporary files.

    Returns
    -------
    Frames

    Raises
    ------
    InputError
        If the file cannot be read or holds no picture that can be decoded.
    ResourceError
        ``resource.disk_full`` or ``resource.not_writable`` when the grids find no room.

    Notes
    -----
    The grids take about 1.6 kB a frame, 170 MB for one hour at 30 frames a second.  They go to a
    nameless file block by block and are read through the page cache; only the table is in memory.
    """
    kept = _Kept(scratch)
    block: _Block | None = None
    with open_video(
        path,
        reader=params.source.reader,
        threads=params.resources.threads,
        loop_filter=params.source.loop_filter == "full",
        security=params.security,
    ) as video:
        info = video.info
        for frame in video:
            if block is None or block.is_full:
                if block is not None:
                    kept.add(block)
                    if progress:
                        progress(min(1.0, frame.time_s / info.duration_s))
                block = _Block(video.video, params.analysis)
            block.add(frame)
        n_corrupt = video.n_corrupt
    if block is None:
        message = f"{Path(path).name}: no picture could be decoded. Pass a file with video that plays."
        raise InputError(message, code="input.no_frames")
    kept.add(block)
    frames = kept.finished(info, n_corrupt)
    if progress:
        progress(1.0)
    return frames


class _Block:
    """Measures of up to `BLOCK` frames, grids still as decoded."""

    def __init__(self, video: VideoInfo, params: AnalysisParams) -> None:
        self._video, self._params = video, params
        is_high, is_turned = video.height > video.width, video.rotation in (90, 270)
        shape = (16, 9) if is_high != is_turned else (9, 16)
        self.n_frames = 0
        self._pts = np.empty(BLOCK, np.int64)
        self._time_s = np.empty(BLOCK, np.float64)
        self._is_key = np.empty(BLOCK, np.bool_)
        self._luma = np.empty((BLOCK, 2 * shape[0], 2 * shape[1]), np.uint8)
        self._chroma = np.empty((BLOCK, 2, *shape), np.uint8)
        self._edges = np.empty((BLOCK, *shape), np.float32)
        self._counts = np.empty((BLOCK, 256), np.int32)

    @property
    def is_full(self) -> bool:
        return self.n_frames == BLOCK

    def add(self, frame: Frame) -> None:
        n = self.n_frames
        self._pts[n], self._time_s[n], self._is_key[n] = frame.pts, frame.time_s, frame.is_key
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
        self.n_frames += 1

    def finished(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of the block, as displayed and without the unused tail."""
        n, levels = self.n_frames, np.arange(256)
        shares = self._counts[:n] / self._counts[:n].sum(axis=1, keepdims=True)
        mean = shares @ levels
        chroma = self._chroma[:n].mean(axis=(2, 3))
        scalars = {
            "luma_mean": mean,
            "luma_std": np.sqrt(np.maximum(shares @ levels**2 - mean**2, 0.0)),
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
            **{name: values.astype(np.float32) for name, values in scalars.items()},
            "luma": _as_displayed(self._luma[:n], self._video),
            "chroma": _as_displayed(self._chroma[:n], self._video),
            "edges": _as_displayed(self._edges[:n], self._video),
        }


class _Kept:
    """All blocks so far: grids in files, columns of the table in memory."""

    def __init__(self, folder: str | Path | None) -> None:
        self._grids = {name: ArrayFile(folder) for name in GRIDS}
        self._columns: dict[str, list[NDArray[Any]]] = {name: [] for name in COLUMNS}
        # The frames that those of the next block are compared with.
        self._last_s: NDArray[np.float64] | None = None
        self._last_luma: NDArray[np.uint8] | None = None

    def add(self, block: _Block) -> None:
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

    def finished(self, info: MediaInfo, n_corrupt: int) -> Frames:
        """Return everything as one; nothing can be added any more."""
        table = pd.DataFrame({name: np.concatenate(column) for name, column in self._columns.items()})
        return Frames(
            table=table,
            **{name: grid.finished() for name, grid in self._grids.items()},
            info=info,
            duration_s=max(info.duration_s, float(table["time_s"].iloc[-1]) + 1e-3),
            n_corrupt=n_corrupt,
        )


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
