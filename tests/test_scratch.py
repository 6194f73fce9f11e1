"""Arrays in nameless files: what comes back, and what happens when there is no room."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from clipkit.errors import ResourceError
from clipkit.kernels.motion import grid_differences
from clipkit.scratch import ArrayFile, in_blocks


@given(
    st.lists(
        arrays(np.float32, st.tuples(st.integers(1, 4), st.just(2), st.just(3)), elements=st.floats(0, 1, width=32)),
        min_size=1,
    )
)
def test_blocks_come_back_as_one_array(blocks):
    rows = ArrayFile()
    for block in blocks:
        rows.append(block)

    whole = rows.finished()

    assert whole.dtype == np.float32
    np.testing.assert_array_equal(whole, np.concatenate(blocks))


INDICES = st.one_of(
    st.integers(-9, 8),
    st.slices(9),
    st.lists(st.integers(0, 8), max_size=6),
    st.lists(st.integers(0, 8), max_size=6).map(lambda row: np.array(row, np.int64)),
    arrays(np.bool_, 9),
)


@given(INDICES)
def test_rows_are_read_as_an_array_would_give_them(index):
    array = np.arange(18, dtype=np.uint16).reshape(9, 2)
    rows = ArrayFile()
    rows.append(array)

    read = rows.finished()[index]

    expected = array[np.array(index, np.int64)] if isinstance(index, list) else array[index]
    np.testing.assert_array_equal(read, expected)
    assert read.dtype == np.uint16
    assert read.flags.writeable


@pytest.mark.parametrize("index", [9, -10, [0, 9], np.array([-1])])
def test_a_row_that_is_not_there_is_an_error(index):
    rows = ArrayFile()
    rows.append(np.zeros((9, 2)))

    with pytest.raises(IndexError):
        rows.finished()[index]


def test_threads_read_each_their_own_rows():
    array = np.arange(4000, dtype=np.int64).reshape(1000, 4)
    rows = ArrayFile()
    rows.append(array)
    whole = rows.finished()

    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda at: whole[at : at + 3], range(997)))

    assert all(np.array_equal(got, array[at : at + 3]) for at, got in enumerate(read))


@given(st.integers(0, 1000), st.integers(0, 300))
def test_blocks_cover_every_row_once_and_see_what_comes_next(n, overlap):
    covered = []
    for at, block in in_blocks(np.arange(n), overlap):
        covered += list(range(at.start, at.stop))
        assert block.tolist() == list(range(at.start, min(at.stop + overlap, n)))

    assert covered == list(range(n))


def test_a_view_with_strides_is_written_in_its_own_order(tmp_path):
    rows = ArrayFile(tmp_path)
    turned = np.rot90(np.arange(12, dtype=np.uint8).reshape(1, 3, 4), axes=(1, 2))

    rows.append(turned)

    np.testing.assert_array_equal(rows.finished(), turned)


def test_nothing_lies_in_the_folder_even_while_rows_are_added(tmp_path):
    rows = ArrayFile(tmp_path)
    rows.append(np.ones((2, 2)))

    assert list(tmp_path.iterdir()) == []
    assert rows.finished()[:].sum() == 4
    assert list(tmp_path.iterdir()) == []


def test_kernels_take_the_array_as_the_type_they_were_compiled_for(tmp_path):
    grid_differences(np.zeros((2, 3, 3), np.uint8), np.zeros(2, np.int64), np.zeros(2, np.float32))
    compiled = len(grid_differences.signatures)
    rows = ArrayFile(tmp_path)
    rows.append(np.zeros((2, 3, 3), np.uint8))

    grid_differences(rows.finished()[:], np.zeros(2, np.int64), np.zeros(2, np.float32))

    assert len(grid_differences.signatures) == compiled


def test_a_folder_that_is_not_there_yet_is_not_made(tmp_path):
    rows = ArrayFile(tmp_path / "later" / "still")
    rows.append(np.ones((1, 1)))

    assert rows.finished()[:].tolist() == [[1.0]]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no folder here that nobody can write to")
def test_a_place_where_nothing_can_be_written_is_said_by_its_code():
    with pytest.raises(ResourceError) as raised:
        ArrayFile("/proc/self").append(np.zeros((1, 1)))

    assert raised.value.code == "resource.not_writable"


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no limit of file sizes on this system")
def test_a_full_disk_is_said_by_its_code(tmp_path):
    program = f"""
import resource, signal
import numpy as np
from clipkit.errors import ResourceError
from clipkit.scratch import ArrayFile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
rows = ArrayFile({os.fspath(tmp_path)!r})
try:
    for _ in range(30):
        rows.append(np.zeros((10, 1000), np.uint8))
except ResourceError as error:
    print(error.code)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "resource.disk_full"
