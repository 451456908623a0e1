"""Attention over an encoder's outputs: where a decoder looks at each of its steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ostinato.errors import OptionError, ShapeError, nearest
from ostinato.layers.steps import positive
from ostinato.sequence import check_lengths, valid_steps
from ostinato.shapes import expect_shape

ATTENTIONS = ("additive", "dot", "general", "scaled")


@dataclass(frozen=True)
class Memory:
    """What is attended to, made ready once: values [B, S, K], their keys, and which places hold any [B, S]."""

    values: Tensor
    keys: Tensor
    valid: Tensor


class Attention(nn.Module):
    """Looks over a memory and returns a weighted mean of it: context = sum_s a_s m_s, a = softmax over s of score.

    >>> attention = Attention("additive", queries=4, keys=6, hidden=5)
    >>> memory = attention.keys(torch.zeros(2, 7, 6), torch.tensor([7, 3]))
    >>> context, weights = attention(torch.zeros(2, 4), memory)
    >>> context.shape, weights[1].sum().item(), weights[1, 3:].tolist()
    (torch.Size([2, 6]), 1.0, [0.0, 0.0, 0.0, 0.0])

    ``kind``: ``additive`` v . tanh(W q + U m) of width ``hidden`` (Bahdanau et al., 2015, arXiv:1409.0473); ``dot``
    q . m; ``general`` q . W m (both Luong et al., 2015, arXiv:1508.04025); ``scaled`` q . m / sqrt(K) (Vaswani et al.,
    2017, arXiv:1706.03762). ``dot`` and ``scaled`` want queries as wide as keys, and only ``additive`` has a width.

    A query is [B, Q] or [B, T, Q], the memory [B, S, K] with ``lengths`` [B]; the context is [B, K] or [B, T, K] and
    the weights [B, S] or [B, T, S]. Weights are 0 in the padding, whatever it holds; a row of length 0 gives zeros.
    :meth:`keys` makes of the memory what does not depend on a query, so that the steps of a decoder are cheap.
    """

    def __init__(self, kind: str, *, queries: int, keys: int, hidden: int | None = None) -> None:
        super().__init__()
        if kind not in ATTENTIONS:
            raise OptionError(f"unknown attention '{kind}'; {nearest(str(kind), ATTENTIONS)}")
        self.kind, self.queries, self.width = kind, positive("queries", queries), positive("keys", keys)
        if kind in ("dot", "scaled") and queries != keys:
            raise OptionError(
                f"attention '{kind}' wanted queries as wide as keys, got {queries} and {keys}; "
                "choose 'general' or 'additive'"
            )
        if kind != "additive" and hidden is not None:
            raise OptionError(f"hidden is the width of 'additive' scores and does not apply to '{kind}'; leave it out")
        if kind == "additive":
            hidden = positive("hidden", keys if hidden is None else hidden)
            self.asked = nn.Linear(queries, hidden, bias=False)
            self.offered = nn.Linear(keys, hidden)
            self.score = nn.Linear(hidden, 1, bias=False)
        elif kind == "general":
            self.offered = nn.Linear(keys, queries, bias=False)

    def keys(self, encoded: Tensor, lengths: Tensor | None = None) -> Memory:
        """What of a memory [B, S, K] does not depend on a query."""
        expect_shape("Attention: memory", encoded, ["B", "S", self.width], f"it was built for keys={self.width}")
        rows, steps = encoded.shape[:2]
        check_lengths(lengths, rows, steps)
        if lengths is None:
            valid, values = torch.ones(rows, steps, dtype=torch.bool, device=encoded.device), encoded
        else:
            valid = valid_steps(lengths, steps)
            values = torch.where(valid[..., None], encoded, 0.0)
        made = self.offered(values) if self.kind in ("additive", "general") else values
        return Memory(values, made / math.sqrt(self.width) if self.kind == "scaled" else made, valid)

    def forward(self, query: Tensor, memory: Tensor | Memory, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The contexts and the weights; ``lengths`` belong to a memory that is a tensor."""
        if isinstance(memory, Memory) and lengths is not None:
            raise OptionError("what keys() made has its lengths; leave out lengths=")
        known = memory if isinstance(memory, Memory) else self.keys(memory, lengths)
        if query.dim() not in (2, 3) or query.shape[-1] != self.queries or len(query) != len(known.values):
            raise ShapeError(
                f"Attention: query wanted [{len(known.values)}, {self.queries}] or [{len(known.values)}, T, "
                f"{self.queries}], one row for each of the memory, got {list(query.shape)}"
            )
        several = query if query.dim() == 3 else query[:, None]
        valid = known.valid[:, None]  # [B, 1, S]
        scores = torch.where(valid, self._scores(several, known.keys), torch.finfo(several.dtype).min)
        weights = torch.where(valid, scores.softmax(-1), 0.0)  # [B, T, S]
        context = weights @ known.values
        return (context, weights) if query.dim() == 3 else (context[:, 0], weights[:, 0])

    def _scores(self, query: Tensor, keys: Tensor) -> Tensor:
        """How well each query [B, T, Q] fits each key: [B, T, S]."""
        if self.kind != "additive":
            return query @ keys.transpose(1, 2)
        score: Tensor = self.score(torch.tanh(self.asked(query)[:, :, None] + keys[:, None]))
        return score[..., 0]

    def extra_repr(self) -> str:
        """What stands in the brackets of the printed module."""
        return f"{self.kind}, queries={self.queries}, keys={self.width}"
