"""Writes the golden numbers of the built-in cells, from torch's own layers: ``python -m tests.golden.make``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ostinato.cells import BUILT_IN

FOLDER = Path(__file__).parent
LAYERS: dict[str, Any] = {
    "elman": lambda d, h: nn.RNN(d, h, batch_first=True),
    "elman_relu": lambda d, h: nn.RNN(d, h, batch_first=True, nonlinearity="relu"),
    "lstm": lambda d, h: nn.LSTM(d, h, batch_first=True),
    "gru": lambda d, h: nn.GRU(d, h, batch_first=True),
}


def wave(*shape: int, phase: float) -> Tensor:
    """Numbers that anyone can make again: sin(0.7 k + phase)."""
    count = torch.tensor(shape).prod().item()
    return torch.sin(0.7 * torch.arange(count, dtype=torch.float64) + phase).reshape(shape)


def weights(name: str, inputs: int, hidden: int) -> dict[str, Tensor]:
    """The weights of the golden runs."""
    shapes = BUILT_IN[name].shapes(inputs, hidden)
    return {weight: wave(*shape, phase=0.1 + index) for index, (weight, shape) in enumerate(shapes.items())}


def golden(name: str) -> dict[str, Any]:
    """What torch's layer answers to waves."""
    given, x = weights(name, 3, 2), wave(2, 4, 3, phase=0.4)
    layer = LAYERS[name](3, 2).double()
    recurrent_bias = given.get("br", torch.zeros_like(given["b"]))
    for target, value in zip(layer.parameters(), [given["W"], given["R"], given["b"], recurrent_bias], strict=True):
        target.data.copy_(value)
    y, last = layer(x)
    parts = dict(zip(BUILT_IN[name].state, last if isinstance(last, tuple) else (last,), strict=True))
    return {"y": y.tolist(), "state": {part: value[0].tolist() for part, value in parts.items()}}


if __name__ == "__main__":
    for name in BUILT_IN:
        (FOLDER / f"{name}.json").write_text(json.dumps(golden(name), indent=1) + "\n")
