"""The bars that clipkit is held to, and where the measurements stand against them."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from clipkit.bench.clip_bars import Bar, crop_bars, finished_bars
from clipkit.bench.hearing import CENTRE
from clipkit.bench.job import PEERS
from clipkit.bench.results import OURS, Results
from clipkit.bench.run import ADAPTIVE
from clipkit.bench.seeing import SKIPPED
from clipkit.bench.shots import TRANSITIONS

GRADUAL = tuple(kind for kind in TRANSITIONS if kind != "cut")
# A peer within this of ours is level with it: half a point of F1.
_LEVEL = 0.005


def bars(results: Results) -> list[Bar]:
    """Return the bars of all parts that were measured, in the order of the benchmark."""
    return [
        bar
        for find in (_shots, _real, _speed, _other_costs, _talk, crop_bars, finished_bars, _rated)
        for bar in find(results)
    ]


def bars_table(results: Results) -> pd.DataFrame:
    """Return the bars as a table ``what,bar,measured,holds,beside``."""
    table = pd.DataFrame(bars(results), columns=list(Bar._fields)).rename(columns={"limit": "bar"})
    table["holds"] = table["holds"].map({True: "yes", False: "no"})
    return table


def share(results: Results, part: str, who: str, kinds: tuple[str, ...], names: tuple[str, str]) -> float:
    """Return a share over all items of a part: figures ``<names[0]> <kind>`` over ``<names[1]> <kind>``."""
    sums = [sum(sum(results.values(part, f"{name} {kind}", who=who).values()) for kind in kinds) for name in names]
    return sums[0] / sums[1] if sums[1] else math.nan


def kinds_of(results: Results, part: str, name: str) -> tuple[str, ...]:
    """Return the kinds for which a part has a figure ``<name> <kind>``, in order of appearance."""
    figures = dict.fromkeys(row[3] for row in results.rows if row[0] == part)
    return tuple(figure.removeprefix(f"{name} ") for figure in figures if figure.startswith(f"{name} "))


def _shots(results: Results) -> Iterator[Bar]:
    ours = list(results.values("shots", "f1").values())
    if not ours:
        return
    means = {who: _mean(list(results.values("shots", "f1", who=who).values())) for who in PEERS}
    lowest, mean = min(ours), _mean(ours)
    measured = f"{lowest:.3f} lowest, {mean:.3f} mean of {len(ours)}"
    yield Bar(
        "F1 of transitions, composed, ±1 frame",
        "≥ 0.95 each, ≥ 0.96 mean",
        measured,
        lowest >= 0.95 and mean >= 0.96,
        _best(means),
    )
    cuts = share(results, "shots", OURS, ("cut",), ("hit", "all"))
    peers = {who: share(results, "shots", who, ("cut",), ("hit", "all")) for who in PEERS}
    yield Bar("recall of hard cuts", "≥ 0.985", f"{cuts:.3f}", cuts >= 0.985, _best(peers))
    found = kinds_of(results, "shots", "all")
    recalls = {kind: share(results, "shots", OURS, (kind,), ("hit", "all")) for kind in found if kind in GRADUAL}
    if recalls:
        gradual = {who: share(results, "shots", who, tuple(recalls), ("hit", "all")) for who in PEERS}
        measured = ", ".join(f"{kind} {recall:.2f}" for kind, recall in recalls.items())
        yield Bar(
            "recall of each gradual kind",
            "≥ 0.85",
            measured,
            min(recalls.values()) >= 0.85,
            f"{_best(gradual)}, all kinds",
        )
    decoys = kinds_of(results, "shots", "decoys")
    if decoys:
        alarms = share(results, "shots", OURS, decoys, ("alarm", "decoys"))
        peers = {who: share(results, "shots", who, decoys, ("alarm", "decoys")) for who in PEERS}
        yield Bar("decoys that raise an alarm", "≤ 5 %", f"{alarms:.1%}", alarms <= 0.05, _best(peers, lower=True))
    variants = results.values("variants", "f1")
    if variants:
        worst = min(variants, key=lambda item: variants[item])
        peers = {who: min(results.values("variants", "f1", who=who).values(), default=math.nan) for who in PEERS}
        yield Bar(
            "F1 at other rates, sizes and qualities, lowest",
            "≥ 0.95",
            f"{variants[worst]:.3f} ({worst})",
            variants[worst] >= 0.95,
            _best(peers),
        )


def _real(results: Results) -> Iterator[Bar]:
    ours = results.values("real", "f1")
    if not ours:
        return
    peers = {who: results.values("real", "f1", who=who) for who in PEERS}
    beaten = [item for item, f1 in ours.items() if all(f1 > peers[who].get(item, -1.0) for who in PEERS)]
    means = {who: _mean(list(found.values())) for who, found in peers.items()}
    level = [item for item, f1 in ours.items() if all(f1 >= peers[who].get(item, -1.0) for who in PEERS)]
    yield Bar(
        "hand-labelled videos on which no peer is as good",
        "all but one",
        f"{len(beaten)} of {len(ours)}, level on {len(level) - len(beaten)}; mean F1 {_mean(list(ours.values())):.3f}",
        len(beaten) >= len(ours) - 1,
        f"{_best(means)} mean",
    )


def _speed(results: Results) -> Iterator[Bar]:
    cpu = {who: results.values("speed", "cpu_s", who=who) for who in (OURS, SKIPPED, "decode", ADAPTIVE)}
    for item, ours in cpu[OURS].items():
        decoding = cpu["decode"][item]
        limit = 1.30 if int(item.rstrip("p")) < 720 else 1.10
        beside = f"{ADAPTIVE} {cpu[ADAPTIVE][item] / decoding:.2f}" if item in cpu[ADAPTIVE] else ""
        ratio = ours / decoding
        yield Bar(
            f"CPU of all features over decoding, {item}", f"≤ {limit:.2f}", f"{ratio:.2f}", ratio <= limit, beside
        )
    for item, ours in cpu[SKIPPED].items():
        ratio = ours / cpu["decode"][item]
        losses = [
            f1 - results.values("shots", "f1", who=SKIPPED)[seed]
            for seed, f1 in results.values("shots", "f1").items()
            if seed in results.values("shots", "f1", who=SKIPPED)
        ]
        loss = _mean(losses)
        yield Bar(
            f"the same with the loop filter skipped, {item}",
            "≤ 0.85 within 0.5 points of F1",
            f"{ratio:.2f}, {-100 * loss:+.1f} points" if losses else f"{ratio:.2f}",
            ratio <= 0.85 and not abs(loss) > _LEVEL,
            "",
        )
    for item, theirs in cpu[ADAPTIVE].items():
        ratio = theirs / cpu[OURS][item]
        yield Bar(f"frames per CPU second over {ADAPTIVE}'s, {item}", "≥ 1.5", f"{ratio:.2f}", ratio >= 1.5, "")


def _other_costs(results: Results) -> Iterator[Bar]:
    peaks = results.values("memory", "peak_mb")
    for item, peak in peaks.items():
        yield Bar(f"peak memory of the analysis, {item}", "≤ 900 MB", f"{peak:.0f} MB", peak <= 900, "")
    for item, took_ms in results.values("rerank", "ms").items():
        yield Bar(f"ranking {item} anew after a weight changed", "≤ 100 ms", f"{took_ms:.0f} ms", took_ms <= 100, "")
    for item, ready_s in results.values("start", "ready_s").items():
        yield Bar(f"{item} ready", "< 1 s", f"{ready_s:.2f} s", ready_s < 1, "")


def _talk(results: Results) -> Iterator[Bar]:
    speech = list(results.values("speech", "f1").values())
    if speech:
        measured = f"{min(speech):.3f} lowest of {len(speech)}"
        yield Bar("F1 of speech at 10 ms", "≥ 0.93", measured, min(speech) >= 0.93, "")
    limits = (
        ("edges_in_word", "edges inside a word", "0", 0.0, False),
        ("edges_in_sentence", "edges inside a sentence", "≤ 2 %", 0.02, False),
        ("flash_frames", "edges with a cut 1 to 11 frames inside", "0", 0.0, False),
        ("lead_p95_s", "silence before the first sound, 95 % of clips", "≤ 0.25 s", 0.25, False),
        ("tail_p95_s", "silence after the last sound, 95 % of clips", "≤ 0.60 s", 0.60, False),
        ("whole_sentences", "clips of whole sentences", "≥ 95 %", 0.95, True),
    )
    for words in ("subtitles", "no subtitles"):
        for figure, what, limit, bar, is_lowest in limits:
            ours, centre = (_worst_or_mean(results, figure, words, who) for who in (OURS, CENTRE))
            if math.isnan(ours):
                continue
            holds = ours >= bar if is_lowest else ours <= bar
            form = "{:.2f} s" if figure.endswith("_s") else "{:.1%}"
            yield Bar(f"{what}, {words}", limit, form.format(ours), holds, f"{CENTRE} {form.format(centre)}")


def _worst_or_mean(results: Results, figure: str, words: str, who: str) -> float:
    """Return the mean over talks weighted by clips; the largest for percentiles."""
    values = results.values("edges", figure, who=who)
    values = {item: value for item, value in values.items() if item.split(", ", 1)[1] == words}
    if not values:
        return math.nan
    if figure.endswith("_s"):
        return max(values.values())
    n_clips = results.values("edges", "n_clips", who=who)
    return sum(value * n_clips[item] for item, value in values.items()) / sum(n_clips[item] for item in values)


def _rated(results: Results) -> Iterator[Bar]:
    figures = dict.fromkeys(row[3] for row in results.rows if row[0] == "rated")
    limits = {"tau": 0.13, "rho": 0.17, "percentile of 3 x 15 s": 0.60}
    for figure in figures:
        people = dict.fromkeys(row[2] for row in results.rows if row[0] == "rated" and row[3] == figure)
        values = {who: next(iter(results.values("rated", figure, who=who).values()), math.nan) for who in people}
        ours = values.pop(OURS, math.nan)
        if math.isnan(ours):
            continue
        limit = limits.get(figure, values.get(CENTRE, math.nan))
        beside = ", ".join(f"{who} {value:.3f}" for who, value in values.items())
        text = f"≥ {limit:.2f}" if figure in limits else "above the centre prior"
        yield Bar(f"rated videos, {figure}", text, f"{ours:.3f}", ours >= limit, beside)


def _best(values: dict[str, float], *, lower: bool = False) -> str:
    """Return the best peer and its value in words; nothing where no peer was run."""
    known = {who: value for who, value in values.items() if not math.isnan(value)}
    if not known:
        return ""
    who = (min if lower else max)(known, key=lambda name: known[name])
    return f"{who} {known[who]:.1%}" if lower else f"{who} {known[who]:.3f}"


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan
