"""Sound at 100 Hz: levels, loudness, onsets, and where somebody speaks.

Conventions
-----------
Row ``i`` of the audio table belongs to ``[i / 100, (i + 1) / 100)`` seconds; what is measured
over a longer window is centred on it.  Levels are dB of full scale, of the mono mix.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.downmix import SOURCE_HZ, decimated, mono_mix
from clipkit.analysis.hops import HOPS_PER_S, SILENCE_DB, runs_of
from clipkit.analysis.loudness import LoudnessMeter
from clipkit.analysis.novelty import novelty
from clipkit.analysis.reactions import applause_evidence, laughter_evidence, music_evidence
from clipkit.analysis.spectrum import MEASURES, measured_hops, silent_hops
from clipkit.analysis.spoken import detect_speech, modulation, noise_floor
from clipkit.analysis.voice import pitch_range, speech_rate
from clipkit.media.audio import audio_blocks, channel_names, find_track
from clipkit.media.probe import probe
from clipkit.params import Params, SpeechParams

__all__ = ["AUDIO_COLUMNS", "HOPS_PER_S", "SILENCE_DB", "find_pauses", "measure_audio", "runs_of"]

_BLOCK_S = 20.0

AUDIO_COLUMNS = (
    "time_s",
    "level_db",
    "floor_db",
    "loudness_lufs",
    "short_term_lufs",
    "onset",
    "novelty",
    "speech",
    "is_speech",
    "pitch_hz",
    "pitch_range",
    "speech_rate",
    "music",
    "applause",
    "laughter",
)


def measure_audio(
    path: str | Path,
    params: Params,
    *,
    duration_s: float,
    progress: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """Return the sound of a file as one row for each hundredth of a second.

    Parameters
    ----------
    path : str or Path
        A media file; one without sound gives a table of silence.
    params : Params
        Section ``speech`` and the limits of ``security`` are used.
    duration_s : float
        Length of the table, seconds from the first displayed frame.
    progress : callable, optional
        Called with the share done, 0..1.

    Returns
    -------
    DataFrame
        ``time_s`` float64, ``is_speech`` bool, the rest float32:

        - ``level_db`` (RMS over 32 ms), ``floor_db`` (level below which 300-3400 Hz stays for a
          tenth of the 30 s around);
        - ``loudness_lufs`` (momentary: 400 ms) and ``short_term_lufs`` (3 s) of all channels;
        - ``onset`` (mean rise of 32 bands within 30 ms, dB), ``novelty`` (0..1, how much the next
          seconds differ from the last);
        - ``speech`` (chance, 0..1);
        - ``pitch_hz`` (0 where nothing periodic is heard), ``pitch_range`` (semitones from the
          10th to the 90th percentile of the pitch of speech within 3 s), ``speech_rate`` (syllables
          a second of speech within 3 s), both 0 without speech;
        - ``music``, ``applause``, ``laughter``: evidence, 0..1.

    Raises
    ------
    InputError
        If the file cannot be read.

    Notes
    -----
    One pass over blocks of 20 s: memory grows by about 100 bytes a hop and nothing else.  The loudness is
    that of ITU-R BS.1770-4.
    """
    n_hops = max(1, math.ceil(round(duration_s * HOPS_PER_S, 6)))
    info = probe(path, params.security)
    track = find_track(info, params.audio.language)
    channels = channel_names(info, track)
    measured = silent_hops(n_hops)
    bands: list[NDArray[np.float32]] = []
    meter = LoudnessMeter(channels, SOURCE_HZ)

    def mono_blocks() -> Iterator[NDArray[np.float32]]:
        weights = mono_mix(channels)
        for block in audio_blocks(
            path, rate_hz=SOURCE_HZ, channels=None, block_s=_BLOCK_S, track=track, security=params.security
        ):
            meter.add(block)
            yield block @ weights

    done = 0
    for hops, pooled in measured_hops(decimated(mono_blocks())) if channels else ():
        kept = hops[: n_hops - done]
        measured[done : done + len(kept)] = kept
        done += len(kept)
        bands.append(pooled)
        if progress is not None:
            progress(done / n_hops)
        if done >= n_hops:
            break
    loudness = meter.curves(n_hops)
    novel = novelty(np.concatenate(bands), n_hops) if bands else np.zeros(n_hops, np.float32)
    return _audio_table(measured, loudness, novel, params.speech)


def find_pauses(audio: pd.DataFrame, params: SpeechParams) -> pd.DataFrame:
    """Return the stretches without speech that last at least ``pause_min_s``.

    Parameters
    ----------
    audio : DataFrame
        Table of `measure_audio`.
    params : SpeechParams
        Its ``pause_min_s``.

    Returns
    -------
    DataFrame
        ``start_s``, ``end_s`` float64, sorted; touching neither each other nor speech.

    Examples
    --------
    >>> audio = pd.DataFrame({"is_speech": [True] * 10 + [False] * 30 + [True] * 10})
    >>> find_pauses(audio, SpeechParams()).to_numpy().tolist()
    [[0.1, 0.4]]
    """
    runs = runs_of(~audio["is_speech"].to_numpy(dtype=bool))
    kept = runs[(runs[:, 1] - runs[:, 0]) >= params.pause_min_s * HOPS_PER_S - 1e-6] / HOPS_PER_S
    return pd.DataFrame({"start_s": kept[:, 0], "end_s": kept[:, 1]})


def _audio_table(
    measured: NDArray[np.float32],
    loudness: tuple[NDArray[np.float32], NDArray[np.float32]],
    novel: NDArray[np.float32],
    params: SpeechParams,
) -> pd.DataFrame:
    heard = dict(zip(MEASURES, measured.T, strict=True))
    level_db, band_db, variability = heard["level_db"], heard["band_db"], heard["variability"]
    onset, harmonicity = heard["onset"], heard["harmonicity"]
    floor_db = noise_floor(band_db)
    over_db = band_db - floor_db
    modulation_db = modulation(over_db)
    speech, is_speech = detect_speech(heard, over_db, modulation_db, params)
    columns = {
        "time_s": np.arange(len(measured)) / HOPS_PER_S,
        "level_db": level_db,
        "floor_db": floor_db,
        "loudness_lufs": loudness[0],
        "short_term_lufs": loudness[1],
        "onset": onset,
        "novelty": novel,
        "speech": speech,
        "is_speech": is_speech,
        "pitch_hz": heard["pitch_hz"],
        "pitch_range": pitch_range(heard["pitch_hz"], is_speech),
        "speech_rate": speech_rate(band_db, heard["pitch_hz"], is_speech),
        "music": music_evidence(level_db, heard["persistence"], modulation_db, variability),
        "applause": applause_evidence(level_db, over_db, heard["hiss"], harmonicity),
        "laughter": laughter_evidence(level_db, over_db, onset, harmonicity),
    }
    return pd.DataFrame(columns, columns=list(AUDIO_COLUMNS))
