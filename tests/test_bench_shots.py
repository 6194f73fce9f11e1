"""The evaluator of transitions: what counts as a hit, as an alarm, and as neither."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipkit.bench.shots import read_truth, score_shots
from clipkit.errors import InputError

Rows = list[tuple[str, int, int]]


def truth_of(*rows: tuple[str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["kind", "begin", "end"])


def found_at(*rows: tuple[int, int]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["begin", "end"])


def cuts_at(*frames: int) -> pd.DataFrame:
    return found_at(*((frame, frame) for frame in frames))


def test_the_truth_itself_scores_one():
    truth = truth_of(("cut", 10, 10), ("dissolve", 40, 60), ("push", 90, 99), ("flash", 120, 122))

    score = score_shots(truth, truth[truth["kind"] != "flash"])

    assert (score.precision, score.recall, score.f1) == (1.0, 1.0, 1.0)
    assert score.hits_by_kind == {"cut": (1, 1), "dissolve": (1, 1), "push": (1, 1)}
    assert score.alarms_by_decoy == {"flash": (0, 1)}
    assert score.cut_offset_frames == 0


def test_nothing_found_scores_nothing():
    score = score_shots(truth_of(("cut", 10, 10)), found_at())

    assert (score.precision, score.recall, score.f1) == (0.0, 0.0, 0.0)
    assert math.isnan(score.cut_offset_frames)


def test_nothing_to_find_and_nothing_found_is_right():
    assert score_shots(truth_of(), found_at()).f1 == 1.0
    assert score_shots(truth_of(), cuts_at(5)).precision == 0.0


@pytest.mark.parametrize(("offset", "hit"), [(-2, 0), (-1, 1), (0, 1), (1, 1), (2, 0)])
def test_a_cut_is_hit_within_the_tolerance(offset: int, hit: int):
    assert score_shots(truth_of(("cut", 50, 50)), cuts_at(50 + offset)).n_hit == hit
    assert score_shots(truth_of(("cut", 50, 50)), cuts_at(50 + offset), tolerance=2).n_hit == 1


@pytest.mark.parametrize(("frame", "hit"), [(38, 0), (39, 1), (50, 1), (61, 1), (62, 0)])
def test_a_gradual_one_is_hit_anywhere_inside(frame: int, hit: int):
    assert score_shots(truth_of(("dissolve", 40, 60)), cuts_at(frame)).n_hit == hit


def test_one_detection_hits_one_transition_and_the_pairs_are_as_many_as_can_be():
    truth = truth_of(("cut", 10, 10), ("cut", 12, 12))

    assert score_shots(truth, cuts_at(11)).n_hit == 1
    # A greedy choice would give 11 to the first cut and leave 13 to the second, or 11 to the second and nothing to 9.
    assert score_shots(truth, cuts_at(11, 13)).n_hit == 2
    assert score_shots(truth, cuts_at(9, 11)).n_hit == 2


def test_a_second_detection_of_one_transition_is_an_error():
    score = score_shots(truth_of(("dissolve", 40, 60)), cuts_at(42, 55))

    assert (score.n_hit, score.n_found, score.precision) == (1, 2, 0.5)


def test_an_ignored_stretch_counts_neither_way():
    truth = truth_of(("cut", 10, 10), ("ignore", 40, 60))

    assert score_shots(truth, cuts_at(10, 45, 50)).f1 == 1.0
    assert score_shots(truth, cuts_at(10)).f1 == 1.0
    # A second detection of a transition inside an ignored stretch is still one too many.
    assert score_shots(truth_of(("cut", 50, 50), ("ignore", 40, 60)), cuts_at(50, 51)).precision == 0.5


def test_jumps_count_apart():
    truth = truth_of(("cut", 10, 10), ("jump", 40, 40), ("jump", 80, 80))

    found, missed = score_shots(truth, cuts_at(10, 40)), score_shots(truth, cuts_at(10))

    assert found.f1 == missed.f1 == 1.0
    assert found.hits_by_kind["jump"] == (1, 2)
    assert missed.hits_by_kind["jump"] == (0, 2)
    assert score_shots(truth, cuts_at(10, 40, 41)).n_found == 2


def test_alarms_belong_to_the_decoy_they_lie_in():
    truth = truth_of(("cut", 10, 10), ("flash", 30, 32), ("flash", 60, 62), ("pan", 80, 99))

    score = score_shots(truth, cuts_at(10, 33, 34, 90))

    assert score.alarms_by_decoy == {"flash": (1, 2), "pan": (1, 1)}
    assert score.n_found == 4


def test_inserts_are_cuts_with_a_recall_of_their_own():
    truth = truth_of(("cut", 10, 10), ("cut", 15, 15), ("cut", 90, 90)).assign(detail=["insert", "insert", ""])

    assert score_shots(truth, cuts_at(10, 90)).hits_by_kind == {"cut": (2, 3), "insert": (1, 2)}


def test_the_offset_is_that_of_cuts_alone():
    truth = truth_of(("cut", 10, 10), ("cut", 50, 50), ("wipe", 80, 99))

    assert score_shots(truth, cuts_at(11, 50, 95)).cut_offset_frames == 0.5


@pytest.mark.parametrize(
    ("truth", "found", "says"),
    [
        (pd.DataFrame({"kind": ["cut"], "begin": [1]}), cuts_at(1), "end is missing"),
        (truth_of(("cut", 5, 4)), cuts_at(1), "must not end before it begins"),
        (truth_of(("cut", 5, 5)), pd.DataFrame({"frame": [1]}), "detections: the columns begin, end"),
        (truth_of(("cut", 5, 5)), pd.DataFrame({"begin": ["x"], "end": [1]}), "must be numbers"),
        (truth_of(("cut", 5, 5)), pd.DataFrame({"begin": [math.nan], "end": [1]}), "row 0 has nan"),
    ],
)
def test_malformed_tables_are_refused(truth: pd.DataFrame, found: pd.DataFrame, says: str):
    with pytest.raises(InputError, match=says) as refused:
        score_shots(truth, found)
    assert refused.value.code == "input.bad_table"


def test_truth_is_read_from_a_file(tmp_path: Path):
    (tmp_path / "a.csv").write_text("kind,begin,end,detail\ncut,5,5,\nwipe,9,14,left\n")

    assert read_truth(tmp_path / "a.csv")["detail"].tolist() == ["", "left"]
    with pytest.raises(InputError, match="must be a CSV table"):
        read_truth(tmp_path / "none.csv")


@given(
    st.lists(st.tuples(st.sampled_from(["cut", "fade"]), st.integers(0, 30), st.integers(0, 4)), max_size=5),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4)), max_size=5),
)
def test_no_other_pairing_has_more_pairs(true: Rows, found: list[tuple[int, int]]):
    truth = truth_of(*[(kind, begin, begin if kind == "cut" else begin + length) for kind, begin, length in true])
    detections = found_at(*[(begin, begin + length) for begin, length in found])
    rows, columns = list(truth.itertuples()), list(detections.itertuples())
    most = 0
    for order in itertools.permutations(range(len(columns))):
        pairs = zip(rows, (columns[j] for j in order), strict=False)
        most = max(most, sum(f.begin - 1 <= t.end and t.begin <= f.end + 1 for t, f in pairs))
    if len(rows) > len(columns):
        for order in itertools.permutations(range(len(rows)), len(columns)):
            pairs = zip((rows[i] for i in order), columns, strict=True)
            most = max(most, sum(f.begin - 1 <= t.end and t.begin <= f.end + 1 for t, f in pairs))

    assert score_shots(truth, detections).n_hit == most
