"""HDR sources: what 10 bits of PQ and HLG look like as SDR, in the reader, the finished clip and the report."""

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
from clipkit.media.tonemap import describe
from clipkit.output.platforms import find_platform
from clipkit.output.render import render_clip
from clipkit.params import Params

WIDTH, HEIGHT = 320, 180
PQ, HLG = "smpte2084", "arib-std-b67"
LOSSLESS = "-c:v ffv1"
# From linear BT.709 to BT.2020, Rec. ITU-R BT.2087 table 2.
TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
MASTERED = "-c:v libx265 -x265-params log-level=error:hdr10=1:lossless=1:master-display="
DISPLAY = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L({},50)"

Planes = tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint16]]


def pq(light: object) -> NDArray[np.float64]:
    """Return the PQ signal of light in cd/m2, BT.2100 table 4."""
    y = (np.asarray(light, float) / 10_000) ** 0.1593017578125
    return np.asarray(((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375)


def yuv(signal: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return 10-bit codes of a BT.2020 R'G'B'."""
    y = signal @ [0.2627, 0.6780, 0.0593]
    blue, red = (signal[2] - y) / 1.8814, (signal[0] - y) / 1.4746
    return 64 + 876 * y, 512 + 896 * blue, 512 + 896 * red


def flat(y: float, u: float = 512, v: float = 512) -> Planes:
    shapes = (HEIGHT, WIDTH), (HEIGHT // 2, WIDTH // 2), (HEIGHT // 2, WIDTH // 2)
    first, second, third = (
        np.full(shape, round(code), np.uint16) for shape, code in zip(shapes, (y, u, v), strict=True)
    )
    return first, second, third


def ramp(first: int, last: int) -> Planes:
    y, u, v = flat(0)
    y[:] = np.linspace(first, last, WIDTH).round()
    return y, u, v


def write(path: Path, transfer: str, pictures: list[Planes], how: str = LOSSLESS, pix_fmt: str = "yuv420p10le") -> Path:
    raw = b"".join(plane.tobytes() for picture in pictures for plane in picture)
    source = f"-v error -y -f rawvideo -pix_fmt yuv420p10le -video_size {WIDTH}x{HEIGHT} -framerate 25 -i pipe:0"
    tags = f"setparams=range=tv:color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc"
    coded = f"-color_primaries bt2020 -color_trc {transfer} -colorspace bt2020nc -color_range tv"
    filters = ["-vf", f"{tags},format={pix_fmt}"]
    subprocess.run(
        [ffmpeg_path(), *source.split(), *filters, *how.split(), *coded.split(), str(path)], input=raw, check=True
    )
    return path


def shown(path: Path, *, tone_map: bool = True) -> list[NDArray[np.uint8]]:
    """Return the luma of each picture."""
    with open_video(path, tone_map=tone_map) as reader:
        planes = [frame.planes[0] for frame in reader]
    return [y.samples.reshape(y.height, y.stride)[:, : y.width].copy() for y in planes]


def signal_of(luma: NDArray[np.uint8]) -> float:
    return float((luma[HEIGHT // 2, WIDTH // 2] - 16.0) / 219.0)


def test_light_lands_where_the_standard_puts_it(tmp_path: Path) -> None:
    lights = (0.0, 26.0, 100.0, 203.0, 1000.0, 4000.0)
    video = write(tmp_path / "pq.mkv", PQ, [flat(64 + 876 * float(pq(light))) for light in lights])

    # BT.2446 method A by hand, with gamma 2.4; what is brighter than its 1000 cd/m2 is white.
    assert [signal_of(luma) for luma in shown(video)] == pytest.approx([0, 0.335, 0.539, 0.687, 1, 1], abs=0.004)


def test_hlg_is_seen_on_its_display(tmp_path: Path) -> None:
    # 75 % of HLG is diffuse white, 203 cd/m2, and the whole of it 1000.
    video = write(tmp_path / "hlg.mkv", HLG, [flat(64 + 876 * share) for share in (0.0, 0.38, 0.75, 1.0)])

    assert [signal_of(luma) for luma in shown(video)] == pytest.approx([0, 0.335, 0.687, 1], abs=0.006)


def test_a_smooth_ramp_has_the_levels_of_ten_bits_and_never_falls(tmp_path: Path) -> None:
    smooth = ramp(380, 699)  # each of 320 columns a code of its own
    video = write(tmp_path / "ramp.mkv", PQ, [smooth])
    coarse = write(tmp_path / "coarse.mkv", PQ, [((smooth[0] + 2) // 4 * 4, *smooth[1:])])

    fine = shown(video)[0][HEIGHT // 2].astype(int)

    assert (np.diff(fine) >= 0).all()
    assert np.diff(fine).max() == 1
    assert len(np.unique(fine)) > 1.2 * len(np.unique(shown(coarse)[0][HEIGHT // 2]))


@pytest.mark.parametrize("light", [20.0, 80.0, 300.0])
def test_skin_keeps_its_hue_at_any_light(tmp_path: Path, light: float) -> None:
    skin = np.array([1.0, 0.55, 0.38])
    video = write(tmp_path / "skin.mkv", PQ, [flat(*yuv(pq(light * TO_2020 @ skin)))])

    with open_video(video, tone_map=True) as reader:
        rgb = reader.frame_at(0.0).rgb()[HEIGHT // 2, WIDTH // 2] / 255

    assert (rgb / rgb[0]) ** 2.4 == pytest.approx(skin, abs=0.03)


def test_a_colour_that_sdr_lacks_stays_that_colour(tmp_path: Path) -> None:
    lights = np.array([[300.0, 0.0, 0.0], [0.0, 300.0, 0.0], [0.0, 0.0, 300.0]])
    video = write(tmp_path / "pure.mkv", PQ, [flat(*yuv(pq(light))) for light in lights])

    with open_video(video, tone_map=True) as reader:
        colors = [frame.rgb()[HEIGHT // 2, WIDTH // 2].astype(int) for frame in reader]

    assert [int(np.argmax(color)) for color in colors] == [0, 1, 2]
    assert all(np.ptp(color) > 80 for color in colors)


@pytest.mark.parametrize(
    ("stated", "peak"),
    [
        (f"{DISPLAY.format(6_000_000)}:max-cll=400,200", 400.0),
        (f"{DISPLAY.format(6_000_000)}:max-cll=0,0", 600.0),
        (f"{DISPLAY.format(40_000_000)}:max-cll=0,0", 4000.0),
    ],
    ids=["brightest pixel", "mastering display", "more than the curve is for"],
)
def test_the_peak_is_the_one_that_the_file_states(tmp_path: Path, stated: str, peak: float) -> None:
    white = [flat(64 + 876 * float(pq(203)))] * 2
    stating = write(tmp_path / "stating.mp4", PQ, white, MASTERED + stated)
    silent = write(tmp_path / "silent.mkv", PQ, white)

    video = require_video(stating).video
    assert video is not None
    assert video.peak_nits == peak
    assert f"up to {peak:.0f} cd/m2 as the file states" in describe(video)
    brighter = signal_of(shown(stating)[0]) > signal_of(shown(silent)[0]) + 0.05
    assert brighter == (peak < 1000)


@pytest.mark.parametrize(
    ("how", "pix_fmt"),
    [(LOSSLESS, "yuv422p10le"), (LOSSLESS, "yuv444p10le"), (LOSSLESS, "yuv420p12le"), (LOSSLESS, "yuv420p")],
)
def test_other_formats_are_mapped_alike(tmp_path: Path, how: str, pix_fmt: str) -> None:
    pictures = [flat(*yuv(pq(np.array([120.0, 60.0, 40.0]))))]
    usual = write(tmp_path / "usual.mkv", PQ, pictures)
    other = write(tmp_path / "other.mkv", PQ, pictures, how, pix_fmt)

    assert signal_of(shown(other)[0]) == pytest.approx(signal_of(shown(usual)[0]), abs=0.012)


def test_a_reader_says_what_its_pictures_are_and_what_the_file_is(tmp_path: Path) -> None:
    video = write(tmp_path / "hlg.mkv", HLG, [flat(500)])

    with open_video(video, tone_map=True) as reader:
        assert reader.info.video is not None
        assert (reader.info.video.is_hdr, reader.info.video.color_transfer) == (True, HLG)
        assert (reader.video.is_hdr, reader.video.matrix, reader.video.color_transfer) == (False, "bt709", "bt709")
        assert reader.frame_at(0.0).info is reader.video


def test_a_video_that_is_no_hdr_is_left_alone(tmp_path: Path) -> None:
    video = write(tmp_path / "sdr.mkv", "bt709", [ramp(100, 900)])

    np.testing.assert_array_equal(shown(video), shown(video, tone_map=False))


def test_decord_refuses_what_needs_ten_bits(tmp_path: Path) -> None:
    pytest.importorskip("decord")
    video = write(tmp_path / "pq.mp4", PQ, [flat(500)] * 3, "-c:v libx265 -x265-params log-level=error")

    with pytest.raises(InputError, match="8 bits"):
        open_video(video, reader="decord", tone_map=True)


def test_the_clip_and_its_cover_are_sdr_and_the_notes_say_how(tmp_path: Path) -> None:
    video = write(tmp_path / "pq.mkv", PQ, [flat(64 + 876 * float(pq(100)))] * 10)
    crop = pd.DataFrame({"time_s": [0.0], "x": 0.0, "y": 0.0, "width": 1.0, "height": 1.0, "layout": "static"})
    words = pd.DataFrame({"word": [], "start_s": [], "end_s": [], "ends_sentence": []})
    params = Params.model_validate({"render": {"preset": "ultrafast", "encoder_threads": 1}})

    (rendered,) = render_clip(
        video,
        SimpleNamespace(clip_id=1, start_s=0.0, end_s=0.4),
        crop,
        words,
        params,
        [find_platform("x")],
        tmp_path / "clips",
        info=require_video(video),
    )

    note = (
        "the source is HDR (PQ; the file states no peak, 1000 cd/m2 was assumed); its light was brought into the range "
        "of SDR by the curve of BT.2446 method A from 1000 cd/m2."
    )
    assert note in rendered.notes
    made = require_video(rendered.path).video
    assert made is not None
    assert (made.color_transfer, made.color_primaries, made.color_space, made.is_hdr) == (*["bt709"] * 3, False)
    assert signal_of(shown(rendered.path)[0]) == pytest.approx(0.539, abs=0.01)
    cover = cv2.imread(str(rendered.cover_path))
    assert cover is not None
    assert cover.mean() / 255 == pytest.approx(0.539, abs=0.02)
