"""The only way in: every file passes here before a decoder sees it.

A file named ``.mp4`` can be a playlist that makes a demuxer open other files, a picture of
a billion pixels, or plain text.  So demuxers, protocols and decoders are allow-listed by
what the content is, never by the name, and sizes are limited.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, NoReturn

import av
from av.container import InputContainer
from av.stream import Disposition

from clipkit.errors import InputError
from clipkit.media.demux import last_tick
from clipkit.params import SecurityParams

# Sound files are let in so that they get the true sentence, "no video stream", and so that
# read_audio can read them.
_CONTAINERS = ("mov", "matroska", "mpegts", "mpeg", "avi", "flv", "ogg", "gif", "wav", "mp3", "flac", "aac", "amr")
_DECODERS = (
    "h264,hevc,vp8,vp9,av1,libdav1d,mpeg1video,mpeg2video,mpeg4,msmpeg4v2,msmpeg4,h263,flv,vp6,vp6f,theora,mjpeg,"
    "prores,dnxhd,gif,rawvideo,ffv1,"
    "aac,aac_latm,mp3,mp3float,mp2,mp2float,mp1float,ac3,eac3,dca,opus,libopus,vorbis,flac,alac,amrnb,amrwb,speex,"
    "nellymoser,adpcm_ms,adpcm_ima_wav,adpcm_swf,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_u8,"
    "pcm_s8,pcm_f32le,pcm_f32be,pcm_f64le,pcm_alaw,pcm_mulaw,pcm_bluray,pcm_dvd,"
    "srt,subrip,mov_text,webvtt,ass,ssa,text"
)
_ALLOWED = frozenset(_DECODERS.split(","))


def open_container(path: str | os.PathLike[str], security: SecurityParams | None = None) -> InputContainer:
    """Open a media file for reading, or say in one sentence why not.

    Parameters
    ----------
    path : path-like
        The file.
    security : SecurityParams, optional
        Limits of pixels, streams and duration.

    Returns
    -------
    av.container.InputContainer
        The caller closes it.

    Raises
    ------
    InputError
        ``input.missing``, ``input.is_a_folder``, ``input.not_a_file``, ``input.unreadable``, ``input.empty``,
        ``input.not_media``, ``input.container_not_allowed``, ``input.codec_not_allowed``,
        ``input.too_many_streams``, ``input.too_many_pixels``, ``input.too_long``.
    """
    security = security or SecurityParams()
    _check_file(Path(path))
    container = _open(Path(path), security)
    try:
        _check_streams(Path(path), container, security)
        if (container.duration or 0) / av.time_base > security.max_duration_s:
            _check_duration(Path(path), security)
    except BaseException:
        container.close()
        raise
    return container


def check_media(path: str | os.PathLike[str], security: SecurityParams | None = None) -> None:
    """Raise the `InputError` of :func:`open_container` if a file cannot be let in."""
    open_container(path, security).close()


def usable_streams(container: InputContainer, kind: str) -> list[Any]:
    """Return the streams of a kind (``video``, ``audio``, ``subtitle``) that may be decoded, without cover pictures."""
    return [stream for stream in container.streams if stream.type == kind and _is_usable(stream)]


def _is_usable(stream: Any) -> bool:
    return _decoder(stream) in _ALLOWED and not _is_cover(stream)


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _decoder(stream: Any) -> str | None:
    return stream.codec_context.name if stream.codec_context is not None else None


def _check_file(path: Path) -> None:
    try:
        status = path.stat()
    except FileNotFoundError:
        _refuse("input.missing", f"{path}: no such file. Check the path.")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid path"
        _refuse("input.unreadable", f"{path} cannot be looked at: {reason}. Check the path and its permissions.")
    if stat.S_ISDIR(status.st_mode):
        _refuse("input.is_a_folder", f"{path} is a folder, a media file is needed. Name the files in it.")
    if not stat.S_ISREG(status.st_mode):
        _refuse("input.not_a_file", f"{path} is not a regular file. Copy the media into a file first.")
    if not os.access(path, os.R_OK):
        _refuse("input.unreadable", f"{path} may not be read by this user. Change its permissions.")
    if status.st_size == 0:
        _refuse("input.empty", f"{path} is empty (0 bytes). Was the copy or download cut off?")


def _open(path: Path, security: SecurityParams) -> InputContainer:
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(_CONTAINERS),
        "codec_whitelist": _DECODERS,
        "max_pixels": str(security.max_pixels),
    }
    try:
        return av.open(f"file:{path}", options=options, metadata_errors="replace")
    except av.ArgumentError:
        _refuse(
            "input.container_not_allowed",
            f"{path} is not one of the containers that are let in ({', '.join(_CONTAINERS)}): "
            "its content is a playlist, a text or a picture. Pass the media file itself.",
        )
    except (av.PermissionError, av.OSError):
        _refuse("input.unreadable", f"{path} cannot be read. Check the disk and the permissions.")
    except av.FFmpegError:
        _refuse(
            "input.not_media",
            f"{path} holds no media that can be read (damaged, cut off before its index, or not media at all). "
            "Open it in a player, or export it again as MP4.",
        )


def _check_streams(path: Path, container: InputContainer, security: SecurityParams) -> None:
    n_streams = len(container.streams)
    if n_streams > security.max_streams:
        _refuse(
            "input.too_many_streams",
            f"{path}: at most {security.max_streams} streams are allowed (security.max_streams), found {n_streams}.",
        )
    pictures = [stream for stream in container.streams.video if not _is_cover(stream)]
    refused = [stream for stream in pictures if not _is_usable(stream)]
    if pictures and len(refused) == len(pictures):
        _refuse(
            "input.codec_not_allowed",
            f"{path}: video codec {_decoder(refused[0]) or 'unknown'!r} is not one that is let in. "
            "Convert the file to H.264 in MP4.",
        )
    for stream in pictures:
        n_pixels = stream.codec_context.width * stream.codec_context.height
        if n_pixels > security.max_pixels:
            _refuse(
                "input.too_many_pixels",
                f"{path}: a picture may have {security.max_pixels:,} pixels (security.max_pixels), found "
                f"{stream.codec_context.width}x{stream.codec_context.height}. Scale the video down first.",
            )


def _check_duration(path: Path, security: SecurityParams) -> None:
    # The header alone does not count: fragmented files claim days and hold a second.
    with _open(path, security) as container:
        streams = usable_streams(container, "video") or usable_streams(container, "audio")
        for stream in streams[:1]:
            end = last_tick(container, stream)
            duration_s = float(((end or 0) - (stream.start_time or 0)) * stream.time_base)
            if duration_s > security.max_duration_s:
                _refuse(
                    "input.too_long",
                    f"{path}: at most {security.max_duration_s:g} s are allowed (security.max_duration_s), found "
                    f"{duration_s:.0f} s. Raise the limit or cut the file into parts.",
                )


def _refuse(code: str, message: str) -> NoReturn:
    raise InputError(message, code=code) from None
