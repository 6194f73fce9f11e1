"""Two fields taken at different moments made one whole picture of the first of them.

References
----------
.. [1] J. Weston, "Weston 3-field deinterlacer", BBC R&D; with yadif's checks it is ffmpeg's filter bwdif.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import av
from av.filter import Graph

# One picture for each one that came; the order of fields as tagged; pictures that are tagged as whole stay as they are.
_OPTIONS = "mode=send_frame:parity=auto:deint=interlaced"

Shown = tuple[Any, int]


def deinterlaced(pictures: Iterable[Shown]) -> Iterator[Shown]:
    """Yield each decoded picture and its tick again, with the missing lines of its first field filled in.

    The lines come from the field itself and from the pictures before and after, so a picture is given out once
    the next one is there.  Ticks stay as they are.

    Parameters
    ----------
    pictures : iterable of (av.VideoFrame, int)
        In display order.
    """
    graph: Any = None
    kind: tuple[Any, ...] = ()
    waiting: deque[Shown] = deque()
    for number, (picture, tick) in enumerate(pictures):
        if kind != (picture.width, picture.height, picture.format.name):
            if graph is not None:
                yield from _flush(graph, waiting)
            kind = (picture.width, picture.height, picture.format.name)
            graph = _graph(picture)
        # The filter wants rising time stamps, and numbers are.
        picture.pts, picture.time_base = number, Fraction(1)
        waiting.append((picture, tick))
        graph.push(picture)
        yield from _pull(graph, waiting)
    if graph is not None:
        yield from _flush(graph, waiting)


def _graph(picture: Any) -> Graph:
    graph = Graph()
    source = graph.add_buffer(width=picture.width, height=picture.height, format=picture.format, time_base=Fraction(1))
    graph.link_nodes(source, graph.add("bwdif", _OPTIONS), graph.add("buffersink")).configure()
    return graph


def _flush(graph: Any, waiting: deque[Shown]) -> Iterator[Shown]:
    graph.push(None)
    yield from _pull(graph, waiting)
    # A filter that gives out less than it was given must not swallow time.
    yield from waiting
    waiting.clear()


def _pull(graph: Any, waiting: deque[Shown]) -> Iterator[Shown]:
    while waiting:
        try:
            whole = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        yield whole, waiting.popleft()[1]
