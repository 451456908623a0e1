"""Run by another Python: a model of NeuralForecast on the job of benchmarks/electricity.py, and nothing of ostinato."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

TRAIN, VALID, DAY = 12_288, 2_592, 48


def main(folder: str) -> None:
    """Read job.json, train, forecast every day of the test, write told.json."""
    import numpy as np
    import pandas as pd
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import DistributionLoss, MQLoss
    from neuralforecast.models import LSTM, DeepAR

    job = json.loads(Path(folder, "job.json").read_text())
    table = job["table"]
    time_of = pd.to_datetime(table["time"])
    frame = pd.DataFrame({"unique_id": "demand", "ds": time_of, "y": table["Demand"]})
    known = {"heat": table["Temperature"], "work": table["WorkDay"]}
    known |= {"hour_sin": np.sin(2 * np.pi * time_of.hour / 24 + time_of.minute * np.pi / 720)}
    known |= {"hour_cos": np.cos(2 * np.pi * time_of.hour / 24 + time_of.minute * np.pi / 720)}
    known |= {"week_sin": np.sin(2 * np.pi * time_of.dayofweek / 7)}
    known |= {"week_cos": np.cos(2 * np.pi * time_of.dayofweek / 7)}
    frame = frame.assign(**known)
    common = {
        "h": DAY,
        "input_size": job["input"],
        "futr_exog_list": list(known),
        "learning_rate": job["lr"],
        "scaler_type": "standard",
        "max_steps": 1500,
        "val_check_steps": 100,
        "early_stop_patience_steps": 4,
        "random_seed": 1,
        "accelerator": "cpu",
        "enable_progress_bar": False,
        "logger": False,
    }
    size = {"hidden": job["hidden"], "layers": job["layers"]}
    if job["peer"] == "lstm":
        loss = MQLoss(quantiles=[level / 10 for level in range(1, 10)])
        model = LSTM(encoder_hidden_size=size["hidden"], encoder_n_layers=size["layers"], loss=loss, **common)
    else:
        loss = DistributionLoss(distribution="StudentT", level=[20, 40, 60, 80], return_params=False)
        model = DeepAR(
            lstm_hidden_size=size["hidden"], lstm_n_layers=size["layers"], trajectory_samples=100, loss=loss, **common
        )
    forecaster = NeuralForecast(models=[model], freq="30min")
    began = time.monotonic()
    told = forecaster.cross_validation(
        frame, val_size=VALID, test_size=len(frame) - TRAIN - VALID, step_size=DAY, n_windows=None
    )
    seconds = time.monotonic() - began
    names = [name for name in told.columns if name not in ("unique_id", "ds", "cutoff", "y")]
    quantiles = told[_deciles(names)].to_numpy().reshape(-1, DAY, 9)
    trajectory = [float(loss) for _, loss in forecaster.models[0].valid_trajectories]
    answer = {
        "quantiles": quantiles.tolist(),
        "validation_loss": min(trajectory),
        "training_seconds": round(seconds, 1),
        "package": "neuralforecast",
    }
    Path(folder, "told.json").write_text(json.dumps(answer))


def _deciles(names: list[str]) -> list[str]:
    """The columns of the nine deciles, lowest first, as NeuralForecast calls them."""
    low = [next(name for name in names if name.endswith(ending)) for ending in ("-lo-80.0", "-lo-60.0", "-lo-40.0")]
    low.append(next(name for name in names if name.endswith("-lo-20.0")))
    middle = [next(name for name in names if name.endswith("-median"))]
    high = [next(name for name in names if name.endswith(f"-hi-{level}.0")) for level in (20, 40, 60, 80)]
    return [*low, *middle, *high]


if __name__ == "__main__":
    main(sys.argv[1])
