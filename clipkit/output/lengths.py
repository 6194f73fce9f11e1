"""How long clips may last, so that every platform takes them."""

from __future__ import annotations

from collections.abc import Sequence

from clipkit.output.platforms import Platform
from clipkit.params import SelectionParams


def fit_lengths(
    selection: SelectionParams, platforms: Sequence[Platform], duration_s: float
) -> tuple[SelectionParams, list[str]]:
    """Return lengths that every platform takes, as far as the video allows, and what was changed, a sentence each.

    Parameters
    ----------
    selection : SelectionParams
        ``min_s``, ``ideal_s`` and ``max_s`` as asked for.
    platforms : sequence of Platform
        At least one.
    duration_s : float
        Of the video: a platform that asks for longer clips than it has changes nothing.
    """
    widest = max(platforms, key=lambda platform: platform.min_s)
    tightest = min(platforms, key=lambda platform: platform.max_s)
    max_s = min(selection.max_s, tightest.max_s)
    min_s = selection.min_s
    if widest.min_s <= min(duration_s, max_s):
        min_s = max(min_s, widest.min_s)
    min_s = min(min_s, max_s)
    notes = [
        f"the {name} clip lasts {kept_s:g} s instead of {asked_s:g} s, the limit of {platform.name}."
        for name, asked_s, kept_s, platform in (
            ("longest", selection.max_s, max_s, tightest),
            ("shortest", selection.min_s, min_s, widest),
        )
        if asked_s != kept_s
    ]
    lengths = {"max_s": max_s, "min_s": min_s, "ideal_s": min(max(selection.ideal_s, min_s), max_s)}
    return selection.model_copy(update=lengths), notes
