"""Cells with chosen activations: the built-in one where it is that, else one made of the same few operations."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ostinato.cells import (
    Cell,
    Constant,
    Gates,
    Orthogonal,
    Uniform,
    cell,
    elman,
    elman_relu,
    gru,
    gru_reset_before,
    lstm,
    lstm_coupled,
    lstm_peephole,
    maximum,
    minimum,
    product,
    relu,
    sigmoid,
    tanh,
)
from ostinato.lowering.rebuild import cell_from_data, cell_to_data
from ostinato.state import State


@dataclass(frozen=True)
class Activation:
    """A function of a gate, by name; a hard sigmoid is max(0, min(1, alpha v + beta)).

    >>> Activation("hard_sigmoid", 0.2, 0.5)(1.0)
    0.7
    """

    name: str
    alpha: float = 0.0
    beta: float = 0.0

    def __call__(self, value: Any) -> Any:
        """The function of a value: a number, a symbol, a tensor."""
        if self.name == "hard_sigmoid":
            return maximum(minimum(value * self.alpha + self.beta, 1.0), 0.0)
        return KNOWN[self.name](value)


KNOWN: dict[str, Callable[[Any], Any]] = {
    "tanh": tanh,
    "sigmoid": sigmoid,
    "relu": relu,
    "linear": lambda value: value,
}
TANH, SIGMOID, RELU = Activation("tanh"), Activation("sigmoid"), Activation("relu")


@functools.lru_cache(maxsize=256)
def rnn_cell(f: Activation = TANH, clip: float | None = None) -> Cell:
    """h' = f(x + u); with ``clip`` what enters f is kept between -clip and clip.

    >>> rnn_cell(RELU), rnn_cell(Activation("sigmoid")).name
    (<cell elman_relu: state h, gates h>, 'elman_sigmoid')
    """
    if clip is None and f in (TANH, RELU):
        return elman if f == TANH else elman_relu
    within = _within(clip)

    def step(x: Gates, u: Gates, s: State) -> State:
        return State(h=f(within(x.h + u.h)))

    step.__name__ = _named("elman", f, clip=clip)
    return _kept(cell(state="h", gates="h", candidate="h")(step))


@functools.lru_cache(maxsize=256)
def gru_cell(
    f: Activation = SIGMOID, g: Activation = TANH, clip: float | None = None, *, reset_after: bool = True
) -> Cell:
    """A GRU whose gates go through f and whose candidate goes through g.

    >>> gru_cell(), gru_cell(reset_after=False).name, gru_cell(clip=2.0).name
    (<cell gru: state h, gates r z n>, 'gru_reset_before', 'gru_sigmoid_tanh_clipped_...')
    """
    plain = gru if reset_after else gru_reset_before
    if clip is None and (f, g) == (SIGMOID, TANH):
        return plain
    within = _within(clip)

    def step(x: Gates, u: Gates, s: State, p: Gates) -> State:
        r, z = f(within(x.r + u.r)), f(within(x.z + u.z))
        seen = r * u.n if reset_after else product(r * s.h, p.Rn)
        return State(h=(1 - z) * g(within(x.n + seen)) + z * s.h)

    step.__name__ = _named(plain.name, f, g, clip=clip)
    common: dict[str, Any] = {"state": "h", "gates": "r z n", "chrono": {"z": 1}, "candidate": "n"}
    if reset_after:
        return _kept(cell(**common, recurrent_bias=True, per_child="r u.n")(step))
    return _kept(cell(**common, sees="r z", matrices={"Rn": Orthogonal()}, per_child="r")(step))


@functools.lru_cache(maxsize=256)
def lstm_cell(
    f: Activation = SIGMOID,
    g: Activation = TANH,
    h: Activation = TANH,
    clip: float | None = None,
    *,
    peepholes: bool = False,
    coupled: bool = False,
) -> Cell:
    """An LSTM whose gates go through f, whose candidate goes through g and what is shown of whose memory through h.

    >>> lstm_cell().name, lstm_cell(peepholes=True).name, lstm_cell(coupled=True).name
    ('lstm', 'lstm_peephole', 'lstm_coupled')

    ``clip`` bounds what enters f and g and leaves the memory alone, in h too, as onnxruntime does. A coupled one lets
    in what it forgets: the built-in cell has a gate f, which is sigmoid(-v) for i = sigmoid(v); the others keep i.
    """
    if clip is None and (f, g, h) == (SIGMOID, TANH, TANH) and not (peepholes and coupled):
        return lstm_peephole if peepholes else lstm_coupled if coupled else lstm
    within = _within(clip)

    def step(x: Gates, u: Gates, s: State, p: Gates) -> State:
        def gate(name: str, seen: Any) -> Any:
            total = getattr(x, name) + getattr(u, name)
            return f(within(total + getattr(p, f"p{name}") * seen if peepholes else total))

        i = gate("i", s.c)
        c = (1 - i if coupled else gate("f", s.c)) * s.c + i * g(within(x.g + u.g))
        return State(h=gate("o", c) * h(c), c=c)

    looking = ("pi", "po") if coupled else ("pi", "pf", "po")
    step.__name__ = _named("lstm_coupled" if coupled else "lstm", f, g, h, clip=clip, peepholes=peepholes)
    return _kept(
        cell(
            state="h c",
            gates="i g o" if coupled else "i f g o",
            parameters=dict.fromkeys(looking, Uniform(-0.1, 0.1)) if peepholes else {},
            initial={} if coupled else {"b.f": Constant(1.0)},
            chrono={"i": -1} if coupled else {"f": 1, "i": -1},
            candidate="g",
            per_child="" if coupled else "f",
        )(step)
    )


def _within(clip: float | None) -> Callable[[Any], Any]:
    if clip is None:
        return lambda value: value
    bound = float(clip)
    return lambda value: minimum(maximum(value, -bound), bound)


def _named(base: str, *activations: Activation, clip: float | None, peepholes: bool = False) -> str:
    """A name that tells what was chosen; numbers, which no name can hold, as some digits that stand for them."""
    words = [base, *(activation.name for activation in activations)]
    words += ["peephole"] * peepholes + ["clipped"] * (clip is not None)
    if clip is not None or any(activation.name == "hard_sigmoid" for activation in activations):
        words.append(hashlib.sha256(repr((activations, clip)).encode()).hexdigest()[:6])
    return "_".join(words)


def _kept(made: Cell) -> Cell:
    """The cell as files give it back: a graph, so that it can be copied to another process."""
    return cell_from_data(cell_to_data(made), trusted=True)
