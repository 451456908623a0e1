"""How a decoder looks at what was read: made ready once for a batch, then asked at one step or at all."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ostinato.errors import OptionError, nearest
from ostinato.layers.attention import Attention
from ostinato.sequence import valid_steps

LOOKS = ("additive", "dot", "none")


@dataclass(frozen=True)
class Read:
    """What was read of B sequences: values [B, S, K], their keys [B, A, S] or [B, S, A], and what hides padding.

    ``hides`` [B, 1, S] is 0 where there is something and the lowest number elsewhere, to be added to scores.
    """

    values: Tensor
    keys: Tensor
    hides: Tensor
    copies: Tensor | None = None

    def pick(self, rows: Tensor) -> Read:
        """What was read of some of the sequences, perhaps several times each."""
        copies = None if self.copies is None else self.copies[rows]
        return Read(self.values[rows], self.keys[rows], self.hides[rows], copies)


class Looking(nn.Module):
    """Weights over what was read, for each query, and the mean of its values under them.

    >>> look = Looking("dot", queries=4, keys=6)
    >>> read = look.read(torch.zeros(2, 7, 6), torch.tensor([7, 3]))
    >>> context, weights = look(torch.zeros(2, 5, 4), read)
    >>> context.shape, weights[1, 0, 3:].sum().item()
    (torch.Size([2, 5, 6]), 0.0)

    ``additive`` is v . tanh(W q + U m), ``dot`` is Luong's general form q . W m, both as in
    :class:`~ostinato.layers.attention.Attention`, whose weights these are; here nothing is checked at a step.
    """

    def __init__(self, kind: str, *, queries: int, keys: int, hidden: int | None = None) -> None:
        super().__init__()
        if kind not in LOOKS[:2]:
            raise OptionError(f"unknown attention '{kind}'; {nearest(str(kind), LOOKS)}")
        self.kind, self.width = kind, keys
        self.attention = (
            Attention("additive", queries=queries, keys=keys, hidden=hidden)
            if kind == "additive"
            else Attention("general", queries=queries, keys=keys)
        )

    def read(self, values: Tensor, lengths: Tensor, copies: Tensor | None = None) -> Read:
        """Make ready what does not depend on a query; values [B, S, K] are 0 past each length."""
        keys: Tensor = self.attention.offered(values)
        valid = valid_steps(lengths, values.shape[1])[:, None]
        hides = values.new_zeros(valid.shape).masked_fill(~valid, torch.finfo(values.dtype).min)
        return Read(values, keys if self.kind == "additive" else keys.transpose(1, 2), hides, copies)

    def forward(self, query: Tensor, read: Read) -> tuple[Tensor, Tensor]:
        """Contexts [B, T, K] and weights [B, T, S] of queries [B, T, Q]."""
        if self.kind == "additive":
            asked = self.attention.asked(query)
            scores = self.attention.score(torch.tanh(asked[:, :, None] + read.keys[:, None]))[..., 0] + read.hides
        else:
            scores = torch.baddbmm(read.hides, query, read.keys)
        weights = scores.softmax(-1)
        return torch.bmm(weights, read.values), weights
