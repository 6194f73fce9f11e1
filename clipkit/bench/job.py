"""One piece of work in a process of its own: ``python -m clipkit.bench.job NAME [VIDEO]``.

The answer is one JSON object on stdout: ``cpu_s`` of all threads and children and ``wall_s``, both without start
and imports, and ``found``, ``[begin, end]`` in frames, for detectors.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from clipkit.bench.frame_clock import frame_times
from clipkit.media.child import ffmpeg_path
from clipkit.media.probe import require_video
from clipkit.media.reader import open_video

Found = list[tuple[int, int]]
Job = Callable[[], Found]

SCDET_THRESHOLD = 10
# The peers by the names they go by here.
SCENEDETECT = {
    "PySceneDetect adaptive": "AdaptiveDetector",
    "PySceneDetect content": "ContentDetector",
    "PySceneDetect histogram": "HistogramDetector",
    "PySceneDetect hash": "HashDetector",
}
SCDET = "ffmpeg scdet"
# What :mod:`clipkit.bench.rendering` knows: all of it, its writing alone, and the peer.
RENDERING, WRITING, COMMAND = RENDERINGS = ("rendering", "rendering, writing alone", "ffmpeg command")
PEERS = (*SCENEDETECT, SCDET)


def prepare(name: str, video: str) -> Job:
    """Import what a piece of work needs and return it, ready to be timed."""
    if name in ("decode", "decode, loop filter skipped"):
        return lambda: _decode(video, loop_filter=name == "decode")
    if name in ("clipkit", "clipkit, loop filter skipped"):
        return _clipkit(video, loop_filter="full" if name == "clipkit" else "skip")
    if name == "reframe":
        return _reframe(video)
    if name in RENDERINGS:
        return _render(name, video)
    if name in SCENEDETECT:
        return _scenedetect(video, SCENEDETECT[name])
    if name == SCDET:
        return lambda: _scdet(video)
    message = f"there is no job {name!r}"
    raise ValueError(message)


def _decode(video: str, *, loop_filter: bool) -> Found:
    with open_video(video, loop_filter=loop_filter) as reader:
        for _ in reader:
            pass
    return []


def _clipkit(video: str, *, loop_filter: str) -> Job:
    from clipkit.analysis.features import measure_frames
    from clipkit.analysis.shots import detect_transitions
    from clipkit.kernels import luma, motion
    from clipkit.params import Params

    params = Params.model_validate({"source": {"loop_filter": loop_filter}})
    luma.warm_up()
    motion.warm_up()

    def work() -> Found:
        table = detect_transitions(measure_frames(video, params), params.analysis)
        return [(int(begin), int(end)) for begin, end in zip(table["begin"], table["end"], strict=True)]

    return work


def _reframe(video: str) -> Job:
    from clipkit.analysis.features import measure_frames
    from clipkit.analysis.reframe import plan_crop
    from clipkit.analysis.shots import detect_transitions
    from clipkit.kernels import motion, track
    from clipkit.params import Params

    params, info = Params(), require_video(video)
    transitions = detect_transitions(measure_frames(video, params), params.analysis)
    motion.warm_up()
    track.warm_up()

    def work() -> Found:
        plan_crop(video, 0.0, info.duration_s, transitions, params, info=info)
        return []

    return work


def _render(name: str, video: str) -> Job:
    from clipkit.bench.rendering import prepare as prepare_rendering

    work = prepare_rendering(name, video)

    def job() -> Found:
        work()
        return []

    return job


def _scenedetect(video: str, detector: str) -> Job:
    library: Any = importlib.import_module("scenedetect")
    times_s = frame_times(video) if _varies(video) else None

    def work() -> Found:
        manager = library.SceneManager()
        manager.add_detector(getattr(library, detector)())
        manager.detect_scenes(library.open_video(video))
        starts = [scene[0] for scene in manager.get_scene_list()][1:]
        if times_s is None:
            frames = [start.frame_num for start in starts]
        else:
            frames = [int(np.abs(times_s - start.get_seconds()).argmin()) for start in starts]
        return [(frame, frame) for frame in frames]

    return work


def _scdet(video: str) -> Found:
    arguments = [
        "-hide_banner",
        "-i",
        f"file:{video}",
        "-vf",
        f"scdet=threshold={SCDET_THRESHOLD}",
        "-an",
        "-f",
        "null",
        "-",
    ]
    said = subprocess.run([ffmpeg_path(), *arguments], capture_output=True, text=True, check=True).stderr
    found_s = [float(found) for found in re.findall(r"lavfi\.scd\.time: ([\d.]+)", said)]
    times_s = frame_times(video)
    frames = [int(np.abs(times_s - found).argmin()) for found in found_s]
    return [(frame, frame) for frame in frames]


def _varies(video: str) -> bool:
    info = require_video(video).video
    return info is not None and info.is_variable_rate


def main(arguments: list[str]) -> int:
    """Do one piece of work and print what it cost and found."""
    work = prepare(*arguments)
    before, begun = os.times(), time.perf_counter()
    found = work()
    after, ended = os.times(), time.perf_counter()
    answer = {"cpu_s": sum(after[:4]) - sum(before[:4]), "wall_s": ended - begun, "found": found}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
