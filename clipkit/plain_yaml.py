"""YAML as plain data: no aliases, no repeated keys, no code, of a limited size, and where each key stands."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from clipkit.errors import ParamsError

MAX_BYTES = 256 * 1024

Layer = dict[str, Any]
Places = dict[tuple[str, ...], str]


class _Loader(yaml.SafeLoader):
    """Plain data only: no aliases (they can unfold without bound), no repeated keys."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            problem = "aliases (*name) are not allowed here"
            raise yaml.composer.ComposerError(None, None, problem, mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                problem = f"the key {key!r} stands here twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


# YAML 1.1 counts 16:9 in sixties, as 969; a shape or a time of day must stay what a person wrote.
_SIXTIES = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, re.compile(f"(?!{_SIXTIES.pattern}$)(?:{pattern.pattern})", pattern.flags))
        if tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
        else (tag, pattern)
        for tag, pattern in resolvers
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(path: str | Path) -> tuple[Layer, Places]:
    """Return what a YAML file says, and where each key stands.

    Parameters
    ----------
    path : path
        A UTF-8 file of at most 256 KiB.

    Returns
    -------
    layer : dict
        The mapping in the file; empty for an empty file.
    places : dict of tuple of str to str
        ``"file, line n"`` for each path of keys.

    Raises
    ------
    ParamsError
        If the file is missing, too large, or not one plain mapping.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            message = f"{path}: a params file has at most {MAX_BYTES // 1024} KiB, this one has more."
            raise ParamsError(message, code="params.too_large")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        message = f"{path}: this params file cannot be read ({error.strerror}). Give the path of a YAML file."
        raise ParamsError(message, code="params.unreadable") from error
    except UnicodeDecodeError as error:
        message = f"{path}: a params file is UTF-8 text, this one is not."
        raise ParamsError(message, code="params.not_yaml") from error
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            layer = loader.construct_document(node) if node is not None else {}
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        message = f"{where}: this is not plain YAML ({getattr(error, 'problem', None) or error})."
        raise ParamsError(message, code="params.not_yaml") from error
    if layer is None:
        return {}, {}
    if not isinstance(layer, dict):
        message = f"{path}: a params file is a mapping of sections, this one is a {type(layer).__name__}."
        raise ParamsError(message, code="params.not_a_mapping")
    places: Places = {}
    _note_places(node, (), str(path), places)
    return layer, places


def read_value(text: str) -> Any:
    """Return the value that a piece of YAML writes; ``yaml.YAMLError`` where it is none.

    Examples
    --------
    >>> read_value("[a, 2]"), read_value("16:9"), read_value("#FFD400")
    (['a', 2], '16:9', '#FFD400')
    """
    if text.startswith("#"):  # a colour; nobody sets a comment
        return text
    return yaml.load(text, Loader=_Loader)


def _note_places(node: yaml.Node | None, prefix: tuple[str, ...], name: str, places: Places) -> None:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            path = (*prefix, str(key_node.value))
            places[path] = f"{name}, line {key_node.start_mark.line + 1}"
            _note_places(value_node, path, name, places)
