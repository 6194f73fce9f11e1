"""Speech models are found on this machine only, loaded for real, and say in one sentence what is wrong with them."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from whisper_model import make_whisper

from clipkit.errors import InputError, ParamsError, ResourceError
from clipkit.media.speech_model import RATE_HZ, Recogniser, SpeechModel, find_model, what_is_missing
from clipkit.params import SpeechParams


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home of clipkit."""
    monkeypatch.setenv("CLIPKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def no_extra(monkeypatch: pytest.MonkeyPatch):
    """Make faster-whisper impossible to import."""
    monkeypatch.setitem(sys.modules, "faster_whisper", None)


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(5).normal(0.0, 0.1, 10 * RATE_HZ).astype(np.float32)


def asked(name: str) -> SpeechParams:
    return SpeechParams(transcribe=name)


# Finding


def test_a_folder_is_a_model(whisper: Path):
    model = find_model(asked(str(whisper)))

    assert model == SpeechModel(str(whisper), whisper)
    assert len(model.digest) == 64


def test_a_name_is_looked_for_in_the_folder_of_models(home: Path, whisper: Path):
    shutil.copytree(whisper, home / "models" / "mine")

    assert find_model(asked("mine")) == SpeechModel("mine", home / "models" / "mine")
    assert find_model(asked("auto")) == SpeechModel("mine", home / "models" / "mine")
    assert find_model(asked("off")) is None


def test_auto_passes_over_folders_that_are_no_models(home: Path, whisper: Path):
    (home / "models" / "a").mkdir(parents=True)
    (home / "models" / "b.txt").write_text("")
    shutil.copytree(whisper, home / "models" / "c")

    assert find_model(asked("auto")).name == "c"


def test_auto_takes_a_model_from_the_cache_of_faster_whisper(
    home: Path, whisper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from huggingface_hub import constants

    repository = tmp_path / "hub" / "models--Systran--faster-whisper-base"
    shutil.copytree(whisper, repository / "snapshots" / "0123")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))

    for name in ("auto", "base"):
        found = find_model(asked(name))
        assert (found.name, found.folder) == ("base", repository / "snapshots" / "0123")


def test_the_digest_changes_with_any_file(whisper: Path, tmp_path: Path):
    other = tmp_path / "other"
    shutil.copytree(whisper, other)
    assert SpeechModel("a", other).digest == SpeechModel("b", whisper).digest

    (other / "config.json").write_text((other / "config.json").read_text() + " ")

    assert SpeechModel("a", other).digest != SpeechModel("a", whisper).digest


# What is wrong


def test_auto_without_a_model_says_what_is_missing(home: Path):
    assert find_model(asked("auto")) is None
    assert str(home / "models") in what_is_missing(asked("auto"))
    assert what_is_missing(asked("off")) == "speech.transcribe is off"


def test_auto_without_the_extra_says_how_to_get_it(no_extra: None):
    assert find_model(asked("auto")) is None
    assert "pip install faster-whisper" in what_is_missing(asked("auto"))


def test_a_named_model_without_the_extra_is_one_sentence(no_extra: None):
    with pytest.raises(ResourceError, match="pip install faster-whisper") as caught:
        find_model(asked("small"))

    assert caught.value.code == "resource.no_speech_extra"


def test_a_name_that_is_not_here_is_one_sentence_and_no_network(home: Path, monkeypatch: pytest.MonkeyPatch):
    def no_network(*_: object, **__: object) -> None:
        pytest.fail("somebody asked the network")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.setattr(socket.socket, "connect", no_network)

    for name in ("small", "Systran/faster-whisper-small"):
        with pytest.raises(ResourceError, match="downloads nothing") as caught:
            find_model(asked(name))
        assert caught.value.code == "resource.no_speech_model"


@pytest.mark.parametrize("name", ["smal", "no/such/folder", "/no/such/folder", "a b"])
def test_a_name_that_nothing_has_is_one_sentence(home: Path, name: str):
    with pytest.raises(ParamsError, match=r"speech\.transcribe must be auto, off") as caught:
        find_model(asked(name))

    assert caught.value.code == "params.unknown_speech_model"
    assert ("Did you mean 'small'?" in caught.value.message) == (name == "smal")


@pytest.mark.parametrize("missing", ["model.bin", "config.json", "tokenizer.json", "vocabulary.json"])
def test_a_folder_that_lacks_a_file_is_no_model(whisper: Path, tmp_path: Path, missing: str):
    shutil.copytree(whisper, tmp_path / "m")
    (tmp_path / "m" / missing).unlink()

    with pytest.raises(InputError, match=f"{missing} is missing") as caught:
        find_model(asked(str(tmp_path / "m")))

    assert caught.value.code == "input.bad_speech_model"


@pytest.mark.parametrize("damaged", ["model.bin", "tokenizer.json"])
def test_damaged_files_are_one_sentence(whisper: Path, tmp_path: Path, damaged: str):
    shutil.copytree(whisper, tmp_path / "m")
    (tmp_path / "m" / damaged).write_bytes(b"\x06\x00\x00\x00 nothing of use")

    with pytest.raises(InputError, match="cannot be loaded") as caught:
        Recogniser(SpeechModel("m", tmp_path / "m"))

    assert caught.value.code == "input.bad_speech_model"
    assert "\n" not in caught.value.message


# Hearing


def test_the_same_sound_gives_the_same_words_whatever_the_threads(whisper: Path, noise: np.ndarray):
    shares: list[float] = []

    first = Recogniser(SpeechModel("m", whisper), threads=1).hear(noise, progress=shares.append)
    second = Recogniser(SpeechModel("m", whisper), threads=2).hear(noise)

    assert first == second
    assert first.language == "en"
    assert first.words
    assert all(0.0 <= word.start_s <= word.end_s <= 10.1 for word in first.words)
    assert all(word.word == word.word.strip() for word in first.words)
    assert shares == sorted(shares)
    assert 0.0 < shares[-1] <= 1.0


def test_text_that_only_repeats_itself_is_not_what_was_said(tmp_path: Path, noise: np.ndarray):
    shares: list[float] = []
    model = SpeechModel("m", make_whisper(tmp_path / "m", is_repetitive=True))

    assert Recogniser(model).hear(noise, progress=shares.append).words == ()
    assert shares


def test_a_language_the_model_does_not_know_is_one_sentence(whisper: Path, noise: np.ndarray):
    with pytest.raises(ParamsError, match="got 'de'") as caught:
        Recogniser(SpeechModel("m", whisper)).hear(noise, language="de")

    assert caught.value.code == "params.speech_language"


def test_a_model_of_many_languages_detects_one_or_takes_the_one_given(tmp_path: Path, noise: np.ndarray):
    model = Recogniser(SpeechModel("m", make_whisper(tmp_path / "m", is_multilingual=True)))

    assert model.hear(noise[:RATE_HZ]).language in ("en", "de", "fr")
    assert model.hear(noise[:RATE_HZ], language="fr").language == "fr"


def test_clipkit_does_not_load_the_extra_before_it_is_needed():
    code = (
        "import sys, clipkit.runs.stages, clipkit.runs.identity; from clipkit.media.speech_model import find_model; "
        "from clipkit.params import SpeechParams; find_model(SpeechParams()); "
        "print(sorted({'faster_whisper', 'ctranslate2', 'onnxruntime', 'tokenizers'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
