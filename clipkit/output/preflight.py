"""Which platform takes which clip, said before anything is rendered."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from clipkit.output.platforms import Aspect, Platform


def preflight(clips: pd.DataFrame, platforms: Sequence[Platform], aspect: Aspect) -> pd.DataFrame:
    """Return one row a clip and platform, clips in their order.

    Parameters
    ----------
    clips : DataFrame
        ``clip_id, start_s, end_s``.
    platforms : sequence of Platform
    aspect : {"9:16", "1:1", "4:5", "16:9"}

    Returns
    -------
    DataFrame
        ``clip_id, platform, accepted, reason``; the reason of a refusal is a sentence with its dated source,
        that of an accepted clip is empty.
    """
    rows = []
    for clip in clips.itertuples(index=False):
        for platform in platforms:
            why = platform.unsuitable(float(clip.end_s) - float(clip.start_s), aspect)  # type: ignore[arg-type]
            rows.append((clip.clip_id, platform.name, why is None, why or ""))
    return pd.DataFrame(rows, columns=["clip_id", "platform", "accepted", "reason"]).astype({"accepted": bool})


def refusals(table: pd.DataFrame) -> list[str]:
    """Return a sentence for each reason of a refusal in a table of :func:`preflight`, with the clips it holds for.

    Examples
    --------
    >>> table = pd.DataFrame({"clip_id": [1, 2], "platform": "x", "accepted": False, "reason": "X takes less."})
    >>> refusals(table)
    ['clips 1 and 2 are not written for x: X takes less.']
    """
    refused = table[~table["accepted"]]
    sentences = []
    for (platform, reason), rows in refused.groupby(["platform", "reason"], sort=False):
        *most, last = [str(clip_id) for clip_id in rows["clip_id"]]
        clips = f"clips {', '.join(most)} and {last} are" if most else f"clip {last} is"
        sentences.append(f"{clips} not written for {platform}: {reason}")
    return sentences


def takers(table: pd.DataFrame, platforms: Sequence[Platform]) -> dict[int, list[Platform]]:
    """Return the platforms that take each clip of a table of :func:`preflight`; clips that none takes are left out."""
    named = {platform.name: platform for platform in platforms}
    taken = table[table["accepted"]].groupby("clip_id", sort=False)["platform"]
    return {int(clip_id): [named[name] for name in names] for clip_id, names in taken}  # type: ignore[arg-type]
