"""The selection as a CMX 3600 edit decision list.

Conventions
-----------
The source starts at 00:00:00:00, the timeline at 01:00:00:00.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from clipkit.output.events import Event
from clipkit.output.timecode import first_frame_of_hour, is_drop_frame, timecode

_REEL = "AX"  # what editors call a source that is a file and no tape
_START_HOURS = 1


def edl_text(title: str, media: str, events: Sequence[Event], rate: Fraction, *, has_sound: bool) -> str:
    """Return the list as text, one event a clip.

    Parameters
    ----------
    title : str
        Of the timeline.
    media : str
        Where the source lies, as an address or path.
    events : sequence of Event
        In the order of the timeline.
    rate : Fraction
        Frames a second of the events, at most 99.
    has_sound : bool
        Whether the first two sound channels are cut with the picture.
    """
    lines = [f"TITLE: {_line(title)}", f"FCM: {'DROP FRAME' if is_drop_frame(rate) else 'NON-DROP FRAME'}", ""]
    at = first_frame_of_hour(_START_HOURS, rate)
    for number, event in enumerate(events, start=1):
        last, until = event.first + event.n_frames, at + event.n_frames
        times = " ".join(timecode(frame, rate) for frame in (event.first, last, at, until))
        lines += [
            f"{number:03d}  {_REEL:8} {'AA/V' if has_sound else 'V':5} C        {times}",
            f"* FROM CLIP NAME: {event.name}",
            f"* FROM FILE: {_line(media)}",
            "",
        ]
        at = until
    return "\n".join(lines)


def _line(text: str) -> str:
    return " ".join(text.split())
