"""Batches of pairs of about equal length: what follows from the data, the size, the seed, the epoch and the batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.errors import DataError, OptionError

Ids = NDArray[np.integer[Any]]
# Pairs are sorted by length inside pools of this many batches: enough to pad little, few enough to stay random.
_POOL = 50


@dataclass(frozen=True, eq=False)
class PairBatch:
    """B sequences to read beside those to write, both padded on the right.

    ``inputs`` int64 [B, S] with ``lengths`` [B]; ``target`` int64 [B, T], each ending in the end, with
    ``target_lengths`` [B], None where there is nothing to learn from. ``copies`` int64 [B, S] say which word of the
    answer each place would be if it were copied: numbers from the size V of the answers' vocabulary on are words of
    this sentence alone, -1 is none.
    """

    inputs: Tensor
    lengths: Tensor
    target: Tensor | None = None
    target_lengths: Tensor | None = None
    copies: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def to(self, device: Any) -> PairBatch:
        """The same batch on another device."""
        parts: dict[str, Any] = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        moved: dict[str, Any] = {name: part if part is None else part.to(device) for name, part in parts.items()}
        return PairBatch(**moved)


class PairBatches:
    """Pairs of id sequences as batches of similar length, in another order each epoch.

    >>> batches = PairBatches([[5], [6, 7]], [[3, 1], [4, 4, 1]], size=2, shuffle=False)
    >>> [(batch.inputs.tolist(), batch.target.tolist()) for batch in batches.epoch(0)]
    [([[5, 0], [6, 7]], [[3, 1, 0], [4, 4, 1]])]

    ``source`` and ``target`` are lists of ids, ``copies`` lists of ids as long as those of ``source``. Every pair comes
    once an epoch; without ``shuffle`` in the order of the data. ``epoch(number, start)`` begins at any batch, so that a
    run can be resumed.
    """

    continuous = False

    def __init__(
        self,
        source: Sequence[Sequence[int] | Ids],
        target: Sequence[Sequence[int] | Ids] | None = None,
        *,
        size: int,
        seed: int = 0,
        shuffle: bool = True,
        copies: Sequence[Sequence[int] | Ids] | None = None,
    ) -> None:
        if size < 1:
            raise OptionError(f"size wanted a whole number from 1 on, got {size}")
        if seed < 0:
            raise OptionError(f"seed wanted a whole number from 0 on, got {seed}")
        if not len(source):
            raise DataError("batches wanted at least one pair, got none")
        self.size, self.seed, self.shuffle = size, seed, shuffle
        self.source = Lines.of(source)
        self.target = None if target is None else Lines.of(target)
        self.copies = None if copies is None else Lines.of(copies)
        if self.target is not None and len(self.target) != len(self.source):
            raise DataError(f"pairs wanted as many targets as sources, got {len(self.target)} and {len(self.source)}")
        if self.copies is not None and not np.array_equal(self.copies.lengths, self.source.lengths):
            raise DataError("copies wanted one id for each place of its source")

    def __len__(self) -> int:
        return -(-len(self.source) // self.size)

    def rows(self, number: int) -> list[NDArray[np.int64]]:
        """The pairs of each batch of an epoch, in the order of the batches."""
        count, size = len(self.source), self.size
        if not self.shuffle:
            return [np.arange(at, min(at + size, count)) for at in range(0, count, size)]
        # Raw bits and stable sorting: unlike numpy's own shuffling, these are the same in every version of numpy.
        bits = np.random.PCG64([self.seed, number])
        order = np.argsort(bits.random_raw(count), kind="stable")
        batches = []
        for at in range(0, count, size * _POOL):
            pool = order[at : at + size * _POOL]
            # The decoder costs more than the encoder, so its lengths come first; lexsort is stable.
            keys = [-self.source.lengths[pool]]
            if self.target is not None:
                keys.append(-self.target.lengths[pool])
            pool = pool[np.lexsort(keys)]
            batches += [pool[k : k + size] for k in range(0, len(pool), size)]
        return [batches[k] for k in np.argsort(bits.random_raw(len(batches)), kind="stable")]

    def epoch(self, number: int, start: int = 0) -> Iterator[PairBatch]:
        """The batches of an epoch, from the batch ``start`` on."""
        return (self.batch(rows) for rows in self.rows(number)[start:])

    def batch(self, rows: NDArray[np.int64]) -> PairBatch:
        """The pairs of some rows side by side."""
        inputs, lengths = self.source.padded(rows)
        target, target_lengths = (None, None) if self.target is None else self.target.padded(rows)
        copies = None if self.copies is None else self.copies.padded(rows, filled=-1)[0]
        return PairBatch(inputs, lengths, target, target_lengths, copies)


@dataclass(frozen=True, eq=False)
class Lines:
    """Sequences of ids one after another: the k-th is ids[starts[k] : starts[k + 1]]."""

    ids: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, lines: Sequence[Sequence[int] | Ids]) -> Lines:
        """Some lists or arrays of ids."""
        starts = np.zeros(len(lines) + 1, np.int64)
        np.cumsum([len(line) for line in lines], out=starts[1:])
        ids = np.fromiter((i for line in lines for i in line), np.int64, count=int(starts[-1]))
        return cls(ids, starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How long each is."""
        return np.diff(self.starts)

    def padded(self, rows: NDArray[np.int64], filled: int = 0) -> tuple[Tensor, Tensor]:
        """Some of them side by side [B, T], with at least one step, and their lengths [B]."""
        begins, lengths = self.starts[rows], self.lengths[rows]
        steps = np.arange(max(1, int(lengths.max())))
        valid = steps < lengths[:, None]
        out = np.full(valid.shape, filled, np.int64)
        out[valid] = self.ids[(begins[:, None] + steps)[valid]]
        return torch.from_numpy(out), torch.from_numpy(lengths)
