"""Compare the CPU seconds of the visual analysis with those of decoding alone.

Usage: ``python bench/decode.py [--repeats 5] VIDEO [VIDEO …]``

Every figure is a process of its own; the processes of one repeat follow each other, and medians
over the repeats are compared, so that what else the machine does hits all alike.  Imports and
compiled code are loaded before the clock starts.  CPU seconds count all threads.

- plain: PyAV decodes and forgets, with the flags of the reader
- reader: the same through `clipkit.media.reader`
- analysis: `measure_frames` and `detect_transitions`
- skipped: the same with ``source.loop_filter: skip``
- PySceneDetect: its adaptive detector, if it is installed
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import av

from clipkit.analysis.features import measure_frames
from clipkit.analysis.shots import detect_transitions
from clipkit.kernels import luma, motion
from clipkit.media.reader import open_video
from clipkit.params import Params

MODES = ("plain", "reader", "analysis", "skipped", "PySceneDetect")


def plain(video: str) -> int:
    with av.open(video) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_type = "AUTO"
        stream.codec_context.thread_count = 0
        return sum(1 for _ in container.decode(stream))


def reader(video: str) -> int:
    with open_video(video) as frames:
        return sum(1 for _ in frames)


def analysis(video: str, loop_filter: str = "full") -> int:
    params = Params.model_validate({"source": {"loop_filter": loop_filter}})
    frames = measure_frames(video, params)
    detect_transitions(frames, params.analysis)
    return len(frames.table)


def skipped(video: str) -> int:
    return analysis(video, "skip")


def peer(video: str) -> int:
    import scenedetect

    manager = scenedetect.SceneManager()
    manager.add_detector(scenedetect.AdaptiveDetector())
    return int(manager.detect_scenes(scenedetect.open_video(video)))


def measure_here(mode: str, video: str) -> None:
    """Do one mode in this process and print what it took as JSON."""
    luma.warm_up()
    motion.warm_up()
    if mode == "PySceneDetect":
        import scenedetect  # noqa: F401
    work = {"plain": plain, "reader": reader, "analysis": analysis, "skipped": skipped, "PySceneDetect": peer}[mode]
    start = time.process_time()
    n_frames = work(video)
    print(json.dumps({"n_frames": n_frames, "cpu_s": time.process_time() - start}))


def in_a_process(mode: str, video: str) -> tuple[int, float] | None:
    done = subprocess.run([sys.executable, __file__, "--mode", mode, video], capture_output=True, text=True)
    if done.returncode != 0:
        if "No module named 'scenedetect'" in done.stderr:
            return None
        raise RuntimeError(done.stderr)
    said = json.loads(done.stdout.splitlines()[-1])
    return int(said["n_frames"]), float(said["cpu_s"])


def compare(video: str, repeats: int) -> None:
    spent: dict[str, list[float]] = defaultdict(list)
    for _ in range(repeats):
        for mode in MODES:
            measured = in_a_process(mode, video)
            if measured is not None:
                spent[mode].append(measured[1] / measured[0] * 1e3)
    print(f"{Path(video).name}: CPU milliseconds a frame, median of {repeats} (lowest)")
    medians = {mode: statistics.median(values) for mode, values in spent.items()}
    for mode, middle in medians.items():
        print(
            f"  {mode:14s} {middle:8.3f} ({min(spent[mode]):.3f})   {middle / medians['plain']:.3f} x plain   "
            f"{middle / medians['reader']:.3f} x reader   {medians['analysis'] / middle:.2f} x our frames a CPU second"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="+")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--mode", choices=MODES)
    asked = parser.parse_args()
    for video in asked.videos:
        if asked.mode:
            measure_here(asked.mode, video)
        else:
            compare(video, asked.repeats)


if __name__ == "__main__":
    main()
