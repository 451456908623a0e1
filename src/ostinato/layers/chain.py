"""Layers one after another, as one layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ostinato.errors import OptionError, ShapeError
from ostinato.layers.steps import Steps, alike, check_told, takes
from ostinato.sequence import Sequences


class Chain(nn.Module):
    """Runs layers one after another: a convolution before a recurrence, say.

    >>> import torch
    >>> from ostinato.layers import Convolution, Recurrent
    >>> layer = Chain(Convolution(3, 8, 4), nn.GELU(), Recurrent("gru", 8, 5))
    >>> y, state = layer(torch.zeros(2, 7, 3), lengths=torch.tensor([7, 4]))
    >>> y.shape, len(state)
    (torch.Size([2, 7, 5]), 2)

    A member whose ``forward`` takes ``lengths`` is a layer over time: it is called with ``(x, state)``, lengths and
    resets, and with ``inputs`` where it takes them. Any other module sees x alone and must treat each step by itself.
    The state is a tuple with one entry for each layer over time. Activations, norms and linear maps may stand in
    between; y is 0 past each length all the same.
    """

    def __init__(self, *members: nn.Module) -> None:
        super().__init__()
        for member in members:
            if not isinstance(member, nn.Module):
                raise OptionError(f"a Chain wanted modules, got {type(member).__name__}")
        self.timed = tuple(takes("lengths", member) for member in members)
        if not any(self.timed):
            raise OptionError(f"a Chain wanted at least one layer over time, got none among {len(members)} members")
        self.members = nn.ModuleList(members)

    def forward(
        self,
        x: Tensor | Sequences,
        state: Any = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
        inputs: Mapping[str, Tensor] | None = None,
    ) -> tuple[Tensor, tuple[Any, ...]]:
        """x [B, T, D] to the last member's y and the states of all layers over time."""
        wanted = sum(self.timed)
        if state is not None and (not isinstance(state, tuple | list) or len(state) != wanted):
            came = str(len(state)) if isinstance(state, tuple | list) else f"one {type(state).__name__}"
            raise ShapeError(f"Chain wanted a tuple of {wanted} states, got {came}; pass what the layer returned")
        # A member that knows no lengths must not meet what stands in the padding.
        steps = Steps.of("Chain", x, None, lengths, reset)
        y, last = steps.x, []
        check_told("Chain", inputs, self.members)
        given = iter([None] * wanted if state is None else state)
        for member, timed in zip(self.members, self.timed, strict=True):
            if timed:
                call = steps.call | ({"inputs": inputs} if takes("inputs", member) else {})
                y, end = member(alike(y, member), next(given), **call)
                last.append(end)
            else:
                y = member(y)
        return steps.closed(y), tuple(last)
