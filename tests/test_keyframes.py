"""Keyframes of a person: what is read, what is refused, and the path through them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipkit.analysis.keyframes import Keyframes, path_through, read_keyframes
from clipkit.errors import InputError


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_are_read_in_order_of_time(tmp_path: Path) -> None:
    path = written(tmp_path, "time_s,x,why\n12.3,0.7,slide\n2,0.25,\n")

    found = read_keyframes(path, "x")

    assert found.time_s.tolist() == [2.0, 12.3]
    assert found.place.tolist() == [0.25, 0.7]


def test_a_file_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes("\ufefftime_s,y\r\n1.0,0.5\r\n\r\n".encode())

    assert read_keyframes(path, "y").place.tolist() == [0.5]


def test_a_crop_table_names_edges_and_sizes(tmp_path: Path) -> None:
    path = written(tmp_path, "time_s,x,y,width,height,layout\n1.0,0.1,0.2,0.3,0.4,track\n")

    assert read_keyframes(path, "x").place.tolist() == [0.25]
    assert read_keyframes(path, "y").place.tolist() == [0.4]


def test_wider_windows_of_a_crop_table_are_no_keyframes(tmp_path: Path) -> None:
    rows = "1.0,0.1,0,0.8,1,screen\n2.0,0.1,0,0.8,0.9,split\n3.0,0.5,0,0.3,1,static\n"
    path = written(tmp_path, f"time_s,x,y,width,height,layout\n{rows}")

    assert read_keyframes(path, "x").time_s.tolist() == [3.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: keyframes must have the columns time_s and x, got none"),
        ("time_s;x\n1;0.5\n", "Add time_s, with commas"),
        ("time_s,y\n1,0.5\n", "must have the columns time_s and x, got time_s,y"),
        ("time_s,x\n", "must have a row"),
        ("time_s,x\n1,0.5\n\n2,left\n", "line 4: x must be a fraction of the frame, 0 to 1, got 'left'"),
        ("time_s,x\n1,1.5\n", "line 2: x must be a fraction"),
        ("time_s,x\n1,nan\n", "line 2: x must be a fraction"),
        ("time_s,x\n0:01,0.5\n", "line 2: time_s must be seconds, 0 or more, got '0:01'"),
        ("time_s,x\ninf,0.5\n", "line 2: time_s must be seconds"),
        ("time_s,x\n-1,0.5\n", "line 2: time_s must be seconds"),
        ("time_s,x\n1\n", "line 2: x must be a fraction"),
        ("time_s,x,width\n1,0.5,\n", "line 2: width must be a fraction"),
        ("time_s,x\n1,0.5\n1.0000001,0.6\n", "line 3: 1 s must have one place, got 0.5 and 0.6"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError) as raised:
        read_keyframes(written(tmp_path, text), "x")

    assert raised.value.code == "input.bad_keyframes"
    assert words in raised.value.message
    assert "mine.csv" in raised.value.message


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.csv").write_bytes(b"time_s,x\n\xff\xfe\x00")
    for name, words in (("none.csv", "No such file"), (".", "directory"), ("bytes.csv", "UTF-8")):
        with pytest.raises(InputError, match=words) as raised:
            read_keyframes(tmp_path / name, "x")
        assert raised.value.code == "input.bad_keyframes"


def test_the_path_stands_where_places_are_equal_and_starts_and_ends_at_rest() -> None:
    frames = Keyframes(np.array([1.0, 2.0, 4.0, 5.0]), np.array([0.2, 0.2, 0.8, 0.8]))
    times_s = np.linspace(0, 6, 601)

    path = path_through(frames, times_s)

    assert (path[times_s <= 2] == 0.2).all()
    assert path[times_s >= 4] == pytest.approx(0.8)
    moving = np.diff(path[(times_s >= 2) & (times_s <= 4)])
    assert moving[[0, -1]].max() < 0.05 * moving.max()


@given(
    st.dictionaries(st.integers(0, 10**8), st.floats(0, 1), min_size=1, max_size=8),
    st.lists(st.floats(0, 200), min_size=1, max_size=20),
)
def test_the_path_goes_through_its_keyframes_and_never_beyond_them(places: dict[int, float], when: list[float]) -> None:
    ticks = sorted(places)
    frames = Keyframes(np.array(ticks) / 1e6, np.array([places[tick] for tick in ticks]))

    path = path_through(frames, np.array(when))

    assert path_through(frames, frames.time_s) == pytest.approx(frames.place, abs=1e-9)
    after = np.clip(np.searchsorted(frames.time_s, when), 0, len(ticks) - 1)
    before = np.clip(np.searchsorted(frames.time_s, when, side="right") - 1, 0, None)
    assert (path >= np.minimum(frames.place[before], frames.place[after]) - 1e-9).all()
    assert (path <= np.maximum(frames.place[before], frames.place[after]) + 1e-9).all()
