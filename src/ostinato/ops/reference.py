"""The truth: a loop over time that anyone can read. Every other engine must agree with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    # Taken apart once: each slice on its own would give a gradient of the whole length.
    given = functional.linear(x, call.weights["W"], call.weights["b"]).unbind(1)  # T times [B, G H]
    named = _named(cell, call.weights)
    closed = {name: e if valid is None else torch.where(valid, e, 1.0) for name, e in call.extras.items()}
    extras = {name: extra.unbind(1) for name, extra in closed.items()}
    outputs: list[Tensor] = []
    for t in reversed(range(steps)) if call.reverse else range(steps):
        if reset is not None and not call.reverse:
            state = _zeroed(state, reset[:, t])
        also = Gates(**{name: extra[t] for name, extra in extras.items()})
        seen = _recurrent(cell, call.weights, state, also)
        new = _whole(cell(_split(cell.gates, given[t]), seen, state, named, also), state)
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
    y = torch.stack(outputs, dim=1) if outputs else call.x.new_zeros(rows, 0, call.shown)
    return y, state


def _named(cell: Cell, weights: Mapping[str, Tensor]) -> Gates:
    """What the cell's function knows as ``p``."""
    learned = {name: weights[name] for name in (*cell.parameters, *cell.matrices)}
    return Gates(**learned, **cell.constants)


def _split(gates: Sequence[str], joined: Tensor) -> Gates:
    """[B, N H] as one [B, H] for each gate."""
    return Gates(**dict(zip(gates, joined.chunk(len(gates), dim=-1), strict=True)))


def _recurrent(cell: Cell, weights: Mapping[str, Tensor], state: State, also: Gates) -> Gates | None:
    """The state's share of the gates that see it: R h + br."""
    if cell.recurrent == "none":
        return None
    R, shown = weights["R"], state[cell.output]
    if cell.seen_through is not None:
        shown = shown * getattr(also, cell.seen_through)
    if cell.recurrent == "diagonal":
        joined = R * shown.repeat(1, len(cell.sees))
    elif cell.heads > 1:
        blocks = R.view(len(cell.sees), cell.heads, -1, R.shape[1])  # [N, K, H / K, H / K]
        pieces = shown.view(len(shown), cell.heads, R.shape[1])
        joined = torch.einsum("nkij,bkj->bnki", blocks, pieces).flatten(1)
    else:
        joined = functional.linear(shown, R)
    if "br" in weights:
        joined = joined + weights["br"]
    return _split(cell.sees, joined)


def _whole(new: State, like: State) -> State:
    """Each part [B, H], also where a cell makes it of a number or of a parameter alone."""
    whole: State = map_state(
        lambda n, o: n.expand_as(o) if isinstance(n, Tensor) else torch.full_like(o, float(n)), new, like
    )
    return whole


def _zeroed(state: State, reset: Tensor) -> State:
    """Zeros in the rows [B] that start anew; selected, because 0 * NaN is NaN."""
    return State(**{part: torch.where(reset[:, None], 0.0, value) for part, value in state.items()})


def _chosen(valid: Tensor, new: State, old: State) -> State:
    """The new state in the rows where the step is valid [B, 1], the old one elsewhere."""
    chosen: State = map_state(lambda n, o: torch.where(valid, n, o), new, old)
    return chosen
