"""Those who are measured: how each prepares a job, one file for each way.

A file has ``about()``, the versions, and ``prepare(job, arrays)``. It imports its package inside these functions, since
a worker process may have only one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ostinato.bench.points import Job

# The file of each worker, and of the styles that are written differently.
FILES = {
    "ours": "ours",
    "torch": "torch_layers",
    "jax": "jax_scan",
    "keras": "keras_layers",
    "onnxruntime": "onnx_runtime",
}
STYLES = {"loop": "torch_loops", "indexing": "torch_loops", "product": "roofs"}

# What each needs beyond this package and numpy, and the command that brings it.
PACKAGES = {
    "ours": ("torch",),
    "torch": ("torch",),
    "jax": ("jax",),
    "keras": ("keras", "torch"),
    "onnxruntime": ("onnxruntime", "onnx"),
}


@dataclass(frozen=True)
class Work:
    """A prepared job: what is timed, and how its outcome becomes named arrays."""

    call: Callable[[], Any]
    results: Callable[[Any], dict[str, Any]]
    engine: str = ""


def peer_of(worker: str, job: Job | None = None) -> Any:
    """The module that does a job for a worker.

    >>> peer_of("jax").__name__
    'ostinato.bench.peers.jax_scan'
    """
    name = STYLES.get(job.style) if job is not None else None
    return import_module(f"ostinato.bench.peers.{name or FILES[worker]}")


def versions(*packages: str) -> dict[str, str]:
    """The versions of some packages."""
    from importlib.metadata import version

    return {package: version(package) for package in packages}
