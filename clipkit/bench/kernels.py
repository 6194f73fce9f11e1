"""Every kernel of the registry ``tests/cases.py`` beside its plain twin and, where it has the same, OpenCV."""

from __future__ import annotations

import functools
import importlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import clipkit
from clipkit.bench.results import OURS, Results


def registry() -> Any | None:
    """Return the module of the registry, or None: it is part of the checkout, not of the installed package."""
    tests = Path(clipkit.__file__).resolve().parents[1] / "tests"
    if not (tests / "cases.py").is_file():
        return None
    sys.path.insert(0, str(tests))
    try:
        return importlib.import_module("cases")
    finally:
        sys.path.remove(str(tests))


def time_kernels(results: Results, *, budget_s: float) -> Iterator[str]:
    """Time one kernel after the other, `budget_s` for each of its forms; yields the name of each before it is timed."""
    cases = registry()
    if cases is None:
        results.note("the registry of kernels is part of the checkout: kernels were not timed.")
        return
    cv2.setNumThreads(1)
    for case in cases.CASES:
        yield case.name
        args = case.make(np.random.default_rng(1), case.bench_size)
        calls: dict[str, Callable[[], Any]] = {
            OURS: functools.partial(case.kernel, *args),
            "plain twin": functools.partial(case.expected, args),
        }
        if case.opencv:
            calls["OpenCV"] = functools.partial(case.opencv, *args)
        for who, call in calls.items():
            results.add("kernels", f"{case.name} {case.bench_size}", who, "ms", best_ms(call, budget_s))


def best_ms(call: Callable[[], Any], budget_s: float) -> float:
    """Return the shortest time of a call in milliseconds, the first one left out."""
    call()
    best, spent = float("inf"), 0.0
    while spent < budget_s:
        start = time.perf_counter()
        call()
        took = time.perf_counter() - start
        best, spent = min(best, took), spent + took
    return best * 1e3
