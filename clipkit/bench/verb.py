"""``clipkit bench`` as a function: measure, keep the figures, and execute the notebook that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import clipkit
from clipkit.bench.results import Results
from clipkit.bench.run import FULL, PARTS, QUICK, Progress, run_bench
from clipkit.errors import InputError
from clipkit.resources import resource_path
from clipkit.runs.engine import execute_notebook
from clipkit.runs.folder import LooseFolder

NOTEBOOK = "benchmark.ipynb"


def bench(
    parts: Sequence[str] = (),
    *,
    media: str | Path | None = None,
    work: str | Path | None = None,
    out: str | Path = "reports/benchmark",
    seeds: Sequence[int] = (),
    is_quick: bool = False,
    is_long: bool = False,
    tvsum: str | Path | None = None,
    progress: Progress | None = None,
) -> Results:
    """Measure this machine and leave ``results.json``, ``results.csv`` and the executed notebook in `out`.

    Parameters
    ----------
    parts : sequence of str, optional
        Of :data:`clipkit.bench.run.PARTS`; all by default, none but the rated videos with `tvsum` alone.
    media : path, optional
        Folder of real footage; by default ``../shared/media`` beside the checkout, where it is there.
    work : path, optional
        Where composed videos go and are found again; by default ``work`` in `out`.
    out : path, optional
    seeds : sequence of int, optional
        Seeds of the composed videos, in place of 1, 2 and 3.
    is_quick : bool, optional
        A minute's version.
    is_long : bool, optional
        Also a video of two hours.
    tvsum : path, optional
        Folder of a label file of rated videos, and of the videos where they are there.
    progress : callable, optional
        Called with the share done and what is being measured.

    Raises
    ------
    ClipkitError
        Where footage, labels or the machine do not allow it.
    """
    if media is None:
        media = default_media()
    elif not Path(media).is_dir():
        message = f"{media}: there is no such folder of footage. Pass --media DIR, or leave it out."
        raise InputError(message, code="input.missing")
    out = Path(out)
    scope = replace(QUICK if is_quick else FULL, is_long=is_long)
    scope = replace(scope, seeds=tuple(seeds) or scope.seeds, parts=tuple(parts) or (() if tvsum else PARTS))
    results = run_bench(scope, media=media, work=work or out / "work", tvsum=tvsum, progress=progress)
    results.save(out)
    given = {"results": str(out.resolve())}
    execute_notebook(resource_path("notebooks", NOTEBOOK), LooseFolder(out.resolve()), given)
    return results


def default_media() -> Path | None:
    """Return ``../shared/media`` beside the checkout, or None where it is not there."""
    folder = Path(clipkit.__file__).resolve().parents[2] / "shared" / "media"
    return folder if folder.is_dir() else None
