"""Real footage with known shot changes: what a composer may splice, and what was labelled by hand.

Conventions
-----------
Two layouts are read.  A *pool* is a folder of clips with a ``cuts.csv`` (``file,frame``): the frames
at which a new shot begins inside a clip; a clip without rows is one shot, a frame of -1 leaves the clip out.
A *media folder* has ``cuts/NAME.cuts.csv`` (``kind,frame,frame_end``), where ``hard`` and ``repo`` are cuts,
``gradual`` runs from ``frame`` to ``frame_end`` and ``uncertain`` counts neither way.
Frames are indices in display order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from clipkit.bench.frame_clock import frame_times
from clipkit.errors import InputError

SUFFIXES = frozenset((".mp4", ".mkv", ".webm", ".mov", ".avi", ".ogv", ".m4v", ".ts"))
# A shorter stretch has no room for a transition at both ends (seconds).
MIN_SPAN_S = 1.2
# Hand labels are good to a few frames where a transition is gradual (seconds).
MARGIN_S = 0.2
MIN_SOURCES = 3

# Single shots of a media folder, and labelled videos that have black stretches: no shot to be sure of.
SINGLE_SHOTS = (
    "people/crowd_1080p25.mp4",
    "people/talking_head_man_700x700.mp4",
    "people/talking_head_woman_590x590.mp4",
    "people/two_people_webcam_720p25.webm",
    "subject/dog_fetch_720p30.mp4",
    "subject/football_juggle_720p24.mp4",
    "subject/kids_jumping_540p30.mp4",
    "subject/chaplin_360p25.mp4",
)
BLACK_STRETCHES = frozenset(("fades", "testvideo", "sintel_trailer_204p24"))


@dataclass(frozen=True)
class Span:
    """A stretch of one shot, seconds from the first displayed frame; spans of one `source` look alike."""

    path: Path
    start_s: float
    end_s: float
    source: str


@dataclass(frozen=True)
class Labelled:
    """A video whose transitions are known; `truth` is as :func:`clipkit.bench.shots.read_truth` returns it."""

    name: str
    path: Path
    truth: pd.DataFrame


def read_spans(folder: str | Path) -> list[Span]:
    """Return the single-shot stretches of a pool or of a media folder, in a fixed order.

    Raises
    ------
    InputError
        ``input.no_footage`` when there are fewer than three sources to cut between, ``input.bad_table`` when the
        table of cuts cannot be read.
    """
    folder = Path(folder)
    clips = _clips_of_media(folder) if (folder / "cuts").is_dir() else _clips_of_pool(folder)
    spans = [span for path, edges in clips for span in spans_between(path, edges)]
    n_sources = len({span.source for span in spans})
    if n_sources < MIN_SOURCES:
        message = (
            f"{folder}: at least {MIN_SOURCES} clips with a shot of {MIN_SPAN_S:g} s are needed to cut between, "
            f"found {n_sources}. Add footage."
        )
        raise InputError(message, code="input.no_footage")
    return spans


def spans_between(path: Path, edges: Iterable[int]) -> list[Span]:
    """Return the stretches of a clip between the frames `edges`, each with a margin, long enough to use."""
    times_s = frame_times(path)
    inner = sorted({edge for edge in edges if 0 < edge < len(times_s)})
    starts = [0.0, *(times_s[edge] + MARGIN_S for edge in inner)]
    ends = [*(times_s[edge] - MARGIN_S for edge in inner), times_s[-1]]
    return [
        Span(path, float(start), float(end), path.stem)
        for start, end in zip(starts, ends, strict=True)
        if end - start >= MIN_SPAN_S
    ]


def read_labelled(folder: str | Path) -> list[Labelled]:
    """Return the hand-labelled videos of a media folder, those whose file is there, by name.

    A table's ``repo`` rows are cuts only where it has no ``hard`` ones; ``gradual`` becomes a dissolve, whatever
    it looks like; ``uncertain`` becomes ``ignore``.
    """
    folder = Path(folder)
    found = []
    for name, path, rows in _label_tables(folder):
        has_hard = bool((rows["kind"] == "hard").any())
        kinds = {"hard": "cut", "gradual": "dissolve", "uncertain": "ignore"} | ({} if has_hard else {"repo": "cut"})
        rows = rows[rows["kind"].isin(list(kinds))]
        begin = rows["frame"].astype("int64")
        end = rows["frame_end"].fillna(rows["frame"]).astype("int64")
        end = end.where(rows["kind"] != "hard", begin)
        truth = pd.DataFrame({"kind": rows["kind"].map(kinds), "begin": begin, "end": end})
        found.append(Labelled(name, path, truth.reset_index(drop=True)))
    return found


def _label_tables(folder: Path) -> list[tuple[str, Path, pd.DataFrame]]:
    videos = {path.stem: path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES}
    tables = []
    for table in sorted((folder / "cuts").glob("*.cuts.csv")):
        name = table.name.removesuffix(".cuts.csv")
        if name in videos:
            tables.append((name, videos[name], _read_rows(table, ("kind", "frame", "frame_end"))))
    return tables


def _clips_of_media(folder: Path) -> list[tuple[Path, Sequence[int]]]:
    clips: list[tuple[Path, Sequence[int]]] = []
    for name, path, rows in _label_tables(folder):
        if name not in BLACK_STRETCHES:
            edges = pd.concat([rows["frame"], rows["frame_end"]]).dropna().astype(int)
            clips.append((path, edges.tolist()))
    return clips + [(folder / name, ()) for name in SINGLE_SHOTS if (folder / name).is_file()]


def _clips_of_pool(folder: Path) -> list[tuple[Path, Sequence[int]]]:
    table = folder / "cuts.csv"
    rows = _read_rows(table, ("file", "frame")) if table.is_file() else pd.DataFrame({"file": [], "frame": []})
    edges = {str(name): group["frame"].astype(int).tolist() for name, group in rows.groupby("file")}
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES]
    named = [(path, edges.get(path.relative_to(folder).as_posix(), [])) for path in paths]
    return [(path, frames) for path, frames in named if -1 not in frames]


def _read_rows(table: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        return pd.read_csv(table)[list(columns)]
    except (KeyError, ValueError, OSError) as error:
        message = f"{table}: a table with the columns {', '.join(columns)} is needed, found {error}. Correct the file."
        raise InputError(message, code="input.bad_table") from error
