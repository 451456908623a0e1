"""Training speed and memory: the same windows, width and layers as NeuralForecast's LSTM; a panel of 1,000 x 1,000.

Both train so many batches of so many windows. Time counts from the data to the end of training; imports and a first
tiny training, at which both packages load what they lack, are left out.
Processor time is compared, of one thread each: what else runs on the machine does not enter it. Their LSTM unrolls the
``context`` alone and answers from its last states; ours also unrolls the ``horizon``, so that its recurrence has
(context - 1 + horizon) / context times as many steps to do for the same windows.
"""

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

SENTENCE = "forecasters: time of training and memory beside NeuralForecast's LSTM, same windows, width and layers"
# Of both jobs: width and layers of the LSTM, steps read and foretold, windows in a batch, batches.
JOBS = {
    "windows": {"series": 1, "rows": 12_288, "hidden": 128, "layers": 2, "context": 96, "horizon": 48, "batch": 128},
    "narrow": {"series": 1, "rows": 12_288, "hidden": 64, "layers": 1, "context": 96, "horizon": 48, "batch": 64},
    "panel": {"series": 1000, "rows": 1000, "hidden": 64, "layers": 1, "context": 48, "horizon": 24, "batch": 256},
}
STEPS = {"windows": 40, "narrow": 160, "panel": 40}


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
    """So many batches of the same size by our own loop; memory is the growth since a first tiny training."""
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
    # Both packages load parts of theirs only when they train for the first time.
    ost.Forecaster(horizon=2, context=4, hidden=4, epochs=1, holdout=0, device="cpu").fit(
        [np.arange(40.0) % 5], progress=False
    )
    before = _peak()
    values = np.random.default_rng(0).normal(size=(told["series"], told["rows"], 1)).astype(np.float32)
    began, spent = time.monotonic(), time.process_time()
    panel = read_series(values)
    options = model._checked(valid=False)
    features = fit_features(options, panel, panel.ends)
    batches = windows(options, panel, features, until=panel.ends)
    batches.per_epoch = told["batch"] * STEPS[job]
    network = new_network(options, features)
    chosen = TrainOptions(epochs=1, monitor="loss", batch=told["batch"], device="cpu", average=0.0)
    for _ in train(network, batches, options=chosen):
        pass
    return {
        "windows": told["batch"] * len(batches),
        "cpu_seconds": time.process_time() - spent,
        "seconds": time.monotonic() - began,
        "growth_mb": (_peak() - before) / 1e6,
        "data_mb": panel.nbytes / 1e6,
        "parameters": sum(weight.numel() for weight in network.parameters()),
    }


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """How many times less processor time ours takes, and its growth of memory beside theirs."""
    found: dict[str, Any] = {}
    for job in JOBS:
        pair = [results.get(f"{who}-{job}") for who in ("ours", "lstm")]
        if pair[0] is not None and pair[1] is not None:
            found[job] = {
                "faster": pair[1]["cpu_seconds"] / pair[0]["cpu_seconds"],
                "memory": pair[0]["growth_mb"] / pair[1]["growth_mb"],
            }
    return found


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
