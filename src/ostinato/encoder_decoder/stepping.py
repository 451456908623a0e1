"""A stack of recurrent layers one step at a time, where each step reads what the one before it answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ostinato.cells import Cell, Gates
from ostinato.encoder_decoder.deferred import Deferred
from ostinato.layers import Recurrent
from ostinato.layers.recurrent import Direction
from ostinato.state import State


class Stepping:
    """The steps of one call of a stack: x_t = [word_t; fed_t], of which the words are known beforehand.

    >>> layer = Recurrent("gru", 5, 4)
    >>> steps = Stepping(layer, torch.zeros(2, 7, 3))
    >>> y, state = steps(0, torch.zeros(2, 2), layer.zero_state(2))
    >>> y.shape
    torch.Size([2, 4])

    The product of all words with their part of W is one, before the first step; what is fed and the state share one
    product where the cell only ever adds their shares; and the weights of the loop learn once, after it
    (:class:`~ostinato.encoder_decoder.deferred.Deferred`). Cells whose R is no plain matrix run by their engine.
    """

    def __init__(self, stack: Recurrent, words: Tensor) -> None:
        self.stack, self.words = stack, words
        self.layers = [_layer(directions[0], words if index == 0 else None) for index, directions in _indexed(stack)]

    def __call__(self, t: int, fed: Tensor, state: Sequence[State]) -> tuple[Tensor, tuple[State, ...]]:
        """What the stack shows at step t [B, H], and its state after that."""
        below, after = fed, []
        for index, (step, before) in enumerate(zip(self.layers, state, strict=True)):
            new = step(t, below, before)
            after.append(new)
            shown = new[self.stack.cell.output]
            below = self.stack.dropout(shown) if index + 1 < len(self.layers) else shown
        return below, tuple(after)


def _indexed(stack: Recurrent) -> Any:
    return enumerate(stack.directions())


def _layer(direction: Direction, words: Tensor | None) -> Any:
    cell = direction.cell
    plain = cell.heads == 1 and cell.seen_through is None and not cell.noise and cell.recurrent in ("dense", "none")
    return _Plain(direction, words) if plain else _Called(direction, words)


class _Plain:
    """A layer whose step is a product or two, and the cell's own equations."""

    def __init__(self, direction: Direction, words: Tensor | None) -> None:
        self.cell = cell = direction.cell
        weights = direction.weights()
        W, b = weights["W"], weights["b"]
        known = 0 if words is None else words.shape[2]
        # T times [B, G H]; without words the bias alone.
        self.share = None if words is None else torch.nn.functional.linear(words, W[:, :known], b).unbind(1)
        self.bias = b
        self.named = Gates(**{name: weights[name] for name in (*cell.parameters, *cell.matrices)}, **cell.constants)
        self.seen: Deferred | None = None
        self.extra = weights.get("br")
        self.joined = cell.recurrent == "dense" and self.extra is None and cell.sees == cell.gates and only_adds(cell)
        if self.joined:
            self.product = Deferred(torch.cat([W[:, known:], weights["R"]], 1))
        else:
            self.product = Deferred(W[:, known:])
            self.seen = Deferred(weights["R"]) if cell.recurrent == "dense" else None

    def __call__(self, t: int, below: Tensor, state: State) -> State:
        cell, share = self.cell, self.bias if self.share is None else self.share[t]
        share = share.expand(len(below), -1)
        if self.joined:
            x = self.product(torch.cat([below, state[cell.output]], 1), share)
            return _whole(cell(_split(cell.gates, x), _NOTHING, state, self.named), state)
        x = self.product(below, share)
        u = None
        if self.seen is not None:
            extra = None if self.extra is None else self.extra.expand(len(below), -1)
            u = _split(cell.sees, self.seen(state[cell.output], extra))
        return _whole(cell(_split(cell.gates, x), u, state, self.named), state)


class _Called:
    """A layer that is called as it is, for one step."""

    def __init__(self, direction: Direction, words: Tensor | None) -> None:
        self.direction = direction
        self.words = None if words is None else words.unbind(1)

    def __call__(self, t: int, below: Tensor, state: State) -> State:
        x = below if self.words is None else torch.cat([self.words[t], below], 1)
        return self.direction(x[:, None], state)[1]  # type: ignore[no-any-return]


def _whole(new: State, like: State) -> State:
    """Each part [B, H], also where a cell makes it of a number or of a parameter alone."""
    if all(isinstance(new[part], Tensor) and new[part].shape == like[part].shape for part in like):
        return new
    return State(**{part: torch.zeros_like(like[part]) + new[part] for part in like})


def _split(gates: Sequence[str], joined: Tensor) -> Gates:
    return Gates(**dict(zip(gates, joined.chunk(len(gates), dim=-1), strict=True)))


class _Nothing:
    """The share of a state that was already added."""

    def __getattr__(self, name: str) -> _Nought:
        return _NOUGHT


class _Nought:
    """What changes nothing when it is added, and can be used for nothing else."""

    def __radd__(self, other: Tensor) -> Tensor:
        return other

    def __add__(self, other: Tensor) -> Tensor:
        return other


_NOUGHT = _Nought()
_NOTHING: Any = _Nothing()


def only_adds(cell: Cell) -> bool:
    """Whether the step of a cell sees x and u only as sums of the same gate.

    >>> from ostinato.cells import BUILT_IN
    >>> only_adds(BUILT_IN["lstm"]), only_adds(BUILT_IN["gru"])
    (True, False)
    """
    known = _known.get(cell)
    if known is None:
        known = _known[cell] = _tried(cell)
    return known


_known: dict[Cell, bool] = {}


def _tried(cell: Cell) -> bool:
    """Computed twice, once with the sums in the place of x alone; a cell that wants more of u cannot."""
    generator = torch.Generator().manual_seed(0)

    def some() -> Tensor:
        return torch.randn(2, 3, generator=generator, dtype=torch.float64)

    x, u = ({gate: some() for gate in cell.gates} for _ in range(2))
    state = State(**{part: some() for part in cell.state})
    learned = {name: torch.ones(3, dtype=torch.float64) for name in cell.parameters}
    learned |= {name: torch.eye(3, dtype=torch.float64) for name in cell.matrices}
    named = Gates(**learned, **cell.constants)
    sums = Gates(**{gate: x[gate] + u[gate] for gate in cell.gates})
    try:
        joined = cell(sums, _NOTHING, state, named)
    except TypeError:
        return False
    apart = cell(Gates(**x), Gates(**u), state, named)
    return all(bool(torch.all(torch.as_tensor(joined[part] == apart[part]))) for part in cell.state)
