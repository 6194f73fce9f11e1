"""Composed videos: their truth agrees with their pictures, frame by frame."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clipkit.bench.compose import compose, draw_pictures, main, truth_path
from clipkit.bench.decoys import KINDS, Decoy, draw_decoy
from clipkit.bench.footage import Labelled, Span, read_labelled, read_spans
from clipkit.bench.frame_clock import frame_times
from clipkit.bench.joins import PLAIN, PUSHES, SHARES, WIPES, Join, draw_join
from clipkit.bench.plan import VARIANTS, Shot, plan_shots, truth_of
from clipkit.errors import InputError
from clipkit.media.reader import open_video
from clipkit.media.writer import write_video

SIZE = (64, 36)
# Plain colours far from each other, from black and from white.
COLOURS = {"red": (200, 40, 40), "green": (40, 180, 60), "amber": (210, 190, 60), "grey": (120, 120, 120)}
PERSISTENT = ("ramp", "overlay")


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a pool of four plain clips of 12 s, so that every picture tells which shot it is."""
    folder = tmp_path_factory.mktemp("pool")
    for name, colour in COLOURS.items():
        picture = np.full((SIZE[1], SIZE[0], 3), colour, np.uint8)
        write_video(folder / f"{name}.mp4", (picture for _ in range(300)), frame_rate=25, crf=10)
    return folder


def picture_of(span: Span) -> np.ndarray:
    with open_video(span.path) as reader:
        return reader.frame_at(1.0).rgb()


@pytest.mark.parametrize("seed", [1, 2])
def test_truth_says_where_the_pictures_change(pool: Path, seed: int):
    spans = read_spans(pool)
    shots = plan_shots(spans, n_frames=3000, rate=25, seed=seed)
    truth = truth_of(shots, VARIANTS["plain"])
    pictures = list(draw_pictures(shots, rate=25, size=SIZE))
    pure = {span.path: picture_of(span) for span in spans}
    joins = truth[~truth["kind"].isin(KINDS)]

    assert len(joins) == len(shots) - 1
    assert {"cut", "dissolve", "fade", "wipe"} <= set(joins["kind"])
    for row, (old, new) in zip(joins.itertuples(), itertools.pairwise(shots), strict=True):
        before, after = pure[old.span.path], pure[new.span.path]
        if old.decoy is None or old.decoy.kind not in PERSISTENT:
            assert np.array_equal(pictures[row.begin - 1], before)
        assert np.array_equal(pictures[row.end], after)
        assert (row.begin == row.end) == (row.kind in ("cut", "jump"))
        for picture in pictures[row.begin : row.end]:
            assert not np.array_equal(picture, before)
            assert not np.array_equal(picture, after)


@pytest.mark.parametrize("kind", KINDS)
def test_decoys_are_seen_where_the_truth_says(pool: Path, kind: str):
    spans = read_spans(pool)
    decoy = Decoy(kind, 30, 42, seed=5)
    shot = Shot(spans[0], 1.0, 80, Join("cut"), decoy, spans[1] if kind == "inset" else None)
    pictures = list(draw_pictures([shot], rate=25, size=SIZE))
    changed = [k for k, picture in enumerate(pictures) if not np.array_equal(picture, picture_of(spans[0]))]

    if kind in ("flash", "lightning", "title", "inset"):
        assert changed[0] == 30
        assert changed[-1] <= 41
    elif kind in PERSISTENT:
        assert changed[-1] == 79
        assert np.array_equal(pictures[41], pictures[79])
    else:
        assert changed == []  # one colour looks the same moved or held


def test_a_freeze_holds_one_picture_and_goes_on_where_it_stopped():
    decoy = Decoy("freeze", 3, 6, seed=1)

    assert [decoy.source_index(k) for k in range(9)] == [0, 1, 2, 3, 3, 3, 3, 4, 5]


@pytest.mark.parametrize(
    ("variant", "frame_rate"), [("plain", 25), ("doubled", 30), ("pulldown", 30), ("telecine", 60), ("vfr", 30)]
)
def test_files_hold_each_picture_where_the_truth_counts_it(pool: Path, tmp_path: Path, variant: str, frame_rate: int):
    spans, path = read_spans(pool), tmp_path / "out.mp4"
    delivery = VARIANTS[variant]
    rate = float(frame_rate * delivery.rate_share)

    truth = compose(spans, path, seed=3, minutes=0.3, size=SIZE, frame_rate=frame_rate, variant=variant, crf=10)

    shots = plan_shots(spans, n_frames=round(18 * rate), rate=rate, seed=3)
    pd.testing.assert_frame_equal(truth, truth_of(shots, delivery))
    pd.testing.assert_frame_equal(pd.read_csv(truth_path(path), keep_default_na=False), truth)
    pictures = list(draw_pictures(shots, rate=rate, size=SIZE))
    shown_at = [delivery.frame_index(k) for k in range(len(pictures) + 1)]
    with open_video(path) as reader:
        frames = [frame.rgb().mean(axis=(0, 1)) for frame in reader]
    assert len(frames) == shown_at[-1]
    for k, (first, last) in enumerate(itertools.pairwise(shown_at)):
        for frame in frames[first:last]:
            assert np.abs(frame - pictures[k].mean(axis=(0, 1))).max() < 8
    steps = np.diff(frame_times(path))
    assert (steps.max() > 1.5 * steps.min()) == (variant == "vfr")


def test_a_seed_gives_one_file_and_another_seed_another(pool: Path, tmp_path: Path):
    spans = read_spans(pool)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        compose(
            spans, tmp_path / f"{name}.mp4", seed=seed, minutes=0.1, size=(36, 64), frame_rate=Fraction(30000, 1001)
        )

    a, b, c = ((tmp_path / f"{name}.mp4").read_bytes() for name in "abc")
    assert a == b
    assert a != c
    with open_video(tmp_path / "a.mp4") as reader:
        assert (reader.video.width, reader.video.height) == (36, 64)
        assert reader.video.frame_rate == Fraction(30000, 1001)


@pytest.mark.parametrize(
    "join",
    [Join("dissolve", "", 5), *(Join("fade", p, 5, gamma=0.7) for p in PLAIN), *(Join("dip", p, 4) for p in PLAIN)]
    + [Join("wipe", d, 5, softness=s) for d in WIPES for s in (0.0, 0.2)]
    + [Join("push", d, 5) for d in PUSHES],
    ids=lambda join: f"{join.kind}-{join.detail}-{join.softness}",
)
def test_joins_never_show_one_shot_alone(join: Join):
    old, new = np.full((36, 64, 3), 70, np.uint8), np.full((36, 64, 3), 180, np.uint8)
    mixed = [join.blend(old, new, k) for k in range(join.n_frames)]

    assert all(picture.shape == old.shape and picture.dtype == np.uint8 for picture in mixed)
    assert not any(np.array_equal(picture, shot) for picture in mixed for shot in (old, new))
    if join.kind in ("dissolve", "wipe", "push"):
        means = [float(picture.mean()) for picture in mixed]
        assert means == sorted(means)


@pytest.mark.parametrize(
    ("detail", "place"), [("left", np.s_[:, -4:]), ("right", np.s_[:, :4]), ("up", np.s_[-4:]), ("down", np.s_[:4])]
)
def test_wipes_and_pushes_move_the_way_they_are_called(detail: str, place: tuple):
    old, new = np.zeros((40, 40, 3), np.uint8), np.full((40, 40, 3), 200, np.uint8)

    assert (Join("wipe", detail, 9).blend(old, new, 0)[place] == 200).all()
    for way in ("push", "cover"):
        arrived = Join("push", f"{way}-{detail}", 9).blend(old, new, 2)
        assert (arrived[place] == 200).all()
        assert (arrived == 0).any()


@pytest.mark.parametrize("rate", [10.0, 25.0, 60.0])
def test_lengths_are_lengths_in_time(rate: float):
    rng = random.Random(4)
    drawn = {
        kind: [draw_join(kind, rate, rng).n_frames / rate for _ in range(300)] for kind in ("dissolve", "fade", "wipe")
    }

    assert np.median(drawn["dissolve"]) == pytest.approx(14 / 25, rel=0.15)
    assert max(drawn["fade"]) <= 45 / 25 + 1 / rate
    assert min(drawn["wipe"]) >= 8 / 25 - 1 / rate


def test_decoys_lie_within_the_stretch_they_are_given():
    rng = random.Random(1)
    for kind in KINDS:
        drawn = [draw_decoy(kind, 20, 90, 25.0, rng) for _ in range(50)]
        assert all(20 <= decoy.begin < decoy.end <= 90 for decoy in drawn if decoy)
        assert draw_decoy(kind, 20, 20, 25.0, rng) is None


def test_shots_stay_inside_their_spans_and_change_their_source(pool: Path):
    spans = read_spans(pool)
    shots = plan_shots(spans, n_frames=9000, rate=25, seed=9)

    assert {shot.join.kind for shot in shots} == set(SHARES) - {"insert"}
    for shot in shots:
        assert shot.span.start_s <= shot.start_s
        assert shot.start_s + shot.n_frames / 25 <= shot.span.end_s + 1e-6
    for old, new in itertools.pairwise(shots):
        assert (old.span.source == new.span.source) == (new.join.kind == "jump")
    bodies = [b.n_frames for b, c in itertools.pairwise(shots) if b.join.detail == c.join.detail == "insert"]
    assert min(bodies) >= 4


def test_a_pool_leaves_out_what_its_table_says(pool: Path, tmp_path: Path):
    for name in COLOURS:
        (tmp_path / f"{name}.mp4").symlink_to(pool / f"{name}.mp4")
    (tmp_path / "cuts.csv").write_text("file,frame\nred.mp4,100\namber.mp4,-1\n")

    spans = read_spans(tmp_path)

    assert [(s.source, round(s.start_s, 2), round(s.end_s, 2)) for s in spans if s.source == "red"] == [
        ("red", 0.0, 3.8),
        ("red", 4.2, 11.96),
    ]
    assert "amber" not in {span.source for span in spans}


def test_too_little_footage_is_refused(pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "red.mp4").symlink_to(pool / "red.mp4")

    with pytest.raises(InputError, match="at least 3 clips") as refused:
        read_spans(tmp_path)
    assert refused.value.code == "input.no_footage"
    assert main([str(tmp_path), str(tmp_path / "out.mp4"), "--seed", "1"]) == 2
    assert "at least 3 clips" in capsys.readouterr().err
    assert not (tmp_path / "out.mp4").exists()


def test_a_table_without_its_columns_is_refused(pool: Path, tmp_path: Path):
    (tmp_path / "cuts.csv").write_text("name,at\nred.mp4,1\n")

    with pytest.raises(InputError, match=r"cuts\.csv: a table with the columns file, frame"):
        read_spans(tmp_path)


def test_labels_become_truth(tmp_path: Path, pool: Path):
    (tmp_path / "cuts").mkdir()
    (tmp_path / "cuts" / "red.mp4").symlink_to(pool / "red.mp4")
    (tmp_path / "cuts" / "red.cuts.csv").write_text(
        "kind,frame,time_s,frame_end,time_end_s,note\n"
        "hard,10,0.4,,,\ngradual,30,1.2,42,1.68,\nuncertain,60,2.4,,,\nrepo,80,3.2,,,\n"
    )
    (tmp_path / "cuts" / "gone.cuts.csv").write_text("kind,frame,frame_end\nhard,1,\n")

    (found,) = read_labelled(tmp_path)

    assert isinstance(found, Labelled)
    assert found.name == "red"
    assert found.truth.to_numpy().tolist() == [["cut", 10, 10], ["dissolve", 30, 42], ["ignore", 60, 60]]


def test_real_footage_gives_spans_and_labels(media: Path):
    labelled = read_labelled(media)
    spans = read_spans(media)

    assert {video.name for video in labelled} >= {"bikes", "chrome_ad_270p30"}
    assert all(len(video.truth) for video in labelled)
    assert len({span.source for span in spans}) >= 8
    assert all(0 <= span.start_s < span.end_s for span in spans)
