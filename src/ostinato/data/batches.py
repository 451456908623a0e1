"""Sources of batches: what is in batch k of epoch e follows from the data, the options, the seed, e and k alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.data.batch import Batch, TokenTable
from ostinato.data.texts import Texts
from ostinato.errors import DataError, OptionError

# Sentences are sorted by length inside pools of this many batches: enough to pad little, few enough to stay random.
_POOL = 50


class TextBatches:
    """Batches of sentences of about equal length, in another order each epoch.

    >>> from ostinato.data.words import Vocabulary
    >>> texts = ["turn on the light", "stop", "turn off the light"]
    >>> batches = TextBatches(Vocabulary.learn(texts).encode(texts), [0, 1, 0], size=2, shuffle=False)
    >>> [batch.target.tolist() for batch in batches.epoch(0)]
    [[0, 1], [0]]

    Every sentence comes once an epoch. Without ``shuffle`` they come in the order of the data. ``target`` int [n] and
    ``weight`` float [n] are one number a sentence. A batch has at least one step and one token in its table, also where
    all its sentences are empty.
    """

    continuous = False

    def __init__(
        self,
        texts: Texts,
        target: Any = None,
        *,
        size: int,
        seed: int = 0,
        shuffle: bool = True,
        weight: Any = None,
    ) -> None:
        _check_size(size, "size")
        if seed < 0:
            raise OptionError(f"seed wanted a whole number from 0 on, got {seed}")
        if len(texts) == 0:
            raise DataError("batches wanted at least one sentence, got none")
        self.texts = texts
        self.size = size
        self.seed = seed
        self.shuffle = shuffle
        self.target = _targets(target, len(texts))
        self.weight = _weights(weight, len(texts))
        self._lengths = texts.lengths

    def __len__(self) -> int:
        return -(-len(self.texts) // self.size)

    def rows(self, number: int) -> list[NDArray[numpy.int64]]:
        """The rows of each batch of an epoch, in the order of the batches."""
        if not self.shuffle:
            order = numpy.arange(len(self.texts))
            return [order[at : at + self.size] for at in range(0, len(order), self.size)]
        # Raw bits and stable sorting: unlike numpy's own shuffling, these are the same in every version of numpy.
        bits = numpy.random.PCG64([self.seed, number])
        order = numpy.argsort(bits.random_raw(len(self.texts)), kind="stable")
        batches = []
        for at in range(0, len(order), self.size * _POOL):
            pool = order[at : at + self.size * _POOL]
            # Longest first; sentences of one length stay in their random order.
            pool = pool[numpy.argsort(-self._lengths[pool], kind="stable")]
            batches += [pool[k : k + self.size] for k in range(0, len(pool), self.size)]
        return [batches[k] for k in numpy.argsort(bits.random_raw(len(batches)), kind="stable")]

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from the batch ``start`` on."""
        return (self._batch(rows) for rows in self.rows(number)[start:])

    def _batch(self, rows: NDArray[numpy.int64]) -> Batch:
        inputs, lengths, table = _pad(self.texts.pick(rows))
        return Batch(
            inputs=inputs,
            lengths=lengths,
            target=None if self.target is None else torch.from_numpy(self.target[rows]),
            weight=None if self.weight is None else torch.from_numpy(self.weight[rows]),
            table=table,
        )


class ContinuousBatches:
    """One long sequence read in B lanes side by side, a window at a time: truncated backpropagation through time.

    >>> batches = ContinuousBatches(range(9), size=2, steps=3)
    >>> [(batch.inputs.tolist(), batch.target.tolist()) for batch in batches.epoch(0)]
    [([[0, 1, 2], [4, 5, 6]], [[1, 2, 3], [5, 6, 7]]), ([[3], [7]], [[4], [8]])]

    ``data`` are ids int [N] or numbers [N, D]; without a ``target`` [N] or [N, K] of its own, each step's target is
    the next step's data. The state carries over from batch to batch of an epoch (``continuous`` says so), and each lane
    goes on where it stopped. Lanes are equally long: up to B - 1 steps at the end are left out.
    """

    continuous = True

    def __init__(self, data: Any, target: Any = None, *, size: int, steps: int) -> None:
        _check_size(size, "size")
        _check_size(steps, "steps")
        inputs = _sequence(data, "data")
        following = inputs[1:] if target is None else _sequence(target, "target")
        if target is None:
            inputs = inputs[:-1]
        if len(following) != len(inputs):
            raise DataError(f"data and target are equally long; got {len(inputs)} steps and {len(following)} targets")
        length = len(inputs) // size
        if length < 1:
            raise DataError(f"{size} lanes wanted at least {size} steps of data with a target, got {len(inputs)}")
        self.size = size
        self.steps = steps
        self._time = length
        self._lanes = Batch(
            inputs=inputs[: size * length].reshape(size, length, *inputs.shape[1:]),
            target=following[: size * length].reshape(size, length, *following.shape[1:]),
        )

    def __len__(self) -> int:
        return -(-self._time // self.steps)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The windows of an epoch from the window ``start`` on; every epoch is the same."""
        del number
        return self._lanes.windows(self.steps, start=start)


def _check_size(value: int, name: str) -> None:
    if value < 1:
        raise OptionError(f"{name} wanted a whole number from 1 on, got {value}")


def _targets(values: Any, n: int) -> NDArray[numpy.int64] | None:
    if values is None:
        return None
    array: NDArray[Any] = numpy.asarray(values)
    if array.shape != (n,) or array.dtype.kind not in "iu":
        raise DataError(f"target wanted one whole number for each of {n} sentences, got {_described(array)}")
    return array.astype(numpy.int64)


def _weights(values: Any, n: int) -> NDArray[numpy.float32] | None:
    if values is None:
        return None
    array: NDArray[Any] = numpy.asarray(values)
    if array.shape != (n,) or array.dtype.kind not in "iuf":
        raise DataError(f"weight wanted one number for each of {n} sentences, got {_described(array)}")
    wrong = numpy.flatnonzero(~(numpy.isfinite(array) & (array >= 0)))
    if wrong.size:
        raise DataError(f"weight wanted finite numbers from 0 on, got {array[wrong[0]]} in row {wrong[0] + 1}")
    return array.astype(numpy.float32)


def _sequence(values: Any, name: str) -> Tensor:
    array: NDArray[Any] = numpy.asarray(list(values) if isinstance(values, range) else values)
    if array.ndim not in (1, 2) or array.dtype.kind not in "iuf":
        raise DataError(f"{name} wanted ids [N] or numbers [N, D], got {_described(array)}")
    if array.dtype.kind != "f":
        return torch.from_numpy(array.astype(numpy.int64))
    wrong = numpy.argwhere(~numpy.isfinite(array))
    if wrong.size:
        raise DataError(f"{name} wanted finite numbers, got {array[tuple(wrong[0])]} at step {wrong[0][0] + 1}")
    return torch.from_numpy(array.astype(numpy.float32))


def _described(array: NDArray[Any]) -> str:
    return f"{array.dtype} {list(array.shape)}"


def _pad(texts: Texts) -> tuple[Tensor, Tensor, TokenTable]:
    """Sentences side by side, padded with 0 on the right: ids [B, T] into the table of their tokens."""
    lengths = texts.lengths
    # At least one step, and one token that the padding's 0 may index: layers need no case for empty batches.
    ids = numpy.zeros((len(texts), max(1, int(lengths.max()))), numpy.int64)
    ids[numpy.arange(ids.shape[1]) < lengths[:, None]] = texts.tokens
    types = texts.types
    words, offsets = (types.words, types.starts[:-1]) if len(types) else (numpy.zeros(1, numpy.int64),) * 2
    table = TokenTable(torch.from_numpy(words), torch.from_numpy(types.grams), torch.from_numpy(offsets))
    return torch.from_numpy(ids), torch.from_numpy(lengths), table
