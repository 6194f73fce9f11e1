"""The fast scan: what it decodes, what it fills in, and edges looked at once more."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hazards import write

from clipkit.analysis.features import measure_frames
from clipkit.analysis.scan import choose_stretches
from clipkit.analysis.settle import settle_edges, settled
from clipkit.analysis.shots import detect_transitions
from clipkit.errors import ParamsError
from clipkit.media.packets import PacketIndex, read_packet_index
from clipkit.media.probe import require_video
from clipkit.media.writer import write_video
from clipkit.params import Params
from clipkit.profiles import make_params

FAST = Params.model_validate({"source": {"scan": "fast"}})
AUTO = Params.model_validate({"source": {"scan": "auto"}})
NO_WORDS = pd.DataFrame({"word": [], "start_s": [], "end_s": []}, dtype=float)


def textured(seed, height=72, width=128):
    """Return a picture that no other seed resembles."""
    rng = np.random.default_rng(seed)
    small = rng.integers(20, 236, (height // 8, width // 8, 3), np.uint8)
    return small.repeat(8, axis=0).repeat(8, axis=1)


@pytest.fixture(scope="module")
def cut_at_170(tmp_path_factory):
    """Return a video of 300 frames with a key frame every 50 and its only cut inside a group."""
    path = tmp_path_factory.mktemp("scan") / "a.mp4"
    write_video(path, [textured(1)] * 170 + [textured(2)] * 130, frame_rate=25, gop_s=2.0)
    return path


def index_of(n_frames, keys, large=()):
    is_key = np.isin(np.arange(n_frames), keys)
    size = np.where(is_key, 5000, 100)
    size[list(large)] = 3000
    return PacketIndex(np.arange(n_frames), np.arange(n_frames) / 25, size, is_key, np.zeros(n_frames, bool))


def grids(*levels):
    return np.stack([np.full((18, 32), level, np.uint8) for level in levels])


def test_still_groups_are_skipped_and_the_last_is_not():
    assert choose_stretches(index_of(40, [0, 10, 20, 30]), grids(9, 9, 9, 9)).tolist() == [[30, 40]]


def test_a_group_between_unlike_key_frames_is_chosen():
    assert choose_stretches(index_of(40, [0, 10, 20, 30]), grids(9, 60, 60, 60)).tolist() == [[0, 10], [30, 40]]


def test_a_large_packet_chooses_its_group_and_neighbours_join():
    stretches = choose_stretches(index_of(40, [0, 10, 20, 30], large=[25]), grids(9, 9, 9, 9))

    assert stretches.tolist() == [[20, 40]]


def test_packets_say_when_frames_are_shown(cut_at_170):
    index = read_packet_index(require_video(cut_at_170))
    table = measure_frames(cut_at_170, Params()).table

    assert index is not None
    np.testing.assert_array_equal(index.pts, table["pts"])
    np.testing.assert_array_equal(index.time_s, table["time_s"])
    np.testing.assert_array_equal(index.is_key, table["is_key"])


def test_a_fast_scan_has_a_row_for_every_frame_and_finds_the_cut(cut_at_170):
    full, fast = measure_frames(cut_at_170, Params()), measure_frames(cut_at_170, FAST)

    assert full.is_decoded is None
    assert fast.is_decoded is not None
    assert fast.is_decoded.mean() < 0.6
    for column in ("pts", "time_s", "is_key"):
        assert fast.table[column].equals(full.table[column])
    np.testing.assert_array_equal(fast.luma[fast.is_decoded], full.luma[fast.is_decoded])
    found = detect_transitions(fast, Params().analysis)
    assert found[["kind", "begin"]].to_numpy().tolist() == [["cut", 170]]


def test_auto_decodes_everything_where_much_happens_and_says_so(tmp_path):
    path = tmp_path / "a.mp4"
    write_video(path, [textured(k // 20) for k in range(100)], frame_rate=25)

    frames = measure_frames(path, AUTO)

    assert frames.is_decoded is None
    assert frames.note.startswith("every frame was decoded: something happens in 100 %")


def test_a_file_whose_packets_tell_too_little_is_decoded_whole(tmp_path):
    path = write(tmp_path / "a.avi", range(30))

    frames = measure_frames(path, FAST)

    assert len(frames.table) == 30
    assert frames.is_decoded is None
    assert "do not tell" in frames.note


def test_decord_scans_in_full_only():
    with pytest.raises(ParamsError, match="scan"):
        make_params(settings={"source": {"reader": "decord", "scan": "fast"}})


@pytest.mark.parametrize(
    ("edge_s", "is_start", "cut", "expected_s"),
    [
        (4.0, True, 101, 4.04),
        (4.0, True, 111, 4.44),
        (4.0, True, 112, 4.0),
        (4.0, True, 100, 4.0),
        (4.0, False, 99, 3.96),
        (4.0, False, 89, 3.56),
        (4.0, False, 88, 4.0),
        (4.0, False, 100, 4.0),
    ],
)
def test_an_edge_moves_to_a_cut_up_to_eleven_frames_inside(edge_s, is_start, cut, expected_s):
    time_s = np.arange(200) / 25

    assert settled(edge_s, is_start, time_s, np.array([cut]), NO_WORDS, 9.0) == pytest.approx(expected_s)


@pytest.mark.parametrize(("is_start", "cut", "expected_s"), [(True, 105, 93 / 25), (False, 95, 107 / 25)])
def test_no_word_is_cut_for_it_and_no_clip_gets_too_short(is_start, cut, expected_s):
    time_s = np.arange(200) / 25
    word = pd.DataFrame({"start_s": [3.9], "end_s": [4.1]})

    assert settled(4.0, is_start, time_s, np.array([cut]), word, 9.0) == pytest.approx(expected_s)
    assert settled(4.0, is_start, time_s, np.array([cut]), NO_WORDS, 0.1) == pytest.approx(expected_s)


def test_edges_are_settled_on_the_pictures_themselves(cut_at_170):
    clips = pd.DataFrame({"clip_id": [1, 2], "start_s": [6.6, 1.0], "end_s": [11.0, 7.0]})
    params = Params.model_validate({"selection": {"min_s": 1.0}})

    found = settle_edges(cut_at_170, clips, NO_WORDS, params)

    assert found["start_s"].tolist() == [6.8, 1.0]
    assert found["end_s"].tolist() == [11.0, 6.8]
