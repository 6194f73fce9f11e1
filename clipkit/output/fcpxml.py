"""The selection as FCPXML, the exchange format of Final Cut Pro.

Conventions
-----------
Times are fractions of seconds, whole multiples of the frame duration, as the format asks.  Version 1.8 is read
by every editor that knows FCPXML with a file path in the asset.

References
----------
.. [1] Apple, "FCPXML Reference", https://developer.apple.com/documentation/professional-video-applications
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from xml.etree import ElementTree as ET

from clipkit.media.probe import MediaInfo
from clipkit.output.events import Event
from clipkit.output.timecode import is_drop_frame

_VERSION = "1.8"
# What XML 1.0 cannot hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def fcpxml_text(
    title: str, media_url: str, media_name: str, info: MediaInfo, events: Sequence[Event], rate: Fraction
) -> str:
    """Return the document: the source as one asset, the clips one after another on a timeline of its size and rate.

    Parameters
    ----------
    title : str
        Of the project.
    media_url : str
        ``file:`` address of the source.
    media_name : str
    info : MediaInfo
        As probed from it.
    events : sequence of Event
        In the order of the timeline.
    rate : Fraction
        Frames a second of the events.
    """
    frame_s = 1 / rate
    root = ET.Element("fcpxml", version=_VERSION)
    resources = ET.SubElement(root, "resources")
    sizes = {} if info.video is None else {"width": str(info.video.width), "height": str(info.video.height)}
    ET.SubElement(resources, "format", {"id": "r1", "frameDuration": _seconds(frame_s), **sizes})
    asset = {"id": "r2", "name": _clean(media_name), "src": media_url, "format": "r1", **_streams(info)}
    duration_s = round(info.duration_s * rate) * frame_s
    ET.SubElement(resources, "asset", {**asset, "start": "0s", "duration": _seconds(duration_s)})
    event = ET.SubElement(ET.SubElement(root, "library"), "event", name=_clean(title))
    whole = sum(event.n_frames for event in events) * frame_s
    counting = "DF" if is_drop_frame(rate) else "NDF"
    sequence = ET.SubElement(
        ET.SubElement(event, "project", name=_clean(title)),
        "sequence",
        format="r1",
        duration=_seconds(whole),
        tcStart="0s",
        tcFormat=counting,
        audioLayout="stereo",
        audioRate="48k",
    )
    spine = ET.SubElement(sequence, "spine")
    at = 0
    for cut in events:
        clip = ET.SubElement(
            spine,
            "asset-clip",
            ref="r2",
            name=_clean(cut.name),
            offset=_seconds(at * frame_s),
            start=_seconds(cut.first * frame_s),
            duration=_seconds(cut.n_frames * frame_s),
            tcFormat=counting,
        )
        if cut.reason:
            ET.SubElement(clip, "note").text = _clean(cut.reason)
        at += cut.n_frames
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n{text}\n'


def _streams(info: MediaInfo) -> dict[str, str]:
    found = {"hasVideo": "1"} if info.video is not None else {}
    tracks = [audio for audio in info.audio if audio.is_readable]
    if tracks:
        found |= {"hasAudio": "1", "audioSources": str(len(tracks)), "audioChannels": str(tracks[0].channels)}
        found |= {"audioRate": str(tracks[0].rate_hz)}
    return found


def _seconds(time: Fraction) -> str:
    """Return a time as the format writes it.

    Examples
    --------
    >>> _seconds(Fraction(10010, 30000)), _seconds(Fraction(2)), _seconds(Fraction(0))
    ('1001/3000s', '2s', '0s')
    """
    return f"{time}s"


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("", text)
