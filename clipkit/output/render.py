"""One clip as finished files: cropped, captioned, levelled, encoded and opened again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.files import disk_error
from clipkit.media.probe import MediaInfo, VideoInfo
from clipkit.media.reader import open_video
from clipkit.media.tonemap import describe
from clipkit.output.backdrop import Backdrop
from clipkit.output.conformance import Conformance, conformance
from clipkit.output.cover import write_cover
from clipkit.output.cover_title import draw_title
from clipkit.output.edits import Edit
from clipkit.output.encoding import Target, boxed, check_file, encode_clip, write_sounds
from clipkit.output.loudness import Loudness
from clipkit.output.plan import ClipPlan, plan_clip
from clipkit.output.platforms import Box, Platform, safe_box
from clipkit.output.subtitling import Captions, write_captions
from clipkit.params import Params

_PICTURE_SHARE = 0.85  # of the work; the rest is sound, covers and opening the files


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
    conformance : Conformance or None
        How the captions keep to the rules; None when none are burned in.
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
    conformance: Conformance | None = None


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
    cuts_s: Sequence[float] = (),
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
        With ``clip_id``, ``start_s``, ``end_s`` and perhaps ``title``: a named tuple or a Series.
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
    cuts_s : sequence of float, optional
        Cuts of the source, seconds; captions change on them.
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
                cuts_s=cuts_s,
                edits=edits,
                progress=partial(part_of, report, number, len(groups)),
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
            captions = write_captions(words, plan, params, work, edits.get(order[0]), cuts_s)
            captions = boxed(reader, plan, captions, params)
            targets = write_sounds(reader.info, plan, params, work)
            backdrop = Backdrop(captions, plan.rate, is_full_range=reader.video.is_full_range)
            cover_s = encode_clip(
                reader, plan, targets, captions, backdrop, params, lambda share: report(_PICTURE_SHARE * share)
            )
            kept = _conformance(captions, backdrop, plan, params, cuts_s)
            titled = _titled(clip, captions, params)
            finished: list[RenderedClip] = []
            for target in targets:
                check_file(target, plan)
                write_cover(target.path, cover_s, target.path.with_suffix(".jpg"), titled)
                notes = (
                    *_source_notes(reader.info.video),
                    *captions.notes,
                    *target.sound.notes,
                )
                finished += [
                    _lay_down(target, platform, plan, captions, kept, notes, out_dir)
                    for platform in target.encode.platforms
                ]
                report(_PICTURE_SHARE + (1.0 - _PICTURE_SHARE) * len(finished) / len(platforms))
            for rendered in finished:
                # Videos last: one that is there has all that belongs to it.
                _keep_edited(rendered.srt_path, work / rendered.srt_path.name, edits.get(rendered.platform.name))
                for path in (rendered.srt_path, rendered.cover_path, rendered.path):
                    os.replace(work / path.name, path)
    return sorted(finished, key=lambda rendered: order.index(rendered.platform.name))


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


def part_of(show: Callable[[float], None], done: int, whole: int, share: float) -> None:
    """Show how far a whole of equal parts is, of which some are done and one is in work."""
    show((done + share) / whole)


def _titled(clip: Any, captions: Captions, params: Params) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]] | None:
    """Return what puts the clip's title on its cover, None where it has none or nobody asked."""
    title = getattr(clip, "title", None)  # not a number where a table has none
    if not (params.render.cover_title and isinstance(title, str) and title.strip()):
        return None
    fonts_dir, box = captions.fonts_dir, captions.safe_box
    return lambda picture: draw_title(picture, title, params.captions, safe_box=box, fonts_dir=fonts_dir)


def _source_notes(video: VideoInfo | None) -> Iterator[str]:
    assert video is not None
    if video.is_hdr:
        yield describe(video)
    if video.is_interlaced:
        yield "the source is interlaced; each frame was made of its first field, so that movement shows no combs."


def _conformance(
    captions: Captions, backdrop: Backdrop, plan: ClipPlan, params: Params, cuts_s: Sequence[float]
) -> Conformance | None:
    if captions.ass_path is None:
        return None
    return conformance(
        captions.pages,
        captions.places,
        [cut_s - plan.start_s for cut_s in cuts_s],
        safe_box=captions.safe_box,
        contrast=backdrop.contrast(params.captions, has_box=captions.has_box),
        has_box=captions.has_box,
        lacking=captions.lacking,
    )


def _lay_down(
    target: Target,
    platform: Platform,
    plan: ClipPlan,
    captions: Captions,
    kept: Conformance | None,
    notes: tuple[str, ...],
    out_dir: Path,
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
        conformance=kept,
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
