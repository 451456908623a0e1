"""The lists that feed every law: all cells, all engines. A new member gets every law by standing here."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ostinato import ops
from ostinato.cells import (
    BUILT_IN,
    Cell,
    Constant,
    Gates,
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
from ostinato.layers import initialise
from ostinato.state import State


@cell(state="h c", gates="i f o g", parameters={"pi": Uniform(), "pf": Uniform(), "po": Uniform()})
def peephole(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """Looks at its memory when it opens its gates: named parameters."""
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


TEST_CELLS = (peephole, leaky_diagonal, input_gated, two_products, normalised, every_operation, every_elementwise)
ALL_CELLS: tuple[Cell, ...] = (*BUILT_IN.values(), *TEST_CELLS)

INPUTS, HIDDEN = 3, 5


@dataclass(frozen=True)
class Served:
    """A cell and an engine that serves it."""

    cell: Cell
    engine: str


def weights_of(cell: Cell, *, inputs: int = INPUTS, hidden: int = HIDDEN, seed: int = 0) -> dict[str, Tensor]:
    """Fresh float64 weights that want gradients, none of them trivial."""
    generator = torch.Generator().manual_seed(seed)
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
    parts = {p: 0.5 * torch.randn(rows, hidden, generator=generator, dtype=torch.float64) for p in cell.state}
    return State(**{part: value.requires_grad_() for part, value in parts.items()})


def random_input(rows: int, steps: int, *, inputs: int = INPUTS, seed: int = 2) -> Tensor:
    """x [B, T, D] in float64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, steps, inputs, generator=generator, dtype=torch.float64)


def _served() -> list[Served]:
    pairs = []
    for member in ALL_CELLS:
        call = ops.checked_call(member, random_input(2, 2), weights_of(member), None, None, None, False)
        pairs += [Served(member, engine.name) for engine in ops.ENGINES if engine.refusal(call) is None]
    return pairs


SERVED = _served()


def name_of(member: object) -> str:
    """How a member is called in the names of tests."""
    return f"{member.cell.name}-{member.engine}" if isinstance(member, Served) else getattr(member, "name", str(member))


def serves(served: Served, **call: object) -> bool:
    """Whether the engine takes a call with such lengths or resets."""
    x = random_input(2, 3)
    given = {"lengths": None, "reset": None, "reverse": False} | call
    made = ops.checked_call(served.cell, x, weights_of(served.cell), None, *given.values())  # type: ignore[arg-type]
    return next(e for e in ops.ENGINES if e.name == served.engine).refusal(made) is None
