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
import scipy
from numpy.typing import NDArray

from clipkit.analysis.telling import bare_word

Rows = NDArray[np.int64]

# Two spans whose words are this alike say the same.
SAME_WORDS = 0.92
# A span that shares this much of the shorter one's footage with another one shows the same.
SAME_FOOTAGE = 0.25
# Fewer words than this are too few to tell what a span is about.
_FEWEST_WORDS = 6
_ROWS_AT_ONCE = 4000


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
    >>> Likeness(spans).alike(np.array([0]), np.array([1])).tolist()
    [[True]]
    """

    def __init__(self, spans: pd.DataFrame, words: pd.DataFrame | None = None) -> None:
        self._start_s = spans["start_s"].to_numpy(dtype=np.float64)
        self._end_s = spans["end_s"].to_numpy(dtype=np.float64)
        self._origin_s = spans["origin_s"].to_numpy(dtype=np.float64) if "origin_s" in spans else self._start_s
        self._words = words if words is not None and len(words) else None

    def alike(self, first: Rows, second: Rows) -> NDArray[np.bool_]:
        """Return which spans of `second` say or show the same as each of `first`, shape (n_first, n_second)."""
        found = self.shared_footage(first, second) >= SAME_FOOTAGE
        if self._words is not None:
            some = np.arange(len(second))
            if len(second) > _ROWS_AT_ONCE:
                some = np.flatnonzero(self._most_alike(first, second) > SAME_WORDS)
            said = self._bags(first)
            for begin in range(0, len(some), _ROWS_AT_ONCE):
                part = some[begin : begin + _ROWS_AT_ONCE]
                found[:, part] |= (said @ self._bags(second[part]).T).toarray() > SAME_WORDS
        return found

    def shared_footage(self, first: Rows, second: Rows) -> NDArray[np.float64]:
        """Return how much of the shorter span is a repeat of the other, 0..1, shape (n_first, n_second).

        What two spans share because they overlap in time is no repeat.
        """
        length_s, lag_s = self._end_s - self._start_s, self._start_s - self._origin_s
        from_s = np.maximum.outer(self._origin_s[first], self._origin_s[second])
        to_s = np.minimum.outer((self._origin_s + length_s)[first], (self._origin_s + length_s)[second])
        same_lag = np.abs(np.subtract.outer(lag_s[first], lag_s[second])) < 1e-6
        shared_s = np.where(same_lag, 0.0, np.maximum(0.0, to_s - from_s))
        return np.asarray(shared_s / np.maximum(1e-3, np.minimum.outer(length_s[first], length_s[second])))

    def same_words(self, row: int, rows: Rows) -> NDArray[np.float64]:
        """Return the cosine of the words of spans, weighed by rarity; 0 where too few are known."""
        if self._words is None:
            return np.zeros(len(rows))
        return np.asarray((self._bags(rows) @ self._bags(np.array([row])).T).toarray().ravel())

    def _most_alike(self, first: Rows, second: Rows) -> NDArray[np.float64]:
        """Return an upper bound of `same_words` of each of `second` with any of `first`, from sums over words.

        With ``d`` the product of a bag with the direction of the row's bag, and ``s`` the sum of the squared
        weights of the words that the row lacks, the cosine is at most ``d / sqrt(d^2 + s)``.
        """
        number, middle_s, weight = self._vocabulary
        begin, end = (np.searchsorted(middle_s, edges[second]) for edges in (self._start_s, self._end_s))
        most = np.zeros(len(second))
        for bag in self._bags(first).toarray():
            along, lacking = (
                sums[end] - sums[begin]
                for values in (bag * weight, np.where(bag > 0.0, 0.0, weight * weight))
                for sums in (np.concatenate([[0.0], np.cumsum(values[number])]),)
            )
            np.maximum(most, along / np.sqrt(np.maximum(along * along + lacking, 1e-12)), out=most)
        return most

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

    def _bags(self, rows: Rows) -> scipy.sparse.csr_array:
        """Return the words of spans as rows of length 1, weighed; of length 0 where they are too few."""
        # Asked for most of a small table, it will be asked for more of it.
        if len(self._start_s) <= _ROWS_AT_ONCE and 4 * len(rows) > len(self._start_s):
            return self._every_bag[rows]
        return self._some_bags(rows)

    @cached_property
    def _every_bag(self) -> scipy.sparse.csr_array:
        return self._some_bags(np.arange(len(self._start_s)))

    def _some_bags(self, rows: Rows) -> scipy.sparse.csr_array:
        number, middle_s, weight = self._vocabulary
        first = np.searchsorted(middle_s, self._start_s[rows])
        last = np.maximum(first, np.searchsorted(middle_s, self._end_s[rows]))
        counts = last - first
        begins = np.concatenate([[0], np.cumsum(counts)])
        index = np.arange(begins[-1]) - np.repeat(begins[:-1] - first, counts)
        bags = scipy.sparse.csr_array((weight[number[index]], number[index], begins), shape=(len(rows), len(weight)))
        bags.sum_duplicates()
        length = np.sqrt(np.asarray(bags.multiply(bags).sum(axis=1)).ravel())
        scale = np.where(counts >= _FEWEST_WORDS, 1.0 / np.maximum(length, 1e-12), 0.0)
        bags.data *= np.repeat(scale, np.diff(bags.indptr))
        return bags
