"""Looks of captions: what each named theme sets; anything set beside it wins."""

from __future__ import annotations

from typing import Any

THEMES: dict[str, dict[str, Any]] = {
    "bold": {},
    "clean": {"words_per_page": 6, "font_size": 60, "highlight": "#FFFFFF", "outline": 3.0},
    "boxed": {"font_size": 64, "outline": 0.0, "box": "always"},
    "loud": {
        "words_per_page": 2,
        "line_length": 14,
        "font_size": 96,
        "uppercase": True,
        "highlight": "#3DFF7C",
        "outline": 8.0,
    },
}
