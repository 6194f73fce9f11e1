import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from run_folder import TERMS, make_tables

from clipkit.output import figures
from clipkit.output.figure_style import MAX_POINTS, axis_ms, peaks
from clipkit.output.transitions_figure import transitions_figure
from clipkit.params import ScoringWeights

DAY_MS = 86_400_000


def draw_all(tables: dict[str, pd.DataFrame], duration_s: float) -> dict[str, go.Figure]:
    return {
        "signals": figures.signals_figure(
            tables["frames"], tables["audio"], tables["shots"], tables["clips"], duration_s=duration_s
        ),
        "shots": figures.shots_figure(tables["shots"], tables["clips"], duration_s=duration_s),
        "candidates": figures.candidates_figure(tables["candidates"], tables["clips"], duration_s=duration_s),
        "terms": figures.terms_figure(tables["clips"]),
        "crop": figures.crop_figure(tables["crop"]),
        "timings": figures.timings_figure({"measure": 12.5, "render": 40.25}),
    }


def test_every_figure_of_an_hour_is_small_and_says_what_it_shows(rng):
    tables = make_tables(rng, duration_s=3600, n_candidates=3000, n_clips=6)

    drawn = draw_all(tables, 3600)

    sizes = {name: len(figure.to_json()) for name, figure in drawn.items()}
    assert max(sizes.values()) < 300_000, sizes
    for figure in drawn.values():
        assert figures.summary(figure).endswith(".")


def test_figures_of_empty_tables_still_draw(rng):
    tables = {name: table.iloc[:0] for name, table in make_tables(rng).items()}

    drawn = draw_all(tables, 10.0)

    assert figures.summary(drawn["signals"]) == "Signals over 0:10: none was measured."
    assert figures.summary(drawn["shots"]).startswith("1 shot (no transition)")
    assert "0 were chosen" in figures.summary(drawn["candidates"])
    for figure in drawn.values():
        json.loads(figure.to_json())


def test_signals_draw_without_any_table():
    figure = figures.signals_figure(None, None, None, None, duration_s=5.0)

    assert len(figure.data) == 0


def test_a_silent_file_is_said_to_be_silent(rng):
    audio = make_tables(rng)["audio"].assign(loudness_lufs=np.float32(-120), is_speech=False)

    sentence = figures.summary(figures.signals_figure(None, audio, None, None, duration_s=120))

    assert "there is no sound, somebody speaks 0% of the time" in sentence


def test_no_time_is_a_bare_number_of_four_digits(rng):
    # Plotly reads 5000 on a date axis as the year 5000.
    tables = make_tables(rng, duration_s=60)

    drawn = draw_all(tables, 60)
    for name in ("signals", "shots", "crop"):
        for trace in drawn[name].data:
            places = trace.base if trace.type == "bar" else trace.x
            assert np.nanmin(np.asarray(places, np.float64)) >= DAY_MS, (name, trace.name)
    assert float(axis_ms(1.5)) == DAY_MS + 1500
    for trace in drawn["candidates"].data:
        assert all(place.startswith("1970-01-02T00:0") for place in trace.x)


def test_the_number_of_transitions_and_clips_is_in_the_sentence(rng):
    tables = make_tables(rng, duration_s=120, n_clips=3)

    sentence = figures.summary(draw_all(tables, 120)["signals"])

    assert f"{len(tables['shots'])} transitions" in sentence
    assert f"the {len(tables['clips'])} clips" in sentence


def test_shots_tile_the_video(rng):
    tables = make_tables(rng, duration_s=90)

    bars = figures.shots_figure(tables["shots"], None, duration_s=90).data[0]

    starts, widths = np.asarray(bars.base, np.float64), np.asarray(bars.x, np.float64)
    assert starts[0] == DAY_MS
    np.testing.assert_allclose(starts[1:], starts[:-1] + widths[:-1])
    assert starts[-1] + widths[-1] == DAY_MS + 90_000


def test_terms_without_weight_are_left_out_and_the_rest_stand_heaviest_first(rng):
    clips = make_tables(rng)["clips"]
    weights = ScoringWeights.model_validate(dict.fromkeys(TERMS, 0.0) | {"hook": 0.2, "pace": 0.9})

    heat = figures.terms_figure(clips, weights).data[0]

    assert list(heat.y) == ["pace ×0.90", "hook ×0.20"]
    np.testing.assert_array_equal(np.asarray(heat.z)[0], clips["pace"])


def test_penalties_have_a_minus_and_add_nothing(rng):
    clips = make_tables(rng)["clips"].assign(silence=1.0, hook=0.9)
    weights = ScoringWeights.model_validate(dict.fromkeys(TERMS, 0.0) | {"hook": 0.1, "silence": 0.9})

    figure = figures.terms_figure(clips, weights)

    assert list(figure.data[0].y) == ["silence ×−0.90", "hook ×0.10"]
    assert "clip 1 by hook" in figures.summary(figure)


def test_only_the_best_candidates_are_drawn_when_there_are_many(rng):
    candidates = make_tables(rng, duration_s=600, n_candidates=900)["candidates"].sample(frac=1, random_state=1)

    figure = figures.candidates_figure(candidates, None, duration_s=600)

    shown = np.asarray(figure.data[1].y)
    assert len(shown) == 400
    assert shown.min() >= candidates["score"].nlargest(401).iloc[-1].astype(np.float32)
    assert "the best 400 are drawn" in figures.summary(figure)


def test_markup_in_a_table_does_not_reach_plotly(rng):
    tables = make_tables(rng)
    tables["shots"].loc[0, "kind"] = '<a href="http://evil.example">%{x}</a>'
    tables["crop"]["layout"] = "<b>follow</b>"

    drawn = draw_all(tables, 120)
    for figure in (drawn[name] for name in ("signals", "shots", "crop")):
        text = figure.to_json()
        assert "<a" not in text
        assert "<b>" not in text
        assert "\\u003ca" not in text


def test_crop_rows_are_one_per_clip(rng):
    crop = make_tables(rng, n_clips=3)["crop"]

    figure = figures.crop_figure(crop)

    assert sum(trace.name == "centre" for trace in figure.data) == crop["clip_id"].nunique()


@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=4000),
)
@settings(deadline=None, max_examples=40)
def test_peaks_keep_the_highest_value_and_never_draw_too_many_points(values):
    series = np.array(values, np.float64)
    time_s = np.arange(len(series)) / 100

    axis, highest = peaks(time_s, series)

    assert len(axis) == len(highest) <= MAX_POINTS
    assert highest.max() == series.astype(np.float32).max()
    assert np.all(np.diff(axis) > 0)


def test_timings_name_the_longest_stage():
    assert "the longest was render" in figures.summary(figures.timings_figure({"measure": 1.0, "render": 2.0}))
    assert figures.summary(figures.timings_figure({})) == "The stages took 0.0 seconds."


@pytest.mark.parametrize("name", ["frames", "audio"])
def test_signals_draw_with_one_of_the_two_tables(rng, name):
    tables = make_tables(rng)
    given_tables = {"frames": None, "audio": None, name: tables[name]}

    figure = figures.signals_figure(given_tables["frames"], given_tables["audio"], None, None, duration_s=120)

    assert {trace.name for trace in figure.data} == (
        {"difference", "motion"} if name == "frames" else {"loudness", "speech"}
    )


def test_every_transition_stands_on_its_peak_with_its_kind_and_score():
    frames = pd.DataFrame(
        {"time_s": np.arange(100) / 25, "difference": np.r_[np.full(50, 2.0), 40.0, np.full(49, 2.0)]}
    )
    transitions = pd.DataFrame(
        {
            "kind": ["fade", "cut"],
            "begin_s": [0.4, 2.0],
            "end_s": [0.8, 2.0],
            "score": [0.6, 1.0],
            "margin": [0.1, 0.5],
        }
    )

    figure = transitions_figure(frames, transitions, duration_s=4.0)

    by_name = {trace.name: trace for trace in figure.data}
    assert by_name["cut"].y.tolist() == [40.0]
    assert by_name["fade"].y.tolist() == [2.0]
    assert by_name["cut"].customdata.tolist() == [1]
    assert by_name["cut"].marker.size[0] > by_name["fade"].marker.size[0]
    assert figures.summary(figure) == "Transitions over 0:04: 1 cut, 1 fade; the closest call has a margin of 0.10."


def test_no_transitions_are_an_empty_figure():
    frames = pd.DataFrame({"time_s": [0.0, 0.04], "difference": [0.0, 1.0]})
    transitions = pd.DataFrame({"kind": [], "begin_s": [], "end_s": [], "score": [], "margin": []})

    figure = transitions_figure(frames, transitions, duration_s=1.0)

    assert figures.summary(figure) == "Transitions over 0:01: none was found."
