"""What the machine can do: a product of large matrices, and multiply-adds in registers."""

from __future__ import annotations

from typing import Any

from ostinato.bench.inputs import Arrays
from ostinato.bench.peers import Work, versions
from ostinato.bench.points import Job


def about() -> dict[str, str]:
    """The version of torch."""
    return versions("torch")


def prepare(job: Job, arrays: Arrays) -> Work:
    """One product [N, N] x [N, N] in float32 by torch: 2 N^3 operations."""
    import torch

    left, right = torch.randn(job.rows, job.inputs), torch.randn(job.inputs, job.hidden)
    out = torch.empty(job.rows, job.hidden)

    def call() -> Any:
        return torch.mm(left, right, out=out)

    return Work(call, lambda outcome: {})


def multiply_adds() -> float | None:
    """Operations per second of a loop of multiply-adds on all threads, or None where the core does not offer it."""
    import torch

    from ostinato.core import load_core
    from ostinato.errors import OstinatoError

    try:
        roof = getattr(load_core(), "roof", None)
    except OstinatoError:
        return None
    # The core counts in billions.
    return None if roof is None else 1e9 * float(roof(torch.get_num_threads()))
