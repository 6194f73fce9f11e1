"""What a finished file is, found by opening and decoding all of it once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from av.audio.resampler import AudioResampler

from clipkit.errors import InputError
from clipkit.media.demux import Damage, decode, read_packets
from clipkit.media.gate import open_container, usable_streams
from clipkit.media.probe import MediaInfo, require_video
from clipkit.output.boxes import BoxFacts, read_boxes
from clipkit.output.loudness import Loudness, measure_loudness

# Keys that say how a file is built, not what it is about.
_STRUCTURAL = {
    "encoder",
    "major_brand",
    "minor_version",
    "compatible_brands",
    "handler_name",
    "vendor_id",
    "language",
    "duration",
}
_LOUDNESS_HZ = 48_000


@dataclass(frozen=True)
class FileFacts:
    """What was found in a finished file.

    Attributes
    ----------
    info : MediaInfo
        As probed.
    boxes : BoxFacts
    duration_s : float
        From the first frame to the end of the last.
    n_frames : int
        Frames that decoded.
    n_broken : int
        Packets and frames that did not.
    frame_rate : Fraction
        Frames a second on average.
    is_constant_rate : bool
        Whether every frame stays equally long, to a tick.
    longest_gop_s : float
        Longest time between key frames, or from the last one to the end.
    has_open_gop : bool
        Whether a frame before a key frame is decoded after it.
    video_profile : str
    video_bitrate : float
        Bits a second on average.
    audio_profile : str
        Empty without sound.
    audio_bitrate : float
    audio_duration_s : float
    sound_delay_s : float
        Start of the sound after that of the picture.
    loudness : Loudness or None
        None without sound.
    metadata : tuple of str
        ``key=value`` of everything that the file says about itself.
    """

    info: MediaInfo
    boxes: BoxFacts
    duration_s: float
    n_frames: int
    n_broken: int
    frame_rate: Fraction
    is_constant_rate: bool
    longest_gop_s: float
    has_open_gop: bool
    video_profile: str
    video_bitrate: float
    audio_profile: str
    audio_bitrate: float
    audio_duration_s: float
    sound_delay_s: float
    loudness: Loudness | None
    metadata: tuple[str, ...]


def measure_file(path: str | Path) -> FileFacts:
    """Open a finished file, decode all of it, and return what it is.

    The result of a file that has not changed since is remembered.

    Raises
    ------
    InputError
        If it cannot be opened or has no picture.
    """
    path = Path(path)
    try:
        status = os.stat(path)
    except OSError as error:
        message = f"{path}: no such file ({error.strerror}). Check the path."
        raise InputError(message, code="input.missing") from error
    return _measure(_File(path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))


@dataclass(frozen=True)
class _File:
    """The bytes of a file: the same under another name, another once it was written to."""

    path: Path = field(compare=False)
    device: int
    inode: int
    size: int
    changed_ns: int


@lru_cache(maxsize=32)
def _measure(file: _File) -> FileFacts:
    path = file.path
    info = require_video(path)
    assert info.video is not None
    damage = Damage()
    video_packets: list[tuple[int, int, bool]] = []
    n_frames = n_audio_bytes = 0
    pieces: list[Any] = []
    first_sample_s: float | None = None
    with open_container(path) as container:
        video = container.streams.video[0]
        video.thread_type = "AUTO"
        # What is wanted are errors, not pictures, and the loop filter makes neither.
        video.codec_context.options = {"skip_loop_filter": "all"}
        sound = next(iter(usable_streams(container, "audio")), None)
        metadata = _metadata(container, (video, sound))
        profiles = (str(video.profile or ""), str(sound.profile or "") if sound else "")
        resampler = AudioResampler("fltp", "stereo" if sound and sound.channels > 1 else "mono", _LOUDNESS_HZ)
        for packet in read_packets(container, [video] if sound is None else [video, sound], damage):
            if packet.stream is video:
                if packet.size and packet.pts is not None:
                    video_packets.append((packet.pts, packet.size, packet.is_keyframe))
                n_frames += len(decode(packet, damage))
                continue
            n_audio_bytes += packet.size
            for frame in decode(packet, damage):
                if first_sample_s is None and frame.pts is not None:
                    first_sample_s = float(frame.pts * frame.time_base)
                frame.pts = None
                pieces += [piece.to_ndarray().T for piece in resampler.resample(frame)]
    samples = np.ascontiguousarray(np.concatenate(pieces)) if pieces else np.zeros((0, 1), np.float32)
    audio_s = len(samples) / _LOUDNESS_HZ
    first_frame_s = float(info.video.start_pts * info.video.time_base)
    ticks = sorted(tick for tick, _, _ in video_packets)
    steps = [later - earlier for earlier, later in pairwise(ticks)]
    return FileFacts(
        info=info,
        boxes=read_boxes(path),
        duration_s=info.duration_s,
        n_frames=n_frames,
        n_broken=damage.count,
        frame_rate=info.video.frame_rate,
        is_constant_rate=not steps or max(steps) - min(steps) <= 1,
        longest_gop_s=_longest_gop_s(video_packets, info.video.time_base, info.duration_s),
        has_open_gop=_has_open_gop(video_packets),
        video_profile=profiles[0],
        video_bitrate=8 * sum(length for _, length, _ in video_packets) / max(info.duration_s, 1e-3),
        audio_profile=profiles[1],
        audio_bitrate=8 * n_audio_bytes / max(audio_s, 1e-3),
        audio_duration_s=audio_s,
        sound_delay_s=0.0 if first_sample_s is None else first_sample_s - first_frame_s,
        loudness=measure_loudness(samples, _LOUDNESS_HZ) if sound is not None else None,
        metadata=metadata,
    )


def _longest_gop_s(packets: Sequence[tuple[int, int, bool]], time_base: Fraction, duration_s: float) -> float:
    keys = sorted(tick for tick, _, is_key in packets if is_key)
    if not keys:
        return duration_s
    end = keys[0] + duration_s / time_base
    return float(max(later - earlier for earlier, later in pairwise([*keys, end])) * time_base)


def _has_open_gop(packets: Sequence[tuple[int, int, bool]]) -> bool:
    newest_key: int | None = None
    for tick, _, is_key in packets:
        if is_key:
            newest_key = tick
        elif newest_key is not None and tick < newest_key:
            return True
    return False


def _metadata(container: Any, streams: Sequence[Any]) -> tuple[str, ...]:
    found = {}
    for source in (container, *(stream for stream in streams if stream is not None)):
        found.update({key: value for key, value in source.metadata.items() if key.lower() not in _STRUCTURAL})
    return tuple(f"{key}={value}" for key, value in sorted(found.items()))
