"""Notebooks are executed, and how they ended is told truly."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from clipkit.errors import ClipkitError, InputError, ParamsError, ResourceError
from clipkit.runs.engine import execute_notebook
from clipkit.runs.folder import RunFolder

pytestmark = pytest.mark.notebook


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "run")
    run.begin()
    return run


@pytest.fixture
def write(tmp_path: Path):
    def make(*cells: str) -> Path:
        book = nbformat.v4.new_notebook()
        parameters = nbformat.v4.new_code_cell("x: int = 1  # a number", metadata={"tags": ["parameters"]})
        book.cells = [parameters, *map(nbformat.v4.new_code_cell, cells)]
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = tmp_path / "book.ipynb"
        nbformat.write(book, path)
        return path

    return make


def statuses(path: Path) -> list[str]:
    cells = nbformat.read(path, as_version=4).cells
    return [cell.metadata["papermill"]["status"] for cell in cells if "papermill" in cell.metadata]


def test_parameters_arrive_and_the_source_is_untouched(folder, write):
    source = write("from pathlib import Path\nPath('out.txt').write_text(str(x + 1))")
    before = source.read_bytes()
    seen = []

    done = execute_notebook(source, folder, {"x": 41}, progress=lambda share, stage: seen.append(stage))

    assert (folder.path / "out.txt").read_text() == "42"
    assert source.read_bytes() == before
    assert done == folder.path / "book.ipynb"
    assert set(statuses(done)) == {"completed"}


def test_unknown_parameter_is_refused_before_anything_runs(folder, write):
    with pytest.raises(ParamsError, match=r"no parameter 'y'.*It has: x"):
        execute_notebook(write("1"), folder, {"y": 1})

    assert not (folder.path / "book.ipynb").exists()


def test_error_of_a_stage_comes_back_as_it_was(folder, write):
    cell = f"""
from clipkit.errors import InputError
from clipkit.runs.folder import RunFolder
with RunFolder({str(folder.path)!r}).stage("inspect"):
    raise InputError("a.mp4: no video stream.", code="input.no_video_stream")
"""
    with pytest.raises(InputError, match=r"a\.mp4: no video stream") as caught:
        execute_notebook(write(cell, "never = 1"), folder, {})

    assert caught.value.code == "input.no_video_stream"
    assert statuses(folder.path / "book.ipynb")[-2:] == ["failed", "pending"]


def test_plain_exception_in_a_cell_names_it(folder, write):
    with pytest.raises(ClipkitError, match="ZeroDivisionError"):
        execute_notebook(write("1 / 0"), folder, {})


def test_killed_kernel_leaves_a_notebook_that_says_failed_and_pending(folder, write):
    with pytest.raises(ResourceError, match="kernel died") as caught:
        execute_notebook(write("done = 1", "import os; os.kill(os.getpid(), 9)", "never = 1"), folder, {})

    book = nbformat.read(folder.path / "book.ipynb", as_version=4)
    assert caught.value.code == "run.kernel_died"
    assert statuses(folder.path / "book.ipynb")[-3:] == ["completed", "failed", "pending"]
    assert book.metadata["papermill"]["exception"] is True
    assert not list(folder.path.glob(".*part*"))
