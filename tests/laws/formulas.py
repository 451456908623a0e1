"""Every cell of a paper as plain float64 numpy, written from the paper and apart from the cell's own code.

Each formula takes one step: the weights by gate, the input, and the state by part. Weights are cut by the gate order
that is written here, and products are written out per gate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Values = dict[str, Any]
Formula = Callable[["Weights", Any, Values, Any], Values]


def sigma(v: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-v))


class Weights:
    """The weights of one cell, cut by gate."""

    def __init__(self, gates: str, named: Values, sees: str | None = None, heads: int = 1) -> None:
        self.named, self.heads = named, heads
        self.gates = gates.split()
        self.seeing = self.gates if sees is None else sees.split()

    def __getattr__(self, name: str) -> Any:
        return self.named[name]

    def x(self, gate: str, x: Any) -> Any:
        """W x + b of a gate, for x [B, D]."""
        place, hidden = self.gates.index(gate), len(self.named["b"]) // len(self.gates)
        rows = slice(place * hidden, (place + 1) * hidden)
        return x @ self.named["W"][rows].T + self.named["b"][rows]

    def u(self, gate: str, h: Any) -> Any:
        """R h of a gate, for h [B, P]; with heads, block by block."""
        place, hidden = self.seeing.index(gate), len(self.named["R"]) // len(self.seeing)
        rows = self.named["R"][place * hidden : (place + 1) * hidden]
        if rows.ndim == 1:
            return h * rows
        size = hidden // self.heads
        whole = np.zeros((hidden, h.shape[1]))
        for k in range(self.heads):
            block = slice(k * size, (k + 1) * size)
            whole[block, slice(k * rows.shape[1], (k + 1) * rows.shape[1])] = rows[block]
        return h @ whole.T

    def both(self, gate: str, x: Any, h: Any) -> Any:
        return self.x(gate, x) + self.u(gate, h)


FORMULAS: dict[str, tuple[str, str | None, int, Formula]] = {}


def formula(gates: str, sees: str | None = None, heads: int = 1) -> Callable[[Formula], Formula]:
    def keep(function: Formula) -> Formula:
        FORMULAS[function.__name__] = (gates, sees, heads, function)
        return function

    return keep


@formula("h")
def elman(w, x, s, e):
    return {"h": np.tanh(w.both("h", x, s["h"]))}


@formula("h")
def elman_relu(w, x, s, e):
    return {"h": np.maximum(w.both("h", x, s["h"]), 0.0)}


@formula("h")
def jordan(w, x, s, e):
    hidden = np.tanh(w.both("h", x, s["y"]))
    return {"y": np.tanh(hidden @ w.V.T + w.c)}


@formula("i f g o")
def lstm(w, x, s, e):
    i, f, o = (sigma(w.both(k, x, s["h"])) for k in "ifo")
    c = f * s["c"] + i * np.tanh(w.both("g", x, s["h"]))
    return {"h": o * np.tanh(c), "c": c}


@formula("i f g o")
def lstm_peephole(w, x, s, e):
    h, before = s["h"], s["c"]
    i = sigma(w.both("i", x, h) + w.pi * before)
    f = sigma(w.both("f", x, h) + w.pf * before)
    c = f * before + i * np.tanh(w.both("g", x, h))
    o = sigma(w.both("o", x, h) + w.po * c)
    return {"h": o * np.tanh(c), "c": c}


@formula("f g o")
def lstm_coupled(w, x, s, e):
    f, o = sigma(w.both("f", x, s["h"])), sigma(w.both("o", x, s["h"]))
    i = 1.0 - f
    c = f * s["c"] + i * np.tanh(w.both("g", x, s["h"]))
    return {"h": o * np.tanh(c), "c": c}


@formula("i f g o")
def lstm_projected(w, x, s, e):
    i, f, o = (sigma(w.both(k, x, s["h"])) for k in "ifo")
    c = f * s["c"] + i * np.tanh(w.both("g", x, s["h"]))
    return {"h": (o * np.tanh(c)) @ w.P.T, "c": c}


@formula("r z n")
def gru(w, x, s, e):
    third = len(w.br) // 3
    r = sigma(w.both("r", x, s["h"]) + w.br[:third])
    z = sigma(w.both("z", x, s["h"]) + w.br[third : 2 * third])
    n = np.tanh(w.x("n", x) + r * (w.u("n", s["h"]) + w.br[2 * third :]))
    return {"h": (1 - z) * n + z * s["h"]}


@formula("r z n", sees="r z")
def gru_reset_before(w, x, s, e):
    r, z = sigma(w.both("r", x, s["h"])), sigma(w.both("z", x, s["h"]))
    candidate = np.tanh(w.x("n", x) + (r * s["h"]) @ w.Rn.T)
    return {"h": z * s["h"] + (1 - z) * candidate}


@formula("r n z")
def gru_dreamer(w, x, s, e):
    parts = {k: w.both(k, x, s["h"]) for k in "rnz"}
    reset = sigma(parts["r"])
    cand = np.tanh(reset * parts["n"])
    update = sigma(parts["z"] - 1.0)
    return {"h": update * cand + (1.0 - update) * s["h"]}


@formula("z n")
def ligru(w, x, s, e):
    z, candidate = sigma(w.both("z", x, s["h"])), np.maximum(w.both("n", x, s["h"]), 0.0)
    return {"h": z * s["h"] + (1 - z) * candidate}


@formula("f n", sees="f")
def mgu(w, x, s, e):
    f = sigma(w.both("f", x, s["h"]))
    candidate = np.tanh((f * s["h"]) @ w.Rn.T + w.x("n", x))
    return {"h": (1 - f) * s["h"] + f * candidate}


@formula("f g")
def janet(w, x, s, e):
    pre = w.both("f", x, s["h"])
    return {"h": sigma(pre) * s["h"] + (1 - sigma(pre - 1.0)) * np.tanh(w.both("g", x, s["h"]))}


@formula("g c")
def ugrnn(w, x, s, e):
    g, c = sigma(w.both("g", x, s["h"])), np.tanh(w.both("c", x, s["h"]))
    return {"h": g * s["h"] + (1 - g) * c}


@formula("m i f g o", sees="m")
def multiplicative_lstm(w, x, s, e):
    m = w.x("m", x) * w.u("m", s["h"])
    i, f, o = sigma(w.x("i", x) + m @ w.Ri.T), sigma(w.x("f", x) + m @ w.Rf.T), sigma(w.x("o", x) + m @ w.Ro.T)
    c = f * s["c"] + i * np.tanh(w.x("g", x) + m @ w.Rg.T)
    return {"h": np.tanh(c) * o, "c": c}


@formula("h")
def indrnn(w, x, s, e):
    return {"h": np.maximum(w.x("h", x) + w.R * s["h"], 0.0)}


@formula("f r c k")
def sru(w, x, s, e):
    f, r = sigma(w.x("f", x) + w.vf * s["c"]), sigma(w.x("r", x) + w.vr * s["c"])
    c = f * s["c"] + (1 - f) * w.x("c", x)
    return {"h": r * c + (1 - r) * w.x("k", x), "c": c}


@formula("z f o z1 f1 o1")
def qrnn(w, x, s, e):
    z = np.tanh(s["z"] + w.x("z", x))
    f, o = sigma(s["f"] + w.x("f", x)), sigma(s["o"] + w.x("o", x))
    c = f * s["c"] + (1 - f) * z
    return {"h": o * c, "c": c, "z": w.x("z1", x), "f": w.x("f1", x), "o": w.x("o1", x)}


def g(v):
    return np.where(v >= 0, v + 0.5, sigma(v))


@formula("z n")
def mingru(w, x, s, e):
    z = sigma(w.x("z", x))
    return {"h": (1 - z) * s["h"] + z * g(w.x("n", x))}


@formula("f i n")
def minlstm(w, x, s, e):
    f, i = sigma(w.x("f", x)), sigma(w.x("i", x))
    return {"h": f / (f + i) * s["h"] + i / (f + i) * g(w.x("n", x))}


@formula("i f z o", heads=4)
def slstm(w, x, s, e):
    i, f, z, o = (w.both(k, x, s["h"]) for k in "ifzo")
    log_f = np.log(sigma(f))
    m = np.where(s["n"] > 0, np.maximum(log_f + s["m"], i), i)
    i, f = np.exp(i - m), np.exp(log_f + s["m"] - m)
    c, n = f * s["c"] + i * np.tanh(z), f * s["n"] + i
    return {"h": sigma(o) * c / n, "c": c, "n": n, "m": m}


@formula("r i v")
def rglru(w, x, s, e):
    r, i = sigma(w.x("r", x)), sigma(w.x("i", x))
    a = np.exp(-8.0 * np.log1p(np.exp(w.Lambda)) * r)
    return {"h": a * s["h"] + np.sqrt(1 - a**2) * (i * w.x("v", x))}


@formula("re im d")
def lru(w, x, s, e):
    eigenvalues = np.exp(-np.exp(w.nu) + 1j * np.exp(w.theta))
    given = np.exp(w.gamma) * (w.x("re", x) + 1j * w.x("im", x))
    z = eigenvalues * (s["re"] + 1j * s["im"]) + given
    return {"h": (z @ (w.Cre + 1j * w.Cim).T).real + w.x("d", x), "re": z.real, "im": z.imag}


@formula("f g a b")
def cfc(w, x, s, e):
    ff1, ff2 = np.tanh(w.both("f", x, s["h"])), np.tanh(w.both("g", x, s["h"]))
    t = sigma(w.both("a", x, s["h"]) * e["dt"] + w.both("b", x, s["h"]))
    return {"h": ff1 * (1.0 - t) + t * ff2}


@formula("h")
def leaky_echo(w, x, s, e):
    return {"h": 0.7 * s["h"] + 0.3 * np.tanh(w.both("h", x, s["h"]))}


def unrolled(name: str, weights: Values, x: Any, state: Values, given: Values) -> tuple[Any, Values]:
    """The shown part at every step [B, T, H] and the last state, one step after another."""
    gates, sees, heads, step = FORMULAS[name]
    cut, outputs = Weights(gates, weights, sees, heads), []
    for t in range(x.shape[1]):
        state = step(cut, x[:, t], state, {key: value[:, t, None] for key, value in given.items()})
        outputs.append(next(iter(state.values())))
    return np.stack(outputs, axis=1), state
