"""What every frame looks like: one decode pass, one row and four small pictures a frame.

Conventions
-----------
Grids are as displayed: after rotation and mirroring.  A picture at least as wide as it is high
has 18 rows of 32 luma cells and 9 rows of 16 chroma and edge cells; a higher one has 32 rows of
18, and 16 of 9.  Levels are those of the 8-bit picture that the reader hands out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.blocks import COLUMNS, Block, Kept, Repeat
from clipkit.analysis.scan import plan_scan
from clipkit.errors import InputError
from clipkit.media.frames import Frame, VideoReader
from clipkit.media.probe import MediaInfo
from clipkit.media.reader import open_video
from clipkit.params import Params
from clipkit.scratch import Rows

__all__ = ["COLUMNS", "Frames", "measure_frames", "measure_stretch"]

Progress = Callable[[float], None]


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
    luma : rows of uint8, shape (n_frames, 18, 32) or (n_frames, 32, 18)
    chroma : rows of uint8, shape (n_frames, 2, 9, 16) or (n_frames, 2, 16, 9)
        U and V.
    edges : rows of float32, shape (n_frames, 9, 16) or (n_frames, 16, 9)
        Mean absolute luma step over two pixels along the decoded rows.
    histograms : rows of float32, shape (n_frames, 32)
        Share of the pixels in each eight luma levels; a row sums to 1.
    info : MediaInfo
    duration_s : float
        End of the last frame.
    n_corrupt : int
        Packets and frames that were broken; what could be decoded of them is in the table.
    is_decoded : ndarray of bool, shape (n_frames,), or None
        None when all were.  The row and the grids of a frame that was not repeat those of the key
        frame before it, with its own ``pts`` and ``time_s``, so that rows are frames in display order.
    note : str
        Why everything was decoded although ``source.scan`` asked for less, or nothing.
    """

    table: pd.DataFrame
    luma: Rows
    chroma: Rows
    edges: Rows
    histograms: Rows
    info: MediaInfo
    duration_s: float
    n_corrupt: int = 0
    is_decoded: NDArray[np.bool_] | None = None
    note: str = ""


def measure_frames(
    path: str | Path, params: Params, *, progress: Progress | None = None, scratch: str | Path | None = None
) -> Frames:
    """Decode a video once and measure every frame, or as many as ``source.scan`` asks for.

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
    nameless file block by block and are read as asked for; only the table is in memory.
    """
    with open_video(
        path,
        reader=params.source.reader,
        threads=params.resources.threads,
        loop_filter=params.source.loop_filter == "full",
        security=params.security,
    ) as video:
        plan = plan_scan(video, params) if params.source.scan != "full" else ""
        pictures = plan if isinstance(plan, str) else plan.pictures(video)
        frames = _measured(video, params, video if isinstance(pictures, str) else pictures, progress, scratch)
    if frames is None:
        message = f"{Path(path).name}: no picture could be decoded. Pass a file with video that plays."
        raise InputError(message, code="input.no_frames")
    if progress:
        progress(1.0)
    return replace(frames, note=plan) if isinstance(plan, str) else frames


def measure_stretch(video: VideoReader, params: Params, start_s: float, end_s: float) -> Frames | None:
    """Decode and measure the frames with ``start_s <= time_s < end_s``; None where there is none.

    Times are those of the video; rows count from the first frame of the stretch.
    """
    return _measured(video, params, video.frames(start_s, end_s), None, None)


def _measured(
    video: VideoReader,
    params: Params,
    pictures: Iterable[Frame | Repeat],
    progress: Progress | None,
    scratch: str | Path | None,
) -> Frames | None:
    kept = Kept(scratch)
    block: Block | None = None
    info = video.info
    for picture in pictures:
        if block is None or block.is_full:
            if block is not None:
                kept.add(block)
                if progress:
                    progress(min(1.0, picture.time_s / info.duration_s))
            block = Block(video.video, params.analysis)
        block.add(picture)
    if block is None:
        return None
    kept.add(block)
    table, grids, is_decoded = kept.finished()
    return Frames(
        table=table,
        luma=grids["luma"],
        chroma=grids["chroma"],
        edges=grids["edges"],
        histograms=grids["histograms"],
        info=info,
        duration_s=max(info.duration_s, float(table["time_s"].iloc[-1]) + 1e-3),
        n_corrupt=video.n_corrupt,
        is_decoded=None if is_decoded.all() else is_decoded,
    )
