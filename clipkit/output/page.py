"""One page of captions: the words that are on screen together."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

PAGE_COLUMNS = ["page", "start_s", "end_s", "text", "words"]


class PageWord(NamedTuple):
    """A word on a page, with its times and the line it stands on."""

    text: str
    start_s: float
    end_s: float
    line: int


class Page(NamedTuple):
    """One row of the pages table."""

    page: int
    start_s: float
    end_s: float
    text: str
    words: tuple[PageWord, ...]


def page_rows(pages: pd.DataFrame) -> list[Page]:
    """Return the rows of a pages table."""
    return [Page(*row) for row in pages[PAGE_COLUMNS].itertuples(index=False, name=None)]
