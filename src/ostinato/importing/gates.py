"""Orders of gates as data: how others keep them, and how their weights are laid out in ours."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ostinato.cells import Cell

# Our letters: i lets in, f forgets, g is new content, o shows; z keeps, r resets, n is new content.
ONNX = {"RNN": ("h",), "LSTM": ("i", "o", "f", "g"), "GRU": ("z", "r", "n")}
KERAS = {"SimpleRNN": ("h",), "LSTM": ("i", "f", "g", "o"), "GRU": ("z", "r", "n")}
TORCH = {"RNN_TANH": ("h",), "RNN_RELU": ("h",), "LSTM": ("i", "f", "g", "o"), "GRU": ("r", "z", "n")}


def reordered(weight: Tensor, came: Sequence[str], wanted: Sequence[str]) -> Tensor:
    """The blocks of a weight [G H, ...] that belong to the wanted gates, in their order.

    >>> reordered(torch.tensor([1., 2., 3.]), "zrn", "rn").tolist()
    [2.0, 3.0]
    """
    blocks = dict(zip(came, weight.chunk(len(came)), strict=True))
    return torch.cat([blocks[gate] for gate in wanted])


def laid_out(
    cell: Cell, order: Sequence[str], W: Tensor, R: Tensor, b: Tensor | None, br: Tensor | None
) -> dict[str, Tensor]:
    """The weights of a cell from W [G H, D], R [G H, P] and both biases [G H], whose gates stand in another order.

    >>> from ostinato.cells import gru
    >>> one = torch.ones(3, 1)
    >>> laid_out(gru, "zrn", one, one, torch.tensor([1., 2., 3.]), None)["b"].tolist()
    [2.0, 1.0, 3.0]

    A cell without a recurrent bias is given the sum of both; where the candidate of a GRU has a matrix of its own, it
    is R's last block.
    """
    nothing = W.new_zeros(len(W))
    b, br = nothing if b is None else b, nothing if br is None else br
    weights = {"W": reordered(W, order, cell.gates), "R": reordered(R, order, cell.sees)}
    if cell.recurrent_bias:
        weights.update(b=reordered(b, order, cell.gates), br=reordered(br, order, cell.sees))
    else:
        weights["b"] = reordered(b + br, order, cell.gates)
    if "Rn" in cell.matrices:
        weights["Rn"] = reordered(R, order, ("n",))
    return weights
