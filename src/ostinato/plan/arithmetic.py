"""What each kind of value of a program computes, for numpy arrays whose last axis is the units of a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def _sigmoid(v: Array) -> Array:
    # exp of what is not positive never overflows.
    small = np.exp(-np.abs(v))
    return np.where(v >= 0, 1 / (1 + small), small / (1 + small)).astype(v.dtype)


def _select(condition: Array, yes: Array, no: Array) -> Array:
    chosen: Array = np.where(condition != 0, yes, no)
    return chosen


ELEMENTWISE: Mapping[str, Callable[..., Array]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "negate": np.negative,
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "relu": lambda v: np.maximum(v, 0),
    "exp": np.exp,
    "log": np.log,
    "softplus": lambda v: np.logaddexp(v, np.zeros_like(v)),
    "sqrt": np.sqrt,
    "absolute": np.abs,
    "sin": np.sin,
    "cos": np.cos,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "less": lambda a, b: np.less(a, b).astype(np.result_type(a, b)),
    "select": _select,
}
ALONG_A_ROW: Mapping[str, Callable[[Array], Array]] = {
    "row_sum": lambda v: v.sum(-1, keepdims=True),
    "row_mean": lambda v: v.mean(-1, keepdims=True),
    "row_max": lambda v: v.max(-1, keepdims=True),
}
LEAVES = ("number", "state", "weight", "constant")
LOOKUPS = ("lookup_sum", "lookup_mean")
KINDS = (*LEAVES, *LOOKUPS, "count", "product", "slice", "join", *ELEMENTWISE, *ALONG_A_ROW)
