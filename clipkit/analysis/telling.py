"""Words that hold attention: questions, numbers, contrasts, rare words.

Conventions
-----------
Marks and digits work in every language; the list of telling words is English, and a
language without any of them loses nothing, because the term is relative to its own video.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_TELLING_WORDS = (
    "why how what never nobody nothing always secret mistake wrong truth actually instead imagine worst best most "
    "biggest first only must stop because but however problem surprising crazy amazing you your yourself"
)
_TELLING = frozenset(_TELLING_WORDS.split())
_QUESTIONS = ("?", "？", "؟")
_MARKS = "\"'“”‘’«»()[]{}¿¡.,;:!?…。！？؟،、，-–—"


def telling_words(
    words: pd.DataFrame, start_s: NDArray[np.float64], end_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how telling the words of spans are, and how much their first sentence promises.

    Parameters
    ----------
    words : DataFrame
        Words table; may be empty.
    start_s, end_s : ndarray of float64, shape (n_spans,)
        The spans.

    Returns
    -------
    text : ndarray of float64, shape (n_spans,)
        Mean value of the words that lie in a span, about 0..1; 0 without words.
    promise : ndarray of float64, shape (n_spans,)
        0..1 for the first whole sentence: a question, a number, somebody addressed.
    """
    if not len(words):
        return np.zeros(len(start_s)), np.zeros(len(start_s))
    bare = [bare_word(word) for word in words["word"].tolist()]
    sentence = words["sentence"].to_numpy()
    asks, has_number, is_telling = _marks(words, bare)
    question = np.bincount(sentence, asks) > 0
    value = 0.35 * _rarity(bare, sentence) + 0.3 * is_telling + 0.2 * has_number + 0.15 * question[sentence]
    sums = np.concatenate([[0.0], np.cumsum(value)])
    middle_s = (words["start_s"].to_numpy() + words["end_s"].to_numpy()) / 2.0
    first, last = np.searchsorted(middle_s, start_s), np.searchsorted(middle_s, end_s)
    text = (sums[last] - sums[first]) / np.maximum(1, last - first)

    begins = np.flatnonzero(np.diff(sentence, prepend=-1))
    promise = sentence_promises(words)
    opener = np.minimum(np.searchsorted(words["start_s"].to_numpy()[begins], start_s - 0.05), len(begins) - 1)
    has_opener = words["start_s"].to_numpy()[begins][opener] < end_s
    return text, np.where(has_opener & (start_s <= words["start_s"].to_numpy()[begins][opener]), promise[opener], 0.0)


def sentence_promises(words: pd.DataFrame) -> NDArray[np.float64]:
    """Return how much each sentence promises, 0..1: a question, a number, somebody addressed.

    Examples
    --------
    >>> words = pd.DataFrame({"word": ["Why", "so?", "It", "is."], "sentence": [0, 0, 1, 1]})
    >>> sentence_promises(words).tolist()
    [1.0, 0.0]
    """
    sentence = words["sentence"].to_numpy()
    marks = _marks(words, [bare_word(word) for word in words["word"].tolist()])
    has = np.stack([np.bincount(sentence, flags) > 0 for flags in marks])
    return np.asarray(np.minimum(1.0, np.array([0.6, 0.4, 0.4]) @ has))


def bare_word(word: str) -> str:
    """Return a word in small letters without the marks around it.

    Examples
    --------
    >>> bare_word("“Why?”")
    'why'
    """
    return word.strip(_MARKS).lower()


def _marks(words: pd.DataFrame, bare: list[str]) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which words end a question, which hold a number, and which are telling."""
    asks = np.array([word.rstrip("\"'”’)]»").endswith(_QUESTIONS) for word in words["word"].tolist()], dtype=bool)
    has_number = np.array([any(c.isdigit() for c in word) for word in bare], dtype=bool)
    return asks, has_number, np.array([word in _TELLING for word in bare], dtype=bool)


def _rarity(bare: list[str], sentence: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return 0..1 for each word: how few sentences use it, none for words of less than four letters."""
    seen: dict[str, set[int]] = {}
    for word, number in zip(bare, sentence.tolist(), strict=True):
        seen.setdefault(word, set()).add(number)
    n_sentences = int(sentence.max()) + 1
    scale = math.log(n_sentences + 1.0)
    rarity = {word: math.log((n_sentences + 1.0) / len(where)) / scale for word, where in seen.items()}
    return np.array([rarity[word] if len(word) > 3 else 0.0 for word in bare])
