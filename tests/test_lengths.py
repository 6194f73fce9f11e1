"""Lengths of clips: within what every platform takes, and said where that changes them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clipkit.output.lengths import fit_lengths
from clipkit.output.platforms import find_platform, load_platforms
from clipkit.params import SelectionParams

PLATFORMS = load_platforms()


def selection(min_s: float, ideal_s: float, max_s: float) -> SelectionParams:
    return SelectionParams(min_s=min_s, ideal_s=ideal_s, max_s=max_s)


@given(
    st.lists(st.floats(1.0, 600.0), min_size=3, max_size=3).map(sorted),
    st.sets(st.sampled_from(sorted(PLATFORMS)), min_size=1),
    st.floats(0.5, 5000.0),
)
def test_lengths_stay_in_order_within_what_was_asked_and_every_platforms_limit(asked_s, names, duration_s):
    platforms = [PLATFORMS[name] for name in sorted(names)]

    fitted, notes = fit_lengths(selection(*asked_s), platforms, duration_s)

    assert fitted.min_s <= fitted.ideal_s <= fitted.max_s <= asked_s[2]
    assert all(fitted.max_s <= platform.max_s for platform in platforms)
    changed = (fitted.min_s != asked_s[0]) + (fitted.max_s != asked_s[2])
    assert len(notes) == changed
    shortest_s = max(platform.min_s for platform in platforms)
    if shortest_s <= min(duration_s, fitted.max_s):
        assert fitted.min_s >= shortest_s


def test_what_a_platform_changes_is_said():
    snapchat = find_platform("snapchat_spotlight")

    fitted, notes = fit_lengths(selection(3.0, 30.0, 90.0), [snapchat], 300.0)

    assert (fitted.min_s, fitted.ideal_s, fitted.max_s) == (5.0, 30.0, 60.0)
    assert notes == [
        "the longest clip lasts 60 s instead of 90 s, the limit of snapchat_spotlight.",
        "the shortest clip lasts 5 s instead of 3 s, the limit of snapchat_spotlight.",
    ]
