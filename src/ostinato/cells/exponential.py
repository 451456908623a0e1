"""Cells with exponential gates, which can turn a memory over at once."""

from __future__ import annotations

from ostinato.cells.declaration import Gates, cell
from ostinato.cells.initial import Spaced
from ostinato.cells.operations import exp, less, maximum, minimum, select, sigmoid, softplus, tanh
from ostinato.state import State


@cell(
    state="h c n m",
    gates="i f z o",
    heads=4,
    initial={"b.f": Spaced(3.0, 6.0)},
    chrono={"f": 1},
    candidate="z",
)
def slstm(x: Gates, u: Gates, s: State) -> State:
    """Weighs new content by an exponential gate that has no upper bound, and shows a weighted mean of its memory.

    Beck et al., 2024 (arXiv:2405.04517), sLSTM with a sigmoid forget gate. c and n, the sum of the weights, are kept
    divided by exp(m), the largest weight so far, so that nothing overflows; a fresh n of 0 takes m from the input gate,
    as in the paper's code, and n is at least 1 from then on. R has four blocks on its diagonal, the heads. The forget
    gate's bias is spread from 3 to 6 over the units.
    """
    i, log_f = x.i + u.i, -softplus(-(x.f + u.f))
    m = select(less(0.0, s.n), maximum(log_f + s.m, i), i)
    keep, write = exp(minimum(log_f + s.m - m, 0.0)), exp(i - m)
    c = keep * s.c + write * tanh(x.z + u.z)
    n = keep * s.n + write
    return State(h=sigmoid(x.o + u.o) * c / n, c=c, n=n, m=m)
