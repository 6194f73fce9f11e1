"""Time every kernel of ``tests/cases.py`` beside its plain twin and, where it has the same, OpenCV.

Usage: ``python bench/kernels.py``
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from cases import CASES

BUDGET_S = 0.5


def best_ms(call: Callable[[], Any]) -> float:
    call()
    best, spent = float("inf"), 0.0
    while spent < BUDGET_S:
        start = time.perf_counter()
        call()
        took = time.perf_counter() - start
        best, spent = min(best, took), spent + took
    return best * 1e3


def main() -> None:
    cv2.setNumThreads(1)
    print(f"{'kernel':22s} {'size':28s} {'kernel ms':>10s} {'twin ms':>10s} {'faster':>8s} {'OpenCV ms':>10s}")
    for case in CASES:
        args = case.make(np.random.default_rng(1), case.bench_size)
        kernel_ms = best_ms(lambda case=case, args=args: case.kernel(*args))
        twin_ms = best_ms(lambda case=case, args=args: case.expected(args))
        opencv = f"{best_ms(lambda case=case, args=args: case.opencv(*args)):10.3f}" if case.opencv else ""
        faster = f"{twin_ms / kernel_ms:.0f}x"
        size = str(case.bench_size)
        print(f"{case.name:22s} {size:28s} {kernel_ms:10.3f} {twin_ms:10.1f} {faster:>8s} {opencv:>10s}")


if __name__ == "__main__":
    main()
