"""One clip as finished files: cropped, captioned, levelled, encoded and opened again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from clipkit.errors import RenderError
from clipkit.files import disk_error
from clipkit.media.frames import Frame, VideoReader
from clipkit.media.probe import MediaInfo, VideoInfo
from clipkit.media.reader import open_video
from clipkit.media.tonemap import describe
from clipkit.media.writer import AAC_PRIMING, FrameEncoder
from clipkit.output.captions import caption_height, caption_width, make_pages, make_sidecar_pages, write_ass, write_srt
from clipkit.output.cover import CoverChooser, write_cover
from clipkit.output.edits import Edit, edited_words
from clipkit.output.faces import FONTS_DIR
from clipkit.output.facts import measure_file
from clipkit.output.framing import Framer
from clipkit.output.loudness import Loudness
from clipkit.output.plan import ClipPlan, plan_clip
from clipkit.output.platforms import Box, Encode, Platform, aspect_size, safe_box
from clipkit.output.scaler import Picture
from clipkit.output.sound import RATE_HZ, Sound, read_sound, write_sound
from clipkit.params import Params

_PICTURE_SHARE = 0.85  # of the work; the rest is sound, covers and opening the files
_CAPTION_SIDE = 1080  # short side of the frame that caption params are given for
_SHOWN_CHARACTERS = 12


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
    edited : Path or None
        The sidecar, changed by a person, that the captions come from.
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
    edited: Path | None = None


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
    edits: Mapping[str, Edit] | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[RenderedClip]:
    """Write the files of one clip for all platforms, decoding the source once.

    Platforms whose files would be identical share one encoding; those whose captions were edited differently are
    written one after the other.  The files are named
    ``<clip_id>_<platform>`` with ``.mp4``, ``.srt`` and ``.jpg``; they appear when all of them are
    finished, and after an error none does.

    Parameters
    ----------
    video : path
        The source.
    clip : row
        With ``clip_id``, ``start_s``, ``end_s``: a named tuple or a Series.
    crop : DataFrame
        ``time_s, x, y, width, height, layout``: the crop window, fractions of the displayed frame.
    words : DataFrame
        ``word, start_s, end_s, ends_sentence`` in seconds of the source.
    params : Params
    platforms : sequence of Platform
    out_dir : path
        Made when it is not there.
    info : MediaInfo
        Of the source.
    edits : mapping of str to Edit, optional
        By the name of a platform: captions that take the place of `words` in their stretch.
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
    edits = edits or {}
    order = [platform.name for platform in platforms]
    report = progress or (lambda share: None)
    groups = list(_by_captions(platforms, edits))
    if len(groups) > 1:
        made = [
            rendered
            for number, group in enumerate(groups)
            for rendered in render_clip(
                video,
                clip,
                crop,
                words,
                params,
                group,
                out_dir,
                info=info,
                edits=edits,
                progress=partial(_part_of, report, number, len(groups)),
            )
        ]
        return sorted(made, key=lambda rendered: order.index(rendered.platform.name))
    source, resources = params.source, params.resources
    with open_video(
        video,
        reader=source.reader,
        threads=resources.threads,
        deinterlace=True,
        tone_map=True,
        security=params.security,
    ) as reader:
        plan = plan_clip(reader, clip, crop, params, platforms)
        with _workspace(out_dir / f".{plan.stem}.part") as work:
            captions = _write_captions(words, plan, params, work, edits.get(order[0]))
            targets = _write_sounds(reader.info, plan, params, work)
            cover_s = _encode(reader, plan, targets, captions, params, lambda share: report(_PICTURE_SHARE * share))
            finished: list[RenderedClip] = []
            for target in targets:
                _check(target, plan)
                write_cover(target.path, cover_s, target.path.with_suffix(".jpg"))
                notes = (
                    *_source_notes(reader.info.video),
                    *captions.notes,
                    *target.sound.notes,
                )
                finished += [
                    _lay_down(target, platform, plan, captions, notes, out_dir) for platform in target.encode.platforms
                ]
                report(_PICTURE_SHARE + (1.0 - _PICTURE_SHARE) * len(finished) / len(platforms))
            for rendered in finished:
                # Videos last: one that is there has all that belongs to it.
                _keep_edited(rendered.srt_path, work / rendered.srt_path.name, edits.get(rendered.platform.name))
                for path in (rendered.srt_path, rendered.cover_path, rendered.path):
                    os.replace(work / path.name, path)
    return sorted(finished, key=lambda rendered: order.index(rendered.platform.name))


@dataclass(frozen=True)
class _Target:
    """One encoding on its way: where its file is written and the sound that goes into it."""

    encode: Encode
    path: Path
    sound: Sound


@dataclass(frozen=True)
class _Captions:
    """The sidecar, and what is burned in; ``ass_path`` is None for nothing, ``edited`` for clipkit's own text."""

    srt_path: Path
    edited: Path | None
    ass_path: Path | None
    fonts_dir: Path
    notes: tuple[str, ...]


def _by_captions(platforms: Sequence[Platform], edits: Mapping[str, Edit]) -> Iterator[list[Platform]]:
    """Yield the platforms that get the same captions."""
    groups: dict[object, list[Platform]] = {}
    for platform in platforms:
        edit = edits.get(platform.name)
        groups.setdefault(edit and (edit.raw, edit.start_s, edit.end_s), []).append(platform)
    yield from groups.values()


def _keep_edited(path: Path, new: Path, edit: Edit | None) -> None:
    """Keep a copy of an edited sidecar that what is written now would replace."""
    if edit is not None and edit.path == path.resolve() and edit.raw != new.read_bytes():
        path.with_name(f"{path.stem}.edited.srt").write_bytes(edit.raw)


def _part_of(show: Callable[[float], None], done: int, whole: int, share: float) -> None:
    show((done + share) / whole)


def _source_notes(video: VideoInfo | None) -> Iterator[str]:
    assert video is not None
    if video.is_hdr:
        yield describe(video)
    if video.is_interlaced:
        yield "the source is interlaced; each frame was made of its first field, so that movement shows no combs."


def _write_captions(words: pd.DataFrame, plan: ClipPlan, params: Params, work: Path, edit: Edit | None) -> _Captions:
    width, height = aspect_size(plan.aspect, _CAPTION_SIDE)
    box = safe_box(plan.platforms, width, height)
    settings = params.captions
    srt_path, ass_path, fonts_dir = work / "captions.srt", work / "captions.ass", FONTS_DIR
    write_srt(make_sidecar_pages(words, plan.start_s, plan.end_s, settings), srt_path)
    notes: list[str] = []
    if edit is not None and edit.raw == srt_path.read_bytes():
        edit = None
    stops_s: Sequence[float] = ()
    if edit is not None and not edit.overlaps(plan.start_s, plan.end_s):
        stretch = f"{edit.start_s:.2f} to {edit.end_s:.2f} s"
        notes.append(f"clip {plan.clip_id}: the edited captions {edit.path.name} are for {stretch} and were not used.")
        edit = None
    if edit is not None:
        words, stops_s = edited_words(edit, words, settings.hold_s), edit.stops()
        note = f"clip {plan.clip_id}: its captions are those of the edited file {edit.path.name}"
        if edit.is_for(plan.start_s, plan.end_s):
            srt_path.write_bytes(edit.raw)
            notes.append(f"{note}.")
        else:
            write_srt(make_sidecar_pages(words, plan.start_s, plan.end_s, settings, stops_s=stops_s), srt_path)
            times = f"{edit.start_s:.2f} to {edit.end_s:.2f} s"
            notes.append(f"{note} as far as it shows the stretch that was edited, {times}.")
    line_width_px = caption_width(box, width, settings)
    pages = make_pages(words, plan.start_s, plan.end_s, settings, line_width_px=line_width_px, stops_s=stops_s)
    edited = None if edit is None else edit.path
    if not settings.burn or pages.empty:
        return _Captions(srt_path, edited, None, fonts_dir, tuple(notes))
    missing = write_ass(pages, ass_path, settings, width=width, height=height, safe_box=box)
    if settings.font is not None:
        # libass takes one folder, so a person's font joins copies of ours.
        fonts_dir = shutil.copytree(FONTS_DIR, work / "fonts")
        shutil.copy(settings.font, fonts_dir)
    if missing:
        shown = " ".join(missing[:_SHOWN_CHARACTERS])
        notes.append(f"the captions lack characters that no font at hand can draw: {shown}. Name one in captions.font.")
    return _Captions(srt_path, edited, ass_path, fonts_dir, tuple(notes))


def _write_sounds(info: MediaInfo, plan: ClipPlan, params: Params, work: Path) -> list[_Target]:
    """Write the sound of every encoding, each kind of sound once."""
    # Without an edit list the samples that the encoder puts first are played, so as many of the clip's are left out.
    lost_s = 0.0 if params.render.edit_list else AAC_PRIMING / RATE_HZ
    samples = read_sound(info, plan.start_s + lost_s, plan.duration_s - lost_s, params.audio, params.security)
    sounds: dict[tuple[float, int], Sound] = {}
    for encode in plan.encodes:
        key = encode.target_lufs, encode.audio_bitrate
        if key not in sounds:
            path = work / f"{len(sounds)}.m4a"
            sounds[key] = write_sound(samples, path, params.audio, target_lufs=key[0], bitrate=key[1])
    return [
        _Target(encode, work / f"{number}.mp4", sounds[encode.target_lufs, encode.audio_bitrate])
        for number, encode in enumerate(plan.encodes)
    ]


def _encode(
    reader: VideoReader,
    plan: ClipPlan,
    targets: Sequence[_Target],
    captions: _Captions,
    params: Params,
    report: Callable[[float], None],
) -> float:
    """Encode all files in one pass over the source; return the time of the best cover."""
    chooser = CoverChooser(float(plan.rate))
    framers = {
        (target.encode.width, target.encode.height): _framer(reader.video, plan, target.encode, captions, params)
        for target in targets
    }
    with ExitStack() as stack:
        encoders = [stack.enter_context(_encoder(reader.video, plan, target, captions, params)) for target in targets]
        shown: Frame | None = None
        pictures: dict[tuple[int, int], Picture] = {}
        for tick, frame in enumerate(plan.frames(reader)):
            if frame is not shown:
                shown = frame
                window = plan.window(frame)
                for size, framer in framers.items():
                    pictures[size] = framer.picture(frame, window)
            for target, encoder in zip(targets, encoders, strict=True):
                encoder.write(*pictures[target.encode.width, target.encode.height])
            chooser.look(tick, next(iter(pictures.values()))[0])
            report((tick + 1) / plan.n_ticks)
    return float(chooser.best_tick() / plan.rate)


def _framer(video: VideoInfo, plan: ClipPlan, encode: Encode, captions: _Captions, params: Params) -> Framer:
    _, top, _, bottom = safe_box(plan.platforms, encode.width, encode.height)
    if captions.ass_path is not None:
        scale = min(encode.width, encode.height) / _CAPTION_SIDE
        bottom -= round(scale * caption_height(params.captions))
    return Framer(video, encode.width, encode.height, clear=(top, bottom), bed=params.reframe.bed)


def _encoder(video: VideoInfo, plan: ClipPlan, target: _Target, captions: _Captions, params: Params) -> FrameEncoder:
    return FrameEncoder(
        target.path,
        width=target.encode.width,
        height=target.encode.height,
        frame_rate=plan.rate,
        audio_path=target.sound.path,
        captions_path=captions.ass_path,
        fonts_dir=captions.fonts_dir,
        matrix=video.matrix,
        is_full_range=video.is_full_range,
        crf=params.render.crf,
        preset=params.render.preset,
        gop_s=target.encode.gop_s,
        max_bitrate=target.encode.max_video_bitrate,
        threads=params.render.encoder_threads,
        edit_list=params.render.edit_list,
    )


def _check(target: _Target, plan: ClipPlan) -> None:
    """Open the encoded file and decode all of it."""
    facts = measure_file(target.path)
    if facts.n_broken or facts.n_frames != plan.n_ticks:
        message = (
            f"clip {plan.clip_id}: the encoded file must have {plan.n_ticks} whole frames, found {facts.n_frames} and "
            f"{facts.n_broken} broken. Render it again."
        )
        raise RenderError(message, code="render.broken_file", retry="later")


def _lay_down(
    target: _Target, platform: Platform, plan: ClipPlan, captions: _Captions, notes: tuple[str, ...], out_dir: Path
) -> RenderedClip:
    """Give the files of an encoding the names of one of its platforms, still in the workspace."""
    name = f"{plan.stem}_{platform.name}"
    for source in (target.path, target.path.with_suffix(".jpg")):
        _link(source, target.path.with_name(f"{name}{source.suffix}"))
    # No link: a person may change the captions of one platform.
    shutil.copy(captions.srt_path, target.path.with_name(f"{name}.srt"))
    encode = target.encode
    return RenderedClip(
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
        caption_box=safe_box(plan.platforms, encode.width, encode.height) if captions.ass_path else None,
        loudness=target.sound.loudness,
        notes=notes,
        edited=captions.edited,
    )


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy(source, target)


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
