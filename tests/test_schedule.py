"""The best set of spans, with and without twins."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipkit.analysis.schedule import best_spans, choose_spans

SPAN = st.tuples(st.integers(0, 40), st.integers(1, 15), st.integers(0, 20)).map(
    lambda s: (s[0], s[0] + s[1], s[2] / 20)
)
SPANS = st.lists(SPAN, max_size=9)
PAIRS = st.sets(st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda pair: pair[0] < pair[1]), max_size=8)


def columns(spans):
    return tuple(np.array([span[i] for span in spans], dtype=float) for i in range(3))


def best_total(spans, gap_s: float, most: int, is_allowed=lambda rows: True) -> float:
    """Return the highest total of all subsets that keep the gap, tried one by one."""
    best = 0.0
    order = sorted(range(len(spans)), key=lambda row: spans[row])
    for size in range(1, min(most, len(spans)) + 1):
        for rows in combinations(order, size):
            if all(spans[b][0] >= spans[a][1] + gap_s for a, b in pairwise(rows)) and is_allowed(rows):
                best = max(best, sum(spans[row][2] for row in rows))
    return best


def alike_of(pairs):
    def alike(first, second):
        found = [[(min(a, b), max(a, b)) in pairs for b in second.tolist()] for a in first.tolist()]
        return np.array(found, dtype=bool).reshape(len(first), len(second))

    return alike


@given(SPANS, st.integers(0, 4), st.integers(1, 5))
@settings(deadline=None, max_examples=1000)
def test_no_other_choice_scores_more(spans, gap_s: int, most: int) -> None:
    start_s, end_s, score = columns(spans)

    rows = best_spans(start_s, end_s, score, gap_s=gap_s, most=most)

    assert len(rows) <= most
    assert (start_s[rows[1:]] >= end_s[rows[:-1]] + gap_s).all()
    assert score[rows].sum() == pytest.approx(best_total(spans, gap_s, most))


@given(
    edges=st.tuples(st.sets(st.integers(0, 30), max_size=6), st.sets(st.integers(0, 30), max_size=6)),
    limits=st.tuples(st.integers(1, 8), st.integers(0, 12)),
    gap_s=st.integers(0, 4),
    most=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=1000)
def test_in_and_out_points_are_chosen_together_over_the_whole_lattice(edges, limits, gap_s, most, seed) -> None:
    starts, ends = (sorted(side) for side in edges)
    pairs = [(a, b) for a in starts for b in ends if limits[0] <= b - a <= limits[0] + limits[1]]
    # Few different scores, so that there are ties.
    values = np.random.default_rng(seed).integers(0, 5, len(pairs)) / 4
    spans = [(*pair, value) for pair, value in zip(pairs, values.tolist(), strict=True)]

    start_s, end_s, score = columns(spans)
    rows = best_spans(start_s, end_s, score, gap_s=gap_s, most=most)

    assert score[rows].sum() == pytest.approx(best_total(spans, gap_s, most))
    shuffled = np.random.default_rng(seed).permutation(len(spans))
    again = best_spans(start_s[shuffled], end_s[shuffled], score[shuffled], gap_s=gap_s, most=most)
    assert shuffled[again].tolist() == rows.tolist()


@given(SPANS)
@settings(deadline=None, max_examples=300)
def test_more_clips_never_lower_the_total(spans) -> None:
    start_s, end_s, score = columns(spans)

    totals = [score[best_spans(start_s, end_s, score, gap_s=1.0, most=most)].sum() for most in range(1, 8)]

    assert (np.diff(totals) >= -1e-12).all()


@given(SPANS, st.integers(0, 4), st.integers(1, 5))
@settings(deadline=None, max_examples=300)
def test_without_twins_the_choice_is_the_best_set(spans, gap_s: int, most: int) -> None:
    start_s, end_s, score = columns(spans)

    choice = choose_spans(start_s, end_s, score, gap_s=gap_s, most=most, alike=alike_of(set()))

    rows = best_spans(start_s, end_s, score, gap_s=gap_s, most=most)
    assert sorted(choice.rows.tolist()) == sorted(rows.tolist())
    assert (choice.twin_of == -1).all()


@given(SPANS, PAIRS, st.integers(0, 4), st.integers(1, 5))
@settings(deadline=None, max_examples=1000)
def test_no_two_chosen_spans_are_twins(spans, pairs, gap_s: int, most: int) -> None:
    start_s, end_s, score = columns(spans)
    alike = alike_of(pairs)

    choice = choose_spans(start_s, end_s, score, gap_s=gap_s, most=most, alike=alike)

    rows = choice.rows
    assert not alike(rows, rows).any()
    in_time = rows[np.argsort(start_s[rows], kind="stable")]
    assert (start_s[in_time[1:]] >= end_s[in_time[:-1]] + gap_s).all()
    assert len(rows) <= most
    assert (np.diff(score[rows]) <= 0).all()
    # What stood aside did so for a span that was chosen, is at least as good, and is its twin.
    for row in np.flatnonzero(choice.twin_of >= 0).tolist():
        kept = int(choice.twin_of[row])
        assert kept in rows
        assert row not in rows
        assert alike(np.array([row]), np.array([kept])).all()
    allowed = best_total(spans, gap_s, most, lambda chosen: not alike(np.array(chosen), np.array(chosen)).any())
    assert score[rows].sum() <= allowed + 1e-9


@given(SPANS, PAIRS, st.integers(0, 2))
@settings(deadline=None, max_examples=500)
def test_more_clips_never_lower_the_total_of_spans_that_are_no_twins(spans, pairs, gap_s: int) -> None:
    start_s, end_s, score = columns(spans)

    totals = [
        score[choose_spans(start_s, end_s, score, gap_s=gap_s, most=most, alike=alike_of(pairs)).rows].sum()
        for most in range(1, 6)
    ]

    assert (np.diff(totals) >= -1e-9).all()


@given(SPANS, PAIRS, st.integers(0, 2), st.integers(1, 5))
@settings(deadline=None, max_examples=500)
def test_the_choice_is_the_same_among_the_spans_it_met(spans, pairs, gap_s: int, most: int) -> None:
    start_s, end_s, score = columns(spans)
    alike = alike_of(pairs)
    choice = choose_spans(start_s, end_s, score, gap_s=gap_s, most=most, alike=alike)
    met = choice.met

    again = choose_spans(
        start_s[met],
        end_s[met],
        score[met],
        gap_s=gap_s,
        most=most,
        alike=lambda first, second: alike(met[first], met[second]),
    )

    assert met[again.rows].tolist() == choice.rows.tolist()


def test_equal_totals_take_the_earlier_span_in_any_order() -> None:
    start_s, end_s, score = [50, 10, 90], [70, 30, 110], [0.3, 0.3, 0.3]

    assert best_spans(start_s, end_s, score, gap_s=1.0, most=2).tolist() == [1, 0]


def test_a_twin_makes_room_for_another_span() -> None:
    choice = choose_spans([0, 100, 200], [20, 120, 220], [0.9, 0.8, 0.4], gap_s=1.0, most=2, alike=alike_of({(0, 1)}))

    assert choice.rows.tolist() == [0, 2]
    assert choice.twin_of.tolist() == [-1, 0, -1]
