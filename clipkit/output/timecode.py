"""SMPTE time code: a number for every frame that nearly keeps to the clock.

Conventions
-----------
Time code counts at the nearest whole rate.  At 29.97 and 59.94 frames a second it is drop-frame: numbers, not
frames, are left out so that an hour of it lasts an hour to 4 ms.

References
----------
.. [1] SMPTE ST 12-1, "Time and Control Code".
"""

from __future__ import annotations

from fractions import Fraction

_DROPPING = (Fraction(30000, 1001), Fraction(60000, 1001))


def is_drop_frame(rate: Fraction) -> bool:
    """Return whether time code at this rate leaves out numbers.

    Examples
    --------
    >>> is_drop_frame(Fraction(30000, 1001)), is_drop_frame(Fraction(24000, 1001))
    (True, False)
    """
    return rate in _DROPPING


def timecode(frame: int, rate: Fraction) -> str:
    """Return the time code of a frame; a semicolon before the frames says that numbers were dropped.

    Examples
    --------
    >>> timecode(1800, Fraction(30000, 1001)), timecode(17982, Fraction(30000, 1001)), timecode(1800, Fraction(25))
    ('00:01:00;02', '00:10:00;00', '00:01:12:00')
    """
    base = round(rate)
    if is_drop_frame(rate):
        # The first two (or four) numbers of every minute that is no multiple of ten are left out.
        dropped = base // 15
        per_minute, per_ten = 60 * base - dropped, 600 * base - 9 * dropped
        tens, rest = divmod(frame, per_ten)
        frame += 9 * dropped * tens + dropped * max(0, (rest - dropped) // per_minute)
    seconds, frames = divmod(frame, base)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{';' if is_drop_frame(rate) else ':'}{frames:02d}"


def first_frame_of_hour(hours: int, rate: Fraction) -> int:
    """Return the number of the frame with which an hour of time code begins.

    Examples
    --------
    >>> first_frame_of_hour(1, Fraction(30000, 1001)), timecode(107892, Fraction(30000, 1001))
    (107892, '01:00:00;00')
    """
    base = round(rate)
    return hours * (3600 * base - (54 * (base // 15) if is_drop_frame(rate) else 0))
