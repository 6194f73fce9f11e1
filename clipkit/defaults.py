"""``params/default.yaml``, written from the params classes by ``python -m clipkit.defaults``."""

from __future__ import annotations

from typing import Any, get_args

import yaml
from pydantic import BaseModel

from clipkit.params import Params
from clipkit.resources import resource_path


def default_yaml() -> str:
    """Return the text of ``params/default.yaml``: every setting with its description and bounds."""
    lines = [
        "# Every setting of clipkit with its default. Written from the classes in clipkit/params.py by",
        "# `python -m clipkit.defaults`; a profile or a file of your own lists only what differs.",
    ]
    for name, field in Params.model_fields.items():
        section = field.default
        summary = (type(section).__doc__ or "").splitlines()[0]
        lines += ["", f"# {summary}"]
        lines += _section_lines(name, section, 0)
    return "\n".join(lines) + "\n"


def _section_lines(name: str, section: BaseModel, depth: int) -> list[str]:
    indent = "  " * depth
    if not type(section).model_fields:
        return [f"{indent}{name}: {{}}"]
    lines = [f"{indent}{name}:"]
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        if isinstance(value, BaseModel):
            lines.append(f"{indent}  # {field.description}")
            lines += _section_lines(key, value, depth + 1)
            continue
        plain = list(value) if isinstance(value, tuple) else value
        text = yaml.safe_dump(plain, default_flow_style=True, width=1000).removesuffix("...\n").strip()
        lines.append(f"{indent}  {key}: {text}  # {field.description}{_bounds(field)}")
    return lines


def _bounds(field: Any) -> str:
    limits = {
        name: getattr(rule, name) for rule in field.metadata for name in ("ge", "gt", "le", "lt") if hasattr(rule, name)
    }
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    choices = [str(choice) for choice in get_args(field.annotation) if isinstance(choice, str)]
    parts = [f"{signs[name]} {limit:g}" for name, limit in limits.items()] or ([" | ".join(choices)] if choices else [])
    return f" ({', '.join(parts)})" if parts else ""


if __name__ == "__main__":
    resource_path("params").joinpath("default.yaml").write_text(default_yaml(), encoding="utf-8")
