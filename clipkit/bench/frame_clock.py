"""When the frames of a video are due, without decoding any."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clipkit.media.demux import Damage, is_shown, packet_tick, read_packets
from clipkit.media.gate import open_container
from clipkit.media.probe import require_video


def frame_times(path: str | Path) -> NDArray[np.float64]:
    """Return when each frame of a video is due, seconds from the first; nothing is decoded.

    Raises
    ------
    InputError
        Those of :func:`clipkit.media.probe.require_video`.
    """
    info = require_video(path)
    assert info.video is not None
    with open_container(path) as container:
        packets = read_packets(container, container.streams[info.video.index], Damage())
        ticks = sorted({packet_tick(packet, container.format.name) for packet in packets if is_shown(packet)})
    times_s = (np.array(ticks, np.float64) - info.video.start_pts) * float(info.video.time_base)
    return times_s[times_s >= 0]
