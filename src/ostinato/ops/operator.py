"""The fused engine as one operator of torch.library, for those who look on: torch.compile keeps it whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ostinato.cells import BUILT_IN, Cell
from ostinato.compiling import kernel_expected, kernel_of
from ostinato.errors import OptionError
from ostinato.lowering import lowered
from ostinato.ops import cpu, fused
from ostinato.ops.backend import wished_engine
from ostinato.ops.call import Call, checked_call
from ostinato.state import State

# Compiled graphs know cells by name: they outlive the process as text.
CELLS: dict[str, Cell] = dict(BUILT_IN)


def register(cell: Cell) -> None:
    """Make a cell known to compiled graphs; layers do it when they are built."""
    if all(known is not cell for known in CELLS.values()):
        names = (f"{cell.name}.{number}" for number in range(len(CELLS) + 1))
        CELLS[next(name for name in names if name not in CELLS)] = cell


def name_of(cell: Cell) -> str | None:
    """The name under which compiled graphs know a cell, or None for one that nobody registered."""
    for name, known in CELLS.items():
        if known is cell:
            return name
    return None


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator, unused-ignore]
def served(name: str, device: str, dtype: str, engine: str | None) -> bool:
    """Whether the operator serves such calls; while torch.compile traces, nothing is compiled to find out."""
    asked = engine or wished_engine() or cpu.NAME
    autocast = torch.is_autocast_enabled("cpu")
    if asked != cpu.NAME or device != "cpu" or dtype not in ("torch.float32", "torch.float64") or autocast:
        return False
    return kernel_expected(CELLS[name], dtype)


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator, unused-ignore]
def as_written(name: str) -> str:
    """A registered cell's name and the begin of its digest: compilers keep graphs by it, and equations may change."""
    return f"{name}:{lowered(CELLS[name]).digest[:16]}"


def cell_of(written: str) -> Cell:
    """The cell that a graph means.

    >>> cell_of("gru").name
    'gru'

    Raises :class:`~ostinato.errors.OptionError` for one that nobody registered, or that had other equations then.
    """
    name, _, digest = written.partition(":")
    if name not in CELLS:
        raise OptionError(f"a compiled graph wanted the cell '{name}', which nobody registered here; build its layer")
    if digest and written != as_written(name):
        raise OptionError(f"a compiled graph was made with other equations of the cell '{name}'; compile it again")
    return CELLS[name]


def traced(name: str, call: Call) -> tuple[Tensor, State]:
    """What the fused engine computes, as one operator."""
    cell, w = call.cell, call.weights
    weights = [w[part] for part in cell.shapes(call.x.shape[-1], call.hidden)]
    state = [call.state[part] for part in cell.state]
    keeping = torch.is_grad_enabled()
    given = list(call.extras.values())
    fixed = (as_written(name), call.reverse, keeping)
    y, _, *end = torch.ops.ostinato.recur(call.x, weights, state, given, call.lengths, call.reset, *fixed)
    return y, State(**dict(zip(cell.state, end, strict=True)))


@torch.library.custom_op("ostinato::recur", mutates_args=())
def recur_operator(
    x: Tensor,
    weights: list[Tensor],
    state: list[Tensor],
    given: list[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    cell: str,
    reverse: bool,
    keeping: bool,
) -> list[Tensor]:
    """y, what the way back needs, and the parts of the last state."""
    call = _call(x, weights, state, given, lengths, reset, cell, reverse)
    keep = x.new_empty(_room(call.cell, x, call.hidden, keeping))
    kernel = kernel_of(call.cell, x.dtype)
    y, end = fused.forward(kernel, *cpu.arguments(call), keep if keeping else None)
    return [y.contiguous(), keep, *end]


@recur_operator.register_fake
def _(x, weights, state, given, lengths, reset, cell, reverse, keeping):  # type: ignore[no-untyped-def]
    known = cell_of(cell)
    y = x.new_empty(x.shape[0], x.shape[1], state[known.state.index(known.output)].shape[1])
    keep = x.new_empty(_room(known, x, weights[0].shape[0] // len(known.gates), keeping))
    return [y, keep, *(part.new_empty(part.shape) for part in state)]


@torch.library.custom_op("ostinato::recur_back", mutates_args=())
def back_operator(
    x: Tensor,
    weights: list[Tensor],
    state: list[Tensor],
    given: list[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    y: Tensor,
    keep: Tensor,
    dy: Tensor,
    dend: list[Tensor],
    cell: str,
    reverse: bool,
) -> list[Tensor]:
    """The gradients of x, the weights and the state."""
    call = _call(x, weights, state, given, lengths, reset, cell, reverse)
    kernel = kernel_of(call.cell, x.dtype)
    arguments = cpu.arguments(call)
    wanted = [True] * (5 + len(arguments.parameters) + len(arguments.matrices) + len(state))
    found = fused.backward(kernel, *arguments, y, keep, dy, dend, wanted)
    return [grad.contiguous() for grad in cpu.by_weight(call, found)]


@back_operator.register_fake
def _(x, weights, state, given, lengths, reset, y, keep, dy, dend, cell, reverse):  # type: ignore[no-untyped-def]
    return [tensor.new_empty(tensor.shape) for tensor in (x, *weights, *state)]


def _set_up(ctx: Any, inputs: Any, output: Any) -> None:
    x, weights, state, given, lengths, reset, cell, reverse, _ = inputs
    ctx.fixed, ctx.counts = (cell, reverse), (len(weights), len(state))
    ctx.save_for_backward(lengths, reset, output[0], output[1], x, *weights, *state, *given)


def _differentiate(ctx: Any, grads: Sequence[Tensor | None]) -> Any:
    lengths, reset, y, keep, x, *rest = ctx.saved_tensors
    first, last = ctx.counts[0], sum(ctx.counts)
    weights, state, given = rest[:first], rest[first:last], rest[last:]
    dy = torch.zeros_like(y) if grads[0] is None else grads[0]
    dend = [torch.zeros_like(part) if d is None else d for part, d in zip(state, grads[2:], strict=True)]
    dx, *found = torch.ops.ostinato.recur_back(x, weights, state, given, lengths, reset, y, keep, dy, dend, *ctx.fixed)
    # A list wants a list back, though no gradient reaches what is given.
    return (dx, found[:first], found[first:], [None] * len(given), *[None] * 5)


recur_operator.register_autograd(_differentiate, setup_context=_set_up)

# The widest vector of any CPU target has so many lanes.
_LANES = 16


def _room(cell: Cell, x: Tensor, hidden: int, keeping: bool) -> int:
    """Numbers that the way back may need, on any CPU target: it must be known before anything is compiled."""
    padded = (hidden + _LANES - 1) // _LANES * _LANES
    step = lowered(cell)
    for_rows = (step.derivation.keep_rows + _LANES - 1) // _LANES * _LANES
    return x.shape[0] * x.shape[1] * (padded * step.keep + for_rows) if keeping else 0


def _call(
    x: Tensor,
    weights: Sequence[Tensor],
    state: Sequence[Tensor],
    given: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    written: str,
    reverse: bool,
) -> Call:
    cell = cell_of(written)
    hidden = weights[0].shape[0] // len(cell.gates)
    parts = State(**dict(zip(cell.state, state, strict=True)))
    named = dict(zip(cell.shapes(x.shape[-1], hidden), weights, strict=True))
    call = checked_call(replace(cell, inputs=(), noise={}), x, named, parts, lengths, reset, reverse)
    return replace(call, cell=cell, extras=dict(zip((*cell.inputs, *cell.noise), given, strict=True)))
