"""The evaluator of crop paths, on boxes and paths drawn by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clipkit.bench.crop import read_boxes, score_crop
from clipkit.errors import InputError

NO_CUTS = np.empty(0)
TIMES = np.arange(0, 4, 0.1)


def boxes(left: np.ndarray | float, width: float = 0.1) -> pd.DataFrame:
    x0 = np.broadcast_to(left, TIMES.shape)
    return pd.DataFrame({"time_s": TIMES, "x0": x0, "x1": x0 + width, "certain": 1})


def path(left: np.ndarray | float, width: float = 0.3) -> pd.DataFrame:
    return pd.DataFrame({"time_s": TIMES, "x": np.broadcast_to(left, TIMES.shape), "width": width})


def test_a_window_equal_to_the_box_holds_all_of_it():
    score = score_crop(boxes(0.2, 0.3), path(0.2), cuts_s=NO_CUTS)

    assert (score.path.centre_inside, score.path.fully_inside) == (1.0, 1.0)
    assert score.path.mean_inside == pytest.approx(1.0)
    assert score.path.iou == pytest.approx(1.0)
    assert score.limit == pytest.approx(1.0)
    assert score.n_rows == len(TIMES)


def test_a_window_elsewhere_holds_nothing():
    score = score_crop(boxes(0.8), path(0.0), cuts_s=NO_CUTS)

    assert (score.path.centre_inside, score.path.mean_inside, score.path.fully_inside, score.path.iou) == (0, 0, 0, 0)
    assert score.static.mean_inside == pytest.approx(1.0)


def test_half_a_box_counts_half():
    # A window from 0.2 to 0.5 holds half of a box from 0.45 to 0.55, whose centre lies on its edge.
    score = score_crop(boxes(0.45), path(0.2), cuts_s=NO_CUTS)

    assert score.path.mean_inside == pytest.approx(0.5)
    assert score.path.iou == pytest.approx(0.05 / 0.35)
    assert score.centre.mean_inside == pytest.approx(1.0)


def test_a_box_wider_than_the_window_has_a_limit():
    score = score_crop(boxes(0.1, 0.6), path(0.2), cuts_s=NO_CUTS)

    assert score.limit == pytest.approx(0.5)
    assert score.path.mean_inside == pytest.approx(0.5)
    assert score.path.fully_inside == 1.0


def test_a_moving_subject_is_lost_by_every_fixed_window():
    moving = np.linspace(0.0, 0.9, len(TIMES))

    score = score_crop(boxes(moving), path(np.clip(moving - 0.1, 0, 0.7)), cuts_s=NO_CUTS)

    assert score.path.mean_inside == pytest.approx(1.0)
    assert score.static.mean_inside < 0.5
    assert score.centre.mean_inside <= score.static.mean_inside + 1e-9


def test_uncertain_rows_and_rows_outside_the_path_do_not_count():
    truth = boxes(0.2).assign(certain=np.where(TIMES < 1, 0, 1))
    late = path(0.2).query("time_s >= 2")

    score = score_crop(truth, late, cuts_s=NO_CUTS)

    assert score.n_rows + score.n_outside == (TIMES >= 1).sum()
    assert score.n_outside == 9  # the path reaches one and a half of its steps further


def test_the_path_may_jump_at_a_cut_and_is_linear_within_shots():
    jump = np.where(TIMES < 2, 0.0, 0.7)
    sparse = path(jump).iloc[::5]
    truth = boxes(np.where(TIMES < 1.95, 0.1, 0.8))

    with_cut = score_crop(truth, sparse, cuts_s=np.array([1.95]))
    without = score_crop(truth, sparse, cuts_s=NO_CUTS)

    assert with_cut.path.mean_inside == pytest.approx(1.0)
    assert without.path.mean_inside < 1.0


def test_motion_is_counted_inside_shots():
    zigzag = 0.2 + 0.1 * (np.arange(len(TIMES)) // 5 % 2) * (np.arange(len(TIMES)) % 5) / 4
    straight = np.linspace(0.0, 0.4, len(TIMES))

    moving, still = (
        score_crop(boxes(0.2), path(straight), cuts_s=NO_CUTS),
        score_crop(boxes(0.2), path(0.2), cuts_s=NO_CUTS),
    )

    assert moving.reversals_per_minute == 0.0
    assert moving.third_difference == pytest.approx(0.0, abs=1e-12)
    assert still.reversals_per_minute == 0.0
    assert score_crop(boxes(0.2), path(zigzag), cuts_s=NO_CUTS).reversals_per_minute > 60
    # One turn in each of two shots, in 4 s less the step over the cut.
    tent = np.concatenate([np.linspace(0, 0.3, 10), np.linspace(0.3, 0, 10)] * 2)
    turned = score_crop(boxes(0.2), path(tent), cuts_s=np.array([1.95]))
    assert turned.reversals_per_minute == pytest.approx(60 * 2 / 3.8)


def test_figures_are_flat():
    figures = score_crop(boxes(0.2), path(0.2), cuts_s=NO_CUTS).figures()

    assert figures["path_mean_inside"] == pytest.approx(1.0)
    assert {"centre_iou", "static_centre_inside", "limit", "reversals_per_minute"} <= set(figures)


@pytest.mark.parametrize(
    ("truth", "crop", "says"),
    [
        (boxes(0.2).drop(columns="x1"), path(0.2), "truth: rows with .* x1 is missing"),
        (boxes(0.2), path(0.2).drop(columns="width"), "crop: rows with .* width is missing"),
        (boxes(0.2), path(0.2).iloc[:0], "there are no rows"),
        (boxes(0.2).assign(time_s=TIMES + 60), path(0.2), "no certain row lies in the time"),
        (boxes(0.2, 0.0), path(0.2), "every certain box needs x0 < x1"),
    ],
)
def test_malformed_tables_are_refused(truth: pd.DataFrame, crop: pd.DataFrame, says: str):
    with pytest.raises(InputError, match=says):
        score_crop(truth, crop, cuts_s=NO_CUTS)


def test_boxes_are_read_from_a_file(tmp_path: Path):
    boxes(0.2).to_csv(tmp_path / "a.subject.csv", index=False)
    (tmp_path / "b.subject.csv").write_text("time_s,x\n0,1\n")

    assert len(read_boxes(tmp_path / "a.subject.csv")) == len(TIMES)
    for name in ("b.subject.csv", "none.csv"):
        with pytest.raises(InputError, match=name):
            read_boxes(tmp_path / name)
