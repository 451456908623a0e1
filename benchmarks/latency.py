"""How long a user waits: for the import, for help, for one answer."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

SENTENCE = "import < 0.15 s without torch, --help < 0.3 s, one sentence predicted < 5 ms"
ROUNDS = 15


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """Each wait."""
    python = [sys.executable]
    return {
        "import": lambda: process([*python, "-c", "import ostinato"], bare=[*python, "-c", "pass"]),
        "help": lambda: process([*python, "-m", "ostinato", "--help"]),
        "help-train": lambda: process([*python, "-m", "ostinato", "train", "text-classifier", "--help"]),
        "predict": predict,
    }


def process(command: list[str], bare: list[str] | None = None) -> dict[str, Any]:
    """The wall time of a whole process, and of one that does nothing."""
    record = {"seconds": _median(command)}
    if bare:
        record["bare_seconds"] = _median(bare)
        record["own_seconds"] = record["seconds"] - record["bare_seconds"]
    return record


def _median(command: list[str]) -> float:
    seconds = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[1:])


def predict() -> dict[str, Any]:
    """One sentence after loading, with a network of the default size."""
    import tempfile
    from pathlib import Path

    import ostinato as ost

    texts = ["turn on the lamp", "turn off the lamp", "what time is it", "tell me the time"] * 20
    labels = ["on", "off", "time", "time"] * 20
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.safetensors"
        ost.TextClassifier(epochs=1).fit(texts, labels, progress=False).save(path)
        model = ost.load(path)
    seconds = []
    for number in range(200):
        began = time.perf_counter()
        model.predict([f"turn on lamp number {number} in the kitchen"])
        seconds.append(time.perf_counter() - began)
    return {"milliseconds": 1e3 * statistics.median(seconds), "worst_milliseconds": 1e3 * max(seconds[5:])}


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The number that matters of each."""
    keys = ("own_seconds", "seconds", "milliseconds")
    return {name: next((k, r[k]) for k in keys if k in r) for name, r in results.items()}
