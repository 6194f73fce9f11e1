"""What a page says of one clip in a sentence: how it is framed, and how its captions can be read."""

from __future__ import annotations

import pandas as pd

# By the layout of a crop path.
_FRAMINGS = {
    "static": "the window stands still",
    "pan": "the window pans",
    "track": "the window follows the subject",
    "centre": "the window stands in the middle, since no subject stood out",
    "locked": "the window stands where it was locked",
    "keyframes": "the window goes where your keyframes say",
    "screen": "a page of text, shown whole above a bed",
    "pad": "a group that no window holds, shown whole above a bed",
    "split": "two people, one above the other",
}
# A layout that is seen for a smaller share of a clip is not spoken of.
_LEAST_SHARE = 0.02


def framing_sentence(crop: pd.DataFrame | None, clip_id: float) -> str:
    """Return how a clip is framed, the layout that lasts longest first; empty where that is not known.

    Examples
    --------
    >>> crop = pd.DataFrame({"clip_id": [1, 1, 1, 1, 2], "layout": ["track"] * 3 + ["split", "static"]})
    >>> framing_sentence(crop, 1)
    'Framing: the window follows the subject (75%); two people, one above the other (25%).'
    """
    if crop is None or not {"clip_id", "layout"} <= set(crop.columns):
        return ""
    shares = crop.loc[crop["clip_id"] == clip_id, "layout"].value_counts(normalize=True)
    parts = [
        f"{_FRAMINGS.get(str(layout), str(layout))}" + (f" ({share:.0%})" if share < 1.0 else "")
        for layout, share in shares.items()
        if share >= _LEAST_SHARE
    ]
    return f"Framing: {'; '.join(parts)}." if parts else ""


def captions_sentence(captions: pd.DataFrame | None, clip_id: float) -> str:
    """Return how the captions of a clip can be read, and which rule they break; empty where it has none.

    Examples
    --------
    >>> row = {"clip_id": 1, "n_pages": 9, "max_cps": 17.2, "contrast": 3.66, "has_box": False, "note": ""}
    >>> captions_sentence(pd.DataFrame([row, row]), 1)
    'Captions: 9 pages, read at 17 characters a second at most, contrast 3.7 at least.'
    """
    if captions is None or not len(rows := captions[captions["clip_id"] == clip_id]):
        return ""
    box = ", in a box" if rows["has_box"].any() else ""
    sentence = (
        f"Captions: {rows['n_pages'].iloc[0]:.0f} pages, read at {rows['max_cps'].max():.0f} characters a second at "
        f"most, contrast {rows['contrast'].min():.1f} at least{box}."
    )
    notes = "; ".join(dict.fromkeys(note for note in rows["note"] if isinstance(note, str) and note))
    return f"{sentence} Against the rules: {notes}." if notes else sentence
