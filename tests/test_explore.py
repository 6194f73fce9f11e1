from dataclasses import replace

import cv2
import numpy as np
import pytest
from run_folder import make_run

from clipkit.errors import InputError
from clipkit.params import ScoringWeights
from clipkit.ui.explore import Explorer, load_measured, measure_video


@pytest.fixture(scope="module")
def measured(talk):
    return measure_video(talk)


@pytest.fixture
def explorer(measured):
    explorer = Explorer(measured)
    yield explorer
    explorer.close()


def picture(explorer):
    return cv2.imdecode(np.frombuffer(explorer.picture.value, np.uint8), cv2.IMREAD_COLOR)


def test_measuring_leaves_the_tables_of_the_chain(measured):
    assert len(measured.frames) > 100
    assert len(measured.candidates) > 0
    assert measured.words is not None
    assert len(measured.words) > 0


def test_the_slider_shows_the_frame_on_screen_and_moves_the_cursor(explorer, measured):
    first = picture(explorer)

    explorer.time.value = float(measured.frames["time_s"].iloc[100])

    assert explorer.clock.value.startswith("0:04.000 ")
    assert explorer.signals.layout.shapes[-1].x0 == 86_400_000 + 4000.0
    assert picture(explorer).shape == first.shape
    assert np.abs(picture(explorer).astype(int) - first.astype(int)).mean() > 0.5


def test_the_last_frame_can_be_shown(explorer, measured):
    explorer.time.value = explorer.time.max

    assert f"pts {measured.frames['pts'].iloc[-1]}" in explorer.clock.value


def strip(explorer):
    return cv2.imdecode(np.frombuffer(explorer.shots_view.strip.value, np.uint8), cv2.IMREAD_COLOR)


def test_the_frames_on_both_sides_of_a_transition_are_shown(explorer, measured):
    view = explorer.shots_view
    cut = int(np.flatnonzero(measured.transitions["kind"] == "cut")[0])

    view.number.value = cut + 1

    row = measured.transitions.iloc[cut]
    assert view.words.value.startswith("cut from ")
    assert f"(frame {row['begin']})" in view.words.value
    assert f"{row['margin']:.3f} above the threshold" in view.words.value
    height, width, _ = strip(explorer).shape
    one = (width - 6) // 6
    before, after = strip(explorer)[:, 2 * one : 3 * one], strip(explorer)[:, 3 * one + 6 : 4 * one + 6]
    again = strip(explorer)[:, one : 2 * one]
    assert height == 110
    assert np.abs(before.astype(int) - after).mean() > 4 * np.abs(before.astype(int) - again).mean()


def test_the_closest_calls_come_first_where_asked_for(explorer, measured):
    view = explorer.shots_view

    view.order.value = "closest calls first"

    assert f"{measured.transitions['margin'].min():.3f} above" in view.words.value


def test_a_click_on_a_mark_shows_its_transition(explorer, measured):
    view = explorer.shots_view
    trace = view.figure.data[1]
    last = len(trace.customdata) - 1

    trace._dispatch_on_click(type("Points", (), {"point_inds": [last]})(), None)

    row = measured.transitions.iloc[int(trace.customdata[last])]
    assert f"(frame {row['begin']})" in view.words.value


def test_a_video_without_transitions_says_so(measured):
    still = replace(measured, transitions=measured.transitions.iloc[:0])
    explorer = Explorer(still)

    assert explorer.shots_view.words.value == "No shot changes were found."
    assert explorer.shots_view.number.disabled
    explorer.close()


def test_a_weight_changes_the_ranking_and_the_figure_without_the_video(explorer):
    explorer.close()

    weights = dict.fromkeys(ScoringWeights.model_fields, 0.0) | {"position": 1.0}
    explorer.sliders.value = weights

    scores = explorer.ranking["score"].to_numpy()
    assert np.all(np.diff(scores) <= 0)
    np.testing.assert_allclose(scores, explorer.ranking["position"], atol=1e-3)
    mean = explorer.chosen["score"].mean()
    # Where place alone decides, the choice is the centre prior's.
    assert f"mean score {mean:.2f}, by nearness to the middle alone {mean:.2f}" in explorer.heading.value
    drawn = np.sort(np.asarray(explorer.figure.data[1].y))[::-1]
    np.testing.assert_allclose(drawn, scores[: len(drawn)], atol=1e-6)


def test_tables_of_a_run_are_used_as_they_are(tmp_path, rng, talk):
    run_dir = make_run(tmp_path / "run", rng, duration_s=60)

    loaded = load_measured(run_dir, talk)

    assert loaded.duration_s == 60
    assert len(loaded.candidates) == 40
    explorer = Explorer(loaded)
    assert explorer.ranking["rank"].tolist() == list(range(1, 41))
    explorer.close()


def test_a_run_without_candidates_is_one_sentence(tmp_path, rng):
    run_dir = make_run(tmp_path / "run", rng)
    (run_dir / "tables" / "candidates.csv").unlink()

    with pytest.raises(InputError, match="the table candidates is missing or damaged"):
        load_measured(run_dir)
