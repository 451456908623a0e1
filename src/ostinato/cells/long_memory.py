"""Long short-term memory."""

from __future__ import annotations

from ostinato.cells.declaration import Gates, cell
from ostinato.cells.initial import Constant
from ostinato.cells.operations import sigmoid, tanh
from ostinato.state import State


@cell(
    state="h c",
    gates="i f g o",
    initial={"b.f": Constant(1.0)},
    chrono={"f": 1, "i": -1},
    candidate="g",
    per_child="f",
)
def lstm(x: Gates, u: Gates, s: State) -> State:
    """Keeps a memory that it adds to, forgets from and shows, each through a gate.

    Hochreiter & Schmidhuber, 1997 (doi:10.1162/neco.1997.9.8.1735); forget gate: Gers et al., 2000
    (doi:10.1162/089976600300015015); forget bias 1: Jozefowicz et al., 2015 (proceedings.mlr.press/v37/jozefowicz15);
    chrono: Tallec & Ollivier, 2018 (arXiv:1804.11188).
    """
    i, f, o = sigmoid(x.i + u.i), sigmoid(x.f + u.f), sigmoid(x.o + u.o)
    c = f * s.c + i * tanh(x.g + u.g)
    return State(h=o * tanh(c), c=c)
