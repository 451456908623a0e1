"""How a batch becomes what the recurrence reads: words, ids, numbers, series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ostinato.errors import ShapeError
from ostinato.layers import Bag, Dropout, SeriesSteps, WordEmbedding
from ostinato.layers.series_steps import Joined

if TYPE_CHECKING:
    from ostinato.data.batch import Batch


class Words(WordEmbedding):
    """Reads a batch of words."""

    def forward(self, batch: Batch) -> Tensor:  # type: ignore[override]
        """A batch of texts to vectors [B, T, width]."""
        if batch.table is None:
            raise ShapeError("an embedding of words wanted a batch of texts, got one without a table of words")
        return super().forward(batch.inputs, batch.table.words, batch.table.grams, batch.table.offsets)


class BatchBag(Bag):
    """Reads the words of a batch whatever their order."""

    def forward(self, batch: Batch) -> Tensor:  # type: ignore[override]
        """A batch of texts to scores [B, N]."""
        if batch.table is None or batch.lengths is None:
            raise ShapeError("a bag of words wanted a batch of texts, got one without a table of words")
        return super().forward(batch.inputs, batch.lengths, *batch.table)


class Ids(nn.Module):
    """Reads a batch of whole numbers [B, T], a vector for each.

    In training a share ``dropout`` of the numbers have no vector during a batch, wherever they occur, and those of the
    others grow by 1 / (1 - dropout) (Gal & Ghahramani, 2016, arXiv:1512.05287).

    >>> Ids(5, 3)(torch.tensor([[0, 4]])).shape
    torch.Size([1, 2, 3])
    """

    def __init__(self, count: int, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.table, self.width = nn.Embedding(count, width), width
        self.dropout = Dropout(dropout)

    def forward(self, batch: Batch | Tensor) -> Tensor:
        """Numbers int64 [B, T] to vectors [B, T, width]."""
        ids = batch if isinstance(batch, Tensor) else batch.inputs
        vectors: Tensor = self.table(ids)
        if self.training and self.dropout.share:
            kept = self.dropout(torch.ones_like(self.table.weight[:, :1]))
            vectors = vectors * functional.embedding(ids, kept)
        return vectors


class Numbers(nn.Module):
    """Reads a batch of numbers [B, T, D] as they are."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, batch: Batch | Tensor) -> Tensor:
        """The numbers of a batch [B, T, D]."""
        numbers: Tensor = batch if isinstance(batch, Tensor) else batch.inputs
        return numbers


class Series(SeriesSteps):
    """Reads a batch of series."""

    def forward(self, batch: Batch | Tensor) -> Tensor:  # type: ignore[override]
        """The scaled steps of a batch [B, T, width]."""
        if isinstance(batch, Tensor):
            return super().forward(batch).x
        return super().forward(batch.inputs, batch.lengths, None, *_constants(batch)).x

    def joined(self, batch: Batch) -> Joined:
        """The steps of a window and those ahead; without a future, each step of the window before the next."""
        if batch.future is not None:
            return super().forward(batch.inputs, batch.lengths, batch.future, *_constants(batch))
        # The sequence of a window whose own steps are foretold is one step shorter.
        seen, known = batch.inputs[:, :-1, : self.observed], batch.inputs[:, 1:, self.observed :]
        lengths = None if batch.lengths is None else (batch.lengths - 1).clamp(min=0)
        return super().forward(torch.cat([seen, known], -1), lengths, None, *_constants(batch))


def _constants(batch: Batch) -> tuple[Tensor | None, Tensor | None]:
    return (None, None) if batch.part is None else (batch.part.static, batch.part.categories)


EMBEDS: dict[str, Any] = {"words": Words, "ids": Ids, "numbers": Numbers, "series": Series}
