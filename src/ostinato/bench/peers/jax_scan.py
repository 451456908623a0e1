"""jax: ``lax.scan`` under ``jit``, the product with the input before the loop, time first as scan wants it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ostinato.bench.inputs import STATE, WEIGHT, Arrays
from ostinato.bench.peers import Work, versions
from ostinato.bench.points import Job
from ostinato.bench.user_cells import find_cell


def about() -> dict[str, str]:
    """The versions of jax and of its compiler."""
    return versions("jax", "jaxlib")


def prepare(job: Job, arrays: Arrays) -> Work:
    """One compiled forward call; the input lies [T, B, D] before the clock starts."""
    import jax

    weights = {name.removeprefix(WEIGHT): jax.numpy.asarray(a) for name, a in arrays.items() if name.startswith(WEIGHT)}
    parts = find_cell(job.cell).state
    state = tuple(jax.numpy.asarray(arrays[STATE + part]) for part in parts)
    x = jax.numpy.asarray(np.ascontiguousarray(arrays["x"].swapaxes(0, 1)))
    step = STEPS[job.cell]

    def forward(weights: Any, x: Any, state: Any) -> Any:
        into = x @ weights["W"].T + weights["b"]
        last, y = jax.lax.scan(lambda now, gates: step(jax, gates, now, weights), state, into)
        return (y, *last)

    compiled = jax.jit(forward).lower(weights, x, state).compile()

    def results(outcome: Any) -> dict[str, Any]:
        y, *last = (np.asarray(array) for array in outcome)
        return {"y": y.swapaxes(0, 1), **dict(zip(parts, last, strict=True))}

    return Work(lambda: jax.block_until_ready(compiled(weights, x, state)), results)


def elman(jax: Any, gates: Any, now: tuple[Any, ...], w: dict[str, Any]) -> Any:
    """One step of the tanh network."""
    h = jax.numpy.tanh(gates + now[0] @ w["R"].T)
    return (h,), h


def lstm(jax: Any, gates: Any, now: tuple[Any, ...], w: dict[str, Any]) -> Any:
    """One step of the LSTM."""
    h, c = now
    i, f, g, o = jax.numpy.split(gates + h @ w["R"].T, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jax.numpy.tanh(g)
    h = jax.nn.sigmoid(o) * jax.numpy.tanh(c)
    return (h, c), h


def gru(jax: Any, gates: Any, now: tuple[Any, ...], w: dict[str, Any]) -> Any:
    """One step of the GRU, the reset gate after the product."""
    (h,) = now
    xr, xz, xn = jax.numpy.split(gates, 3, axis=-1)
    ur, uz, un = jax.numpy.split(h @ w["R"].T + w["br"], 3, axis=-1)
    z = jax.nn.sigmoid(xz + uz)
    h = (1 - z) * jax.numpy.tanh(xn + jax.nn.sigmoid(xr + ur) * un) + z * h
    return (h,), h


STEPS: dict[str, Callable[..., Any]] = {"elman": elman, "lstm": lstm, "gru": gru}
