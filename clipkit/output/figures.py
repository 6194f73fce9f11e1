"""Plotly figures from the tables of a run.

Tables in, a figure out; nothing is read or written.  Every figure says in one sentence what it
shows, for people who cannot see it: :func:`summary`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from clipkit.output.figure_style import (
    BLUE,
    GREEN,
    GREY,
    MAX_POINTS,
    ORANGE,
    PURPLE,
    SKY,
    TRANSITION_COLOURS,
    VERMILION,
    WINDOW_FILL,
    axis_ms,
    has_rows,
    lengths,
    middles,
    peaks,
    seconds,
    shade,
    strokes,
    styled,
    time_axis,
)
from clipkit.params import PENALTIES, ScoringWeights
from clipkit.timeline import format_timecode

_MAX_CANDIDATES = 400
_QUIETEST_LUFS = -60.0


def summary(figure: go.Figure) -> str:
    """Return the sentence that says what a figure of this module shows."""
    return str(figure.layout.meta["summary"])


def signals_figure(
    frames: pd.DataFrame | None,
    audio: pd.DataFrame | None,
    transitions: pd.DataFrame | None,
    clips: pd.DataFrame | None,
    *,
    duration_s: float,
) -> go.Figure:
    """Return loudness, speech and movement against time, with transitions and clips marked.

    Parameters
    ----------
    frames : DataFrame or None
        Columns ``time_s``, ``difference`` and ``motion``.
    audio : DataFrame or None
        Columns ``time_s``, ``loudness_lufs`` and ``is_speech``.
    transitions : DataFrame or None
        Columns ``kind`` and ``begin_s``.
    clips : DataFrame or None
        Columns ``start_s`` and ``end_s``.
    duration_s : float
        End of the time axis, seconds.
    """
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.5, 0.12, 0.38])
    said = []
    if has_rows(audio, "time_s", "loudness_lufs", "is_speech"):
        # Digital silence would squeeze everything else into the upper edge.
        loudness = seconds(audio, "loudness_lufs").clip(_QUIETEST_LUFS, 0.0)
        speech = seconds(audio, "is_speech")
        x, y = peaks(seconds(audio, "time_s"), loudness)
        figure.add_scatter(x=x, y=y, name="loudness", line={"color": BLUE, "width": 1.2}, hovertemplate="%{y:.1f} LUFS")
        x, y = peaks(seconds(audio, "time_s"), speech)
        talk = {"name": "speech", "fill": "tozeroy", "fillcolor": GREEN, "hoverinfo": "skip"}
        figure.add_scatter(x=x, y=y, line={"color": GREEN, "width": 0, "shape": "hv"}, row=2, col=1, **talk)
        loudest = np.nanmax(loudness)
        said.append(f"loudness reaches {loudest:.0f} LUFS" if loudest > _QUIETEST_LUFS else "there is no sound")
        said.append(f"somebody speaks {speech.mean():.0%} of the time")
    if has_rows(frames, "time_s", "difference", "motion"):
        for name, factor, unit, colour in (("difference", 1, "levels", VERMILION), ("motion", 100, "%", PURPLE)):
            x, y = peaks(seconds(frames, "time_s"), factor * seconds(frames, name))
            line = {"color": colour, "width": 1}
            figure.add_scatter(x=x, y=y, name=name, line=line, hovertemplate=f"%{{y:.1f}} {unit}", row=3, col=1)
    if has_rows(transitions, "kind", "begin_s"):
        figure.add_scatter(
            x=axis_ms(seconds(transitions, "begin_s")),
            y=np.full(len(transitions), 0.5, np.float32),
            text=[_plain(kind) for kind in transitions["kind"]],
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 9, "line": {"width": 1}, "color": GREY},
            name="transitions",
            hovertemplate="%{text}",
            row=2,
            col=1,
        )
        said.append(f"{len(transitions)} transitions")
    if has_rows(clips, "start_s", "end_s"):
        shade(figure, clips)
        said.append(f"the shaded stretches are the {len(clips)} clips")
    figure.update_yaxes(title_text="LUFS", range=[_QUIETEST_LUFS - 2, 0], row=1, col=1)
    figure.update_yaxes(visible=False, range=[0, 1], fixedrange=True, row=2, col=1)
    figure.update_yaxes(title_text="levels, %", rangemode="tozero", row=3, col=1)
    time_axis(figure, duration_s)
    whole = format_timecode(duration_s, decimals=0)
    return styled(figure, f"Signals over {whole}: {', '.join(said) or 'none was measured'}.", 380)


def shots_figure(transitions: pd.DataFrame, clips: pd.DataFrame | None, *, duration_s: float) -> go.Figure:
    """Return the shots as a strip with the clips below it.

    Parameters
    ----------
    transitions : DataFrame
        Columns ``kind``, ``begin_s`` and ``score``, as in ``shots.csv``.
    clips : DataFrame or None
        Columns ``clip_id``, ``start_s``, ``end_s`` and ``score``.
    duration_s : float
        End of the time axis, seconds.
    """
    figure = go.Figure()
    edges = np.concatenate([[0.0], np.sort(seconds(transitions, "begin_s")), [duration_s]])
    shot_s = np.diff(edges)
    figure.add_bar(
        x=1000 * shot_s,
        base=axis_ms(edges[:-1]),
        y=np.full(len(shot_s), 2, np.int8),
        orientation="h",
        width=0.8,
        marker={"color": [(SKY, BLUE)[i % 2] for i in range(len(shot_s))], "line": {"width": 0}},
        customdata=shot_s.astype(np.float32),
        hovertemplate="shot of %{customdata:.2f} s<extra></extra>",
        showlegend=False,
    )
    for kind, group in transitions.groupby("kind"):
        figure.add_scatter(
            x=axis_ms(seconds(group, "begin_s")),
            y=np.full(len(group), 2.55, np.float32),
            customdata=seconds(group, "score").astype(np.float32),
            mode="markers",
            name=_plain(kind),
            marker={"symbol": "triangle-down", "size": 7, "color": TRANSITION_COLOURS.get(str(kind), ORANGE)},
            hovertemplate=f"{_plain(kind)}, score %{{customdata:.1f}}<extra></extra>",
        )
    if has_rows(clips, "clip_id", "start_s", "end_s", "score"):
        figure.add_bar(
            x=1000 * lengths(clips),
            base=axis_ms(seconds(clips, "start_s")),
            y=np.ones(len(clips), np.int8),
            orientation="h",
            width=0.7,
            marker={"color": ORANGE},
            text=clips["clip_id"].astype(str).tolist(),
            textposition="inside",
            insidetextanchor="middle",
            textfont={"color": "#000000"},
            customdata=np.column_stack([lengths(clips), seconds(clips, "score")]),
            hovertemplate="clip %{text}: %{customdata[0]:.1f} s, score %{customdata[1]:.2f}<extra></extra>",
            showlegend=False,
        )
    ticks = {"tickvals": [1, 2], "ticktext": ["clips", "shots"], "range": [0.5, 2.8]}
    figure.update_yaxes(**ticks, showgrid=False, fixedrange=True)
    figure.update_layout(barmode="overlay")
    time_axis(figure, duration_s)
    counts = ", ".join(f"{count} {_plain(kind)}" for kind, count in transitions["kind"].value_counts().items())
    shots = "1 shot" if len(shot_s) == 1 else f"{len(shot_s)} shots"
    sentence = f"{shots} ({counts or 'no transition'}); the median shot lasts {np.median(shot_s):.1f} s."
    return styled(figure, sentence, 210)


def candidates_figure(candidates: pd.DataFrame, clips: pd.DataFrame | None, *, duration_s: float) -> go.Figure:
    """Return every candidate as a line from its start to its end at the height of its score.

    Parameters
    ----------
    candidates : DataFrame
        Columns ``start_s``, ``end_s`` and ``score``.  Only the best 400 are drawn.
    clips : DataFrame or None
        The chosen ones: columns ``clip_id``, ``start_s``, ``end_s`` and ``score``.
    duration_s : float
        End of the time axis, seconds.
    """
    figure = go.Figure()
    shown = candidates.nlargest(_MAX_CANDIDATES, "score")
    faint = {"color": GREY, "width": 1}
    x, y = strokes(shown)
    figure.add_scatter(x=x, y=y, mode="lines", name="candidates", line=faint, opacity=0.55, hoverinfo="skip")
    figure.add_scatter(
        x=middles(shown),
        y=seconds(shown, "score").astype(np.float32),
        customdata=lengths(shown).astype(np.float32),
        mode="markers",
        showlegend=False,
        marker={"size": 4, "color": GREY, "opacity": 0.55},
        hovertemplate="candidate of %{customdata:.1f} s, score %{y:.3f}<extra></extra>",
    )
    is_chosen = has_rows(clips, "clip_id", "start_s", "end_s", "score")
    chosen = clips if clips is not None and is_chosen else shown.iloc[:0].assign(clip_id=0)
    x, y = strokes(chosen)
    figure.add_scatter(x=x, y=y, mode="lines", name="chosen", line={"color": ORANGE, "width": 5}, hoverinfo="skip")
    figure.add_scatter(
        x=middles(chosen),
        y=seconds(chosen, "score").astype(np.float32),
        text=chosen["clip_id"].astype(str).tolist(),
        customdata=lengths(chosen).astype(np.float32),
        mode="markers+text",
        textposition="top center",
        cliponaxis=False,
        marker={"size": 9, "color": ORANGE, "symbol": "diamond", "line": {"color": "#000000", "width": 1}},
        showlegend=False,
        hovertemplate="clip %{text}: %{customdata:.1f} s, score %{y:.3f}<extra></extra>",
    )
    figure.update_yaxes(title_text="score")
    time_axis(figure, duration_s)
    more = f" (the best {_MAX_CANDIDATES} are drawn)" if len(candidates) > len(shown) else ""
    best = f", the best scores {candidates['score'].max():.2f}" if len(candidates) else ""
    return styled(figure, f"{len(candidates)} candidates{more}{best}; {len(chosen)} were chosen.", 300)


def terms_figure(clips: pd.DataFrame, weights: ScoringWeights | None = None) -> go.Figure:
    """Return what each score term gave each clip, as a grid of shades with the numbers in it.

    Parameters
    ----------
    clips : DataFrame
        Columns ``clip_id`` and one per term of :class:`~clipkit.params.ScoringWeights`, each 0 to 1.
    weights : ScoringWeights, optional
        Terms that count for nothing are left out, the others stand heaviest first, penalties with a minus.
    """
    weight = {
        term: value for term, value in (weights or ScoringWeights()).model_dump().items() if term in clips.columns
    }
    terms = sorted((term for term in weight if weight[term] > 0), key=lambda term: -weight[term])
    values = clips[terms].to_numpy(np.float64).T
    sign = {term: -1 if term in PENALTIES else 1 for term in terms}
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=[f"clip {clip_id}" for clip_id in clips["clip_id"]],
            y=[f"{term} ×{'−' if sign[term] < 0 else ''}{weight[term]:.2f}" for term in terms],
            zmin=0,
            zmax=1,
            xgap=2,
            ygap=2,
            colorscale="Cividis",
            texttemplate="%{z:.2f}",
            hovertemplate="%{x}, %{y}: %{z:.3f}<extra></extra>",
            showscale=False,
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(side="top", showgrid=False)
    parts = values * np.array([[sign[term] * weight[term]] for term in terms]) if terms else values
    strongest = [terms[row] for row in parts.argmax(axis=0)] if terms else []
    carried = "; ".join(f"clip {clip_id} by {term}" for clip_id, term in zip(clips["clip_id"], strongest, strict=False))
    sentence = f"Score terms from 0 to 1 and their weights; most was added to {carried or 'no clip'}."
    return styled(figure, sentence, 50 + 24 * max(1, len(terms))).update_layout(margin_b=12)


def crop_figure(crop: pd.DataFrame) -> go.Figure:
    """Return where the crop window stood, one row a clip.

    Parameters
    ----------
    crop : DataFrame
        Columns ``time_s``, ``x``, ``width`` and ``layout``, fractions of the displayed frame; with
        several clips also ``clip_id``.
    """
    groups = list(crop.groupby("clip_id")) if "clip_id" in crop.columns else [(1, crop)]
    n_rows = max(1, len(groups))
    figure = make_subplots(rows=n_rows, cols=1, vertical_spacing=min(0.1, 0.25 / n_rows))
    travel = []
    for row, (key, path) in enumerate(groups, start=1):
        clip_id = _plain(key)
        keep = np.linspace(0, len(path) - 1, min(len(path), max(60, 2 * MAX_POINTS // n_rows))).astype(np.int64)
        lower = 100 * seconds(path, "x")
        upper = lower + 100 * seconds(path, "width")
        centre = (lower + upper) / 2
        place = {"x": axis_ms(seconds(path, "time_s")[keep]), "showlegend": row == 1, "row": row, "col": 1}
        no_line = {"line": {"width": 0}, "hoverinfo": "skip"}
        figure.add_scatter(y=lower[keep], **{**place, "showlegend": False}, **no_line)
        figure.add_scatter(y=upper[keep], name="window", fill="tonexty", fillcolor=WINDOW_FILL, **place, **no_line)
        figure.add_scatter(
            y=centre[keep],
            name="centre",
            text=[_plain(layout) for layout in path["layout"].iloc[keep]],
            line={"color": BLUE, "width": 1.5},
            hovertemplate="centre at %{y:.1f} % of the width, %{text}<extra></extra>",
            **place,
        )
        figure.update_yaxes(range=[0, 100], title_text=f"clip {clip_id}", tickvals=[0, 50, 100], row=row, col=1)
        travel.append(f"{np.ptp(centre):.0f} % in clip {clip_id}" if len(path) else f"nothing in clip {clip_id}")
    time_axis(figure, float(crop["time_s"].max()) if len(crop) else 0.0, whole=False)
    sentence = f"The window's centre moved over this share of the picture's width: {', '.join(travel) or 'none'}."
    return styled(figure, sentence, 80 + 95 * n_rows)


def timings_figure(timings: Mapping[str, float]) -> go.Figure:
    """Return the seconds of each stage as bars, in the order in which the stages ran."""
    figure = go.Figure(
        go.Bar(
            x=list(timings.values()),
            y=[_plain(stage) for stage in timings],
            orientation="h",
            marker={"color": BLUE},
            text=[f"{value:.1f} s" for value in timings.values()],
            textposition="auto",
            hovertemplate="%{y}: %{x:.2f} s<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title_text="seconds", rangemode="tozero")
    longest = max(timings, key=lambda stage: timings[stage], default=None)
    most = f", the longest was {longest}" if longest else ""
    return styled(figure, f"The stages took {sum(timings.values()):.1f} seconds{most}.", 90 + 24 * max(1, len(timings)))


def _plain(text: object) -> str:
    """Return text that plotly takes as it is: its templates give meaning to braces, percent signs and angles."""
    return "".join(character for character in str(text) if character not in "<>{}%&")
