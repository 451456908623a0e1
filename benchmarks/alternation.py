"""Whether our threads and torch's get in each other's way when their calls take turns."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

SENTENCE = "an LSTM's call and torch.mm in turns on 2 threads cost < 5 % more than each of them alone"
# B, T, D, H of the call and the width of the square product beside it.
SIZES = {"small": (32, 16, 128, 128, 384), "middle": (8, 64, 128, 128, 512), "large": (32, 64, 256, 256, 1024)}
ROUNDS = 60


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """Each size, on torch's threads as everybody has them, and on the core's own."""
    return {f"{size}-{whose}": _apart(size, whose) for size in SIZES for whose in ("torch", "own")}


def _apart(size: str, whose: str) -> Callable[[], dict[str, Any]]:
    """A measurement in a process of its own: whose threads run is settled once."""

    def run() -> dict[str, Any]:
        words = [sys.executable, "-m", "benchmarks.alternation", size]
        environment = {**os.environ, "OSTINATO_THREADS": whose}
        done = subprocess.run(words, env=environment, check=True, capture_output=True, text=True)
        record: dict[str, Any] = json.loads(done.stdout)
        return record

    return run


def measure(size: str) -> dict[str, Any]:
    """Milliseconds of both alone and in turns, and what taking turns costs, as the median of its rounds."""
    import torch

    from ostinato.layers import Direction

    torch.set_num_threads(2)
    rows, steps, inputs, hidden, width = SIZES[size]
    layer, x, square = Direction("lstm", inputs, hidden), torch.randn(rows, steps, inputs), torch.randn(width, width)

    def ours() -> None:
        with torch.no_grad():
            layer(x)

    def product() -> None:
        torch.mm(square, square)

    alone = [_milliseconds([work])[0] for work in (ours, product)]
    turns = _milliseconds([ours, product])
    return {"alone": alone, "in_turns": turns, "cost": sum(turns) / sum(alone) - 1}


def _milliseconds(work: list[Callable[[], None]]) -> list[float]:
    taken: list[list[float]] = [[] for _ in work]
    for number in range(ROUNDS + 5):
        for each, do in zip(taken, work, strict=True):
            began = time.perf_counter()
            do()
            if number >= 5:
                each.append(1e3 * (time.perf_counter() - began))
    return [statistics.median(each) for each in taken]


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The largest cost on either threads."""
    return {
        whose: max(record["cost"] for name, record in results.items() if name.endswith(whose))
        for whose in ("torch", "own")
        if any(name.endswith(whose) for name in results)
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
