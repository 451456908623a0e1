"""Batches of a corpus: long rows side by side, read window by window with the state carried on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.data.batch import Batch
from ostinato.data.language.corpus import Corpus
from ostinato.errors import DataError, OptionError

# Merity et al.: the window's middle, its spread, how often it is half as long, and its least length.
_SPREAD, _HALVED, _LEAST = 5.0, 0.05, 5
_SMALLEST_VARIED = 8


class CorpusBatches:
    """A corpus in ``rows`` equal parts side by side, to learn from: each step's target is the id that follows.

    >>> from ostinato.data.language.tokens import Tokens
    >>> corpus = Corpus.of_texts(["abcdefghi"], Tokens("bytes"))
    >>> batches = CorpusBatches(corpus, rows=2, steps=3)
    >>> [(batch.inputs.tolist(), batch.target.tolist()) for batch in batches.epoch(0)]
    [([[97, 98, 99], [101, 102, 103]], [[98, 99, 100], [102, 103, 104]]), ([[100], [104]], [[101], [105]])]

    The state carries over from window to window (``continuous`` says so), and ``reset`` is True where a document
    begins. A row has T = (N - 1) // rows steps; up to rows - 1 ids at the end are left out. The last window has what
    the others leave. With ``vary`` the windows of an epoch are drawn from its number and the seed: normal around
    ``steps`` with a deviation of 5 (a quarter of ``steps`` if that is less), around half of it in one of twenty; then
    all are stretched alike, by less than one of them, so that each epoch has as many and leaves nothing out. A step's
    gradient is a mean over its window, so the step takes the share ``pace`` = length / ``steps`` of the learning rate
    (Merity et al., 2017, arXiv:1708.02182).
    """

    continuous = True

    def __init__(self, corpus: Corpus, rows: int, steps: int, *, seed: int = 0, vary: bool = False) -> None:
        _check(rows, steps, seed)
        if vary and steps < _SMALLEST_VARIED:
            raise OptionError(f"vary wanted windows of at least {_SMALLEST_VARIED} steps, got {steps}")
        self.corpus, self.rows, self.steps, self.seed, self.vary = corpus, rows, steps, seed, vary
        self.time = (len(corpus) - 1) // rows
        if self.time < 1:
            raise DataError(
                f"a batch of {rows} rows wanted a text of at least {rows + 1} tokens, got {len(corpus)}; choose fewer "
                "rows (batch), or a longer text"
            )
        mean = steps * (1 - _HALVED / 2) if vary else steps
        self._count = max(1, round(self.time / mean)) if vary else -(-self.time // steps)

    def __len__(self) -> int:
        return self._count

    def ends(self, number: int) -> NDArray[numpy.int64]:
        """Where the windows of an epoch end: int64 [windows], the last one at T."""
        if not self.vary:
            return numpy.minimum(numpy.arange(1, self._count + 1) * self.steps, self.time)
        # Raw bits: unlike numpy's distributions, these are the same in every version of numpy.
        bits = numpy.random.PCG64([self.seed, number])
        half, angle, far = ((bits.random_raw(self._count) >> 11) * 2.0**-53 for _ in range(3))
        middle = numpy.where(half < _HALVED, self.steps / 2, self.steps)
        normal = numpy.sqrt(-2 * numpy.log1p(-far)) * numpy.cos(2 * numpy.pi * angle)
        lengths = numpy.maximum(_LEAST, numpy.rint(middle + min(_SPREAD, self.steps / 4) * normal))
        sums = lengths.cumsum()
        stretched: NDArray[numpy.int64] = numpy.rint(sums * (self.time / sums[-1])).astype(numpy.int64)
        return stretched

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The windows of an epoch from the window ``start`` on."""
        begins = numpy.concatenate([[0], self.ends(number)]).tolist()
        for begin, end in zip(begins[start:], begins[start + 1 :], strict=False):
            yield self.window(begin, end)

    def window(self, begin: int, end: int) -> Batch:
        """The steps from one to another of every row."""
        read = self.corpus.read(begin, end + 1, self.rows, self.time)
        origins = numpy.arange(self.rows) * self.time
        return Batch(
            inputs=torch.from_numpy(read[:, :-1].copy()),
            target=torch.from_numpy(read[:, 1:].copy()),
            reset=_resets(self.corpus, origins + begin, end - begin),
            pace=(end - begin) / self.steps if self.vary else 1.0,
        )


class EvaluationBatches:
    """A corpus to be scored: every id but the first is the target of exactly one step.

    >>> from ostinato.data.language.tokens import Tokens
    >>> corpus = Corpus.of_texts(["abcdef"], Tokens("bytes"))
    >>> [batch.target.tolist() for batch in EvaluationBatches(corpus, rows=1, steps=3).epoch(0)]
    [[[98, 99, 100]], [[101, 102]]]
    >>> [(batch.target.tolist(), batch.lengths.tolist()) for batch in EvaluationBatches(corpus, rows=2).epoch(0)]
    [([[98, 99, 0], [100, 101, 102]], [2, 3])]

    One row reads the whole from its beginning. Several rows are faster; of several documents, each row begins with one,
    where the state is reset anyway, and the scores are those of one row. A single document is cut, and each part of it
    begins from the zero state. Rows that are shorter end sooner (``lengths`` says so). There are never more rows than
    documents or, of a single one, than targets.
    """

    continuous = True

    def __init__(self, corpus: Corpus, rows: int = 1, steps: int = 256) -> None:
        _check(rows, steps, 0)
        if len(corpus) < 2:
            raise DataError(
                f"a corpus to be scored wanted at least 2 ids, got {len(corpus)}: the first has none before"
            )
        self.corpus, self.steps = corpus, steps
        targets = len(corpus) - 1
        begins = numpy.arange(min(rows, targets)) * targets // min(rows, targets)
        if len(corpus.starts) > 1:
            # The first document from each place on.
            starts = numpy.asarray(corpus.starts)
            begins = numpy.unique(starts[numpy.searchsorted(starts, begins).clip(max=len(starts) - 1)])
            begins = begins[begins < targets]
        self._lengths, self._origins = numpy.diff(begins, append=targets), begins
        self.rows, self._longest = len(begins), int(self._lengths.max())

    def __len__(self) -> int:
        return -(-self._longest // self.steps)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The windows from the window ``start`` on; every epoch is the same."""
        del number
        for begin in range(start * self.steps, self._longest, self.steps):
            yield self._window(begin, min(begin + self.steps, self._longest))

    def _window(self, begin: int, end: int) -> Batch:
        lengths = numpy.clip(self._lengths - begin, 0, end - begin)
        read = numpy.zeros((self.rows, end - begin + 1), numpy.int64)
        for row, (origin, length) in enumerate(zip(self._origins.tolist(), lengths.tolist(), strict=True)):
            if length:
                read[row, : length + 1] = self.corpus.read(origin + begin, origin + begin + length + 1)[0]
        # What a shorter row is padded with is nobody's target.
        inputs, target = read[:, :-1].copy(), read[:, 1:].copy()
        whole = bool((lengths == end - begin).all())
        return Batch(
            inputs=torch.from_numpy(inputs),
            lengths=None if whole else torch.from_numpy(lengths.astype(numpy.int64)),
            target=torch.from_numpy(target),
            reset=_resets(self.corpus, self._origins + begin, end - begin),
        )


def _resets(corpus: Corpus, begins: NDArray[numpy.int64], steps: int) -> Tensor | None:
    """Where documents begin, but for the corpus itself: bool [rows, steps]; None where none does."""
    starts = corpus.starts
    first = numpy.maximum(numpy.searchsorted(starts, begins), 1)
    last = numpy.searchsorted(starts, begins + steps)
    if not (last > first).any():
        return None
    found = numpy.zeros((len(begins), steps), bool)
    for row in numpy.flatnonzero(last > first).tolist():
        found[row, numpy.asarray(starts[first[row] : last[row]]) - begins[row]] = True
    return torch.from_numpy(found)


def _check(rows: int, steps: int, seed: int) -> None:
    for name, value, least in (("rows", rows, 1), ("steps", steps, 1), ("seed", seed, 0)):
        if type(value) is not int or value < least:
            raise OptionError(f"{name} wanted a whole number from {least} on, got {value!r:.40}")
