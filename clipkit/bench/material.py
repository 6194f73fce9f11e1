"""What the benchmark measures on: composed, hand-labelled and made videos, kept in a work folder."""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd

from clipkit.bench.compose import compose, truth_path
from clipkit.bench.compose_talk import compose_talk, read_pool
from clipkit.bench.crop import read_boxes
from clipkit.bench.footage import SINGLE_SHOTS, SUFFIXES, Labelled, Span, read_labelled, read_spans
from clipkit.bench.offcentre import film_again
from clipkit.bench.shots import read_truth
from clipkit.bench.talk import TalkTruth, read_talk, talk_truth
from clipkit.media.probe import probe
from clipkit.media.writer import write_video
from clipkit.samples import FRAME_RATE, RATE_HZ, Sample, make_sample

SAMPLE = "sample"
POOL_NAME = "talk_pool.json"
# Written into the names of composed files: another composer makes other files.
_COMPOSER = 1


@dataclass(frozen=True)
class Recipe:
    """A composed video: what :func:`clipkit.bench.compose.compose` is asked for."""

    seed: int
    minutes: float
    size: tuple[int, int] = (640, 360)
    frame_rate: Fraction = Fraction(25)
    variant: str = "plain"
    crf: int = 23

    @property
    def name(self) -> str:
        """What the table calls it."""
        width, height = self.size
        return f"seed {self.seed}, {width}x{height}, {float(self.frame_rate):g} fps, {self.variant}, crf {self.crf}"


@dataclass(frozen=True)
class Talk:
    """A talk with its truth; `subtitles` is None where it has none."""

    name: str
    video: Path
    truth: TalkTruth
    subtitles: Path | None


@dataclass(frozen=True)
class Boxed:
    """A video with boxes of its subject; `cuts_s` is None where its shots are not known."""

    name: str
    video: Path
    boxes: pd.DataFrame
    cuts_s: list[float] | None


class Material:
    """Videos with truth, made when they are first asked for.

    Parameters
    ----------
    work : path
        Where made videos go; those that are there are used again.
    media : path, optional
        Folder of real footage; None uses the built-in sample alone.
    sample_height : int, optional
        Height of the sample, pixels.
    longest_s : float, optional
        Real videos that last longer are left out.
    """

    def __init__(
        self,
        work: str | Path,
        media: str | Path | None,
        *,
        sample_height: int = 360,
        longest_s: float = math.inf,
    ) -> None:
        self.work, self.media = Path(work), None if media is None else Path(media)
        self.work.mkdir(parents=True, exist_ok=True)
        self._sample_height, self._longest_s = sample_height, longest_s

    @functools.cached_property
    def sample(self) -> tuple[Path, Sample]:
        """The built-in sample, as a file and as its truth."""
        made = make_sample(height=self._sample_height)
        path = self.work / f"sample-{self._sample_height}.mp4"
        if not path.with_suffix(".srt").is_file():
            write_video(path, made.frames(), frame_rate=FRAME_RATE, samples=made.samples, rate_hz=RATE_HZ)
            path.with_suffix(".srt").write_text(made.srt(), encoding="utf-8")
        return path, made

    @functools.cached_property
    def spans(self) -> list[Span]:
        """Single shots to splice."""
        if self.media is not None:
            return read_spans(self.media)
        path, made = self.sample
        spans = []
        for index, scene in enumerate(made.scenes):
            following = made.scenes[index + 1] if index + 1 < len(made.scenes) else None
            fading = following.join_frames if following is not None and following.joined_by == "fade" else 0
            first, last = scene.begin + scene.join_frames + 1, scene.end - fading - 1
            spans.append(Span(path, first / FRAME_RATE, last / FRAME_RATE, f"scene {index}"))
        return spans

    def composed(self, recipe: Recipe, progress: Callable[[float], None] | None = None) -> Labelled:
        """Return a composed video."""
        known = [(span.path.name, round(span.start_s, 3), round(span.end_s, 3)) for span in self.spans]
        digest = hashlib.sha256(repr((_COMPOSER, recipe, known)).encode()).hexdigest()[:12]
        path = self.work / f"composed-{recipe.seed}-{recipe.variant}-{digest}.mp4"
        if not (path.is_file() and truth_path(path).is_file()):
            compose(
                self.spans,
                path,
                seed=recipe.seed,
                minutes=recipe.minutes,
                size=recipe.size,
                frame_rate=recipe.frame_rate,
                variant=recipe.variant,
                crf=recipe.crf,
                progress=progress,
            )
        return Labelled(recipe.name, path, read_truth(truth_path(path)))

    @functools.cached_property
    def labelled(self) -> list[Labelled]:
        """Videos labelled by hand; the sample where there is no footage."""
        if self.media is not None:
            return [video for video in read_labelled(self.media) if self._is_short(video.path)]
        path, made = self.sample
        rows = [(row["kind"], row["begin"], row["end"]) for row in made.truth()["transitions"]]
        return [Labelled(SAMPLE, path, pd.DataFrame(rows, columns=["kind", "begin", "end"]))]

    @functools.cached_property
    def talk_pool(self) -> Path | None:
        """The list of recordings to make talks of: ``talk_pool.json`` in the media folder or in ``../bench``."""
        if self.media is None:
            return None
        places = (self.media / POOL_NAME, self.media.parent / "bench" / POOL_NAME)
        return next((path for path in places if path.is_file()), None)

    def talk(self, seed: int, minutes: float) -> Talk:
        """Return a composed talk, or the sample where there are no recordings to make one of."""
        if self.talk_pool is None or self.media is None:
            path, made = self.sample
            return Talk(SAMPLE, path, talk_truth(sample_talk(made)), path.with_suffix(".srt"))
        digest = hashlib.sha256(self.talk_pool.read_bytes() + repr((_COMPOSER, seed, minutes)).encode()).hexdigest()
        path = self.work / f"talk-{seed}-{digest[:12]}.mp4"
        truth = path.with_suffix(".truth.json")
        if not (path.is_file() and truth.is_file()):
            compose_talk(read_pool(self.talk_pool), self.media, self.spans, path, seed=seed, minutes=minutes)
        return Talk(f"talk {seed}", path, read_talk(truth), path.with_suffix(".srt"))

    @functools.cached_property
    def boxed(self) -> list[Boxed]:
        """Videos whose subject was boxed by hand; the sample where there is no footage."""
        if self.media is None:
            path, made = self.sample
            rows = [(i / FRAME_RATE, *made.subject_box(i)) for i in range(0, made.n_frames, 5)]
            boxes = pd.DataFrame([(t, x, x + width, y, y + height, 1) for t, x, y, width, height in rows])
            boxes.columns = pd.Index(["time_s", "x0", "x1", "y0", "y1", "certain"])
            cuts_s = [scene.begin / FRAME_RATE for scene in made.scenes[1:]]
            return [Boxed(SAMPLE, path, boxes, cuts_s)]
        videos = {path.stem: path for path in sorted(self.media.rglob("*")) if path.suffix.lower() in SUFFIXES}
        found = []
        for table in sorted((self.media / "subject_truth").glob("*.subject.csv")):
            name = table.name.removesuffix(".subject.csv")
            if name in videos and self._is_short(videos[name]):
                cuts = self.media / "cuts" / f"{name}.cuts.csv"
                known = _cut_times(cuts) if cuts.is_file() else None
                found.append(Boxed(name, videos[name], read_boxes(table), known))
        return found

    def off_centre(self, video: Boxed, seed: int) -> Boxed:
        """Return a boxed video filmed again with its subject off the middle."""
        known = repr((_COMPOSER, video.name, seed)) + video.boxes.to_csv()
        digest = hashlib.sha256(known.encode()).hexdigest()[:12]
        path = self.work / f"off-centre-{video.name}-{seed}-{digest}.mp4"
        table = path.with_suffix(".subject.csv")
        if not (path.is_file() and table.is_file()):
            film_again(video.video, video.boxes, path, seed=seed).to_csv(table, index=False)
        start_s = float(video.boxes["time_s"].min())
        cuts_s = None if video.cuts_s is None else [cut_s - start_s for cut_s in video.cuts_s if cut_s > start_s]
        return Boxed(f"{video.name}, seed {seed}", path, read_boxes(table), cuts_s)

    @functools.cached_property
    def footage(self) -> list[Path]:
        """Videos of different subjects, to make finished clips of; the sample where there is no footage."""
        if self.media is None:
            return [self.sample[0]]
        single = [path for name in SINGLE_SHOTS if (path := self.media / name).is_file() and self._is_short(path)]
        return sorted({video.video for video in self.boxed}.union(single), key=lambda path: path.name)

    @functools.cached_property
    def ten_minutes(self) -> Path | None:
        """The footage with sound that lasts nearest to ten minutes, None where none lasts 8 to 15."""
        lengths_s = {path: info.duration_s for path in self.footage if (info := probe(path)).audio}
        near = {path: abs(length_s - 600.0) for path, length_s in lengths_s.items() if 480.0 <= length_s <= 900.0}
        return min(near, key=lambda path: near[path], default=None)

    def _is_short(self, video: Path) -> bool:
        return math.isinf(self._longest_s) or probe(video).duration_s <= self._longest_s


def _cut_times(path: Path) -> list[float]:
    rows = pd.read_csv(path)
    return sorted(rows["time_s"][rows["kind"].isin(["hard", "gradual"])].astype(float))


def sample_talk(made: Sample) -> dict[str, Any]:
    """Return the sample's truth in the form of :mod:`clipkit.bench.talk`."""
    sentences = [{"start_s": s.start_s, "end_s": s.end_s} for s in made.sentences]
    claps = [s.end_s + 0.15 for s in made.sentences if s.then == "applause"]
    return {
        "fps": FRAME_RATE,
        "duration_s": made.duration_s,
        "sentences": sentences,
        "utterances": [{**row, "sentence": index} for index, row in enumerate(sentences)],
        "words": [
            {"start_s": word.start_s, "end_s": word.end_s, "utterance": index}
            for index, sentence in enumerate(made.sentences)
            for word in sentence.words
        ],
        "speech": sentences,
        "pauses": [],
        "sounds": [{"kind": "applause", "start_s": start, "end_s": start + 2.2} for start in claps],
        "cuts_s": [scene.begin / FRAME_RATE for scene in made.scenes if scene.joined_by == "cut"],
    }
