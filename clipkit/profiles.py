"""Params files: read with limits, laid over each other, checked with the place of a mistake.

Conventions
-----------
Layers, weakest first: the defaults of :mod:`clipkit.params`, the profile, a person's files,
``--set``.  Profiles and files list only what differs.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from clipkit.errors import ParamsError
from clipkit.params import PROFILE_NAMES, Params
from clipkit.resources import home, resource_path

MAX_BYTES = 256 * 1024
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,63}")

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


def _note_places(node: yaml.Node | None, prefix: tuple[str, ...], name: str, places: Places) -> None:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            path = (*prefix, str(key_node.value))
            places[path] = f"{name}, line {key_node.start_mark.line + 1}"
            _note_places(value_node, path, name, places)


def merge_layers(*layers: Mapping[str, Any]) -> Layer:
    """Return the layers laid over each other, the last one winning key by key.

    Examples
    --------
    >>> merge_layers({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}})
    {'a': {'b': 3, 'c': 2}}
    """
    merged: Layer = {}
    for layer in layers:
        for key, value in layer.items():
            below = merged.get(key)
            both = isinstance(below, Mapping) and isinstance(value, Mapping)
            merged[key] = merge_layers(below, value) if both else value  # type: ignore[arg-type]
    return merged


def parse_settings(settings: Iterable[str]) -> Layer:
    """Return the layer that ``--set section.key=value`` arguments describe.

    Values are read as YAML, so ``[a, b]`` is a list and ``true`` a truth value.

    Raises
    ------
    ParamsError
        If an argument is not of that form.

    Examples
    --------
    >>> parse_settings(["selection.n_clips=3"])
    {'selection': {'n_clips': 3}}
    >>> parse_settings(["reframe.aspect=4:5"])
    {'reframe': {'aspect': '4:5'}}
    """
    layer: Layer = {}
    for setting in settings:
        name, separator, text = setting.partition("=")
        keys = name.strip().split(".")
        if not separator or not all(keys):
            message = f"--set takes section.key=value, got {setting!r}. Example: --set selection.n_clips=3"
            raise ParamsError(message, code="params.bad_setting")
        try:
            value: Any = yaml.load(text, Loader=_Loader)
        except yaml.YAMLError as error:
            message = f"--set {setting}: the value must be plain YAML, got {text!r}."
            raise ParamsError(message, code="params.bad_setting") from error
        for key in reversed(keys):
            value = {key: value}
        layer = merge_layers(layer, value)
    return layer


def profile_layer(name: str) -> tuple[Layer, Places]:
    """Return the layer of a profile: one that came with clipkit, a person's own, or a file's path.

    Raises
    ------
    ParamsError
        If there is no such profile.
    """
    if name == "auto":
        return {}, {}
    if name.endswith((".yaml", ".yml")):
        return read_yaml(name)
    if name in PROFILE_NAMES:
        layer, places = read_yaml(resource_path("params", "profiles", f"{name}.yaml"))
        return merge_layers(layer, {"scoring": {"profile": name}}), places
    own = home() / "profiles"
    if SAFE_NAME.fullmatch(name) and (own / f"{name}.yaml").is_file():
        return read_yaml(own / f"{name}.yaml")
    known = ["auto", *PROFILE_NAMES, *sorted(path.stem for path in own.glob("*.yaml"))]
    message = f"there is no profile {name!r}{_closest(name, known)} Profiles: {', '.join(known)}, or a .yaml file."
    raise ParamsError(message, code="params.unknown_profile")


def load_params(
    profile: str = "auto", files: Sequence[str | Path] = (), overrides: Mapping[str, Any] | None = None
) -> Params:
    """Return checked params from a profile, files and overrides.

    Parameters
    ----------
    profile : str, optional
        Name of a profile or path of its file.
    files : sequence of path, optional
        Params files, later ones winning.
    overrides : mapping, optional
        Sections over everything else, as :func:`parse_settings` returns them.

    Returns
    -------
    Params
        Its ``model_fields_set`` tells what was asked for, so that a profile that is chosen
        later can go below it (:func:`apply_profile`).

    Raises
    ------
    ParamsError
        If anything is unknown, mistyped or out of range.
    """
    layer, places = profile_layer(profile)
    layers: list[Mapping[str, Any]] = [layer]
    for path in files:
        layer, more = read_yaml(path)
        layers.append(layer)
        places = places | more
    if overrides:
        layers.append(overrides)
        places = {key: place for key, place in places.items() if not _is_set(overrides, key)}
    merged = merge_layers(*layers)
    params = check_params(merged, places)
    # A file or --set may name the profile too; it then goes below what they say.
    if params.scoring.profile not in ("auto", profile):
        below, _ = profile_layer(params.scoring.profile)
        params = check_params(merge_layers(below, merged), places)
    return params


def make_params(
    *,
    profile: str = "auto",
    platforms: Sequence[str] = (),
    n_clips: int | None = None,
    subtitles: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Params:
    """Return checked params from the few things that people ask for most, and any others.

    Parameters
    ----------
    profile : str, optional
        A profile's name or file.
    platforms : sequence of str, optional
        Platforms to write for; none keeps the default ones.
    n_clips : int, optional
        Clips asked for.
    subtitles : path, optional
        A subtitle file.
    settings : mapping, optional
        Other settings by section; the named arguments win over it.

    Raises
    ------
    ParamsError
        If anything is unknown or out of range.
    """
    named: dict[str, Any] = {}
    if platforms:
        named["platforms"] = {"targets": list(platforms)}
    if n_clips is not None:
        named["selection"] = {"n_clips": n_clips}
    if subtitles:
        named["speech"] = {"subtitles": str(Path(subtitles).resolve())}
    return load_params(profile, overrides=merge_layers(settings or {}, named))


def apply_profile(params: Params, name: str) -> Params:
    """Return `params` with a profile laid below everything that was set on purpose.

    Parameters
    ----------
    params : Params
        As :func:`load_params` returned them.
    name : str
        A profile that came with clipkit.
    """
    below, places = profile_layer(name)
    asked = params.model_dump(mode="python", exclude_unset=True)
    asked.get("scoring", {}).pop("profile", None)
    return check_params(merge_layers(below, asked), places)


def check_params(layer: Mapping[str, Any], places: Places | None = None) -> Params:
    """Return `layer` as Params, or raise a ParamsError that says where and what.

    Raises
    ------
    ParamsError
        With the first mistake: its place, the key, what must hold and what was found.
    """
    try:
        return Params.model_validate(layer)
    except ValidationError as error:
        first = error.errors()[0]
        loc = tuple(str(part) for part in first["loc"])
        where = next((places[loc[:n]] for n in range(len(loc), 0, -1) if loc[:n] in places), "") if places else ""
        message = f"{where}: {_sentence(first, loc)}" if where else _sentence(first, loc)
        code = "params.unknown_key" if first["type"] == "extra_forbidden" else "params.out_of_range"
        raise ParamsError(message, code=code) from error


def _is_set(layer: Mapping[str, Any], keys: tuple[str, ...]) -> bool:
    value: Any = layer
    for key in keys:
        if not isinstance(value, Mapping) or key not in value:
            return False
        value = value[key]
    return True


def _sentence(error: Any, loc: tuple[str, ...]) -> str:
    name = ".".join(loc)
    if error["type"] == "extra_forbidden":
        model = _model_at(loc[:-1])
        known = list(model.model_fields) if model else []
        return f"there is no setting {name!r}{_closest(loc[-1], known)}"
    if error["type"] == "value_error":
        return f"{error['msg'].removeprefix('Value error, ')}."
    rule = re.sub(r"^Input should be ", "must be ", error["msg"])
    return f"{name} {rule}, got {error['input']!r}."


def _model_at(loc: tuple[str, ...]) -> type[BaseModel] | None:
    model: type[BaseModel] = Params
    for key in loc:
        field = model.model_fields.get(key)
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return None
        model = field.annotation
    return model


def _closest(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f". Did you mean {near[0]!r}?" if near else "."
