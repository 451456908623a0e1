"""Whether two sides computed the same: the relative error in the norm of each tensor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

OUTPUTS, GRADIENTS = 1e-5, 1e-4
# At its kink ReLU's gradient jumps: what rounding decides there is held against torch's own rounding instead.
RELU_TIMES = 3.0
STRIDE = 1 << 22


def distance(got: Any, wanted: Any) -> float:
    """The norm of the difference over the norm of what was wanted, summed in float64.

    >>> distance(np.array([3.0, 4.1]), np.array([3.0, 4.0])) < 0.0201
    True

    Infinite when the shapes differ or a number is not finite.
    """
    if got.shape != wanted.shape:
        return math.inf
    apart, size = 0.0, 0.0
    a, b = got.reshape(-1), wanted.reshape(-1)
    for start in range(0, a.size, STRIDE):
        x, y = (part[start : start + STRIDE].astype(np.float64) for part in (a, b))
        apart += float(np.square(x - y).sum())
        size += float(np.square(y).sum())
    found = math.sqrt(apart / size) if size > 0 else math.sqrt(apart)
    return found if math.isfinite(found) else math.inf


def errors(got: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, float]:
    """The distance of each tensor; one that only one side has is infinitely far."""
    names = dict.fromkeys([*wanted, *got])
    return {name: distance(got[name], wanted[name]) if name in got and name in wanted else math.inf for name in names}


def worst(found: Mapping[str, float]) -> dict[str, float]:
    """The largest error of the outputs, and of the gradients where there are any."""
    outputs = [error for name, error in found.items() if not name.startswith("grad.")]
    gradients = [error for name, error in found.items() if name.startswith("grad.")]
    return {"outputs": max(outputs), **({"gradients": max(gradients)} if gradients else {})}


def beyond(found: Mapping[str, float], allowed: Mapping[str, float] | None = None) -> list[str]:
    """The tensors that are further off than they may be, each with its error; ``allowed`` widens single ones.

    >>> beyond({"y": 2e-5, "grad.x": 5e-5})
    ['y 2.0e-05 (at most 1e-05)']
    """
    told = []
    for name, error in found.items():
        limit = GRADIENTS if name.startswith("grad.") else OUTPUTS
        limit = max(limit, (allowed or {}).get(name, 0.0))
        if not error <= limit:
            told.append(f"{name} {error:.1e} (at most {limit:.2g})")
    return told
