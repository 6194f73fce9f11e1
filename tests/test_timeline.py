"""Interval algebra and conversions of time."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipkit.timeline import (
    clip_segments,
    complement_segments,
    format_timecode,
    merge_segments,
    overlap_s,
    pts_to_seconds,
    seconds_to_pts,
)

ticks = st.integers(0, 400).map(lambda n: n / 4)
segments = st.lists(st.tuples(ticks, ticks).map(sorted), max_size=12)
time_bases = st.sampled_from([Fraction(1, 25), Fraction(1, 90000), Fraction(1001, 30000), Fraction(1, 1000000)])


@given(st.integers(-(10**9), 10**9), time_bases, st.integers(-(10**6), 10**6))
def test_ticks_survive_the_way_through_seconds(pts: int, time_base: Fraction, start_pts: int):
    assert seconds_to_pts(pts_to_seconds(pts, time_base, start_pts), time_base, start_pts) == pts


@given(segments)
def test_merged_segments_are_sorted_disjoint_and_merge_to_themselves(rows: list):
    merged = merge_segments(rows)

    assert (merged[1:, 0] > merged[:-1, 1]).all()
    assert (merged[:, 1] > merged[:, 0]).all()
    np.testing.assert_array_equal(merge_segments(merged), merged)


@given(segments)
def test_complement_twice_is_the_same_time(rows: list):
    inside = clip_segments(merge_segments(rows), 0, 100)

    twice = complement_segments(complement_segments(rows, 0, 100), 0, 100)

    np.testing.assert_array_equal(twice, inside)


@given(segments, ticks, ticks)
def test_covered_and_uncovered_time_add_up(rows: list, start_s: float, end_s: float):
    start_s, end_s = sorted((start_s, end_s))
    rest = complement_segments(rows, start_s, end_s)

    assert overlap_s(rows, start_s, end_s) + (rest[:, 1] - rest[:, 0]).sum() == pytest.approx(end_s - start_s)


def test_segments_that_lie_close_become_one():
    assert merge_segments([[0, 1], [1.2, 2]], gap_s=0.25).tolist() == [[0, 2]]
    assert len(merge_segments([[0, 1], [1.3, 2]], gap_s=0.25)) == 2


@pytest.mark.parametrize(
    ("time_s", "text"), [(0, "0:00.0"), (59.96, "1:00.0"), (3599.99, "1:00:00.0"), (-1.5, "-0:01.5")]
)
def test_timecodes_carry_over(time_s: float, text: str):
    assert format_timecode(time_s) == text
