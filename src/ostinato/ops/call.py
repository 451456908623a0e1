"""One call of the recurrent primitive, checked: what every engine is handed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ostinato.cells import Cell
from ostinato.errors import OptionError, ShapeError, nearest
from ostinato.ops.noise import Noise, extras_of
from ostinato.sequence import check_lengths, check_reset
from ostinato.shapes import expect_shape
from ostinato.state import State


@dataclass(frozen=True)
class Call:
    """The arguments of :func:`~ostinato.ops.recur` after they were checked; the state is filled in.

    ``extras`` is what comes in at each step besides x, inputs and noise alike: [B, T, H] each.
    """

    cell: Cell
    x: Tensor
    weights: Mapping[str, Tensor]
    state: State
    lengths: Tensor | None
    reset: Tensor | None
    reverse: bool
    extras: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def hidden(self) -> int:
        """The width H of the state."""
        return hidden_of(self.cell, self.weights)

    @property
    def shown(self) -> int:
        """The width of the part of the state that is shown: H, or P where the cell projects it."""
        return int(self.state[self.cell.output].shape[-1])


def checked_call(
    cell: Cell,
    x: Tensor,
    weights: Mapping[str, Tensor],
    state: State | None,
    lengths: Tensor | None,
    reset: Tensor | None,
    reverse: bool,
    inputs: Mapping[str, Tensor] | None = None,
    noise: Noise | None = None,
) -> Call:
    """Check the arguments of one call against the cell's declaration."""
    if x.dim() != 3:
        raise ShapeError(f"x wanted [B, T, D], got {list(x.shape)}; put the batch first and add it if there is none")
    rows, steps, _ = x.shape
    hidden = _known_width(cell, x, weights, state)
    check_lengths(lengths, rows, steps)
    check_reset(reset, rows, steps)
    for what, tensor in (("lengths", lengths), ("reset", reset)):
        if tensor is not None and tensor.device != x.device:
            raise ShapeError(f"{what} wanted the device of x, {x.device}, got {tensor.device}")
    shown = shown_of(cell, weights)
    if state is None:
        state = zero_state(cell, rows, hidden, like=x, shown=shown)
    if not cell.inputs and not cell.noise and not inputs and noise is None:
        return Call(cell, x, weights, state, lengths, reset, reverse)
    extras = extras_of(cell, x, hidden, hidden if shown is None else shown, inputs, noise)
    return Call(cell, x, weights, state, lengths, reset, reverse, extras)


def hidden_of(cell: Cell, weights: Mapping[str, Tensor]) -> int:
    """The width H that weights are made for."""
    return int(weights["W"].shape[0]) // len(cell.gates)


def shown_of(cell: Cell, weights: Mapping[str, Tensor]) -> int | None:
    """The width of a projected shown part that weights are made for; None where the cell does not project it."""
    return None if cell.projected is None else int(weights[cell.projected].shape[0])


# Kinds of x, weights and state that were found to fit, and their width H: a short sequence should not wait for checks.
_fitting: dict[Hashable, int] = {}
_MOST_REMEMBERED = 1024


def _known_width(cell: Cell, x: Tensor, weights: Mapping[str, Tensor], state: State | None) -> int:
    """The width H of weights and a state that fit x, checked the first time that such a set comes."""
    known_kind = state is None or isinstance(state, State)
    kinds: list[Hashable] = [cell, x.shape[0], x.shape[2], x.dtype, x.device, known_kind]
    for name, weight in weights.items():
        kinds += (name, weight.shape, weight.dtype, weight.device)
    if isinstance(state, State):
        for name, part in state.items():
            kinds += (name, part.shape, part.dtype, part.device)
    known = tuple(kinds)
    hidden = _fitting.get(known)
    if hidden is None:
        if not x.is_floating_point():
            raise ShapeError(f"x wanted floating-point numbers, got {x.dtype}; embed ids first")
        hidden = _check_weights(cell, x, weights, x.shape[2])
        if state is not None:
            _check_state(cell, state, x, x.shape[0], cell.widths(hidden, shown_of(cell, weights)))
        if len(_fitting) >= _MOST_REMEMBERED:
            _fitting.clear()
        _fitting[known] = hidden
    return hidden


def zero_state(cell: Cell, rows: int, hidden: int, *, like: Tensor, shown: int | None = None) -> State:
    """The state before the first step: zeros [B, H] for every part, [B, P] for a shown part that is projected."""
    widths = cell.widths(hidden, shown)
    return State(**{part: torch.zeros(rows, widths[part], dtype=like.dtype, device=like.device) for part in cell.state})


def _check_weights(cell: Cell, x: Tensor, weights: Mapping[str, Tensor], inputs: int) -> int:
    if "W" not in weights:
        raise OptionError(f"weights of {cell.name} wanted 'W' among them, got {', '.join(weights) or 'none'}")
    missing = cell.projected if cell.projected is not None and cell.projected not in weights else None
    if missing is not None:
        raise OptionError(f"{cell.name} wanted the weight '{missing}' [P, H], got {', '.join(weights)}")
    hidden = hidden_of(cell, weights)
    wanted = cell.shapes(inputs, hidden, shown_of(cell, weights))
    for name in weights:
        if name not in wanted:
            raise OptionError(f"{cell.name} has no weight '{name}'; {nearest(name, wanted)}")
    for name, shape in wanted.items():
        if name not in weights:
            raise OptionError(f"{cell.name} wanted the weight '{name}' {list(shape)}, got {', '.join(weights)}")
        built = int(weights["W"].shape[-1])
        advice = f"the weights were made for {built} features" if name == "W" and built != inputs else ""
        expect_shape(f"weight {name} of {cell.name}", weights[name], shape, advice)
        if weights[name].dtype != x.dtype or weights[name].device != x.device:
            raise ShapeError(
                f"weight {name} of {cell.name} wanted {x.dtype} on {x.device} like x, "
                f"got {weights[name].dtype} on {weights[name].device}; convert one of them with .to(...)"
            )
    return hidden


def _check_state(cell: Cell, state: State, x: Tensor, rows: int, widths: Mapping[str, int]) -> None:
    if not isinstance(state, State) or set(state) != set(cell.state):
        came = ", ".join(state) if isinstance(state, State) else type(state).__name__
        raise ShapeError(f"the state of {cell.name} wanted State({', '.join(cell.state)}), got {came}")
    for part in cell.state:
        expect_shape(f"state {part} of {cell.name}", state[part], (rows, widths[part]))
        if state[part].dtype != x.dtype or state[part].device != x.device:
            raise ShapeError(
                f"state {part} of {cell.name} wanted {x.dtype} on {x.device} like x, "
                f"got {state[part].dtype} on {state[part].device}"
            )
