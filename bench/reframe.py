"""How much of a labelled subject the planned crop window holds, and what planning costs.

python bench/reframe.py CLIP TRUTH.csv [CLIP TRUTH.csv ...] [--aspect 9:16] [--cuts CUTS.csv]

TRUTH has columns time_s,x0,x1,certain (fractions of the displayed width); rows with certain = 1
count.  Printed for each clip, beside the centre crop and the best fixed window (which has seen the
truth): the mean share of the box inside as a share of what a window of this size can hold, and the
share of box centres inside; reversals a minute; CPU seconds a second of video.  Without --cuts
clipkit's own transitions are used, at no charge to the CPU figure.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.features import measure_frames
from clipkit.analysis.reframe import plan_crop
from clipkit.analysis.shots import detect_transitions
from clipkit.params import Params

# Frame widths a second below which the camera counts as resting.
STILL = 0.01


def shares(truth: pd.DataFrame, left: NDArray[np.float64], width: float) -> tuple[float, float]:
    """Return the mean share of the boxes inside, of what is possible, and the share of their centres."""
    x0, x1 = truth["x0"].to_numpy(), truth["x1"].to_numpy()
    inside = np.clip(np.minimum(x1, left + width) - np.maximum(x0, left), 0, None) / (x1 - x0)
    middle = (x0 + x1) / 2
    possible = np.minimum(1, width / (x1 - x0))
    return float(inside.mean() / possible.mean()), float(((middle >= left) & (middle <= left + width)).mean())


def reversals(crop: pd.DataFrame, cuts_s: NDArray[np.float64]) -> float:
    """Return the changes of direction a minute inside shots."""
    shot = np.searchsorted(cuts_s, crop["time_s"], side="right")
    turns, seconds = 0, 0.0
    for _, rows in crop.groupby(shot):
        if len(rows) > 1:
            speed = np.diff(rows["x"]) / np.diff(rows["time_s"])
            ways = np.sign(speed[np.abs(speed) > STILL])
            turns += int((ways[1:] != ways[:-1]).sum())
            seconds += rows["time_s"].iloc[-1] - rows["time_s"].iloc[0]
    return 60 * turns / seconds if seconds else 0.0


def measure(clip: str, truth_path: str, params: Params, cuts_path: str | None) -> dict[str, object]:
    truth = pd.read_csv(truth_path)
    if cuts_path:
        listed = pd.read_csv(cuts_path)
        transitions = pd.DataFrame({"kind": listed["kind"], "begin_s": listed["time_s"], "end_s": listed["time_s"]})
        transitions = transitions[transitions["kind"].isin(["hard", "gradual"])].sort_values("begin_s")
    else:
        transitions = detect_transitions(measure_frames(clip, params), params.analysis)
    start_s, end_s = float(truth["time_s"].min()), float(truth["time_s"].max()) + 0.1
    begun = time.process_time()
    crop = plan_crop(clip, start_s, end_s, transitions, params)
    cpu_s = time.process_time() - begun
    truth = truth[truth["certain"] == 1]
    width = float(crop["width"].iloc[0])
    at = np.searchsorted(crop["time_s"], truth["time_s"].to_numpy() + 1e-3, side="right") - 1
    ours = shares(truth, crop["x"].to_numpy()[np.maximum(at, 0)], width)
    n = len(truth)
    centre = shares(truth, np.full(n, (1 - width) / 2), width)
    still = max((shares(truth, np.full(n, left), width) for left in np.linspace(0, 1 - width, 201)), key=sum)
    return {
        "clip": clip.rsplit("/", 1)[-1],
        "rows": n,
        "inside": ours[0],
        "centre": centre[0],
        "static": still[0],
        "c_inside": ours[1],
        "c_centre": centre[1],
        "c_static": still[1],
        "turns/min": reversals(crop, transitions["begin_s"].to_numpy(np.float64)),
        "cpu/s": cpu_s / (end_s - start_s),
    }


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("pairs", nargs="+", metavar="CLIP TRUTH")
    ask.add_argument("--aspect", default="9:16")
    ask.add_argument("--cuts")
    given = ask.parse_args()
    if len(given.pairs) % 2:
        ask.error("every CLIP needs its TRUTH")
    params = Params.model_validate({"reframe": {"aspect": given.aspect}})
    pairs = zip(given.pairs[::2], given.pairs[1::2], strict=True)
    table = pd.DataFrame([measure(clip, truth, params, given.cuts) for clip, truth in pairs])
    print(table.to_string(index=False, float_format="%.3f"))
    share = float((table["c_inside"] * table["rows"]).sum() / table["rows"].sum())
    print(f"box centres inside, all rows together: {share:.3f}")


if __name__ == "__main__":
    main()
