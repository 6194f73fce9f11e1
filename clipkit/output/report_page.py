"""What a report says: the texts and tables of a run, ready for a template.

Texts come from strangers (file names, titles, subtitles) and stay plain here; the template
escapes them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np
import pandas as pd

from clipkit.output.clip_facts import captions_sentence, framing_sentence
from clipkit.output.record import ClipFile, RunRecord, verdict_word
from clipkit.params import Params
from clipkit.timeline import format_timecode

_COVER_WIDTH = 300
_MAX_COVER_BYTES = 20 * 2**20
_SIGNS = {"passed": "✓", "warned": "!", "failed": "✗", "unchecked": "?"}
_VERDICT_ORDER = ("failed", "warned", "noted", "passed")
_ADVICE = {
    "never": "the same run would stop again: change what the sentence names, then run it anew.",
    "later": "run the same command again later.",
    "smaller": "run it again with less work at a time: fewer threads, or a smaller video.",
}


def page_content(run: RunRecord) -> dict[str, Any]:
    """Return everything that the report's template shows, except the figures."""
    crop, captions = run.table("crop"), run.table("captions")
    clips = [
        {
            **card,
            "cover": cover_uri(card["cover"]),
            "framing": framing_sentence(crop, card["clip_id"]),
            "captions": captions_sentence(captions, card["clip_id"]),
        }
        for card in clip_cards(run)
    ]
    broken_sentence, broken, checks = _verdicts(run)
    page: dict[str, Any] = {
        "video": run.video_name,
        "status": _status(run),
        "error": _error(run),
        "clips": clips,
        "quality": _quality(run),
        "rejections": _rejections(run),
        "media": media_facts(run),
        "notes": [
            {"stage": str(note.get("stage", "")), "message": str(note.get("message", ""))}
            for note in run.items("notes")
        ],
        "verdicts": checks,
        "broken": broken,
        "verdict_sentence": broken_sentence,
        "params": _changes(run.params),
        "versions": [(str(name), str(version)) for name, version in run.section("versions").items()],
        "footer": f"Started {run.fields.get('started') or 'at an unknown time'}; run folder {run.folder.name}.",
    }
    page["lead"] = _lead(run, clips, broken_sentence)
    # Last, because reading the tables is what finds them.
    page["problems"] = list(run.problems)
    return page


def _changes(params: Params) -> dict[str, Any] | None:
    changes = changed_params(params)
    return _grid(pd.DataFrame(changes, columns=["setting", "value", "default"], dtype="object")) if changes else None


def _verdicts(run: RunRecord) -> tuple[str, dict[str, Any] | None, dict[str, Any] | None]:
    """Return a sentence, the checks that did not pass, and all checks with those first."""
    table = run.table("verdicts")
    if table is None or not len(table):
        return "", None, None
    words = [verdict_word(*pair) for pair in zip(table["ok"], table["severity"], strict=True)]
    order = sorted(range(len(words)), key=lambda row: _VERDICT_ORDER.index(words[row]))
    ordered, marks = table.iloc[order], [words[row] for row in order]
    n_broken, n_noted = words.count("failed") + words.count("warned"), words.count("noted")
    sentence = f"{n_broken} of {len(table)} checks did not pass" if n_broken else f"All {len(table)} checks passed"
    sentence += f", {_count(n_noted, 'remark')}." if n_noted else "."
    n_shown = n_broken + n_noted
    shown = _grid(ordered.iloc[:n_shown], marks[:n_shown]) if n_shown else None
    return sentence, shown, _grid(ordered, marks)


def _status(run: RunRecord) -> str:
    # The report is the last thing that a run makes, before it says that it is done.
    return "done" if run.status == "running" and run.fields.get("stage") == "report" else run.status


def _lead(run: RunRecord, clips: list[dict[str, Any]], verdict_sentence: str) -> str:
    files = sum(len(clip["files"]) for clip in clips)
    took_s = sum(run_timings(run).values())
    parts = [
        f"{_count(len(clips), 'clip')} ({_count(files, 'file')}) from {format_timecode(run.duration_s, decimals=0)}"
    ]
    if took_s:
        parts.append(f"in {format_timecode(took_s, decimals=0)}")
    sentence = " ".join(parts) + "."
    if _status(run) == "running":
        progress = run.fields.get("progress")
        share = f", {progress:.0%} done" if isinstance(progress, int | float) else ""
        sentence += f" Still going, at stage {run.fields.get('stage') or 'start'}{share}."
    return f"{sentence} {verdict_sentence}".strip()


def _quality(run: RunRecord) -> str:
    """Return the mean score beside what nearness to the middle alone would have got, or nothing."""
    quality = run.section("quality")
    mean, prior = quality.get("mean_score"), quality.get("centre_prior")
    if not isinstance(mean, int | float) or not isinstance(prior, int | float):
        return ""
    return (
        f"Mean score {mean:.2f}. Clips chosen by nearness to the video's middle alone "
        f"would have scored {prior:.2f} (centre prior)."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _error(run: RunRecord) -> dict[str, str] | None:
    error = run.section("error")
    if _status(run) != "failed" and not error:
        return None
    return {
        "stage": str(error.get("stage") or run.fields.get("stage") or "unknown"),
        "message": str(error.get("message") or "The run failed without saying why; see the executed notebook."),
        "advice": _ADVICE.get(str(error.get("retry")), _ADVICE["never"]),
        "code": str(error.get("code") or ""),
    }


def clip_cards(run: RunRecord) -> list[dict[str, Any]]:
    """Return what a page shows of each clip, in the order of the clip list.

    Returns
    -------
    list of dict
        ``clip_id``, ``title``, ``reason``, ``span``, ``length`` and ``score`` as texts, ``cover`` (the
        path of a cover frame, or None) and ``files``: ``src`` (path below the run folder, ready for
        an address), ``platform``, ``verdict``, ``sign`` and ``size``.
    """
    files: dict[int, list[ClipFile]] = {}
    for file in run.clip_files():
        files.setdefault(file.clip_id, []).append(file)
    table = run.table("clips")
    rows: list[Any] = table.to_dict("records") if table is not None else []
    listed = {row["clip_id"] for row in rows}
    rows += [{"clip_id": clip_id, "title": "not in the clip list"} for clip_id in sorted(set(files) - listed)]
    return [_clip(row, files.get(row["clip_id"], [])) for row in rows]


def _clip(row: Mapping[str, Any], files: list[ClipFile]) -> dict[str, Any]:
    start_s, end_s = row.get("start_s", np.nan), row.get("end_s", np.nan)
    known = np.isfinite(start_s) and np.isfinite(end_s)
    return {
        "clip_id": row["clip_id"],
        "title": row.get("title") or f"Clip {row['clip_id']}",
        "reason": row.get("reason", ""),
        "span": f"{format_timecode(start_s)} to {format_timecode(end_s)}" if known else "time unknown",
        "length": f"{end_s - start_s:.1f} s" if known else "",
        "score": f"{row['score']:.2f}" if known else "unknown",
        "cover": next((file.cover for file in files if file.cover.is_file()), None),
        "files": [
            {
                "src": quote(file.relative),
                "platform": file.platform.replace("_", " "),
                "verdict": file.verdict,
                "sign": _SIGNS[file.verdict],
                "size": _size(file.path.stat().st_size),
            }
            for file in files
        ],
    }


def cover_uri(path: Path | None) -> str:
    """Return a small copy of a cover frame as a ``data:`` address, empty when there is none."""
    if path is None:
        return ""
    try:
        if path.stat().st_size > _MAX_COVER_BYTES:
            return ""
        picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return ""
    if picture is None:
        return ""
    height, width = picture.shape[:2]
    if width > _COVER_WIDTH:
        size = (_COVER_WIDTH, max(1, round(height * _COVER_WIDTH / width)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 82])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e5 else f"{size_bytes / 1e3:.0f} kB"


def _rejections(run: RunRecord) -> dict[str, Any] | None:
    table = run.table("rejected")
    if table is None or not len(table):
        return None
    rows = []
    for rule, group in table.groupby("rule"):
        best = group.nlargest(1, "score").iloc[0] if "score" in group else group.iloc[0]
        rows.append(
            {
                "rule": rule,
                "candidates": len(group),
                "best score": best.get("score", np.nan),
                "at": format_timecode(best["start_s"]),
                "for example": best.get("detail", ""),
            }
        )
    return _grid(pd.DataFrame(rows).sort_values("candidates", ascending=False))


def media_facts(run: RunRecord) -> list[tuple[str, str]]:
    """Return what is in the source file as pairs of a name and a text."""
    media = run.section("media")
    facts = [("length", format_timecode(run.duration_s)), ("container", str(media.get("container", "unknown")))]
    video = media.get("video")
    if isinstance(video, dict):
        facts.append(("picture", f"{video.get('width')}×{video.get('height')} {video.get('codec')}"))
        facts.append(("frame rate", _rate(video.get("frame_rate"), bool(video.get("is_variable_rate")))))
        extras = [str(video[key]) for key in ("pix_fmt", "color_space", "color_range") if video.get(key)]
        if video.get("rotation"):
            extras.append(f"rotated by {video['rotation']}°")
        facts.append(("pixels", ", ".join(extras) or "unknown"))
    tracks = media.get("audio")
    for track in tracks if isinstance(tracks, list) else []:
        if isinstance(track, dict):
            details = [str(track[key]) for key in ("codec", "language") if track.get(key)]
            facts.append(("sound", ", ".join(details)))
    if tracks == []:
        facts.append(("sound", "none"))
    size = run.section("input").get("size_bytes")
    if isinstance(size, int):
        facts.append(("file size", _size(size)))
    digest = run.section("input").get("sha256")
    if isinstance(digest, str):
        facts.append(("sha256", f"{digest[:12]}…"))
    return facts if media or run.duration_s else []


def _rate(value: Any, is_variable: bool) -> str:
    try:
        return f"{float(Fraction(str(value))):.6g} frames/s{', variable' if is_variable else ''}"
    except (ValueError, ZeroDivisionError):
        return "unknown"


def _grid(table: pd.DataFrame, marks: Any = None) -> dict[str, Any]:
    """Return a table as texts for the template, numbers to four digits."""
    rows: list[dict[str, Any]] = []
    for place, values in enumerate(table.itertuples(index=False, name=None)):
        rows.append(
            {"mark": str(marks[place]) if marks is not None else "", "cells": [_cell(value) for value in values]}
        )
    first = rows[0]["cells"] if rows else [{"number": False}] * len(table.columns)
    heads = [
        {"text": str(name).replace("_", " "), "number": cell["number"]}
        for name, cell in zip(table.columns, first, strict=True)
    ]
    return {"columns": heads, "rows": rows}


def _cell(value: Any) -> dict[str, Any]:
    if isinstance(value, bool | np.bool_):
        return {"text": "yes" if value else "no", "number": False}
    if isinstance(value, float | np.floating):
        return {"text": "" if np.isnan(value) else f"{value:.4g}", "number": True}
    if isinstance(value, list | tuple):
        return {"text": ", ".join(str(item) for item in value), "number": False}
    return {"text": "" if value is None else str(value), "number": isinstance(value, int | np.integer)}


def run_timings(run: RunRecord) -> dict[str, float]:
    """Return the seconds of each stage that ``run.json`` holds."""
    timings = run.section("timings").items()
    return {stage: float(value) for stage, value in timings if isinstance(value, int | float) and value >= 0}


def changed_params(params: Params) -> list[tuple[str, Any, Any]]:
    """Return ``(dotted name, value, default)`` of every setting that is not its default."""
    return list(_differences(params.model_dump(mode="json"), Params().model_dump(mode="json")))


def _differences(
    values: Mapping[str, Any], defaults: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    for key, value in values.items():
        default = defaults[key]
        if isinstance(value, dict):
            yield from _differences(value, default, f"{prefix}{key}.")
        elif value != default:
            yield f"{prefix}{key}", value, default
