"""Encoded sentences as ragged arrays: each distinct token once, and sentences as sequences of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

Ids = NDArray[numpy.int64]


@dataclass(frozen=True, eq=False)
class Types:
    """The U distinct tokens of some sentences.

    ``words`` int64 [U] holds their ids in the vocabulary, ``grams`` int64 [M] the buckets of their n-grams; those of
    the token k are ``grams[starts[k]:starts[k + 1]]``, with ``starts`` int64 [U+1].
    """

    words: Ids
    grams: Ids
    starts: Ids

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True, eq=False)
class Texts:
    """Sentences as sequences of tokens: sentence i is ``tokens[starts[i]:starts[i + 1]]``, indices into ``types``.

    >>> import numpy
    >>> types = Types(numpy.array([1, 2, 0]), numpy.zeros(0, numpy.int64), numpy.zeros(4, numpy.int64))
    >>> texts = Texts(types, tokens=numpy.array([0, 1, 2]), starts=numpy.array([0, 2, 2, 3]))
    >>> len(texts), texts.lengths
    (3, array([2, 0, 1]))
    >>> texts.pick([2]).types.words
    array([0])

    ``tokens`` int64 [N], ``starts`` int64 [n+1].
    """

    types: Types
    tokens: Ids
    starts: Ids

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Ids:
        """The number of tokens of each sentence: int64 [n]."""
        return numpy.diff(self.starts)

    def pick(self, rows: Any) -> Texts:
        """The sentences of some rows, in that order, with only the types that occur in them.

        ``rows`` are numbers int [k], which count from 0 (or from the end, if negative), or a mask bool [n].
        """
        rows = numpy.asarray(rows)
        if rows.dtype == numpy.bool_:
            rows = numpy.arange(len(self))[rows]
        rows = rows.astype(numpy.int64, copy=False)
        if rows.size and rows.min() < 0:
            rows = numpy.arange(len(self))[rows]
        tokens, starts = _ragged(self.tokens, self.starts, rows)
        kept, renumbered = _distinct(tokens, len(self.types))
        grams, gram_starts = _ragged(self.types.grams, self.types.starts, kept)
        return Texts(Types(self.types.words[kept], grams, gram_starts), renumbered, starts)


def _ragged(values: Ids, starts: Ids, rows: Ids) -> tuple[Ids, Ids]:
    """The values of some rows of a ragged array one after another, and where each row of them starts."""
    begins = starts[rows]
    lengths = starts[rows + 1] - begins
    out = numpy.zeros(len(rows) + 1, numpy.int64)
    numpy.cumsum(lengths, out=out[1:])
    where = numpy.repeat(begins - out[:-1], lengths)
    where += numpy.arange(out[-1])
    return values[where], out


def _distinct(tokens: Ids, size: int) -> tuple[Ids, Ids]:
    """The distinct ones among some numbers below ``size``, sorted, and each number's index in them."""
    if size > 64 * len(tokens) + 1024:
        kept, renumbered = numpy.unique(tokens, return_inverse=True)
        return kept, renumbered.reshape(-1)
    # A table of all numbers is several times faster than sorting while it is not much larger than the list.
    occurs = numpy.zeros(size, numpy.bool_)
    occurs[tokens] = True
    kept = numpy.flatnonzero(occurs)
    index = numpy.empty(size, numpy.int64)
    index[kept] = numpy.arange(len(kept))
    return kept, index[tokens]
