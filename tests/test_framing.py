"""Pictures of clips: cut to their shape, or whole above a bed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from test_scaler import frame_of

from clipkit.output.framing import Framer, Window

CLEAR = (20, 130)


def framer_of(luma: NDArray[np.uint8], width: int = 90, height: int = 160, **how: Any) -> Framer:
    video: Any = SimpleNamespace(
        rotation=0,
        mirrored=False,
        coded_width=luma.shape[1],
        coded_height=luma.shape[0],
        width=luma.shape[1],
        height=luma.shape[0],
        is_full_range=how.pop("is_full_range", False),
    )
    return Framer(video, width, height, **{"clear": CLEAR, "bed": "blur", **how})


@pytest.fixture
def luma(rng: np.random.Generator) -> NDArray[np.uint8]:
    return rng.integers(100, 256, (90, 160), np.uint8)


def test_a_window_of_another_shape_is_cut_and_not_stretched(luma: NDArray[np.uint8]):
    framer = framer_of(luma, 48, 86)
    frame: Any = frame_of(luma)

    wide, _, _ = framer.picture(frame, Window((0.1, 0.0, 0.9, 1.0), "static"))
    cut, _, _ = framer.picture(frame, Window((0.5 - 0.157, 0.0, 0.5 + 0.157, 1.0), "static"))

    assert wide.shape == (86, 48)
    assert np.abs(wide.astype(int) - cut).mean() < 3


@pytest.mark.parametrize("layout", ["screen", "pad"])
def test_a_whole_window_is_seen_from_edge_to_edge(luma: NDArray[np.uint8], layout: str):
    frame: Any = frame_of(luma)

    y, u, v = framer_of(luma, 160, 284, clear=(20, 200)).picture(frame, Window((0.0, 0.0, 1.0, 1.0), layout))

    top = 2 * round((20 + 200 - 90) / 4)
    assert np.array_equal(y[top : top + 90], luma)
    assert u.shape == v.shape == (142, 80)


def test_one_that_does_not_fit_into_the_clear_lines_stands_in_the_middle(luma: NDArray[np.uint8]):
    frame: Any = frame_of(luma)

    y, _, _ = framer_of(luma, 160, 284, clear=(20, 80)).picture(frame, Window((0.0, 0.0, 1.0, 1.0), "screen"))

    middle = (284 - 90) // 2 // 2 * 2
    assert any(np.array_equal(y[top : top + 90], luma) for top in (middle, middle + 2))


def test_the_bed_is_darker_than_the_picture_and_smooth(luma: NDArray[np.uint8]):
    frame: Any = frame_of(luma)

    y, _, _ = framer_of(luma).picture(frame, Window((0.0, 0.0, 1.0, 1.0), "screen"))

    bed = y[100:].astype(int)
    assert 16 < bed.mean() < 0.6 * luma.mean()
    assert np.abs(np.diff(bed, axis=1)).max() <= 4


def test_a_split_shows_both_ends_of_its_window_unstretched():
    luma = np.full((90, 160), 60, np.uint8)
    luma[20:60, 20:65] = np.linspace(100, 144, 45).astype(np.uint8)
    luma[20:60, 100:145] = np.linspace(160, 204, 45).astype(np.uint8)
    frame: Any = frame_of(luma)

    y, u, _ = framer_of(luma).picture(frame, Window((20 / 160, 20 / 90, 145 / 160, 60 / 90), "split"))

    assert y.shape == (160, 90)
    assert u.shape == (80, 45)
    # The filter reaches over the edge of a panel, so its outermost pixels mix with what lies around.
    assert 98 <= y[4:76, 4:-4].min() <= y[4:76, 4:-4].max() <= 146
    assert 158 <= y[84:156, 4:-4].min() <= y[84:156, 4:-4].max() <= 206
    assert np.ptp(y[4:76, 4:-4].astype(int), axis=0).max() <= 1


@pytest.mark.parametrize(("is_full_range", "black"), [(False, 16), (True, 0)])
def test_a_plain_bed_is_black(luma: NDArray[np.uint8], is_full_range: bool, black: int):
    frame: Any = frame_of(luma)
    framer = framer_of(luma, bed="plain", is_full_range=is_full_range)

    y, u, v = framer.picture(frame, Window((0.0, 0.0, 1.0, 1.0), "screen"))

    assert (y[-30:] == black).all()
    assert (u[-15:] == 128).all()
    assert (v[-15:] == 128).all()


@settings(max_examples=30, deadline=None)
@given(left=st.floats(0.0, 0.65), length=st.floats(0.33, 1.0), first=st.integers(0, 60), last=st.integers(60, 160))
def test_every_window_gives_a_picture_of_the_right_size(left: float, length: float, first: int, last: int):
    luma = np.tile(np.linspace(16, 235, 160).astype(np.uint8), (90, 1))
    frame: Any = frame_of(luma)
    window = Window((left, 0.0, min(1.0, left + length), 1.0), "screen")

    y, u, v = framer_of(luma, clear=(first, last)).picture(frame, window)

    assert y.shape == (160, 90)
    assert u.shape == v.shape == (80, 45)
