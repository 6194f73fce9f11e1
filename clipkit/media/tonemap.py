"""HDR pictures (PQ and HLG) as SDR ones, from their 10 bits.

Conventions
-----------
Light is in cd/m2 of the display, except where it says signal, 0..1.  Hue and saturation stay: one factor a pixel,
that of its strongest primary, brings all three into the range of SDR, where a curve for each would turn skin orange.

References
----------
.. [1] Rec. ITU-R BT.2100-3, tables 4 and 5: PQ and HLG.
.. [2] Report ITU-R BT.2446-1, section 3: method A, from HDR of 1000 cd/m2 to SDR of 100.
.. [3] Rec. ITU-R BT.1886: the display that SDR is made for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, VideoReformatter
from numpy.typing import NDArray

from clipkit.kernels.light import map_light
from clipkit.media.colors import LUMA_SHARES
from clipkit.media.frames import COLORSPACES
from clipkit.media.info import VideoInfo

Array = NDArray[np.float64]

# The display that HLG is made for, PQ is mastered for more often than for any other, and method A is made for.
# A curve for more makes everything dark for the sake of a few highlights, which become white instead.
_USUAL_PEAK = 1000.0
# Diffuse white of BT.2408: whatever a file says, this fits into SDR.
_LEAST_PEAK = 203.0
_SDR_PEAK = 100.0
_MOST = 10_000.0
_HLG_GAMMA = 1.2  # of the system, on a display of 1000 cd/m2
_GAMMA = 2.4
# x and y of red, green and blue; white is D65.
_PRIMARIES = {
    "bt709": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    "smpte432": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    "bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
}
_D65 = (0.3127, 0.3290)
# Values of a curve; from one to the next is a tenth of a level of SDR.
_N_VALUES = 4096
_FORMAT = "yuv420p10le"


class ToneMapper:
    """Makes 8-bit BT.709 pictures of the pictures of one HDR video.

    Parameters
    ----------
    video : VideoInfo
        The source stream; ``is_hdr``.
    """

    def __init__(self, video: VideoInfo) -> None:
        self._video = video
        primaries = video.color_primaries if video.color_primaries in _PRIMARIES else "bt2020"
        to_xyz = _to_xyz(primaries)
        to_primaries = np.vstack([np.linalg.solve(_to_xyz("bt709"), to_xyz), to_xyz[1]])
        tables = (_index_of(video), to_primaries, _curves(video.color_transfer, _peak(video)), _levels_of())
        self._tables = tuple(np.ascontiguousarray(table, np.float32) for table in tables)
        self._reformatter = VideoReformatter()

    def picture(self, picture: Any) -> Any:
        """Return a decoded picture as yuv420p in limited range, of the size of the stream."""
        width, height = self._video.coded_width, self._video.coded_height
        if picture.format.name != _FORMAT or (picture.width, picture.height) != (width, height):
            picture = self._as_ten_bits(picture)
        mapped = av.VideoFrame(width, height, "yuv420p")
        planes = (_rows(plane, np.uint16) for plane in picture.planes)
        map_light(*planes, width, *self._tables, *(_rows(plane, np.uint8) for plane in mapped.planes))
        return mapped

    def _as_ten_bits(self, picture: Any) -> Any:
        matrix = COLORSPACES[self._video.matrix]
        levels = ColorRange.JPEG if self._video.is_full_range else ColorRange.MPEG
        return self._reformatter.reformat(
            picture,
            width=self._video.coded_width,
            height=self._video.coded_height,
            format=_FORMAT,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=ColorRange.JPEG if picture.format.is_rgb else levels,
            dst_color_range=levels,
            threads=1,
        )


def tone_mapped(video: VideoInfo) -> VideoInfo:
    """Return what the pictures of :class:`ToneMapper` are."""
    return replace(
        video,
        pix_fmt="yuv420p",
        color_space="bt709",
        color_range="tv",
        color_transfer="bt709",
        color_primaries="bt709",
        is_hdr=False,
        peak_nits=None,
    )


def describe(video: VideoInfo) -> str:
    """Return in a sentence how an HDR video becomes SDR."""
    if video.color_transfer == "arib-std-b67":
        source = f"HLG, made for {_USUAL_PEAK:.0f} cd/m2"
    elif video.peak_nits is None:
        source = f"PQ; the file states no peak, {_USUAL_PEAK:.0f} cd/m2 was assumed"
    else:
        source = f"PQ, up to {video.peak_nits:.0f} cd/m2 as the file states"
    curve = f"the curve of BT.2446 method A from {_peak(video):.0f} cd/m2"
    return f"the source is HDR ({source}); its light was brought into the range of SDR by {curve}."


def fit_signal(signal: Array, peak: float) -> Array:
    """Return the SDR signal for an HDR one by the tone curve of [2]_, both for a display of gamma 2.4.

    Parameters
    ----------
    signal : ndarray of float64
        0..1, which stands for `peak`.
    peak : float
        cd/m2.

    Examples
    --------
    >>> fit_signal(np.array([0.0, 0.203 ** (1 / 2.4), 1.0]), 1000.0).round(3).tolist()
    [0.0, 0.687, 1.0]
    """
    hdr, sdr = (1.0 + 32.0 * (light / _MOST) ** (1.0 / _GAMMA) for light in (peak, _SDR_PEAK))
    seen = np.log1p((hdr - 1.0) * signal) / np.log(hdr)
    middle = -1.1510 * seen**2 + 2.7811 * seen - 0.6302
    bent = np.where(seen <= 0.7399, 1.0770 * seen, np.where(seen < 0.9909, middle, 0.5 * seen + 0.5))
    return np.asarray((sdr**bent - 1.0) / (sdr - 1.0))


def pq_to_light(signal: Array) -> Array:
    """Return the light of a PQ signal."""
    root = signal ** (32 / 2523)
    ratio = np.maximum(root - 107 / 128, 0.0) / (2413 / 128 - 2392 / 128 * root)
    return np.asarray(_MOST * ratio ** (8192 / 1305))


def hlg_to_scene(signal: Array) -> Array:
    """Return the light before the camera, 0..1, of an HLG signal."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3.0, (np.exp((signal - c) / a) + b) / 12.0)


def _peak(video: VideoInfo) -> float:
    """Return the light that becomes SDR's brightest."""
    if video.color_transfer == "arib-std-b67" or video.peak_nits is None:
        return _USUAL_PEAK
    return min(max(video.peak_nits, _LEAST_PEAK), _USUAL_PEAK)


def _curves(transfer: str, peak: float) -> Array:
    """Return the curves of :func:`clipkit.kernels.light.map_light`; the light of the last three is a share of peak."""
    index = np.linspace(0.0, 1.0, _N_VALUES)
    share = index**4
    if transfer == "smpte2084":
        light, system = pq_to_light(index) / peak, np.ones(_N_VALUES)
    else:
        light, system = hlg_to_scene(index), share ** (_HLG_GAMMA - 1.0) * (_USUAL_PEAK / peak)
    signal = share ** (1.0 / _GAMMA)
    # The first has no light to divide by, and none to bend.
    factor = np.r_[1.0, fit_signal(signal[1:], peak) / signal[1:]]
    return np.stack([light, system, factor, signal])


def _index_of(video: VideoInfo) -> Array:
    kr, kb = LUMA_SHARES[video.matrix]
    kg = 1.0 - kr - kb
    black, luma, chroma = (0, 1023, 1023) if video.is_full_range else (64, 876, 896)
    red, blue = 2 * (1 - kr) / chroma, 2 * (1 - kb) / chroma
    return (_N_VALUES - 1) * np.array([1 / luma, -black / luma, red, -blue * kb / kg, -red * kr / kg, blue])


def _levels_of() -> Array:
    kr, kb = LUMA_SHARES["bt709"]
    luma = np.array([kr, 1.0 - kr - kb, kb])
    red, blue = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
    return np.stack([219 * luma, 112 * (blue - luma) / (1 - kb), 112 * (red - luma) / (1 - kr)])


def _to_xyz(primaries: str) -> Array:
    """Return the matrix from linear RGB to XYZ; its second row gives the light of a colour."""
    columns = np.array([(x / y, 1.0, (1.0 - x - y) / y) for x, y in _PRIMARIES[primaries]]).T
    x, y = _D65
    white = np.array([x / y, 1.0, (1.0 - x - y) / y])
    return np.asarray(columns * np.linalg.solve(columns, white))


def _rows(plane: Any, dtype: type[np.uint8] | type[np.uint16]) -> Any:
    """Return all rows of a plane, with what lies behind each."""
    return np.frombuffer(plane, dtype).reshape(plane.height, -1)
