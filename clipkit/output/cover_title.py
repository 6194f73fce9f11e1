"""The title of a clip on its cover, in the look of the captions, as high as a platform leaves room."""

from __future__ import annotations

import subprocess
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.errors import RenderError
from clipkit.media.child import ffmpeg_path
from clipkit.media.writer import escape_filter
from clipkit.output.captions import page_box, write_ass
from clipkit.output.contrast import may_get_box
from clipkit.output.page import Page, PageWord
from clipkit.output.platforms import Box
from clipkit.output.subtitling import CAPTION_SIDE
from clipkit.params import CaptionParams


def draw_title(
    picture: NDArray[np.uint8], title: str, params: CaptionParams, *, safe_box: Box, fonts_dir: Path
) -> NDArray[np.uint8]:
    """Return a cover with a title on it.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width, 3)
        RGB.
    title : str
        Broken into lines of ``line_length`` characters; one that no font can draw leaves the picture as it is.
    params : CaptionParams
        Its letters; they get a box wherever captions may.
    safe_box : tuple of int
        Where letters may stand, in a frame whose short side is `CAPTION_SIDE`.
    fonts_dir : Path
        Folder of the font.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)

    Raises
    ------
    RenderError
        ``render.cover``.
    """
    height, width = picture.shape[:2]
    scale = CAPTION_SIDE / min(height, width)
    size = {"width": round(scale * width), "height": round(scale * height)}
    page = _page(title, params.line_length)
    place = page_box(page, params, **size, safe_box=safe_box)
    if place is None:
        return picture
    floor = round(min(safe_box[1] + place[3] - place[1], safe_box[3]))
    letters = params.model_copy(update={"highlight": params.colour})  # no word is spoken
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "title.ass"
        has_box = may_get_box(params)
        write_ass(pd.DataFrame([page]), lines, letters, **size, safe_box=safe_box, floors=[floor], has_box=has_box)
        raw = ("-f", "rawvideo", "-pix_fmt", "rgb24")
        # The file says that its colours are BT.709 video, and libass takes that of RGB too.
        filters = (
            "scale=out_color_matrix=bt709:out_range=tv,format=yuv444p,"
            f"ass=filename={escape_filter(lines)}:fontsdir={escape_filter(fonts_dir)},"
            "scale=in_color_matrix=bt709:in_range=tv,format=rgb24"
        )
        command = [ffmpeg_path(), "-v", "error", *raw, "-s", f"{width}x{height}", "-i", "pipe:0", "-vf", filters]
        done = subprocess.run(
            [*command, "-frames:v", "1", *raw, "pipe:1"], input=picture.tobytes(), capture_output=True, check=False
        )
    if done.returncode or len(done.stdout) != picture.size:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        message = f"the title {title!r} could not be drawn on the cover ({said[-1] if said else 'no reason given'})."
        raise RenderError(message, code="render.cover")
    return np.frombuffer(done.stdout, np.uint8).reshape(picture.shape)


def _page(title: str, line_length: int) -> Page:
    """Return a title as one page of captions that shows for a second, on as few and as even lines as it needs."""
    n_lines = len(_wrapped(title, line_length))
    lines = next(lines for length in range(1, line_length + 1) if len(lines := _wrapped(title, length)) <= n_lines)
    words = tuple(PageWord(word, 0.0, 1.0, number) for number, line in enumerate(lines) for word in line.split())
    return Page(1, 0.0, 1.0, "\n".join(lines), words)


def _wrapped(title: str, length: int) -> list[str]:
    return textwrap.wrap(title, length, break_long_words=False, break_on_hyphens=False)
