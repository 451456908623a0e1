"""Reservoirs: recurrent networks that are drawn, not trained."""

from __future__ import annotations

from ostinato.cells.declaration import Gates, cell
from ostinato.cells.initial import Spectral, Uniform
from ostinato.cells.operations import tanh
from ostinato.state import State


@cell(
    state="h",
    gates="h",
    constants={"leak": 0.3},
    initial={"W": Uniform(-0.5, 0.5), "R": Spectral(0.9), "b": Uniform(-0.2, 0.2)},
    candidate="h",
    trained=False,
)
def leaky_echo(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """Echoes its input in a pool of random units; only what reads the pool is trained.

    Jaeger, Lukosevicius, Popovici & Siewert, 2007 (doi:10.1016/j.neunet.2007.04.016), the echo state network with leaky
    integrator units. Weights are drawn once and stay: R with a spectral radius of 0.9, the leak is 0.3.
    """
    return State(h=(1 - p.leak) * s.h + p.leak * tanh(x.h + u.h))
