"""What a file holds, found by looking: headers are believed only where nothing better can be had cheaply."""

from __future__ import annotations

import math
import os
import statistics
import struct
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition

from clipkit.errors import InputError
from clipkit.media.demux import Damage, decode, is_shown, last_tick, packet_tick, read_packets
from clipkit.media.gate import open_container, usable_streams
from clipkit.media.info import UNKNOWN, AudioInfo, MediaInfo, SubtitleInfo, VideoInfo
from clipkit.params import SecurityParams

__all__ = ["AudioInfo", "MediaInfo", "SubtitleInfo", "VideoInfo", "displayed_size", "probe", "require_video"]

# Code points of ISO/IEC 23091-2 under the names that ffmpeg gives them.
_SPACES = {0: "rgb", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc", 10: "bt2020c"}
_RANGES = {1: "tv", 2: "pc"}
_TRANSFERS = {
    1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 11: "iec61966-2-4",
    13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 18: "arib-std-b67",
}  # fmt: skip
_PRIMARIES = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020", 11: "smpte431",
    12: "smpte432",
}  # fmt: skip

_COMMON_RATES = tuple(Fraction(n) for n in (10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)) + tuple(
    Fraction(n * 1000, 1001) for n in (12, 15, 24, 30, 48, 60, 120, 240)
)
_SAMPLED_PACKETS = 300
# The newest packets read may still lack B-frames that come between them.
_REORDERED_PACKETS = 16
_REGULAR_SHARE = 0.95
# A pixel five times as wide as high is a damaged header, not a picture.
_MAX_SAMPLE_ASPECT = 5


def probe(path: str | os.PathLike[str], security: SecurityParams | None = None) -> MediaInfo:
    """Look at a file: its streams, how it is displayed, how long it really is.

    Parameters
    ----------
    path : path-like
        Any file; it passes the gate first.
    security : SecurityParams, optional
        Limits of the gate.

    Returns
    -------
    MediaInfo
        ``video`` is None when no video stream gives a picture.  ``duration_s`` is the time from the first displayed
        frame to the end of the last, or the length of the sound when there is no picture.

    Raises
    ------
    InputError
        What :func:`clipkit.media.gate.open_container` raises.
    """
    with open_container(path, security) as container:
        candidates = [stream.index for stream in _by_preference(usable_streams(container, "video"))]
        audio_index = next((stream.index for stream in usable_streams(container, "audio")), None)
    video = next(filter(None, (_video_info(path, index, security) for index in candidates)), None)
    origin_s = float(video.start_pts * video.time_base) if video else 0.0
    with open_container(path, security) as container:
        # Described before anything is read: some containers gain streams on the way.
        audio = tuple(_audio_info(stream, origin_s) for stream in container.streams.audio)
        subtitles = tuple(_subtitle_info(stream) for stream in container.streams.subtitles)
        streams = tuple(f"{stream.type} #{stream.index} {_codec(stream)}" for stream in container.streams)
        duration_s = 0.0
        if video is not None:
            usual_ticks = round(1 / (video.frame_rate * video.time_base))
            end = last_tick(container, container.streams[video.index], usual_ticks)
            duration_s = float(max((end or 0) - video.start_pts, usual_ticks) * video.time_base)
        elif audio_index is not None:
            sound = container.streams[audio_index]
            end = last_tick(container, sound)
            duration_s = float(((end or 0) - (sound.start_time or 0)) * sound.time_base)
        return MediaInfo(
            path=str(path),
            container=container.format.name,
            size_bytes=Path(path).stat().st_size,
            duration_s=duration_s,
            video=video,
            audio=audio,
            subtitles=subtitles,
            streams=streams,
        )


def require_video(path: str | os.PathLike[str], security: SecurityParams | None = None) -> MediaInfo:
    """Return :func:`probe` of a file that has a picture.

    Raises
    ------
    InputError
        ``input.no_video_stream``, ``input.no_frames``, and those of the gate.
    """
    info = probe(path, security)
    if info.video is None:
        found = ", ".join(info.streams) or "none"
        if any(stream.startswith("video") for stream in info.streams) and not _only_covers(path, security):
            message = f"{path}: no frame of its video can be decoded (streams found: {found}). Export it again."
            raise InputError(message, code="input.no_frames")
        message = f"{path}: no video stream (streams found: {found}). Pass a file with video."
        raise InputError(message, code="input.no_video_stream")
    return info


def _only_covers(path: str | os.PathLike[str], security: SecurityParams | None) -> bool:
    with open_container(path, security) as container:
        return not usable_streams(container, "video")


def _by_preference(streams: list[Any]) -> list[Any]:
    def rank(stream: Any) -> tuple[bool, int, int]:
        is_default = bool(stream.disposition & Disposition.default)
        return (not is_default, -stream.codec_context.width * stream.codec_context.height, stream.index)

    return sorted(streams, key=rank)


def _video_info(path: str | os.PathLike[str], index: int, security: SecurityParams | None) -> VideoInfo | None:
    """Decode the first frame and time the first packets, in one pass: seeking back is not the same as a fresh start."""
    with open_container(path, security) as container:
        stream = container.streams[index]
        frame = None
        ticks: list[int] = []
        for packet in read_packets(container, stream, Damage()):
            if is_shown(packet):
                ticks.append(packet_tick(packet, container.format.name))
            if frame is None:
                frame = next(iter(decode(packet, Damage())), None)
            elif len(ticks) >= _SAMPLED_PACKETS:
                break
        if frame is None:
            return None
        if container.format.name == "avi" and ticks and frame.dts is not None:
            return _describe(stream, frame, ticks, start_pts=ticks[0], decode_delay=frame.dts - ticks[0])
        start_pts = frame.pts if frame.pts is not None else frame.dts
        return _describe(stream, frame, ticks, start_pts=start_pts or 0, decode_delay=0)


def _describe(stream: Any, frame: Any, ticks: list[int], *, start_pts: int, decode_delay: int) -> VideoInfo:
    frame_rate, is_variable = _frame_rate(ticks, stream)
    rotation, mirrored = _orientation(frame)
    aspect = _sample_aspect(stream)
    width, height = displayed_size(frame.width, frame.height, aspect, rotation)
    transfer = _TRANSFERS.get(int(frame.color_trc), UNKNOWN)
    return VideoInfo(
        index=stream.index,
        codec=_codec(stream),
        coded_width=frame.width,
        coded_height=frame.height,
        width=width,
        height=height,
        rotation=rotation,
        mirrored=mirrored,
        sample_aspect=aspect,
        frame_rate=frame_rate,
        is_variable_rate=is_variable,
        time_base=stream.time_base,
        start_pts=start_pts,
        decode_delay=decode_delay,
        pix_fmt=frame.format.name,
        color_space="rgb" if frame.format.is_rgb else _SPACES.get(int(frame.colorspace), UNKNOWN),
        color_range=_RANGES.get(int(frame.color_range), UNKNOWN),
        color_transfer=transfer,
        color_primaries=_PRIMARIES.get(int(frame.color_primaries), UNKNOWN),
        is_hdr=transfer in ("smpte2084", "arib-std-b67"),
        peak_nits=_peak_nits(frame),
        is_interlaced=bool(frame.interlaced_frame),
    )


def _peak_nits(frame: Any) -> float | None:
    """Return the lower of the brightest pixel and the mastering display's peak, as far as they are stated."""
    stated = []
    light = frame.side_data.get(SideDataType.CONTENT_LIGHT_LEVEL)
    if light is not None:
        stated.append(float(struct.unpack_from("=I", bytes(light))[0]))  # AVContentLightMetadata.MaxCLL
    mastering = frame.side_data.get(SideDataType.MASTERING_DISPLAY_METADATA)
    if mastering is not None:
        # AVMasteringDisplayMetadata: ten fractions, the last of them the peak, then what of it is set.
        *_, numerator, denominator, _, has_luminance = struct.unpack_from("=22i", bytes(mastering))
        stated.append(numerator / denominator if has_luminance and denominator else 0.0)
    return min((peak for peak in stated if peak > 0.0), default=None)


def _frame_rate(ticks: list[int], stream: Any) -> tuple[Fraction, bool]:
    """Return frames a second, and whether frames stay for different times, from the first time stamps."""
    ticks = sorted(set(ticks))
    if len(ticks) >= _SAMPLED_PACKETS:
        ticks = ticks[:-_REORDERED_PACKETS]
    intervals = [later - earlier for earlier, later in pairwise(ticks)]
    stated = Fraction(stream.average_rate or stream.guessed_rate or 25)
    if len(intervals) < 2:
        return _nearest_rate(min(max(stated, Fraction(1, 10)), Fraction(240))), False
    usual = statistics.median(intervals)
    # Time stamps are rounded to ticks, which is no irregularity.
    slack = max(usual / 10, min(1.0, usual / 3))
    regular = [interval for interval in intervals if abs(interval - usual) <= slack]
    is_variable = len(regular) < _REGULAR_SHARE * len(intervals)
    timed = intervals if is_variable else regular
    measured = len(timed) / (sum(timed) * stream.time_base)
    agrees = abs(stated / measured - 1) < (Fraction(1, 2) if is_variable else Fraction(3, 1000))
    rate = stated if agrees else measured.limit_denominator(1001)
    return (rate if is_variable else _nearest_rate(rate)), is_variable


def _nearest_rate(rate: Fraction) -> Fraction:
    nearest = min(_COMMON_RATES, key=lambda common: abs(common / rate - 1))
    return nearest if abs(nearest / rate - 1) < Fraction(15, 10000) else rate


def _orientation(frame: Any) -> tuple[int, bool]:
    """Return clockwise rotation and mirroring of a frame's display matrix.

    The matrix maps (x, y), y down, to (a x + c y, b x + d y); mirrored means that left and
    right change places first.
    """
    for side_data in frame.side_data:
        if side_data.type == SideDataType.DISPLAYMATRIX:
            a, b, _, c, d = np.frombuffer(bytes(side_data), "<i4")[:5].astype(np.float64)
            return round(math.degrees(math.atan2(-c, d)) / 90) % 4 * 90, bool(a * d - b * c < 0)
    return 0, False


def _sample_aspect(stream: Any) -> Fraction:
    aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    if not aspect or not Fraction(1, _MAX_SAMPLE_ASPECT) <= aspect <= _MAX_SAMPLE_ASPECT:
        return Fraction(1)
    return Fraction(aspect)


def displayed_size(coded_width: int, coded_height: int, sample_aspect: Fraction, rotation: int) -> tuple[int, int]:
    """Return width and height on a screen of square pixels; no side gets fewer pixels than were decoded.

    Examples
    --------
    >>> displayed_size(720, 576, Fraction(16, 15), 0), displayed_size(640, 360, Fraction(2, 3), 90)
    ((768, 576), (540, 640))
    """
    width = round(coded_width * max(sample_aspect, Fraction(1)))
    height = round(coded_height / min(sample_aspect, Fraction(1)))
    return (height, width) if rotation in (90, 270) else (width, height)


def _audio_info(stream: Any, origin_s: float) -> AudioInfo:
    context = stream.codec_context
    start_s = float(stream.start_time * stream.time_base) if stream.start_time is not None else origin_s
    is_readable = context is not None and stream in usable_streams(stream.container, "audio")
    return AudioInfo(
        index=stream.index,
        codec=_codec(stream),
        rate_hz=context.sample_rate if is_readable else 0,
        channels=context.layout.nb_channels if is_readable else 0,
        layout=context.layout.name if is_readable else UNKNOWN,
        language=stream.language,
        is_default=bool(stream.disposition & Disposition.default),
        is_readable=is_readable,
        start_s=start_s - origin_s,
    )


def _subtitle_info(stream: Any) -> SubtitleInfo:
    is_text = any(stream.index == usable.index for usable in usable_streams(stream.container, "subtitle"))
    return SubtitleInfo(stream.index, _codec(stream), stream.language, is_text)


def _codec(stream: Any) -> str:
    if stream.codec_context is None:
        return UNKNOWN
    return str(stream.codec_context.codec.canonical_name)
