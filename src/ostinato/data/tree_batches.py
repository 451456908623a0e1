"""Batches of trees: a forest, and a token for each of its nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy
import torch
from numpy.typing import ArrayLike, NDArray

from ostinato.data.batch import Batch, TokenTable
from ostinato.data.batches import TextBatches
from ostinato.data.texts import Texts
from ostinato.errors import DataError
from ostinato.forest import Forest


class TreeBatches:
    """Batches of trees of about equal size, in another order each epoch.

    >>> from ostinato.data.words import Vocabulary
    >>> words = Vocabulary.learn_words([["say", "hello"]], min_count=1).encode_words([["say", "hello"], ["hello"]])
    >>> [batch] = TreeBatches(words, [[-1, 0], [-1]], [[1, -1], [0]], size=2, shuffle=False).epoch(0)
    >>> batch.forest.parent.tolist(), batch.target.tolist()
    ([2, -1, -1], [-1, 0, 1])

    ``words`` has the words of each tree as a sentence, node by node; ``parents`` says whose children they are, -1 at
    roots; ``target`` has a class for each node, or -1 where a node has none. The order of the trees is that of
    :class:`~ostinato.data.TextBatches`; a batch's inputs and targets are in the order of its forest.
    """

    continuous = False

    def __init__(
        self,
        words: Texts,
        parents: Sequence[ArrayLike],
        target: Sequence[ArrayLike] | None = None,
        *,
        size: int,
        seed: int = 0,
        shuffle: bool = True,
    ) -> None:
        self.order = TextBatches(words, size=size, seed=seed, shuffle=shuffle)
        self.words = words
        self.parents = [numpy.asarray(row, dtype=numpy.int64) for row in parents]
        _check_rows(self.parents, words, "parents")
        self.target = None if target is None else [numpy.asarray(row, dtype=numpy.int64) for row in target]
        if self.target is not None:
            _check_rows(self.target, words, "target")

    def __len__(self) -> int:
        return len(self.order)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from the batch ``start`` on."""
        return (self._batch(rows) for rows in self.order.rows(number)[start:])

    def _batch(self, rows: NDArray[numpy.int64]) -> Batch:
        picked = rows.tolist()
        forest = Forest.of([self.parents[row] for row in picked])
        words = self.words.pick(rows)
        types = words.types
        table = TokenTable(*map(torch.from_numpy, (types.words, types.grams, types.starts[:-1])))
        target = None
        if self.target is not None:
            target = forest.arrange(torch.from_numpy(numpy.concatenate([self.target[row] for row in picked])))
        return Batch(forest.arrange(torch.from_numpy(words.tokens)), target=target, table=table, forest=forest)


def _check_rows(rows: Sequence[NDArray[Any]], words: Texts, name: str) -> None:
    sizes = words.lengths.tolist()
    if len(rows) != len(sizes):
        raise DataError(f"{name} wanted one list for each of {len(sizes)} trees, got {len(rows)}")
    for place, (row, size) in enumerate(zip(rows, sizes, strict=True)):
        if row.shape != (size,):
            raise DataError(f"tree {place}: {name} wanted {size} numbers, one for each node, got {list(row.shape)}")
