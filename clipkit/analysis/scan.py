"""Which stretches of a video have to be decoded to see what happens in it.

Conventions
-----------
A group is a key frame and the frames up to the next one.  Stretches are half-open ranges of
frames in display order, whole groups, rising, not touching.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from clipkit.analysis.blocks import Block, Repeat
from clipkit.kernels.motion import grid_differences
from clipkit.media.frames import Frame, VideoReader
from clipkit.media.packets import PacketIndex, read_packet_index
from clipkit.media.reader import PyavReader
from clipkit.params import Params

# Key frames that differ more, in levels, have something between them.
MOST_DIFFERENCE = 1.0
# A packet this many times as large as the usual one around it, and at least this share of the key
# frame before it, may hold a new picture.
SPIKE, LEAST_OF_KEY = 4.0, 0.15
# What is usual is taken from this many packets of the same kind.
N_AROUND = 51
# `auto` decodes everything from this share of chosen frames on.
LARGEST_SHARE = 0.5
# With more key frames than this, decoding them alone saves nothing.
MOST_KEYS = 0.25


@dataclass(frozen=True)
class Plan:
    """What is to be decoded, and the measures of the key frames for the rest.

    Attributes
    ----------
    index : PacketIndex
    stretches : ndarray of int64, shape (n_stretches, 2)
        As from :func:`choose_stretches`.
    keys : list of (Block, int)
        Where each key frame was measured.
    """

    index: PacketIndex
    stretches: NDArray[np.int64]
    keys: list[tuple[Block, int]]

    @property
    def share(self) -> float:
        """Share of the frames that is to be decoded."""
        return float((self.stretches[:, 1] - self.stretches[:, 0]).sum() / len(self.index.pts))

    def pictures(self, video: VideoReader) -> Iterator[Frame | Repeat]:
        """Yield every frame in display order, decoded or as a repetition of the key frame before it."""
        n_frames, index = len(self.index.pts), self.index
        key_of = np.cumsum(index.is_key) - 1
        done = 0
        for begin, end in [*self.stretches.tolist(), (n_frames, n_frames)]:
            for at in range(done, begin):
                block, row = self.keys[key_of[at]]
                yield Repeat(block, row, int(index.pts[at]), float(index.time_s[at]), bool(index.is_key[at]))
            if begin < end:
                yield from video.frames(
                    float(index.time_s[begin]), float(index.time_s[end]) if end < n_frames else np.inf
                )
            done = end


def plan_scan(video: VideoReader, params: Params) -> Plan | str:
    """Return what is to be decoded of a video, or in one sentence why everything is.

    Parameters
    ----------
    video : VideoReader
    params : Params
        Reads ``source``, ``security`` and what :class:`Block` reads.
    """
    index = read_packet_index(video.info, params.security)
    if index is None:
        return "every frame was decoded: the packets of this file do not tell which frames are shown."
    if index.is_key.mean() > MOST_KEYS:
        return "every frame was decoded: most are key frames, so there is little to skip."
    blocks = [Block(video.video, params.analysis)]
    loop_filter = params.source.loop_filter == "full"
    with PyavReader(video.info, only_key_frames=True, loop_filter=loop_filter, security=params.security) as reader:
        for frame in reader:
            if blocks[-1].is_full:
                blocks.append(Block(video.video, params.analysis))
            blocks[-1].add(frame)
    pts = np.concatenate([block.pts for block in blocks])
    if not np.array_equal(pts, index.pts[index.is_key]):
        return "every frame was decoded: not every key frame of this file can be decoded by itself."
    keys = [(block, row) for block in blocks for row in range(block.n_frames)]
    plan = Plan(index, choose_stretches(index, np.concatenate([block.luma for block in blocks])), keys)
    if params.source.scan == "auto" and plan.share > LARGEST_SHARE:
        return f"every frame was decoded: something happens in {100 * plan.share:.0f} % of them."
    return plan


def choose_stretches(index: PacketIndex, key_luma: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the stretches in which something may happen.

    Parameters
    ----------
    index : PacketIndex
        Its first packet is a key frame.
    key_luma : ndarray of uint8, shape (n_keys, n_rows, n_columns)
        Luma grids of the key frames.

    Returns
    -------
    ndarray of int64, shape (n_stretches, 2)
        First frame and last frame + 1 of each.

    Notes
    -----
    A group is chosen when the key frames at its ends differ, or when one of its packets is larger
    by far than the others of its kind around it and not small beside the key frame.  The last group
    has no key frame behind it and is always chosen.  What comes and goes between two key frames
    without a large packet is missed.
    """
    keys = np.flatnonzero(index.is_key)
    edges = np.append(keys, len(index.pts))
    difference = np.empty(len(keys), np.float32)
    grid_differences(key_luma, np.maximum(np.arange(len(keys)) - 1, 0), difference)
    is_chosen = np.append(difference[1:] > MOST_DIFFERENCE, True)
    spikes = np.flatnonzero(_is_spike(index))
    is_chosen[np.searchsorted(keys, spikes, side="right") - 1] = True
    return _joined(np.stack([edges[:-1][is_chosen], edges[1:][is_chosen]], axis=1))


def _is_spike(index: PacketIndex) -> NDArray[np.bool_]:
    is_spike = np.zeros(len(index.pts), np.bool_)
    for of_kind in (index.is_disposable & ~index.is_key, ~index.is_disposable & ~index.is_key):
        sizes = index.size[of_kind].astype(np.float64)
        if sizes.size:
            is_spike[of_kind] = sizes > SPIKE * scipy.ndimage.median_filter(sizes, N_AROUND, mode="nearest")
    key_size = index.size[index.is_key][np.cumsum(index.is_key) - 1]
    is_spike &= index.size > LEAST_OF_KEY * key_size
    return is_spike


def _joined(stretches: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return stretches with those joined that touch."""
    begins_anew = np.append(True, stretches[1:, 0] > stretches[:-1, 1])
    ends = np.append(begins_anew[1:], True)
    return np.stack([stretches[begins_anew, 0], stretches[ends, 1]], axis=1)
