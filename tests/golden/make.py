"""Writes the golden numbers of the built-in cells: ``python -m tests.golden.make``.

They come from torch's own layers where torch has the cell, from the plain formulas of the laws where it has not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ostinato.cells import BUILT_IN
from tests.laws.formulas import unrolled

FOLDER = Path(__file__).parent
LAYERS: dict[str, Any] = {
    "elman": lambda d, h: nn.RNN(d, h, batch_first=True),
    "elman_relu": lambda d, h: nn.RNN(d, h, batch_first=True, nonlinearity="relu"),
    "lstm": lambda d, h: nn.LSTM(d, h, batch_first=True),
    "lstm_projected": lambda d, h: nn.LSTM(d, h, batch_first=True, proj_size=h // 2),
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


def given(name: str) -> dict[str, Tensor]:
    """What a cell wants at every step of the golden runs besides x, positive."""
    return {extra: 1.5 + wave(2, 4, phase=0.2 + place) for place, extra in enumerate(BUILT_IN[name].inputs)}


def width(name: str) -> int:
    """The width H of the golden runs."""
    return max(2, BUILT_IN[name].heads)


def golden(name: str) -> dict[str, Any]:
    """What torch's layer or the plain formula answers to waves."""
    made, x = weights(name, 3, width(name)), wave(2, 4, 3, phase=0.4)
    y, state = _of_torch(name, made, x) if name in LAYERS else _of_formula(name, made, x)
    return {"y": y.tolist(), "state": {part: value.tolist() for part, value in state.items()}}


def _of_torch(name: str, made: dict[str, Tensor], x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    layer = LAYERS[name](3, width(name)).double()
    recurrent_bias = made.get("br", torch.zeros_like(made["b"]))
    values = [made["W"], made["R"], made["b"], recurrent_bias, *(made[m] for m in BUILT_IN[name].matrices)]
    for target, value in zip(layer.parameters(), values, strict=True):
        target.data.copy_(value)
    y, last = layer(x)
    parts = zip(BUILT_IN[name].state, last if isinstance(last, tuple) else (last,), strict=True)
    return y, {part: value[0] for part, value in parts}


def _of_formula(name: str, made: dict[str, Tensor], x: Tensor) -> tuple[Any, dict[str, Any]]:
    zeros = {part: torch.zeros(2, size).double().numpy() for part, size in BUILT_IN[name].widths(width(name)).items()}
    arrays = [{key: value.numpy() for key, value in found.items()} for found in (made, given(name))]
    return unrolled(name, arrays[0], x.numpy(), zeros, arrays[1])


if __name__ == "__main__":
    for name in BUILT_IN:
        (FOLDER / f"{name}.json").write_text(json.dumps(golden(name), indent=1) + "\n")
