"""The frame pass: what a table and its grids say about videos made here, and about odd real ones."""

from __future__ import annotations

import struct
import tracemalloc

import av
import numpy as np
import pytest
from hazards import write

from clipkit.analysis import blocks
from clipkit.analysis.features import COLUMNS, Frames, measure_frames
from clipkit.errors import InputError
from clipkit.media.reader import open_video
from clipkit.media.writer import write_video
from clipkit.params import Params

# What a level may lose on its way through RGB, YUV and x264.
CODING = 3.0


def video(path, pictures, frame_rate=25):
    write_video(path, pictures, frame_rate=frame_rate)
    return path


def plain(level, n=12, height=72, width=128):
    return [np.full((height, width, 3), level, np.uint8)] * n


def quarters(height=72, width=128):
    """Return a picture whose quarters are black, dark grey, light grey and white, in reading order."""
    one = np.zeros((height, width, 3), np.uint8)
    one[: height // 2, width // 2 :] = 80
    one[height // 2 :, : width // 2] = 160
    one[height // 2 :, width // 2 :] = 255
    return one


def luma_of(level):
    """Return limited-range luma of a grey RGB level."""
    return 16 + level * 219 / 255


def check_whole(frames: Frames):
    """Assert what holds for every video."""
    n = len(frames.table)
    tall = frames.info.video.height > frames.info.video.width
    cells = (16, 9) if tall else (9, 16)
    assert tuple(frames.table.columns) == COLUMNS
    dtypes = ["int64", "float64", "bool"] + ["float32"] * 9
    assert [str(dtype) for dtype in frames.table.dtypes] == dtypes
    assert frames.luma.shape == (n, 2 * cells[0], 2 * cells[1])
    assert frames.chroma.shape == (n, 2, *cells)
    assert frames.edges.shape == (n, *cells)
    assert frames.histograms.shape == (n, 32)
    assert (frames.luma.dtype, frames.chroma.dtype) == (np.uint8, np.uint8)
    assert (frames.edges.dtype, frames.histograms.dtype) == (np.float32, np.float32)
    assert np.isfinite(frames.table.to_numpy(np.float64)).all()
    assert np.isfinite(frames.edges).all()
    assert frames.table["time_s"].iloc[0] == 0.0
    assert (np.diff(frames.table["time_s"]) > 0).all()
    assert frames.duration_s > frames.table["time_s"].iloc[-1]
    np.testing.assert_allclose(frames.histograms[:].sum(axis=1), 1.0, atol=1e-5)
    for share in ("black_share", "white_share", "motion"):
        assert frames.table[share].between(0.0, 1.0).all()


def test_the_measures_of_a_known_picture(tmp_path):
    frames = measure_frames(video(tmp_path / "a.mp4", [quarters()] * 10), Params())

    check_whole(frames)
    row = frames.table.iloc[5]
    levels = [luma_of(level) for level in (0, 80, 160, 255)]
    assert row["luma_mean"] == pytest.approx(np.mean(levels), abs=CODING)
    assert row["luma_std"] == pytest.approx(np.std(levels), abs=CODING)
    assert row["black_share"] == pytest.approx(0.25, abs=0.02)
    assert row["white_share"] == pytest.approx(0.25, abs=0.02)
    assert row["chroma_u"] == pytest.approx(128, abs=CODING)
    grid = frames.luma[5].astype(float)
    assert [grid[2, 2], grid[2, 29], grid[15, 2], grid[15, 29]] == pytest.approx(levels, abs=CODING)
    edges = frames.edges[5]
    assert edges[2, 8] > 5 * (edges[2, 3] + 0.1), "the step between the quarters is in the ninth cell of a row"


def test_colour_lands_in_the_right_plane_and_place(tmp_path):
    blue_left_red_right = np.zeros((72, 128, 3), np.uint8)
    blue_left_red_right[:, :64, 2] = 255
    blue_left_red_right[:, 64:, 0] = 255

    frames = measure_frames(video(tmp_path / "a.mp4", [blue_left_red_right] * 5), Params())

    u, v = frames.chroma[2].astype(int)
    assert u[4, 2] > 200 > u[4, 13]
    assert v[4, 13] > 200 > v[4, 2]


def test_a_cut_shows_in_the_difference_and_movement_in_the_motion(tmp_path):
    frames = measure_frames(video(tmp_path / "a.mp4", plain(40) + plain(200)), Params())

    difference = frames.table["difference"]
    assert difference.argmax() == 12
    assert difference[12] == pytest.approx(160 * 219 / 255, abs=CODING)
    assert difference[0] == 0.0
    assert frames.table["motion"][12:14].tolist() == [1.0, 1.0], "a lag of 0.06 s is two frames"
    assert frames.table["motion"][[0, 5, 20]].tolist() == [0.0, 0.0, 0.0]


def test_blocks_join_without_a_seam(tmp_path, monkeypatch):
    pictures = [np.full((36, 64, 3), 20 + 9 * k, np.uint8) for k in range(23)]
    path = video(tmp_path / "a.mp4", pictures)
    whole = measure_frames(path, Params())
    monkeypatch.setattr(blocks, "BLOCK", 5)

    parts = measure_frames(path, Params())

    assert len(parts.table) == 23
    assert parts.table.equals(whole.table)
    for name in ("luma", "chroma", "edges", "histograms"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def test_progress_rises_to_one(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 4)
    shares = []

    measure_frames(video(tmp_path / "a.mp4", plain(90, 20)), Params(), progress=shares.append)

    assert shares == sorted(shares)
    assert len(shares) == 5
    assert shares[-1] == 1.0


@pytest.mark.parametrize(("height", "width"), [(2, 2), (10, 12), (16, 16), (18, 32), (34, 30), (200, 50), (74, 130)])
def test_small_and_odd_sizes_are_measured(tmp_path, height, width):
    frames = measure_frames(video(tmp_path / "a.mp4", plain(128, 3, height, width)), Params())

    check_whole(frames)
    assert frames.table["luma_mean"].to_numpy() == pytest.approx(luma_of(128), abs=CODING)
    assert frames.luma[:].astype(float) == pytest.approx(np.full(frames.luma.shape, luma_of(128)), abs=CODING)


def test_levels_that_count_as_black_follow_the_params(tmp_path):
    path = video(tmp_path / "a.mp4", plain(60))

    shares = [
        measure_frames(path, Params.model_validate({"analysis": {"black_level": level}})).table["black_share"].iloc[0]
        for level in (24, 100)
    ]

    assert shares == [0.0, 1.0]


def test_a_video_that_is_none_is_refused(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"not a video at all")

    with pytest.raises(InputError):
        measure_frames(path, Params())


@pytest.mark.media
@pytest.mark.parametrize(
    "name",
    [
        "ax_sample_rotate_and_reflect.mp4",
        "ax_sample_portrait.mp4",
        "de_video_90.mov",
        "ae_SAR-2by3.mp4",
        "ax_vp9_bear-vp9-odd-dimensions.webm",
        "ae_test_yuv422p.mp4",
        "tc_h264_10bits.mp4",
        "mb_cursed-vfr.mp4",
        "de_corrupted.mp4",
        "mp_pigs_in_a_polka.gif",
        "ax_sample_with_fake_auxiliary_tracks.mp4",
    ],
)
def test_odd_real_files_are_measured_whole(media, name):
    check_whole(measure_frames(media / "odd" / name, Params()))


@pytest.mark.media
@pytest.mark.parametrize(
    "name", ["de_video_90.mov", "ax_sample_rotate_and_reflect.mp4", "mb_rotate-buck-bunny.mp4", "ae_SAR-2by3.mp4"]
)
def test_grids_lie_as_the_picture_is_displayed(media, name):
    frames = measure_frames(media / "odd" / name, Params())
    with open_video(media / "odd" / name) as reader:
        shown = reader.frame_at(frames.duration_s).rgb() @ [0.299, 0.587, 0.114]

    grid = frames.luma[-1].astype(float)
    rows = np.arange(grid.shape[0] + 1) * shown.shape[0] // grid.shape[0]
    columns = np.arange(grid.shape[1] + 1) * shown.shape[1] // grid.shape[1]
    small = np.add.reduceat(np.add.reduceat(shown, rows[:-1], axis=0), columns[:-1], axis=1)
    small /= np.outer(np.diff(rows), np.diff(columns))
    assert np.corrcoef(grid.ravel(), small.ravel())[0, 1] > 0.95


@pytest.mark.media
def test_broken_packets_are_counted(media):
    assert measure_frames(media / "odd" / "de_corrupted.mp4", Params()).n_corrupt > 0


def claim_duration(path, duration_s):
    """Overwrite the length in the header of a Matroska file, in milliseconds, by a lie."""
    whole = path.read_bytes()
    element = bytes.fromhex("448988")
    before, after = whole.split(element, 1)
    path.write_bytes(before + element + struct.pack(">d", duration_s * 1e3) + after[8:])


def test_a_file_that_claims_forty_hours_is_measured_as_what_it_is(tmp_path):
    path = write(tmp_path / "a.mkv", range(30))
    claim_duration(path, 143_165.0)
    with av.open(str(path)) as container:
        assert container.duration / av.time_base > 140_000, "the lie is told"
    tracemalloc.start()

    frames = measure_frames(path, Params())

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(frames.table) == 30
    assert frames.duration_s == pytest.approx(1.2, abs=0.05)
    assert peak < 20_000_000


def test_memory_holds_no_grids(tmp_path):
    path = video(tmp_path / "a.mp4", plain(90, 300, 36, 64))
    tracemalloc.start()

    frames = measure_frames(path, Params(), scratch=tmp_path)

    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    stored = sum(np.asarray(getattr(frames, name)).nbytes for name in ("luma", "chroma", "edges", "histograms"))
    assert stored == 300 * (576 + 288 + 576 + 128)
    assert kept < stored / 3
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]
