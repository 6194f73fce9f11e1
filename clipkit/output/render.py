"""One clip as finished files: cropped, captioned, levelled, encoded and opened again."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.errors import InputError, RenderError
from clipkit.files import disk_error
from clipkit.media.frames import Frame, VideoReader
from clipkit.media.probe import MediaInfo, VideoInfo
from clipkit.media.reader import open_video
from clipkit.media.writer import FrameEncoder
from clipkit.output.cadence import on_ticks, output_rate
from clipkit.output.captions import caption_width, make_pages, make_sidecar_pages, write_ass, write_srt
from clipkit.output.cover import CoverChooser, write_cover
from clipkit.output.faces import FONTS_DIR
from clipkit.output.facts import measure_file
from clipkit.output.loudness import Loudness
from clipkit.output.platforms import Aspect, Box, Encode, Platform, group_platforms, safe_box
from clipkit.output.scaler import CropBox, Scaler
from clipkit.output.sound import Sound, read_sound, write_sound
from clipkit.params import Params

_PICTURE_SHARE = 0.85  # of the work; the rest is sound, covers and opening the files
# Edges come from tables that round times; a frame this near is the one meant.
_EDGE_S = 0.0005
_HEIGHTS = {"9:16": 1920, "1:1": 1080, "4:5": 1350, "16:9": 1080}
_WIDTHS = {"9:16": 1080, "1:1": 1080, "4:5": 1080, "16:9": 1920}


@dataclass(frozen=True)
class RenderedClip:
    """One finished file.

    Attributes
    ----------
    clip_id : int
    platform : Platform
    path, srt_path, cover_path : Path
        Video, caption sidecar and cover frame.
    start_s, end_s : float
        Part of the source that it shows, on frame edges.
    duration_s : float
    width, height : int
    frame_rate : Fraction
    caption_box : tuple of int or None
        Where captions were allowed to stand, pixels of this frame; None when none are burned in.
    loudness : Loudness
        Of the finished sound.
    notes : tuple of str
        Second choices taken, a sentence each.
    """

    clip_id: int
    platform: Platform
    path: Path
    srt_path: Path
    cover_path: Path
    start_s: float
    end_s: float
    duration_s: float
    width: int
    height: int
    frame_rate: Fraction
    caption_box: Box | None
    loudness: Loudness
    notes: tuple[str, ...]


def render_clip(
    video: str | Path,
    clip: Any,
    crop: pd.DataFrame,
    words: pd.DataFrame,
    params: Params,
    platforms: Sequence[Platform],
    out_dir: str | Path,
    *,
    info: MediaInfo,
    progress: Callable[[float], None] | None = None,
) -> list[RenderedClip]:
    """Write the files of one clip for all platforms, decoding the source once.

    Platforms whose files would be identical share one encoding.  The files are named
    ``<clip_id>_<platform>`` with ``.mp4``, ``.srt`` and ``.jpg``; they appear when all of them are
    finished, and after an error none does.

    Parameters
    ----------
    video : path
        The source.
    clip : row
        With ``clip_id``, ``start_s``, ``end_s``: a named tuple or a Series.
    crop : DataFrame
        ``time_s, x, y, width, height``: the crop window, fractions of the displayed frame.
    words : DataFrame
        ``word, start_s, end_s, ends_sentence`` in seconds of the source.
    params : Params
    platforms : sequence of Platform
    out_dir : path
        Made when it is not there.
    info : MediaInfo
        Of the source.
    progress : callable, optional
        Called with the share that is done, 0..1.

    Returns
    -------
    list of RenderedClip
        In the order of `platforms`; empty when there are none.

    Raises
    ------
    InputError
        ``input.clip_range`` if the clip does not lie in the video, ``input.no_crop`` if the crop
        path is empty.
    RenderError
        If a file cannot be encoded or does not open afterwards.
    """
    if not platforms:
        return []
    out_dir = Path(out_dir)
    report = progress or (lambda share: None)
    with open_video(
        video, reader=params.source.reader, threads=params.resources.threads, security=params.security
    ) as reader:
        plan = _plan(reader, clip, crop, params, platforms)
        with _workspace(out_dir / f".{plan.stem}.part") as work:
            notes = _source_notes(reader.video)
            samples = read_sound(video, plan.start_s, plan.duration_s, params.audio, params.security)
            sounds = _write_sounds(samples, plan.encodes, work, params)
            ass_path, caption_notes = _write_captions(words, plan, work, params)
            best_s = _encode(reader, plan, sounds, ass_path, work, params, lambda share: report(share * _PICTURE_SHARE))
            notes += caption_notes
            finished = []
            for number, encode in enumerate(plan.encodes):
                finished += _finish(
                    encode, number, plan, sounds, work, best_s, tuple(notes), out_dir, has_captions=ass_path is not None
                )
                report(_PICTURE_SHARE + (1.0 - _PICTURE_SHARE) * (number + 1) / len(plan.encodes))
            _publish(finished, work, out_dir)
    order = [platform.name for platform in platforms]
    return sorted(finished, key=lambda rendered: order.index(rendered.platform.name))


@dataclass(frozen=True)
class _Plan:
    """What is written, before anything is."""

    clip_id: int
    stem: str
    start_s: float
    rate: Fraction
    n_ticks: int
    first: Frame
    encodes: Sequence[Encode]
    platforms: Sequence[Platform]
    aspect: Aspect
    crop: NDArray[np.float64]

    @property
    def duration_s(self) -> float:
        return float(self.n_ticks / self.rate)

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s


def _plan(reader: VideoReader, clip: Any, crop: pd.DataFrame, params: Params, platforms: Sequence[Platform]) -> _Plan:
    video = reader.video
    start_s, end_s = float(clip.start_s), min(float(clip.end_s), reader.info.duration_s)
    if not (math.isfinite(start_s) and math.isfinite(float(clip.end_s)) and 0.0 <= start_s < end_s):
        message = (
            f"clip {clip.clip_id} must lie inside the video, 0 to {reader.info.duration_s:.3f} s, and end after it "
            f"starts, got {clip.start_s} to {clip.end_s}. Correct the clip list."
        )
        raise InputError(message, code="input.clip_range")
    if crop.empty:
        message = f"clip {clip.clip_id} needs a crop path with a row for each frame, got none. Plan the crop again."
        raise InputError(message, code="input.no_crop")
    rate = output_rate(video.frame_rate, is_variable=video.is_variable_rate, max_rate=params.render.max_frame_rate)
    start_s, first = _first_frame(reader, start_s, rate)
    n_ticks = max(1, math.floor((end_s - start_s - _EDGE_S) * rate) + 1)
    aspect = params.reframe.aspect
    return _Plan(
        clip_id=int(clip.clip_id),
        stem=f"{int(clip.clip_id):02d}",
        start_s=start_s,
        rate=rate,
        n_ticks=n_ticks,
        first=first,
        encodes=group_platforms(platforms, aspect, target_lufs=params.audio.target_lufs),
        platforms=platforms,
        aspect=aspect,
        crop=crop[["time_s", "x", "y", "width", "height"]].to_numpy(dtype=np.float64),
    )


def _first_frame(reader: VideoReader, start_s: float, rate: Fraction) -> tuple[float, Frame]:
    """Return when the clip really starts and the frame on screen then.

    A start between two frames moves to the next one, so that no frame of the shot before shows;
    where frames stay on screen for long, it stays and the frame before it is shown.
    """
    upcoming = next(reader.frames(max(0.0, start_s - _EDGE_S), start_s + float(1 / rate)), None)
    if upcoming is not None:
        return upcoming.time_s, upcoming
    return start_s, reader.frame_at(start_s)


def _source_notes(video: VideoInfo) -> list[str]:
    notes = []
    if video.is_hdr:
        notes.append("the source is HDR; its light was pressed into the range of SDR by one fixed curve.")
    if video.is_interlaced:
        notes.append("the source is interlaced; its fields were not separated, so fast movement may show combs.")
    return notes


def _write_sounds(
    samples: Any, encodes: Sequence[Encode], work: Path, params: Params
) -> dict[tuple[float, int], Sound]:
    sounds: dict[tuple[float, int], Sound] = {}
    for encode in encodes:
        key = (encode.target_lufs, encode.audio_bitrate)
        if key not in sounds:
            path = work / f"sound{len(sounds)}.m4a"
            sounds[key] = write_sound(samples, path, params.audio, target_lufs=key[0], bitrate=key[1])
    return sounds


def _write_captions(words: pd.DataFrame, plan: _Plan, work: Path, params: Params) -> tuple[Path | None, list[str]]:
    """Write the sidecar and, where captions are burned in, the ASS file for a frame with a short side of 1080."""
    write_srt(make_sidecar_pages(words, plan.start_s, plan.end_s, params.captions), work / "captions.srt")
    width, height = _WIDTHS[plan.aspect], _HEIGHTS[plan.aspect]
    box = safe_box(plan.platforms, width, height)
    line_width_px = caption_width(box, width, params.captions)
    pages = make_pages(words, plan.start_s, plan.end_s, params.captions, line_width_px=line_width_px)
    if not params.captions.burn or pages.empty:
        return None, []
    path = work / "captions.ass"
    missing = write_ass(pages, path, params.captions, width=width, height=height, safe_box=box)
    fonts = work / "fonts"
    fonts.mkdir()
    for font in (*FONTS_DIR.glob("*.[ot]tf"), *([Path(params.captions.font)] if params.captions.font else [])):
        shutil.copy(font, fonts)
    if not missing:
        return path, []
    shown = " ".join(missing[:12])
    note = f"the captions lack characters that no font at hand can draw: {shown}. Name one in captions.font."
    return path, [note]


def _encode(
    reader: VideoReader,
    plan: _Plan,
    sounds: dict[tuple[float, int], Sound],
    ass_path: Path | None,
    work: Path,
    params: Params,
    report: Callable[[float], None],
) -> float:
    """Encode all files in one pass over the source; return the time of the best cover."""
    chooser = CoverChooser(float(plan.rate))
    video = reader.video
    scalers = {(e.width, e.height): Scaler(video, e.width, e.height) for e in plan.encodes}
    with ExitStack() as stack:
        encoders = [
            stack.enter_context(
                FrameEncoder(
                    work / f"{number}.mp4",
                    width=encode.width,
                    height=encode.height,
                    frame_rate=plan.rate,
                    audio_path=sounds[encode.target_lufs, encode.audio_bitrate].path,
                    captions_path=ass_path,
                    fonts_dir=None if ass_path is None else work / "fonts",
                    matrix=video.matrix,
                    is_full_range=video.is_full_range,
                    transfer=video.color_transfer,
                    crf=params.render.crf,
                    preset=params.render.preset,
                    gop_s=encode.gop_s,
                    max_bitrate=encode.max_video_bitrate,
                    threads=params.render.encoder_threads,
                )
            )
            for number, encode in enumerate(plan.encodes)
        ]
        shown: Frame | None = None
        pictures = {}
        for tick, frame in enumerate(on_ticks(_frames(reader, plan), plan.rate, plan.n_ticks, plan.start_s)):
            if frame is not shown:
                shown = frame
                boxes = {size: _crop_box(plan.crop, frame, size) for size in scalers}
                pictures = {size: scaler.picture(frame, boxes[size]) for size, scaler in scalers.items()}
            for encode, encoder in zip(plan.encodes, encoders, strict=True):
                encoder.write(*pictures[encode.width, encode.height])
            chooser.look(tick, next(iter(pictures.values()))[0])
            report((tick + 1) / plan.n_ticks)
    return float(chooser.best_tick / plan.rate)


def _frames(reader: VideoReader, plan: _Plan) -> Iterator[Frame]:
    yield plan.first
    for frame in reader.frames(plan.start_s, plan.end_s):
        if frame.time_s > plan.first.time_s:
            yield frame


def _crop_box(crop: NDArray[np.float64], frame: Frame, size: tuple[int, int]) -> CropBox:
    """Return the crop window at a frame in the shape of the picture, so that nothing is stretched."""
    after = int(np.searchsorted(crop[:, 0], frame.time_s))
    near = [row for row in (after - 1, after) if 0 <= row < len(crop)]
    row = min(near, key=lambda k: abs(crop[k, 0] - frame.time_s))
    _, x, y, width, height = crop[row]
    # Width over height that the window needs, both as fractions of the displayed frame.
    shape = size[0] / size[1] * frame.info.height / frame.info.width
    kept_width, kept_height = min(width, height * shape), min(height, width / shape)
    left, top = x + (width - kept_width) / 2, y + (height - kept_height) / 2
    return float(left), float(top), float(left + kept_width), float(top + kept_height)


def _finish(
    encode: Encode,
    number: int,
    plan: _Plan,
    sounds: dict[tuple[float, int], Sound],
    work: Path,
    cover_s: float,
    notes: tuple[str, ...],
    out_dir: Path,
    *,
    has_captions: bool,
) -> list[RenderedClip]:
    """Open one encoding, take its cover, and lay it down under the names of its platforms."""
    path = work / f"{number}.mp4"
    facts = measure_file(path)
    if facts.n_broken or facts.n_frames != plan.n_ticks:
        message = (
            f"clip {plan.clip_id}: the encoded file must have {plan.n_ticks} whole frames, found {facts.n_frames} and "
            f"{facts.n_broken} broken. Render it again."
        )
        raise RenderError(message, code="render.broken_file", retry="later")
    write_cover(path, cover_s, work / f"{number}.jpg")
    sound = sounds[encode.target_lufs, encode.audio_bitrate]
    if sound.note:
        notes = (*notes, sound.note)
    box = safe_box(plan.platforms, encode.width, encode.height) if has_captions else None
    finished = []
    for platform in encode.platforms:
        name = f"{plan.stem}_{platform.name}"
        for source, suffix in ((path, ".mp4"), (work / f"{number}.jpg", ".jpg"), (work / "captions.srt", ".srt")):
            _link(source, work / f"{name}{suffix}")
        finished.append(
            RenderedClip(
                clip_id=plan.clip_id,
                platform=platform,
                path=out_dir / f"{name}.mp4",
                srt_path=out_dir / f"{name}.srt",
                cover_path=out_dir / f"{name}.jpg",
                start_s=plan.start_s,
                end_s=plan.end_s,
                duration_s=plan.duration_s,
                width=encode.width,
                height=encode.height,
                frame_rate=plan.rate,
                caption_box=box,
                loudness=sound.loudness,
                notes=notes,
            )
        )
    return finished


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy(source, target)


def _publish(finished: Sequence[RenderedClip], work: Path, out_dir: Path) -> None:
    """Give the files their places, videos last: one that is there has all that belongs to it."""
    for rendered in finished:
        for path in (rendered.srt_path, rendered.cover_path, rendered.path):
            os.replace(work / path.name, path)


@contextmanager
def _workspace(path: Path) -> Iterator[Path]:
    """Give an empty folder that is gone afterwards; one left by a killed run goes first."""
    try:
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        yield path
    except OSError as error:
        raise disk_error(error, path) from error
    finally:
        shutil.rmtree(path, ignore_errors=True)
