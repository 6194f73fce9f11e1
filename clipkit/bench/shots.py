"""Found transitions against known ones.

Conventions
-----------
Both are tables with ``begin`` and ``end`` in frames (a cut has both at the first frame of the new shot); the truth also
has ``kind``, and ``detail`` where it is composed.  ``cut dissolve fade dip wipe push`` are transitions.  ``jump`` is a
cut within one source: finding it or not counts in its own recall only.  ``ignore`` is a stretch in which nothing
counts.  Every other kind is a decoy, in which nothing should be found.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from clipkit.errors import InputError

TRANSITIONS = ("cut", "dissolve", "fade", "dip", "wipe", "push")
APART = "jump"
IGNORED = "ignore"
INSERT = "insert"

Counts = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class ShotScore:
    """How well transitions were found.

    Attributes
    ----------
    n_true, n_found, n_hit : int
        Transitions, detections that count, and pairs of one each.
    hits_by_kind : dict
        (found, all) for each kind of transition, ``jump`` too; ``insert`` are the cuts around short shots.
    alarms_by_decoy : dict
        (decoys in which something was found, all) for each kind of decoy.
    cut_offset_frames : float
        Mean absolute distance of found cuts from their frame; NaN without any.
    """

    n_true: int
    n_found: int
    n_hit: int
    hits_by_kind: Counts
    alarms_by_decoy: Counts
    cut_offset_frames: float

    @property
    def precision(self) -> float:
        """Share of the detections that hit; 1 when nothing was to be found and nothing was."""
        return self.n_hit / self.n_found if self.n_found else float(self.n_true == 0)

    @property
    def recall(self) -> float:
        """Share of the transitions that were hit; 1 when there are none."""
        return self.n_hit / self.n_true if self.n_true else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def score_shots(truth: pd.DataFrame, found: pd.DataFrame, *, tolerance: int = 1) -> ShotScore:
    """Match detections with transitions, one to one and as many as possible.

    A detection may hit a transition when its interval, widened by the tolerance on both sides, meets the
    transition's: ``found.begin - tolerance <= true.end`` and ``true.begin <= found.end + tolerance``.
    A detection that hits nothing is no error where it meets a jump that no other detection has, or an ignored stretch.

    Parameters
    ----------
    truth : DataFrame
        ``kind,begin,end`` and perhaps ``detail``.
    found : DataFrame
        ``begin,end``.
    tolerance : int, optional
        Frames.

    Raises
    ------
    InputError
        ``input.bad_table`` where a column is missing or an interval ends before it begins.

    Examples
    --------
    >>> truth = pd.DataFrame({"kind": ["cut", "flash"], "begin": [40, 90], "end": [40, 92]})
    >>> found = pd.DataFrame({"begin": [41, 91], "end": [41, 91]})
    >>> score = score_shots(truth, found)
    >>> score.precision, score.recall, score.alarms_by_decoy
    (0.5, 1.0, {'flash': (1, 1)})
    """
    truth, found = _checked(truth, ("kind", "begin", "end"), "truth"), _checked(found, ("begin", "end"), "detections")
    real = truth[truth["kind"].isin(TRANSITIONS)].reset_index(drop=True)
    jumps = truth[truth["kind"] == APART].reset_index(drop=True)
    ignored = truth[truth["kind"] == IGNORED]
    decoys = truth[~truth["kind"].isin((*TRANSITIONS, APART, IGNORED))]

    meets = _meetings(real, found, tolerance)
    hit_by = _matching(meets)
    rest = np.setdiff1d(np.arange(len(found)), hit_by[hit_by >= 0])
    jump_by = _matching(_meetings(jumps, found.iloc[rest], tolerance))
    rest = np.delete(rest, jump_by[jump_by >= 0])
    is_excused = np.any(_meetings(ignored, found.iloc[rest], tolerance), axis=0) & ~np.any(meets[:, rest], axis=0)
    wrong = found.iloc[rest[~is_excused]]

    kinds = real["kind"].to_numpy()
    is_hit: NDArray[np.bool_] = hit_by >= 0
    hits = {kind: (int(is_hit[kinds == kind].sum()), int((kinds == kind).sum())) for kind in TRANSITIONS}
    if "detail" in real:
        is_insert = (real["detail"] == INSERT).to_numpy()
        hits[INSERT] = (int(is_hit[is_insert].sum()), int(is_insert.sum()))
    hits[APART] = (int((jump_by >= 0).sum()), len(jumps))
    is_alarmed = np.any(_meetings(decoys, wrong, tolerance), axis=1)
    alarms = {
        str(kind): (int(is_alarmed[(decoys["kind"] == kind).to_numpy()].sum()), int((decoys["kind"] == kind).sum()))
        for kind in sorted(decoys["kind"].unique())
    }
    is_cut = is_hit & (real["kind"] == "cut").to_numpy(bool)
    offsets = np.abs(found["begin"].to_numpy()[hit_by[is_cut]] - real["begin"].to_numpy()[is_cut])
    return ShotScore(
        n_true=len(real),
        n_found=int(is_hit.sum()) + len(wrong),
        n_hit=int(is_hit.sum()),
        hits_by_kind={kind: counts for kind, counts in hits.items() if counts[1]},
        alarms_by_decoy=alarms,
        cut_offset_frames=float(offsets.mean()) if len(offsets) else float("nan"),
    )


def read_truth(path: str | Path) -> pd.DataFrame:
    """Return a truth table ``kind,begin,end`` from CSV; other columns stay.

    Raises
    ------
    InputError
        ``input.bad_table`` where it cannot be read.
    """
    return _checked(_read(path), ("kind", "begin", "end"), str(path))


def _read(path: str | Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, keep_default_na=False)
    except (OSError, ValueError) as error:
        message = f"{path} must be a CSV table, found {error}. Pass a truth table."
        raise InputError(message, code="input.bad_table") from error


def _checked(table: pd.DataFrame, columns: tuple[str, ...], where: str) -> pd.DataFrame:
    missing = [name for name in columns if name not in table]
    if missing:
        message = f"{where}: the columns {', '.join(columns)} are needed, {', '.join(missing)} is missing. Add it."
        raise InputError(message, code="input.bad_table")
    table = table.reset_index(drop=True)
    try:
        numbers: Any = table[["begin", "end"]].astype("float64")
    except ValueError as error:
        message = f"{where}: begin and end must be numbers, found {error}. Correct the rows."
        raise InputError(message, code="input.bad_table") from error
    is_wrong = ~(numbers["begin"] <= numbers["end"]).to_numpy(bool)
    if is_wrong.any():
        row = int(np.flatnonzero(is_wrong)[0])
        begin, end = numbers.iloc[row]
        message = f"{where}: an interval must not end before it begins, row {row} has {begin:g} to {end:g}. Correct it."
        raise InputError(message, code="input.bad_table")
    return table.assign(begin=numbers["begin"].astype("int64"), end=numbers["end"].astype("int64"))


def _meetings(rows: pd.DataFrame, found: pd.DataFrame, tolerance: int) -> NDArray[np.bool_]:
    """Return which detection (column) meets which row of the truth."""
    begin, end = found["begin"].to_numpy()[None, :], found["end"].to_numpy()[None, :]
    true_begin, true_end = rows["begin"].to_numpy()[:, None], rows["end"].to_numpy()[:, None]
    meets: NDArray[np.bool_] = (begin - tolerance <= true_end) & (true_begin <= end + tolerance)
    return meets


def _matching(meets: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each row the column of a maximum matching, -1 for none."""
    if not meets.size:
        return np.full(len(meets), -1, np.int64)
    matched: NDArray[np.int64] = maximum_bipartite_matching(csr_array(meets), perm_type="column").astype(np.int64)
    return matched
