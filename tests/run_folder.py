"""A run folder with the files and columns that a finished run leaves, made in code."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from clipkit.analysis.highlights import score_candidates
from clipkit.params import Params, ScoringWeights

PLATFORMS = ("tiktok", "youtube_shorts")
TERMS = tuple(ScoringWeights.model_fields)


def make_tables(
    rng: np.random.Generator, *, duration_s: float = 120.0, n_candidates: int = 40, n_clips: int = 3
) -> dict[str, pd.DataFrame]:
    """Return the tables of a run over a video of `duration_s` seconds."""
    time_s = np.arange(int(duration_s * 25)) / 25
    cuts_s = np.sort(rng.uniform(2, duration_s - 2, max(1, int(duration_s / 8))))
    difference = rng.gamma(2.0, 0.4, len(time_s)).astype(np.float32)
    begin = np.searchsorted(time_s, cuts_s)
    difference[begin] = rng.uniform(12, 40, len(begin))
    frames = pd.DataFrame(
        {
            "pts": np.arange(len(time_s)) * 512,
            "time_s": time_s,
            "is_key": np.arange(len(time_s)) % 250 == 0,
            "difference": difference,
            "motion": np.clip(rng.normal(0.2, 0.1, len(time_s)), 0, 1).astype(np.float32),
        }
    )
    audio_s = np.arange(int(duration_s * 100)) / 100
    speaking = np.sin(audio_s / 3) > -0.4
    level = np.where(speaking, -22, -48) + rng.normal(0, 3, len(audio_s))
    audio = pd.DataFrame(
        {
            "time_s": audio_s,
            "level_db": level.astype(np.float32),
            "floor_db": np.full(len(audio_s), -50, np.float32),
            "loudness_lufs": (level + 1).astype(np.float32),
            "onset": rng.random(len(audio_s)).astype(np.float32),
            "speech": speaking.astype(np.float32),
            "is_speech": speaking,
        }
    )
    word_s = np.arange(1, duration_s - 1, 0.4)
    words = pd.DataFrame(
        {
            "word": [f"word{i}" for i in range(len(word_s))],
            "start_s": word_s,
            "end_s": word_s + 0.3,
            "cue": np.arange(len(word_s)) // 8,
            "sentence": np.arange(len(word_s)) // 12,
            "ends_sentence": np.arange(len(word_s)) % 12 == 11,
        }
    )
    shots = pd.DataFrame(
        {
            "kind": rng.choice(["cut", "dissolve", "fade"], len(begin), p=[0.8, 0.1, 0.1]),
            "begin": begin,
            "end": begin,
            "begin_s": time_s[begin],
            "end_s": time_s[begin],
            "score": difference[begin],
            "margin": difference[begin] - 3.5,
        }
    )
    terms = pd.DataFrame(rng.random((n_candidates, len(TERMS))), columns=list(TERMS))
    start_s = np.sort(rng.uniform(0, duration_s - 25, n_candidates))
    candidates = pd.concat(
        [
            pd.DataFrame(
                {
                    "candidate_id": np.arange(1, n_candidates + 1),
                    "start_s": start_s,
                    "end_s": start_s + rng.uniform(15, 24, n_candidates),
                    "score": 0.0,
                }
            ),
            terms,
            pd.DataFrame({"begins": ["a sentence"] * n_candidates, "ends": ["a pause"] * n_candidates}),
        ],
        axis=1,
    )
    candidates = score_candidates(candidates, ScoringWeights())
    chosen: list[int] = []
    for row, candidate in candidates.iterrows():
        free = all(
            candidate["start_s"] >= candidates["end_s"][i] or candidate["end_s"] <= candidates["start_s"][i]
            for i in chosen
        )
        if free and len(chosen) < n_clips:
            chosen.append(int(row))
    clips = candidates.iloc[chosen].drop(columns=["candidate_id", "begins", "ends"]).reset_index(drop=True)
    clips.insert(0, "clip_id", np.arange(1, len(clips) + 1))
    clips.insert(4, "title", [f"Why the answer is {i}" for i in clips["clip_id"]])
    clips.insert(
        5, "reason", [f"Strong opening and a complete thought; starts at a cut ({i})" for i in clips["clip_id"]]
    )
    rejected = candidates.drop(index=chosen)[["candidate_id", "start_s", "end_s", "score"]].copy()
    rejected["rule"] = np.where(np.arange(len(rejected)) % 5 == 0, "score", "overlap")
    rejected["detail"] = "overlaps clip 1"
    crop = pd.concat([_crop_path(rng, clip) for _, clip in clips.iterrows()], ignore_index=True)
    verdicts = pd.DataFrame(
        [
            {
                "clip_id": clip_id,
                "platform": platform,
                "check": check,
                "value": value,
                "limit": limit,
                "ok": True,
                "severity": "error",
                "note": "",
            }
            for clip_id in clips["clip_id"]
            for platform in PLATFORMS
            for check, value, limit in (
                ("duration_s", "18.2", "3 to 60"),
                ("video_codec", "h264", "h264"),
                ("loudness_lufs", "-14.0", "-15 to -13"),
            )
        ]
    )
    return {
        "frames": frames,
        "audio": audio,
        "words": words,
        "shots": shots,
        "candidates": candidates,
        "clips": clips,
        "rejected": rejected,
        "crop": crop,
        "verdicts": verdicts,
    }


def _crop_path(rng: np.random.Generator, clip: pd.Series) -> pd.DataFrame:
    time_s = np.arange(clip["start_s"], clip["end_s"], 1 / 25)
    x = np.clip(0.34 + np.cumsum(rng.normal(0, 0.002, len(time_s))), 0, 1 - 0.31640625)
    return pd.DataFrame(
        {
            "clip_id": int(clip["clip_id"]),
            "time_s": time_s,
            "x": x,
            "y": 0.0,
            "width": 0.31640625,
            "height": 1.0,
            "layout": "follow",
        }
    )


def make_run(
    folder: Path,
    rng: np.random.Generator,
    *,
    clip_file: Path | None = None,
    duration_s: float = 120.0,
    title: str | None = None,
    n_candidates: int = 40,
    n_clips: int = 3,
) -> Path:
    """Write a finished run below `folder` and return it; each clip is a copy of `clip_file`."""
    tables = make_tables(rng, duration_s=duration_s, n_candidates=n_candidates, n_clips=n_clips)
    if title is not None:
        tables["clips"].loc[0, "title"] = title
    (folder / "tables").mkdir(parents=True)
    (folder / "clips").mkdir()
    for name, table in tables.items():
        if name in ("frames", "audio", "words"):
            table.to_parquet(folder / "tables" / f"{name}.parquet")
        else:
            table.to_csv(folder / "tables" / f"{name}.csv", index=False)
    outputs = []
    for clip_id in tables["clips"]["clip_id"]:
        for platform in PLATFORMS:
            stem = folder / "clips" / f"{clip_id}_{platform}"
            picture = np.full((320, 180, 3), 40 * int(clip_id), np.uint8)
            cv2.putText(picture, str(clip_id), (60, 180), cv2.FONT_HERSHEY_SIMPLEX, 3, (255, 255, 255), 5)
            cv2.imwrite(str(stem) + ".jpg", picture)
            Path(f"{stem}.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n", encoding="utf-8")
            Path(f"{stem}.mp4").write_bytes(clip_file.read_bytes() if clip_file else b"")
            for suffix, kind in ((".mp4", "clip"), (".srt", "captions"), (".jpg", "cover")):
                data = Path(f"{stem}{suffix}").read_bytes()
                outputs.append(
                    {
                        "path": f"clips/{clip_id}_{platform}{suffix}",
                        "sha256": hashlib.sha256(data).hexdigest(),
                        "size_bytes": len(data),
                        "kind": kind,
                    }
                )
    record = make_record(outputs, duration_s=duration_s)
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def make_record(outputs: list[dict[str, object]], *, duration_s: float) -> dict[str, object]:
    """Return what ``run.json`` holds for a finished run."""
    params = Params.model_validate(
        {"render": {"crf": 22}, "platforms": {"targets": PLATFORMS}, "selection": {"n_clips": 3, "max_s": 30}}
    )
    return {
        "schema": 1,
        "status": "done",
        "stage": "verify",
        "progress": 1.0,
        "input": {"path": "talks/A talk.mp4", "sha256": "ab" * 32, "size_bytes": 123456789},
        "params": params.model_dump(mode="json"),
        "params_digest": "cd" * 32,
        "versions": {"clipkit": "0.1.0", "python": "3.11.2", "av": "18.1.0"},
        "media": {
            "path": "talks/A talk.mp4",
            "container": "mov,mp4",
            "size_bytes": 123456789,
            "duration_s": duration_s,
            "video": {
                "index": 0,
                "codec": "h264",
                "width": 1280,
                "height": 720,
                "frame_rate": "25/1",
                "pix_fmt": "yuv420p",
                "rotation": 0,
            },
            "audio": [{"index": 1, "codec": "aac", "rate_hz": 48000, "channels": 2}],
            "subtitles": [],
        },
        "timings": {
            "inspect": 0.4,
            "measure": 12.1,
            "shots": 0.3,
            "listen": 2.0,
            "candidates": 0.4,
            "choose": 0.1,
            "render": 40.3,
            "verify": 3.2,
        },
        "notes": [{"stage": "listen", "message": "No subtitles were found, so the clips carry no captions."}],
        "outputs": outputs,
        "quality": {"mean_score": 0.61, "centre_prior": 0.52},
        "verdicts_ok": True,
        "error": None,
        "started": "2026-01-05T10:00:00Z",
        "finished": "2026-01-05T10:01:03Z",
        "pid": 1,
    }
