"""The bars of finished clips: where the crop stands, what the files are like, and what the whole job takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from clipkit.bench.job import COMMAND, RENDERING, RENDERINGS, WRITING
from clipkit.bench.results import Results
from clipkit.output.contrast import LEAST_CONTRAST
from clipkit.output.pages import READING_CPS

TARGET_LUFS = -14.0
# What ffmpeg's meter says of silence: such a file comes from a source without sound.
SILENT_LUFS = -70.0
# Videos whose subject goes from one side to the other: a window that stands still cannot hold it.
TRAVELLING = ("hamilton", "dog_fetch", "bmx")
# Mean absolute third difference of a path that Savitzky and Golay's filter smooths over 31 frames, frame widths a
# frame^3, measured on tracks of faces.
SAVITZKY_GOLAY = 2.6e-3


class Bar(NamedTuple):
    """One bar: what, the limit in words, what was measured, whether it holds, and what belongs beside it."""

    what: str
    limit: str
    measured: str
    holds: bool
    beside: str


def crop_bars(results: Results) -> Iterator[Bar]:
    """Yield the bars of crop paths: on the footage as it is, and with its subject off the middle."""
    held = {who: results.values("crop", f"{who}_mean_inside") for who in ("path", "centre", "static")}
    rows = results.values("crop", "n_rows")
    if not rows:
        return
    limits = results.values("crop", "limit")
    of_limit = {item: inside / limits[item] for item, inside in held["path"].items()}
    lowest = min(of_limit, key=lambda item: of_limit[item])
    yield Bar(
        "subject inside the crop, of what is possible, lowest",
        "≥ 0.92",
        f"{of_limit[lowest]:.3f} ({lowest}), {_mean(of_limit, rows):.3f} over all rows",
        of_limit[lowest] >= 0.92,
        f"centre crop {min(held['centre'][item] / limits[item] for item in rows):.3f}",
    )
    gains = {item: held["path"][item] - held["centre"][item] for item in rows}
    worst = min(gains, key=lambda item: gains[item])
    yield Bar(
        "the same above the centre crop, least",
        "≥ -0.02",
        f"{gains[worst]:+.3f} ({worst})",
        gains[worst] >= -0.02,
        "",
    )
    for item in rows:
        if item.startswith(TRAVELLING):
            path, static = held["path"][item], held["static"][item]
            yield Bar(
                f"{item}: subject inside", "above the best fixed window", f"{path:.3f}", path > static, f"{static:.3f}"
            )
    centres = {who: _mean(results.values("crop", f"{who}_centre_inside"), rows) for who in ("path", "centre", "static")}
    yield Bar(
        "subject's centre inside the crop, all rows",
        "≥ 0.95",
        f"{centres['path']:.3f}",
        centres["path"] >= 0.95,
        f"centre crop {centres['centre']:.3f}, best fixed window of each video {centres['static']:.3f}",
    )
    turns = results.values("crop", "reversals_per_minute")
    most = max(turns, key=lambda item: turns[item])
    yield Bar("changes of direction a minute, most", "≤ 6", f"{turns[most]:.1f} ({most})", turns[most] <= 6, "")
    thirds = results.values("crop", "third_difference")
    roughest = max(thirds, key=lambda item: thirds[item])
    yield Bar(
        "mean third difference of the path, largest",
        f"≤ {SAVITZKY_GOLAY / 10:.1e}",
        f"{thirds[roughest]:.1e} ({roughest})",
        thirds[roughest] <= SAVITZKY_GOLAY / 10,
        f"Savitzky-Golay {SAVITZKY_GOLAY:.1e}",
    )
    again = results.values("off centre", "n_rows")
    if again:
        limit = _mean(results.values("off centre", "limit"), again)
        shares = {
            who: _mean(results.values("off centre", f"{who}_mean_inside"), again) / limit
            for who in ("path", "centre", "static")
        }
        yield Bar(
            f"subject inside, of what is possible, {len(again)} clips filmed again off centre",
            "≥ 0.85",
            f"{shares['path']:.3f}",
            shares["path"] >= 0.85,
            f"centre crop {shares['centre']:.3f}, best fixed window {shares['static']:.3f}",
        )


def finished_bars(results: Results) -> Iterator[Bar]:
    """Yield the bars of finished files and of the whole job."""
    broken = results.values("finished", "broken_rules")
    if broken:
        n_broken = sum(count > 0 for count in broken.values())
        yield Bar("finished files that break a rule", "0", f"{n_broken} of {len(broken)}", n_broken == 0, "")
    loud = {
        item: abs(lufs - TARGET_LUFS) for item, lufs in results.values("finished", "lufs").items() if lufs > SILENT_LUFS
    }
    if loud:
        furthest = max(loud.values())
        peak = max(results.values("finished", "true_peak_db").values())
        yield Bar(
            f"loudness of {len(loud)} files with sound, furthest from {TARGET_LUFS:g} LUFS",
            "≤ 0.5 LU",
            f"{furthest:.1f} LU",
            furthest <= 0.5,
            "",
        )
        yield Bar("their true peak, highest", "≤ -1 dBTP", f"{peak:.1f} dBTP", peak <= -1.0, "")
    apart = results.values("step", "apart_ms")
    if apart:
        yield Bar(
            "sound beside picture, furthest", "≤ 10 ms", f"{max(apart.values()):.2f} ms", max(apart.values()) <= 10, ""
        )
    speeds, contrasts = (results.values("finished", figure).values() for figure in ("max_cps", "contrast"))
    if speeds:
        fastest, least = max(speeds), min(contrasts)
        limit = f"≤ {READING_CPS:g} characters a second"
        yield Bar("reading speed of captions, highest", limit, f"{fastest:.1f}", fastest <= READING_CPS, "")
        yield Bar("contrast of captions, least", f"≥ {LEAST_CONTRAST:g}", f"{least:.2f}", least >= LEAST_CONTRAST, "")
    for figure, what in (("outside", "outside the safe box"), ("across_cut", "that flash across a cut")):
        if counts := results.values("finished", figure).values():
            yield Bar(f"pages of captions {what}", "0", f"{sum(counts):.0f}", sum(counts) == 0, "")
    took = {who: results.values("rendering", "cpu_s", who=who) for who in RENDERINGS}
    for item, peer_s in took[COMMAND].items():
        ratio, whole = peer_s / took[WRITING][item], peer_s / took[RENDERING][item]
        yield Bar(
            f"speed of writing a clip over one ffmpeg command's, {item}",
            "≥ 0.9",
            f"{ratio:.2f}",
            ratio >= 0.9,
            f"with levelling, cover and the check of the file {whole:.2f}",
        )
    for item, share in results.values("whole", "cpu_share").items():
        yield Bar(f"CPU of {item}, of its duration", "≤ 0.35", f"{share:.2f}", share <= 0.35, "")
    for item, share in results.values("whole", "wall_share").items():
        yield Bar(f"{item}: six clips for two platforms, of its duration", "≤ 0.35", f"{share:.2f}", share <= 0.35, "")
    for item, peak in results.values("whole", "peak_mb").items():
        yield Bar(f"{item}: memory of the whole job", "≤ 900 MB", f"{peak:.0f} MB", peak <= 900, "")


def _mean(values: dict[str, float], weights: dict[str, float]) -> float:
    return sum(value * weights[item] for item, value in values.items()) / sum(weights[item] for item in values)
