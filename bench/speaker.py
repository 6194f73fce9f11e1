"""Measure how often the crop window goes to the person who speaks, on conversations made of real heads.

Usage: ``python bench/speaker.py MEDIA [--seeds 1 2 3 4] [--keep FOLDER]``

MEDIA holds the test media; heads whose file is missing are left out, and without a speaker and two listeners nothing
is measured.  Each conversation lasts 24 s: two or three heads of one size side by side, of whom one speaks
for 3 to 6 s, with the sound that belongs to the head, while the others are shown as they listen; then another one.
The planner is told of no cut in it.  The window is right in a frame if the head
nearest to its middle is the one that speaks.  "silent" is planned without the sound, "heard" with it; "still" leaves
out the first 1.5 s of each turn, in which the camera has to notice and to move.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.analysis.reframe import plan_crop
from clipkit.analysis.speech import measure_audio
from clipkit.media.audio import read_audio
from clipkit.media.reader import open_video
from clipkit.media.writer import write_video
from clipkit.params import Params

RATE = 25
RATE_HZ = 48_000
LENGTH_S = 24.0
TURN_S = (3.0, 6.0)
MOVE_S = 1.5
WIDTH, HEIGHT = 1280, 720
FACE_SIDE = 190  # pixels
NO_CUTS = pd.DataFrame({"kind": [], "begin_s": [], "end_s": []})


class Head(NamedTuple):
    """A head that stays about where it is: its stretch, and the middle and width of the face in shares of the frame."""

    file: str
    start_s: float
    end_s: float
    x: float
    y: float
    width: float


SPEAKERS = (
    Head("people/talking_head_man_700x700.mp4", 0.1, 6.0, 0.57, 0.33, 0.37),
    Head("people/talking_head_woman_590x590.mp4", 0.1, 4.9, 0.51, 0.45, 0.47),
    Head("nolicence/math_lecture_720p30_10m13.mp4", 255.8, 260.3, 0.53, 0.33, 0.13),
    Head("nolicence/math_lecture_720p30_10m13.mp4", 424.3, 438.7, 0.52, 0.32, 0.14),
    Head("nolicence/math_lecture_720p30_10m13.mp4", 578.2, 585.0, 0.51, 0.37, 0.12),
    Head("nolicence/math_lecture_720p30_10m13.mp4", 595.8, 608.2, 0.51, 0.32, 0.13),
)
LISTENERS = (
    Head("people/two_people_webcam_720p25.webm", 0.5, 36.0, 0.43, 0.5, 0.13),
    Head("people/two_people_webcam_720p25.webm", 3.0, 24.0, 0.85, 0.48, 0.18),
)


def views(media: Path, head: Head, start_s: float, n: int, width: int) -> Iterator[NDArray[np.uint8]]:
    """Yield `n` pictures of a head in the middle of a seat this wide."""
    with open_video(media / head.file) as reader:
        info = reader.video
        scale = FACE_SIDE / (head.width * info.width)
        shift = np.array([width / 2, 0.4 * HEIGHT]) - scale * np.array([head.x * info.width, head.y * info.height])
        matrix = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
        for frame in reader.frames_at(start_s + np.arange(n) / RATE):
            yield cv2.warpAffine(frame.rgb(), matrix, (width, HEIGHT), borderMode=cv2.BORDER_REPLICATE)


def converse(media: Path, out: Path, n_seats: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Write a conversation and return who speaks in each frame, by seat."""
    speakers, listeners = ([head for head in heads if (media / head.file).is_file()] for heads in (SPEAKERS, LISTENERS))
    width = WIDTH // n_seats // 2 * 2
    frames, sound, speaks = [], [], []
    seat = int(rng.integers(n_seats))
    while len(frames) < LENGTH_S * RATE:
        speaker = speakers[rng.integers(len(speakers))]
        n = int(min(rng.uniform(*TURN_S), speaker.end_s - speaker.start_s) * RATE)
        seated = []
        for place in range(n_seats):
            head = speaker if place == seat else listeners[(place + (place > seat)) % len(listeners)]
            start_s = float(rng.uniform(head.start_s, max(head.start_s, head.end_s - n / RATE)))
            seated.append(views(media, head, start_s, n, width))
            if place == seat:
                heard = read_audio(
                    media / head.file, rate_hz=RATE_HZ, channels=1, start_s=start_s, end_s=start_s + n / RATE
                )
                heard = np.asarray(heard, np.float32).reshape(-1)[: n * RATE_HZ // RATE]
                sound.append(np.pad(heard, (0, n * RATE_HZ // RATE - len(heard))))
        frames += [np.hstack(pictures) for pictures in zip(*seated, strict=True)]
        speaks += [seat] * n
        seat = int((seat + rng.integers(1, n_seats)) % n_seats)
    write_video(out, frames, frame_rate=RATE, samples=np.concatenate(sound)[:, None], rate_hz=RATE_HZ)
    return np.array(speaks)


def right(crop: pd.DataFrame, speaks: NDArray[np.int64], n_seats: int) -> tuple[float, float]:
    """Return the share of frames in which the window is at the speaker, and the same without the starts of turns."""
    seat = ((crop["x"] + crop["width"] / 2) * n_seats).astype(int).to_numpy()[: len(speaks)]
    is_right = seat == speaks[: len(seat)]
    begins = np.flatnonzero(np.diff(speaks, prepend=-1))
    since = np.arange(len(seat)) - begins[np.searchsorted(begins, np.arange(len(seat)), side="right") - 1]
    return float(is_right.mean()), float(is_right[since >= MOVE_S * RATE].mean())


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("media", type=Path)
    ask.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    ask.add_argument("--keep", type=Path)
    asked = ask.parse_args()
    missing = [not any((asked.media / head.file).is_file() for head in heads) for heads in (SPEAKERS, LISTENERS)]
    if any(missing):
        print("skipped: the heads are not there")
        return
    params = Params.model_validate({"reframe": {"split": False}})
    folder = asked.keep or Path(tempfile.mkdtemp())
    print(f"{'heads':>6}{'seed':>6}{'silent':>8}{'still':>8}{'heard':>8}{'still':>8}")
    shares = []
    for n_seats in (2, 3):
        for seed in asked.seeds:
            video = folder / f"conversation_{n_seats}_{seed}.mp4"
            speaks = converse(asked.media, video, n_seats, np.random.default_rng(seed))
            audio = measure_audio(video, params, duration_s=len(speaks) / RATE)
            crops = [plan_crop(video, 0.0, 100.0, NO_CUTS, params, audio=sound) for sound in (None, audio)]
            shares.append([share for crop in crops for share in right(crop, speaks, n_seats)])
            print(f"{n_seats:>6}{seed:>6}" + "".join(f"{share:>8.2f}" for share in shares[-1]), flush=True)
    print(f"{'mean':>12}" + "".join(f"{share:>8.2f}" for share in np.mean(shares, axis=0)))


if __name__ == "__main__":
    main()
