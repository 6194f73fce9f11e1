"""Kept machine code is right whatever the processes that write it do, and ready when a process starts."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

KERNEL = """
import numpy as np
from clipkit.kernels._jit import kernel

FACTOR = {factor}

@kernel
def scaled_sum(values):
    total = 0.0
    for value in values:
        total += FACTOR * value
    return total
"""
ANSWER = """
import sys
import numpy as np
import scaled
for dtype in sys.argv[1:]:
    print(scaled.scaled_sum(np.ones(3, dtype)))
"""
# Dies when a finished file takes its name for the n-th time.
KILLED = """
import os, signal, sys
import numpy as np
import scaled
left, replace = int(sys.argv[1]), os.replace
def last_one(*names):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*names)
os.replace = last_one
scaled.scaled_sum(np.ones(3))
"""


def write_kernel(folder, factor):
    (folder / "scaled.py").write_text(KERNEL.format(factor=factor))


def start(folder, program, *arguments):
    environment = os.environ | {
        "NUMBA_CACHE_DIR": os.fspath(folder / "cache"),
        "PYTHONPATH": os.pathsep.join([os.fspath(folder), *sys.path]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def answer(child):
    said, _ = child.communicate(timeout=120)
    assert child.returncode == 0
    return [float(line) for line in said.split()]


@pytest.mark.slow
@pytest.mark.parametrize("at", [1, 2])
def test_a_process_killed_while_it_writes_leaves_no_old_code_for_a_new_source(tmp_path, at):
    write_kernel(tmp_path, 2)
    assert answer(start(tmp_path, ANSWER, "float64")) == [6.0]
    write_kernel(tmp_path, 10)  # another length, so another stamp
    killed = start(tmp_path, KILLED, at)
    killed.communicate(timeout=120)
    assert killed.returncode < 0

    assert answer(start(tmp_path, ANSWER, "float64")) == [30.0]


@pytest.mark.slow
def test_processes_that_start_together_on_an_empty_cache_are_all_right(tmp_path):
    write_kernel(tmp_path, 3)
    dtypes = ["float64", "uint8", "float32"]

    children = [start(tmp_path, ANSWER, *dtypes[turn % 3 :], *dtypes[: turn % 3]) for turn in range(8)]
    children[3].kill()

    for turn, child in enumerate(children):
        if turn == 3:
            child.communicate(timeout=120)
        else:
            assert answer(child) == [9.0, 9.0, 9.0]
    assert answer(start(tmp_path, ANSWER, *dtypes)) == [9.0, 9.0, 9.0]


@pytest.mark.slow
def test_the_code_of_an_older_source_is_removed(tmp_path):
    for factor in (2, 10, 100):
        write_kernel(tmp_path, factor)
        assert answer(start(tmp_path, ANSWER, "float64")) == [3.0 * factor]

    assert len(list((tmp_path / "cache").rglob("*.nbc"))) == 1


@pytest.mark.slow
def test_a_second_process_compiles_nothing_and_leaves_the_compiler_alone(tmp_path):
    program = """
import importlib, pkgutil, sys
import clipkit.kernels
names = [entry.name for entry in pkgutil.iter_modules(clipkit.kernels.__path__) if not entry.name.startswith("_")]
modules = [importlib.import_module(f"clipkit.kernels.{name}") for name in names]
for module in modules:
    module.warm_up()
kernels = [one for module in modules for one in vars(module).values() if hasattr(one, "stats")]
print(sum(sum(one.stats.cache_misses.values()) for one in kernels))
print(int("numba.np.linalg" in sys.modules), int("scipy.linalg" in sys.modules))
"""
    n_compiled, *has_compiler = answer(start(tmp_path, program))
    assert n_compiled > 0
    assert any(has_compiler)

    assert answer(start(tmp_path, program)) == [0.0, 0.0, 0.0]


SCIPY = {"scipy.fft", "scipy.interpolate", "scipy.ndimage", "scipy.optimize", "scipy.signal", "scipy.sparse"}


@pytest.mark.parametrize(
    ("modules", "dear"),
    [
        ("clipkit.analysis.shots, clipkit.analysis.speech", SCIPY | {"cv2", "plotly", "IPython", "papermill"}),
        ("clipkit.runs.verbs", SCIPY | {"IPython", "papermill"}),
    ],
)
def test_what_only_later_work_needs_is_not_imported_at_the_start(modules, dear):
    program = f"import sys, {modules}; print(sorted({dear} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
