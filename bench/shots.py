"""Score the shot detector on a video with known transitions, beside PySceneDetect and plain decoding.

Usage: ``python bench/shots.py VIDEO TRUTH.csv [VIDEO TRUTH.csv …]``

TRUTH.csv has ``kind,begin,end`` in frames; kinds other than cut, dissolve, fade and wipe are
decoys, which nothing should be found in.  A detection hits when it meets the true interval
within one frame, one to one.  CPU seconds count all threads; decoding alone uses the same
reader and flags as the analysis.
"""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from clipkit.analysis.features import measure_frames
from clipkit.analysis.shots import detect_transitions
from clipkit.kernels import luma, motion
from clipkit.media.reader import open_video
from clipkit.params import Params

KINDS = ("cut", "dissolve", "fade", "wipe")
Intervals = list[tuple[int, int]]


def read_truth(path: str) -> tuple[Intervals, list[str]]:
    with Path(path).open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["kind"] in KINDS]
    return [(int(row["begin"]), int(row["end"])) for row in rows], [row["kind"] for row in rows]


class Scores(NamedTuple):
    """How well what was found meets the truth; `hits` are the rows of the truth that were found."""

    precision: float
    recall: float
    f1: float
    hits: list[int]


def scores(truth: Intervals, found: Intervals) -> Scores:
    meets = np.zeros((len(truth), len(found)))
    for i, (begin, end) in enumerate(truth):
        for j, (first, last) in enumerate(found):
            meets[i, j] = first - 1 <= end and begin <= last + 1
    hits = [i for i, j in zip(*linear_sum_assignment(-meets), strict=True) if meets[i, j]]
    precision, recall = len(hits) / max(1, len(found)), len(hits) / max(1, len(truth))
    return Scores(precision, recall, 2 * precision * recall / max(1e-9, precision + recall), hits)


def report(name: str, cpu_s: float, truth: Intervals, kinds: list[str], found: Intervals) -> None:
    precision, recall, f1, hits = scores(truth, found)
    hit = [kinds[i] for i in hits]
    by_kind = "  ".join(f"{kind} {hit.count(kind)}/{kinds.count(kind)}" for kind in KINDS if kind in kinds)
    print(f"  {name:24s} {cpu_s:7.2f} s CPU   F1 {f1:.3f}  P {precision:.3f}  R {recall:.3f}   {by_kind}")


def peers(video: str, truth: Intervals, kinds: list[str]) -> None:
    try:
        import scenedetect
    except ImportError:
        print("  (PySceneDetect is not installed)")
        return
    for detector in (scenedetect.AdaptiveDetector, scenedetect.ContentDetector):
        start = time.process_time()
        scenes = scenedetect.detect(video, detector())
        cuts = [scene[0].frame_num for scene in scenes[1:]]
        report(
            f"PySceneDetect {detector.__name__[:-8]}", time.process_time() - start, truth, kinds, [(c, c) for c in cuts]
        )


def main(paths: list[str]) -> None:
    luma.warm_up()
    motion.warm_up()
    params = Params()
    for video, truth_path in zip(paths[::2], paths[1::2], strict=True):
        truth, kinds = read_truth(truth_path)
        start = time.process_time()
        with open_video(video) as reader:
            n_frames = sum(1 for _ in reader)
        decode_s = time.process_time() - start
        print(f"{Path(video).name}: {n_frames} frames, {len(truth)} transitions")
        print(f"  {'decoding alone':24s} {decode_s:7.2f} s CPU")
        start = time.process_time()
        frames = measure_frames(video, params)
        table = detect_transitions(frames, params.analysis)
        ours_s = time.process_time() - start
        report("clipkit, all features", ours_s, truth, kinds, list(zip(table["begin"], table["end"], strict=True)))
        print(f"  {'':24s} {ours_s / decode_s:7.2f} times decoding")
        peers(video, truth, kinds)


if __name__ == "__main__":
    if len(sys.argv) < 3 or len(sys.argv) % 2 == 0:
        sys.exit(__doc__)
    main(sys.argv[1:])
