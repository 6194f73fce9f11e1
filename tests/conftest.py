"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

MEDIA = Path(__file__).resolve().parents[2] / "shared" / "media"


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
