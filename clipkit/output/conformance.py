"""How the captions of a clip keep to the rules: one row a clip and platform.

References
----------
.. [1] Netflix, "Timed Text Style Guide: General Requirements" and "Subtitle Timing Guidelines": two lines, reading
   speed, shot changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import pandas as pd

from clipkit.output.contrast import LEAST_CONTRAST
from clipkit.output.page import Page
from clipkit.output.page_cuts import MIN_GAP_S
from clipkit.output.pages import LINES, READING_CPS, reading_rate
from clipkit.output.platforms import Box
from clipkit.params import CaptionParams

# A page that is seen for less than this on one side of a cut flashes there.
FLASH_S = 0.5
_ROUNDING = 0.01


class Conformance(NamedTuple):
    """What was found.

    Attributes
    ----------
    n_pages : int
    max_cps : float
        Fastest page, characters a second.
    fast_share : float
        Share of the pages that are faster than `READING_CPS`.
    max_lines, max_line_length : int
        Most lines of a page, most characters of a line.
    shortest_s, longest_s : float
        Time on screen of a page.
    least_gap_s : float
        Shortest time without captions between two pages, not a number if there is none.
    across_cut : int
        Pages that show for less than `FLASH_S` on one side of a cut.
    outside : int
        Pages with letters outside the safe box.
    contrast : float
        Least contrast of letters with what is around them; see :mod:`clipkit.output.contrast`.
    has_box : bool
        Whether a box lies behind the letters.
    lacking : str
        Characters that no font could draw.
    """

    n_pages: int
    max_cps: float
    fast_share: float
    max_lines: int
    max_line_length: int
    shortest_s: float
    longest_s: float
    least_gap_s: float
    across_cut: int
    outside: int
    contrast: float
    has_box: bool
    lacking: str

    def faults(self, params: CaptionParams) -> Iterator[str]:
        """Yield what breaks a rule, a few words each; speech that nobody could read more slowly is among it."""
        if self.fast_share:
            yield f"{self.fast_share:.0%} of the pages are read at more than {READING_CPS:g} characters a second"
        if self.max_lines > LINES:
            yield f"{self.max_lines} lines, not {LINES}"
        if self.max_line_length > params.line_length:
            yield f"a line of {self.max_line_length} characters, not {params.line_length}"
        if self.least_gap_s < MIN_GAP_S - _ROUNDING:
            yield f"a gap of {self.least_gap_s:.2f} s, which flickers"
        if self.across_cut:
            yield f"{self.across_cut} shown for less than {FLASH_S:g} s on one side of a cut"
        if self.outside:
            yield f"{self.outside} outside the safe box"
        if self.contrast < LEAST_CONTRAST:
            yield f"a contrast of {self.contrast:.1f}, not {LEAST_CONTRAST:g}"
        if self.lacking:
            yield f"no font could draw {self.lacking}"


def conformance(
    pages: Sequence[Page],
    places: Sequence[tuple[float, float, float, float] | None],
    cuts_s: Sequence[float],
    *,
    safe_box: Box,
    contrast: float,
    has_box: bool,
    lacking: str,
) -> Conformance:
    """Return how pages keep to the rules.

    Parameters
    ----------
    pages : sequence of Page
        At least one.
    places : sequence of tuple of float
        Where each stands, as from :func:`clipkit.output.captions.page_box`; None if nothing of it is drawn.
    cuts_s : sequence of float
        Seconds from the start of the clip.
    safe_box : tuple of int
    contrast : float
    has_box : bool
    lacking : str
    """
    shown_s = [page.end_s - page.start_s for page in pages]
    rates = [reading_rate(page.text, length_s) for page, length_s in zip(pages, shown_s, strict=True)]
    lines = [page.text.split("\n") for page in pages]
    gaps_s = [after.start_s - before.end_s for before, after in pairwise(pages)]
    return Conformance(
        n_pages=len(pages),
        max_cps=round(max(rates), 2),
        fast_share=round(sum(rate > READING_CPS + _ROUNDING for rate in rates) / len(pages), 4),
        max_lines=max(map(len, lines)),
        # A word that is longer than a line stands alone, smaller or broken.
        max_line_length=max((len(line) for page in lines for line in page if " " in line), default=0),
        shortest_s=round(min(shown_s), 3),
        longest_s=round(max(shown_s), 3),
        least_gap_s=round(min((gap_s for gap_s in gaps_s if gap_s > 0.001), default=math.nan), 3),
        across_cut=sum(_flashes(page, cuts_s) for page in pages),
        outside=sum(place is not None and not _is_inside(place, safe_box) for place in places),
        contrast=round(contrast, 2),
        has_box=has_box,
        lacking=lacking,
    )


def conformance_table(clips: Iterable[Any], params: CaptionParams) -> pd.DataFrame:
    """Return one row a file that has captions.

    Parameters
    ----------
    clips : iterable of RenderedClip
    params : CaptionParams

    Returns
    -------
    DataFrame
        ``clip_id``, ``platform``, the fields of :class:`Conformance`, ``ok``, and ``note``: what breaks a rule.
    """
    rows = []
    for clip in clips:
        if clip.conformance is not None:
            note = "; ".join(clip.conformance.faults(params))
            rows.append((clip.clip_id, clip.platform.name, *clip.conformance, not note, note))
    return pd.DataFrame(rows, columns=["clip_id", "platform", *Conformance._fields, "ok", "note"])


def _flashes(page: Page, cuts_s: Sequence[float]) -> bool:
    return any(0.0 < min(cut_s - page.start_s, page.end_s - cut_s) < FLASH_S for cut_s in cuts_s)


def _is_inside(place: tuple[float, float, float, float], box: Box) -> bool:
    left, top, right, bottom = place
    return box[0] - 1 <= left and box[1] - 1 <= top and right <= box[2] + 1 and bottom <= box[3] + 1
