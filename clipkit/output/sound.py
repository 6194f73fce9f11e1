"""The sound of a clip: cut, faded, levelled, encoded, and measured again as encoded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clipkit.media.audio import find_track, read_audio
from clipkit.media.probe import MediaInfo
from clipkit.media.writer import encode_audio
from clipkit.output.loudness import Loudness, Samples, fade_edges, level_audio, measure_loudness
from clipkit.params import AudioParams, SecurityParams

RATE_HZ = 48_000
CHANNELS = 2

# Encoding moves peaks by some tenths of a decibel; starting below the ceiling mostly saves a second try.
_HEADROOM_DB = 0.7
_STEP_DB = 0.1
_NEAR_LU = 0.3
_MAX_TRIES = 4


@dataclass(frozen=True)
class Sound:
    """A finished sound track.

    Attributes
    ----------
    path : Path
        The ``.m4a`` file.
    loudness : Loudness
        Of that file, decoded.
    notes : tuple of str
        Why it is not at its target, a sentence each.
    """

    path: Path
    loudness: Loudness
    notes: tuple[str, ...]


def read_sound(
    info: MediaInfo, start_s: float, duration_s: float, params: AudioParams, security: SecurityParams
) -> Samples:
    """Return the sound of a clip with faded edges: 48 kHz, stereo, silent where the source has none."""
    samples = read_audio(
        info.path,
        rate_hz=RATE_HZ,
        channels=CHANNELS,
        start_s=start_s,
        end_s=start_s + duration_s,
        track=find_track(info, params.language),
        security=security,
    )
    return fade_edges(samples, RATE_HZ, params.fade_s)


def write_sound(samples: Samples, path: Path, params: AudioParams, *, target_lufs: float, bitrate: int) -> Sound:
    """Write sound at a loudness, corrected until the encoded file keeps the limits.

    Parameters
    ----------
    samples : ndarray of float32, shape (n_samples, 2)
        At 48 kHz, as :func:`read_sound` returns them.
    path : Path
        The ``.m4a`` file.
    params : AudioParams
    target_lufs : float
        Integrated loudness where the params name none.
    bitrate : int
        Bits a second.
    """
    target = params.target_lufs if params.target_lufs is not None else target_lufs
    asked, ceiling = target, params.peak_dbtp - _HEADROOM_DB
    encoded = Loudness(-math.inf, -math.inf)
    for _ in range(_MAX_TRIES):
        levelled = level_audio(samples, RATE_HZ, params, target_lufs=asked, peak_dbtp=ceiling)
        encode_audio(levelled, path, rate_hz=RATE_HZ, bitrate=bitrate)
        encoded = measure_loudness(read_audio(path, rate_hz=RATE_HZ, channels=CHANNELS), RATE_HZ)
        reached = measure_loudness(levelled, RATE_HZ).integrated_lufs
        over_db = encoded.true_peak_dbtp - params.peak_dbtp
        missing = 0.0 if encoded.is_silent or math.isinf(reached) else reached - encoded.integrated_lufs
        if over_db <= 0.0 and abs(missing) <= _NEAR_LU:
            break
        ceiling -= max(over_db, 0.0) + (_STEP_DB if over_db > 0.0 else 0.0)
        asked += missing
    return Sound(path, encoded, tuple(_shortfalls(encoded, target, params)))


def _shortfalls(encoded: Loudness, target: float, params: AudioParams) -> Iterator[str]:
    if encoded.is_silent:
        yield "the clip is silent, so its loudness was left as it is."
    elif encoded.integrated_lufs < target - _NEAR_LU:
        yield (
            f"the sound reached {encoded.integrated_lufs:.1f} LUFS instead of {target:.1f}: more would take over "
            f"{params.max_gain_db:g} dB of gain or too much limiting."
        )
    if encoded.true_peak_dbtp > params.peak_dbtp:
        yield f"the sound peaks at {encoded.true_peak_dbtp:.1f} dBTP instead of {params.peak_dbtp:.1f} after encoding."
