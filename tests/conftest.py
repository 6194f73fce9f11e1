"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# The same examples in every run: a test that fails here fails everywhere.
settings.register_profile("clipkit", derandomize=True, deadline=None, database=None)
settings.load_profile("clipkit")

MEDIA = Path(__file__).resolve().parents[2] / "shared" / "media"


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep a person's own profiles, models and caches out of the tests."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIPKIT_HOME", str(folder))
        patch.setenv("HF_HUB_CACHE", str(folder / "hub"))
        yield folder


@pytest.fixture
def rng() -> np.random.Generator:
    """Return random numbers that are the same in every run."""
    return np.random.default_rng(20260101)


@pytest.fixture
def media() -> Path:
    """Return the folder of real footage, or skip where it is not there."""
    if not MEDIA.is_dir():
        if os.environ.get("CLIPKIT_REQUIRE") == "all":
            pytest.fail("the folder of real footage is missing and CLIPKIT_REQUIRE=all")
        pytest.skip("no folder of real footage beside the project")
    return MEDIA


@pytest.fixture(scope="session")
def hazard(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function from the name of a small awkward video to its path; see ``hazards.NAMES``."""
    from hazards import make

    folder = tmp_path_factory.mktemp("hazards")
    return lambda name: make(name, folder)


@pytest.fixture(scope="session")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny English speech model that hears nonsense."""
    from whisper_model import make_whisper

    return make_whisper(tmp_path_factory.mktemp("whisper") / "nonsense")


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small talk of some 20 s with a subtitle file beside it: the first scenes of the sample."""
    from clipkit.media.writer import write_video
    from clipkit.samples import FRAME_RATE, RATE_HZ, make_sample

    sample = make_sample(height=180, n_sentences=5)
    path = tmp_path_factory.mktemp("talk") / "talk.mp4"
    write_video(path, sample.frames(), frame_rate=FRAME_RATE, samples=sample.samples, rate_hz=RATE_HZ)
    path.with_suffix(".srt").write_text(sample.srt(), encoding="utf-8")
    return path
