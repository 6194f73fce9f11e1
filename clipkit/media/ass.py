"""Cues of Advanced SubStation Alpha (``.ass``) and SubStation Alpha (``.ssa``) text.

Conventions
-----------
A cue is ``(start_s, end_s, text)``; override codes stay in the text but for those that draw,
because every subtitle format may carry the others and one place removes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_TIME = re.compile(r"^\s*(\d{1,3}):(\d{1,2}):(\d{1,2})(?:[.,:](\d{1,3}))?\s*$")
# From a code that starts a drawing to one that ends it, or to the end of the event.
_DRAWING = re.compile(r"\{[^}]*\\p[1-9][^}]*\}.*?(?=\{[^}]*\\p0|$)", re.DOTALL)
_FIELDS = ("start", "end", "text")
# What the two formats agree on when a file does not say.
_USUAL = ("layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text")


def is_ass(lines: list[str]) -> bool:
    """Return whether text is a script: it has a section of events.

    Examples
    --------
    >>> is_ass(["[Script Info]", "[Events]"]), is_ass(["1", "00:00:00,000 --> 00:00:01,000"])
    (True, False)
    """
    return any(line.strip().lower() == "[events]" for line in lines)


def read_events(lines: Iterable[str]) -> list[tuple[float, float, str]]:
    r"""Return the dialogue of a script, in the order of the file.

    Parameters
    ----------
    lines : iterable of str
        Comments, styles and lines that are damaged count for nothing.

    Returns
    -------
    list of (float, float, str)
        Start and end in seconds, text with line feeds.

    Examples
    --------
    >>> read_events(["[Events]", "Format: Start, End, Text", r"Dialogue: 0:00:01.00,0:00:02.50,Yes,\Nit is."])
    [(1.0, 2.5, 'Yes,\nit is.')]
    """
    cues = []
    order: tuple[str, ...] = _USUAL
    is_in_events = False
    for line in lines:
        key, _, value = line.strip().partition(":")
        key = key.strip().lower()
        if key.startswith("["):
            is_in_events = key.startswith("[events]")
        elif is_in_events and key == "format":
            named = tuple(name.strip().lower() for name in value.split(","))
            order = named if all(named.count(field) == 1 for field in _FIELDS) and named[-1] == "text" else _USUAL
        elif is_in_events and key == "dialogue":
            values = value.split(",", len(order) - 1)
            if len(values) < len(order):
                continue
            event = dict(zip(order, values, strict=True))
            start_s, end_s = _seconds(event["start"]), _seconds(event["end"])
            if start_s is not None and end_s is not None:
                cues.append((start_s, end_s, event_text(event["text"])))
    return cues


def event_text(text: str) -> str:
    r"""Return the text of an event without drawings, its breaks as line feeds.

    Examples
    --------
    >>> event_text(r"one\Ntwo\hthree{\p1}m 0 0 l 9 9{\p0}")
    'one\ntwo three{\\p0}'
    """
    return _DRAWING.sub("", text).replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")


def _seconds(stamp: str) -> float | None:
    match = _TIME.match(stamp)
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    return (int(hours) * 60 + int(minutes)) * 60 + int(seconds) + float(f"0.{fraction or 0}")
