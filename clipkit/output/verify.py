"""Whether a finished file is what a platform takes: one row a check, worst first to read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd

from clipkit.output.facts import FileFacts, measure_file
from clipkit.output.platforms import DURATION_TOLERANCE_S, Box, Fact, Platform, describe, safe_box, within
from clipkit.params import AudioParams

Severity = Literal["error", "warning", "info"]

VERDICT_COLUMNS = ["check", "value", "limit", "ok", "severity", "note"]

_LOUDNESS_TOLERANCE_LU = 0.5
_MAX_SOUND_DELAY_S = 0.010
_MAX_AUDIO_HZ = 48_000
_RATE_TOLERANCE = 0.03  # 24000/1001 passes for 24


class Verdict(NamedTuple):
    """One check.

    Attributes
    ----------
    check : str
        Its name, stable.
    value, limit : str
        What was found and what is asked.
    ok : bool
    severity : {"error", "warning", "info"}
        How bad it is when it is not ok: the platform refuses the file or it is broken; it is
        against advice; it is only good to know.
    note : str
        Where the limit comes from, or what to do.
    """

    check: str
    value: str
    limit: str
    ok: bool
    severity: Severity
    note: str


def verify_file(
    path: str | Path,
    platform: Platform,
    *,
    expected_s: float | None = None,
    audio: AudioParams | None = None,
    caption_box: Box | None = None,
) -> pd.DataFrame:
    """Open a finished file, decode all of it, and check it against a platform.

    Parameters
    ----------
    path : path
    platform : Platform
    expected_s : float, optional
        Duration that it should have.
    audio : AudioParams, optional
        Loudness and peak that were asked for; by default the platform's loudness and -1 dBTP.
    caption_box : tuple of int, optional
        Where captions were allowed to stand in its frame, pixels.

    Returns
    -------
    DataFrame
        ``check, value, limit, ok, severity, note``, as in :class:`Verdict`.

    Raises
    ------
    InputError
        If the file is missing, cannot be opened or has no picture.
    """
    return judge(measure_file(path), platform, expected_s=expected_s, audio=audio, caption_box=caption_box)


def judge(
    facts: FileFacts,
    platform: Platform,
    *,
    expected_s: float | None = None,
    audio: AudioParams | None = None,
    caption_box: Box | None = None,
) -> pd.DataFrame:
    """Do as :func:`verify_file` with what is known about a file already."""
    rows = [
        *_whole(facts, expected_s),
        *_length(facts, platform),
        *_picture(facts, platform),
        *_stream(facts, platform),
        *_sound(facts, platform, audio or AudioParams()),
        *_file(facts, platform),
    ]
    if caption_box is not None:
        rows.append(_captions(facts, platform, caption_box))
    return pd.DataFrame(rows, columns=VERDICT_COLUMNS)


def _whole(facts: FileFacts, expected_s: float | None) -> Iterator[Verdict]:
    broken = f"{facts.n_broken} broken" if facts.n_broken else f"{facts.n_frames} frames"
    yield Verdict("decodes", broken, "every frame", not facts.n_broken and facts.n_frames > 0, "error", "")
    if expected_s is not None:
        tolerance_s = max(DURATION_TOLERANCE_S, 1.5 / float(facts.frame_rate))
        ok = abs(facts.duration_s - expected_s) <= tolerance_s
        yield Verdict("expected_duration", _seconds(facts.duration_s), _seconds(expected_s), ok, "error", "")


def _length(facts: FileFacts, platform: Platform) -> Iterator[Verdict]:
    limits = platform.duration_s
    ok = within(facts.duration_s, limits.value, tolerance=DURATION_TOLERANCE_S)
    yield Verdict("duration", _seconds(facts.duration_s), f"{describe(limits.value)} s", ok, "error", limits.source)
    if platform.advised_duration_s is not None:
        advised = platform.advised_duration_s
        ok = within(facts.duration_s, advised.value, tolerance=DURATION_TOLERANCE_S)
        limit = f"{describe(advised.value)} s"
        yield Verdict("advised_duration", _seconds(facts.duration_s), limit, ok, "warning", advised.source)


def _picture(facts: FileFacts, platform: Platform) -> Iterator[Verdict]:
    video = facts.info.video
    assert video is not None
    width, height = video.width, video.height
    size = f"{width}x{height}"
    for check, value, fact in platform.size_limits(width, height):
        ok = within(value, fact.value)
        yield Verdict(check, f"{value} px", f"{describe(fact.value)} px", ok, "error", fact.source)
    across, down = platform.frame_px.value
    ok = min(width, height) == min(across, down)
    yield Verdict("frame_size", size, f"short side {min(across, down)} px", ok, "warning", platform.frame_px.source)
    if platform.aspect is not None:
        ratio = f"{width / height:.4g}"
        ok = platform.takes_shape(width, height)
        yield Verdict("aspect", ratio, describe(platform.aspect.value), ok, "error", platform.aspect.source)
    upright = video.rotation == 0 and not video.mirrored and video.sample_aspect == 1
    yield Verdict("orientation", "as stored" if upright else "by a flag", "as stored", upright, "warning", "")
    rate = facts.frame_rate
    ok = within(float(rate), platform.frame_rate.value, tolerance=_RATE_TOLERANCE)
    limit = f"{describe(platform.frame_rate.value)} frames/s"
    yield Verdict("frame_rate", f"{float(rate):.5g} frames/s", limit, ok, "error", platform.frame_rate.source)
    steady = "constant" if facts.is_constant_rate else "variable"
    yield Verdict("constant_rate", steady, "constant", facts.is_constant_rate, "warning", "")


def _stream(facts: FileFacts, platform: Platform) -> Iterator[Verdict]:
    video = facts.info.video
    assert video is not None
    codecs = platform.video_codecs
    yield Verdict(
        "video_codec", video.codec, " or ".join(codecs.value), video.codec in codecs.value, "error", codecs.source
    )
    if video.codec == "h264":
        ok = facts.video_profile == "High"
        yield Verdict("video_profile", facts.video_profile or "none", "High", ok, "warning", "")
    ok = video.pix_fmt == "yuv420p"
    yield Verdict("pixel_format", video.pix_fmt, "yuv420p", ok, "error", "8 bits, 4:2:0: what every player decodes")
    tags = (video.color_space, video.color_primaries, video.color_transfer, video.color_range)
    ok = tags[:3] == ("bt709",) * 3 and tags[3] == "tv"
    yield Verdict("colour_tags", " ".join(tags), "bt709 bt709 bt709 tv", ok, "warning", "untagged colours are guessed")
    closed = "open" if facts.has_open_gop else "closed"
    yield Verdict("closed_gop", closed, "closed", not facts.has_open_gop, "warning", "")
    if platform.gop_max_s is not None:
        longest = platform.gop_max_s
        ok = facts.longest_gop_s <= longest.value + 1.5 / float(facts.frame_rate)
        yield Verdict(
            "keyframes",
            f"every {facts.longest_gop_s:.3g} s",
            f"every {longest.value:g} s",
            ok,
            "warning",
            longest.source,
        )
    else:
        yield Verdict("keyframes", f"every {facts.longest_gop_s:.3g} s", "anything", True, "info", "")
    rate = f"{facts.video_bitrate / 1e6:.2f} Mbps"
    if platform.max_video_bitrate is not None:
        most = platform.max_video_bitrate
        ok = facts.video_bitrate <= most.value
        yield Verdict("video_bitrate", rate, f"at most {most.value / 1e6:g} Mbps", ok, "error", most.source)
    else:
        yield Verdict("video_bitrate", rate, "anything", True, "info", "")


def _sound(facts: FileFacts, platform: Platform, params: AudioParams) -> Iterator[Verdict]:
    if facts.loudness is None or not facts.info.audio:
        yield Verdict("audio_codec", "no sound", "aac", False, "warning", "some platforms refuse files without a track")
        return
    track = facts.info.audio[0]
    codec = f"{track.codec} {facts.audio_profile}".strip()
    ok = track.codec == "aac" and facts.audio_profile in ("LC", "")
    yield Verdict("audio_codec", codec, "aac LC", ok, "error", "")
    ok = track.rate_hz <= _MAX_AUDIO_HZ
    yield Verdict("audio_rate", f"{track.rate_hz} Hz", f"at most {_MAX_AUDIO_HZ} Hz", ok, "error", "")
    ok = track.channels in (1, 2)
    yield Verdict("audio_channels", str(track.channels), "1 or 2", ok, "error", "")
    asked = platform.audio_bitrate
    rate = f"{facts.audio_bitrate / 1000:.0f} kbps"
    yield Verdict("audio_bitrate", rate, f"about {asked.value / 1000:g} kbps", True, "info", asked.source)
    ok = abs(facts.sound_delay_s) <= _MAX_SOUND_DELAY_S
    delay = f"{facts.sound_delay_s * 1000:+.1f} ms"
    yield Verdict("sound_delay", delay, f"within {_MAX_SOUND_DELAY_S * 1000:g} ms", ok, "error", "against the picture")
    lacking_s = facts.duration_s - facts.audio_duration_s
    ok = abs(lacking_s) <= 0.1
    yield Verdict("sound_length", _seconds(facts.audio_duration_s), _seconds(facts.duration_s), ok, "warning", "")
    target = platform.loudness_lufs.value if params.target_lufs is None else params.target_lufs
    limit = f"{target:g} LUFS ± {_LOUDNESS_TOLERANCE_LU:g}"
    if facts.loudness.is_silent:
        yield Verdict("loudness", "silent", limit, True, "info", "silence has no loudness to reach")
    else:
        loudness = facts.loudness.integrated_lufs
        ok = abs(loudness - target) <= _LOUDNESS_TOLERANCE_LU
        yield Verdict("loudness", f"{loudness:.1f} LUFS", limit, ok, "warning", platform.loudness_lufs.source)
    peak = facts.loudness.true_peak_dbtp
    severity: Severity = "error" if peak > 0.0 else "warning"
    ok = peak <= params.peak_dbtp
    yield Verdict(
        "true_peak", f"{peak:.1f} dBTP", f"at most {params.peak_dbtp:g} dBTP", ok, severity, "of the decoded sound"
    )


def _file(facts: FileFacts, platform: Platform) -> Iterator[Verdict]:
    boxes = facts.boxes
    yield Verdict("container", "mp4" if boxes.is_mp4 else facts.info.container, "mp4", boxes.is_mp4, "error", "")
    first = "first" if boxes.index_first else "last"
    yield Verdict(
        "index", first, "first", boxes.index_first or not boxes.is_mp4, "warning", "players can start at once"
    )
    size = facts.info.size_bytes
    sizes: list[tuple[str, Fact[int] | None, Severity]] = [
        ("file_size", platform.max_file_bytes, "error"),
        ("advised_file_size", platform.advised_file_bytes, "warning"),
    ]
    for check, fact, severity in sizes:
        if fact is not None:
            limit = f"at most {fact.value / 1e6:g} MB"
            yield Verdict(check, f"{size / 1e6:.1f} MB", limit, size <= fact.value, severity, fact.source)
    present = "present" if boxes.has_edit_list else "none"
    if platform.edit_lists.value:
        yield Verdict("edit_list", present, "either", True, "info", platform.edit_lists.source)
    else:
        note = f"{platform.edit_lists.source}; render.edit_list: false writes none, at the cost of B-frames"
        yield Verdict("edit_list", present, "none", not boxes.has_edit_list, "info", note)
    texts = "; ".join(facts.metadata)
    yield Verdict("metadata", texts or "none", "none", not texts, "warning", "nothing of the source should leak")


def _captions(facts: FileFacts, platform: Platform, box: Box) -> Verdict:
    video = facts.info.video
    assert video is not None
    safe = safe_box([platform], video.width, video.height)
    ok = box[0] >= safe[0] and box[1] >= safe[1] and box[2] <= safe[2] and box[3] <= safe[3]
    return Verdict("caption_box", _box(box), f"inside {_box(safe)}", ok, "warning", platform.safe_box.source)


def _box(box: Box) -> str:
    return f"x {box[0]}-{box[2]}, y {box[1]}-{box[3]}"


def _seconds(duration_s: float) -> str:
    return f"{duration_s:.3f} s"
