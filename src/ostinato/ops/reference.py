"""The truth: a loop over time that anyone can read. Every other engine must agree with it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from ostinato.cells import Cell, Gates
from ostinato.ops.call import Call
from ostinato.sequence import valid_steps
from ostinato.state import State, map_state

NAME = "reference"


def refusal(call: Call) -> str | None:
    """The reference serves every call."""
    return None


def run(call: Call) -> tuple[Tensor, State]:
    """y [B, T, H] and the state after the last valid step, one step at a time.

    Works in any floating type and is differentiable as often as one likes.
    """
    cell, state = call.cell, call.state
    rows, steps, _ = call.x.shape
    valid = None if call.lengths is None else valid_steps(call.lengths, steps)[..., None]  # [B, T, 1]
    # What stands in the padding never matters, a reset neither.
    reset = call.reset if valid is None or call.reset is None else call.reset & valid[..., 0]
    x = call.x if valid is None else torch.where(valid, call.x, 0.0)
    given = functional.linear(x, call.weights["W"], call.weights["b"])  # [B, T, G H]
    named = _named(cell, call.weights)
    outputs: list[Tensor] = []
    for t in reversed(range(steps)) if call.reverse else range(steps):
        if reset is not None and not call.reverse:
            state = _zeroed(state, reset[:, t])
        new = cell(_split(cell, given[:, t]), _recurrent(cell, call.weights, state), state, named)
        shown = new[cell.output]
        if valid is not None:
            shown = torch.where(valid[:, t], shown, 0.0)
            new = _chosen(valid[:, t], new, state)
        outputs.append(shown)
        state = new
        if reset is not None and call.reverse:
            state = _zeroed(state, reset[:, t])
    if call.reverse:
        outputs.reverse()
    y = torch.stack(outputs, dim=1) if outputs else call.x.new_zeros(rows, 0, call.hidden)
    return y, state


def _named(cell: Cell, weights: Mapping[str, Tensor]) -> Gates:
    """What the cell's function knows as ``p``."""
    learned = {name: weights[name] for name in (*cell.parameters, *cell.matrices)}
    return Gates(**learned, **cell.constants)


def _split(cell: Cell, joined: Tensor) -> Gates:
    """[B, G H] as one [B, H] for each gate."""
    return Gates(**dict(zip(cell.gates, joined.chunk(len(cell.gates), dim=-1), strict=True)))


def _recurrent(cell: Cell, weights: Mapping[str, Tensor], state: State) -> Gates | None:
    """The state's share of each gate: R h + br."""
    if cell.recurrent == "none":
        return None
    shown = state[cell.output]
    if cell.recurrent == "diagonal":
        joined = weights["R"] * shown.repeat(1, len(cell.gates))
        if "br" in weights:
            joined = joined + weights["br"]
    else:
        joined = functional.linear(shown, weights["R"], weights.get("br"))
    return _split(cell, joined)


def _zeroed(state: State, reset: Tensor) -> State:
    """Zeros in the rows [B] that start anew; selected, because 0 * NaN is NaN."""
    return State(**{part: torch.where(reset[:, None], 0.0, value) for part, value in state.items()})


def _chosen(valid: Tensor, new: State, old: State) -> State:
    """The new state in the rows where the step is valid [B, 1], the old one elsewhere."""
    chosen: State = map_state(lambda n, o: torch.where(valid, n, o), new, old)
    return chosen
