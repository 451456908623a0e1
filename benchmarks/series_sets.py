"""Eight sets of labelled series with their official splits: one recipe for all, and the same without convolutions."""

from __future__ import annotations

import importlib.util
import os
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

SENTENCE = "eight sets of series, mean accuracy of three seeds, one recipe (1-NN DTW 0.801, MiniRocket 0.931)"
SETS = (
    "JapaneseVowels",
    "BasicMotions",
    "ArrowHead",
    "GunPoint",
    "ItalyPowerDemand",
    "OSULeaf",
    "ACSF1",
    "PickupGestureWiimoteZ",
)
SEEDS = (1, 2, 3)
# The folder of the sets, each in a folder of its own; without it that of an installed aeon.
WHERE = "OSTINATO_SERIES_SETS"
# The recipe is the default of SeriesClassifier; the purely recurrent row leaves the convolutions out.
RECIPES: dict[str, dict[str, Any]] = {"hybrid": {}, "recurrent": {"convolution": 0}}


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One run for each set, recipe and seed; the recipe itself comes first."""
    folder = sets_folder()
    if folder is None:
        return {}
    return {
        f"{name}-{recipe}-{seed}": partial(measure, folder, name, recipe, seed)
        for recipe in RECIPES
        for seed in SEEDS
        for name in SETS
    }


def sets_folder() -> Path | None:
    """Where the sets lie; None, with a note, where there are none."""
    given = os.environ.get(WHERE)
    found = importlib.util.find_spec("aeon") if given is None else None
    if given is None and found is not None and found.origin is not None:
        given = str(Path(found.origin).parent / "datasets" / "data")
    if given is None or not (Path(given) / SETS[0]).is_dir():
        print(f"SKIPPED: no sets of series; set {WHERE} to the folder that holds {SETS[0]} and others (aeon has them)")
        return None
    return Path(given)


def measure(folder: Path, name: str, recipe: str, seed: int) -> dict[str, Any]:
    """Train on the training part, and count on the test part."""
    import ostinato as ost

    model = ost.SeriesClassifier(seed=seed, **RECIPES[recipe])
    began, cpu = time.monotonic(), time.process_time()
    model.fit(folder / name / f"{name}_TRAIN.ts", progress=False)
    seconds, worked = time.monotonic() - began, time.process_time() - cpu
    report = model.evaluate(folder / name / f"{name}_TEST.ts")
    return {
        "set": name,
        "recipe": recipe,
        "seed": seed,
        "accuracy": report.accuracy,
        "macro_f1": report.macro_f1,
        "epochs": model.training_["epochs"],
        "training_seconds": round(seconds, 1),
        "cpu_seconds": round(worked, 1),
    }


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The mean accuracy of each set and of all, for each recipe, and the minutes that they took."""
    out: dict[str, Any] = {}
    for recipe in RECIPES:
        mine = [r for r in results.values() if r["recipe"] == recipe]
        means = {
            name: round(statistics.mean(r["accuracy"] for r in mine if r["set"] == name), 4)
            for name in SETS
            if any(r["set"] == name for r in mine)
        }
        if means:
            out[recipe] = {
                "mean": round(statistics.mean(means.values()), 4),
                "minutes": round(sum(r["wall_seconds"] for r in mine) / 60, 1),
                "runs": len(mine),
                **means,
            }
    return out
