"""Tables and figures of a benchmark for its notebook; results in, nothing is measured."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from clipkit.bench.bars import kinds_of, share
from clipkit.bench.results import OURS, Results
from clipkit.bench.seeing import DETECTORS
from clipkit.output.figure_style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, styled

_COLOURS = (ORANGE, VERMILION, BLUE, SKY, GREEN, PURPLE, GREY)


def compare(results: Results, part: str, figure: str) -> pd.DataFrame:
    """Return a figure of a part: a row an item, a column for each who measured it, ours first."""
    table = results.table(part)
    table = table[table["figure"] == figure]
    if table.empty:
        return pd.DataFrame()
    wide = table.pivot_table(index="item", columns="who", values="value", sort=False)
    order = sorted(wide.columns, key=lambda who: (not who.startswith(OURS),))
    return wide[order].rename_axis(index=None, columns=None).round(3)


def recalls(results: Results, part: str) -> pd.DataFrame:
    """Return the recall of each kind over all items of a part: a row a kind, a column a detector, and how many."""
    return _shares(results, part, "hit", "all")


def alarms(results: Results, part: str) -> pd.DataFrame:
    """Return the share of decoys of each kind that raise an alarm, in the form of :func:`recalls`."""
    return _shares(results, part, "alarm", "decoys")


def _shares(results: Results, part: str, some: str, every: str) -> pd.DataFrame:
    """Return the figures ``<some> <kind>`` over ``<every> <kind>``, summed over the items of a part."""
    kinds = kinds_of(results, part, every)
    table = pd.DataFrame(
        {who: [share(results, part, who, (kind,), (some, every)) for kind in kinds] for who in DETECTORS},
        index=list(kinds),
    )
    counts = [sum(results.values(part, f"{every} {kind}").values()) for kind in kinds]
    return table.dropna(axis=1, how="all").round(3).assign(n=[int(count) for count in counts])


def one_item(results: Results, part: str) -> pd.DataFrame:
    """Return all figures of a part for one thing: a row for each item and who, a column a figure."""
    table = results.table(part)
    if table.empty:
        return pd.DataFrame()
    wide = table.pivot_table(index=["item", "who"], columns="figure", values="value", sort=False)
    return wide.rename_axis(columns=None).round(4)


def bars_figure(table: pd.DataFrame, what: str, *, height: int = 340) -> go.Figure:
    """Return grouped bars of a table as :func:`compare` or :func:`recalls` give it.

    Parameters
    ----------
    table : DataFrame
        A group a row, a bar a column; a column ``n`` is left out.
    what : str
        What the bars show, for the axis and for people who cannot see them.
    height : int, optional
        Pixels.
    """
    columns = [name for name in table.columns if name != "n"]
    figure = go.Figure(
        [
            go.Bar(name=name, x=list(table.index), y=table[name], marker_color=_COLOURS[index % len(_COLOURS)])
            for index, name in enumerate(columns)
        ]
    )
    figure.update_yaxes(title=what, rangemode="tozero")
    figure.update_layout(barmode="group")
    best = [f"{index}: {table.loc[index, columns].astype(float).idxmax()}" for index in table.index]
    return styled(figure, f"{what}; the highest bar of each group is {', '.join(best)}." if best else what, height)


def costs(results: Results) -> pd.DataFrame:
    """Return CPU seconds as multiples of decoding alone: a row a size, a column each."""
    cpu = compare(results, "speed", "cpu_s")
    return cpu.div(cpu["decode"], axis=0).round(2) if "decode" in cpu else cpu


def held(results: Results) -> pd.DataFrame:
    """Return the share of rows whose subject has its centre inside: a row a video, a column a crop."""
    names = {"path": OURS, "centre": "centre crop", "static": "best fixed window"}
    columns = {name: results.values("crop", f"{key}_centre_inside") for key, name in names.items()}
    return pd.DataFrame(columns).round(3)
