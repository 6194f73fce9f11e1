"""The evaluator of highlight scores, on ratings whose answers are known in closed form."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from clipkit.bench.highlights import (
    agreement,
    agreement_rows,
    best_windows,
    clip_percentile,
    percentile_rows,
    window_starts,
)
from clipkit.bench.ratings import MAT_NAME, Rated, read_ratings
from clipkit.errors import InputError, ResourceError


def rated(*raters: list[float], name: str = "a") -> Rated:
    ratings = np.array(raters, float)
    return Rated(name, 2.0 * ratings.shape[1], ratings)


def row(table, who: str) -> dict[str, float]:
    return table.set_index("who").loc[who].to_dict()


def test_the_same_order_scores_one_and_the_reverse_minus_one():
    up = np.arange(40.0)

    assert agreement(up, np.array([up, up])) == (pytest.approx(1), pytest.approx(1), pytest.approx(1))
    tau, rho, f1 = agreement(-up, np.array([up, up]))
    assert (tau, rho, f1) == (pytest.approx(-1), pytest.approx(-1), 0.0)


def test_a_constant_score_orders_nothing_and_meets_the_best_by_chance():
    up = np.arange(40.0)

    assert agreement(np.zeros(40), np.array([up])) == (0.0, 0.0, pytest.approx(6 / 40))
    assert agreement(up, np.zeros((1, 40))) == (0.0, 0.0, pytest.approx(6 / 40))


def test_tau_b_corrects_for_ties():
    # Pairs: (1,2) is tied in the rater, (1,3) and (2,3) agree: tau_b = 2 / sqrt(3 * 2).
    tau, _, _ = agreement(np.array([1.0, 2.0, 3.0]), np.array([[1.0, 1.0, 2.0]]))

    assert tau == pytest.approx(2 / np.sqrt(6))


def test_raters_who_agree_and_one_who_does_not():
    up = list(range(20))
    table = agreement_rows([rated(up, up, up[::-1])], lambda video: video.ratings[0])

    assert row(table, "clipkit")["tau"] == pytest.approx(1 / 3)
    # Pairs of people: one agreement and two contradictions, each counted from both sides.
    assert row(table, "one person")["tau"] == pytest.approx(-1 / 3)
    # The mean of the two others orders nothing for two of the three.
    assert row(table, "mean of the others")["tau"] == pytest.approx(-1 / 3)
    assert abs(row(table, "random")["tau"]) < 0.2
    assert table["who"].tolist() == ["clipkit", "random", "uniform", "centre prior", "one person", "mean of the others"]


def test_the_centre_prior_is_all_there_is_to_a_rater_who_likes_the_middle():
    peaked = [-abs(unit - 10) for unit in range(21)]

    assert row(agreement_rows([rated(peaked, peaked)]), "centre prior") == pytest.approx({"tau": 1, "rho": 1, "f1": 1})
    assert row(percentile_rows([rated(peaked, peaked)], 1, 6.0), "centre prior")["percentile"] > 0.97


def test_figures_are_means_over_videos():
    up, down = list(range(20)), list(range(19, -1, -1))
    videos = [rated(up, up), rated(down, down, name="b")]

    table = agreement_rows(videos, lambda video: np.arange(20.0))

    assert row(table, "clipkit")["tau"] == pytest.approx(0.0)
    assert row(table, "one person")["tau"] == pytest.approx(1.0)


@pytest.mark.parametrize("width_s", [2.0, 3.0, 5.5])
def test_the_percentile_is_a_count_of_windows(width_s: float, rng: np.random.Generator):
    video = rated(*rng.integers(1, 6, (3, 9)).tolist())
    starts = window_starts(video, width_s)
    by_hand = []
    for rater in video.ratings:
        fine = np.repeat(rater, 4)  # half a second each
        n = round(width_s / 0.5)
        means = [round(float(fine[k : k + n].mean()), 9) for k in range(len(fine) - n + 1)]
        assert len(means) == len(starts)
        ranks = [(sum(m < mean for m in means) + means.count(mean) / 2) / len(means) for mean in (means[1], means[6])]
        by_hand.append(np.mean(ranks))

    assert clip_percentile([0.5, 3.0], width_s, video) == pytest.approx(by_hand)


@pytest.mark.parametrize("n_windows", [1, 2, 3])
def test_no_other_windows_are_worth_more(n_windows: int, rng: np.random.Generator):
    for _ in range(30):
        worth = rng.integers(0, 9, 12).astype(float)
        starts = [round(start / 0.5) for start in best_windows(worth, n_windows, 1.5)]
        choices = [
            choice
            for choice in itertools.combinations(range(12), n_windows)
            if all(b - a >= 3 for a, b in itertools.pairwise(choice))
        ]

        assert tuple(starts) in choices
        assert sum(worth[list(starts)]) == max(sum(worth[list(choice)]) for choice in choices)


def test_where_fewer_windows_fit_fewer_are_chosen():
    assert len(best_windows(np.ones(4), 3, 1.5)) == 2


def test_the_oracle_is_above_all_and_chance_in_the_middle(rng: np.random.Generator):
    liked = np.cumsum(rng.normal(size=120))
    video = rated(*[(liked + rng.normal(scale=0.3, size=120)).tolist() for _ in range(4)])

    table = percentile_rows([video], 3, 15.0, lambda video: [0.0, 30.0, 60.0])

    values = {who: row(table, who)["percentile"] for who in table["who"]}
    assert values["clipkit"] == pytest.approx(clip_percentile([0.0, 30.0, 60.0], 15.0, video).mean())
    assert values["oracle"] >= values["mean of the others"] > values["random"]
    assert 0.3 < values["random"] < 0.7


def test_videos_too_short_for_the_windows_are_left_out():
    up = list(range(10))

    assert percentile_rows([rated(up, up)], 3, 15.0).empty


def lines(folder: Path, *records: dict) -> Path:
    (folder / "tvsum.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return folder


def test_json_lines_are_read_by_video(tmp_path: Path):
    ratings = [[1, 5], [2, 4], [3, 3]]
    lines(tmp_path, {"vid": "b", "duration": 6, "label": ratings}, {"qid": "a", "duration": 5.2, "label": ratings})

    first, second = read_ratings(tmp_path)

    assert (first.name, second.name) == ("a", "b")
    assert second.ratings.tolist() == [[1, 2, 3], [5, 4, 3]]
    assert first.centres_s.tolist() == pytest.approx([1.0, 3.0, 4.6])


def test_the_hdf5_file_is_read_through_its_references(tmp_path: Path, rng: np.random.Generator):
    h5py = pytest.importorskip("h5py")
    by_unit = rng.integers(1, 6, (20, 5))
    with h5py.File(tmp_path / MAT_NAME, "w") as file:
        names = ("video", "category", "title", "length", "nframes", "user_anno")
        table = file.create_group("tvsum50")
        for name in names:
            table.create_dataset(name, (2, 1), dtype=h5py.ref_dtype)
        for index, (name, is_turned) in enumerate((("zz", False), ("kLxoNp-UchI", True))):
            by_frame = np.repeat(by_unit, 50, axis=1)
            values = {
                "video": np.array([[ord(letter)] for letter in name], np.uint16),
                "category": np.array([[68], [83]], np.uint16),
                "title": np.array([[65]], np.uint16),
                "length": np.array([[10.0]]),
                "nframes": np.array([[250.0]]),
                "user_anno": by_frame.T if is_turned else by_frame,
            }
            for field, value in values.items():
                table[field][index, 0] = file.create_dataset(f"#refs#/{field}{index}", data=value).ref

    first, second = read_ratings(tmp_path)

    assert (first.name, second.name) == ("kLxoNp-UchI", "zz")
    assert first.duration_s == 10.0
    assert np.array_equal(first.ratings, by_unit)
    assert np.array_equal(second.ratings, by_unit)
    (tmp_path / MAT_NAME).write_bytes(b"no HDF5")
    with pytest.raises(InputError, match="must hold tvsum50"):
        read_ratings(tmp_path)


def test_the_hdf5_file_asks_for_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / MAT_NAME).write_bytes(b"")
    monkeypatch.setitem(sys.modules, "h5py", None)

    with pytest.raises(ResourceError, match="pip install h5py") as refused:
        read_ratings(tmp_path)
    assert refused.value.code == "resource.no_h5py"


def test_a_folder_without_labels_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="found neither") as refused:
        read_ratings(tmp_path)
    assert refused.value.code == "input.no_labels"


@pytest.mark.parametrize(
    "record",
    [
        {"vid": "a", "duration": 4},
        {"vid": "a", "duration": 4, "label": [[1, 2], [3]]},
        {"vid": "a", "duration": 4, "label": [[1], [2]]},
        {"vid": "a", "duration": 90, "label": [[1, 2], [3, 4]]},
        {"vid": "a", "duration": 2, "label": [[1, 2]] * 9},
        {"vid": "a", "duration": 4, "label": [[1, None], [2, 3]]},
    ],
)
def test_malformed_labels_are_refused(tmp_path: Path, record: dict):
    with pytest.raises(InputError, match=r"tvsum\.jsonl: line 1 needs vid, duration and label") as refused:
        read_ratings(lines(tmp_path, record))
    assert refused.value.code == "input.bad_labels"
