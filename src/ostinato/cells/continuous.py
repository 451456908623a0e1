"""Cells in continuous time: each step says how long ago the last one was."""

from __future__ import annotations

from ostinato.cells.declaration import Gates, cell
from ostinato.cells.operations import sigmoid, tanh
from ostinato.state import State


@cell(state="h", gates="f g a b", inputs="dt", candidate="g")
def cfc(x: Gates, u: Gates, s: State, e: Gates) -> State:
    """Moves from one picture of what it sees to another, the further the more time has passed since the last step.

    Hasani et al., 2022 (doi:10.1038/s42256-022-00556-7, arXiv:2106.13898): the closed form of a liquid network, with
    no backbone before its four heads f, g, a, b (called ff1, ff2, time_a and time_b in the paper's code).
    """
    t = sigmoid((x.a + u.a) * e.dt + (x.b + u.b))
    return State(h=(1 - t) * tanh(x.f + u.f) + t * tanh(x.g + u.g))
