"""Captions of finished clips, read back by a text recogniser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest

from clipkit.media.probe import require_video
from clipkit.media.reader import open_video
from clipkit.output.platforms import find_platform
from clipkit.output.render import render_clip
from clipkit.params import Params

pytestmark = [
    pytest.mark.media,
    pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed"),
]

TEXT = (
    "From fairest creatures we desire increase, that thereby beauty's rose might never die. But as the riper should "
    "by time decease, his tender heir might bear his memory."
)
WORD_S = 0.35
# A clear street, a bright meadow, and pale concrete that is all but as white as the letters.
FOOTAGE = ("people/crowd_1080p25.mp4", "subject/kids_jumping_540p30.mp4", "subject/dog_fetch_720p30.mp4")
COLOURS = ((255, 255, 255), (255, 212, 0))
SHORTEST_PX, LONGEST_PX, LEAST_AREA_PX = 2, 90, 12


def letters_of(picture, distance):
    """Return black letters on white: what has their colour, is enclosed by its outline and is no inside of a letter."""
    far = [np.abs(picture.astype(int) - colour).max(axis=2) for colour in COLOURS]
    n_parts, part_of, boxes, _ = cv2.connectedComponentsWithStats(
        (np.minimum(*far) < distance).astype(np.uint8), connectivity=4
    )
    height, width = part_of.shape
    kept = [
        part
        for part in range(1, n_parts)
        for left, top, across, down, area in [boxes[part]]
        if min(left, top) > 0 and left + across < width and top + down < height
        if SHORTEST_PX <= max(across, down) <= LONGEST_PX and area > LEAST_AREA_PX
    ]
    enclosed, tree = cv2.findContours(np.isin(part_of, kept).astype(np.uint8), cv2.RETR_TREE, cv2.CHAIN_APPROX_NONE)
    page = np.full((height, width), 255, np.uint8)
    parents = [] if tree is None else tree[0][:, 3].tolist()
    outer = [k for k, parent in enumerate(parents) if parent < 0]
    cv2.drawContours(page, [enclosed[k] for k in outer], -1, 0, -1)
    cv2.drawContours(page, [enclosed[k] for k, parent in enumerate(parents) if parent in outer], -1, 255, -1)
    return cv2.copyMakeBorder(cv2.resize(page, None, fx=2, fy=2), 20, 20, 20, 20, cv2.BORDER_CONSTANT, value=255)


def read(picture, folder: Path):
    """Return the words that are read in a picture, letters alone."""
    words = set()
    for distance in (45, 70):
        cv2.imwrite(str(folder / "page.png"), letters_of(picture, distance))
        command = ["tesseract", str(folder / "page.png"), "-", "--psm", "6"]
        said = subprocess.run(
            command, capture_output=True, text=True, check=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"}
        )
        words |= {bare(word) for word in said.stdout.split()}
    return words


def bare(word):
    return re.sub(r"\W", "", word).lower()


def test_at_least_95_percent_of_the_words_are_legible_at_their_time(media, tmp_path):
    n_read = n_words = 0
    unread = []
    for name in FOOTAGE:
        video = require_video(media / name)
        length_s = min(10.0, video.duration_s)
        texts = TEXT.split()[: int((length_s - 0.3) / WORD_S)]
        starts_s = 0.2 + WORD_S * np.arange(len(texts))
        words = pd.DataFrame({"word": texts, "start_s": starts_s, "end_s": starts_s + WORD_S})
        words["ends_sentence"] = words["word"].str.endswith(".")
        crop = pd.DataFrame({"time_s": [0.0], "x": 0.34, "y": 0.0, "width": 0.316, "height": 1.0, "layout": "static"})
        (rendered,) = render_clip(
            video.path,
            SimpleNamespace(clip_id=1, start_s=0.0, end_s=length_s),
            crop,
            words,
            Params.model_validate({"render": {"preset": "ultrafast"}}),
            [find_platform("x")],
            tmp_path,
            info=video,
        )
        left, _, right, bottom = rendered.caption_box
        with open_video(rendered.path) as reader:
            frames = reader.frames_at((starts_s + WORD_S / 2).tolist())
            for text, frame in zip(texts, frames, strict=True):
                seen = read(frame.rgb()[bottom - 140 : bottom + 6, left:right], tmp_path)
                n_words += 1
                n_read += bare(text) in seen
                unread += [] if bare(text) in seen else [f"{text} ({name})"]

    assert n_read >= 0.95 * n_words, unread
