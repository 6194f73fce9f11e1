"""How much of a run each stage is, for its progress."""

from __future__ import annotations

# Measured on ten minutes of 720p talk.
_SHARES = {
    "inspect": 0.01,
    "measure": 0.27,
    "listen": 0.06,
    "shots": 0.01,
    "transcribe": 0.0,
    "candidates": 0.02,
    "choose": 0.01,
    "render": 0.55,
    "verify": 0.07,
}
# Speech-to-text takes this share of a run in which it is done, and all other stages the rest.
_TRANSCRIBE_SHARE = 0.6


def stage_share(stage: str, *, transcribes: bool = False) -> tuple[float, float]:
    """Return how much of a run is done when a stage begins, and how much the stage is.

    Examples
    --------
    >>> stage_share("measure")
    (0.01, 0.27)
    """
    shares = _SHARES
    if transcribes:
        shares = {name: share * (1.0 - _TRANSCRIBE_SHARE) for name, share in _SHARES.items()}
        shares["transcribe"] = _TRANSCRIBE_SHARE
    names = list(shares)
    return sum(shares[name] for name in names[: names.index(stage)]), shares[stage]
