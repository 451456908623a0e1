"""Plain recurrent networks: one gate, and a state that is shown as it is."""

from __future__ import annotations

from ostinato.cells.declaration import Gates, cell
from ostinato.cells.initial import Constant, Identity, Orthogonal, Uniform
from ostinato.cells.operations import product, relu, tanh
from ostinato.state import State


@cell(state="h", gates="h", candidate="h")
def elman(x: Gates, u: Gates, s: State) -> State:
    """Mixes the input with its last output and squashes the sum.

    Elman, 1990 (doi:10.1207/s15516709cog1402_1).
    """
    return State(h=tanh(x.h + u.h))


@cell(state="h", gates="h", initial={"R": Identity()}, candidate="h")
def elman_relu(x: Gates, u: Gates, s: State) -> State:
    """Mixes the input with its last output and keeps what is positive; it starts by remembering everything.

    Le, Jaitly & Hinton, 2015 (arXiv:1504.00941).
    """
    return State(h=relu(x.h + u.h))


@cell(state="y", gates="h", matrices={"V": Orthogonal()}, parameters={"c": Constant(0.0)}, candidate="h")
def jordan(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """Feeds back what it showed, not what it computed on the way: a hidden layer lies between two outputs.

    Jordan, 1986 (Serial order: a parallel distributed processing approach, ICS Report 8604), without the decaying
    copies of older outputs. The outputs are squashed by tanh, and there are H of them.
    """
    h = tanh(x.h + u.h)
    return State(y=tanh(product(h, p.V) + p.c))


@cell(state="h", gates="h", recurrent="diagonal", initial={"R": Uniform(0.0, 1.0)}, candidate="h")
def indrnn(x: Gates, u: Gates, s: State) -> State:
    """Lets each unit remember for itself, and keeps what is positive; units meet in the next layer only.

    Li, Li, Cook, Zhu & Gao, 2018 (arXiv:1803.04831): recurrent weights between 0 and 1 at the start, so that units
    remember for different times. The paper also clips them at 2^(1 / T) while it trains, which is left to the trainer.
    """
    return State(h=relu(x.h + u.h))
