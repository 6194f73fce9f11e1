"""Which tick a decoded frame is shown at.

Time stamps of real files are missing, repeated or out of order.  A clock turns what the
decoder says into strictly rising ticks, the same ones wherever decoding began.
"""

from __future__ import annotations

from typing import Any, NoReturn

from clipkit.errors import InputError
from clipkit.media.info import MediaInfo

# Decoders disorder a few frames at most.
_MAX_HIDDEN = 32


class FrameClock:
    """Strictly rising ticks for the frames of one pass.

    AVI stores no presentation times.  There the decoding times, which rise from frame to frame in
    display order, are the true ones, late by the frames that the decoder holds back.

    Parameters
    ----------
    info : MediaInfo
        The file.  Its frame rate gives the length of a frame without any time stamp; a stamp beyond its end is wrong.
    """

    def __init__(self, info: MediaInfo) -> None:
        assert info.video is not None
        self._path = info.path
        self._decode_delay = info.video.decode_delay
        self._start = info.video.start_pts
        self._time_base = info.video.time_base
        self._end = self._start + round(info.duration_s / self._time_base)
        self._frame_ticks = max(round(1 / (info.video.frame_rate * self._time_base)), 1)
        self._last: int | None = None
        self._hidden: list[int] = []

    def tick(self, frame: Any) -> int | None:
        """Return the tick of a frame, or None when it would not be on screen for any time.

        Raises
        ------
        InputError
            ``input.time_jumps`` when many frames in a row lie before one that was shown: recordings glued together,
            whose times begin anew, would lose all but the first silently.
        """
        last = self._last
        stamp = frame.pts
        earliest = self._start if last is None else last + 1
        if not self._decode_delay and stamp is not None and earliest <= stamp < self._end:
            self._hidden.clear()
            self._last = int(stamp)
            return self._last
        stamps = (frame.dts,) if self._decode_delay else (frame.pts, frame.dts)
        known = [stamp - self._decode_delay for stamp in stamps if stamp is not None]
        if not known:
            known = [self._start if last is None else last + self._frame_ticks]
        rising = [stamp for stamp in known if self._start <= stamp < self._end and (last is None or stamp > last)]
        if not rising:
            self._hidden.append(known[0])
            if len(self._hidden) > _MAX_HIDDEN:
                self._refuse()
            return None
        self._hidden.clear()
        self._last = int(rising[0])
        return self._last

    def _refuse(self) -> NoReturn:
        from_s, to_s = (float((at - self._start) * self._time_base) for at in (self._last or 0, self._hidden[0]))
        message = (
            f"{self._path}: its time stamps jump back from {from_s:.1f} s to {to_s:.1f} s, as in recordings glued "
            "together. Join them in a video editor, or give them one by one."
        )
        raise InputError(message, code="input.time_jumps")
