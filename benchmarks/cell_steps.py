"""The cells as one writes them by hand, fast: once for torch's eager loop and for jax's scan, which bring their words.

Whatever needs no state is computed for all steps before the loop, whatever no later step needs after it. ``m`` has the
words of one library (:class:`benchmarks.cell_peers.Eager`, :mod:`benchmarks.cell_jax`); matrices come turned, ready to
stand on the right. Imported by another interpreter too: the standard library only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Values = tuple[Any, ...]


class Peer:
    """One cell: what comes before the loop, the step, and what comes after the loop.

    ``kept`` says how many parts of the loop's state are wanted along time, from the first on.
    """

    kept = 1

    def before(self, m: Any, w: Any, into: Any, state: Values, given: Any) -> tuple[Values, Values]:
        """What each step is given, along time, and the state of the loop."""
        return (into,), state

    def step(self, m: Any, w: Any, now: Values, state: Values) -> Values:
        """The next state of the loop."""
        raise NotImplementedError

    def after(self, m: Any, w: Any, steps: Values, states: Values, last: Values) -> tuple[Any, Values]:
        """The shown part along time and the last state, from what the steps were given and the states along time."""
        return states[0], last


class Step(Peer):
    """A cell that needs nothing but its step."""

    def __init__(self, function: Callable[[Any, Any, Values, Values], Values]) -> None:
        self.function = function

    def step(self, m: Any, w: Any, now: Values, state: Values) -> Values:
        return self.function(m, w, now, state)


class Parted(Step):
    """Some gates see the state through R, the others in another way: the shares lie apart."""

    def __init__(self, function: Callable[[Any, Any, Values, Values], Values], seeing: int, gates: int) -> None:
        super().__init__(function)
        self.seeing, self.gates = seeing, gates

    def before(self, m: Any, w: Any, into: Any, state: Values, given: Any) -> tuple[Values, Values]:
        cut = into.shape[-1] // self.gates * self.seeing
        w["joined"] = m.beside([w[name] for name in ("Ri", "Rf", "Rg", "Ro") if name in w])
        return (into[..., :cut], into[..., cut:]), state


def elman(m: Any, w: Any, now: Values, state: Values) -> Values:
    return (m.tanh(m.affine(now[0], state[0], w["R"])),)


def elman_relu(m: Any, w: Any, now: Values, state: Values) -> Values:
    return (m.relu(m.affine(now[0], state[0], w["R"])),)


def jordan(m: Any, w: Any, now: Values, state: Values) -> Values:
    return (m.tanh(m.affine(w["c"], m.tanh(m.affine(now[0], state[0], w["R"])), w["V"])),)


def lstm(m: Any, w: Any, now: Values, state: Values) -> Values:
    i, f, g, o = m.split(m.affine(now[0], state[0], w["R"]), 4)
    c = m.sigmoid(f) * state[1] + m.sigmoid(i) * m.tanh(g)
    return m.sigmoid(o) * m.tanh(c), c


def lstm_peephole(m: Any, w: Any, now: Values, state: Values) -> Values:
    h, c = state
    i, f, g, o = m.split(m.affine(now[0], h, w["R"]), 4)
    i, f = m.sigmoid(i + w["pi"] * c), m.sigmoid(f + w["pf"] * c)
    c = f * c + i * m.tanh(g)
    return m.sigmoid(o + w["po"] * c) * m.tanh(c), c


def lstm_coupled(m: Any, w: Any, now: Values, state: Values) -> Values:
    f, g, o = m.split(m.affine(now[0], state[0], w["R"]), 3)
    c = m.between(m.tanh(g), state[1], m.sigmoid(f))
    return m.sigmoid(o) * m.tanh(c), c


def lstm_projected(m: Any, w: Any, now: Values, state: Values) -> Values:
    h, c = lstm(m, w, now, state)
    return h @ w["P"], c


def gru(m: Any, w: Any, now: Values, state: Values) -> Values:
    (h,) = state
    xr, xz, xn = m.split(now[0], 3)
    ur, uz, un = m.split(m.affine(w["br"], h, w["R"]), 3)
    n = m.tanh(xn + m.sigmoid(xr + ur) * un)
    return (m.between(n, h, m.sigmoid(xz + uz)),)


def gru_reset_before(m: Any, w: Any, now: Values, state: Values) -> Values:
    (h,) = state
    r, z = m.split(m.sigmoid(m.affine(now[0], h, w["R"])), 2)
    return (m.between(m.tanh(m.affine(now[1], r * h, w["Rn"])), h, z),)


def gru_dreamer(m: Any, w: Any, now: Values, state: Values) -> Values:
    (h,) = state
    r, n, z = m.split(m.affine(now[0], h, w["R"]), 3)
    return (m.between(h, m.tanh(m.sigmoid(r) * n), m.sigmoid(z - 1)),)


def ligru(m: Any, w: Any, now: Values, state: Values) -> Values:
    (h,) = state
    z, n = m.split(m.affine(now[0], h, w["R"]), 2)
    return (m.between(m.relu(n), h, m.sigmoid(z)),)


def mgu(m: Any, w: Any, now: Values, state: Values) -> Values:
    (h,) = state
    f = m.sigmoid(m.affine(now[0], h, w["R"]))
    return (m.between(h, m.tanh(m.affine(now[1], f * h, w["Rn"])), f),)


def janet(m: Any, w: Any, now: Values, state: Values) -> Values:
    f, g = m.split(m.affine(now[0], state[0], w["R"]), 2)
    return (m.sigmoid(f) * state[0] + (1 - m.sigmoid(f - 1)) * m.tanh(g),)


def ugrnn(m: Any, w: Any, now: Values, state: Values) -> Values:
    g, c = m.split(m.affine(now[0], state[0], w["R"]), 2)
    return (m.between(m.tanh(c), state[0], m.sigmoid(g)),)


def multiplicative_lstm(m: Any, w: Any, now: Values, state: Values) -> Values:
    seen = now[0] * (state[0] @ w["R"])
    i, f, g, o = m.split(m.affine(now[1], seen, w["joined"]), 4)
    c = m.sigmoid(f) * state[1] + m.sigmoid(i) * m.tanh(g)
    return m.sigmoid(o) * m.tanh(c), c


def indrnn(m: Any, w: Any, now: Values, state: Values) -> Values:
    return (m.relu(now[0] + w["R"] * state[0]),)


def leaky_echo(m: Any, w: Any, now: Values, state: Values) -> Values:
    return (0.7 * state[0] + 0.3 * m.tanh(m.affine(now[0], state[0], w["R"])),)


def blended(m: Any, w: Any, now: Values, state: Values) -> Values:
    """A moving average whose share and content are known before the loop."""
    return (now[0] * state[0] + now[1],)


class Sru(Peer):
    def before(self, m: Any, w: Any, into: Any, state: Values, given: Any) -> tuple[Values, Values]:
        f, r, c, k = m.split(into, 4)
        return (f, c, r, k), (state[1],)

    def step(self, m: Any, w: Any, now: Values, state: Values) -> Values:
        return (m.between(now[1], state[0], m.sigmoid(now[0] + w["vf"] * state[0])),)

    def after(self, m: Any, w: Any, steps: Values, states: Values, last: Values) -> tuple[Any, Values]:
        c = states[0]
        r = m.sigmoid(steps[2] + w["vr"] * m.shifted(w["state"][1], c))
        y = m.between(steps[3], c, r)
        return y, (m.last(y), *last)


class Qrnn(Peer):
    def before(self, m: Any, w: Any, into: Any, state: Values, given: Any) -> tuple[Values, Values]:
        z, f, o, *late = m.split(into, 6)
        z, f, o = (now + m.shifted(first, then) for now, first, then in zip((z, f, o), state[2:], late, strict=True))
        f = m.sigmoid(f)
        return (f, (1 - f) * m.tanh(z), m.sigmoid(o), *late), (state[1],)

    def step(self, m: Any, w: Any, now: Values, state: Values) -> Values:
        return (now[0] * state[0] + now[1],)

    def after(self, m: Any, w: Any, steps: Values, states: Values, last: Values) -> tuple[Any, Values]:
        y = steps[2] * states[0]
        return y, (m.last(y), *last, *(m.last(late) for late in steps[3:]))


class Mingru(Step):
    def before(self, m: Any, w: Any, into: Any, state: Values, given: Any) -> tuple[Values, Values]:
        z, n = m.split(into, 2)
        z = m.sigmoid(z)
        return (1 - z, z * m.where(n < 0, m.sigmoid(n), n + 0.5)), state


class Minlstm(Step):
    def before(self, m: Any, w: Any, into: Any, state: Values, given: Any) -> tuple[Values, Values]:
        f, i, n = m.split(into, 3)
        kept = m.sigmoid(m.softplus(-i) - m.softplus(-f))
        return (kept, (1 - kept) * m.where(n < 0, m.sigmoid(n), n + 0.5)), state


class Rglru(Step):
    def before(self, m: Any, w: Any, into: Any, state: Values, given: Any) -> tuple[Values, Values]:
        r, i, v = m.split(into, 3)
        k = 8 * m.softplus(w["Lambda"]) * m.sigmoid(r)
        return (m.exp(-k), m.sqrt(-m.expm1(-2 * k)) * m.sigmoid(i) * v), state


class Lru(Peer):
    kept = 2

    def before(self, m: Any, w: Any, into: Any, state: Values, given: Any) -> tuple[Values, Values]:
        size, angle = m.exp(-m.exp(w["nu"])), m.exp(w["theta"])
        w["a"], w["b_"] = size * m.cos(angle), size * m.sin(angle)
        re, im, d = m.split(into, 3)
        scale = m.exp(w["gamma"])
        return (scale * re, scale * im, d), state[1:]

    def step(self, m: Any, w: Any, now: Values, state: Values) -> Values:
        re, im = state
        return w["a"] * re - w["b_"] * im + now[0], w["b_"] * re + w["a"] * im + now[1]

    def after(self, m: Any, w: Any, steps: Values, states: Values, last: Values) -> tuple[Any, Values]:
        y = states[0] @ w["Cre"] - states[1] @ w["Cim"] + steps[2]
        return y, (m.last(y), *last)


class Slstm(Peer):
    heads = 4

    def before(self, m: Any, w: Any, into: Any, state: Values, given: Any) -> tuple[Values, Values]:
        w["blocks"] = m.blocks(w["R"], self.heads)
        return (m.by_head(into, self.heads, 4),), tuple(m.folded(part, self.heads) for part in state)

    def step(self, m: Any, w: Any, now: Values, state: Values) -> Values:
        h, c, n, before = state
        i, f, z, o = m.split(m.batched(now[0], h, w["blocks"]), 4)
        kept = before - m.softplus(-f)
        top = m.where(n > 0, m.maximum(kept, i), i)
        keep, write = m.exp(m.below(kept - top, 0.0)), m.exp(i - top)
        c, n = keep * c + write * m.tanh(z), keep * n + write
        return m.sigmoid(o) * c / n, c, n, top

    def after(self, m: Any, w: Any, steps: Values, states: Values, last: Values) -> tuple[Any, Values]:
        return m.joined(states[0]), tuple(m.unfolded(part) for part in last)


class Cfc(Peer):
    def before(self, m: Any, w: Any, into: Any, state: Values, given: Any) -> tuple[Values, Values]:
        return (into, given["dt"][..., None]), state

    def step(self, m: Any, w: Any, now: Values, state: Values) -> Values:
        f, g, a, b = m.split(m.affine(now[0], state[0], w["R"]), 4)
        return (m.between(m.tanh(f), m.tanh(g), m.sigmoid(a * now[1] + b)),)


PEERS: dict[str, Peer] = {
    **{
        step.__name__: Step(step)
        for step in (
            *(elman, elman_relu, jordan, lstm, lstm_peephole, lstm_coupled, lstm_projected, gru, gru_dreamer, ligru),
            *(janet, ugrnn, indrnn, leaky_echo),
        )
    },
    "gru_reset_before": Parted(gru_reset_before, 2, 3),
    "mgu": Parted(mgu, 1, 2),
    "multiplicative_lstm": Parted(multiplicative_lstm, 1, 5),
    **{"sru": Sru(), "qrnn": Qrnn(), "lru": Lru(), "slstm": Slstm(), "cfc": Cfc()},
    **{"mingru": Mingru(blended), "minlstm": Minlstm(blended), "rglru": Rglru(blended)},
}
