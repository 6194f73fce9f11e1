"""Whether two tags name one language: files write ``ger``, ``deu`` or ``de-DE``, people ``de``.

References
----------
.. [1] ISO 639-1 and ISO 639-2 (bibliographic and terminology codes).
"""

from __future__ import annotations

# Two letters, then three, then the bibliographic code where it is another one.
_CODES = (
    "ar ara", "bg bul", "bn ben", "ca cat", "cs ces cze", "da dan", "de deu ger", "el ell gre", "en eng", "es spa",
    "et est", "eu eus baq", "fa fas per", "fi fin", "fr fra fre", "he heb", "hi hin", "hr hrv", "hu hun", "id ind",
    "is isl ice", "it ita", "ja jpn", "ko kor", "lt lit", "lv lav", "ms msa may", "nl nld dut", "no nor", "pl pol",
    "pt por", "ro ron rum", "ru rus", "sk slk slo", "sl slv", "sr srp", "sv swe", "ta tam", "th tha", "tr tur",
    "uk ukr", "ur urd", "vi vie", "zh zho chi",
)  # fmt: skip
_ONE = {code: codes.split()[0] for codes in _CODES for code in codes.split()}


def same_language(tag: str | None, asked: str) -> bool:
    """Return whether a file's tag names the language asked for, whatever the region.

    Examples
    --------
    >>> same_language("ger", "de"), same_language("de-AT", "deu"), same_language("eng", "de"), same_language(None, "en")
    (True, True, False, False)
    """
    return tag is not None and _plain(tag) == _plain(asked)


def _plain(tag: str) -> str:
    code = tag.replace("_", "-").split("-")[0].lower()
    return _ONE.get(code, code)
