"""Fills weights by the rules that a cell declares as data."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ostinato.cells import (
    Cell,
    Constant,
    Decay,
    Identity,
    Initial,
    Lecun,
    Orthogonal,
    Phase,
    Ring,
    RingGain,
    Spaced,
    Spectral,
    Uniform,
    Xavier,
)
from ostinato.errors import OptionError

# Rounding gives a matrix without a cycle eigenvalues that are not quite 0.
_DRAWS, _LEAST_RADIUS = 20, 1e-3


@torch.no_grad()
def initialise(cell: Cell, weights: dict[str, Tensor], hidden: int, timescale: float | None = None) -> None:
    """Fill the weights of one layer and direction in place, gate by gate, as the cell declares.

    ``timescale``: how many steps the network should remember. The biases of the gates that keep the state are drawn so
    that their half-lives spread up to it, b = log(U(1, timescale - 1)), those that let new input in with the opposite
    sign; 2 steps leave all of them half open, b = 0. Tallec & Ollivier, 2018 (arXiv:1804.11188).
    """
    if any(weight.is_meta for weight in weights.values()):
        # There are no numbers yet: they will come from a file.
        return
    for name, weight in weights.items():
        for label, part in _gates_of(cell, name, weight, hidden):
            rule = cell.initial_of(label, hidden)
            if not isinstance(rule, RingGain):
                fill(part, rule)
    _follow_rings(cell, weights)
    if timescale is None:
        return
    if not cell.chrono:
        raise OptionError(f"timescale does not apply to {cell.name}: it has no gate that keeps or forgets")
    if not 2 <= timescale < math.inf:
        raise OptionError(f"timescale wanted at least 2 steps, got {timescale:g}")
    drawn = torch.log(torch.empty(hidden, dtype=torch.float64).uniform_(1.0, timescale - 1.0))
    for gate, sign in cell.chrono.items():
        start = cell.gates.index(gate) * hidden
        weights["b"][start : start + hidden] = sign * drawn


def fill(weight: Tensor, rule: Initial) -> None:
    """Fill one tensor in place by one rule.

    >>> w = torch.empty(2, 2)
    >>> fill(w, Identity(0.5)); w.tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    if isinstance(rule, Constant):
        nn.init.constant_(weight, rule.value)
    elif isinstance(rule, Uniform):
        nn.init.uniform_(weight, rule.low, rule.high)
    elif isinstance(rule, Spaced):
        weight.copy_(torch.linspace(rule.low, rule.high, weight.numel(), dtype=torch.float64).view(weight.shape))
    elif isinstance(rule, Decay | Ring | Phase):
        weight.copy_(_drawn(rule, weight.shape))
    elif isinstance(rule, RingGain):
        raise OptionError("RingGain follows the Ring of its cell; fill the weights of a cell by initialise(...)")
    elif weight.dim() != 2:
        raise OptionError(f"{type(rule).__name__} fills matrices, got a weight of {list(weight.shape)}")
    elif isinstance(rule, Xavier):
        nn.init.xavier_uniform_(weight)
    elif isinstance(rule, Lecun):
        nn.init.normal_(weight, 0.0, rule.gain / math.sqrt(weight.shape[1]))
    elif isinstance(rule, Orthogonal):
        nn.init.orthogonal_(weight, rule.gain)
    elif isinstance(rule, Identity):
        nn.init.eye_(weight).mul_(rule.scale)
    elif isinstance(rule, Spectral):
        _fill_spectral(weight, rule)
    else:
        raise OptionError(f"no way is known to fill a weight by {rule!r}")


def _drawn(rule: Decay | Ring | Phase, shape: torch.Size) -> Tensor:
    """Values whose image is spread evenly: decays, squared radii, angles."""
    if not 0.0 <= rule.low < rule.high or (not isinstance(rule, Phase) and rule.high >= 1.0):
        bound = "" if isinstance(rule, Phase) else ", below 1"
        raise OptionError(f"{type(rule).__name__} wanted 0 <= low < high{bound}, got {rule!r}")
    power = 2 if isinstance(rule, Ring) else 1
    low, high = rule.low**power, rule.high**power
    # Neither end is drawn: a logarithm wants more than 0.
    even = torch.rand(shape, dtype=torch.float64).clamp(1e-9, 1.0) * (high - low) + low
    if isinstance(rule, Phase):
        return even.log()
    lost = -even.log() / (rule.power if isinstance(rule, Decay) else power)
    return lost.expm1().log() if isinstance(rule, Decay) else lost.log()


def _follow_rings(cell: Cell, weights: dict[str, Tensor]) -> None:
    """Fill what depends on the sizes that a ring drew."""
    followers = [name for name, rule in cell.parameters.items() if isinstance(rule, RingGain)]
    rings = [name for name, rule in cell.parameters.items() if isinstance(rule, Ring)]
    if followers and len(rings) != 1:
        raise OptionError(f"RingGain of {cell.name} follows the one parameter that starts by Ring, got {len(rings)}")
    for name in followers:
        lost = weights[rings[0]].double().exp()
        weights[name].copy_(0.5 * torch.log(-torch.expm1(-2.0 * lost)))


def _fill_spectral(weight: Tensor, rule: Spectral) -> None:
    """Draw a sparse matrix and scale it to a spectral radius; one without a cycle has none and is drawn again."""
    if weight.shape[0] != weight.shape[1]:
        raise OptionError(f"Spectral fills square matrices, got a weight of {list(weight.shape)}")
    if not (0 <= rule.radius < math.inf and 0 < rule.density <= 1):
        raise OptionError(f"Spectral wanted a radius of at least 0 and a density above 0 and at most 1, got {rule!r}")
    for _ in range(_DRAWS):
        drawn = torch.empty(weight.shape, dtype=torch.float64).uniform_(-1.0, 1.0)
        drawn = torch.where(torch.rand(weight.shape, dtype=torch.float64) < rule.density, drawn, 0.0)
        radius = float(torch.linalg.eigvals(drawn).abs().max())
        if radius > _LEAST_RADIUS:
            weight.copy_(drawn * (rule.radius / radius))
            return
    raise OptionError(
        f"no matrix of {list(weight.shape)} with a share of {rule.density:g} of its entries has an eigenvalue; "
        "raise the density"
    )


def _gates_of(cell: Cell, name: str, weight: Tensor, hidden: int) -> Iterator[tuple[str, Tensor]]:
    """The part of a weight that belongs to each gate, with its label; named parameters are one part."""
    if name not in ("W", "R", "b", "br"):
        yield name, weight
        return
    for index, gate in enumerate(cell.sees if name in ("R", "br") else cell.gates):
        part = weight[index * hidden : (index + 1) * hidden]
        # Each block on the diagonal of R is a matrix of its own.
        for block in part.chunk(cell.heads) if name == "R" else (part,):
            yield f"{name}.{gate}", block
