"""The lists of packages agree with each other, and the card is kept."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
CARD = [
    "jupyterlab",
    "papermill",
    "ipywidgets",
    "voila",
    "numba",
    "opencv-python-headless",
    "decord",
    "pandas",
    "plotly",
    "pyyaml",
    "psutil",
    "nvidia-ml-py",
    "nbval",
    "av",
    "pydantic",
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def direct_requirements() -> list[Requirement]:
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    return [Requirement(line) for entries in lists for line in entries]


def pins(name: str) -> dict[str, list[Requirement]]:
    text = (ROOT / name).read_text().replace("\\\n", " ")
    found: dict[str, list[Requirement]] = {}
    for line in text.splitlines():
        line = re.sub(r"\s--hash=\S+", "", line).strip()
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def test_every_package_of_the_card_is_required():
    assert set(CARD) <= {canonicalize_name(requirement.name) for requirement in direct_requirements()}


@pytest.mark.parametrize("name", ["constraints.txt", "requirements.lock"])
def test_every_direct_requirement_is_pinned_within_its_range(name: str):
    pinned = pins(name)

    for requirement in direct_requirements():
        rows = pinned[canonicalize_name(requirement.name)]
        for row in rows:
            (pin,) = row.specifier
            assert pin.operator == "=="
            assert requirement.specifier.contains(pin.version), (requirement, row)


def test_both_locks_hold_the_same_pins():
    assert {str(r) for rows in pins("constraints.txt").values() for r in rows} == {
        str(r) for rows in pins("requirements.lock").values() for r in rows
    }


@pytest.mark.parametrize(
    "name", ["constraints.txt", "requirements.lock", "pyproject.toml", "environment.yml", "Makefile"]
)
def test_no_lock_or_recipe_names_a_host(name: str):
    assert "://" not in (ROOT / name).read_text()


def test_every_pin_of_the_lock_has_a_hash():
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")

    assert all("--hash=sha256:" in line for line in text.splitlines() if line and not line.startswith("#"))


def test_conda_environment_is_python_pip_and_the_same_list():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]

    assert list(environment) == ["name", "channels", "dependencies"]
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    assert [re.split("[=<>]", spec)[0] for spec in conda] == ["python", "pip"]
    assert SpecifierSet(PROJECT["requires-python"]).contains(conda[0].split("=")[1])
    assert list(pip) == ["pip"]
    assert pip["pip"][0] == "-c constraints.txt"
    assert (ROOT / "constraints.txt").is_file()
    (editable,) = pip["pip"][1:]
    extras = re.fullmatch(r"-e \.\[(.+)\]", editable)
    assert extras
    assert set(extras[1].split(",")) <= set(PROJECT["optional-dependencies"])


def test_exactly_one_opencv_with_cascades_is_installed():
    import cv2

    installed = {canonicalize_name(d.name) for d in importlib.metadata.distributions() if d.name}

    assert [name for name in installed if name.startswith("opencv")] == ["opencv-python-headless"]
    assert hasattr(cv2, "CascadeClassifier")


def test_pynvml_comes_from_the_package_that_is_maintained():
    assert importlib.metadata.version("nvidia-ml-py")
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("pynvml")


def test_top_level_is_the_card_and_what_the_design_names():
    allowed = set(
        [
            "notebooks",
            "clipkit",
            "params",
            "reports",
            "tests",
            "environment.yml",
            "README.md",
            "pyproject.toml",
            "requirements.lock",
            "constraints.txt",
            "Makefile",
            "CHANGELOG.md",
            "LICENSE",
            "docs",
            "bench",
            ".ci",
            ".gitignore",
            ".git",
            ".venv",
        ]
    )
    listed = {path.name for path in ROOT.iterdir() if not path.name.endswith(("_cache", ".egg-info"))}

    assert listed - allowed <= {".hypothesis", ".import_linter_cache", ".coverage"}
