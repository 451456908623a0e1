"""What a cell's memory may do in one step, seen from its derivatives: the reason for what it can and cannot follow."""

from __future__ import annotations

import torch

from ostinato.cells import Cell
from ostinato.layers import Recurrent
from ostinato.state import State

MIXES, TURNS, SIGNED, ONE_SIGN = (
    "units see each other",
    "turns in a plane",
    "may change its sign",
    "never changes its sign",
)
_ROWS, _HIDDEN, _INPUTS = 256, 16, 4


def memory_of(cell: Cell) -> str:
    """How the next state depends on the last one, in a few words.

    >>> from ostinato.cells import gru
    >>> memory_of(gru)
    'units see each other'

    Without a matrix in the loop a unit's next state depends on its own last state alone. The eigenvalues of that step
    are measured over many inputs, states and weights. Where none is ever negative, a larger state before gives a larger
    state after, whatever comes in: nothing can be turned around, so no such layer keeps a parity for ever (Merrill et
    al., 2024, arXiv:2404.08819; Sarrof et al., 2024, arXiv:2405.17394; with negative ones it can, Grazzi et al., 2024,
    arXiv:2411.12537).
    """
    if cell.recurrent == "dense":
        return MIXES
    values = torch.linalg.eigvals(_derivatives(cell))
    if bool((values.imag.abs() > _EPSILON).any()):
        return TURNS
    return SIGNED if bool((values.real < -_EPSILON).any()) else ONE_SIGN


_EPSILON = 1e-6


def _derivatives(cell: Cell) -> torch.Tensor:
    """The slopes [N, S, S] of each of the S parts of the state after a step by each part before it, unit by unit."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = Recurrent(cell, _INPUTS, _HIDDEN, engine="reference").double()
        for weight in layer.parameters():
            # What training may reach, not where it begins.
            torch.nn.init.normal_(weight)
        x = torch.randn(_ROWS, 1, _INPUTS, dtype=torch.float64)
        (zero,) = layer.zero_state(_ROWS)
        before = {part: torch.randn_like(zero[part]).requires_grad_() for part in zero}
    extra = {"inputs": {name: torch.ones_like(x[..., 0]) for name in cell.inputs}} if cell.inputs else {}
    _, (after,) = layer(x, (State(**before),), **extra)
    slopes = []
    for now in after:
        found = torch.autograd.grad(
            after[now].sum(), tuple(before.values()), retain_graph=True, allow_unused=True, materialize_grads=True
        )
        slopes.append(torch.stack(found, -1).flatten(0, 1))
    return torch.stack(slopes, -2)
