"""Params files: laid over each other, checked with the place of a mistake.

Conventions
-----------
Layers, weakest first: the defaults of :mod:`clipkit.params`, the profile, a person's files,
``--set``.  Profiles and files list only what differs.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from clipkit.errors import ParamsError
from clipkit.params import PROFILE_NAMES, Params
from clipkit.plain_yaml import Layer, Places, read_value, read_yaml
from clipkit.resources import home, resource_path

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,63}")


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
            value: Any = read_value(text)
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
