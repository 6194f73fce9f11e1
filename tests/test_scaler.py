from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipkit.media.frames import Plane, turn
from clipkit.media.reader import open_video
from clipkit.output.scaler import Scaler


def frame_of(luma, chroma_u=None, chroma_v=None, *, padding=5):
    """Return what the scaler reads of a frame, with strides wider than its rows."""
    height, width = luma.shape
    grey = np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8)
    planes = []
    for plane in (luma, grey if chroma_u is None else chroma_u, grey if chroma_v is None else chroma_v):
        padded = np.full((plane.shape[0], plane.shape[1] + padding), 77, np.uint8)
        padded[:, : plane.shape[1]] = plane
        samples = padded.ravel()
        samples.flags.writeable = False
        planes.append(Plane(samples, *plane.shape, padded.shape[1]))
    return SimpleNamespace(planes=tuple(planes))


def scaler_of(luma, width, height, *, rotation=0, mirrored=False):
    video = SimpleNamespace(rotation=rotation, mirrored=mirrored, coded_width=luma.shape[1], coded_height=luma.shape[0])
    return Scaler(video, width, height)


def ramp(height, width, per_column=2.0):
    return np.tile(np.round(20 + per_column * np.arange(width)), (height, 1)).astype(np.uint8)


def test_the_whole_frame_at_its_own_size_is_unchanged(rng):
    luma, chroma = rng.integers(0, 256, (36, 64), np.uint8), rng.integers(0, 256, (18, 32), np.uint8)

    y, u, v = scaler_of(luma, 64, 36).picture(frame_of(luma, chroma, chroma[::-1]), (0.0, 0.0, 1.0, 1.0))

    assert np.array_equal(y, luma)
    assert np.array_equal(u, chroma)
    assert np.array_equal(v, chroma[::-1])


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_turned_frame_comes_out_upright(rng, rotation, mirrored):
    luma, chroma = rng.integers(0, 256, (32, 48), np.uint8), rng.integers(0, 256, (16, 24), np.uint8)
    upright = turn(luma, rotation, mirrored)
    top, left = 4, 8
    shown = upright[top : top + 16, left : left + 20]
    height, width = upright.shape
    box = (left / width, top / height, (left + 20) / width, (top + 16) / height)

    y, u, _ = scaler_of(luma, 20, 16, rotation=rotation, mirrored=mirrored).picture(frame_of(luma, chroma), box)

    assert np.array_equal(y, shown)
    assert u.shape == (8, 10)
    if rotation == 0 and not mirrored:
        assert np.array_equal(u, chroma[2:10, 4:14])


@pytest.mark.parametrize(("rotation", "mirrored"), [(0, False), (90, False), (180, True), (270, False)])
def test_chroma_stays_on_its_luma(rotation, mirrored):
    # An edge in the colours at the same place as in the luma must still be there after turning and scaling.
    luma = np.full((64, 96), 60, np.uint8)
    luma[:, 48:] = 180
    # Left-sited chroma: sample 24 stands on pixel 48, the first bright one.
    chroma = np.full((32, 48), 100, np.uint8)
    chroma[:, 24:] = 156
    width, height = (96, 64) if rotation % 180 == 0 else (64, 96)

    y, u, _ = scaler_of(luma, 4 * width, 4 * height, rotation=rotation, mirrored=mirrored).picture(
        frame_of(luma, chroma), (0.0, 0.0, 1.0, 1.0)
    )

    def edge_px(plane, middle, scale, offset):
        line = plane.mean(axis=0) if rotation % 180 == 0 else plane.mean(axis=1)
        at = np.flatnonzero(np.diff((line > middle).astype(int)))[0]
        share = (middle - line[at]) / (line[at + 1] - line[at])
        return (at + share) * scale + offset

    horizontal = rotation % 180 == 0
    luma_edge = edge_px(y, 120, 1, 0.5)
    chroma_edge = edge_px(u, 128, 2, 0.5 if horizontal else 1.0)
    # Between samples 23 and 24 the edge lies at pixel 47.5 of the source, half a pixel from the luma's at 48.
    assert abs(luma_edge - chroma_edge) <= 4 * 0.5 + 0.3


def test_a_window_moves_by_parts_of_a_pixel():
    luma = ramp(32, 96)
    scaler = scaler_of(luma, 50, 32)  # no whole ratio, so that rounding to levels evens out

    means = [
        scaler.picture(frame_of(luma), (x / 96, 0.0, (x + 32) / 96, 1.0))[0].astype(float).mean()
        for x in np.arange(20, 22, 0.05)
    ]

    assert np.diff(means) == pytest.approx(0.1, abs=0.05)  # two levels a pixel


@pytest.mark.parametrize("size", [(32, 32), (64, 64), (200, 200), (14, 14)])
def test_a_ramp_stays_where_it_is_at_every_scale(size):
    luma = ramp(96, 96)
    width, height = size

    y, _, _ = scaler_of(luma, width, height).picture(frame_of(luma), (0.25, 0.25, 0.75, 0.75))

    expected = 20 + 2 * (24 + (np.arange(width) + 0.5) * 48 / width - 0.5)
    assert np.abs(y[height // 2] - expected).max() <= 1.0


def test_shrinking_does_not_alias():
    luma = np.where(np.indices((200, 200)).sum(axis=0) % 2, 235, 16).astype(np.uint8)

    y, _, _ = scaler_of(luma, 58, 58).picture(frame_of(luma), (0.0, 0.0, 1.0, 1.0))

    assert np.ptp(y[4:-4, 4:-4].astype(int)) <= 4


@settings(max_examples=50, deadline=None)
@given(
    level=st.integers(0, 255),
    left=st.floats(-0.1, 0.9),
    top=st.floats(-0.1, 0.9),
    across=st.floats(0.05, 0.6),
    rotation=st.sampled_from([0, 90, 180, 270]),
)
def test_an_even_picture_stays_even_whatever_the_window(level, left, top, across, rotation):
    luma = np.full((45, 77), level, np.uint8)

    y, u, v = scaler_of(luma, 30, 22, rotation=rotation).picture(
        frame_of(luma), (left, top, left + across, top + across)
    )

    assert (y == level).all()
    assert (u == 128).all()
    assert (v == 128).all()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("full_chroma.mkv", "yuv444p"), ("half_chroma.mkv", "yuv422p"), ("odd_size.mkv", "yuv444p")],
)
def test_every_kind_of_chroma_becomes_the_same_colours(hazard, name, kind):
    with open_video(hazard(name)) as reader:
        frame = reader.frame_at(0.2)
        assert reader.video.pix_fmt == kind
        width, height = reader.video.coded_width // 2 * 2, reader.video.coded_height // 2 * 2

        y, u, v = Scaler(reader.video, width, height).picture(frame, (0.0, 0.0, 1.0, 1.0))

    # Red at the lower left, blue at the lower right, as in the picture that was written.
    red = (slice(3 * u.shape[0] // 4, None), slice(2, u.shape[1] // 2 - 2))
    blue = (red[0], slice(u.shape[1] // 2 + 2, -2))
    assert v[red].mean() > 170
    assert u[blue].mean() > 170
    assert y[-height // 4 :, 2 : width // 2 - 2].mean() == pytest.approx(73, abs=12)
