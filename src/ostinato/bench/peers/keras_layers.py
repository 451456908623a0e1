"""Keras' layers on the torch backend, called directly: ``predict`` would add its own loop."""

from __future__ import annotations

from typing import Any

import numpy as np

from ostinato.bench.inputs import STATE, WEIGHT, Arrays
from ostinato.bench.peers import Work, versions
from ostinato.bench.points import Job
from ostinato.bench.user_cells import find_cell

# Keras' name of each layer, its order of our gates, and its options.
LAYERS: dict[str, tuple[str, tuple[int, ...], dict[str, Any]]] = {
    "lstm": ("LSTM", (0, 1, 2, 3), {}),
    "gru": ("GRU", (1, 0, 2), {"reset_after": True}),
    "elman": ("SimpleRNN", (0,), {}),
}


def about() -> dict[str, str]:
    """The versions of keras and of its backend."""
    return versions("keras", "torch")


def prepare(job: Job, arrays: Arrays) -> Work:
    """One forward call of a layer, without gradients."""
    import keras
    import torch

    kind, order, more = LAYERS[job.cell]
    layer = getattr(keras.layers, kind)(job.hidden, return_sequences=True, return_state=True, **more)
    layer.build((job.rows, job.steps, job.inputs))
    into, bias, recurrent = (reordered(arrays[WEIGHT + name], order) for name in ("W", "b", "R"))
    if job.cell == "gru":
        bias = np.stack([bias, reordered(arrays[f"{WEIGHT}br"], order)])
    layer.set_weights([into.T, recurrent.T, bias])
    parts = find_cell(job.cell).state
    state = [torch.from_numpy(arrays[STATE + part]) for part in parts]
    x = torch.from_numpy(arrays["x"])

    def call() -> Any:
        with torch.inference_mode():
            return layer(x, initial_state=state, training=False)

    def results(outcome: Any) -> dict[str, Any]:
        return {name: tensor.numpy() for name, tensor in zip(("y", *parts), outcome, strict=True)}

    return Work(call, results)


def reordered(weight: Any, order: tuple[int, ...]) -> Any:
    """A weight [G H, ...] with its gates in another order.

    >>> reordered(np.array([1, 2, 3, 4, 5, 6]), (1, 0, 2)).tolist()
    [3, 4, 1, 2, 5, 6]
    """
    gates = np.split(weight, len(order))
    return np.concatenate([gates[number] for number in order])
