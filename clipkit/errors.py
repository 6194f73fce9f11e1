"""The errors that clipkit raises on purpose.

A message is one sentence with up to four parts: where, what must hold, what was found,
what to do. ``code`` is stable and meant for programs; ``retry`` says whether the same work
could succeed another time.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

Retry = Literal["never", "later", "smaller"]


class ClipkitError(Exception):
    """Base of all errors raised on purpose.

    Parameters
    ----------
    message : str
        One sentence for a person.
    code : str
        Stable dotted name of the mistake, such as ``input.no_video_stream``.
    retry : {"never", "later", "smaller"}, optional
        Whether doing the same again can help: never, at a later time, or with smaller work
        (fewer threads, fewer pixels).  The class decides when it is not given.
    """

    default_retry: Retry = "never"
    exit_status = 1

    def __init__(self, message: str, *, code: str, retry: Retry | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.retry: Retry = retry or self.default_retry

    def __reduce__(self) -> tuple[partial[ClipkitError], tuple[str]]:
        return partial(type(self), code=self.code, retry=self.retry), (self.message,)

    def to_dict(self) -> dict[str, str]:
        """Return ``{"code", "message", "retry"}`` for JSON output and ``run.json``.

        Examples
        --------
        >>> InputError("a.mp4: no video stream.", code="input.no_video_stream").to_dict()
        {'code': 'input.no_video_stream', 'message': 'a.mp4: no video stream.', 'retry': 'never'}
        """
        return {"code": self.code, "message": self.message, "retry": self.retry}


class InputError(ClipkitError):
    """A file or table given by a person cannot be used."""

    exit_status = 2


class ParamsError(ClipkitError):
    """A setting is unknown, mistyped or out of range."""

    exit_status = 2


class StaleError(ClipkitError):
    """A stored table or file does not match its source or its params."""


class RenderError(ClipkitError):
    """A finished file is missing, unreadable or breaks a rule it must keep."""


class ResourceError(ClipkitError):
    """The machine lacks something: disk, memory, a program, permission to write."""

    default_retry: Retry = "later"


_CLASSES = {cls.__name__: cls for cls in (InputError, ParamsError, StaleError, RenderError, ResourceError)}


def error_from_dict(record: dict[str, str]) -> ClipkitError:
    """Rebuild the error that another process wrote down.

    Parameters
    ----------
    record : dict
        What :meth:`ClipkitError.to_dict` returned, with the class name under ``"class"``.

    Returns
    -------
    ClipkitError
        An instance of the class named, or of the base class when the name is unknown.
    """
    cls = _CLASSES.get(record.get("class", ""), ClipkitError)
    retry: Retry = {"later": "later", "smaller": "smaller"}.get(record.get("retry", ""), "never")  # type: ignore[assignment]
    return cls(record["message"], code=record["code"], retry=retry)
