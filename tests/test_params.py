"""Params files, layers and what a mistake in them says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from clipkit.defaults import default_yaml
from clipkit.errors import ParamsError
from clipkit.params import PROFILE_NAMES, Params, params_digest
from clipkit.plain_yaml import read_yaml
from clipkit.profiles import (
    apply_profile,
    check_params,
    load_params,
    make_params,
    merge_layers,
    parse_settings,
)
from clipkit.resources import resource_path


def test_default_file_is_what_the_classes_say():
    text = resource_path("params", "default.yaml").read_text(encoding="utf-8")

    assert text == default_yaml()
    assert check_params(yaml.safe_load(text)) == Params()


def test_default_file_has_the_promised_sections():
    promised = [
        "source",
        "analysis",
        "speech",
        "scoring",
        "selection",
        "reframe",
        "captions",
        "audio",
        "render",
        "platforms",
        "cache",
        "batch",
        "resources",
        "optimize",
        "monitor",
        "alerts",
        "services",
        "security",
    ]

    assert list(yaml.safe_load(default_yaml())) == promised


@pytest.mark.parametrize("name", PROFILE_NAMES)
def test_shipped_profile_changes_something_and_nothing_outside_scoring_and_selection(name):
    layer, _ = read_yaml(resource_path("params", "profiles", f"{name}.yaml"))

    params = load_params(name)

    assert params.scoring.profile == name
    assert params != Params.model_validate({"scoring": {"profile": name}})
    assert set(layer) <= {"scoring", "selection"}


def test_words_that_yaml_takes_for_false_are_words_where_a_word_is_asked_for():
    params = make_params(settings=parse_settings(["speech.transcribe=off", "speech.language=no"]))

    assert (params.speech.transcribe, params.speech.language) == ("off", "no")


def test_unknown_key_names_file_line_and_nearest_key(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("selection:\n  n_clips: 3\n  max_sec: 40\n")

    with pytest.raises(
        ParamsError, match=r"mine\.yaml, line 3: .*'selection\.max_sec'.*Did you mean 'max_s'\?"
    ) as caught:
        load_params(files=[path])

    assert caught.value.code == "params.unknown_key"


def test_value_out_of_range_names_file_line_rule_and_value(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("render:\n  crf: 99\n")

    with pytest.raises(ParamsError, match=r"mine\.yaml, line 2: render\.crf must be .*40, got 99"):
        load_params(files=[path])


def test_limits_in_the_wrong_order_are_refused():
    with pytest.raises(ParamsError, match=r"selection\.min_s must be at most selection\.max_s"):
        make_params(settings={"selection": {"min_s": 50, "max_s": 20}})


def test_settings_beat_files_and_files_beat_profiles(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("selection: {ideal_s: 21, n_clips: 4}\n")

    params = load_params("sports", files=[path], overrides=parse_settings(["selection.n_clips=2"]))

    assert (params.selection.ideal_s, params.selection.n_clips) == (21, 2)
    assert params.scoring.weights == load_params("sports").scoring.weights


def test_profile_chosen_later_goes_below_what_was_set():
    asked = make_params(settings={"scoring": {"weights": {"motion": 0.77}}})

    params = apply_profile(asked, "sports")

    assert params.scoring.profile == "sports"
    assert params.scoring.weights.motion == 0.77
    assert params.scoring.weights.speech == load_params("sports").scoring.weights.speech


def test_profile_named_in_a_file_is_applied(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("scoring: {profile: music}\n")

    assert load_params(files=[path]).scoring.weights == load_params("music").scoring.weights


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: &x [1]\nb: *x\n", "aliases"),
        ("selection: {n_clips: 1}\nselection: {n_clips: 2}\n", "twice"),
        ("- 1\n- 2\n", "mapping"),
        ("a: [1\n", "not plain YAML"),
        ("a: !!python/object/apply:os.system ['true']\n", "not plain YAML"),
        ("x: " + "y" * 300_000, "256 KiB"),
    ],
)
def test_unsafe_or_broken_yaml_is_refused(tmp_path: Path, text: str, why: str):
    path = tmp_path / "bad.yaml"
    path.write_text(text)

    with pytest.raises(ParamsError, match=why):
        read_yaml(path)


def test_missing_file_and_unknown_profile_say_what_to_do(tmp_path: Path):
    with pytest.raises(ParamsError, match=r"cannot be read .*Give the path"):
        load_params(str(tmp_path / "none.yaml"))
    with pytest.raises(ParamsError, match=r"no profile 'talks'\. Did you mean 'talk'"):
        load_params("talks")


def test_own_profile_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CLIPKIT_HOME", str(tmp_path))
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "my show.yaml").write_text("selection: {n_clips: 9}\n")

    assert load_params("my show").selection.n_clips == 9


@pytest.mark.parametrize("setting", ["n_clips", "=3", "selection.=3", "a.b=[1"])
def test_malformed_setting_is_refused(setting: str):
    with pytest.raises(ParamsError, match="--set"):
        parse_settings([setting])


def test_every_bound_refuses_the_value_just_outside():
    for section, field in Params.model_fields.items():
        for key, leaf in type(field.default).model_fields.items():
            for rule in leaf.metadata:
                for name, step in (("ge", -1), ("gt", 0), ("le", 1), ("lt", 0)):
                    if hasattr(rule, name):
                        with pytest.raises(ParamsError):
                            check_params({section: {key: getattr(rule, name) + step}})


def test_where_and_how_fast_does_not_change_the_digest_but_settings_do():
    assert params_digest(Params()) == params_digest(
        check_params({"resources": {"threads": 3}, "batch": {"workers": 4}})
    )
    assert params_digest(Params()) != params_digest(check_params({"render": {"crf": 21}}))


keys = st.sampled_from("abc")
layers = st.recursive(st.integers(0, 3), lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=8)


@given(st.dictionaries(keys, layers), st.dictionaries(keys, layers))
def test_merging_keeps_the_upper_layer_and_forgets_nothing(lower: dict, upper: dict):
    merged = merge_layers(lower, upper)

    assert set(merged) == set(lower) | set(upper)
    assert merge_layers(merged, upper) == merged
    assert merge_layers(upper, {}) == merge_layers({}, upper)


@pytest.mark.parametrize("aspect", ["9:16", "1:1", "4:5", "16:9"])
def test_a_shape_needs_no_quotes(tmp_path, aspect):
    path = tmp_path / "mine.yaml"
    path.write_text(f"reframe:\n  aspect: {aspect}\nselection:\n  max_s: 45\n  min_s: 7.5\n")

    layer, _ = read_yaml(path)

    assert layer == {"reframe": {"aspect": aspect}, "selection": {"max_s": 45, "min_s": 7.5}}
    assert make_params(settings=parse_settings([f"reframe.aspect={aspect}"])).reframe.aspect == aspect
