"""Batches of sentences with a tag for each word, and perhaps a label for each sentence."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy
import torch
from numpy.typing import NDArray

from ostinato.data.batch import Batch
from ostinato.data.batches import TextBatches
from ostinato.data.texts import Texts
from ostinato.errors import DataError


class TaggedBatches:
    """Batches of sentences of about equal length, in another order each epoch, with tags [B, T] as their targets.

    >>> from ostinato.data.words import Vocabulary
    >>> texts = Vocabulary((), ngrams=None).encode_words([["the", "lamp"], ["stop"]])
    >>> batches = TaggedBatches(texts, [0, 1, 2], size=2, shuffle=False)
    >>> [batch.target.tolist() for batch in batches.epoch(0)]
    [[[0, 1], [2, -1]]]

    ``tags`` int [N] are those of all words, sentence after sentence; -1 is a word without one, and stands past the
    length too. ``label`` int [n] is one a sentence. Sentences are dealt out as by
    :class:`~ostinato.data.batches.TextBatches`.
    """

    continuous = False

    def __init__(
        self, texts: Texts, tags: Any, label: Any = None, *, size: int, seed: int = 0, shuffle: bool = True
    ) -> None:
        self.source = TextBatches(texts, label, size=size, seed=seed, shuffle=shuffle)
        array: NDArray[Any] = numpy.asarray(tags)
        if array.shape != texts.tokens.shape or (array.size and array.dtype.kind not in "iu"):
            raise DataError(
                f"tags wanted one whole number for each of {len(texts.tokens)} words, got {array.dtype} "
                f"{list(array.shape)}"
            )
        self.tags = array.astype(numpy.int64)

    def __len__(self) -> int:
        return len(self.source)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from the batch ``start`` on."""
        rows = self.source.rows(number)[start:]
        for chosen, batch in zip(rows, self.source.epoch(number, start), strict=True):
            yield dataclasses.replace(batch, target=self._tags(chosen, batch.inputs.shape[1]), label=batch.target)

    def _tags(self, rows: NDArray[numpy.int64], steps: int) -> torch.Tensor:
        starts = self.source.texts.starts
        tags = numpy.full((len(rows), steps), -1, numpy.int64)
        for place, row in enumerate(rows.tolist()):
            mine = self.tags[starts[row] : starts[row + 1]]
            tags[place, : len(mine)] = mine
        return torch.from_numpy(tags)
