"""The selection for a video editor: OpenTimelineIO, CMX 3600 and FCPXML, of the same events.

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
from clipkit.output.edl import edl_text
from clipkit.output.events import Event, editor_rate, make_events, standard_rate
from clipkit.output.fcpxml import fcpxml_text


def write_timelines(clips: pd.DataFrame, video: str | Path, info: MediaInfo, folder: str | Path) -> None:
    """Write the clips, one after another, as ``timeline.otio``, ``timeline.edl`` and ``timeline.fcpxml``.

    Times are whole frames: of the source's own rate in the first, in the others of the standard rate that editors
    know, which is the same for all common sources.  ``timeline.otio`` and ``timeline.edl`` name the source by its
    path relative to the folder, so that all can move together; FCPXML asks for the whole address.

    Parameters
    ----------
    clips : DataFrame
        ``clip_id, start_s, end_s, score, title, reason``; in the order of the timeline.
    video : path
        The source file.
    info : MediaInfo
        As probed from it.
    folder : path
        Where the files go.
    """
    video, folder = Path(video), Path(folder)
    write_otio(clips, video, info, folder / "timeline.otio")
    rate = standard_rate(info)
    events = make_events(clips, rate)
    media = _relative_path(video, folder).as_posix()
    edl = edl_text(video.stem, media, events, rate, has_sound=bool(info.audio))
    write_text(folder / "timeline.edl", edl)
    url = video.resolve().as_uri()
    write_text(folder / "timeline.fcpxml", fcpxml_text(video.stem, url, video.name, info, events, rate))


def write_otio(clips: pd.DataFrame, video: str | Path, info: MediaInfo, path: str | Path) -> None:
    """Write the clips as an OpenTimelineIO file; parameters as in :func:`write_timelines`, `path` is the file."""
    video, path = Path(video), Path(path)
    rate = editor_rate(info)
    media = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "name": video.name,
        "available_range": _range(0, round(info.duration_s * rate), rate),
        "metadata": {},
        "target_url": _relative_url(video, path.parent),
    }
    kinds = ["Video"] + ["Audio"] * bool(info.audio)
    tracks: list[dict[str, Any]] = [
        {
            "OTIO_SCHEMA": "Track.1",
            "name": kind,
            "kind": kind,
            "children": [_clip(event, media, rate) for event in make_events(clips, rate)],
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


def _clip(event: Event, media: dict[str, Any], rate: Fraction) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": event.name,
        "source_range": _range(event.first, event.n_frames, rate),
        "media_references": {"DEFAULT_MEDIA": media},
        "active_media_reference_key": "DEFAULT_MEDIA",
        "metadata": {"clipkit": {"clip_id": event.clip_id, "score": event.score, "reason": event.reason}},
        "effects": [],
        "markers": [],
        "enabled": True,
    }


def _range(first: int, n_frames: int, rate: Fraction) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": _time(first, rate),
        "duration": _time(n_frames, rate),
    }


def _time(n_frames: int, rate: Fraction) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "value": float(n_frames), "rate": float(rate)}


def _relative_path(video: Path, folder: Path) -> Path:
    try:
        return Path(os.path.relpath(video.resolve(), folder.resolve()))
    except ValueError:  # another drive
        return video.resolve()


def _relative_url(video: Path, folder: Path) -> str:
    path = _relative_path(video, folder)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
