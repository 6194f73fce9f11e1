"""Frames of a video through PyAV: exact in time, planes without copies."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from typing import Any

import av
from av.video.reformatter import ColorRange, VideoReformatter

from clipkit.errors import InputError
from clipkit.media.clock import FrameClock
from clipkit.media.deinterlace import deinterlaced
from clipkit.media.demux import Damage, read_frames
from clipkit.media.frames import COLORSPACES, Frame, Plane, VideoReader
from clipkit.media.gate import open_container
from clipkit.media.info import MediaInfo, VideoInfo
from clipkit.media.probe import require_video
from clipkit.media.tonemap import ToneMapper, tone_mapped
from clipkit.params import SecurityParams

__all__ = ["Frame", "Plane", "PyavReader", "VideoReader", "open_video"]

# Their planes are taken as they are; anything else is converted once.
_PLANAR = frozenset(
    f"yuv{kind}{subsampling}p" for kind in ("", "j") for subsampling in ("420", "422", "444", "440", "411")
)
# How far before the target to seek again when a seek landed behind it (seconds).
_SEEK_STEPS_S = (0.0, 1.0, 4.0, 15.0)
# Decoding on is cheaper than a seek up to here when no index says where key frames are (seconds).
_NEAR_S = 8.0


def open_video(
    path: str | os.PathLike[str],
    *,
    reader: str = "pyav",
    threads: int = 0,
    loop_filter: bool = True,
    deinterlace: bool = False,
    tone_map: bool = False,
    security: SecurityParams | None = None,
) -> VideoReader:
    """Open a video for reading.

    Parameters
    ----------
    path : path-like
        A file with video.
    reader : {"pyav", "decord"}, optional
        The decoder.
    threads : int, optional
        Decoding threads, 0 for one a core.
    loop_filter : bool, optional
        Whether edges of coding blocks are smoothed, as the codec asks.  Without it decoding is cheaper and pictures
        differ a little from what a player shows: enough to measure, not to look at.  decord always smooths.
    deinterlace : bool, optional
        Whether pictures of an interlaced video are made whole, without combs; times stay.  decord cannot.
    tone_map : bool, optional
        Whether pictures of an HDR video are made SDR from all their bits; ``video`` then describes those pictures
        and ``info.video`` the file.  decord cannot.
    security : SecurityParams, optional
        Limits of the gate.

    Returns
    -------
    VideoReader

    Raises
    ------
    InputError
        Those of :func:`clipkit.media.probe.require_video`, and ``input.reader_unavailable`` when decord is asked for
        and cannot read this file.
    """
    info = require_video(path, security)
    if reader == "pyav":
        return PyavReader(
            info,
            threads=threads,
            loop_filter=loop_filter,
            deinterlace=deinterlace,
            tone_map=tone_map,
            security=security,
        )
    from clipkit.media.decord_reader import DecordReader  # its native library takes long to load

    return DecordReader(info, threads=threads, deinterlace=deinterlace, tone_map=tone_map, security=security)


class PyavReader(VideoReader):
    """A :class:`VideoReader` on PyAV; see :func:`open_video`.

    With `only_key_frames` it yields the frames at which decoding can begin, and the decoder skips all others.
    """

    def __init__(
        self,
        info: MediaInfo,
        *,
        threads: int = 0,
        loop_filter: bool = True,
        only_key_frames: bool = False,
        deinterlace: bool = False,
        tone_map: bool = False,
        security: SecurityParams | None = None,
    ) -> None:
        assert info.video is not None
        self.info = info
        self._mapper = ToneMapper(info.video) if tone_map and info.video.is_hdr else None
        self.video: VideoInfo = tone_mapped(info.video) if self._mapper else info.video
        self._threads = 1 if only_key_frames else threads  # threads do not help where little is decoded
        self._loop_filter = loop_filter
        self._only_key_frames = only_key_frames
        self._deinterlace = deinterlace and info.video.is_interlaced
        self._security = security
        self._damage = Damage()
        self._reformatter = VideoReformatter()
        self._container: Any = None
        self._stream: Any = None
        self._open()

    @property
    def n_corrupt(self) -> int:
        """Packets and frames so far that were broken."""
        return self._damage.count

    def frames(self, start_s: float = 0.0, end_s: float = math.inf) -> Iterator[Frame]:
        """Yield the frames with ``start_s <= time_s < end_s``, times strictly rising."""
        for frame in self._frames_from(start_s):
            if frame.time_s >= end_s:
                return
            if frame.time_s >= start_s:
                yield frame

    def frames_at(self, times_s: Iterable[float]) -> Iterator[Frame]:
        """Yield the frame on screen at each of the sorted times; beyond the ends, the first and the last."""
        current: Frame | None = None
        following: Frame | None = None
        frames: Iterator[Frame] = iter(())
        for time_s in times_s:
            if (
                current is None
                or time_s < current.time_s
                or (following is not None and self._is_far(following, time_s))
            ):
                frames = self._frames_from(time_s)
                current = next(frames, None)
                if current is None:
                    message = f"{self.info.path}: no frame of its video can be decoded. Export it again."
                    raise InputError(message, code="input.no_frames")
                following = next(frames, None)
            while following is not None and following.time_s <= time_s:
                current, following = following, next(frames, None)
            yield current

    def close(self) -> None:
        """Let go of the file; may be called again."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def _open(self) -> None:
        if self._container is not None:
            self._container.close()
        self._container = open_container(self.info.path, self._security)
        self._stream = self._container.streams[self.video.index]
        context = self._stream.codec_context
        context.thread_type = "AUTO"
        context.thread_count = self._threads
        if not self._loop_filter:
            context.options = {"skip_loop_filter": "all"}
        if self._only_key_frames:
            context.skip_frame = "NONKEY"
        self._is_fresh = True
        self._damage_at_open = self._damage.count

    def _frames_from(self, time_s: float) -> Iterator[Frame]:
        """Yield frames from one at or before a time on, at the latest the first of the file."""
        if self._container is None:
            message = f"{self.info.path}: the reader is closed."
            raise ValueError(message)
        if time_s > 0:
            for step_s in _SEEK_STEPS_S:
                if time_s - step_s <= 0:
                    break
                frames = self._frames_after_seek(time_s - step_s)
                first = next(frames, None)
                if first is not None and first.time_s <= time_s:
                    yield first
                    yield from frames
                    return
        if not self._is_fresh:
            self._open()
        yield from self._decode()

    def _frames_after_seek(self, time_s: float) -> Iterator[Frame]:
        # The time of a frame, divided by a tick, may fall just short of a whole number.
        tick = self.video.start_pts + math.floor(min(time_s, self.info.duration_s) / self.video.time_base + 1e-3)
        if self._damage.count > self._damage_at_open:
            self._open()  # a decoder that has met damage is not like new after a seek
        self._is_fresh = False
        try:
            self._container.seek(tick, stream=self._stream)
        except av.FFmpegError:
            return
        frames = self._decode()
        # Frames before the first key frame refer to pictures that were not decoded.
        first_key = next((frame for frame in frames if frame.is_key), None)
        if first_key is not None:
            yield first_key
            yield from frames

    def _decode(self) -> Iterator[Frame]:
        self._is_fresh = False
        last_s = 0.0
        # Before anything is converted: subsampled chroma of two fields must not be mixed.
        shown = deinterlaced(self._shown()) if self._deinterlace else self._shown()
        for picture, pts in shown:
            planar = self._mapper.picture(picture) if self._mapper else self._as_planar(picture)
            frame = Frame(planar, pts, self.video, is_key=bool(picture.key_frame))
            last_s = frame.time_s
            yield frame
        # With several threads PyAV 18 loses what follows an error among the very last pictures.
        if self._threads != 1 and last_s + 1.5 / self.video.frame_rate < self.info.duration_s:
            with PyavReader(
                self.info,
                threads=1,
                loop_filter=self._loop_filter,
                deinterlace=self._deinterlace,
                tone_map=self._mapper is not None,
                security=self._security,
            ) as tail:
                yield from tail.frames(math.nextafter(last_s, math.inf))

    def _shown(self) -> Iterator[tuple[Any, int]]:
        """Yield the decoded pictures that are on screen for some time, each with its tick."""
        clock = FrameClock(self.info)
        for picture in read_frames(self._container, self._stream, self._damage):
            pts = clock.tick(picture)
            if pts is not None:
                yield picture, pts

    def _as_planar(self, picture: Any) -> Any:
        video = self.video
        width, height, name = video.coded_width, video.coded_height, picture.format.name
        if name in _PLANAR and picture.width == width and picture.height == height:
            return picture
        matrix = COLORSPACES[video.matrix]
        color_range = ColorRange.JPEG if video.is_full_range else ColorRange.MPEG
        return self._reformatter.reformat(
            picture,
            width=width,
            height=height,
            format="yuv420p",
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=ColorRange.JPEG if picture.format.is_rgb else color_range,
            dst_color_range=color_range,
            threads=1,
        )

    def _is_far(self, frame: Frame, time_s: float) -> bool:
        """Return whether a seek reaches a time sooner than decoding on."""
        if time_s <= frame.time_s:
            return False
        entries = self._stream.index_entries
        if len(entries):
            tick = self.video.start_pts + math.floor(time_s / self.video.time_base)
            position = entries.search_timestamp(tick)
            return bool(position >= 0 and entries[position].timestamp > frame.pts)
        return time_s - frame.time_s > _NEAR_S
