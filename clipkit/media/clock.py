"""Which tick a decoded frame is shown at.

Time stamps of real files are missing, repeated or out of order.  A clock turns what the
decoder says into strictly rising ticks, the same ones wherever decoding began.
"""

from __future__ import annotations

from typing import Any

from clipkit.media.probe import VideoInfo


class FrameClock:
    """Strictly rising ticks for the frames of one pass.

    AVI stores no presentation times.  There the decoding times, which rise from frame to frame in
    display order, are the true ones, late by the frames that the decoder holds back.

    Parameters
    ----------
    info : VideoInfo
        The stream: its frame rate gives the length of a frame without any time stamp.
    """

    def __init__(self, info: VideoInfo) -> None:
        self._decode_delay = info.decode_delay
        self._start = info.start_pts
        self._frame_ticks = max(round(1 / (info.frame_rate * info.time_base)), 1)
        self._last: int | None = None

    def tick(self, frame: Any) -> int | None:
        """Return the tick of a frame, or None when it would not be on screen for any time."""
        last = self._last
        stamps = (frame.dts,) if self._decode_delay else (frame.pts, frame.dts)
        known = [stamp - self._decode_delay for stamp in stamps if stamp is not None]
        if not known:
            known = [self._start if last is None else last + self._frame_ticks]
        rising = [stamp for stamp in known if last is None or stamp > last]
        if not rising:
            return None
        self._last = int(rising[0])
        return self._last
