"""Remaining life of turbofans (C-MAPSS FD001): trained on engines that failed, compared at the last cycle of others."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.registry import data_folder, spread

SENTENCE = "turbofan life, C-MAPSS FD001, RMSE against truth capped at 125, default options (BiLSTM 13.65, LSTM 14.93)"
SEEDS = (1, 2, 3)
SENSORS = slice(5, None)


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One run for each seed, which also draws the 15 engines that training stops by."""
    folder = data_folder("cmapss-fd001")
    if folder is None:
        return {}
    return {f"seed-{seed}": partial(measure, folder, seed) for seed in SEEDS}


def engines(path: Path) -> list[Any]:
    """The sensors of each engine, [cycles, 21]."""
    import numpy as np

    rows = np.loadtxt(path, dtype=np.float32)
    return [rows[rows[:, 0] == unit, SENSORS] for unit in np.unique(rows[:, 0])]


def measure(folder: Path, seed: int) -> dict[str, Any]:
    """Train with the default options, 15 engines kept for stopping, and compare after the last cycle of each engine."""
    import numpy as np

    import ostinato as ost

    model = ost.RemainingLife(seed=seed)
    began = time.monotonic()
    model.fit(engines(folder / "train_FD001.txt"), progress=False)
    seconds = time.monotonic() - began
    report = model.evaluate(engines(folder / "test_FD001.txt"), np.loadtxt(folder / "RUL_FD001.txt"))
    return {
        "seed": seed,
        "rmse": report.rmse,
        "nasa": report.nasa,
        "rmse_uncapped": report.rmse_uncapped,
        "nasa_uncapped": report.nasa_uncapped,
        "validation_rmse": model.validation_.rmse,
        "epochs": model.training_["epochs"],
        "training_seconds": round(seconds, 1),
    }


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Mean over the seeds."""
    names = ("rmse", "nasa", "rmse_uncapped", "nasa_uncapped", "training_seconds")
    return {name: spread(r[name] for r in results.values()) for name in names}
