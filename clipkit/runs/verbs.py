"""The other verbs of clipkit as functions: tables, crop paths, clip lists, verdicts, the sample."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from clipkit import __version__
from clipkit.analysis.features import measure_frames
from clipkit.analysis.reframe import check_files, plan_crop
from clipkit.analysis.shots import detect_transitions
from clipkit.analysis.speech import measure_audio
from clipkit.errors import InputError
from clipkit.files import replace_file, write_text
from clipkit.media.probe import require_video
from clipkit.media.writer import write_video
from clipkit.output.platforms import find_platform, load_platforms
from clipkit.output.preflight import preflight, refusals
from clipkit.output.verify import verify_file
from clipkit.profiles import make_params, merge_layers
from clipkit.runs.cliplist import read_clips
from clipkit.runs.folder import LooseFolder, load_table, save_table
from clipkit.runs.stages import ClipRun
from clipkit.samples import FRAME_RATE, RATE_HZ, make_sample

Progress = Callable[[float, str], None]
Say = Callable[[str], None]


def analyze(video: str | Path, *, out: str | Path, progress: Progress | None = None, **asked: Any) -> Path:
    """Write the tables of a video into `out`, without rendering, and return that folder."""
    folder = _Showing(out, progress)
    ClipRun(Path(video), folder, make_params(**asked)).analyze()
    return folder.path


def shots(
    video: str | Path, *, out: str | Path | None = None, progress: Progress | None = None, **asked: Any
) -> pd.DataFrame:
    """Return the transitions of a video, and write them as CSV when `out` is given."""
    params = make_params(**asked)
    require_video(video, params.security)
    frames = measure_frames(video, params, progress=_staged(progress, "shots"))
    table = detect_transitions(frames, params.analysis)
    if out is not None:
        save_table(table, out)
    return table


def reframe(
    video: str | Path,
    *,
    start_s: float = 0.0,
    end_s: float | None = None,
    aspect: str | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
    **asked: Any,
) -> pd.DataFrame:
    """Return the crop path of a stretch of video, one row a frame, and write it when `out` is given."""
    named = {"reframe": {"aspect": aspect}} if aspect else {}
    settings = merge_layers(asked.pop("settings", None) or {}, named)
    params = make_params(settings=settings, **asked)
    info = require_video(video, params.security)
    check_files(info, params.reframe)
    frames = measure_frames(video, params, progress=_staged(progress, "shots"))
    last_s = frames.duration_s if end_s is None else min(end_s, frames.duration_s)
    if not 0 <= start_s < last_s:
        whole = f"0 and {frames.duration_s:.2f} s"
        message = f"{Path(video).name}: the stretch must lie within {whole}, got {start_s:g} to {last_s:g}."
        raise InputError(message, code="input.bad_range")
    transitions = detect_transitions(frames, params.analysis)
    audio = measure_audio(video, params, duration_s=frames.duration_s, progress=_staged(progress, "listen"))
    table = plan_crop(video, start_s, last_s, transitions, params, info=info, audio=audio)
    if out is not None:
        save_table(table, out)
    return table


def render(
    clips_csv: str | Path,
    *,
    video: str | Path,
    out: str | Path,
    progress: Progress | None = None,
    say: Say | None = None,
    **asked: Any,
) -> pd.DataFrame:
    """Render a clip list, possibly edited by hand, and return the verdicts on the files.

    Tables that lie beside the list (``shots.csv``, ``audio.parquet``, ``words.parquet``) are used; what is missing
    is measured again.  Caption files that a person changed, in `out` or in the run that the list is from, are used
    instead of the words.  `say` is called with each sentence that a person should know.

    Raises
    ------
    InputError
        If the list lacks a column, or a clip lies outside the video.
    RenderError
        If a finished file breaks a platform's rule.
    """
    clips_csv = Path(clips_csv)
    folder = _Showing(out, progress, say)
    chain = ClipRun(Path(video), folder, make_params(**asked))
    chain.clips = read_clips(clips_csv)
    chain.inspect()
    beside = clips_csv.parent
    if all((beside / name).is_file() for name in ("shots.csv", "audio.parquet", "words.parquet")):
        chain.transitions = load_table(beside / "shots.csv")
        chain.audio = load_table(beside / "audio.parquet")
        chain.words = load_table(beside / "words.parquet")
    else:
        chain.measure()
        chain.listen()
        chain.find_shots()
        chain.transcribe(chain.clips[["start_s", "end_s"]].to_numpy(dtype=float))
    late = chain.clips[chain.clips["end_s"] > chain.info.duration_s + 0.1]
    if not late.empty:
        row = late.iloc[0]
        message = (
            f"{clips_csv}: clip {row.clip_id} must end within the video ({chain.info.duration_s:.2f} s), "
            f"got {row.end_s:g} s. Correct the time or delete the row."
        )
        raise InputError(message, code="input.bad_clip")
    chain.render(clips_csv)
    return chain.verify()


def foresee(clips_csv: str | Path | None = None, **asked: Any) -> list[str]:
    """Return what a platform asked for will refuse, a sentence each: of a clip list, or of clips of any length."""
    params = make_params(**asked)
    targets = [load_platforms()[name] for name in params.platforms.targets]
    aspect = params.reframe.aspect
    if clips_csv is None:
        reasons = [(platform.name, platform.unsuitable_frame(aspect)) for platform in targets]
        return [f"no clip is written for {name}: {reason}" for name, reason in reasons if reason]
    return refusals(preflight(read_clips(clips_csv), targets, aspect))


def verify(file: str | Path, *, platform_name: str) -> pd.DataFrame:
    """Return the verdicts on a finished file for one platform."""
    return verify_file(file, find_platform(platform_name))


def sample(path: str | Path, *, progress: Progress | None = None) -> Path:
    """Write the built-in sample video with its ``.truth.json`` and ``.srt``, and return its path.

    A sample that is already there, made by this version, is left as it is.
    """
    path = Path(path).resolve()
    truth_path, subtitle_path = path.with_suffix(".truth.json"), path.with_suffix(".srt")
    if path.is_file() and subtitle_path.is_file() and _truth_version(truth_path) == __version__:
        return path
    made = make_sample()

    def pictures() -> Iterator[Any]:
        for index, picture in enumerate(made.frames()):
            if progress:
                progress(index / made.n_frames, "sample")
            yield picture

    with replace_file(path) as temporary:
        write_video(temporary, pictures(), frame_rate=FRAME_RATE, samples=made.samples, rate_hz=RATE_HZ)
    write_text(subtitle_path, made.srt())
    write_text(truth_path, json.dumps({"clipkit": __version__, **made.truth()}) + "\n")
    return path


def _truth_version(path: Path) -> str | None:
    try:
        version = json.loads(path.read_text(encoding="utf-8"))["clipkit"]
    except (OSError, ValueError, KeyError):
        return None
    return str(version)


class _Showing(LooseFolder):
    """A loose folder that shows its progress, and says what is noted."""

    def __init__(self, path: str | Path, progress: Progress | None, say: Say | None = None) -> None:
        super().__init__(path)
        self._show = progress
        self._say = say

    def note(self, stage: str, message: str) -> None:
        """Note a sentence, and say it."""
        super().note(stage, message)
        if self._say:
            self._say(message)

    def progress(self, share: float) -> None:
        if self._show:
            self._show(share, str(self.record().get("stage", "")))


def _staged(progress: Progress | None, stage: str) -> Callable[[float], None] | None:
    return None if progress is None else (lambda share: progress(share, stage))
