"""What the packets of a video say before any of them is decoded: when, how large, where decoding can begin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clipkit.media.demux import Damage, is_shown, read_packets
from clipkit.media.gate import open_container
from clipkit.media.info import MediaInfo
from clipkit.params import SecurityParams

# One packet is one frame on screen here; elsewhere packets hold hidden frames, or two in one.
_CODECS = ("h264", "hevc", "mpeg4")


@dataclass(frozen=True)
class PacketIndex:
    """The packets of one video stream in the order in which their frames are shown.

    Attributes
    ----------
    pts : ndarray of int64, shape (n_frames,)
        Strictly rising.
    time_s : ndarray of float64, shape (n_frames,)
        Seconds after the first displayed frame.
    size : ndarray of int64, shape (n_frames,)
        Bytes.
    is_key : ndarray of bool, shape (n_frames,)
    is_disposable : ndarray of bool, shape (n_frames,)
        No other frame refers to this one; such frames are small.
    """

    pts: NDArray[np.int64]
    time_s: NDArray[np.float64]
    size: NDArray[np.int64]
    is_key: NDArray[np.bool_]
    is_disposable: NDArray[np.bool_]


def read_packet_index(info: MediaInfo, security: SecurityParams | None = None) -> PacketIndex | None:
    """Read all packets of the video and decode none.

    Parameters
    ----------
    info : MediaInfo
        Of a file with video.
    security : SecurityParams, optional

    Returns
    -------
    PacketIndex or None
        None where packets do not tell which frames will be shown: codecs with hidden frames, times
        that are missing or repeated, damage.
    """
    video = info.video
    if video is None or video.codec not in _CODECS or video.decode_delay or info.container == "avi":
        return None
    damage = Damage()
    rows: list[tuple[int, int, bool, bool]] = []
    with open_container(info.path, security) as container:
        for packet in read_packets(container, container.streams[video.index], damage):
            if packet.size and (packet.pts is None or packet.is_corrupt):
                return None
            if is_shown(packet):
                rows.append((packet.pts, packet.size, packet.is_keyframe, packet.is_disposable))
    rows.sort()
    table = np.array(rows, np.int64).reshape(-1, 4)
    pts, size, is_key, is_disposable = table[:, 0], table[:, 1], table[:, 2] > 0, table[:, 3] > 0
    is_plain = damage.count == 0 and len(pts) > 0 and pts[0] == video.start_pts and is_key[0]
    if not is_plain or (np.diff(pts) <= 0).any():
        return None
    time_s = (pts - video.start_pts) * video.time_base.numerator / video.time_base.denominator
    return PacketIndex(pts, time_s, size, is_key, is_disposable)
