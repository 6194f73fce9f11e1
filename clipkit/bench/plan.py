"""The running order of a composed video: which footage, joined how, disturbed by what, and so its truth."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import pandas as pd

from clipkit.bench.decoys import KINDS as DECOYS
from clipkit.bench.decoys import Decoy, draw_decoy
from clipkit.bench.footage import Span
from clipkit.bench.joins import SHARES, Join, draw_join
from clipkit.errors import InputError

# Shots last 3 s in the middle, rarely less than 0.8 or more than 10 (seconds); inserts 4 to 12 frames.
_SHOT_S, _SHOT_SIGMA, _SHOT_LIMITS_S = 3.0, 0.65, (0.8, 10.0)
_INSERT_FRAMES = (4, 12)
# Half of the inserts come back to what was seen before: cutaways.
_RETURN_SHARE = 0.5
# A jump leaves out this much of a source (seconds).
_JUMP_S = (0.5, 5.0)
# A shot before a jump leaves this much of its source for what comes after it (seconds).
_JUMP_ROOM_S = 3.0
_DECOY_SHARE = 0.55
# A decoy keeps this far from transitions (seconds).
_CALM_S = 0.5
_TRIES = 200


@dataclass(frozen=True)
class Delivery:
    """How composed pictures become the frames of a file.

    Parameters
    ----------
    rate_share : Fraction
        Pictures composed for each second of the file, as a share of its frame rate.
    repeats : tuple of int
        How often one picture after another is written, again and again.
    kept : str, optional
        ffmpeg's expression of the frames, by their number ``n``, that are kept; the others leave gaps in time.
    """

    rate_share: Fraction
    repeats: tuple[int, ...]
    kept: str | None = None

    def frame_index(self, picture: int) -> int:
        """Return the index of the first frame of the file at or after a picture.

        Examples
        --------
        >>> [VARIANTS["pulldown"].frame_index(k) for k in range(6)]
        [0, 1, 2, 3, 5, 6]
        """
        whole, rest = divmod(picture, len(self.repeats))
        index = whole * sum(self.repeats) + sum(self.repeats[:rest])
        return index if self.kept is None else sum(_is_kept(n) for n in range(index))


# Every second frame is missing for 57 of 97: a camera that slows down in the dark.
_KEPT = "lt(mod(n,97),40)+not(mod(n,2))"


def _is_kept(n: int) -> bool:
    return n % 97 < 40 or n % 2 == 0


VARIANTS = {
    "plain": Delivery(Fraction(1), (1,)),
    "doubled": Delivery(Fraction(1, 2), (2,)),
    "pulldown": Delivery(Fraction(4, 5), (1, 1, 1, 2)),
    "telecine": Delivery(Fraction(2, 5), (3, 2)),
    "vfr": Delivery(Fraction(1), (1,), _KEPT),
}


@dataclass(frozen=True)
class Shot:
    """Pictures of `span` from `start_s` on; the first `join.n_frames` are mixed with the shot before."""

    span: Span
    start_s: float
    n_frames: int
    join: Join
    decoy: Decoy | None = None
    inset: Span | None = None


def plan_shots(
    spans: Sequence[Span], *, n_frames: int, rate: float, seed: int, kinds: Sequence[str] = tuple(SHARES)
) -> list[Shot]:
    """Draw a running order of about `n_frames` pictures; the same for the same arguments.

    Parameters
    ----------
    spans : sequence of Span
    n_frames : int
    rate : float
        Pictures a second.
    seed : int
    kinds : sequence of str, optional
        Keys of :data:`clipkit.bench.joins.SHARES` to draw from.

    Raises
    ------
    InputError
        ``input.no_footage`` where no span is long enough for a drawn shot.
    """
    rng = random.Random(seed)
    planner = _Planner(spans, rate, rng)
    join, after_insert, total = Join("cut"), False, 0
    while total < n_frames:
        is_insert = join.detail == "insert" and not after_insert
        kind = rng.choices(list(kinds), [SHARES[kind] for kind in kinds])[0]
        following = Join("cut", "insert") if is_insert else draw_join(kind, rate, rng)
        shot = planner.add(join, following, is_insert=is_insert, after_insert=after_insert)
        total += shot.n_frames - shot.join.n_frames
        join, after_insert = following, is_insert
    return planner.shots


class _Planner:
    """Shots one after another, each from another source than the one before, save for jumps."""

    def __init__(self, spans: Sequence[Span], rate: float, rng: random.Random) -> None:
        self._spans, self._rate, self._rng = spans, rate, rng
        self.shots: list[Shot] = []

    def add(self, join: Join, following: Join, *, is_insert: bool, after_insert: bool) -> Shot:
        """Draw the shot between two joins."""
        mixed = join.n_frames + following.n_frames
        if is_insert:
            body = round(self._rng.randint(*_INSERT_FRAMES) * max(1.0, self._rate / 30))
            shot = self._fresh(join, mixed + body, mixed + body, spare=0)
        else:
            shortest_s, longest_s = _SHOT_LIMITS_S
            drawn_s = self._rng.lognormvariate(math.log(_SHOT_S), _SHOT_SIGMA)
            wanted = mixed + round(min(max(drawn_s, shortest_s), longest_s) * self._rate)
            needed = mixed + math.ceil(shortest_s * self._rate)
            continued = self._continued(join, wanted, needed, after_insert=after_insert)
            spare = round(_JUMP_ROOM_S * self._rate) if following.kind == "jump" else 0
            shot = continued or self._fresh(join, wanted, needed, spare=spare)
            shot = self._with_decoy(shot, following)
        self.shots.append(shot)
        return shot

    def _continued(self, join: Join, wanted: int, needed: int, *, after_insert: bool) -> Shot | None:
        """Return more of a source that was seen: a jump within it, or what an insert was cut into."""
        if join.kind == "jump" and self.shots:
            seen, skipped_s = self.shots[-1], self._rng.uniform(*_JUMP_S)
        elif after_insert and len(self.shots) > 1 and self._rng.random() < _RETURN_SHARE:
            seen, skipped_s = self.shots[-2], self.shots[-1].n_frames / self._rate
        else:
            return None
        start_s = seen.start_s + seen.n_frames / self._rate + skipped_s
        room = math.floor((seen.span.end_s - start_s) * self._rate)
        return Shot(seen.span, start_s, min(wanted, room), join) if room >= needed else None

    def _fresh(self, join: Join, wanted: int, needed: int, *, spare: int) -> Shot:
        """Return a shot of another source, `wanted` pictures long or as near as its span allows, `spare` left over."""
        join = replace(join, kind="cut") if join.kind == "jump" else join
        last = self.shots[-1].span.source if self.shots else None
        sources = sorted({span.source for span in self._spans} - {last})
        for _ in range(_TRIES):
            source = self._rng.choice(sources)
            span = self._rng.choice([span for span in self._spans if span.source == source])
            room = math.floor((span.end_s - span.start_s) * self._rate) - 1 - spare
            if room >= needed:
                n_frames = min(room, wanted)
                start_s = span.start_s + self._rng.uniform(0, (room - n_frames) / self._rate)
                return Shot(span, start_s, n_frames, join)
        message = f"no shot of the footage lasts {needed / self._rate:.1f} s, which a transition needs. Add footage."
        raise InputError(message, code="input.no_footage")

    def _with_decoy(self, shot: Shot, following: Join) -> Shot:
        if self._rng.random() >= _DECOY_SHARE:
            return shot
        calm = round(_CALM_S * self._rate)
        first, last = shot.join.n_frames + calm, shot.n_frames - following.n_frames - calm
        decoy = draw_decoy(self._rng.choice(DECOYS), first, last, self._rate, self._rng)
        if decoy is None or decoy.kind != "inset":
            return replace(shot, decoy=decoy)
        needed_s = (decoy.end - decoy.begin + 1) / self._rate
        others = [span for span in self._spans if span.source != shot.span.source]
        fitting = [span for span in others if span.end_s - span.start_s > needed_s]
        return replace(shot, decoy=decoy, inset=self._rng.choice(fitting)) if fitting else shot


def truth_of(shots: Sequence[Shot], delivery: Delivery) -> pd.DataFrame:
    """Return what a plan puts on screen: ``kind,begin,end,detail`` in order of ``begin``, in frames of the file."""
    rows: list[tuple[str, int, int, str]] = []
    position = 0
    for shot, following in zip(shots, [*shots[1:], None], strict=True):
        if position:
            rows.append((shot.join.kind, position, position + shot.join.n_frames, shot.join.detail))
        if shot.decoy:
            rows.append((shot.decoy.kind, position + shot.decoy.begin, position + shot.decoy.end, ""))
        position += shot.n_frames - (following.join.n_frames if following else 0)
    table = pd.DataFrame(rows, columns=["kind", "begin", "end", "detail"])
    for name in ("begin", "end"):
        table[name] = table[name].map(delivery.frame_index).astype("int64")
    return table.sort_values(["begin", "end"], kind="stable", ignore_index=True)
