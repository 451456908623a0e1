"""Small series that can be learnt in a second."""

from __future__ import annotations

import numpy as np

SMALL = {
    "horizon": 3,
    "context": 8,
    "hidden": 8,
    "epochs": 3,
    "batch": 16,
    "lags": "none",
    "levels": "0.1,0.5,0.9",
    "device": "cpu",
}


def waves(rows=60, names=("a", "b"), known=True, **more):
    """A season of five steps, on a level of its own for each series, moved by a covariate known ahead."""
    heat = np.random.default_rng(1).normal(size=rows)
    columns = {"unique_id": [], "ds": [], "y": [], "heat": []}
    for place, name in enumerate(names):
        columns["unique_id"] += [name] * rows
        columns["ds"] += list(range(rows))
        columns["y"] += [10.0 * (place + 1) + (t % 5) + (0.5 * heat[t] if known else 0.0) for t in range(rows)]
        columns["heat"] += heat.tolist()
    if not known:
        del columns["heat"]
    return columns | {name: [value] * (rows * len(names)) for name, value in more.items()}
