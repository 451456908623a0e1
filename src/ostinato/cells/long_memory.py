"""Long short-term memory and its kin: a memory that gates write, keep and show."""

from __future__ import annotations

from ostinato.cells.declaration import Gates, cell
from ostinato.cells.initial import Constant, Orthogonal, Uniform, Xavier
from ostinato.cells.operations import product, sigmoid, tanh
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


@cell(
    state="h c",
    gates="i f g o",
    parameters={"pi": Uniform(-0.1, 0.1), "pf": Uniform(-0.1, 0.1), "po": Uniform(-0.1, 0.1)},
    initial={"b.f": Constant(1.0)},
    chrono={"f": 1, "i": -1},
    candidate="g",
    per_child="f",
)
def lstm_peephole(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """Lets each gate look at the memory that it opens or closes, so that it can count and time.

    Gers, Schraudolph & Schmidhuber, 2002 (jmlr.org/papers/v3/gers02a.html). Input and forget gate see the memory before
    the step, the output gate sees it after. The paper cuts gradients off at the gates; here they flow.
    """
    i, f = sigmoid(x.i + u.i + p.pi * s.c), sigmoid(x.f + u.f + p.pf * s.c)
    c = f * s.c + i * tanh(x.g + u.g)
    return State(h=sigmoid(x.o + u.o + p.po * c) * tanh(c), c=c)


@cell(state="h c", gates="f g o", initial={"b.f": Constant(1.0)}, chrono={"f": 1}, candidate="g", per_child="f")
def lstm_coupled(x: Gates, u: Gates, s: State) -> State:
    """Writes to its memory exactly as much as it forgets.

    Greff et al., 2017 (arXiv:1503.04069), the variant CIFG, here without its peepholes.
    """
    f, o = sigmoid(x.f + u.f), sigmoid(x.o + u.o)
    c = f * s.c + (1 - f) * tanh(x.g + u.g)
    return State(h=o * tanh(c), c=c)


@cell(
    state="h c",
    gates="i f g o",
    matrices={"P": Xavier()},
    projected="P",
    initial={"b.f": Constant(1.0)},
    chrono={"f": 1, "i": -1},
    candidate="g",
    per_child="f",
)
def lstm_projected(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """Shows and feeds back a narrower picture of a wide memory.

    Sak, Senior & Beaufays, 2014 (arXiv:1402.1128), without its peepholes and its second, unrecurrent projection: the
    form of PyTorch's ``proj_size``. The shown part is half as wide as the memory unless said.
    """
    i, f, o = sigmoid(x.i + u.i), sigmoid(x.f + u.f), sigmoid(x.o + u.o)
    c = f * s.c + i * tanh(x.g + u.g)
    return State(h=product(o * tanh(c), p.P), c=c)


@cell(
    state="h",
    gates="f g",
    constants={"beta": 1.0},
    initial={"b.f": Constant(1.0)},
    chrono={"f": 1},
    candidate="g",
    per_child="f",
)
def janet(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """Has just another forget gate: what it shows is its memory, and it writes a little more than it forgets.

    van der Westhuizen & Lasenby, 2018 (arXiv:1804.04849), with beta = 1. The paper starts the forget gate from a time
    scale; without one its bias starts at 1.
    """
    a = x.f + u.f
    return State(h=sigmoid(a) * s.h + (1 - sigmoid(a - p.beta)) * tanh(x.g + u.g))


@cell(
    state="h c",
    gates="m i f g o",
    sees="m",
    matrices={"Ri": Orthogonal(), "Rf": Orthogonal(), "Rg": Orthogonal(), "Ro": Orthogonal()},
    initial={"b.f": Constant(1.0)},
    chrono={"f": 1, "i": -1},
    candidate="g",
)
def multiplicative_lstm(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """Changes its recurrent weights with each input: the gates see a product of the input and the state.

    Krause, Lu, Murray & Renals, 2016 (arXiv:1609.07959), with the output gate after tanh as in Radford et al., 2017
    (arXiv:1704.01444). The papers have no bias on m; here it starts at 0.
    """
    m = x.m * u.m
    i, f = sigmoid(x.i + product(m, p.Ri)), sigmoid(x.f + product(m, p.Rf))
    c = f * s.c + i * tanh(x.g + product(m, p.Rg))
    return State(h=sigmoid(x.o + product(m, p.Ro)) * tanh(c), c=c)
