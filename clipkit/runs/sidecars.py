"""What clipkit wrote as caption sidecars, so that those which a person changed are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from clipkit.errors import InputError
from clipkit.files import file_digest
from clipkit.output.edits import Edit, read_edit
from clipkit.output.render import RenderedClip
from clipkit.params import PLATFORM_NAMES
from clipkit.runs.folder import RunFolder, load_table, save_table

_TABLE = "sidecars.csv"


class Sidecar(NamedTuple):
    """What is known of one file.

    Attributes
    ----------
    file : str
        Name in the folder of clips.
    sha256 : str
        Of the file as the last rendering left it.
    edited : str
        The edited file whose text it has: its own name or that of another, empty for clipkit's own text.
    start_s, end_s : float
        The stretch of the source that it counts from.
    """

    file: str
    sha256: str
    edited: str
    start_s: float
    end_s: float


class Sidecars:
    """The caption sidecars of one folder.

    Parameters
    ----------
    folder : Path
        Where the clips lie.
    tables : Path
        Where the list of them is kept.
    """

    def __init__(self, folder: Path, tables: Path) -> None:
        self.folder = folder
        self._rows: dict[str, Sidecar] = {}
        self._table = tables / _TABLE
        if self._table.is_file():
            loaded = load_table(self._table)
            if set(Sidecar._fields) - set(loaded.columns):
                message = f"{self._table}: this cannot be read as the list of captions that clipkit wrote. Delete it."
                raise InputError(message, code="input.bad_table")
            rows: list[Any] = loaded[list(Sidecar._fields)].astype({"edited": "object"}).to_dict("records")
            known = (row if isinstance(row["edited"], str) else {**row, "edited": ""} for row in rows)
            self._rows = {row["file"]: Sidecar(**row) for row in known}

    def edits(self, clip: Any) -> Iterator[Edit]:
        """Yield the edited sidecars of a clip; one that clipkit does not know counts as written for it.

        Raises
        ------
        InputError
            ``input.bad_captions`` if one of them cannot be read.
        """
        for name in PLATFORM_NAMES:
            path = self.folder / f"{clip.clip_id}_{name}.srt"
            if not path.is_file():
                continue
            row = self._rows.get(path.name)
            if row is None:
                yield read_edit(path, float(clip.start_s), float(clip.end_s))
            elif row.edited == path.name or row.sha256 != file_digest(path):
                yield read_edit(path, float(row.start_s), float(row.end_s))

    def add(self, rendered: Sequence[RenderedClip]) -> None:
        """Write down files that were just written."""
        for clip in rendered:
            name, source = clip.srt_path.name, clip.edited
            edited = "" if source is None else source.name if source.parent == self.folder else str(source)
            self._rows[name] = Sidecar(name, file_digest(clip.srt_path), edited, clip.start_s, clip.end_s)
        rows = [self._rows[name] for name in sorted(self._rows)]
        save_table(pd.DataFrame(rows, columns=list(Sidecar._fields)), self._table)


def choose_edits(clip: Any, platforms: Sequence[str], places: Sequence[Sidecars]) -> dict[str, Edit]:
    """Return the edited sidecar to use for each platform of a clip.

    An own edited file of a platform comes first, then any of the clip; a nearer place comes
    before a farther one.
    """
    chosen: dict[str, Edit] = {}
    for place in places:
        edits = {edit.path.stem.partition("_")[2]: edit for edit in place.edits(clip)}
        for name in platforms:
            edit = edits.get(name) or next(iter(edits.values()), None)
            if edit is not None:
                chosen.setdefault(name, edit)
    return chosen


def find_sidecars(folder: RunFolder, clip_list: Path | None = None) -> list[Sidecars]:
    """Return the places where edited sidecars may lie: the folder of clips, and that of the run that a list is from."""
    places = [Sidecars(folder.clips.resolve(), folder.tables)]
    if clip_list is not None:
        tables = clip_list.resolve().parent
        clips = tables.parent / "clips" if tables.name == "tables" else tables
        if clips != places[0].folder and (tables / _TABLE).is_file():
            places.append(Sidecars(clips, tables))
    return places
