"""Frames of a video through decord: random access for notebooks, only where its answers agree with PyAV's.

Conventions
-----------
decord counts frames, so its indices are matched to the time stamps that PyAV reads.  It gives
RGB by the BT.601 matrix whatever the file says; planes are made from that by the same matrix
and agree with the decoded ones to a few levels.
"""

from __future__ import annotations

import math
import statistics
import threading
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NoReturn

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from clipkit.errors import InputError
from clipkit.media.demux import Damage, read_packets
from clipkit.media.frames import Frame, VideoReader, turn
from clipkit.media.gate import open_container
from clipkit.media.info import MediaInfo, VideoInfo
from clipkit.params import SecurityParams

_CODECS = ("h264", "hevc", "vp9")
# Seeks in MPEG-TS can hang inside decord for ever.
_CONTAINERS = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
# decord's times are float32.
_MAX_TIME_ERROR = 1e-6


class DecordReader(VideoReader):
    """A :class:`VideoReader` on decord.

    Raises
    ------
    InputError
        ``input.reader_unavailable`` when decord is not installed or cannot be trusted with this file.
    """

    def __init__(
        self,
        info: MediaInfo,
        *,
        threads: int = 0,
        deinterlace: bool = False,
        tone_map: bool = False,
        security: SecurityParams | None = None,
    ) -> None:
        assert info.video is not None
        self.info = info
        self.video: VideoInfo = info.video
        if self.video.codec not in _CODECS or info.container not in _CONTAINERS:
            _refuse(
                info, f"it reads H.264, HEVC and VP9 in MP4 and MKV, this is {self.video.codec} in {info.container}"
            )
        if deinterlace and self.video.is_interlaced:
            _refuse(info, "it cannot take interlaced fields apart")
        if tone_map and self.video.is_hdr:
            _refuse(info, "it gives 8 bits, too few for HDR")
        if self.video.mirrored:
            _refuse(info, "it does not mirror pictures")
        self._ticks, self._keys = _packet_ticks(info, self.video, security)
        self._times_s = np.array([float((tick - self.video.start_pts) * self.video.time_base) for tick in self._ticks])
        self._decoder = _open(info, threads)
        self._thread = threading.get_ident()
        self._check_agreement()

    @property
    def n_corrupt(self) -> int:
        """Always 0: decord shows broken frames and does not say so."""
        return 0

    def frames(self, start_s: float = 0.0, end_s: float = math.inf) -> Iterator[Frame]:
        """Yield the frames with ``start_s <= time_s < end_s``, times strictly rising."""
        for index in range(*np.searchsorted(self._times_s, [start_s, end_s])):
            yield self._frame(index)

    def frames_at(self, times_s: Iterable[float]) -> Iterator[Frame]:
        """Yield the frame on screen at each of the sorted times; beyond the ends, the first and the last."""
        for time_s in times_s:
            yield self._frame(max(int(np.searchsorted(self._times_s, time_s, side="right")) - 1, 0))

    def close(self) -> None:
        """Let go of the file; may be called again."""
        self._decoder = None

    def _check_agreement(self) -> None:
        video = self.video
        if self._ticks[0] != video.start_pts:
            _refuse(self.info, "the first frames cannot be shown")
        if len(self._decoder) != len(self._ticks):
            _refuse(self.info, f"it counts {len(self._decoder)} frames where the file has {len(self._ticks)}")
        times_s = self._decoder.get_frame_timestamp(range(len(self._ticks)))[:, 0]
        if np.abs(times_s - times_s[0] - self._times_s).max() > _MAX_TIME_ERROR * max(1.0, self._times_s[-1]):
            _refuse(self.info, "its time stamps differ from the file's")
        first = self._decoder[0].shape[:2]
        size = (video.coded_height, video.coded_width)
        if first != (size[::-1] if video.rotation in (90, 270) else size):
            _refuse(self.info, f"it shows {first[1]}x{first[0]} pixels")

    def _frame(self, index: int) -> Frame:
        if threading.get_ident() != self._thread:
            message = "a decord reader belongs to the thread that opened it: shared, it never returns"
            raise RuntimeError(message)
        if self._decoder is None:
            message = f"{self.info.path}: the reader is closed."
            raise ValueError(message)
        try:
            image = self._decoder[index].asnumpy()
        except Exception as error:  # decord raises its own and plain RuntimeError, with a stack of C++ in the text
            message = f"{self.info.path}: decord cannot decode frame {index}. Read the file with source.reader: pyav."
            raise InputError(message, code="input.reader_unavailable") from error
        color_range = ColorRange.JPEG if self.video.is_full_range else ColorRange.MPEG
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(turn(image, -self.video.rotation, False)), "rgb24")
        planar = picture.reformat(
            format="yuv420p",
            src_colorspace=Colorspace.ITU601,
            dst_colorspace=Colorspace.ITU601,
            src_color_range=ColorRange.JPEG,
            dst_color_range=color_range,
        )
        tick = self._ticks[index]
        return Frame(planar, tick, self.video, is_key=tick in self._keys)


def _open(info: MediaInfo, threads: int) -> Any:
    try:
        import decord
    except ImportError:
        _refuse(info, "it is not installed (there are wheels for Linux and Windows on x86-64 only)")
    decord.logging.set_level(decord.logging.QUIET)
    try:
        return decord.VideoReader(info.path, num_threads=threads)
    except Exception:  # decord raises its own and plain RuntimeError, with a stack of C++ in the text
        _refuse(info, "it cannot open the file")


def _packet_ticks(info: MediaInfo, video: VideoInfo, security: SecurityParams | None) -> tuple[list[int], set[int]]:
    """Return the ticks of all packets in display order, and those of key frames."""
    with open_container(info.path, security) as container:
        stream = container.streams[video.index]
        packets = [packet for packet in read_packets(container, stream, Damage()) if packet.size]
        if any(packet.is_discard for packet in packets):
            _refuse(info, "an edit list cuts frames away, which it counts all the same")
        if any(packet.pts is None for packet in packets):
            _refuse(info, "the file lacks time stamps")
        ticks = sorted(packet.pts for packet in packets if packet.pts is not None)
        keys = {packet.pts for packet in packets if packet.is_keyframe and packet.pts is not None}
    intervals = [later - earlier for earlier, later in pairwise(ticks)] or [1]
    if min(intervals) == 0 or (video.codec == "vp9" and 4 * min(intervals) < statistics.median(intervals)):
        _refuse(info, "it counts packets that show nothing as frames")
    return ticks, keys


def _refuse(info: MediaInfo, reason: str) -> NoReturn:
    message = f"{info.path}: decord cannot be used: {reason}. Read the file with source.reader: pyav."
    raise InputError(message, code="input.reader_unavailable")
