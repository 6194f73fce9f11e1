"""Compare rendering a clip with one ffmpeg command that makes the same picture.

Usage: ``python bench/render.py [--from 10 --to 30] [--repeats 5] VIDEO [VIDEO …]``

Both cut the middle 9:16 out of every frame, scale it to 1080x1920, burn in the same captions and encode with the same
x264 settings, in BT.709, and write AAC.  Every figure is a process of its own with all its children; they take turns,
and medians are compared.  CPU seconds count all threads.

- clipkit: `render_clip` for one platform, as a run does it: sound levelled, cover chosen and written, and the finished
  file opened and decoded again
- writing: of that, decoding, scaling, choosing the cover and encoding
- ffmpeg: one command; its sound is encoded and not levelled, and nothing is checked
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import pandas as pd

from clipkit.kernels import limiter, loudness, matrix, resample
from clipkit.media.child import ffmpeg_path
from clipkit.media.info import VideoInfo
from clipkit.media.probe import require_video
from clipkit.media.writer import escape_filter
from clipkit.output import render
from clipkit.output.captions import caption_width, make_pages, write_ass
from clipkit.output.faces import FONTS_DIR
from clipkit.output.platforms import find_platform, group_platforms, safe_box
from clipkit.params import Params

MODES = ("clipkit", "ffmpeg")
PLATFORM = find_platform("tiktok")
TEXT = [
    "what",
    "is",
    "said",
    "here",
    "stands",
    "below",
    "the",
    "picture",
    "in",
    "words",
    "that",
    "follow",
    "each",
    "other",
]


def words_in(start_s: float, end_s: float) -> pd.DataFrame:
    starts = [start_s + 0.35 * number for number in range(int((end_s - start_s) / 0.35))]
    words = [TEXT[number % len(TEXT)] for number in range(len(starts))]
    return pd.DataFrame(
        {"word": words, "start_s": starts, "end_s": [s + 0.3 for s in starts], "ends_sentence": False, "sentence": 0}
    )


def window(video: VideoInfo) -> tuple[float, float]:
    """Return left and width of the middle 9:16 as shares of the frame."""
    share = min(1.0, video.height * 9 / 16 / video.width)
    return (1 - share) / 2, share


def clipkit(path: str, start_s: float, end_s: float, out: Path) -> None:
    info = require_video(path)
    left, share = window(info.video)
    crop = pd.DataFrame({"time_s": [0.0], "x": left, "y": 0.0, "width": share, "height": 1.0, "layout": "static"})
    clip = SimpleNamespace(clip_id=1, start_s=start_s, end_s=end_s)
    render.render_clip(path, clip, crop, words_in(start_s, end_s), Params(), [PLATFORM], out, info=info)


def ffmpeg(path: str, start_s: float, end_s: float, out: Path) -> None:
    params, info = Params(), require_video(path)
    video = info.video
    (encode,) = group_platforms([PLATFORM], "9:16")
    width, height = encode.width, encode.height
    box = safe_box([PLATFORM], width, height)
    line_width = caption_width(box, width, params.captions)
    pages = make_pages(words_in(start_s, end_s), start_s, end_s, params.captions, line_width_px=line_width)
    captions = out / "captions.ass"
    write_ass(pages, captions, params.captions, width=width, height=height, safe_box=box)
    left, share = window(video)
    convert = "" if video.matrix == "bt709" else f":in_color_matrix={video.matrix}:out_color_matrix=bt709"
    filters = (
        f"crop={2 * round(video.width * share / 2)}:{video.height}:{2 * round(video.width * left / 2)}:0",
        f"scale={width}:{height}:flags=bicubic{convert}",
        f"ass=filename={escape_filter(captions)}:fontsdir={escape_filter(FONTS_DIR)}",
        "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709,format=yuv420p",
    )
    how = params.render
    key_interval = round(encode.gop_s * video.frame_rate)
    command = [
        *(ffmpeg_path(), "-v", "error", "-y", "-ss", str(start_s), "-i", path, "-t", str(end_s - start_s)),
        *("-vf", ",".join(filters), "-c:v", "libx264", "-profile:v", "high", "-preset", how.preset),
        *("-crf", str(how.crf), "-bf", "2", "-x264-params", f"keyint={key_interval}:open-gop=0"),
        *("-threads", str(how.encoder_threads), "-fps_mode", "cfr"),
        *("-c:a", "aac", "-b:a", str(encode.audio_bitrate), "-ar", "48000", "-ac", "2"),
        *("-movflags", "+faststart", str(out / "1.mp4")),
    ]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def spent() -> float:
    both = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def measure_here(mode: str, path: str, start_s: float, end_s: float) -> None:
    """Do one mode in this process and print what it took as JSON."""
    for module in (limiter, loudness, matrix, resample):
        module.warm_up()
    parts: dict[str, float] = defaultdict(float)
    encode = render.encode_clip

    def timed(*arguments: object) -> float:
        before = spent()
        cover_s = encode(*arguments)  # type: ignore[arg-type]
        parts["writing"] = spent() - before
        return cover_s

    render.encode_clip = timed
    with tempfile.TemporaryDirectory() as folder:
        cpu, clock = spent(), time.perf_counter()
        {"clipkit": clipkit, "ffmpeg": ffmpeg}[mode](path, start_s, end_s, Path(folder))
        parts |= {"cpu_s": spent() - cpu, "wall_s": time.perf_counter() - clock}
    print(json.dumps(parts))


def compare(path: str, start_s: float, end_s: float, repeats: int) -> None:
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(repeats):
        for mode in MODES:
            command = [sys.executable, __file__, "--mode", mode, "--from", str(start_s), "--to", str(end_s), path]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            for name, seconds in json.loads(done.stdout.splitlines()[-1]).items():
                found[f"{mode} {name}"].append(seconds)
    middle = {name: statistics.median(values) for name, values in found.items()}
    print(f"{Path(path).name}, {start_s:g} to {end_s:g} s, median of {repeats} (lowest)")
    for name, seconds in middle.items():
        print(f"  {name:16s} {seconds:7.2f} s ({min(found[name]):.2f})")
    for what, mine, other in (
        ("CPU, all of it", "clipkit cpu_s", "ffmpeg cpu_s"),
        ("CPU, writing alone", "clipkit writing", "ffmpeg cpu_s"),
        ("wall, all of it", "clipkit wall_s", "ffmpeg wall_s"),
    ):
        print(f"  {what}: {middle[other] / middle[mine]:.3f} x the speed of ffmpeg")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="+")
    parser.add_argument("--from", dest="start_s", type=float, default=0.0)
    parser.add_argument("--to", dest="end_s", type=float, default=20.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--mode", choices=MODES)
    asked = parser.parse_args()
    for path in asked.videos:
        end_s = min(asked.end_s, require_video(path).duration_s)
        if asked.mode:
            measure_here(asked.mode, path, asked.start_s, end_s)
        else:
            compare(path, asked.start_s, end_s, asked.repeats)


if __name__ == "__main__":
    main()
