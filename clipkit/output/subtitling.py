"""The captions of one clip: whose text they have, the sidecar, and what is burned in."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from clipkit.output.captions import caption_width, make_pages, make_sidecar_pages, page_box, write_ass, write_srt
from clipkit.output.edits import Edit, edited_words
from clipkit.output.faces import FONTS_DIR
from clipkit.output.page import Page, page_rows
from clipkit.output.plan import ClipPlan
from clipkit.output.platforms import Box, aspect_size, safe_box
from clipkit.params import Params

CAPTION_SIDE = 1080  # short side of the frame that caption params are given for
_SHOWN_CHARACTERS = 12


@dataclass(frozen=True)
class Captions:
    """What was written.

    Attributes
    ----------
    srt_path : Path
    edited : Path or None
        The sidecar, changed by a person, that the text comes from.
    ass_path : Path or None
        None if nothing is burned in.
    fonts_dir : Path
    pages : tuple of Page
        Burned in.
    floors : tuple of int
        The line that each stands on, in a frame whose short side is `CAPTION_SIDE`.
    places : tuple of (tuple of float or None)
        Where each stands in the same frame, as from :func:`page_box`.
    safe_box : tuple of int
        In the same frame.
    has_box : bool
        Whether a box lies behind the letters.
    lacking : str
        Characters that no font could draw.
    notes : tuple of str
        Second choices taken, a sentence each.
    """

    srt_path: Path
    edited: Path | None
    ass_path: Path | None
    fonts_dir: Path
    pages: tuple[Page, ...]
    floors: tuple[int, ...]
    places: tuple[tuple[float, float, float, float] | None, ...]
    safe_box: Box
    has_box: bool
    lacking: str
    notes: tuple[str, ...]


def write_captions(
    words: pd.DataFrame, plan: ClipPlan, params: Params, work: Path, edit: Edit | None, cuts_s: Sequence[float]
) -> Captions:
    """Write the sidecar and what is burned in into a folder.

    Parameters
    ----------
    words : DataFrame
        ``word, start_s, end_s, ends_sentence`` in seconds of the source.
    plan : ClipPlan
    params : Params
    work : Path
    edit : Edit or None
        A changed sidecar that takes the place of `words` in its stretch.
    cuts_s : sequence of float
        Cuts of the picture, seconds of the source.
    """
    width, height = aspect_size(plan.aspect, CAPTION_SIDE)
    box = safe_box(plan.platforms, width, height)
    settings = params.captions
    srt_path, fonts_dir = work / "captions.srt", FONTS_DIR
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
    if settings.uppercase:
        words = words.assign(word=words["word"].astype(str).str.upper())
    pages = make_pages(
        words,
        plan.start_s,
        plan.end_s,
        settings,
        line_width_px=caption_width(box, width, settings),
        stops_s=stops_s,
        cuts_s=cuts_s,
    )
    rows = tuple(page_rows(pages)) if settings.burn else ()
    floors = tuple(_floor(page, plan, height, box) for page in rows)
    places = tuple(
        page_box(page, settings, width=width, height=height, safe_box=(*box[:3], floor))
        for page, floor in zip(rows, floors, strict=True)
    )
    edited = None if edit is None else edit.path
    captions = Captions(srt_path, edited, None, fonts_dir, rows, floors, places, box, False, "", tuple(notes))
    if not rows:
        return captions
    if settings.font is not None:
        # libass takes one folder, so a person's font joins copies of ours.
        fonts_dir = shutil.copytree(FONTS_DIR, work / "fonts")
        shutil.copy(Path(settings.font).expanduser(), fonts_dir)
    captions = replace(captions, ass_path=work / "captions.ass", fonts_dir=fonts_dir)
    captions = _burned(captions, plan, params, has_box=settings.box == "always")
    if captions.lacking:
        shown = " ".join(captions.lacking[:_SHOWN_CHARACTERS])
        notes.append(f"the captions lack characters that no font at hand can draw: {shown}. Name one in captions.font.")
    return replace(captions, notes=tuple(notes))


def _floor(page: Page, plan: ClipPlan, height: int, safe_box: Box) -> int:
    """Return the line that a page stands on: the seam of two panels, where a face lies lower; the safe box else."""
    middle_s = plan.start_s + (page.start_s + page.end_s) / 2
    return min(safe_box[3], height // 2) if plan.layout(middle_s) == "split" else safe_box[3]


def put_box(captions: Captions, plan: ClipPlan, params: Params) -> Captions:
    """Write what is burned in once more, with a box behind the letters."""
    note = f"clip {plan.clip_id}: its captions got a box, since the picture would have made the letters hard to read."
    return replace(_burned(captions, plan, params, has_box=True), notes=(*captions.notes, note))


def _burned(captions: Captions, plan: ClipPlan, params: Params, *, has_box: bool) -> Captions:
    assert captions.ass_path is not None
    width, height = aspect_size(plan.aspect, CAPTION_SIDE)
    pages = pd.DataFrame(captions.pages)
    lacking = write_ass(
        pages,
        captions.ass_path,
        params.captions,
        width=width,
        height=height,
        safe_box=captions.safe_box,
        floors=captions.floors,
        has_box=has_box,
    )
    return replace(captions, has_box=has_box, lacking=lacking)
