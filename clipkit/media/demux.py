"""Packets and frames of one stream, read past damage to the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
from av.container import InputContainer

# A damaged stretch makes the demuxer fail several times in a row; an endless one must end.
_MAX_FAILURES = 50
# The last packet in a file need not be the last on screen (seconds).
_TAIL_S = 2.0


@dataclass
class Damage:
    """How many packets and frames of a stream were broken."""

    count: int = 0


def read_packets(container: InputContainer, stream: Any, damage: Damage) -> Iterator[Any]:
    """Yield the packets of a stream, then an empty one that flushes its decoder."""
    failures = 0
    packets = container.demux(stream)
    while failures < _MAX_FAILURES:
        try:
            packet = next(packets)
        except (StopIteration, IndexError):
            return  # PyAV 18 fails at the end when a stream turned up on the way; ours is flushed by then
        except av.FFmpegError:
            failures += 1
            damage.count += 1
            packets = container.demux(stream)
            continue
        failures = 0
        yield packet


def decode(packet: Any, damage: Damage) -> list[Any]:
    """Return the whole frames that a packet completes; broken ones are counted and left out."""
    damage.count += bool(packet.is_corrupt)
    try:
        frames = list(packet.decode())
    except av.FFmpegError:
        damage.count += 1
        return []
    # What a decoder puts in the place of missing data may differ from run to run.
    whole = [frame for frame in frames if not frame.is_corrupt]
    damage.count += len(frames) - len(whole)
    return whole


def read_frames(container: InputContainer, stream: Any, damage: Damage) -> Iterator[Any]:
    """Yield the decoded frames of a stream in the order of the decoder."""
    for packet in read_packets(container, stream, damage):
        yield from decode(packet, damage)


def last_tick(container: InputContainer, stream: Any, usual_ticks: int = 0) -> int | None:
    """Return the tick at which the last packet of a stream ends, or None when it has no timed packet.

    The end is looked for where the container says it is, and by reading everything where it
    is not: headers of cut-off files and of live recordings are wrong.  The container must be fresh;
    it is moved.

    Parameters
    ----------
    container, stream
        Opened by the gate.
    usual_ticks : int, optional
        Length of a packet that states none, or less than half of this.
    """
    claimed = stream.duration
    if claimed is None and container.duration:
        claimed = int(container.duration / av.time_base / stream.time_base)
    start = stream.start_time or 0
    tail = round(_TAIL_S / stream.time_base)
    for tick in (start + max(claimed - tail, 0), start) if claimed else (start,):
        with contextlib.suppress(av.FFmpegError):  # what cannot be sought in is read from where it stands
            container.seek(tick, stream=stream)
        ends = [
            packet_tick(packet, container.format.name)
            + (packet.duration if 2 * (packet.duration or 0) > usual_ticks else usual_ticks)
            for packet in read_packets(container, stream, Damage())
            if is_shown(packet)
        ]
        if ends:
            return max(ends)
    return None


def is_shown(packet: Any) -> bool:
    """Return whether a packet carries something timed and whole that no edit list cuts away."""
    is_whole = packet.size and not packet.is_corrupt and not packet.is_discard
    return bool(is_whole and (packet.pts is not None or packet.dts is not None))


def packet_tick(packet: Any, container_name: str) -> int:
    """Return when a shown packet is due; AVI has decoding times only, whatever its ``pts`` says."""
    is_made_up = container_name == "avi" and packet.dts is not None
    return int(packet.dts if is_made_up or packet.pts is None else packet.pts)
