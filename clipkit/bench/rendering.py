"""Rendering a clip, and one ffmpeg command that makes the same picture, as jobs to be timed.

Both cut the middle 9:16 out of every frame, scale it to 1080x1920, burn in the same captions, encode with the same
x264 settings, in BT.709, and write AAC.

- rendering: `render_clip` for one platform, as a run does it: sound levelled, cover chosen and written, and the
  finished file opened and decoded again
- writing alone: of that, decoding, scaling, choosing the cover and encoding
- the command: one ffmpeg command; its sound is encoded and not levelled, and nothing is checked
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pandas as pd

from clipkit.bench.job import RENDERING, WRITING
from clipkit.kernels import limiter, loudness, matrix, resample
from clipkit.media.child import ffmpeg_path
from clipkit.media.info import MediaInfo, VideoInfo
from clipkit.media.probe import require_video
from clipkit.media.reader import open_video
from clipkit.media.writer import escape_filter
from clipkit.output.backdrop import Backdrop
from clipkit.output.captions import caption_width, make_pages, write_ass
from clipkit.output.encoding import encode_clip, write_sounds
from clipkit.output.faces import FONTS_DIR
from clipkit.output.plan import plan_clip
from clipkit.output.platforms import find_platform, group_platforms, safe_box
from clipkit.output.render import render_clip
from clipkit.output.subtitling import write_captions
from clipkit.params import Params

LONGEST_S = 15.0
_WORD_S = 0.35
_TEXT = [
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
_PLATFORM = find_platform("tiktok")


def prepare(name: str, video: str) -> Callable[[], None]:
    """Return one of the three jobs on the middle of a video, ready to be timed."""
    for module in (limiter, loudness, matrix, resample):
        module.warm_up()
    info = require_video(video)
    length_s = min(LONGEST_S, info.duration_s)
    start_s = (info.duration_s - length_s) / 2
    out = tempfile.TemporaryDirectory()
    clip = _Stretch(video, info, start_s, start_s + length_s, Path(out.name))
    job = clip.writing() if name == WRITING else clip.render if name == RENDERING else clip.command

    def work() -> None:
        with out:
            job()

    return work


class _Stretch:
    """A stretch of a video, and a folder for what is made of it."""

    def __init__(self, video: str, info: MediaInfo, start_s: float, end_s: float, out: Path) -> None:
        assert info.video is not None
        self._video, self._info, self._out = video, info, out
        self._start_s, self._end_s = start_s, end_s
        self._clip = SimpleNamespace(clip_id=1, start_s=start_s, end_s=end_s)
        starts = [start_s + _WORD_S * number for number in range(int((end_s - start_s) / _WORD_S))]
        self._words = pd.DataFrame(
            {
                "word": [_TEXT[number % len(_TEXT)] for number in range(len(starts))],
                "start_s": starts,
                "end_s": [s + 0.3 for s in starts],
                "ends_sentence": False,
                "sentence": 0,
            }
        )
        left, share = _middle(info.video)
        self._crop = pd.DataFrame(
            {"time_s": [start_s], "x": left, "y": 0.0, "width": share, "height": 1.0, "layout": "static"}
        )

    def render(self) -> None:
        """Do all of it."""
        render_clip(self._video, self._clip, self._crop, self._words, Params(), [_PLATFORM], self._out, info=self._info)

    def writing(self) -> Callable[[], None]:
        """Prepare what comes before the writing, and return the rest."""
        params = Params()
        reader = open_video(self._video)
        plan = plan_clip(reader, self._clip, self._crop, params, [_PLATFORM])
        captions = write_captions(self._words, plan, params, self._out, None, ())
        targets = write_sounds(reader.info, plan, params, self._out)
        backdrop = Backdrop(captions, plan.rate, is_full_range=reader.video.is_full_range)

        def work() -> None:
            with reader:
                encode_clip(reader, plan, targets, captions, backdrop, params, lambda share: None)

        return work

    def command(self) -> None:
        """Do what the peer does."""
        params, video = Params(), self._info.video
        assert video is not None
        (encode,) = group_platforms([_PLATFORM], "9:16")
        width, height = encode.width, encode.height
        box = safe_box([_PLATFORM], width, height)
        line_width = caption_width(box, width, params.captions)
        pages = make_pages(self._words, self._start_s, self._end_s, params.captions, line_width_px=line_width)
        captions = self._out / "captions.ass"
        write_ass(pages, captions, params.captions, width=width, height=height, safe_box=box)
        left, share = _middle(video)
        convert = "" if video.matrix == "bt709" else f":in_color_matrix={video.matrix}:out_color_matrix=bt709"
        filters = (
            f"crop={2 * round(video.width * share / 2)}:{video.height}:{2 * round(video.width * left / 2)}:0",
            f"scale={width}:{height}:flags=bicubic{convert}",
            f"ass=filename={escape_filter(captions)}:fontsdir={escape_filter(FONTS_DIR)}",
            "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709,format=yuv420p",
        )
        how = params.render
        key_interval = round(encode.gop_s * video.frame_rate)
        arguments = [
            *("-v", "error", "-y", "-ss", f"{self._start_s:.3f}", "-i", f"file:{self._video}"),
            *("-t", f"{self._end_s - self._start_s:.3f}"),
            *("-vf", ",".join(filters), "-c:v", "libx264", "-profile:v", "high", "-preset", how.preset),
            *("-crf", str(how.crf), "-bf", "2", "-x264-params", f"keyint={key_interval}:open-gop=0"),
            *("-threads", str(how.encoder_threads), "-fps_mode", "cfr"),
            *("-c:a", "aac", "-b:a", str(encode.audio_bitrate), "-ar", "48000", "-ac", "2"),
            *("-movflags", "+faststart", str(self._out / "1.mp4")),
        ]
        subprocess.run([ffmpeg_path(), *arguments], check=True, stdin=subprocess.DEVNULL)


def _middle(video: VideoInfo) -> tuple[float, float]:
    """Return left and width of the middle 9:16 as shares of the frame."""
    share = min(1.0, video.height * 9 / 16 / video.width)
    return (1 - share) / 2, share
