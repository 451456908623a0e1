"""Training speed and memory: the same windows, width and layers as NeuralForecast's LSTM; a panel of 1,000 x 1,000."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

SENTENCE = (
    "forecasters: training steps a second and memory beside NeuralForecast's LSTM, same windows, width and layers"
)
# Of both jobs: width and layers of the LSTM, steps read and foretold, windows in a batch, batches.
JOBS = {
    "windows": {"series": 1, "rows": 12_288, "hidden": 128, "layers": 2, "context": 96, "horizon": 48, "batch": 128},
    "panel": {"series": 1000, "rows": 1000, "hidden": 64, "layers": 1, "context": 48, "horizon": 24, "batch": 256},
}
STEPS = {"windows": 40, "panel": 40}


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """Each job by us, and by the peer where OSTINATO_FORECAST_PEERS names its Python; a process for each run."""
    found: dict[str, Callable[[], dict[str, Any]]] = {}
    for job in JOBS:
        found[f"ours-{job}"] = lambda job=job: _process([sys.executable, "-m", "benchmarks.forecast_speed", job])
    python = os.environ.get("OSTINATO_FORECAST_PEERS")
    if not python:
        print("SKIPPED: OSTINATO_FORECAST_PEERS names no Python with neuralforecast", flush=True)
        return found
    script = str(Path(__file__).with_name("forecast_speed_peers.py"))
    for job in JOBS:
        told = json.dumps({**JOBS[job], "steps": STEPS[job]})
        found[f"lstm-{job}"] = lambda told=told: _process([python, script, told])
    return found


def _process(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def measure(job: str) -> dict[str, Any]:
    """So many batches of the same size by our own loop; memory is the growth of the process since its imports."""
    import ostinato as ost
    from ostinato.data.series import read_series
    from ostinato.tasks.forecast_training import fit_features, new_network, windows
    from ostinato.train import TrainOptions, train

    told = JOBS[job]
    model = ost.Forecaster(
        **{name: told[name] for name in ("hidden", "layers", "context", "horizon", "batch")},
        lags="none",
        dropout=0.0,
        skip=False,
        holdout=0,
        device="cpu",
    )
    before = _peak()
    values = np.random.default_rng(0).normal(size=(told["series"], told["rows"], 1)).astype(np.float32)
    panel = read_series(values)
    options = model._checked(valid=False)
    features = fit_features(options, panel, panel.ends)
    batches = windows(options, panel, features, until=panel.ends)
    batches.per_epoch = told["batch"] * STEPS[job]
    network = new_network(options, features)
    chosen = TrainOptions(epochs=1, monitor="loss", batch=told["batch"], device="cpu", average=0.0)
    began = time.monotonic()
    for _ in train(network, batches, options=chosen):
        pass
    seconds = time.monotonic() - began
    return {
        "steps_per_second": STEPS[job] / seconds,
        "seconds": seconds,
        "growth_mb": (_peak() - before) / 1e6,
        "data_mb": panel.nbytes / 1e6,
        "parameters": sum(weight.numel() for weight in network.parameters()),
    }


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """How many times faster ours is, and how much memory each takes."""
    found: dict[str, Any] = {}
    for job in JOBS:
        pair = [results.get(f"{who}-{job}") for who in ("ours", "lstm")]
        if pair[0] is not None and pair[1] is not None:
            found[job] = {
                "faster": pair[0]["steps_per_second"] / pair[1]["steps_per_second"],
                "memory": pair[0]["growth_mb"] / pair[1]["growth_mb"],
            }
    return found


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
