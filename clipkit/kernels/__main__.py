"""Compile every kernel once and keep the machine code: ``python -m clipkit.kernels``.

A kernel module takes part by a function ``warm_up()`` that calls each of its kernels with tiny
arrays of exactly the types used in production: another dtype, or a writable array in place of a
read-only one, is another compilation.
"""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3
from contextlib import closing
from pathlib import Path

import clipkit.kernels
from clipkit.kernels.luma import cell_means


def main() -> None:
    """Call ``warm_up()`` of every module of the package, one process at a time."""
    folder = Path(cell_means.stats.cache_path)  # type: ignore[attr-defined]
    folder.mkdir(parents=True, exist_ok=True)
    # A lock that every platform has, and that a killed process lets go of.
    with closing(sqlite3.connect(folder / "clipkit-kernels.lock", timeout=600)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        for module in sorted(entry.name for entry in pkgutil.iter_modules(clipkit.kernels.__path__)):
            if not module.startswith("_"):
                importlib.import_module(f"clipkit.kernels.{module}").warm_up()


if __name__ == "__main__":
    main()
