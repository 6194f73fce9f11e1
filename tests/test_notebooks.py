"""Every notebook runs from top to bottom in a fresh kernel, cell by cell under nbval."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from clipkit.resources import resource_path

NOTEBOOKS = sorted(path.name for path in resource_path("notebooks").glob("*.ipynb"))
SHORT = {"selection": {"min_s": 2, "max_s": 4, "ideal_s": 3}, "render": {"preset": "superfast"}}


def small(name: str, talk: Path, folder: Path) -> dict:
    return {
        "clip_video.ipynb": {
            "video": str(talk),
            "run_dir": str(folder / "run"),
            "platforms": ["x"],
            "n_clips": 1,
            "settings": SHORT,
        },
        "explore.ipynb": {"video": str(talk)},
        "dashboard.ipynb": {"reports_dir": str(folder)},
        "benchmark.ipynb": {
            "parts": ["shots"],
            "work": str(folder / "work"),
            "minutes": 0.15,
            "sample_height": 180,
        },
    }[name]


def test_the_notebooks_are_those_of_the_design():
    assert set(NOTEBOOKS) >= {"benchmark.ipynb", "clip_video.ipynb", "explore.ipynb", "dashboard.ipynb"}


@pytest.mark.notebook
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_cell_runs_under_nbval(name: str, talk: Path, tmp_path: Path):
    book = load_notebook_node(str(resource_path("notebooks", name)))
    book = parameterize_notebook(book, small(name, talk, tmp_path))
    nbformat.write(book, tmp_path / name)

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--nbval-lax"]
    done = subprocess.run(
        [*command, "--nbval-current-env", "--nbval-cell-timeout=120", "--rootdir", str(tmp_path), name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:]
    if name == "clip_video.ipynb":
        assert (tmp_path / "run" / "report.html").is_file()
        assert '"status": "done"' in (tmp_path / "run" / "run.json").read_text()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_hold_no_logic_and_no_outputs(name: str):
    cells = nbformat.read(resource_path("notebooks", name), as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]

    assert sum("parameters" in cell.metadata.get("tags", []) for cell in code) == 1
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert not any(line.startswith(("def ", "class ", "!", "%")) for cell in code for line in cell.source.splitlines())
    assert all(len(cell.source.splitlines()) <= 10 for cell in code)
