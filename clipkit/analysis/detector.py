"""A person's own network that finds faces or people, instead of the search for faces that came along.

Conventions
-----------
The network is an ONNX file that OpenCV runs.  What it is shows in its outputs: YuNet, a detector of faces, has twelve
that are named; a YOLO has one, boxes of classes of which the first is a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from clipkit.analysis.faces import Face
from clipkit.errors import InputError

Colour = NDArray[np.uint8]

_YUNET_OUTPUTS = {f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32)}
# Long side of the pictures for YuNet, pixels: it knows faces of ten pixels.
_YUNET_SIDE = 320
# Detections that are this sure count: only those that come again do (face_tracks), so it may be low.
_FACE_SCORE, _PERSON_SCORE = 0.6, 0.4
# Boxes that share more than this are one.
_FACE_OVERLAP, _PERSON_OVERLAP = 0.3, 0.5
_MOST = 50
# Size of the input where the file leaves it open, and the grey around a picture of another shape.
_YOLO_SIDE = 640
_PAD_LEVEL = 114
# A head, as a share of the width of the body's box, and its height over its width.
_HEAD_WIDTH, _HEAD_SHAPE = 0.4, 1.3


class Detector(Protocol):
    """What finds faces in a picture.

    Attributes
    ----------
    side : int
        Long side of the pictures that it wants, pixels.
    """

    side: int

    def find(self, picture: Colour, time_s: float) -> list[Face]:
        """Return the faces in one picture.

        Parameters
        ----------
        picture : ndarray of uint8, shape (height, width, 3)
            Blue, green and red, as displayed.
        time_s : float
            Its time, copied to the detections.
        """


def load_detector(path: str | Path) -> Detector:
    """Return the detector in an ONNX file: YuNet, or a YOLO that was exported as v8, v10 or v11 are.

    A YOLO has the one output ``(1, 4 + n_classes, n_boxes)``, middles and sizes of boxes and the scores of the classes,
    or ``(1, n_boxes, 6)``, two corners, score and class.

    Raises
    ------
    InputError
        ``input.bad_detector`` if the file cannot be read, is no ONNX model that OpenCV can run, or is neither.
    """
    path = Path(path).expanduser()
    try:
        model = path.read_bytes()
    except OSError as error:
        raise _bad(path, f"the file cannot be read ({error.strerror or error})") from error
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # its complaints end up in the sentence below
    try:
        network = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
        if set(network.getUnconnectedOutLayersNames()) == _YUNET_OUTPUTS:
            return _YuNet(model)
        yolo = _Yolo(network, _input_size(model))
        shapes = yolo.output_shapes()
    except cv2.error as error:
        raise _bad(path, f"OpenCV cannot run it as one ({error.err or 'unknown'})") from error
    finally:
        cv2.utils.logging.setLogLevel(before)
    if len(shapes) == 1 and _is_boxes(shapes[0]):
        return yolo
    raise _bad(path, f"its outputs have the shapes {', '.join(map(str, shapes))}")


def _bad(path: Path, found: str) -> InputError:
    message = (
        f"{path}: a detector must be an ONNX file of YuNet, or of a YOLO with one output (1, 4 + classes, boxes) or "
        f"(1, boxes, 6), but {found}. Give another, or leave reframe.detector out."
    )
    return InputError(message, code="input.bad_detector")


def _is_boxes(shape: Sequence[int]) -> bool:
    return len(shape) == 3 and shape[0] == 1 and (shape[2] == 6 or 5 <= shape[1] < shape[2])


class _YuNet:
    """Faces, by the network of OpenCV's own zoo."""

    side = _YUNET_SIDE

    def __init__(self, model: bytes) -> None:
        self._network = cv2.FaceDetectorYN.create(
            "onnx",
            np.frombuffer(model, np.uint8),
            np.zeros(0, np.uint8),
            (self.side, self.side),
            _FACE_SCORE,
            _FACE_OVERLAP,
            _MOST,
        )

    def find(self, picture: Colour, time_s: float) -> list[Face]:
        height, width = picture.shape[:2]
        self._network.setInputSize((width, height))
        _, found = self._network.detect(picture)
        boxes = np.zeros((0, 4)) if found is None else np.asarray(found, np.float64)[:, :4]
        return [
            Face(time_s, (x + across / 2) / width, (y + down / 2) / height, across / width, down / height)
            for x, y, across, down in boxes.tolist()
        ]


class _Fit(NamedTuple):
    """How a picture lies in the network's input: a place there is that in the picture times scale, plus the margin."""

    scale: float
    left: int
    top: int


class _Yolo:
    """People, each taken for its head: in the middle of the top of its box."""

    def __init__(self, network: cv2.dnn.Net, size: tuple[int, int]) -> None:
        self.side = max(size)
        self._network = network
        self._size = size

    def output_shapes(self) -> list[tuple[int, ...]]:
        """Return the shapes of what comes out for a picture."""
        return [output.shape for output in self._run(np.zeros((*self._size[::-1], 3), np.uint8))[0]]

    def find(self, picture: Colour, time_s: float) -> list[Face]:
        (output,), fit = self._run(picture)
        height, width = picture.shape[:2]
        faces = []
        for x, y, across, down in _people(output[0].astype(np.float64)).tolist():
            start, end = np.clip([(x - fit.left) / fit.scale, (x + across - fit.left) / fit.scale], 0, width)
            top, bottom = np.clip([(y - fit.top) / fit.scale, (y + down - fit.top) / fit.scale], 0, height)
            head = _HEAD_WIDTH * (end - start)
            tall = min(_HEAD_SHAPE * head, bottom - top)
            if tall > 0:
                place = (start + end) / 2 / width, (top + tall / 2) / height
                faces.append(Face(time_s, *map(float, (*place, head / width, tall / height))))
        return faces

    def _run(self, picture: Colour) -> tuple[list[NDArray[np.float32]], _Fit]:
        height, width = picture.shape[:2]
        scale = min(self._size[0] / width, self._size[1] / height)
        across, down = round(width * scale), round(height * scale)
        fit = _Fit(scale, (self._size[0] - across) // 2, (self._size[1] - down) // 2)
        padded = np.full((*self._size[::-1], 3), _PAD_LEVEL, np.uint8)
        small = cv2.resize(picture, (across, down), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        padded[fit.top : fit.top + down, fit.left : fit.left + across] = small
        self._network.setInput(cv2.dnn.blobFromImage(padded, 1 / 255, swapRB=True))
        outputs = self._network.forward(self._network.getUnconnectedOutLayersNames())
        return [np.asarray(output, np.float32) for output in outputs], fit


def _people(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return left, top, width and height of the people in one output, each once, in pixels of the input."""
    if rows.shape[1] == 6:
        corners, scores = rows[:, :4], np.where(rows[:, 5] == 0, rows[:, 4], 0.0)
        boxes = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
    else:
        scores, sizes = rows[4], rows[2:4].T
        boxes = np.hstack([rows[:2].T - sizes / 2, sizes])
    boxes, scores = boxes[scores > _PERSON_SCORE], scores[scores > _PERSON_SCORE]
    kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), _PERSON_SCORE, _PERSON_OVERLAP, top_k=_MOST)
    return boxes[np.asarray(kept, np.int64)]


def _input_size(model: bytes) -> tuple[int, int]:
    """Return (width, height) of the pictures that an ONNX model takes.

    OpenCV does not tell, so the file is read: the model's graph (field 7) has inputs (11) with a type (2) that is a
    tensor's (1), whose shape (2) has dimensions (1) with a value (1), or a name where it is open.
    """
    for shape in _values(memoryview(model), (7, 11, 2, 1, 2)):
        sizes = [next(_values(dimension, (1,)), 0) for dimension in _values(shape, (1,))]
        if len(sizes) == 4:
            return sizes[3] or _YOLO_SIDE, sizes[2] or _YOLO_SIDE
    return _YOLO_SIDE, _YOLO_SIDE


def _values(message: memoryview, fields: tuple[int, ...]) -> Iterator[Any]:
    """Yield what a message in protocol buffers has under these field numbers, each within the one before."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        value: Any = None
        if key & 7 == 0:
            value, at = _varint(message, at)
        elif key & 7 == 2:
            length, at = _varint(message, at)
            value, at = message[at : at + length], at + length
        else:
            at += 4 if key & 7 == 5 else 8
        if key >> 3 == fields[0]:
            yield from [value] if len(fields) == 1 else _values(value, fields[1:])


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while message[at] > 127:
        value |= (message[at] & 127) << shift
        at, shift = at + 1, shift + 7
    return value | message[at] << shift, at + 1
