"""Sound on the time line of the picture: sample 0 is the first displayed frame, silence fills what is missing."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from numpy.typing import NDArray

from clipkit.errors import InputError
from clipkit.media.demux import Damage, read_frames
from clipkit.media.gate import open_container
from clipkit.media.info import AudioInfo, MediaInfo
from clipkit.media.languages import same_language
from clipkit.media.probe import probe
from clipkit.params import SecurityParams

Samples = NDArray[np.float32]

# Time stamps may disagree with the number of samples by this much before they win (seconds):
# containers round them to a millisecond or a packet, and lips bear 40 ms.
_MAX_DRIFT_S = 0.03
# Decoders need sound before the wanted one to get going, MP3 half a second (seconds).
_PREROLL_S = 1.0
# Their time stamps after a seek are guesses from the bit rate.
_UNSEEKABLE = ("mp3", "aac", "amr")
# The resampler's default lets a mono downmix of floats grow by 3 dB; with a limit of 1 it is the mean.
_MIX = {"rematrix_maxval": "1.0"}
_LAYOUTS = {1: "mono", 2: "stereo"}


def read_audio(
    path: str | os.PathLike[str],
    *,
    rate_hz: int,
    channels: int,
    start_s: float = 0.0,
    end_s: float | None = None,
    track: int | None = None,
    security: SecurityParams | None = None,
) -> Samples:
    """Return the sound from `start_s` to `end_s` on the time line of the picture.

    Parameters
    ----------
    path : path-like
        A file with video, sound or both.
    rate_hz : int
        Samples a second of the result.
    channels : {1, 2}
        One is the mean of a stereo pair; more channels are mixed down by ITU-R BS.775 weights.
    start_s, end_s : float, optional
        From and to, by default all of the picture, or all of the sound when there is no picture.
    track : int, optional
        Which audio track, counted from 0; by default the one marked as default, else the first that can be read.
    security : SecurityParams, optional
        Limits of the gate.

    Returns
    -------
    ndarray of float32, shape (n_samples, channels)
        Full scale is 1.  Always ``round(end_s * rate_hz) - round(start_s * rate_hz)`` samples: what the file lacks
        is silence, all of it in a file without sound.

    Raises
    ------
    InputError
        ``input.no_audio_track`` if `track` is not there or cannot be read, and those of the gate.
    """
    whole = audio_blocks(
        path,
        rate_hz=rate_hz,
        channels=channels,
        block_s=math.inf,
        start_s=start_s,
        end_s=end_s,
        track=track,
        security=security,
    )
    return next(whole, np.zeros((0, channels), np.float32))


def audio_blocks(
    path: str | os.PathLike[str],
    *,
    rate_hz: int,
    channels: int | None,
    block_s: float = 10.0,
    start_s: float = 0.0,
    end_s: float | None = None,
    track: int | None = None,
    security: SecurityParams | None = None,
) -> Iterator[Samples]:
    """Yield what :func:`read_audio` returns in blocks of `block_s` seconds, the last one shorter; memory stays flat.

    Without a number of channels they stay those of the track, unmixed, in the order of :func:`channel_names`; a file
    without sound then has one.
    """
    info = probe(path, security)
    audio = _choose_track(info, track)
    layout = _LAYOUTS[channels] if channels else audio.layout if audio else "mono"
    channels = AudioLayout(layout).nb_channels
    end_s = info.duration_s if end_s is None else end_s
    first = round(start_s * rate_hz)
    n_left = max(round(end_s * rate_hz) - first, 0)
    pieces = _pieces(info, audio, rate_hz, layout, start_s, end_s, security) if audio and n_left else iter(())
    block_size = n_left if math.isinf(block_s) else max(round(block_s * rate_hz), 1)
    block = np.zeros((min(block_size, n_left), channels), np.float32)
    begin = first
    for position, samples in pieces:
        while position + len(samples) > begin and n_left:
            target = max(position, begin)
            part = samples[target - position :][: max(begin + len(block) - target, 0)]
            block[target - begin : target - begin + len(part)] = part
            if position + len(samples) < begin + len(block):
                break
            yield block
            begin, n_left = begin + len(block), n_left - len(block)
            block = np.zeros((min(block_size, n_left), channels), np.float32)
    while n_left:
        yield block
        n_left -= len(block)
        block = np.zeros((min(block_size, n_left), channels), np.float32)


def channel_names(info: MediaInfo, track: int | None = None) -> tuple[str, ...]:
    """Return the names of the channels of a track, by default the one that is read by default; none without sound.

    They are FL, FR, FC, LFE and so on; channels whose place the file does not tell are called NONE.
    """
    audio = _choose_track(info, track)
    return tuple(channel.name for channel in AudioLayout(audio.layout).channels) if audio else ()


def find_track(info: MediaInfo, language: str | None) -> int | None:
    """Return the first audio track in a language that can be read, counted from 0; None for the default one.

    None is also the answer where no language is asked for or no track is in it.  Of several in that language the one
    marked as default is preferred.
    """
    if language is None:
        return None
    spoken = [
        number
        for number, audio in enumerate(info.audio)
        if audio.is_readable and same_language(audio.language, language)
    ]
    return min(spoken, key=lambda number: not info.audio[number].is_default, default=None)


def track_note(info: MediaInfo, language: str | None) -> str | None:
    """Return a sentence on which of several tracks is heard, or that none is in the language asked for."""
    readable = [audio for audio in info.audio if audio.is_readable]
    chosen = _choose_track(info, find_track(info, language))
    is_missing = language is not None and find_track(info, language) is None
    if chosen is None or (len(readable) < 2 and not is_missing):
        return None
    found = ", ".join(_tag(audio) for audio in readable)
    head = f"the file has {len(readable)} sound tracks ({found})" if len(readable) > 1 else f"the sound is in {found}"
    if is_missing:
        return f"{head}, none in {language}: {_tag(chosen)} is heard."
    why = "as asked for" if language else "which comes first or is marked as default; audio.language chooses another"
    return f"{head}: {_tag(chosen)} is heard, {why}."


def _tag(audio: AudioInfo) -> str:
    return audio.language if audio.language not in (None, "und") else "no language"


def _choose_track(info: MediaInfo, track: int | None) -> AudioInfo | None:
    if track is None:
        readable = [audio for audio in info.audio if audio.is_readable]
        return next((audio for audio in readable if audio.is_default), readable[0] if readable else None)
    if not 0 <= track < len(info.audio) or not info.audio[track].is_readable:
        found = ", ".join(f"{number}: {audio.codec}" for number, audio in enumerate(info.audio)) or "none"
        message = f"{info.path}: audio track {track} is not there or cannot be read (tracks: {found}). Choose another."
        raise InputError(message, code="input.no_audio_track")
    return info.audio[track]


def _pieces(
    info: MediaInfo,
    audio: AudioInfo,
    rate_hz: int,
    layout: str,
    start_s: float,
    end_s: float,
    security: SecurityParams | None,
) -> Iterator[tuple[int, Samples]]:
    """Yield (index of the first sample on the time line, samples) in the order of the file."""
    run: _Run | None = None
    for time_s, frame in _timed_frames(info, audio, start_s, security):
        if run is None or not run.continues(time_s, frame):
            if run is not None:
                yield from run.flush()
            run = _Run(frame, run.next_s if time_s is None and run else time_s or 0.0, rate_hz, layout)
        if run.next_s >= end_s:
            break
        yield from run.convert(frame)
    if run is not None:
        yield from run.flush()


class _Run:
    """A stretch of sound without gaps in one source format."""

    def __init__(self, frame: Any, start_s: float, rate_hz: int, layout: str) -> None:
        self._format = _source_format(frame)
        self._channels = AudioLayout(layout).nb_channels
        mixed = "mono" if frame.layout.nb_channels == 1 else layout
        self._resampler = AudioResampler("fltp", mixed, rate_hz, options=_MIX)
        self._start_s = start_s
        self._n_source = 0
        self._position = round(start_s * rate_hz)

    @property
    def next_s(self) -> float:
        return self._start_s + self._n_source / self._format[2]

    def continues(self, time_s: float | None, frame: Any) -> bool:
        in_time = time_s is None or abs(time_s - self.next_s) <= _MAX_DRIFT_S
        return in_time and _source_format(frame) == self._format

    def convert(self, frame: Any) -> Iterator[tuple[int, Samples]]:
        self._n_source += frame.samples
        frame.pts = None
        yield from self._place(self._resampler.resample(frame))

    def flush(self) -> Iterator[tuple[int, Samples]]:
        yield from self._place(self._resampler.resample(None))

    def _place(self, frames: list[Any]) -> Iterator[tuple[int, Samples]]:
        for frame in frames:
            if frame is None:  # a resampler with nothing to do hands back the flush
                continue
            samples = frame.to_ndarray().T
            if not np.isfinite(samples).all():
                samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
            if samples.shape[1] != self._channels:
                samples = np.broadcast_to(samples, (len(samples), self._channels))
            yield self._position, samples
            self._position += len(samples)


def _source_format(frame: Any) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _timed_frames(
    info: MediaInfo, audio: AudioInfo, start_s: float, security: SecurityParams | None
) -> Iterator[tuple[float | None, Any]]:
    """Yield (time on the picture's time line, decoded frame) from some time before `start_s` on."""
    if start_s > 2 * _PREROLL_S and info.container not in _UNSEEKABLE:
        with open_container(info.path, security) as container:
            stream = container.streams[audio.index]
            origin_s = _origin_s(info, stream)
            try:
                container.seek(int((start_s - _PREROLL_S + origin_s) * av.time_base))
            except av.FFmpegError:
                frames: Iterator[tuple[float | None, Any]] = iter(())
            else:
                frames = _with_times(container, stream, origin_s)
            first = next(frames, None)
            # A seek may land behind its target; then only the way from the start is right.
            if first is not None and first[0] is not None and first[0] <= start_s:
                yield first
                yield from frames
                return
    with open_container(info.path, security) as container:
        stream = container.streams[audio.index]
        yield from _with_times(container, stream, _origin_s(info, stream))


def _with_times(container: InputContainer, stream: Any, origin_s: float) -> Iterator[tuple[float | None, Any]]:
    for frame in read_frames(container, stream, Damage()):
        if frame.samples:
            yield (None if frame.pts is None else float(frame.pts * frame.time_base) - origin_s), frame


def _origin_s(info: MediaInfo, stream: Any) -> float:
    if info.video is not None:
        return float(info.video.start_pts * info.video.time_base)
    return float((stream.start_time or 0) * stream.time_base)
