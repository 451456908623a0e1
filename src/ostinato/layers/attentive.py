"""A recurrence that looks back at its own outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ostinato.cells import Cell
from ostinato.errors import ShapeError
from ostinato.layers.local_attention import LocalAttention
from ostinato.layers.recurrent import Recurrent
from ostinato.layers.steps import Steps, alike
from ostinato.sequence import Sequences
from ostinato.state import State


class AttentiveRecurrent(nn.Module):
    """A recurrence followed by attention: each output is joined with what it finds among the last ``window`` ones.

    y_t = tanh(W [h_t; c_t] + b), c_t = attention of h_t to h_(t - window + 1), ..., h_t

    >>> layer = AttentiveRecurrent("gru", 3, 8, heads=2, window=16)
    >>> y, state = layer(torch.zeros(2, 7, 3), lengths=torch.tensor([7, 4]))
    >>> y.shape, len(state)
    (torch.Size([2, 7, 8]), 2)

    The recurrence is a :class:`Recurrent` stack of any cell, the attention a :class:`LocalAttention`; the state is the
    pair of theirs, so that the layer may be cut anywhere. ``inputs`` go to the cell. x is [B, T, D], y [B, T, H]. For
    attention to a whole sequence, or to another one, see :class:`Attention`; for one summary of a sequence,
    ``Pooling(["attention"], H)``.

    The joined output: Luong et al., 2015 (arXiv:1508.04025); attention of a network to its own past: Cheng et al., 2016
    (arXiv:1601.06733).
    """

    def __init__(
        self,
        cell: str | Cell,
        inputs: int,
        hidden: int,
        *,
        layers: int = 1,
        window: int = 128,
        heads: int = 4,
        rotary: bool = True,
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.recurrence = Recurrent(cell, inputs, hidden, layers=layers)
        self.width = self.recurrence.width
        self.attention = LocalAttention(self.width, heads=heads, window=window, rotary=rotary)
        self.join = nn.Linear(2 * self.width, self.width)

    def forward(
        self,
        x: Tensor | Sequences,
        state: tuple[tuple[State, ...], State] | None = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
        inputs: Mapping[str, Tensor] | None = None,
    ) -> tuple[Tensor, tuple[tuple[State, ...], State]]:
        """x [B, T, D] to y [B, T, H] and the last states of the recurrence and of the attention."""
        steps = Steps.of("AttentiveRecurrent", x, self.inputs, lengths, reset)
        if state is not None and (not isinstance(state, tuple | list) or len(state) != 2):
            raise ShapeError(
                "AttentiveRecurrent wanted a pair of states, of its recurrence and of its attention; pass what the "
                "layer returned"
            )
        before: Any = (None, None) if state is None else state
        y, memory = self.recurrence(alike(steps.x, self.recurrence), before[0], inputs=inputs, **steps.call)
        context, seen = self.attention(y, before[1], **steps.call)
        return steps.closed(torch.tanh(self.join(torch.cat([y, context], dim=-1)))), (memory, seen)
