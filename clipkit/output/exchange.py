"""The selection for a video editor: an OpenTimelineIO file, from which EDL and FCPXML come.

References
----------
.. [1] OpenTimelineIO, "File format specification", https://opentimelineio.readthedocs.io
"""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from clipkit.files import write_text
from clipkit.media.probe import MediaInfo
from clipkit.output.cadence import output_rate

_HIGHEST_RATE = 60


def write_otio(clips: pd.DataFrame, video: str | Path, info: MediaInfo, path: str | Path) -> None:
    """Write the clips, one after another, as a timeline of parts of the source.

    Times are whole frames at the source's rate.  The source is named by its path relative to
    the folder of the file, so that both can move together.

    Parameters
    ----------
    clips : DataFrame
        ``clip_id, start_s, end_s, score, title, reason``; in the order of the timeline.
    video : path
        The source file.
    info : MediaInfo
        As probed from it.
    path : path
        The ``.otio`` file.
    """
    video, path = Path(video), Path(path)
    rate = _editor_rate(info)
    media = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "name": video.name,
        "available_range": _range(0.0, info.duration_s, rate),
        "metadata": {},
        "target_url": _relative_url(video, path.parent),
    }
    kinds = ["Video"] + ["Audio"] * bool(info.audio)
    tracks: list[dict[str, Any]] = [
        {
            "OTIO_SCHEMA": "Track.1",
            "name": kind,
            "kind": kind,
            "children": [_clip(row, media, rate) for row in clips.to_dict("records")],
            "source_range": None,
            "metadata": {},
            "effects": [],
            "markers": [],
        }
        for kind in kinds
    ]
    timeline: dict[str, Any] = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": video.stem,
        "global_start_time": None,
        "metadata": {},
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "name": "tracks",
            "children": tracks,
            "source_range": None,
            "metadata": {},
            "effects": [],
            "markers": [],
        },
    }
    write_text(path, json.dumps(timeline, indent=2, ensure_ascii=False) + "\n")


def _clip(row: dict[Any, Any], media: dict[str, Any], rate: Fraction) -> dict[str, Any]:
    facts = {"clip_id": int(row["clip_id"]), "score": _number(row.get("score")), "reason": _text(row.get("reason"))}
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": _text(row.get("title")) or f"clip {facts['clip_id']}",
        "source_range": _range(float(row["start_s"]), float(row["end_s"]), rate),
        "media_references": {"DEFAULT_MEDIA": media},
        "active_media_reference_key": "DEFAULT_MEDIA",
        "metadata": {"clipkit": facts},
        "effects": [],
        "markers": [],
        "enabled": True,
    }


def _range(start_s: float, end_s: float, rate: Fraction) -> dict[str, Any]:
    first, last = round(start_s * rate), round(end_s * rate)
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": _time(first, rate),
        "duration": _time(last - first, rate),
    }


def _time(n_frames: int, rate: Fraction) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "value": float(n_frames), "rate": float(rate)}


def _editor_rate(info: MediaInfo) -> Fraction:
    """Return the source's constant rate, or the standard one that an editor would give it."""
    if info.video is None:
        return Fraction(30)
    if info.video.is_variable_rate:
        return output_rate(info.video.frame_rate, is_variable=True, max_rate=_HIGHEST_RATE)
    return info.video.frame_rate


def _relative_url(video: Path, folder: Path) -> str:
    try:
        relative = os.path.relpath(video.resolve(), folder.resolve())
    except ValueError:  # another drive
        return video.resolve().as_uri()
    return quote(Path(relative).as_posix())


def _number(value: object) -> float | None:
    return None if value is None or pd.isna(value) else float(value)  # type: ignore[call-overload, arg-type]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
