"""Label files in which people rated every moment of a video.

Two forms are read: ``ydata-tvsum50.mat`` of TVSum (HDF5, which needs h5py) and the same labels as JSON lines, one
video a line: ``vid``, ``duration`` in seconds, and ``label``, a list of ratings for each unit of 2 s.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clipkit.errors import InputError, ResourceError

UNIT_S = 2.0
MAT_NAME = "ydata-tvsum50.mat"


@dataclass(frozen=True)
class Rated:
    """One video and what people think of each unit of it.

    Attributes
    ----------
    name : str
        Name of the video's file, without suffix.
    duration_s : float
    ratings : ndarray of float64, shape (n_raters, n_units)
        One rating for each unit of 2 s; the last unit may be shorter.
    """

    name: str
    duration_s: float
    ratings: NDArray[np.float64]

    @property
    def centres_s(self) -> NDArray[np.float64]:
        """Middle of each unit, seconds."""
        edges = np.minimum(np.arange(self.ratings.shape[1] + 1) * UNIT_S, max(self.duration_s, UNIT_S))
        middles: NDArray[np.float64] = (edges[1:] + edges[:-1]) / 2
        return middles


def read_ratings(folder: str | Path) -> list[Rated]:
    """Return the rated videos of the label files in a folder, by name.

    Raises
    ------
    InputError
        ``input.no_labels`` where the folder has no label file, ``input.bad_labels`` where one is not as described.
    ResourceError
        ``resource.no_h5py`` where only the HDF5 file is there and h5py is not installed.
    """
    folder = Path(folder)
    lines = sorted(folder.rglob("*.jsonl"))
    mat = next(iter(sorted(folder.rglob(MAT_NAME))), None)
    if lines:
        rated = [video for path in lines for video in _read_lines(path)]
    elif mat is not None:
        rated = _read_mat(mat)
    else:
        message = f"{folder}: {MAT_NAME} or a *.jsonl with ratings is needed, found neither. Pass the labels' folder."
        raise InputError(message, code="input.no_labels")
    return sorted({video.name: video for video in rated}.values(), key=lambda video: video.name)


def _read_lines(path: Path) -> list[Rated]:
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            ratings = np.array(record["label"], np.float64).T
            name = str(record.get("vid", record.get("qid")))
            found.append(_rated(name, float(record["duration"]), ratings))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"{path}: line {number} needs vid, duration and label (units by raters); {error!r} was met."
            raise InputError(message, code="input.bad_labels") from error
    return found


def _read_mat(path: Path) -> list[Rated]:
    try:
        h5py = importlib.import_module("h5py")
    except ImportError as error:
        message = f"{path.name} is an HDF5 file: `pip install h5py` reads it. The labels as *.jsonl need nothing more."
        raise ResourceError(message, code="resource.no_h5py", retry="never") from error
    try:
        with h5py.File(path, "r") as file:
            return _rated_in(file)
    except (OSError, KeyError, ValueError, IndexError) as error:
        message = f"{path} must hold tvsum50 with video, length, nframes and user_anno; {error!r} was met."
        raise InputError(message, code="input.bad_labels") from error


def _rated_in(file: Any) -> list[Rated]:
    """Return the videos of the open HDF5 file, whose fields are columns of references, one a video."""
    table = file["tvsum50"]

    def field(name: str, index: int) -> NDArray[Any]:
        values: NDArray[Any] = np.asarray(file[np.asarray(table[name]).ravel()[index]])
        return values

    found = []
    for index in range(np.asarray(table["video"]).size):
        name = "".join(chr(int(code)) for code in field("video", index).ravel())
        duration_s, n_frames = float(field("length", index).ravel()[0]), int(field("nframes", index).ravel()[0])
        by_frame = field("user_anno", index).astype(np.float64)
        by_frame = by_frame if by_frame.shape[1] == n_frames else by_frame.T
        n_units = max(1, round(duration_s / UNIT_S))
        middles = ((np.arange(n_units) + 0.5) * n_frames / n_units).astype(np.int64)
        found.append(_rated(name, duration_s, by_frame[:, middles]))
    return found


def _rated(name: str, duration_s: float, ratings: NDArray[np.float64]) -> Rated:
    if ratings.ndim != 2 or ratings.shape[0] < 2 or ratings.shape[1] < 2 or not np.isfinite(ratings).all():
        message = f"{name}: at least two raters of two units with finite ratings are needed, got {ratings.shape}"
        raise ValueError(message)
    n_units = ratings.shape[1]
    if not n_units * UNIT_S - UNIT_S <= duration_s + UNIT_S or not duration_s - UNIT_S <= n_units * UNIT_S + UNIT_S:
        message = f"{name}: {n_units} units of {UNIT_S:g} s do not fit {duration_s:g} s"
        raise ValueError(message)
    return Rated(name, duration_s, ratings)
