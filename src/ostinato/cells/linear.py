"""Linear recurrences: a state that decays or turns by itself and is never squashed."""

from __future__ import annotations

import math

from ostinato.cells.declaration import Gates, cell
from ostinato.cells.initial import Decay, Lecun, Phase, Ring, RingGain
from ostinato.cells.operations import cos, exp, maximum, product, sigmoid, sin, softplus, sqrt, tanh
from ostinato.state import State


@cell(
    state="h",
    gates="r i v",
    recurrent="none",
    constants={"c": 8.0},
    parameters={"Lambda": Decay(0.9, 0.999, 8.0)},
    candidate="v",
)
def rglru(x: Gates, s: State, p: Gates) -> State:
    """Decays at a pace that each unit learns and the input slows, and takes in as much as it lost.

    De et al., 2024 (arXiv:2402.19427), the recurrence of Griffin. The paper gates its input itself, which wants D = H;
    here what is gated is a gate of its own, v. 1 - a^2 is computed as 2 t / (1 + t) with t = tanh(-log a), which loses
    no digits where a is near 1, and held above 1e-12, where a square root has no end of slope.
    """
    r, i = sigmoid(x.r), sigmoid(x.i)
    k = p.c * softplus(p.Lambda) * r
    t = tanh(k)
    return State(h=exp(-k) * s.h + sqrt(maximum(2 * t / (1 + t), 1e-12)) * (i * x.v))


@cell(
    state="h re im",
    gates="re im d",
    recurrent="none",
    parameters={
        "nu": Ring(0.9, 0.999),
        "theta": Phase(0.0, 2 * math.pi),
        "gamma": RingGain(),
    },
    matrices={"Cre": Lecun(1.0), "Cim": Lecun(1.0)},
    initial={"W.re": Lecun(math.sqrt(0.5)), "W.im": Lecun(math.sqrt(0.5))},
)
def lru(x: Gates, s: State, p: Gates) -> State:
    """Turns and shrinks complex numbers, one for each unit, and shows a linear picture of them.

    Orvieto et al., 2023 (arXiv:2303.06349): eigenvalues on a ring between 0.9 and 0.999, at any angle; the input is
    scaled so that the state keeps its size. nu, theta and gamma are the paper's logarithms, W.re and W.im its B, Cre
    and Cim its C, W.d its D (dense, because D and H differ). The paper has no biases; here they start at 0.
    """
    size, angle, scale = exp(-exp(p.nu)), exp(p.theta), exp(p.gamma)
    a, b = size * cos(angle), size * sin(angle)
    re = a * s.re - b * s.im + scale * x.re
    im = b * s.re + a * s.im + scale * x.im
    return State(h=product(re, p.Cre) - product(im, p.Cim) + x.d, re=re, im=im)
