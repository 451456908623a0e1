"""Gated recurrent units: one state, blended with a candidate."""

from __future__ import annotations

from ostinato.cells.declaration import Gates, cell
from ostinato.cells.initial import Constant, Orthogonal
from ostinato.cells.operations import product, relu, sigmoid, tanh
from ostinato.state import State


@cell(state="h", gates="r z n", recurrent_bias=True, chrono={"z": 1}, candidate="n", per_child="r u.n")
def gru(x: Gates, u: Gates, s: State) -> State:
    """Blends its state with a candidate; a second gate decides how much of the past the candidate sees.

    Cho et al., 2014 (arXiv:1406.1078), in the form of cuDNN and PyTorch: the reset gate acts after the product, so
    the candidate's recurrent bias stands inside it.
    """
    r, z = sigmoid(x.r + u.r), sigmoid(x.z + u.z)
    n = tanh(x.n + r * u.n)
    return State(h=(1 - z) * n + z * s.h)


@cell(
    state="h",
    gates="r z n",
    sees="r z",
    matrices={"Rn": Orthogonal()},
    chrono={"z": 1},
    candidate="n",
    per_child="r",
)
def gru_reset_before(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """Blends its state with a candidate that sees the state only after a gate has let parts of it through.

    Cho et al., 2014 (arXiv:1406.1078): the reset gate acts before the product, which is therefore a second one in each
    step. The default of ONNX (linear_before_reset=0) and of Keras without reset_after.
    """
    r, z = sigmoid(x.r + u.r), sigmoid(x.z + u.z)
    n = tanh(x.n + product(r * s.h, p.Rn))
    return State(h=(1 - z) * n + z * s.h)


@cell(state="h", gates="r n z", chrono={"z": -1}, candidate="n")
def gru_dreamer(x: Gates, u: Gates, s: State) -> State:
    """Blends its state with a candidate that a gate can turn off as a whole; it starts by keeping most of its state.

    Hafner et al., 2021 (arXiv:2010.02193), the recurrence of Dreamer's world model: the reset gate scales the whole
    candidate, and 1 is taken from the update gate. Dreamer also normalises the sum of all gates by layer norm.
    """
    r, z = sigmoid(x.r + u.r), sigmoid(x.z + u.z - 1)
    n = tanh(r * (x.n + u.n))
    return State(h=z * n + (1 - z) * s.h)


@cell(state="h", gates="z n", chrono={"z": 1}, candidate="n")
def ligru(x: Gates, u: Gates, s: State) -> State:
    """Blends its state with a candidate that is not squashed, through one gate.

    Ravanelli, Brakel, Omologo & Bengio, 2018 (arXiv:1803.10225). The paper normalises the input's share over the batch;
    that stands apart from the recurrence, and is left to the layers.
    """
    z = sigmoid(x.z + u.z)
    return State(h=z * s.h + (1 - z) * relu(x.n + u.n))


@cell(
    state="h",
    gates="f n",
    sees="f",
    matrices={"Rn": Orthogonal()},
    chrono={"f": -1},
    candidate="n",
    per_child="f",
)
def mgu(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """Decides with a single gate what to forget and what the candidate sees.

    Zhou, Wu, Zhang & Zhou, 2016 (arXiv:1603.09420). The gate forgets where it is open.
    """
    f = sigmoid(x.f + u.f)
    n = tanh(x.n + product(f * s.h, p.Rn))
    return State(h=(1 - f) * s.h + f * n)


@cell(state="h", gates="g c", initial={"b.g": Constant(1.0)}, chrono={"g": 1}, candidate="c")
def ugrnn(x: Gates, u: Gates, s: State) -> State:
    """Keeps its state where its one gate is open, and takes a new one where it is closed.

    Collins, Sohl-Dickstein & Sussillo, 2017 (arXiv:1611.09913), the update gate network; the gate's bias starts at 1.
    """
    g = sigmoid(x.g + u.g)
    return State(h=g * s.h + (1 - g) * tanh(x.c + u.c))
