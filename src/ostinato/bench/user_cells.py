"""Cells as users write them, none of them built in: what the rows of user-defined cells run."""

from __future__ import annotations

from ostinato.cells import BUILT_IN, Cell, Gates, Uniform, cell, sigmoid, tanh
from ostinato.errors import OptionError, nearest
from ostinato.state import State


@cell(state="h", gates="f n", recurrent_bias=True)
def minimal_gated(x: Gates, u: Gates, s: State) -> State:
    """Blends its state with a candidate, and looks at its past, through one and the same gate.

    Zhou et al., 2016 (arXiv:1603.09420), with the gate after the product as in PyTorch's GRU.
    """
    f = sigmoid(x.f + u.f)
    n = tanh(x.n + f * u.n)
    return State(h=(1 - f) * s.h + f * n)


@cell(state="h c", gates="i f g o", parameters={"to_i": Uniform(), "to_f": Uniform(), "to_o": Uniform()})
def peephole(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """An LSTM whose gates see the memory, each unit its own.

    Gers et al., 2002 (jmlr.org/papers/v3/gers02a).
    """
    i, f = sigmoid(x.i + u.i + p.to_i * s.c), sigmoid(x.f + u.f + p.to_f * s.c)
    c = f * s.c + i * tanh(x.g + u.g)
    return State(h=sigmoid(x.o + u.o + p.to_o * c) * tanh(c), c=c)


@cell(state="h m", gates="k a n", parameters={"pace": Uniform(-2.0, 2.0)})
def two_paces(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """Keeps a slow average of its candidates, each unit at its own pace, and shows a mixture of slow and new.

    Our own invention, for this list only.
    """
    n = tanh(x.n + u.n)
    m = s.m + sigmoid(p.pace) * (n - s.m)
    k, a = sigmoid(x.k + u.k), sigmoid(x.a + u.a)
    return State(h=k * s.h + (1 - k) * (a * n + (1 - a) * m), m=m)


USER_CELLS: dict[str, Cell] = {c.name: c for c in (minimal_gated, peephole, two_paces)}


def find_cell(name: str) -> Cell:
    """A cell of this list or a built-in one, by its name.

    >>> find_cell("peephole").gates, find_cell("gru").gates
    (('i', 'f', 'g', 'o'), ('r', 'z', 'n'))
    """
    known = {**BUILT_IN, **USER_CELLS}
    if name not in known:
        raise OptionError(f"unknown cell '{name}'; {nearest(name, known)}")
    return known[name]
