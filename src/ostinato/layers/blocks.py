"""Residual blocks in which recurrence and local attention take turns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from torch import Tensor, nn
from torch.nn import functional

from ostinato.cells import Cell
from ostinato.errors import OptionError, ShapeError, nearest
from ostinato.layers.convolution import Convolution
from ostinato.layers.dropout import Dropout
from ostinato.layers.local_attention import LocalAttention
from ostinato.layers.recurrent import Recurrent
from ostinato.layers.steps import Steps, alike, check_told, positive, takes
from ostinato.sequence import Sequences

# The letters of a pattern.
MIXINGS = {"r": "recurrence", "a": "local attention"}


class GatedRecurrence(nn.Module):
    """A recurrence behind a short causal convolution, with a gate that sees the input only.

    y = V (gelu(G x) * recurrence(convolution(U x)))

    >>> import torch
    >>> y, state = GatedRecurrence(8, "gru", 6)(torch.zeros(2, 7, 8))
    >>> y.shape, len(state)
    (torch.Size([2, 7, 8]), 2)

    x and y are [B, T, D]; the state is the pair of the convolution's and the recurrence's. De et al., 2024
    (arXiv:2402.19427).
    """

    def __init__(self, inputs: int, cell: str | Cell, hidden: int, *, width: int = 4) -> None:
        super().__init__()
        self.inputs = positive("inputs", inputs)
        self.recurrence = Recurrent(cell, positive("hidden", hidden), hidden)
        self.enter = nn.Linear(inputs, hidden)
        self.convolution = Convolution(hidden, hidden, width, groups=hidden)
        self.gate = nn.Linear(inputs, self.recurrence.width)
        self.out = nn.Linear(self.recurrence.width, inputs)

    def forward(
        self,
        x: Tensor | Sequences,
        state: Any = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
        inputs: Mapping[str, Tensor] | None = None,
    ) -> tuple[Tensor, Any]:
        """x [B, T, D] to y [B, T, D] and the last states."""
        steps = Steps.of("GatedRecurrence", x, self.inputs, lengths, reset)
        if state is not None and (not isinstance(state, tuple | list) or len(state) != 2):
            raise ShapeError("GatedRecurrence wanted a pair of states; pass what the layer returned")
        before = (None, None) if state is None else state
        seen, past = self.convolution(self.enter(steps.x), before[0], **steps.call)
        y, memory = self.recurrence(alike(seen, self.recurrence), before[1], inputs=inputs, **steps.call)
        return steps.closed(self.out(functional.gelu(self.gate(steps.x)) * y)), (past, memory)


class Block(nn.Module):
    """One residual block: mixes steps, then mixes features.

    a = x + mixing(norm(x)), y = a + V (gelu(G norm(a)) * U norm(a))

    ``mixing`` is a layer over time of one width; the norms divide by the root of the mean square (Zhang & Sennrich,
    2019, arXiv:1910.07467). ``dropout`` acts on both branches.
    """

    def __init__(self, mixing: nn.Module, inputs: int, *, expansion: int = 3, dropout: float = 0.0) -> None:
        super().__init__()
        wide = positive("expansion", expansion) * inputs
        self.mixing, self.dropout = mixing, Dropout(dropout)
        self.norms = nn.ModuleList(nn.RMSNorm(inputs, eps=1e-6) for _ in range(2))
        self.gate, self.enter, self.out = nn.Linear(inputs, wide), nn.Linear(inputs, wide), nn.Linear(wide, inputs)

    def forward(
        self,
        x: Tensor | Sequences,
        state: Any = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
        inputs: Mapping[str, Tensor] | None = None,
    ) -> tuple[Tensor, Any]:
        """x [B, T, D] to y [B, T, D] and the state of the mixing."""
        steps = Steps.of("Block", x, self.gate.in_features, lengths, reset)
        check_told("Block", inputs, [self.mixing])
        told = {"inputs": inputs} if takes("inputs", self.mixing) else {}
        mixed, last = self.mixing(self.norms[0](steps.x), state, **steps.call, **told)
        between = steps.x + self.dropout(mixed)
        normed = self.norms[1](between)
        wide = functional.gelu(self.gate(normed)) * self.enter(normed)
        return steps.closed(between + self.dropout(self.out(wide))), last


class Blocks(nn.Module):
    """Alternating blocks of recurrence and of local attention: Griffin's pattern, with any cell.

    >>> import torch
    >>> layer = Blocks(8, "rra", cell="lstm", window=16, heads=2)
    >>> y, state = layer(torch.zeros(2, 7, 8), lengths=torch.tensor([7, 4]))
    >>> y.shape, len(state)
    (torch.Size([2, 7, 8]), 3)

    ``pattern`` has a letter for each block: ``r`` a :class:`GatedRecurrence` of ``cell`` (a name or your own ``@cell``)
    and width ``hidden`` (that of the layer unless given) behind a convolution over ``convolution`` steps; ``a`` a
    :class:`LocalAttention` with ``heads`` over ``window`` steps. ``expansion`` is how many times wider the features
    are between the two linear maps of a block, ``dropout`` acts on what each block adds. A norm closes the stack.

    x and y are [B, T, width]. The state is a tuple with one entry for each block; the layer may be cut anywhere, and a
    reset hides everything before it from recurrence, convolution and attention alike. An option for a kind of block
    that the pattern has not raises :class:`~ostinato.errors.OptionError`. ``inputs`` go to the cells of all
    recurrences.

    De et al., 2024 (arXiv:2402.19427).
    """

    def __init__(
        self,
        width: int,
        pattern: str = "rra",
        *,
        cell: str | Cell | None = None,
        hidden: int | None = None,
        convolution: int | None = None,
        window: int | None = None,
        heads: int | None = None,
        expansion: int = 3,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.width, self.pattern = positive("width", width), _checked_pattern(pattern)
        _check_used("r", pattern, cell=cell, hidden=hidden, convolution=convolution)
        _check_used("a", pattern, window=window, heads=heads)
        blocks = []
        for letter in pattern:
            mixing: nn.Module
            if letter == "r":
                cells = "gru" if cell is None else cell
                mixing = GatedRecurrence(width, cells, _or(hidden, width), width=_or(convolution, 4))
            else:
                mixing = LocalAttention(width, heads=_or(heads, 4), window=_or(window, 128))
            blocks.append(Block(mixing, width, expansion=expansion, dropout=dropout))
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.RMSNorm(width, eps=1e-6)

    def forward(
        self,
        x: Tensor | Sequences,
        state: Any = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
        inputs: Mapping[str, Tensor] | None = None,
    ) -> tuple[Tensor, tuple[Any, ...]]:
        """x [B, T, width] to y [B, T, width] and the last states of all blocks."""
        steps = Steps.of("Blocks", x, self.width, lengths, reset)
        if state is not None and (not isinstance(state, tuple | list) or len(state) != len(self.blocks)):
            came = str(len(state)) if isinstance(state, tuple | list) else f"one {type(state).__name__}"
            raise ShapeError(
                f"Blocks wanted a tuple of {len(self.blocks)} states, got {came}; pass what the layer returned"
            )
        check_told("Blocks", inputs, [cast("Block", block).mixing for block in self.blocks])
        y, last = steps.x, []
        for block, before in zip(self.blocks, state or [None] * len(self.blocks), strict=True):
            told = inputs if takes("inputs", cast("Block", block).mixing) else None
            y, end = block(y, before, inputs=told, **steps.call)
            last.append(end)
        return steps.closed(self.norm(y)), tuple(last)

    def extra_repr(self) -> str:
        """What stands in the brackets of the printed module."""
        return f"{self.width}, '{self.pattern}'"


def _checked_pattern(pattern: Any) -> str:
    if not isinstance(pattern, str) or not pattern:
        raise OptionError(f"pattern wanted letters such as 'rra', got {pattern!r}")
    for letter in pattern:
        if letter not in MIXINGS:
            raise OptionError(f"pattern got the letter '{letter}'; {nearest(letter, MIXINGS)}")
    return pattern


def _check_used(letter: str, pattern: str, **options: Any) -> None:
    """Refuse options of a kind of block that is not there."""
    for name, value in options.items():
        if value is not None and letter not in pattern:
            raise OptionError(
                f"{name} belongs to blocks of {MIXINGS[letter]} ('{letter}'), and the pattern '{pattern}' has none; "
                "leave it out"
            )


def _or(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value
