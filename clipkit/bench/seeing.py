"""What the benchmark measures of pictures: shots on composed and real videos, and crop paths."""

from __future__ import annotations

import numpy as np
import pandas as pd

from clipkit.analysis.features import measure_frames
from clipkit.analysis.reframe import plan_crop
from clipkit.analysis.shots import detect_transitions
from clipkit.bench.cost import can_run, measure
from clipkit.bench.crop import score_crop
from clipkit.bench.footage import Labelled
from clipkit.bench.job import PEERS
from clipkit.bench.material import Boxed, Material
from clipkit.bench.results import OURS, Results
from clipkit.bench.shots import ShotScore, score_shots
from clipkit.params import Params

SKIPPED = "clipkit, loop filter skipped"
DETECTORS = (OURS, SKIPPED, *PEERS)


def measure_shots(video: Labelled, part: str, results: Results, detectors: tuple[str, ...] = DETECTORS) -> None:
    """Run every detector on a video with known transitions and keep its scores."""
    for who in detectors:
        missing = can_run(who)
        if missing is not None:
            results.note(missing)
            continue
        cost = measure(who, video.path)
        _keep(score_shots(video.truth, cost.found), part, video.name, who, results)


def measure_crop(video: Boxed, part: str, results: Results, params: Params) -> None:
    """Plan the crop of the labelled stretch of a video and keep what it holds of the subject."""
    if video.cuts_s is None:
        transitions = detect_transitions(measure_frames(video.video, params), params.analysis)
    else:
        at = np.asarray(video.cuts_s, np.float64)
        transitions = pd.DataFrame({"kind": "cut", "begin_s": at, "end_s": at})
    times_s = video.boxes["time_s"]
    crop = plan_crop(video.video, float(times_s.min()), float(times_s.max()) + 0.1, transitions, params)
    cuts_s = transitions["begin_s"].to_numpy(np.float64)
    for figure, value in score_crop(video.boxes, crop, cuts_s=cuts_s).figures().items():
        results.add(part, video.name, OURS, figure, value)


def measure_off_centre(video: Boxed, seed: int, material: Material, results: Results) -> None:
    """Film a video again with its subject off the middle, and measure the crop of that."""
    measure_crop(material.off_centre(video, seed), "off centre", results, Params())


def _keep(score: ShotScore, part: str, item: str, who: str, results: Results) -> None:
    figures = {
        "f1": score.f1,
        "precision": score.precision,
        "recall": score.recall,
        "n_true": score.n_true,
        "n_found": score.n_found,
        "n_hit": score.n_hit,
        "cut_offset_frames": score.cut_offset_frames,
    }
    for kind, (hit, n) in score.hits_by_kind.items():
        figures |= {f"hit {kind}": hit, f"all {kind}": n}
    for kind, (alarmed, n) in score.alarms_by_decoy.items():
        figures |= {f"alarm {kind}": alarmed, f"decoys {kind}": n}
    for figure, value in figures.items():
        results.add(part, item, who, figure, value)
