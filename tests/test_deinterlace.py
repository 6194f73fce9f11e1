"""Interlaced sources: combs before and after, times, seeks, and the finished clip."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from clipkit.errors import InputError
from clipkit.media.child import ffmpeg_path
from clipkit.media.probe import require_video
from clipkit.media.reader import open_video
from clipkit.output.platforms import find_platform
from clipkit.output.render import render_clip
from clipkit.params import Params

WIDTH, HEIGHT, N_FRAMES = 320, 240, 30
FIELDS = "-flags +ildct+ilme"
CODECS = {
    "h264 top first": ("top.mp4", "tff", f"-c:v libx264 -crf 12 -g 10 {FIELDS}"),
    "h264 bottom first": ("bottom.mp4", "bff", f"-c:v libx264 -crf 12 -g 10 {FIELDS}"),
    "mpeg2": ("mpeg2.mpg", "tff", f"-c:v mpeg2video -b:v 4M -g 10 {FIELDS}"),
}


def luma_at(moment: int) -> NDArray[np.uint8]:
    """Return a block that moves four pixels from one field to the next."""
    luma = np.full((HEIGHT, WIDTH), 60, np.uint8)
    left = 30 + 4 * moment
    luma[40:200, left : left + 40] = 200
    return luma


def woven(number: int, *, is_top_first: bool = True) -> NDArray[np.uint8]:
    first, second = luma_at(2 * number), luma_at(2 * number + 1)
    luma = first.copy()
    luma[1 if is_top_first else 0 :: 2] = second[1 if is_top_first else 0 :: 2]
    return luma


def write(path: Path, order: str, options: str, lumas: list[NDArray[np.uint8]]) -> Path:
    """Encode grey pictures whose fields are tagged as in `order`: tff, bff or prog."""
    grey = bytes([128]) * (WIDTH * HEIGHT // 2)
    raw = b"".join(luma.tobytes() + grey for luma in lumas)
    source = f"-v error -y -f rawvideo -pix_fmt yuv420p -video_size {WIDTH}x{HEIGHT} -framerate 25 -i pipe:0"
    command = [ffmpeg_path(), *source.split(), "-vf", f"setfield={order}", *options.split(), str(path)]
    subprocess.run(command, input=raw, check=True)
    return path


@pytest.fixture(scope="module", params=CODECS)
def interlaced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    name, order, options = CODECS[request.param]
    lumas = [woven(number, is_top_first=order == "tff") for number in range(N_FRAMES)]
    return write(tmp_path_factory.mktemp("interlaced") / name, order, options, lumas)


@pytest.fixture(scope="module")
def progressive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("progressive") / "whole.mp4"
    return write(path, "prog", "-c:v libx264 -crf 12", [luma_at(2 * number) for number in range(N_FRAMES)])


def comb_energy(luma: NDArray[np.uint8]) -> float:
    """Return by how much lines stand out from both neighbours to the same side, mean over the picture, levels."""
    lines = luma.astype(np.int32)
    above, below = lines[1:-1] - lines[:-2], lines[1:-1] - lines[2:]
    return float(np.where(above * below > 0, np.minimum(abs(above), abs(below)), 0).mean())


def lumas(path: Path, *, deinterlace: bool) -> list[tuple[float, NDArray[np.uint8]]]:
    with open_video(path, deinterlace=deinterlace) as reader:
        planes = [(frame.time_s, frame.planes[0]) for frame in reader]
    return [(time_s, y.samples.reshape(y.height, y.stride)[:, : y.width].copy()) for time_s, y in planes]


def test_combs_are_gone_and_every_frame_keeps_its_time(interlaced: Path) -> None:
    before, after = lumas(interlaced, deinterlace=False), lumas(interlaced, deinterlace=True)

    assert np.mean([comb_energy(luma) for _, luma in before]) > 1.0
    assert np.mean([comb_energy(luma) for _, luma in after]) < 0.05
    assert [time_s for time_s, _ in after] == [time_s for time_s, _ in before]
    assert len(after) == N_FRAMES


def test_each_frame_is_that_of_its_first_field(interlaced: Path) -> None:
    for number, (_, luma) in enumerate(lumas(interlaced, deinterlace=True)[1:-1], start=1):
        assert np.abs(luma.astype(int) - luma_at(2 * number)).mean() < 1.5, number


def test_a_part_is_the_same_as_in_the_whole(interlaced: Path) -> None:
    whole = lumas(interlaced, deinterlace=True)

    with open_video(interlaced, deinterlace=True) as reader:
        part = [frame for frame in reader.frames(0.52, 0.8)]
        alone = reader.frame_at(0.6)

    assert [frame.time_s for frame in part] == [time_s for time_s, _ in whole[13:20]]
    for frame, (_, luma) in zip([*part, alone], [*whole[13:20], whole[15]], strict=True):
        plane = frame.planes[0]
        assert np.array_equal(plane.samples.reshape(plane.height, plane.stride)[:, : plane.width], luma)


def test_a_video_without_fields_is_left_alone(progressive: Path) -> None:
    for (_, plain), (_, asked) in zip(
        lumas(progressive, deinterlace=False), lumas(progressive, deinterlace=True), strict=True
    ):
        assert np.array_equal(plain, asked)


def test_decord_refuses_what_it_cannot_take_apart(interlaced: Path) -> None:
    pytest.importorskip("decord")

    with pytest.raises(InputError) as caught:
        open_video(interlaced, reader="decord", deinterlace=True)

    assert caught.value.code == "input.reader_unavailable"


def test_the_finished_clip_shows_no_combs(interlaced: Path, progressive: Path, tmp_path: Path) -> None:
    crop = pd.DataFrame({"time_s": np.arange(N_FRAMES) / 25, "x": 0.2, "y": 0.0, "width": 0.42, "height": 1.0})
    words = pd.DataFrame({"word": [], "start_s": [], "end_s": [], "ends_sentence": []})
    params = Params.model_validate({"render": {"preset": "ultrafast", "encoder_threads": 1, "crf": 12}})

    def finished(source: Path) -> tuple[float, tuple[str, ...]]:
        clip = SimpleNamespace(clip_id=1, start_s=0.2, end_s=1.0)
        info = require_video(source)
        platforms = [find_platform("x")]
        out_dir = tmp_path / source.stem
        (made,) = render_clip(source, clip, crop.assign(layout="static"), words, params, platforms, out_dir, info=info)
        small = [
            cv2.resize(luma, (135, HEIGHT), interpolation=cv2.INTER_AREA)
            for _, luma in lumas(made.path, deinterlace=False)
        ]
        return float(np.mean([comb_energy(luma) for luma in small])), made.notes

    energy, notes = finished(interlaced)

    assert energy < finished(progressive)[0] + 0.05
    assert any("interlaced" in note for note in notes)
