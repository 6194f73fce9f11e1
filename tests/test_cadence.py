from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipkit.output.cadence import on_ticks, output_rate


@dataclass(frozen=True)
class Shown:
    time_s: float


def times(frames):
    return [frame.time_s for frame in frames]


@pytest.mark.parametrize(
    ("source", "is_variable", "most", "written"),
    [
        ("24000/1001", False, 60, "24000/1001"),
        ("2997/100", False, 60, "30000/1001"),
        ("30", False, 60, "30"),
        ("48", False, 60, "48"),
        ("10", False, 60, "30"),
        ("15", False, 60, "30"),
        ("12", False, 60, "24"),
        ("25/2", False, 60, "25"),
        ("120", False, 60, "60"),
        ("120000/1001", False, 60, "60000/1001"),
        ("240", False, 60, "60"),
        ("60", False, 30, "30"),
        ("50", False, 30, "25"),
        ("90", False, 60, "30"),
        ("1373/80", False, 60, "24000/1001"),
        ("2953/100", True, 60, "30000/1001"),
        ("144", True, 60, "60"),
        ("3", True, 60, "24000/1001"),
    ],
)
def test_the_rate_is_a_standard_one_near_the_sources(source, is_variable, most, written):
    assert output_rate(Fraction(source), is_variable=is_variable, max_rate=most) == Fraction(written)


@given(st.fractions(min_value=Fraction(1, 2), max_value=480, max_denominator=1001), st.booleans(), st.integers(24, 60))
@settings(deadline=None)
def test_the_rate_is_always_one_that_platforms_take(source, is_variable, most):
    assert Fraction(24000, 1001) <= output_rate(source, is_variable=is_variable, max_rate=most) <= most


def test_frames_at_the_same_rate_are_each_shown_once():
    frames = [Shown(k / 25) for k in range(50)]

    assert times(on_ticks(frames, Fraction(25), 50, 0.0)) == [k / 25 for k in range(50)]


def test_time_stamps_rounded_to_milliseconds_drop_and_repeat_nothing():
    frames = [Shown(round(k / 30, 3)) for k in range(300)]

    assert times(on_ticks(frames, Fraction(30), 300, 0.0)) == [frame.time_s for frame in frames]


def test_a_slow_source_repeats_evenly():
    frames = [Shown(k / 10) for k in range(4)]

    assert times(on_ticks(frames, Fraction(30), 12, 0.0)) == [k / 10 for k in range(4) for _ in range(3)]


def test_a_fast_source_keeps_every_second_frame():
    frames = [Shown(k / 120) for k in range(40)]

    assert times(on_ticks(frames, Fraction(60), 20, 0.0)) == [k / 60 for k in range(20)]


def test_the_last_frame_stays_when_the_source_ends_early():
    assert times(on_ticks([Shown(0.0), Shown(0.04)], Fraction(25), 5, 0.0)) == [0.0, 0.04, 0.04, 0.04, 0.04]


def test_a_first_frame_from_before_the_start_is_shown_at_once():
    assert times(on_ticks([Shown(1.0), Shown(5.1)], Fraction(10), 3, 5.0)) == [1.0, 5.1, 5.1]


def test_no_frames_give_none():
    assert times(on_ticks([], Fraction(25), 5, 0.0)) == []


@given(
    gaps=st.lists(st.floats(0.001, 0.5), min_size=1, max_size=60),
    rate=st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(60)]),
    n_ticks=st.integers(1, 200),
)
@settings(deadline=None)
def test_a_variable_rate_shows_what_is_on_screen(gaps, rate, n_ticks):
    stamps = [0.0]
    for gap in gaps:
        stamps.append(stamps[-1] + gap)

    shown = times(on_ticks([Shown(stamp) for stamp in stamps], rate, n_ticks, 0.0))

    assert len(shown) == n_ticks
    assert shown == sorted(shown)
    for tick, stamp in enumerate(shown):
        newest = max(s for s in stamps if s <= tick / rate + 0.25 / rate)
        assert stamp == newest
