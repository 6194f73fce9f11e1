"""What the benchmark measures of finished files: verdicts, loudness, captions, and sound beside picture.

Loudness and times are taken by ffmpeg from the encoded files, not by clipkit's own meter and reader.
"""

from __future__ import annotations

import math
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.bench.cost import measure_in_turn, measure_run
from clipkit.bench.job import RENDERINGS
from clipkit.bench.material import Material
from clipkit.bench.results import OURS, Results
from clipkit.errors import RenderError
from clipkit.media.child import ffmpeg_path
from clipkit.media.probe import require_video
from clipkit.media.writer import write_video
from clipkit.runs.folder import load_table
from clipkit.runs.verbs import render
from clipkit.timeline import format_srt_time

PLATFORMS = ("tiktok", "x")
CLIP_S = 8.0
# A caption a line; spoken at an easy pace.
SPOKEN = (
    "This is what is said in this clip.",
    "The words change with the voice,",
    "and every page can be read in time.",
    "Below the picture nothing is lost.",
)
_PAGE_S = 2.0
# Footage on which rendering is timed: a talk, an animal in the open, and colours of the old matrix.
_TIMED = ("math_lecture", "dog_fetch", "kids_jumping")
_CAPTION_FIGURES = ("max_cps", "contrast", "outside", "across_cut")
_RATE_HZ = 48_000
_FLASHES_S = (1.4, 2.6, 3.8)


def measure_finished(video: Path, results: Results) -> None:
    """Render the middle of a video for two platforms and keep what the files are like."""
    length_s = require_video(video).duration_s
    start_s = max(0.0, (length_s - CLIP_S) / 2)
    end_s = min(length_s - 0.2, start_s + CLIP_S)
    with tempfile.TemporaryDirectory() as folder:
        verdicts = _rendered(video, Path(folder), start_s, end_s, PLATFORMS, results)
        captions = load_table(Path(folder) / "captions.csv").set_index("platform")
        is_broken = ~verdicts["ok"] & (verdicts["severity"] == "error")
        for platform in PLATFORMS:
            figures = {"broken_rules": float((is_broken & (verdicts["platform"] == platform)).sum())}
            figures |= loudness_by_ffmpeg(Path(folder) / f"1_{platform}.mp4")
            figures |= {name: float(captions[name].loc[platform]) for name in _CAPTION_FIGURES}
            for figure, value in figures.items():
                results.add("finished", f"{video.stem}, {platform}", OURS, figure, value)


def measure_step(results: Results, edit_list: bool) -> None:
    """Render a made video that flashes and clicks, and keep how far its sound lies from its picture."""
    with tempfile.TemporaryDirectory() as folder:
        video, out = Path(folder) / "flash.mp4", Path(folder) / "out"
        at = {round(25 * time_s) for time_s in _FLASHES_S}
        pictures = (np.full((360, 640, 3), 235 if number in at else 20, np.uint8) for number in range(125))
        samples = np.zeros((5 * _RATE_HZ, 2), np.float32)
        for time_s in _FLASHES_S:
            samples[round(time_s * _RATE_HZ) :][: _RATE_HZ // 500] = 0.8
        write_video(video, pictures, frame_rate=Fraction(25), samples=samples, rate_hz=_RATE_HZ)
        _rendered(video, out, 1.0, 4.6, PLATFORMS[:1], results, edit_list=edit_list)
        (path,) = out.glob("*.mp4")
        seen_s, heard_s = flashes(path), clicks(path)
    is_whole = len(seen_s) == len(heard_s) == len(_FLASHES_S)
    apart_s = float(np.abs(seen_s - heard_s).max()) if is_whole else math.inf
    results.add("step", "edit list" if edit_list else "no edit list", OURS, "apart_ms", 1e3 * apart_s)


def measure_rendering(material: Material, repeats: int, results: Results) -> None:
    """Time the rendering of a clip beside one ffmpeg command, on a few different videos."""
    videos = [path for path in material.footage if path.stem.startswith(_TIMED)] or material.footage[:1]
    for video in videos:
        for who, cpu_s in measure_in_turn(RENDERINGS, video, repeats=repeats).items():
            results.add("rendering", video.stem, who, "cpu_s", cpu_s)


def measure_whole(video: Path, results: Results) -> None:
    """Time the main job on a long video: six clips for two platforms."""
    wall_s, peak_bytes = measure_run(video, n_clips=6, platforms=("tiktok", "youtube_shorts"))
    results.add("whole", video.stem, OURS, "wall_share", wall_s / require_video(video).duration_s)
    results.add("whole", video.stem, OURS, "peak_mb", peak_bytes / 1e6)


def _rendered(
    video: Path,
    out: Path,
    start_s: float,
    end_s: float,
    platforms: Sequence[str],
    results: Results,
    *,
    edit_list: bool = True,
) -> pd.DataFrame:
    """Render one stretch into a folder and return the verdicts on its files."""
    out.mkdir(exist_ok=True)
    (out / "list.csv").write_text(f"clip_id,start_s,end_s\n1,{start_s:.3f},{end_s:.3f}\n", encoding="utf-8")
    (out / "said.srt").write_text("\n".join(_cues(start_s, end_s)), encoding="utf-8")
    try:
        return render(
            out / "list.csv",
            video=video,
            out=out,
            platforms=platforms,
            subtitles=out / "said.srt",
            settings={"render": {"edit_list": edit_list}},
        )
    except RenderError as error:
        results.note(f"{video.name}: {error.message}")
        return load_table(out / "verdicts.csv")


def _cues(start_s: float, end_s: float) -> Iterator[str]:
    for number in range(int((end_s - start_s) / _PAGE_S)):
        begin_s = start_s + number * _PAGE_S
        text = SPOKEN[number % len(SPOKEN)]
        yield f"{number + 1}\n{format_srt_time(begin_s + 0.1)} --> {format_srt_time(begin_s + _PAGE_S - 0.1)}\n{text}\n"


def loudness_by_ffmpeg(path: Path) -> dict[str, float]:
    """Return ``lufs`` and ``true_peak_db`` of a file as ffmpeg's meter finds them; nothing where there is no sound."""
    command = [ffmpeg_path(), "-hide_banner", "-nostats", "-i", f"file:{path}", "-af", "ebur128=peak=true"]
    said = subprocess.run([*command, "-vn", "-f", "null", "-"], capture_output=True, text=True, check=False).stderr
    summary = said.rpartition("Summary:")[2]
    found = {"lufs": r"I:\s+(-?[\d.]+) LUFS", "true_peak_db": r"Peak:\s+(-?[\d.]+) dBFS"}
    return {name: float(match[1]) for name, form in found.items() if (match := re.search(form, summary))}


def flashes(path: Path) -> NDArray[np.float64]:
    """Return when pictures at 25 a second turn bright, seconds, as ffmpeg decodes them."""
    command = "-map 0:v -vf scale=1:1:flags=area,format=gray -fps_mode cfr -r 25 -f rawvideo pipe:1"
    return np.flatnonzero(np.frombuffer(_decoded(path, command), np.uint8) > 100) / 25


def clicks(path: Path) -> NDArray[np.float64]:
    """Return when sound begins after silence, seconds, as a player that starts both streams together hears it."""
    # Filled from 0 on, as a player does: what begins late is late.
    command = f"-map 0:a -af aresample=async=1:first_pts=0 -ac 1 -ar {_RATE_HZ} -f f32le pipe:1"
    return onsets(np.frombuffer(_decoded(path, command), np.float32))


def onsets(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return when one channel of sound at 48 kHz begins after silence, seconds."""
    level = np.abs(samples)
    loud = np.flatnonzero(level > 0.3 * level.max())
    return loud[np.r_[True, np.diff(loud) > _RATE_HZ // 2]] / _RATE_HZ


def _decoded(path: Path, arguments: str) -> bytes:
    command = [ffmpeg_path(), "-v", "error", "-i", f"file:{path}", *arguments.split()]
    return subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout
