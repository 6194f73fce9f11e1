"""The benchmark: everything that clipkit claims, measured beside its peers on the same files in one run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import product
from pathlib import Path

from clipkit.bench.cost import can_run, measure, measure_in_turn, time_to_ready, time_to_rerank
from clipkit.bench.finishing import measure_finished, measure_rendering, measure_step, measure_whole
from clipkit.bench.frame_clock import frame_times
from clipkit.bench.hearing import measure_talk
from clipkit.bench.job import PEERS
from clipkit.bench.kernels import time_kernels
from clipkit.bench.material import Material, Recipe
from clipkit.bench.results import OURS, Results, machine
from clipkit.bench.seeing import DETECTORS, SKIPPED, measure_crop, measure_off_centre, measure_shots
from clipkit.bench.tvsum import measure_tvsum
from clipkit.errors import ParamsError
from clipkit.media.child import FileEncoder
from clipkit.media.probe import require_video
from clipkit.params import Params

Progress = Callable[[float, str], None]

PARTS = (
    "shots",
    "variants",
    "real",
    "speed",
    "memory",
    "start",
    "rerank",
    "talk",
    "crop",
    "off centre",
    "finished",
    "rendering",
    "whole",
    "kernels",
)
ADAPTIVE = "PySceneDetect adaptive"
LONG_S = 7200.0
_SPEED_SEED = 100
_SPEED_JOBS = ("decode", "decode, loop filter skipped", OURS, SKIPPED, ADAPTIVE)


@dataclass(frozen=True)
class Scope:
    """How much is measured.

    Attributes
    ----------
    parts : tuple of str
        Of `PARTS`.
    seeds : tuple of int
        One composed video each.
    minutes : float
        Length of each.
    variants : tuple of Recipe
        Composed videos of other rates, sizes and qualities.
    heights : tuple of int
        Heights of the 16:9 videos that speed is measured on.
    speed_minutes : float
        Their length.
    repeats : int
        How often each is measured.
    kernel_s : float
        Seconds for each form of each kernel.
    sample_height : int
        Height of the built-in sample.
    talk_minutes : float
        Length of the talks, one a seed.
    longest_s : float
        Real videos that last longer are left out.
    is_long : bool
        Whether a video of two hours is measured too.
    """

    parts: tuple[str, ...] = PARTS
    seeds: tuple[int, ...] = (1, 2, 3)
    minutes: float = 4.0
    variants: tuple[Recipe, ...] = (
        Recipe(11, 1.5, frame_rate=Fraction(10)),
        Recipe(12, 0.7, frame_rate=Fraction(60)),
        Recipe(13, 1.0, frame_rate=Fraction(30), variant="doubled"),
        Recipe(14, 1.0, frame_rate=Fraction(30), variant="pulldown"),
        Recipe(15, 0.7, frame_rate=Fraction(60), variant="telecine"),
        Recipe(16, 1.0, frame_rate=Fraction(30), variant="vfr"),
        Recipe(17, 1.0, frame_rate=Fraction(24000, 1001), size=(426, 240), crf=35),
        Recipe(18, 1.0, frame_rate=Fraction(30), size=(360, 640)),
    )
    heights: tuple[int, ...] = (360, 720, 1080)
    speed_minutes: float = 0.7
    repeats: int = 3
    kernel_s: float = 0.3
    sample_height: int = 360
    talk_minutes: float = 5.0
    longest_s: float = math.inf
    is_long: bool = False


FULL = Scope()
QUICK = replace(
    FULL,
    seeds=(1,),
    minutes=0.7,
    variants=FULL.variants[5:6],
    heights=(360,),
    speed_minutes=0.3,
    repeats=1,
    kernel_s=0.02,
    talk_minutes=1.0,
    longest_s=30.0,
)
# With real footage; on the sample alone everything is shorter.
ABOUT = {"full": "about 30 minutes on two cores", "quick": "two to three minutes on two cores"}


def measure_small(
    parts: Sequence[str], *, media: str = "", work: str | Path, minutes: float = 0.5, sample_height: int = 360
) -> Results:
    """Return a small measurement, to look at: one seed, one size, each thing once.

    Parameters
    ----------
    parts : sequence of str
        Of `PARTS`.
    media : str, optional
        Folder of real footage; empty for the built-in sample.
    work : path
        Where composed videos go.
    minutes : float, optional
        Length of the composed video.
    sample_height : int, optional
        Pixels.

    Raises
    ------
    ParamsError, InputError, ResourceError
        Those of :func:`run_bench`.
    """
    scope = replace(
        QUICK,
        parts=tuple(parts),
        minutes=minutes,
        heights=(sample_height,),
        speed_minutes=minutes / 2,
        sample_height=sample_height,
    )
    return run_bench(scope, media=media or None, work=work)


@dataclass(frozen=True)
class _Step:
    """A piece of the benchmark: what it is called, its share of the time, and what it does."""

    title: str
    weight: float
    work: Callable[[], None]


def run_bench(
    scope: Scope = FULL,
    *,
    media: str | Path | None = None,
    work: str | Path,
    tvsum: str | Path | None = None,
    progress: Progress | None = None,
) -> Results:
    """Measure, and return what was found.

    Parameters
    ----------
    scope : Scope, optional
    media : path, optional
        Folder of real footage with labels; without it the built-in sample serves, whose figures claim nothing.
    work : path
        Where composed videos are made and found again.
    tvsum : path, optional
        Folder of a label file of rated videos, and of the videos where they are there.
    progress : callable, optional
        Called with the share done and what is being measured.

    Raises
    ------
    ParamsError
        ``params.unknown_part``.
    InputError, ResourceError
        Where footage or labels cannot be used.
    """
    unknown = [part for part in scope.parts if part not in PARTS]
    if unknown:
        message = f"clipkit bench: there is no part {unknown[0]!r}. There are {', '.join(PARTS)}."
        raise ParamsError(message, code="params.unknown_part")
    results = Results(about=machine())
    results.about |= {
        "seeds": list(scope.seeds),
        "minutes": scope.minutes,
        "footage": media is not None,
        "whole": _is_whole(scope),
    }
    if media is None:
        results.note("no folder of real footage was given: everything is measured on the built-in sample.")
    material = Material(work, media, sample_height=scope.sample_height, longest_s=scope.longest_s)
    steps = list(_steps(scope, material, results, None if tvsum is None else Path(tvsum)))
    total, done = sum(step.weight for step in steps) or 1.0, 0.0
    for step in steps:
        if progress:
            progress(done / total, step.title)
        step.work()
        done += step.weight
    if progress:
        progress(1.0, "done")
    return results


def _is_whole(scope: Scope) -> bool:
    """Return whether a scope leaves nothing out that :data:`FULL` has."""
    is_long_enough = scope.minutes >= FULL.minutes and len(scope.seeds) >= len(FULL.seeds)
    return is_long_enough and set(scope.parts) == set(PARTS)


def _steps(scope: Scope, material: Material, results: Results, tvsum: Path | None) -> Iterator[_Step]:
    asked = frozenset(scope.parts)
    if "shots" in asked:
        for seed in scope.seeds:
            recipe = Recipe(seed, scope.minutes)
            yield _Step(
                f"shots, seed {seed}", 25 * scope.minutes, partial(_composed, recipe, "shots", material, results)
            )
    if "variants" in asked:
        for recipe in scope.variants:
            work = partial(_composed, recipe, "variants", material, results)
            yield _Step(f"shots, {recipe.variant}", 25 * recipe.minutes, work)
    if "real" in asked:
        for video in material.labelled:
            weight = video.path.stat().st_size / 2.5e5
            yield _Step(f"shots of {video.name}", weight, partial(measure_shots, video, "real", results))
    if "speed" in asked:
        for height in scope.heights:
            weight = 10 * scope.repeats * scope.speed_minutes * (height / 360) ** 2
            yield _Step(f"speed at {height}p", weight, partial(_speed, height, scope, material, results))
    if "memory" in asked:
        yield _Step("memory", 900 if scope.is_long else 20, partial(_memory, scope, material, results))
    if "start" in asked:
        yield _Step("start", 8, partial(_start, scope, results))
    if "rerank" in asked:
        yield _Step("ranking anew", 1, partial(_rerank, scope, results))
    if "talk" in asked:
        for seed in scope.seeds if material.talk_pool is not None else scope.seeds[:1]:
            yield _Step(f"talk, seed {seed}", 10 * scope.talk_minutes, partial(_talk, seed, scope, material, results))
    if "crop" in asked:
        for boxed in material.boxed:
            yield _Step(f"crop of {boxed.name}", 8, partial(measure_crop, boxed, "crop", results, Params()))
    if "off centre" in asked and material.media is not None:
        for seed, boxed in product(scope.seeds, material.boxed):
            work = partial(measure_off_centre, boxed, seed, material, results)
            yield _Step(f"crop of {boxed.name} off centre", 12, work)
    if "finished" in asked:
        for has_list in (True, False):
            yield _Step("sound beside picture", 4, partial(measure_step, results, edit_list=has_list))
        for path in material.footage:
            yield _Step(f"finished clips of {path.stem}", 12, partial(measure_finished, path, results))
    if "rendering" in asked:
        yield _Step("rendering", 60 * scope.repeats, partial(measure_rendering, material, scope.repeats, results))
    if "whole" in asked:
        for path in filter(None, [material.ten_minutes]):
            yield _Step("the whole job", 200, partial(measure_whole, path, results))
        work = partial(_reframing, scope, material, results)
        yield _Step("reframing", 20 * scope.speed_minutes, work)
    if "kernels" in asked:
        yield _Step("kernels", 100 * scope.kernel_s, partial(_kernels, scope, results))
    if tvsum is not None:
        yield _Step("rated videos", 60, partial(measure_tvsum, tvsum, results, material.work))


def _composed(recipe: Recipe, part: str, material: Material, results: Results) -> None:
    # What skipping the loop filter costs is asked of the seeds alone.
    detectors = DETECTORS if part == "shots" else (OURS, *PEERS)
    measure_shots(material.composed(recipe), part, results, detectors)


def _speed_recipe(height: int, scope: Scope) -> Recipe:
    return Recipe(_SPEED_SEED, scope.speed_minutes, size=(round(height * 8 / 9) * 2, height))


def _speed(height: int, scope: Scope, material: Material, results: Results) -> None:
    video = material.composed(_speed_recipe(height, scope)).path
    missing = {job: can_run(job) for job in _SPEED_JOBS}
    for sentence in filter(None, missing.values()):
        results.note(sentence)
    jobs = [job for job in _SPEED_JOBS if missing[job] is None]
    item, n_frames = f"{height}p", len(frame_times(video))
    for who, cpu_s in measure_in_turn(jobs, video, repeats=scope.repeats).items():
        results.add("speed", item, who, "cpu_s", cpu_s)
        results.add("speed", item, who, "frames_per_cpu_s", n_frames / cpu_s)


def _reframing(scope: Scope, material: Material, results: Results) -> None:
    height = max(scope.heights)
    video = material.composed(_speed_recipe(height, scope)).path
    share = measure("reframe", video).cpu_s / require_video(video).duration_s
    results.add("whole", f"reframing at {height}p", OURS, "cpu_share", share)


def _memory(scope: Scope, material: Material, results: Results) -> None:
    height = max(scope.heights)
    video = material.composed(_speed_recipe(height, scope)).path
    results.add("memory", f"{height}p", OURS, "peak_mb", measure(OURS, video).peak_bytes / 1e6)
    if scope.is_long:
        short = material.composed(_speed_recipe(360, scope)).path
        looped = short.with_name(f"{short.stem}-{LONG_S:.0f}.mp4")
        if not looped.is_file():
            arguments = ("-stream_loop", "-1", "-i", f"file:{short}", "-t", str(LONG_S), "-c", "copy", "-f", "mp4")
            with FileEncoder(arguments, looped, lambda part: None):
                pass
        for item, path in ((f"360p, {scope.speed_minutes:g} minutes", short), ("360p, two hours", looped)):
            results.add("memory", item, OURS, "peak_mb", measure(OURS, path).peak_bytes / 1e6)


def _start(scope: Scope, results: Results) -> None:
    results.add("start", "new process", OURS, "ready_s", time_to_ready(repeats=2 * scope.repeats - 1))


def _rerank(scope: Scope, results: Results) -> None:
    results.add("rerank", "one hour", OURS, "ms", 1e3 * time_to_rerank(repeats=2 * scope.repeats - 1))


def _talk(seed: int, scope: Scope, material: Material, results: Results) -> None:
    if material.media is not None and material.talk_pool is None:
        results.note("no talk_pool.json lists recorded speech: the talk is the built-in sample, which claims nothing.")
    measure_talk(material.talk(seed, scope.talk_minutes), results, material.work)


def _kernels(scope: Scope, results: Results) -> None:
    for _ in time_kernels(results, budget_s=scope.kernel_s):
        pass
