"""Small networks in the ONNX format, written by hand, that see whatever is red."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

CELL = 8
STRIDES = (8, 16, 32)


class Network:
    """A graph of nodes; what :meth:`add` returns names the result of one."""

    def __init__(self, shape: tuple[int | str, ...]) -> None:
        self._shape = shape
        self._graph = b""
        self._outputs: list[str] = []
        self._n = 0

    def add(self, operation: str, *inputs: str | Array, name: str = "", **attributes: Any) -> str:
        names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        self._n += 1
        name = name or f"n{self._n}"
        node = b"".join(_text(1, value) for value in names) + _text(2, name) + _text(3, name) + _text(4, operation)
        for key, value in attributes.items():
            is_one = isinstance(value, int)
            numbers = _number(3, value) if is_one else b"".join(_number(8, each) for each in value)
            node += _part(5, _text(1, key) + numbers + _number(20, 2 if is_one else 7))
        self._graph += _part(1, node)
        return name

    def output(self, name: str) -> None:
        self._outputs.append(name)

    def write(self, path: Path) -> Path:
        graph = self._graph + _text(2, "net") + _part(11, _value("input", self._shape))
        graph += b"".join(_part(12, _value(name, ())) for name in self._outputs)
        path.write_bytes(_number(1, 8) + _part(8, _text(1, "") + _number(2, 12)) + _part(7, graph))
        return path

    def _constant(self, value: Array) -> str:
        self._n += 1
        name = f"c{self._n}"
        dims = b"".join(_number(1, n) for n in value.shape)
        is_real = value.dtype.kind == "f"
        data = value.astype(np.float32 if is_real else np.int64).tobytes()
        self._graph += _part(5, dims + _number(2, 1 if is_real else 7) + _text(8, name) + _part(9, data))
        return name


def yolo(
    path: Path,
    *,
    side: int | str = 64,
    n_classes: int = 2,
    seen: int = 0,
    box: float = 16.0,
    end_to_end: bool = False,
) -> Path:
    """Write a detector that puts a box of so many pixels, of the class `seen`, on each red cell of a picture."""
    known = side if isinstance(side, int) else 640
    n = known // CELL
    network = Network((1, 3, side, side))
    red = network.add("Conv", "input", np.array([1.0, -1.0, -1.0], np.float32).reshape(1, 3, 1, 1))
    cells = network.add("AveragePool", network.add("Relu", red), kernel_shape=[CELL, CELL], strides=[CELL, CELL])
    y, x = (CELL * (axis.ravel() + 0.5) for axis in np.mgrid[:n, :n])
    size = np.full(n * n, box)
    if end_to_end:
        boxes = np.stack([x - size / 2, y - size / 2, x + size / 2, y + size / 2], axis=1)[None].astype(np.float32)
        score = network.add("Reshape", cells, np.array([1, n * n, 1]))
        network.output(network.add("Concat", boxes, score, np.full((1, n * n, 1), float(seen), np.float32), axis=2))
    else:
        boxes = np.stack([x, y, size, size])[None].astype(np.float32)
        score = network.add("Reshape", cells, np.array([1, 1, n * n]))
        none = np.zeros((1, 1, n * n), np.float32)
        scores = [score if kind == seen else none for kind in range(n_classes)]
        network.output(network.add("Concat", boxes, *scores, axis=1))
    return network.write(path)


def yunet(path: Path) -> Path:
    """Write a network with the outputs of YuNet that calls each red cell a face as large as two cells."""
    network = Network((1, 3, 640, 640))
    # Levels of blue, green, red.
    weights = np.array([-1.0, -1.0, 1.0], np.float32).reshape(1, 3, 1, 1) / 255
    red = network.add("Relu", network.add("Conv", "input", weights))
    for stride in STRIDES:
        cells = network.add("AveragePool", red, kernel_shape=[stride, stride], strides=[stride, stride])
        # Only the finest cells see anything.
        seen = network.add("Mul", cells, np.array([float(stride == STRIDES[0])], np.float32))
        rows = {"cls": (seen, 1), "obj": (seen, 1)}
        for name, bias in (("bbox", [0.5, 0.5, np.log(2), np.log(2)]), ("kps", [0.0] * 10)):
            values = np.array(bias, np.float32)
            rows[name] = network.add("Conv", cells, np.zeros((len(bias), 1, 1, 1), np.float32), values), len(bias)
        for name, (map_, n) in rows.items():
            last = network.add("Transpose", map_, perm=[0, 2, 3, 1])
            network.output(network.add("Reshape", last, np.array([1, -1, n]), name=f"{name}_{stride}"))
    return network.write(path)


def other(path: Path) -> Path:
    """Write a network that is no detector."""
    network = Network((1, 3, 32, 32))
    network.output(network.add("Relu", "input"))
    return network.write(path)


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _part(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _text(field: int, text: str) -> bytes:
    return _part(field, text.encode())


def _value(name: str, shape: tuple[int | str, ...]) -> bytes:
    dims = b"".join(_part(1, _number(1, n) if isinstance(n, int) else _text(2, n)) for n in shape)
    return _text(1, name) + _part(2, _part(1, _number(1, 1) + _part(2, dims)))
