"""What comes next: a distribution over all tokens at every step."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ostinato.errors import OptionError, ShapeError
from ostinato.layers import Dropout, LockedDropout
from ostinato.sequence import valid_steps

if TYPE_CHECKING:
    from ostinato.data.batch import Batch

# A table that is both read and compared with starts this small, or the first scores would be far too sure.
_SPREAD = 0.1


class Language(nn.Module):
    """Scores V tokens at every step by a linear map, which may be the embedding's own table.

    p = softmax(V y + a); tied: p = softmax(E P y + a) with E the table of the embedding, and P only where the widths
    differ; loss = mean over the valid steps of - log p of the token that came.

    >>> head = Language(4, 7)
    >>> bool((head.decode(torch.zeros(2, 3, 4)).exp().sum(-1) - 1).abs().max() < 1e-5)
    True

    ``cutoffs`` such as (2000, 10000) part the tokens by how rare they are, which their ids tell (small ones are
    frequent): rare ones are scored in steps, by narrower maps, so that large vocabularies cost less. ``locked`` drops
    the same features of y at every step. Tied: Inan et al., 2017 (arXiv:1611.01462); adaptive: Grave et al., 2017
    (arXiv:1609.04309).
    """

    # It sees whole sequences, and is given the table of the embedding.
    whole: ClassVar[bool] = True
    ties: ClassVar[bool] = True

    def __init__(
        self,
        inputs: int,
        tokens: int,
        *,
        table: nn.Parameter | None = None,
        tied: bool = False,
        cutoffs: Sequence[int] = (),
        dropout: float = 0.0,
        locked: bool = False,
    ) -> None:
        super().__init__()
        if tokens < 2:
            raise OptionError(f"a language wanted at least 2 tokens, got {tokens}")
        self.tokens, self.tied, self.cutoffs = tokens, tied, tuple(cutoffs)
        self.dropout = (LockedDropout if locked else Dropout)(dropout)
        if self.cutoffs:
            if tied:
                raise OptionError(
                    "cutoffs score rare tokens by narrower maps, and tied scores all by the embedding's table; leave "
                    "out one of the two"
                )
            check_cutoffs(self.cutoffs, tokens)
            # Narrower by four from part to part, but never without a width.
            narrower = min(4.0, 0.99 * inputs ** (1 / len(self.cutoffs)))
            self.adaptive = nn.AdaptiveLogSoftmaxWithLoss(inputs, tokens, list(self.cutoffs), div_value=narrower)
        elif tied:
            # Its owner is the embedding, which counts, keeps and moves it.
            self._table = (self._checked(table),)
            nn.init.uniform_(self._table[0], -_SPREAD, _SPREAD)
            width = self._table[0].shape[1]
            self.projection = nn.Linear(inputs, width, bias=False) if inputs != width else None
            self.bias = nn.Parameter(torch.zeros(tokens))
        else:
            self.scores = nn.Linear(inputs, tokens)

    def tie(self, table: nn.Parameter) -> None:
        """Score by this table from now on, where one is shared: loading weights may replace the embedding's."""
        if self.tied:
            self._table = (self._checked(table),)

    def _checked(self, table: nn.Parameter | None) -> nn.Parameter:
        if table is None or table.dim() != 2 or table.shape[0] != self.tokens:
            came = "none" if table is None else f"{list(table.shape)}"
            raise OptionError(f"tied wanted an embedding of {self.tokens} tokens, a vector each, got {came}")
        return table

    def forward(self, y: Tensor) -> Tensor:
        """y [B, T, D] to scores [B, T, V]; with cutoffs to what they are made from, since few of them are needed."""
        y = self.dropout(y)
        if self.cutoffs:
            return y
        if not self.tied:
            scores: Tensor = self.scores(y)
            return scores
        return functional.linear(y if self.projection is None else self.projection(y), self._table[0], self.bias)

    def loss(self, scores: Tensor, batch: Batch) -> Tensor:
        """The mean of - log p in nats over the valid steps of a batch, 0 where it has none."""
        target = batch.target
        if target is None or target.shape != scores.shape[:2]:
            came = "none" if target is None else f"{list(target.shape)}"
            raise ShapeError(f"target wanted {list(scores.shape[:2])}, the token after each step, got {came}")
        valid = _valid(batch)
        if valid is None:
            flat, wanted = scores.reshape(-1, scores.shape[-1]), target.reshape(-1)
        else:
            flat, wanted = scores[valid], target[valid]
        if not len(wanted):
            # A mean of nothing would be no number.
            return flat.sum() * 0.0
        if self.cutoffs:
            # Its parts gather in one type, and autocast would give two.
            with torch.autocast(flat.device.type, enabled=False):
                mean: Tensor = self.adaptive(flat.to(self.adaptive.head.weight.dtype), wanted).loss
            return mean
        return functional.cross_entropy(flat, wanted)

    def count(self, batch: Batch) -> int:
        """Over how many tokens the loss of a batch is a mean."""
        valid = _valid(batch)
        assert batch.target is not None
        return batch.target.numel() if valid is None else int(valid.sum())

    def measure(self, scores: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Nothing besides the loss: bits and perplexity follow from it."""
        del scores, batch
        return {}

    def log_probabilities(self, scores: Tensor) -> Tensor:
        """What :meth:`forward` gave, as log p [B, T, V]."""
        if not self.cutoffs:
            return scores.log_softmax(-1)
        flat: Tensor = self.adaptive.log_prob(scores.reshape(-1, scores.shape[-1]))
        return flat.reshape(*scores.shape[:-1], self.tokens)

    def decode(self, y: Tensor, lengths: Tensor | None = None) -> Tensor:
        """y [B, T, D] to log p [B, T, V] of the token after each step; 0 past the lengths."""
        logs = self.log_probabilities(self(y))
        if lengths is None:
            return logs
        return torch.where(valid_steps(lengths, y.shape[1])[..., None], logs, 0.0)


def check_cutoffs(cutoffs: Sequence[int], tokens: int) -> None:
    """Refuse borders of frequency that do not part the tokens.

    >>> check_cutoffs((10, 5), 100)
    Traceback (most recent call last):
    ostinato.errors.OptionError: cutoffs wanted whole numbers that grow, from 1 to 99 (one less than the 100 ...
    """
    inside = all(isinstance(border, int) and 0 < border < tokens for border in cutoffs)
    if not inside or any(a >= b for a, b in pairwise(cutoffs)):
        raise OptionError(
            f"cutoffs wanted whole numbers that grow, from 1 to {tokens - 1} (one less than the {tokens} tokens), got "
            f"{list(cutoffs)}"
        )


def _valid(batch: Batch) -> Tensor | None:
    """Which steps [B, T] have a token to foretell; None for all."""
    assert batch.target is not None
    valid = None if batch.lengths is None else valid_steps(batch.lengths, batch.target.shape[1])
    if batch.mask is None:
        return valid
    return batch.mask if valid is None else valid & batch.mask
