from __future__ import annotations

from itertools import combinations

import pandas as pd
import pytest

from clipkit.errors import ParamsError
from clipkit.output.platforms import (
    aspect_size,
    find_platform,
    frame_size,
    group_platforms,
    load_platforms,
    safe_box,
)
from clipkit.output.preflight import preflight, refusals, takers
from clipkit.params import PLATFORM_NAMES
from clipkit.resources import resource_path

ASPECTS = ("9:16", "1:1", "4:5", "16:9")


@pytest.fixture(scope="module")
def platforms():
    return load_platforms()


def edited(tmp_path, old, new):
    path = tmp_path / "platforms.yaml"
    text = resource_path("params", "platforms.yaml").read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_every_platform_has_facts_with_a_source_and_a_day(platforms):
    assert tuple(platforms) == PLATFORM_NAMES
    for platform in platforms.values():
        for name in type(platform).model_fields:
            fact = getattr(platform, name)
            if fact is not None and not isinstance(fact, str):
                assert fact.source, (platform.name, name)
                assert fact.as_of.year >= 2026


@pytest.mark.parametrize("name", PLATFORM_NAMES)
def test_what_is_written_keeps_the_platforms_own_limits(platforms, name):
    platform = platforms[name]

    width, height = frame_size(platform, "9:16")

    assert platform.takes_shape(width, height)
    for fact, value in (
        (platform.short_side_px, min(width, height)),
        (platform.long_side_px, max(width, height)),
        (platform.width_px, width),
    ):
        low, high = fact.value if fact else (None, None)
        assert (low or 0) <= value <= (high or value)
    assert platform.gop_s.value <= (platform.gop_max_s.value if platform.gop_max_s else platform.gop_s.value)
    assert platform.video_codecs.value[0] == "h264"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("gop_s: {value: 2.0", "gop_s: {value: -1", r"line \d+: tiktok\.gop_s\.value"),
        ("edit_lists:", "edit_list:", "edit_list"),
        ("standing: official", "standing: rumour", "standing"),
        ("value: [65, 150, 918, 1436]", "value: [918, 150, 65, 1436]", "left < right"),
        ("value: [null, 600]", "value: [700, 600]", "must not exceed"),
        ("tiktok:\n", "tocktick:\n", "tocktick"),
        ("as_of: 2026-09-01", "as_of: soon", "as_of"),
    ],
)
def test_a_wrong_fact_is_named_with_its_line(tmp_path, old, new, said):
    with pytest.raises(ParamsError, match=said):
        load_platforms(edited(tmp_path, old, new))


def test_a_platform_that_is_a_list_is_refused(tmp_path):
    path = tmp_path / "platforms.yaml"
    path.write_text("".join(f"{name}: [1]\n" for name in PLATFORM_NAMES), encoding="utf-8")

    with pytest.raises(ParamsError, match="mapping of facts"):
        load_platforms(path)


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(ParamsError, match=r"none\.yaml"):
        load_platforms(tmp_path / "none.yaml")


def test_an_unknown_platform_is_answered_with_the_known_ones():
    with pytest.raises(ParamsError, match="youtube_shorts"):
        find_platform("youtube")


def test_identical_encodings_are_made_once_and_every_platform_gets_one(platforms):
    groups = group_platforms(list(platforms.values()), "9:16")

    members = [platform.name for group in groups for platform in group.platforms]
    assert sorted(members) == sorted(PLATFORM_NAMES)
    shared = next(group for group in groups if "tiktok" in {platform.name for platform in group.platforms})
    assert {platform.name for platform in shared.platforms} >= {"instagram_reels", "facebook_reels", "linkedin"}
    assert shared.max_video_bitrate == 25_000_000
    assert {(group.width, group.height) for group in groups} == {(1080, 1920), (720, 1280)}


def test_one_loudness_for_all_lets_more_platforms_share(platforms):
    tiktok = platforms["tiktok"]
    quieter = tiktok.loudness_lufs.model_copy(update={"value": -16.0})
    both = [platforms["snapchat_spotlight"].model_copy(update={"loudness_lufs": quieter}), tiktok]

    assert {group.target_lufs for group in group_platforms(both, "9:16")} == {-16.0, -14.0}
    assert {group.target_lufs for group in group_platforms(both, "9:16", target_lufs=-15.0)} == {-15.0}


def test_a_platform_asked_for_twice_is_written_once(platforms):
    (group,) = group_platforms([platforms["x"], platforms["x"]], "9:16")

    assert [platform.name for platform in group.platforms] == ["x"]


@pytest.mark.parametrize("aspect", ASPECTS)
def test_sizes_are_even_and_keep_the_aspect(platforms, aspect):
    across, down = map(int, aspect.split(":"))
    for platform in platforms.values():
        width, height = frame_size(platform, aspect)

        assert width % 2 == height % 2 == 0
        assert width / height == pytest.approx(across / down, rel=0.002)


def test_the_common_safe_box_lies_in_that_of_every_platform(platforms):
    for count in (1, 2, 3, 7):
        for some in combinations(platforms.values(), count):
            left, top, right, bottom = safe_box(some, 1080, 1920)
            for platform in some:
                box = platform.safe_box.value
                assert box[0] <= left < right <= box[2]
                assert box[1] <= top < bottom <= box[3]


def test_the_safe_box_scales_with_the_frame(platforms):
    every = list(platforms.values())

    tall = safe_box(every, 1080, 1920)

    assert safe_box(every, 720, 1280) == tuple(round(edge * 2 / 3) for edge in tall)


def test_a_square_frame_in_the_middle_of_the_screen_is_mostly_safe(platforms):
    left, top, right, bottom = safe_box([platforms["instagram_reels"]], *aspect_size("1:1", 1080))

    assert (left, top, right) == (65, 0, 1015)
    assert bottom == 1248 - (1920 - 1080) // 2


def test_boxes_without_a_common_part_are_refused(tmp_path):
    old = "safe_box: {value: [65, 150, 918, 1436]"
    platforms = load_platforms(edited(tmp_path, old, "safe_box: {value: [0, 0, 50, 50]"))

    with pytest.raises(ParamsError, match="safe boxes of tiktok, x"):
        safe_box([platforms["tiktok"], platforms["x"]], 1080, 1920)


@pytest.mark.parametrize(
    ("name", "duration_s", "aspect", "said"),
    [
        ("snapchat_spotlight", 4.0, "9:16", "5 to 60 s, the clip lasts 4 s"),
        ("snapchat_spotlight", 60.02, "9:16", None),
        ("youtube_shorts", 181.0, "9:16", "at most 180"),
        ("youtube_shorts", 30.0, "16:9", "the clips are 16:9"),
        ("youtube_shorts", 30.0, "1:1", None),
        ("facebook_reels", 30.0, "4:5", "0.5625"),
        ("x", 0.4, "9:16", "0.5 to 1200"),
    ],
)
def test_unsuitable_clips_are_told_apart(platforms, name, duration_s, aspect, said):
    sentence = platforms[name].unsuitable(duration_s, aspect)

    if said is None:
        assert sentence is None
    else:
        assert said in sentence


def test_the_longest_clip_of_a_platform_is_plain(platforms):
    assert platforms["facebook_reels"].max_s == 90.0


def test_a_refusal_names_its_source_and_the_day_it_was_read(platforms):
    for name, platform in platforms.items():
        sentence = platform.unsuitable(10_000.0)
        assert f"({platform.duration_s.source}, {platform.duration_s.as_of.isoformat()})" in sentence, name


def test_frames_larger_than_the_table_says_are_refused(tmp_path):
    path = edited(tmp_path, "short_side_px: {value: [32, 1024]", "short_side_px: {value: [32, 480]")

    sentence = load_platforms(path)["x"].unsuitable_frame("9:16")

    assert "X takes a short side of 32 to 480 px, the clips have 720" in sentence


def test_preflight_has_a_row_for_every_clip_and_platform(platforms):
    clips = pd.DataFrame({"clip_id": [1, 2, 3], "start_s": [0.0, 10.0, 20.0], "end_s": [30.0, 130.0, 24.0]})
    asked = [platforms[name] for name in ("tiktok", "snapchat_spotlight", "facebook_reels")]

    table = preflight(clips, asked, "9:16")

    assert list(table.columns) == ["clip_id", "platform", "accepted", "reason"]
    assert table["accepted"].tolist() == [True, True, True, True, False, False, True, False, True]
    assert (table["reason"] == "").tolist() == table["accepted"].tolist()
    assert {clip_id: [platform.name for platform in names] for clip_id, names in takers(table, asked).items()} == {
        1: ["tiktok", "snapchat_spotlight", "facebook_reels"],
        2: ["tiktok"],
        3: ["tiktok", "facebook_reels"],
    }


def test_a_refused_shape_is_said_once_for_all_clips(platforms):
    clips = pd.DataFrame({"clip_id": [1, 2, 3], "start_s": 0.0, "end_s": 30.0})

    (sentence,) = refusals(preflight(clips, [platforms["x"], platforms["facebook_reels"]], "1:1"))

    assert sentence.startswith("clips 1, 2 and 3 are not written for facebook_reels: Facebook Reels takes frames of")
