"""Caption pages that change close to a cut of the picture change on it.

A page that jumps a few frames before or after the picture reads as a mistake, and draws the eye back to text that
was read already [1]_.

References
----------
.. [1] Netflix, "Timed Text Style Guide: Subtitle Timing Guidelines", shot changes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from clipkit.output.page import Page

# A page may come this much before its first word, or after it, seconds.
EARLY_S = 0.3
LATE_S = 0.12
# The last word of a page may sound this much longer than the page is shown; a page may wait so long for a cut.
CUT_SHORT_S = 0.08
WAIT_S = 0.3
# The least that is left of a word on its page.
_LEAST_WORD_S = 0.1
MIN_GAP_S = 0.1  # pages nearer than this touch: a shorter hole flickers


def change_on_cuts(pages: Sequence[Page], cuts_s: Sequence[float]) -> list[Page]:
    """Return pages in which starts and ends that are close to a cut lie on it.

    Parameters
    ----------
    pages : sequence of Page
        In order, not overlapping.
    cuts_s : sequence of float
        Seconds from the start of the clip.

    Returns
    -------
    list of Page
        Their words keep their times.
    """
    cuts = sorted(cuts_s)
    moved: list[Page] = []
    for number, page in enumerate(pages):
        before = moved[-1] if moved else None
        after = pages[number + 1] if number + 1 < len(pages) else None
        start_s = _start_on_cut(page, before, cuts)
        touched = number > 0 and pages[number - 1].end_s == page.start_s
        if before is not None and (touched or start_s - before.end_s < MIN_GAP_S):
            moved[-1] = before._replace(end_s=start_s)
        moved.append(page._replace(start_s=start_s, end_s=_end_on_cut(page, start_s, after, cuts)))
    return moved


def _start_on_cut(page: Page, before: Page | None, cuts: Sequence[float]) -> float:
    earliest_s = page.start_s - EARLY_S
    if before is not None:
        earliest_s = max(earliest_s, before.words[-1].end_s - CUT_SHORT_S, before.start_s + _LEAST_WORD_S)
    following_s = page.words[1].start_s if len(page.words) > 1 else page.end_s
    latest_s = min(page.start_s + LATE_S, following_s - _LEAST_WORD_S)
    near = cuts[bisect_left(cuts, earliest_s) : bisect_right(cuts, latest_s)]
    return min(near, key=lambda cut_s: abs(cut_s - page.start_s), default=page.start_s)


def _end_on_cut(page: Page, start_s: float, after: Page | None, cuts: Sequence[float]) -> float:
    last = page.words[-1]
    earliest_s = max(last.end_s - CUT_SHORT_S, max(last.start_s, start_s) + _LEAST_WORD_S)
    latest_s = page.end_s + WAIT_S
    if after is not None:
        if after.start_s == page.end_s:
            return page.end_s
        latest_s = min(latest_s, after.start_s)
    near = cuts[bisect_left(cuts, earliest_s) : bisect_right(cuts, latest_s)]
    return near[0] if near else page.end_s
