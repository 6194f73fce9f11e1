"""The built-in sample: a made video whose truth is known, as arrays.

A drawn speaker moves through several scenes and says a script in speech-like sound (voiced
syllables with formants, fricatives, pauses, an applause).  The script also exists as subtitles.
It serves first steps and tests, never claims of accuracy.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from clipkit.samples.picture import Picture, backdrop, draw_speaker, subject_centre
from clipkit.samples.voice import RATE_HZ as RATE_HZ
from clipkit.samples.voice import Word, applause, say
from clipkit.timeline import format_srt_time

FRAME_RATE = 25
SEED = 7

# One line a sentence: what is said, and what joins its scene to the next ("" stays in the scene).
SCRIPT = (
    ("Welcome, this is the sample that comes with clipkit.", ""),
    ("Nobody filmed it, every picture and every sound is computed.", "cut"),
    ("Why would anyone do that?", ""),
    ("Because a made video knows its own truth, down to the frame.", "cut"),
    ("Watch the speaker walk from one side to the other.", ""),
    ("A vertical clip has to follow, or the speaker is lost.", "dissolve"),
    ("Most people never watch an hour of video on a phone.", ""),
    ("They watch thirty seconds, and they decide in three.", "cut"),
    ("So the first words matter more than all the others.", ""),
    ("Here is the secret: never start in the middle of a sentence.", "applause"),
    ("Thank you, but the best part is still to come.", "cut"),
    ("A pause is a place where you may cut.", ""),
    ("A breath, a full stop, a change of the picture.", "fade"),
    ("Now count with me: one, two, three, and we are done.", ""),
    ("If you can read these words, the captions work.", "cut"),
    ("If you can hear every word, the level is right.", ""),
    ("Every number that you may change lives in one file.", ""),
    ("Nothing leaves this machine, not a frame and not a word.", "cut"),
    ("What happens when a file is broken?", ""),
    ("You get one clear sentence, and nothing is lost.", ""),
    ("Open the report to see why each clip was chosen.", "cut"),
    ("Then move a weight, and watch the order change.", ""),
    ("That was the sample, now try a video of your own.", ""),
)


@dataclass(frozen=True)
class Sentence:
    """A sentence of the script, its words, and what follows it."""

    text: str
    words: tuple[Word, ...]
    then: str

    @property
    def start_s(self) -> float:
        """Start of its first word, seconds."""
        return self.words[0].start_s

    @property
    def end_s(self) -> float:
        """End of its last word, seconds."""
        return self.words[-1].end_s


@dataclass(frozen=True)
class Scene:
    """A stretch of frames with one background, and how it begins."""

    begin: int
    end: int
    joined_by: str
    join_frames: int


@dataclass(frozen=True)
class Sample:
    """The sample as arrays and as truth.

    Attributes
    ----------
    width, height : int
        Size of the picture, pixels.
    n_frames : int
        Frames at 25 a second.
    sentences : tuple of Sentence
    scenes : tuple of Scene
    samples : ndarray of float32, shape (n_samples, 2)
        Sound at 48 kHz, full scale 1.
    """

    width: int
    height: int
    n_frames: int
    sentences: tuple[Sentence, ...]
    scenes: tuple[Scene, ...]
    samples: NDArray[np.float32]

    @property
    def duration_s(self) -> float:
        """Length of the picture, seconds."""
        return self.n_frames / FRAME_RATE

    def frames(self) -> Iterator[Picture]:
        """Yield the pictures, each uint8 of shape (height, width, 3), RGB."""
        backdrops = [backdrop(index, self.width, self.height) for index in range(len(self.scenes))]
        for index, scene in enumerate(self.scenes):
            for frame_index in range(scene.begin, scene.end):
                picture: Picture = self._picture(index, frame_index, backdrops)
                age = frame_index - scene.begin
                if age < scene.join_frames and scene.joined_by == "dissolve":
                    share = (age + 1) / (scene.join_frames + 1)
                    before = self._picture(index - 1, frame_index, backdrops)
                    picture = cv2.addWeighted(picture, share, before, 1 - share, 0)
                if scene.joined_by == "fade" and age < scene.join_frames:
                    picture = cv2.convertScaleAbs(picture, alpha=age / scene.join_frames)
                following = self.scenes[index + 1] if index + 1 < len(self.scenes) else None
                if following and following.joined_by == "fade":
                    left = scene.end - frame_index
                    if left <= following.join_frames:
                        picture = cv2.convertScaleAbs(picture, alpha=left / following.join_frames)
                yield picture

    def subject_box(self, frame_index: int) -> tuple[float, float, float, float]:
        """Return x, y, width and height of the speaker as shares of the picture."""
        scene = next(i for i, s in enumerate(self.scenes) if s.begin <= frame_index < s.end)
        x, y = subject_centre(scene, frame_index / FRAME_RATE)
        width = 0.36 * self.height / self.width
        return x - width / 2, y - 0.24, width, 0.24 + 1.0 - y

    def truth(self) -> dict[str, Any]:
        """Return what is known about the sample, as plain data for ``*.truth.json``."""
        return {
            "frame_rate": FRAME_RATE,
            "width": self.width,
            "height": self.height,
            "n_frames": self.n_frames,
            "transitions": [
                {
                    "kind": scene.joined_by,
                    "begin": scene.begin - (scene.join_frames if scene.joined_by == "fade" else 0),
                    "end": scene.begin + scene.join_frames,
                }
                for scene in self.scenes[1:]
            ],
            "sentences": [
                {"text": s.text, "start_s": round(s.start_s, 3), "end_s": round(s.end_s, 3)} for s in self.sentences
            ],
            "words": [
                {"word": w.text, "start_s": round(w.start_s, 3), "end_s": round(w.end_s, 3)}
                for s in self.sentences
                for w in s.words
            ],
            "subject": [
                {"frame": i, "box": [round(v, 4) for v in self.subject_box(i)]} for i in range(0, self.n_frames, 5)
            ],
        }

    def srt(self) -> str:
        """Return the script as SubRip subtitles, one cue a sentence."""
        cues = (
            f"{number}\n{format_srt_time(s.start_s)} --> {format_srt_time(s.end_s)}\n{s.text}\n"
            for number, s in enumerate(self.sentences, start=1)
        )
        return "\n".join(cues)

    def _picture(self, scene_index: int, frame_index: int, backdrops: list[Picture]) -> Picture:
        time_s = frame_index / FRAME_RATE
        return draw_speaker(backdrops[scene_index].copy(), scene_index, time_s, self._mouth(time_s))

    def _mouth(self, time_s: float) -> float:
        at = int(time_s * RATE_HZ)
        window = self.samples[at : at + RATE_HZ // FRAME_RATE, 0]
        return min(1.0, 8.0 * float(np.sqrt(np.mean(window**2)))) if len(window) else 0.0


def make_sample(*, height: int = 720, n_sentences: int | None = None) -> Sample:
    """Make the built-in sample, the same in every run.

    Parameters
    ----------
    height : int, optional
        Height of the 16:9 picture, pixels, even.
    n_sentences : int, optional
        Only this many sentences of the script; all of them give about 90 s.

    Returns
    -------
    Sample

    Examples
    --------
    >>> make_sample(height=90, n_sentences=2).sentences[0].text
    'Welcome, this is the sample that comes with clipkit.'
    """
    rng = np.random.default_rng(SEED)
    width = 2 * round(height * 16 / 18)
    script = SCRIPT[:n_sentences]
    pieces: list[NDArray[np.float64]] = []
    sentences: list[Sentence] = []
    clock_s = 0.8
    for text, then in script:
        words, sound = say(text, clock_s, rng)
        pieces.append(sound)
        sentences.append(Sentence(text, tuple(words), then))
        pause_s = {"": 0.45, "cut": 0.7, "dissolve": 1.3, "fade": 1.6, "applause": 2.6}[then]
        clock_s = words[-1].end_s + pause_s + 0.1 * rng.random()
    n_frames = math.ceil((clock_s + 0.6) * FRAME_RATE)
    sound = np.zeros(n_frames * RATE_HZ // FRAME_RATE)
    for sentence, piece in zip(sentences, pieces, strict=True):
        at = round(sentence.start_s * RATE_HZ)
        sound[at : at + len(piece)] += piece[: len(sound) - at]
        if sentence.then == "applause":
            clap = applause(2.2, rng)
            at = round((sentence.end_s + 0.15) * RATE_HZ)
            sound[at : at + len(clap)] += clap[: len(sound) - at]
    sound += 0.0008 * rng.standard_normal(len(sound))
    stereo = np.repeat(sound.astype(np.float32)[:, None], 2, axis=1)
    return Sample(width, height, n_frames, tuple(sentences), _lay_scenes(sentences, n_frames), stereo)


def _lay_scenes(sentences: list[Sentence], n_frames: int) -> tuple[Scene, ...]:
    scenes: list[Scene] = []
    begin, joined_by, join_frames = 0, "", 0
    for this, following in itertools.pairwise(sentences):
        if this.then in ("", "applause"):
            continue
        at = round((this.end_s + following.start_s) / 2 * FRAME_RATE)
        length = {"cut": 0, "dissolve": 16, "fade": 12}[this.then]
        at -= length // 2 if this.then == "dissolve" else 0
        scenes.append(Scene(begin, at, joined_by, join_frames))
        begin, joined_by, join_frames = at, this.then, length
    scenes.append(Scene(begin, n_frames, joined_by, join_frames))
    return tuple(scenes)
