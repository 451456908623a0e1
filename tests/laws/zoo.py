"""The lists that feed every law: all cells, all engines. A new member gets every law by standing here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ostinato import ops
from ostinato.cells import (
    BUILT_IN,
    Cell,
    Constant,
    Gates,
    Mask,
    Orthogonal,
    Uniform,
    absolute,
    cell,
    cos,
    exp,
    less,
    log,
    maximum,
    minimum,
    product,
    relu,
    row_max,
    row_mean,
    row_sum,
    select,
    sigmoid,
    sin,
    softplus,
    sqrt,
    tanh,
)
from ostinato.errors import LoweringError
from ostinato.layers import initialise
from ostinato.lowering import lowered
from ostinato.ops import Noise
from ostinato.state import State


@cell(state="h c", gates="i f o g", parameters={"pi": Uniform(), "pf": Uniform(), "po": Uniform()})
def peephole(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """A user's own cell for the tests of other floors; lstm_peephole, which computes the same, has the laws."""
    i, f = sigmoid(x.i + u.i + p.pi * s.c), sigmoid(x.f + u.f + p.pf * s.c)
    c = f * s.c + i * tanh(x.g + u.g)
    return State(h=sigmoid(x.o + u.o + p.po * c) * tanh(c), c=c)


@cell(state="c h", gates="g", output="h", recurrent="diagonal", recurrent_bias=True, constants={"leak": 0.3})
def leaky_diagonal(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """Each unit sees only itself; the shown part is not the first one: a diagonal and a named constant."""
    c = (1 - p.leak) * s.c + p.leak * (x.g + u.g)
    return State(c=c, h=tanh(c))


@cell(state="h", gates="z n", recurrent="none")
def input_gated(x: Gates, s: State) -> State:
    """Gates that see only the input."""
    z = sigmoid(x.z)
    return State(h=(1 - z) * s.h + z * x.n)


@cell(state="h", gates="z n", matrices={"V": Orthogonal()})
def two_products(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """Multiplies a gated state by a second matrix inside the step."""
    z = sigmoid(x.z + u.z)
    return State(h=(1 - z) * s.h + z * tanh(x.n + product(z * s.h, p.V)))


@cell(state="h", gates="a", parameters={"gain": Constant(1.0), "shift": Constant(0.1)})
def normalised(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """Normalises over the units of each row inside the step."""
    a = x.a + u.a
    centred = a - row_mean(a)
    return State(h=tanh(p.gain * centred / sqrt(row_mean(centred * centred) + 1e-3) + p.shift))


@cell(state="h m", gates="a b")
def every_operation(x: Gates, u: Gates, s: State) -> State:
    """Uses each operation once, so that none is without its laws."""
    a, b = x.a + u.a, -(x.b + u.b)
    smooth = softplus(a) + log(1 + exp(b)) + sqrt(1 + a * a) + sin(a) * cos(b) + absolute(b) / (2 + absolute(a))
    bounded = maximum(-1.0, minimum(smooth - 3.0, relu(b)))
    chosen = select(less(a, b), bounded, s.m)
    rows = row_sum(tanh(chosen)) / 8 + row_max(tanh(a)) / 4
    return State(h=tanh(0.5 * chosen + rows), m=0.5 * s.m + 0.5 * sigmoid(bounded))


@cell(state="h m", gates="a b")
def every_elementwise(x: Gates, u: Gates, s: State) -> State:
    """Uses each operation that a kernel can hold."""
    a, b = x.a + u.a, -(x.b + u.b)
    smooth = softplus(a) + log(1 + exp(b)) + sqrt(1 + a * a) + sin(a) * cos(b) + absolute(b) / (2 + absolute(a))
    bounded = maximum(-1.0, minimum(smooth - 3.0, relu(b)))
    chosen = select(less(a, b), bounded, s.m)
    return State(h=tanh(0.5 * chosen), m=0.5 * s.m + 0.5 * sigmoid(bounded))


@cell(state="h", gates="a", noise={"fresh": Mask(0.25), "held": Mask(0.5, per="sequence", scaled=False)})
def noisy(x: Gates, u: Gates, s: State, e: Gates) -> State:
    """Drops content anew at each step, and keeps some units for a whole sequence."""
    return State(h=e.held * s.h + (1 - e.held) * tanh(x.a + e.fresh * u.a))


TEST_CELLS = (leaky_diagonal, input_gated, two_products, normalised, every_operation, every_elementwise, noisy)
ALL_CELLS: tuple[Cell, ...] = (*BUILT_IN.values(), *TEST_CELLS)

INPUTS, HIDDEN = 3, 5
# Parts of a state that are never negative in a state that was reached by steps.
POSITIVE = {"slstm": ("n",)}


def hidden_of(cell: Cell, least: int = HIDDEN) -> int:
    """A width that the cell can have: a multiple of its heads."""
    return least + -least % cell.heads


@dataclass(frozen=True)
class Served:
    """A cell and an engine that serves it."""

    cell: Cell
    engine: str


def weights_of(cell: Cell, *, inputs: int = INPUTS, hidden: int = HIDDEN, seed: int = 0) -> dict[str, Tensor]:
    """Fresh float64 weights that want gradients, none of them trivial."""
    generator = torch.Generator().manual_seed(seed)
    hidden = hidden_of(cell, hidden)
    weights = {name: torch.empty(shape, dtype=torch.float64) for name, shape in cell.shapes(inputs, hidden).items()}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        initialise(cell, weights, hidden)
    for weight in weights.values():
        weight += 0.2 * torch.randn(weight.shape, generator=generator, dtype=torch.float64)
        weight.requires_grad_()
    return weights


def random_state(cell: Cell, rows: int, *, hidden: int = HIDDEN, seed: int = 1) -> State:
    """A state that is not zero and wants gradients."""
    generator = torch.Generator().manual_seed(seed)
    widths = cell.widths(hidden_of(cell, hidden))
    parts = {p: 0.5 * torch.randn(rows, n, generator=generator, dtype=torch.float64) for p, n in widths.items()}
    for part in POSITIVE.get(cell.name, ()):
        parts[part] = 0.5 + parts[part].abs()
    return State(**{part: value.requires_grad_() for part, value in parts.items()})


def lowers(cell: Cell) -> bool:
    """Whether kernels can be made of a cell."""
    try:
        lowered(cell)
    except LoweringError:
        return False
    return True


def given_of(cell: Cell, x: Tensor) -> dict[str, Tensor]:
    """What a cell wants at every step besides x, positive, and told by x, so that it is cut and turned as x is."""
    gaps = functional.softplus(x.detach().sum(-1))  # [B, T]
    return {name: gaps * (1.0 + 0.5 * place) for place, name in enumerate(cell.inputs)}


def noise_of(cell: Cell, x: Tensor, hidden: int) -> Noise | None:
    """Masks that are told by x too; those that are drawn for a whole sequence are the same for all rows."""
    units = torch.arange(hidden, dtype=x.dtype)
    fresh, held = (1e3 * x.detach().sum(-1, keepdim=True) + units).sin() > 0, (units % 2 == 0)[None, None]
    if not cell.noise:
        return None
    masks = {
        name: (fresh if mask.per == "step" else held.expand(len(x), 1, hidden)).to(x.dtype) * mask.kept
        for name, mask in cell.noise.items()
    }
    return Noise(masks)


def random_input(rows: int, steps: int, *, inputs: int = INPUTS, seed: int = 2) -> Tensor:
    """x [B, T, D] in float64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, steps, inputs, generator=generator, dtype=torch.float64)


def _checked(cell: Cell, x: Tensor, lengths: Any = None, reset: Any = None, reverse: bool = False) -> ops.Call:
    extras = given_of(cell, x), noise_of(cell, x, hidden_of(cell))
    return ops.checked_call(cell, x, weights_of(cell), None, lengths, reset, reverse, *extras)


def _served() -> list[Served]:
    pairs = []
    for member in ALL_CELLS:
        call = _checked(member, random_input(2, 2))
        pairs += [Served(member, engine.name) for engine in ops.ENGINES if engine.refusal(call) is None]
    return pairs


SERVED = _served()


def name_of(member: object) -> str:
    """How a member is called in the names of tests."""
    return f"{member.cell.name}-{member.engine}" if isinstance(member, Served) else getattr(member, "name", str(member))


def serves(served: Served, **call: Any) -> bool:
    """Whether the engine takes a call with such lengths or resets."""
    made = _checked(served.cell, random_input(2, 3), **call)
    return next(e for e in ops.ENGINES if e.name == served.engine).refusal(made) is None
