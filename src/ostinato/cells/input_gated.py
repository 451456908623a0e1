"""Cells whose gates see the input only: the loop has no product, and a step is cheap."""

from __future__ import annotations

from typing import Any

from ostinato.cells.declaration import Gates, cell
from ostinato.cells.initial import Constant, Uniform
from ostinato.cells.operations import less, select, sigmoid, softplus, tanh
from ostinato.state import State


@cell(
    state="h c",
    gates="f r c k",
    recurrent="none",
    parameters={"vf": Uniform(-0.1, 0.1), "vr": Uniform(-0.1, 0.1)},
    chrono={"f": 1},
    candidate="c",
)
def sru(x: Gates, s: State, p: Gates) -> State:
    """Averages its inputs in a memory that its gates glimpse unit by unit, and skips a part of the input past it.

    Lei, Zhang, Wang, Dai & Artzi, 2018 (arXiv:1709.02755). The paper skips the input itself, which wants D = H, and
    scales it by a constant; here the skip is a gate of its own, k, whose weights learn that too.
    """
    f, r = sigmoid(x.f + p.vf * s.c), sigmoid(x.r + p.vr * s.c)
    c = f * s.c + (1 - f) * x.c
    return State(h=r * c + (1 - r) * x.k, c=c)


@cell(state="h c z f o", gates="z f o z1 f1 o1", recurrent="none", chrono={"f": 1}, candidate="z")
def qrnn(x: Gates, s: State) -> State:
    """Reads two inputs at a time and pools them: a convolution of width 2, then a forget and an output gate.

    Bradbury, Merity, Xiong & Socher, 2017 (arXiv:1611.01576), fo-pooling. The convolution's older half, z1 f1 o1, is
    computed when its input comes and remembered for one step, so the shares of the first step's past are zero. The
    paper has no biases; here they start at 0.
    """
    z, f, o = tanh(x.z + s.z), sigmoid(x.f + s.f), sigmoid(x.o + s.o)
    c = f * s.c + (1 - f) * z
    return State(h=o * c, c=c, z=x.z1, f=x.f1, o=x.o1)


def _positive(value: Any) -> Any:
    """The candidate of the minimal cells, never negative, so that the paper can take its logarithm."""
    return select(less(value, 0.0), sigmoid(value), value + 0.5)


@cell(state="h", gates="z n", recurrent="none", chrono={"z": -1}, candidate="n")
def mingru(x: Gates, s: State) -> State:
    """Blends its state with a candidate, both chosen by the input alone: a moving average that knows when to move.

    Feng et al., 2024 (arXiv:2410.01201), with the paper's positive candidate, g(v) = v + 0.5 from 0 on and the logistic
    function below. The state starts at 0, where the paper starts at g(0) = 0.5.
    """
    z = sigmoid(x.z)
    return State(h=(1 - z) * s.h + z * _positive(x.n))


@cell(
    state="h",
    gates="f i n",
    recurrent="none",
    initial={"b.f": Constant(1.0)},
    chrono={"f": 1, "i": -1},
    candidate="n",
)
def minlstm(x: Gates, s: State) -> State:
    """Forgets and writes by two gates of the input that share 1 between them.

    Feng et al., 2024 (arXiv:2410.01201): f / (f + i) and i / (f + i), computed as the paper's code does, from the
    gates' logarithms, so that two closed gates are no 0 / 0. Candidate and start as in :data:`mingru`.
    """
    log_f, log_i = -softplus(-x.f), -softplus(-x.i)
    kept = sigmoid(log_f - log_i)
    return State(h=kept * s.h + (1 - kept) * _positive(x.n))
