"""The gated recurrent unit."""

from __future__ import annotations

from ostinato.cells.declaration import Gates, cell
from ostinato.cells.operations import sigmoid, tanh
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
