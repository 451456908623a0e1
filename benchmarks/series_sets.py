"""Eight sets of labelled series with their official splits: one recipe for all, and the same without convolutions.

OSTINATO_SERIES_PEERS names the Python of an environment that has aeon; 1-NN DTW and MiniRocket run there.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import statistics
import subprocess
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
PEERS = {"dtw": "1-NN DTW", "minirocket": "MiniRocket"}
PAGE = Path(__file__).parent.parent / "docs" / "series-sets.md"
MARKED = re.compile(r"(<!-- series sets -->\n).*?(<!-- /series sets -->)", re.DOTALL)


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One run for each set, recipe and seed, the recipe itself first, and one for each peer."""
    folder = sets_folder()
    if folder is None:
        return {}
    python = os.environ.get("OSTINATO_SERIES_PEERS")
    if not python:
        print("SKIPPED: OSTINATO_SERIES_PEERS names no Python with aeon", flush=True)
    return {
        f"{name}-{recipe}-{seed}": partial(measure, folder, name, recipe, seed)
        for recipe in RECIPES
        for seed in SEEDS
        for name in SETS
    } | ({peer: partial(beside, python, folder, peer) for peer in PEERS} if python else {})


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


def beside(python: str, folder: Path, peer: str) -> dict[str, Any]:
    """What a peer gets right of each set."""
    words = [python, str(Path(__file__).with_name("series_sets_peers.py")), str(folder), peer, *SETS]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {
        "peer": peer,
        "accuracies": {line["set"]: line["accuracy"] for line in lines},
        "training_seconds": round(sum(line["seconds"] for line in lines), 1),
    }


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The mean accuracy of each set and of all, for each recipe, and the minutes that they took."""
    out: dict[str, Any] = {}
    for recipe in RECIPES:
        mine = [r for r in results.values() if r.get("recipe") == recipe]
        means = {
            name: round(statistics.mean(r["accuracy"] for r in mine if r["set"] == name), 4)
            for name in SETS
            if any(r["set"] == name for r in mine)
        }
        if means:
            out[recipe] = {
                "mean": round(statistics.mean(means.values()), 4),
                "minutes": round(sum(r["wall_seconds"] for r in mine) / 60, 1),
                "cpu_minutes": round(sum(r["cpu_seconds"] for r in mine) / 60, 1),
                "runs": len(mine),
                **means,
            }
    for peer in PEERS:
        if peer in results:
            shares = results[peer]["accuracies"]
            out[peer] = {"mean": round(statistics.mean(shares.values()), 4), **shares}
    return out


def write_page() -> None:
    """Write the table into the page."""
    from benchmarks.registry import find

    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(written(page, find("series_sets").results()), encoding="utf-8")


def written(page: str, results: Mapping[str, dict[str, Any]]) -> str:
    """The page with the table between its marks made from the results that are kept."""
    return MARKED.sub(lambda match: match[1] + table(results) + match[2], page)


def table(results: Mapping[str, dict[str, Any]]) -> str:
    """One row for each set: the mean of the seeds and how far they lie apart for both recipes, and the peers.

    >>> print(table({"GunPoint-hybrid-1": {"set": "GunPoint", "recipe": "hybrid", "seed": 1, "accuracy": 0.5,
    ...                                    "wall_seconds": 60.0, "cpu_seconds": 30.0}}))
    | set | hybrid |
    |---|---|
    | GunPoint | 50.0 (50.0-50.0) |
    | **mean** | **50.0** |
    <BLANKLINE>
    """
    found = summary(results)
    if not found:
        return "Nothing is measured yet.\n"
    heads = {"hybrid": "hybrid", "recurrent": "recurrence alone", **PEERS}
    rows = ["| set | " + " | ".join(heads[name] for name in found) + " |", "|---" * (1 + len(found)) + "|"]
    for name in SETS:
        if any(name in row for row in found.values()):
            cells = [shown(results, column, name, row.get(name)) for column, row in found.items()]
            rows.append(f"| {name} | " + " | ".join(cells) + " |")
    rows.append("| **mean** | " + " | ".join(f"**{100 * row['mean']:.1f}**" for row in found.values()) + " |")
    return "\n".join(rows) + "\n"


def shown(results: Mapping[str, dict[str, Any]], column: str, name: str, mean: float | None) -> str:
    """The mean of a set, in percent, and the least and the most of its seeds."""
    if mean is None:
        return "-"
    runs = [r["accuracy"] for r in results.values() if (r.get("recipe"), r.get("set")) == (column, name)]
    spread = f" ({100 * min(runs):.1f}-{100 * max(runs):.1f})" if runs else ""
    return f"{100 * mean:.1f}{spread}"
