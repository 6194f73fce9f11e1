"""Constant frame rate from any source: which rate, and which source frame on each tick."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from clipkit.media.frames import Frame

_STANDARD = (
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(48),
    Fraction(50),
    Fraction(60000, 1001),
    Fraction(60),
)
_SAME = Fraction(1, 2000)
_MAX_MULTIPLE = 6
# Time stamps are rounded to a millisecond or more coarsely; a frame this much of a tick late is in time.
_EARLY = 0.25


def output_rate(source_rate: Fraction, *, is_variable: bool, max_rate: int) -> Fraction:
    """Return the constant rate to write: the source's own, else a simple multiple or part of it.

    Parameters
    ----------
    source_rate : Fraction
        Frames a second on average.
    is_variable : bool
        Whether the source's frames stay for different times; the nearest standard rate is then as good as any.
    max_rate : int
        Highest rate, 24 or more.

    Examples
    --------
    >>> [str(output_rate(Fraction(rate), is_variable=False, max_rate=60)) for rate in (25, 10, 120, 90)]
    ['25', '30', '60', '30']
    >>> str(output_rate(Fraction(2997, 100), is_variable=False, max_rate=60))
    '30000/1001'
    """
    allowed = [rate for rate in _STANDARD if rate <= max_rate]
    nearest = min(allowed, key=lambda rate: abs(rate - source_rate))
    if is_variable or _is_same(nearest, source_rate):
        return nearest
    for factor in range(2, _MAX_MULTIPLE + 1):
        ratio = Fraction(1, factor) if source_rate > allowed[-1] else Fraction(factor)
        for rate in allowed:
            if _is_same(rate, source_rate * ratio):
                return rate
    return nearest


def on_ticks(frames: Iterable[Frame], rate: Fraction, n_ticks: int, start_s: float) -> Iterator[Frame]:
    """Yield the frame on screen at each tick of a constant rate.

    Parameters
    ----------
    frames : iterable of Frame
        Times strictly rising; the first is shown from the start on, whenever it comes.
    rate : Fraction
        Ticks a second.
    n_ticks : int
        How many.
    start_s : float
        Time of the first tick.

    Yields
    ------
    Frame
        The same object again where the source has no newer frame.
    """
    ahead = iter(frames)
    current = next(ahead, None)
    if current is None:
        return
    following = next(ahead, None)
    for tick in range(n_ticks):
        due_s = start_s + float((tick + _EARLY) / rate)
        while following is not None and following.time_s <= due_s:
            current, following = following, next(ahead, None)
        yield current


def _is_same(rate: Fraction, other: Fraction) -> bool:
    return abs(rate / other - 1) < _SAME
