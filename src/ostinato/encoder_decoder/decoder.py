"""The half that writes: a recurrence that begins from what was read, looks at it, and shows what it would say next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ostinato.cells import Cell, find
from ostinato.encoder_decoder.deferred import Deferred
from ostinato.encoder_decoder.looking import Looking, Read
from ostinato.encoder_decoder.stepping import Stepping
from ostinato.layers import Dropout, Recurrent
from ostinato.state import State

# Parts of a state that scale others start as their cell starts them.
_SCALES = ("n", "m")


class Bridge(nn.Module):
    """The state that a decoder begins from, made of the states that an encoder ended in.

    Each part is a linear map of the same part of both directions of the encoder's layer at its height, or of what that
    layer showed where it has no such part; what the decoder shows is squashed by tanh.
    """

    def __init__(self, encoder: Recurrent, decoder: Recurrent) -> None:
        super().__init__()
        self.ways = 2 if encoder.bidirectional else 1
        self.cell, self.read = decoder.cell, encoder.cell
        above = encoder.directions()
        self.heights = [min(k, len(above) - 1) for k in range(len(decoder.layers))]
        self.maps = nn.ModuleList()
        for k, [direction] in zip(self.heights, decoder.directions(), strict=True):
            shown = direction.width if self.cell.projected is not None else None
            wide = self.cell.widths(direction.hidden, shown)
            wanted = [part for part in self.cell.state if part not in _SCALES]
            self.maps.append(
                nn.ModuleDict({part: nn.Linear(self._width(above[k], part), wide[part]) for part in wanted})
            )

    def _source(self, part: str) -> str:
        return part if part in self.read.state else self.read.output

    def _width(self, directions: Sequence[Any], part: str) -> int:
        of = self._source(part)
        total = 0
        for each in directions:
            shown = each.width if self.read.projected is not None else None
            total += self.read.widths(each.hidden, shown)[of]
        return total

    def forward(self, ends: Sequence[State], zero: Sequence[State]) -> tuple[State, ...]:
        """The states of the decoder's layers from the last ones of the encoder's; ``zero`` has what is not mapped."""
        made = []
        for k, maps, empty in zip(self.heights, self.maps, zero, strict=True):
            beside = ends[k * self.ways : (k + 1) * self.ways]
            parts = dict(empty.items())
            for part, linear in maps.items():  # type: ignore[operator]
                value = linear(torch.cat([end[self._source(part)] for end in beside], 1))
                parts[part] = torch.tanh(value) if part == self.cell.output else value
            made.append(State(**parts))
        return tuple(made)


class Decoder(nn.Module):
    """A stack of any cell that answers word after word, with or without a look at what was read.

    At each step the vector a_t = tanh(W [c_t; h_t] + b) of width ``answer`` is what words are chosen by; c_t is the
    mean of what was read under the weights of h_t (Luong et al., 2015, arXiv:1508.04025). With ``feeding`` the step
    also reads a_(t-1), and the stack runs step by step; without it one call of the stack serves all steps.
    """

    def __init__(
        self,
        cell: str | Cell,
        words: int,
        hidden: int,
        *,
        layers: int = 1,
        read: int,
        answer: int,
        attention: str = "dot",
        feeding: bool = False,
        dropout: float = 0.0,
        timescale: float | None = None,
    ) -> None:
        super().__init__()
        between = dropout if layers > 1 else 0.0
        self.feeding, self.answer = feeding, answer
        inputs = words + (answer if feeding else 0)
        self.stack = Recurrent(find(cell), inputs, hidden, layers=layers, dropout=between, timescale=timescale)
        width = self.stack.width
        self.look = None if attention == "none" else Looking(attention, queries=width, keys=read)
        self.join = nn.Linear(width + (read if self.look is not None else 0), answer)
        self.dropout = Dropout(dropout)

    def forward(
        self, words: Tensor, read: Read | None, state: Sequence[State], lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """Answers [B, T, A] to known words [B, T, E], the weights [B, T, S], and what the stack showed [B, T, H]."""
        if self.feeding:
            return self._stepped(words, read, state)
        y, _ = self.stack(words, tuple(state), lengths=lengths)
        if self.look is None or read is None:
            return self.dropout(torch.tanh(self.join(y))), None, y
        context, weights = self.look(y, read)
        return self.dropout(torch.tanh(self.join(torch.cat([context, y], -1)))), weights, y

    def step(
        self, words: Tensor, read: Read | None, state: tuple[Any, Tensor]
    ) -> tuple[Tensor, Tensor | None, tuple[Any, Tensor]]:
        """One step: the answer [B, A] to words [B, E], the weights [B, S], and the state with that answer."""
        before, fed = state
        x = torch.cat([words, fed], 1) if self.feeding else words
        y, after = self.stack(x[:, None], before)
        if self.look is None or read is None:
            answer: Tensor = torch.tanh(self.join(y[:, 0]))
            return answer, None, (after, answer if self.feeding else fed)
        context, weights = self.look(y, read)
        answer = torch.tanh(self.join(torch.cat([context, y], -1)))[:, 0]
        return answer, weights[:, 0], (after, answer if self.feeding else fed)

    def _stepped(
        self, words: Tensor, read: Read | None, state: Sequence[State]
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """The same as calling step after step, with the products of the loop made ready before it."""
        steps = Stepping(self.stack, words)
        join, bias = Deferred(self.join.weight), self.join.bias.expand(len(words), -1)
        fed = words.new_zeros(len(words), self.answer)
        answers, weights, shown = [], [], []
        for t in range(words.shape[1]):
            y, state = steps(t, fed, state)
            seen = y
            if self.look is not None and read is not None:
                context, weight = self.look(y[:, None], read)
                weights.append(weight)
                seen = torch.cat([context[:, 0], y], 1)
            # What is fed is what words are chosen by, its dropout included.
            fed = self.dropout(torch.tanh(join(seen, bias)))
            answers.append(fed)
            shown.append(y)
        return torch.stack(answers, 1), torch.cat(weights, 1) if weights else None, torch.stack(shown, 1)
