"""Likeness: which spans say the same words, or show again what another one shows.

Conventions
-----------
Words are compared as a bag, each weighed by how few sentences use it.  Where the video repeats a
stretch of itself, ``origin_s`` says when that stretch was first shown (`find_repeats`).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from clipkit.analysis.telling import bare_word

# Two spans whose words are this alike say the same.
SAME_WORDS = 0.92
# A span that shares this much of the shorter one's footage with another one shows the same.
SAME_FOOTAGE = 0.25
# Fewer words than this are too few to tell what a span is about.
_FEWEST_WORDS = 6
_ROWS_AT_ONCE = 2000


class Likeness:
    """The spans of a table, for comparing some of them with each other.

    Parameters
    ----------
    spans : DataFrame
        ``start_s``, ``end_s`` and, if known, ``origin_s``: when the stretch was first shown.
    words : DataFrame, optional
        Words table.

    Examples
    --------
    >>> spans = pd.DataFrame({"start_s": [0.0, 60.0], "end_s": [30.0, 90.0], "origin_s": [0.0, 2.0]})
    >>> Likeness(spans).twins(0, np.array([1])).tolist()
    [True]
    """

    def __init__(self, spans: pd.DataFrame, words: pd.DataFrame | None = None) -> None:
        self._start_s = spans["start_s"].to_numpy(dtype=np.float64)
        self._end_s = spans["end_s"].to_numpy(dtype=np.float64)
        self._origin_s = spans["origin_s"].to_numpy(dtype=np.float64) if "origin_s" in spans else self._start_s
        self._words = words if words is not None and len(words) else None

    def twins(self, row: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of `rows` say or show the same as `row`."""
        found = self.shared_footage(row, rows) >= SAME_FOOTAGE
        doubtful = np.flatnonzero(~found & (self._most_alike(row, rows) > SAME_WORDS))
        for begin in range(0, len(doubtful), _ROWS_AT_ONCE):
            some = doubtful[begin : begin + _ROWS_AT_ONCE]
            found[some] = self.same_words(row, rows[some]) > SAME_WORDS
        return found

    def shared_footage(self, row: int, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how much of the shorter span is a repeat of the other, 0..1; overlap in time is none."""
        length_s = self._end_s - self._start_s
        first_s = np.maximum(self._origin_s[row], self._origin_s[rows])
        last_s = np.minimum(self._origin_s[row] + length_s[row], self._origin_s[rows] + length_s[rows])
        same_lag = (
            np.abs((self._start_s[row] - self._origin_s[row]) - (self._start_s[rows] - self._origin_s[rows])) < 1e-6
        )
        shared_s = np.where(same_lag, 0.0, np.maximum(0.0, last_s - first_s))
        return np.asarray(shared_s / np.maximum(1e-3, np.minimum(length_s[row], length_s[rows])))

    def same_words(self, row: int, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the cosine of the words of spans, weighed by rarity; 0 where too few are known."""
        if self._words is None or not len(rows):
            return np.zeros(len(rows))
        bags = self._bags(np.append(rows, row))
        return np.asarray((bags[:-1] @ bags[[-1]].T).toarray().ravel())

    def _most_alike(self, row: int, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return an upper bound of `same_words`, from sums over words alone.

        With ``d`` the product of a bag with the direction of the row's bag, and ``s`` the sum of the squared
        weights of the words that the row lacks, the cosine is at most ``d / sqrt(d^2 + s)``.
        """
        if self._words is None or not len(rows):
            return np.zeros(len(rows))
        number, middle_s, weight = self._vocabulary
        bag = self._bags(np.array([row])).toarray().ravel()
        sums = [
            np.concatenate([[0.0], np.cumsum(values[number])])
            for values in (bag * weight, np.where(bag > 0.0, 0.0, weight * weight))
        ]
        first, last = (np.searchsorted(middle_s, edges[rows]) for edges in (self._start_s, self._end_s))
        along, lacking = (total[last] - total[first] for total in sums)
        return np.asarray(along / np.sqrt(np.maximum(along * along + lacking, 1e-12)))

    @cached_property
    def _vocabulary(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the number of each word, its middle in seconds, and the weight of each number."""
        assert self._words is not None
        # Each spelling is looked at once: a talk says few words, and says them often.
        spelling, spellings = pd.factorize(self._words["word"])
        names, of_spelling = np.unique([bare_word(str(word)) for word in spellings], return_inverse=True)
        number = of_spelling[spelling]
        sentence = pd.factorize(self._words["sentence"])[0]
        n_sentences = int(sentence.max()) + 1
        uses = np.bincount(np.unique(number * n_sentences + sentence) // n_sentences, minlength=len(names))
        middle_s = (self._words["start_s"].to_numpy() + self._words["end_s"].to_numpy()) / 2.0
        # A word of every sentence still has a little weight, so that no bag is empty.
        return number.astype(np.int64), middle_s, np.log(1.0 + n_sentences / uses)

    def _bags(self, rows: NDArray[np.int64]) -> csr_array:
        """Return the words of spans as rows of length 1, weighed; of length 0 where they are too few."""
        number, middle_s, weight = self._vocabulary
        first = np.searchsorted(middle_s, self._start_s[rows])
        last = np.maximum(first, np.searchsorted(middle_s, self._end_s[rows]))
        counts = last - first
        begins = np.concatenate([[0], np.cumsum(counts)])
        index = np.arange(begins[-1]) - np.repeat(begins[:-1] - first, counts)
        bags = csr_array((weight[number[index]], number[index], begins), shape=(len(rows), len(weight)))
        bags.sum_duplicates()
        length = np.sqrt(np.asarray(bags.multiply(bags).sum(axis=1)).ravel())
        scale = np.where(counts >= _FEWEST_WORDS, 1.0 / np.maximum(length, 1e-12), 0.0)
        bags.data *= np.repeat(scale, np.diff(bags.indptr))
        return bags
