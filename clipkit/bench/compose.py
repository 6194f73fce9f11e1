"""Real footage spliced into one video whose shot changes are known to the frame.

Usage: ``python -m clipkit.bench.compose POOL OUT.mp4 --seed 1 [--minutes 4] [--fps 25] [--variant vfr] …``

POOL is a folder that :func:`clipkit.bench.footage.read_spans` reads.  Beside OUT.mp4 stands OUT.truth.csv,
one row an event: ``kind,begin,end,detail``.

Conventions
-----------
``begin`` is the first frame that is no longer purely the old shot, ``end`` the first that is purely the new one, as
indices in display order; a cut has both at the first frame of the new shot.  ``cut dissolve fade dip wipe push`` are
transitions; ``jump`` is a cut within one source, to be counted apart; all other kinds are decoys, seen from
frame ``begin`` to ``end``, which are no transitions.
"""

from __future__ import annotations

import argparse
import functools
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from clipkit.bench.footage import Span, read_spans
from clipkit.bench.joins import SHARES, Join, Picture
from clipkit.bench.plan import VARIANTS, Shot, plan_shots, truth_of
from clipkit.errors import ClipkitError
from clipkit.files import replace_file
from clipkit.media.frames import Frame
from clipkit.media.reader import open_video
from clipkit.media.writer import write_video

Progress = Callable[[float], None]

_INSET_SHARE = 0.34


def draw_pictures(shots: Sequence[Shot], *, rate: float, size: tuple[int, int]) -> Iterator[Picture]:
    """Yield the pictures of a plan, uint8 of shape (height, width, 3), RGB; two files are open at most.

    Parameters
    ----------
    shots : sequence of Shot
    rate : float
        Pictures a second.
    size : tuple of int
        Width and height, pixels; footage fills it and is cut at the sides.
    """
    old: Iterator[Picture] = iter(())
    for shot, following in zip(shots, [*shots[1:], None], strict=True):
        new = _shot_pictures(shot, rate, size)
        for k in range(shot.join.n_frames):
            yield shot.join.blend(next(old), next(new), k)
        for _ in range(shot.n_frames - shot.join.n_frames - (following.join.n_frames if following else 0)):
            yield next(new)
        old = new


def _shot_pictures(shot: Shot, rate: float, size: tuple[int, int]) -> Iterator[Picture]:
    decoy = shot.decoy
    if decoy is not None and shot.inset is not None:
        small = (round(size[0] * _INSET_SHARE), round(size[1] * _INSET_SHARE))
        inset = Shot(shot.inset, shot.inset.start_s, decoy.end - decoy.begin, Join("cut"))
        decoy = replace(decoy, inset=_shot_pictures(inset, rate, small))
    indices = range(shot.n_frames) if decoy is None else [decoy.source_index(k) for k in range(shot.n_frames)]
    with open_video(shot.span.path) as reader:
        last: Frame | None = None
        for k, frame in enumerate(reader.frames_at(shot.start_s + index / rate for index in indices)):
            if frame is not last:
                picture, last = _fitted(frame, size), frame
            yield picture if decoy is None else decoy.apply(picture, k)


def _fitted(frame: Frame, size: tuple[int, int]) -> Picture:
    width, height = size
    scale = max(width / frame.info.width, height / frame.info.height)
    picture = frame.rgb(max(height, math.ceil(frame.info.height * scale)))
    if picture.shape[1] < width:
        picture = cv2.resize(picture, (width, picture.shape[0])).astype(np.uint8, copy=False)
    y, x = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return np.ascontiguousarray(picture[y : y + height, x : x + width])


def compose(
    spans: Sequence[Span],
    path: str | Path,
    *,
    seed: int,
    minutes: float = 4.0,
    size: tuple[int, int] = (640, 360),
    frame_rate: Fraction | int = 25,
    variant: str = "plain",
    crf: int = 23,
    kinds: Sequence[str] = tuple(SHARES),
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Write a composed video and its ``.truth.csv``, and return the truth.

    Parameters
    ----------
    spans : sequence of Span
    path : path-like
        The video.
    seed : int
        The same arguments give the same file.
    minutes : float, optional
        About how long it lasts.
    size : tuple of int, optional
        Width and height, even; portrait is allowed.
    frame_rate : Fraction, optional
        Frames a second of the file (for ``vfr`` the highest).
    variant : str, optional
        A key of `VARIANTS`: ``plain``, ``doubled`` (every picture twice), ``pulldown`` (24 pictures in 30 frames),
        ``telecine`` (24 in 60, three times and twice in turn) or ``vfr``.
    crf : int, optional
        x264 quality.
    kinds : sequence of str, optional
        Joins to draw from.
    progress : callable, optional
        Gets the share that is done, 0 to 1.

    Raises
    ------
    InputError
        ``input.no_footage`` where the footage is too short.
    RenderError, ResourceError
        Those of :func:`clipkit.media.writer.write_video`.
    """
    delivery = VARIANTS[variant]
    rate = float(frame_rate * delivery.rate_share)
    shots = plan_shots(spans, n_frames=round(minutes * 60 * rate), rate=rate, seed=seed, kinds=kinds)
    truth = truth_of(shots, delivery)
    n_pictures = sum(shot.n_frames for shot in shots) - sum(shot.join.n_frames for shot in shots)

    def frames() -> Iterator[Picture]:
        for k, picture in enumerate(draw_pictures(shots, rate=rate, size=size)):
            if progress:
                progress(k / n_pictures)
            for _ in range(delivery.repeats[k % len(delivery.repeats)]):
                yield picture

    write_video(path, frames(), frame_rate=Fraction(frame_rate), crf=crf, kept=delivery.kept)
    with replace_file(truth_path(path)) as temporary:
        truth.to_csv(temporary, index=False)
    return truth


def truth_path(video: str | Path) -> Path:
    """Return where the truth of a composed video stands."""
    return Path(video).with_suffix(".truth.csv")


def main(arguments: Sequence[str] | None = None) -> int:
    """Compose one video from the command line; exit 2 on a mistake in what was given."""
    ask = argparse.ArgumentParser(
        prog="python -m clipkit.bench.compose",
        description="Splice real footage into one video whose shot changes are known to the frame.",
    )
    ask.add_argument("pool", type=Path, help="folder of clips with a cuts.csv, or a media folder with cuts/")
    ask.add_argument("out", type=Path)
    ask.add_argument("--seed", type=int, required=True)
    ask.add_argument("--minutes", type=float, default=4.0)
    ask.add_argument("--size", type=_size, default=(640, 360), metavar="WxH")
    ask.add_argument("--fps", type=Fraction, default=Fraction(25))
    ask.add_argument("--variant", choices=tuple(VARIANTS), default="plain")
    ask.add_argument("--crf", type=int, default=23)
    ask.add_argument("--kinds", nargs="+", choices=tuple(SHARES), default=tuple(SHARES), metavar="KIND")
    asked = ask.parse_args(arguments)
    write = functools.partial(
        compose,
        seed=asked.seed,
        minutes=asked.minutes,
        size=asked.size,
        frame_rate=asked.fps,
        variant=asked.variant,
        crf=asked.crf,
        kinds=asked.kinds,
    )
    try:
        truth = write(read_spans(asked.pool), asked.out)
    except ClipkitError as error:
        sys.stderr.write(f"{error.message}\n")
        return error.exit_status
    counts = ", ".join(f"{kind} {n}" for kind, n in truth["kind"].value_counts().items())
    sys.stdout.write(f"{asked.out}: {counts}\n")
    return 0


def _size(text: str) -> tuple[int, int]:
    width, height = (int(value) for value in text.split("x"))
    return width, height


if __name__ == "__main__":
    sys.exit(main())
