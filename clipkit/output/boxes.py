"""The boxes of an MP4 file that no decoder reports: their order, and edit lists.

References
----------
.. [1] ISO/IEC 14496-12, "ISO base media file format", sections 4.2 and 8.6.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_INSIDE = {b"moov", b"trak", b"edts"}
_MAX_BOXES = 10_000


@dataclass(frozen=True)
class BoxFacts:
    """What the boxes say.

    Attributes
    ----------
    is_mp4 : bool
        Whether the file is a sequence of boxes with an index.
    index_first : bool
        Whether the index (``moov``) stands before the media (``mdat``).
    has_edit_list : bool
        Whether any track has one.
    """

    is_mp4: bool
    index_first: bool
    has_edit_list: bool


def read_boxes(path: Path) -> BoxFacts:
    """Return what the boxes of a file say; a file that is no MP4 has none."""
    with path.open("rb") as stream:
        end = path.stat().st_size
        order = [kind for kind, depth in _boxes(stream, 0, end, 0) if depth == 0 or kind == b"elst"]
    top = [kind for kind in order if kind in (b"moov", b"mdat")]
    return BoxFacts(
        is_mp4=b"moov" in top and order[0] == b"ftyp", index_first=top[:1] == [b"moov"], has_edit_list=b"elst" in order
    )


def _boxes(stream: BinaryIO, begin: int, end: int, depth: int) -> Iterator[tuple[bytes, int]]:
    """Yield the kind and depth of each box between two positions, those inside the index as well."""
    position = begin
    for _ in range(_MAX_BOXES):
        if position + 8 > end:
            return
        stream.seek(position)
        head = stream.read(16)
        size, kind, header = int.from_bytes(head[:4], "big"), head[4:8], 8
        if size == 1:
            size, header = int.from_bytes(head[8:16], "big"), 16
        elif size == 0:
            size = end - position
        if size < header or position + size > end:
            return
        yield kind, depth
        if kind in _INSIDE:
            yield from _boxes(stream, position + header, position + size, depth + 1)
        position += size
