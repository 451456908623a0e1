"""The list of benchmarks, and how one is run: resumable, one JSON file for each run."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"

# A benchmark is one module with SENTENCE, runs() and summary(); it is added by its name here.
NAMES = (
    "clinc150",
    "polarity",
    "assistant",
    "overhead",
    "latency",
    "alternation",
    "bitflips",
    "kills",
    "certificates",
    "listops",
    "function_names",
    "trees",
    "cells",
    "electricity",
    "forecast_speed",
    "streaming",
    "cmapss",
    "series_sets",
    "nab",
    "tagging",
    "language",
    "translation",
    "tunes",
    "slots",
    "transfer",
    "language_speed",
    "generation",
    "stories",
)


@dataclass(frozen=True)
class Benchmark:
    """What is measured, in one sentence, as a list of runs and a summary of their results."""

    name: str
    sentence: str
    runs: Callable[[], Mapping[str, Callable[[], dict[str, Any]]]]
    summary: Callable[[Mapping[str, dict[str, Any]]], dict[str, Any]]

    @property
    def folder(self) -> Path:
        """Where its results lie."""
        return RESULTS / self.name

    def results(self) -> dict[str, dict[str, Any]]:
        """What is kept of the runs that are done."""
        return {path.stem: json.loads(path.read_text()) for path in sorted(self.folder.glob("*.json"))}


def find(name: str) -> Benchmark:
    """A benchmark by its name."""
    module = import_module(f"benchmarks.{name}")
    return Benchmark(name, module.SENTENCE, module.runs, module.summary)


def run(benchmark: Benchmark, *, again: bool = False, only: Iterable[str] = ()) -> dict[str, Any]:
    """Do the runs that have no result yet (all of them with ``again``) and return the summary."""
    benchmark.folder.mkdir(parents=True, exist_ok=True)
    chosen = set(only)
    for name, measure in benchmark.runs().items():
        path = benchmark.folder / f"{name}.json"
        if (chosen and name not in chosen) or (path.exists() and not again):
            continue
        print(f"{benchmark.name}/{name} ...", flush=True)
        began = time.monotonic()
        measured = measure()
        record = {**measured, "wall_seconds": round(time.monotonic() - began, 2), "machine": machine()}
        write(path, record)
        shown = {k: v for k, v in measured.items() if isinstance(v, int | float | str)}
        print(f"{benchmark.name}/{name}: {json.dumps(shown)}", flush=True)
    return benchmark.summary(benchmark.results())


def write(path: Path, record: Mapping[str, Any]) -> None:
    """Write one result whole or not at all."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    os.replace(temporary, path)


def machine() -> dict[str, Any]:
    """Where a number was measured."""
    import torch

    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit(),
        **{name: _version(name) for name in ("ostinato", "torch", "numpy")},
    }


def commit() -> str | None:
    """Which state of the checkout was measured."""
    here = Path(__file__).parent
    run = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=here, capture_output=True, text=True, check=False
    )
    return run.stdout.strip() or None


def processor() -> str:
    """The processor's own name, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def data_folder(name: str) -> Path | None:
    """A data set below the folder that OSTINATO_DATA names, or None, said aloud."""
    root = os.environ.get("OSTINATO_DATA")
    folder = Path(root) / name if root else None
    if folder is None or not folder.is_dir():
        print(f"SKIPPED: no data set '{name}'; set OSTINATO_DATA to the folder that holds it", flush=True)
        return None
    return folder


def spread(values: Iterable[float]) -> dict[str, float]:
    """Mean, smallest and largest of some runs."""
    numbers = list(values)
    return {"mean": statistics.fmean(numbers), "min": min(numbers), "max": max(numbers), "runs": len(numbers)}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def percent(part: Mapping[str, float]) -> str:
    """The mean of some runs as a percentage."""
    return f"{100 * part['mean']:.1f} %"
