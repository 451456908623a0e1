"""The primitive that all recurrent layers are made of."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ostinato.cells import Cell, find
from ostinato.errors import EngineError
from ostinato.ops import library, reference
from ostinato.ops.backend import choose, named_engine, wished_engine
from ostinato.ops.call import Call, checked_call, hidden_of, shown_of, zero_state
from ostinato.ops.noise import Noise, extras_of
from ostinato.ops.operator import name_of, served, traced
from ostinato.ops.watching import mapped, watched
from ostinato.state import State


def recur(
    cell: str | Cell,
    x: Tensor,
    weights: Mapping[str, Tensor],
    state: State | None = None,
    lengths: Tensor | None = None,
    reset: Tensor | None = None,
    *,
    inputs: Mapping[str, Tensor] | None = None,
    noise: Noise | None = None,
    reverse: bool = False,
    engine: str | None = None,
) -> tuple[Tensor, State]:
    """Run a cell through time: the one primitive that all recurrent layers are made of.

    >>> import torch
    >>> weights = {"W": torch.eye(2), "b": torch.zeros(2), "R": torch.zeros(2, 2)}
    >>> y, state = recur("elman_relu", torch.tensor([[[1., 2.], [3., -4.]]]), weights)
    >>> y.tolist(), state.h.tolist()
    ([[[1.0, 2.0], [3.0, 0.0]]], [[3.0, 0.0]])

    x is [B, T, D], ``weights`` as :meth:`Cell.shapes` says, each part of ``state`` [B, H] (zeros if None), ``lengths``
    [B] whole numbers, ``reset`` [B, T] bools. Returns y [B, T, H] and the state after the last step. ``inputs`` are
    what the cell declares besides x, [B, T] or [B, T, H] each; ``noise`` is one record of masks, and without it each
    mask's mean stands.

    y is 0 past each length, the state is the one after the last valid step, and length 0 returns the initial state.
    Where ``reset`` holds, that step starts from the zero state and no gradient crosses. With ``reverse`` the steps run
    from the last valid one to the first, y stays in the order of x, and a reset zeroes the state after its step.
    """
    cell = find(cell)
    if noise is not None and noise.x is not None:
        x = x * noise.x
    y, last = _run(cell, x, weights, state, lengths, reset, inputs, noise, reverse, engine)
    return (y if noise is None or noise.y is None else y * noise.y), last


def _run(
    cell: Cell,
    x: Tensor,
    weights: Mapping[str, Tensor],
    state: State | None,
    lengths: Tensor | None,
    reset: Tensor | None,
    inputs: Mapping[str, Tensor] | None,
    noise: Noise | None,
    reverse: bool,
    engine: str | None,
) -> tuple[Tensor, State]:
    if watched():
        seen = _seen(cell, x, weights, state, lengths, reset, inputs, noise, reverse, engine)
        if seen is not None:
            return seen
    if mapped() and (engine or wished_engine()) != reference.NAME:
        raise EngineError(
            "torch.vmap cannot map over a recurrence: the batch is its own dimension already; put what is mapped over "
            "into the batch, or ask for engine='reference'"
        )
    call = checked_call(cell, x, weights, state, lengths, reset, reverse, inputs, noise)
    chosen = choose(call, engine)
    return named_engine(chosen.engine).run(call)


def _seen(
    cell: Cell,
    x: Tensor,
    weights: Mapping[str, Tensor],
    state: State | None,
    lengths: Tensor | None,
    reset: Tensor | None,
    inputs: Mapping[str, Tensor] | None,
    noise: Noise | None,
    reverse: bool,
    engine: str | None,
) -> tuple[Tensor, State] | None:
    """The call as those who look on may see it: one operator, or what it is made of; None when it may just be run."""
    name = name_of(cell)
    compiling = torch.compiler.is_compiling()
    if name is None and not compiling:
        return None
    hidden, shown = hidden_of(cell, weights), shown_of(cell, weights)
    if state is None:
        state = zero_state(cell, x.shape[0], hidden, like=x, shown=shown)
    extras = extras_of(cell, x, hidden, hidden if shown is None else shown, inputs, noise)
    call = Call(cell, x, weights, state, lengths, reset, reverse, extras)
    # No kernel has the gradient of what comes in besides x.
    wanting = torch.is_grad_enabled() and any(extra.requires_grad for extra in extras.values())
    if name is not None and not wanting and served(name, x.device.type, str(x.dtype), engine):
        return traced(name, call)
    if not compiling:
        return None
    # Values cannot be checked in a graph; torch.compile reads the loop, or leaves its own layer as it is.
    return library.run(call) if x.device.type != "cpu" and library.refusal(call) is None else reference.run(call)
