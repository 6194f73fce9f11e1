"""Speech-to-text models on this machine, and the words that one hears.

The model is one for faster-whisper, a folder of files in the format of CTranslate2.  It is looked for on this machine
only: nothing here asks the network.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from clipkit.errors import InputError, ParamsError, ResourceError
from clipkit.files import file_digest
from clipkit.params import SpeechParams
from clipkit.resources import home

RATE_HZ = 16000

_INSTALL = "install it with `make setup` or `pip install faster-whisper`"
_FILES = ("model.bin", "config.json", "tokenizer.json")
_VOCABULARIES = ("vocabulary.json", "vocabulary.txt")
# What auto takes from the cache of faster-whisper: many languages, best first of those that a laptop runs fast enough.
_AUTO_NAMES = ("small", "base", "tiny")
_BEAM_SIZE = 5
# A first guess of the language this sure is taken; else the guesses of up to so many half minutes are counted.
_LANGUAGE_WINDOWS = 4
# Text that packs better than this repeats itself: Whisper's own limit for a window that failed.
_MOST_REPETITIVE = 2.4


class HeardWord(NamedTuple):
    """A word, when it sounds (seconds from the first sample), and the number of the phrase it belongs to."""

    word: str
    start_s: float
    end_s: float
    phrase: int


@dataclass(frozen=True)
class Heard:
    """What a model made of a stretch of sound."""

    language: str
    words: tuple[HeardWord, ...]


@dataclass(frozen=True)
class SpeechModel:
    """A model that lies in a folder of this machine."""

    name: str
    folder: Path

    @cached_property
    def digest(self) -> str:
        """Sha256 over the files of the model, 64 hex digits."""
        names = (*_FILES, *_VOCABULARIES, "preprocessor_config.json")
        parts = [f"{name} {file_digest(self.folder / name)}" for name in names if (self.folder / name).is_file()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def find_model(params: SpeechParams) -> SpeechModel | None:
    """Return the model that `params` ask for; None when they say off, or auto and there is none.

    A name is that of a folder, of a folder in ``models/`` of :func:`~clipkit.resources.home`, or of a model that
    faster-whisper has in its cache, in this order; auto takes the first folder in ``models/``, then the cache.

    Raises
    ------
    ResourceError
        ``resource.no_speech_extra`` if a model is named and faster-whisper is not installed,
        ``resource.no_speech_model`` if it is not on this machine.
    InputError
        ``input.bad_speech_model`` if the folder is no model.
    ParamsError
        ``params.unknown_speech_model`` if nothing has this name.
    """
    name = params.transcribe
    if name == "off":
        return None
    if name == "auto":
        return _first_model() if _is_installed() else None
    if not _is_installed():
        message = f"speech.transcribe is {name!r}, but faster-whisper is not installed: {_INSTALL}, or say off."
        raise ResourceError(message, code="resource.no_speech_extra", retry="never")
    for folder in (Path(name).expanduser(), models_dir() / name):
        if folder.is_dir():
            return _checked(SpeechModel(name, folder.resolve()))
    cached = _cached_model(name)
    if cached is None:
        message = (
            f"speech.transcribe: the model {name!r} is not on this machine, and clipkit downloads nothing. "
            f"Put its folder into {models_dir()}, or give its path."
        )
        raise ResourceError(message, code="resource.no_speech_model", retry="never")
    return _checked(cached)


def what_is_missing(params: SpeechParams) -> str:
    """Return why :func:`find_model` found none, and what to do about it, as the end of a sentence."""
    if params.transcribe == "off":
        return "speech.transcribe is off"
    if not _is_installed():
        return f"faster-whisper is not installed ({_INSTALL})"
    return f"there is no speech model (put the folder of one into {models_dir()}, or name it in speech.transcribe)"


def models_dir() -> Path:
    """Return the folder in which a person keeps speech models; it need not be there."""
    return home() / "models"


class Recogniser:
    """A loaded model.

    Parameters
    ----------
    model : SpeechModel
        What to load; takes about as much memory as half of its ``model.bin``.
    threads : int
        Threads to run on; 0 for all cores.

    Raises
    ------
    InputError
        ``input.bad_speech_model`` if its files are damaged or of another kind.
    """

    def __init__(self, model: SpeechModel, *, threads: int = 0) -> None:
        from faster_whisper import WhisperModel

        self.name = model.name
        try:
            self._whisper: Any = WhisperModel(
                str(model.folder),
                device="cpu",
                compute_type="int8",
                cpu_threads=threads or os.cpu_count() or 1,
                local_files_only=True,
            )
        except MemoryError:
            raise
        except Exception as error:  # the reader of tokenizer.json raises nothing more special
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            message = f"{model.folder}: this speech model cannot be loaded ({reason}). Get its folder anew."
            raise InputError(message, code="input.bad_speech_model") from error

    def hear(
        self,
        samples: NDArray[np.float32],
        *,
        language: str | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Heard:
        """Return the words in a stretch of sound.

        The same samples give the same words: nothing is drawn at random, and windows of half a minute do not lean on
        the text of the one before, which is how Whisper gets caught in loops.

        Parameters
        ----------
        samples : ndarray of float32, shape (n_samples,)
            Mono at 16 kHz, full scale 1.
        language : str, optional
            Its code; by default it is detected.
        progress : callable, optional
            Called with the share done, 0..1, after every phrase.

        Returns
        -------
        Heard
            Words in the order and with the times that Whisper gives them, good to about 0.1 s.

        Raises
        ------
        ParamsError
            ``params.speech_language`` if the model does not know the language.
        """
        known = self._whisper.supported_languages
        if language is not None and language not in known:
            some = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
            message = f"speech.language must be one that the model {self.name!r} knows ({some}), got {language!r}."
            raise ParamsError(message, code="params.speech_language")
        phrases, about = self._whisper.transcribe(
            samples,
            language=language,
            beam_size=_BEAM_SIZE,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
            language_detection_segments=_LANGUAGE_WINDOWS,
        )
        words: list[HeardWord] = []
        for number, phrase in enumerate(phrases):
            if phrase.compression_ratio <= _MOST_REPETITIVE:
                words += [HeardWord(w.word.strip(), float(w.start), float(w.end), number) for w in phrase.words or ()]
            if progress is not None:
                progress(min(1.0, phrase.end * RATE_HZ / len(samples)))
        return Heard(str(about.language), tuple(words))


def _is_installed() -> bool:
    return importlib.util.find_spec("faster_whisper") is not None


def _first_model() -> SpeechModel | None:
    own = models_dir()
    for folder in sorted(own.iterdir()) if own.is_dir() else ():
        if folder.is_dir() and not _lacks(folder):
            return SpeechModel(folder.name, folder.resolve())
    from huggingface_hub import constants

    if not any(Path(constants.HF_HUB_CACHE).glob("models--*whisper*")):
        return None
    found = (_cached_model(name) for name in _AUTO_NAMES)
    return next((model for model in found if model is not None and not _lacks(model.folder)), None)


def _cached_model(name: str) -> SpeechModel | None:
    """Return the model of that name in the cache of faster-whisper."""
    from faster_whisper.utils import available_models, download_model
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return SpeechModel(name, Path(download_model(name, local_files_only=True)))
    except LocalEntryNotFoundError:
        return None
    except (HFValidationError, ValueError) as error:
        known = available_models()
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        message = (
            f"speech.transcribe must be auto, off, the folder of a faster-whisper model, or a name such as "
            f"{', '.join(_AUTO_NAMES)}, got {name!r}.{hint}"
        )
        raise ParamsError(message, code="params.unknown_speech_model") from error


def _checked(model: SpeechModel) -> SpeechModel:
    missing = _lacks(model.folder)
    if missing:
        message = (
            f"{model.folder}: the folder of a speech model holds {', '.join(_FILES)} and {_VOCABULARIES[0]} or .txt; "
            f"{missing} is missing. Give the folder of a model converted for faster-whisper."
        )
        raise InputError(message, code="input.bad_speech_model")
    return model


def _lacks(folder: Path) -> str:
    """Return a file that a model must have and this folder has not. Without a tokenizer one would be fetched."""
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        missing.append(_VOCABULARIES[0])
    return missing[0] if missing else ""
