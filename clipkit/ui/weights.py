"""Sliders for the score weights, made from the settings' own bounds and descriptions."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
from traitlets import Dict

from clipkit.params import ScoringWeights


class WeightSliders(widgets.GridBox):  # type: ignore[misc]
    """One slider per score term.

    Parameters
    ----------
    live : bool, optional
        Follow the pointer, not only its release.

    Attributes
    ----------
    value : dict of str to float
        Weight of each term; setting it moves the sliders.
    """

    value = Dict()

    def __init__(self, *, live: bool = False) -> None:
        self.sliders = {term: _slider(term, field, live) for term, field in ScoringWeights.model_fields.items()}
        super().__init__(
            children=list(self.sliders.values()),
            layout=widgets.Layout(
                grid_template_columns="repeat(auto-fill, minmax(min(100%, 300px), 1fr))", grid_gap="2px 18px"
            ),
        )
        self.value = {term: slider.value for term, slider in self.sliders.items()}
        for slider in self.sliders.values():
            slider.observe(self._collect, "value")
        self.observe(self._spread, "value")

    def _collect(self, _change: Any) -> None:
        self.value = {term: slider.value for term, slider in self.sliders.items()}

    def _spread(self, change: Any) -> None:
        # One message to the page per slider that differs, and no ranking half way.
        self.unobserve(self._spread, "value")
        try:
            with self.hold_trait_notifications():
                for term, weight in change["new"].items():
                    slider = self.sliders[term]
                    if slider.value != weight:
                        slider.unobserve(self._collect, "value")
                        slider.value = weight
                        slider.observe(self._collect, "value")
        finally:
            self.observe(self._spread, "value")


def _slider(term: str, field: Any, live: bool) -> widgets.FloatSlider:
    bounds = {name: getattr(rule, name) for rule in field.metadata for name in ("ge", "le") if hasattr(rule, name)}
    return widgets.FloatSlider(
        value=field.default,
        min=bounds["ge"],
        max=bounds["le"],
        step=0.01,
        description=term,
        tooltip=field.description,
        continuous_update=live,
        readout_format=".2f",
        style={"description_width": "96px"},
        layout=widgets.Layout(width="auto"),
    )
