"""Say what ``source.scan: fast`` saves and what it costs, on videos of your own.

Usage: ``python bench/scan.py VIDEO[=TRUTH.csv] [VIDEO[=TRUTH.csv] …]``

For each video: CPU seconds of the full and the fast scan with the shot detector, the share of
frames decoded, how many transitions of the full scan the fast one finds too (within a frame, one
to one), and with TRUTH.csv (``kind,begin,end`` in frames) the F1 of both.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pandas as pd

from clipkit.analysis.features import measure_frames
from clipkit.analysis.shots import detect_transitions
from clipkit.bench.shots import read_truth, score_shots
from clipkit.kernels import luma, motion
from clipkit.params import Params


def scanned(video: str, scan: str) -> tuple[float, pd.DataFrame, float, str]:
    params = Params.model_validate({"source": {"scan": scan}})
    start = time.process_time()
    frames = measure_frames(video, params)
    table = detect_transitions(frames, params.analysis)
    cpu_s = time.process_time() - start
    share = 1.0 if frames.is_decoded is None else float(frames.is_decoded.mean())
    return cpu_s, table, share, frames.note


def main(arguments: list[str]) -> None:
    luma.warm_up()
    motion.warm_up()
    for argument in arguments:
        video, _, truth_path = argument.partition("=")
        full_s, full, _, _ = scanned(video, "full")
        fast_s, fast, share, note = scanned(video, "fast")
        kept = score_shots(full, fast).n_hit
        saved = f"{100 * (1 - fast_s / full_s):.0f} % saved"
        print(f"{Path(video).name}: CPU {full_s:.2f} s full, {fast_s:.2f} s fast, {saved}")
        print(f"  decoded: {100 * share:.0f} % of the frames")
        print(f"  transitions found again: {kept} of {len(full)}; others: {len(fast) - kept}")
        if note:
            print(f"  {note}")
        if truth_path:
            truth = read_truth(truth_path)
            print(f"  F1 {score_shots(truth, full).f1:.4f} full, {score_shots(truth, fast).f1:.4f} fast")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
