"""The cell's vocabulary for torch tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ostinato.cells import operations


def _tensors(left: Any, right: Any) -> tuple[Tensor, Tensor]:
    like = left if isinstance(left, Tensor) else right
    return tuple(v if isinstance(v, Tensor) else torch.full_like(like, v) for v in (left, right))  # type: ignore[return-value]


def _maximum(left: Any, right: Any) -> Tensor:
    return torch.maximum(*_tensors(left, right))


def _minimum(left: Any, right: Any) -> Tensor:
    return torch.minimum(*_tensors(left, right))


def _less(left: Any, right: Any) -> Tensor:
    return torch.lt(*_tensors(left, right))


TENSOR_OPERATIONS: dict[str, Callable[..., Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "exp": torch.exp,
    "log": torch.log,
    # torch's own softplus turns linear at 20, an error of 2e-9 that float64 can see.
    "softplus": lambda v: torch.logaddexp(v, torch.zeros_like(v)),
    "sqrt": torch.sqrt,
    "absolute": torch.abs,
    "sin": torch.sin,
    "cos": torch.cos,
    "maximum": _maximum,
    "minimum": _minimum,
    "less": _less,
    "select": lambda condition, yes, no: torch.where(condition, yes, no),
    "product": lambda value, matrix: functional.linear(value, matrix),
    # One number for each unit of the row, so that a product or another look along it finds a whole row.
    "row_sum": lambda v: v.sum(-1, keepdim=True).expand_as(v),
    "row_mean": lambda v: v.mean(-1, keepdim=True).expand_as(v),
    "row_max": lambda v: v.amax(-1, keepdim=True).expand_as(v),
}


def register_tensors() -> None:
    """Let every operation of a cell compute with tensors."""
    for name, compute in TENSOR_OPERATIONS.items():
        operations.OPERATIONS[name].register(Tensor, compute)
