"""What was heard in stretches of sound, kept on disk so that it is never heard twice."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from pathlib import Path
from typing import Any

from clipkit.files import write_text
from clipkit.media.speech_model import Heard, HeardWord, SpeechModel
from clipkit.resources import user_dir

# Raised when the same sound and model would give other words.
_VERSION = 1


class TranscriptStore:
    """The stretches of one video as one model heard them, a file each in clipkit's own folder.

    Parameters
    ----------
    video_digest : str
        Sha256 of the video.
    model : SpeechModel
        What listens.
    track : int, optional
        Number of the sound track that is heard, by default the default one.
    """

    def __init__(self, video_digest: str, model: SpeechModel, track: int | None = None) -> None:
        libraries = {name: importlib.metadata.version(name) for name in ("faster-whisper", "ctranslate2")}
        self._of: dict[str, Any] = {"video": video_digest, "model": model.digest, "version": _VERSION, **libraries}
        if track is not None:
            self._of["track"] = track
        self.folder = user_dir("cache") / "transcripts"

    def load(self, start_s: float, end_s: float, language: str | None) -> Heard | None:
        """Return what was heard in a stretch; None when nothing was kept, or the file is damaged."""
        try:
            record = json.loads(self._path(start_s, end_s, language).read_text(encoding="utf-8"))
            body, digest = record["heard"], record["sha256"]
            if _digest(body) != digest:
                return None
            return Heard(body["language"], tuple(HeardWord(*word) for word in body["words"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, start_s: float, end_s: float, language: str | None, heard: Heard) -> None:
        """Keep what was heard in a stretch.

        Raises
        ------
        ResourceError
            If the disk is full or the folder may not be written.
        """
        body = {"language": heard.language, "words": [list(word) for word in heard.words]}
        record = {"heard": body, "sha256": _digest(body)}
        write_text(self._path(start_s, end_s, language), json.dumps(record, ensure_ascii=False))

    def _path(self, start_s: float, end_s: float, language: str | None) -> Path:
        span_ms = [round(start_s * 1000), round(end_s * 1000)]
        return self.folder / f"{_digest({**self._of, 'span_ms': span_ms, 'language': language})}.json"


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
