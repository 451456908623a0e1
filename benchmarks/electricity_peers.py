"""Run by another Python: a model of NeuralForecast on the job of benchmarks/electricity.py, and nothing of ostinato."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

TRAIN, VALID, DAY = 12_288, 2_592, 48
# At most; none of them was still getting better when it stopped.
STEPS = 2000


def main(folder: str) -> None:
    """Read job.json, train, forecast every day of the test, write told.json."""
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MAE, DistributionLoss, MQLoss
    from neuralforecast.models import LSTM, DeepAR

    job = json.loads(Path(folder, "job.json").read_text())
    table = job["table"]
    frame, middle, size = _frame(table, lags=job["lags"])
    known = [name for name in frame.columns if name not in ("unique_id", "ds", "y")]
    common = {
        "h": DAY,
        "input_size": job["input"],
        "futr_exog_list": known,
        "learning_rate": job["lr"],
        "num_lr_decays": 3,
        "scaler_type": "identity",
        "max_steps": STEPS,
        "val_check_steps": 100,
        "early_stop_patience_steps": 5,
        "windows_batch_size": 128,
        "random_seed": 1,
        "accelerator": "cpu",
        "enable_progress_bar": False,
        "logger": False,
    }
    if job["peer"] == "lstm":
        loss = MQLoss(quantiles=[level / 10 for level in range(1, 10)])
        model = LSTM(encoder_hidden_size=job["hidden"], encoder_n_layers=job["layers"], loss=loss, **common)
    else:
        # Every step of a day is learnt from at once, not the first alone as it would be unless told.
        loss = DistributionLoss(distribution="StudentT", level=[20, 40, 60, 80], return_params=False)
        sizes = {"lstm_hidden_size": job["hidden"], "lstm_n_layers": job["layers"]}
        model = DeepAR(**sizes, h_train=DAY, trajectory_samples=200, valid_loss=MAE(), loss=loss, **common)
    forecaster = NeuralForecast(models=[model], freq="30min")
    began, spent = time.monotonic(), time.process_time()
    told = forecaster.cross_validation(
        frame, val_size=VALID, test_size=len(frame) - TRAIN - VALID, step_size=DAY, n_windows=None
    )
    seconds, spent = time.monotonic() - began, time.process_time() - spent
    trajectory = [(int(step), float(loss)) for step, loss in forecaster.models[0].valid_trajectories]
    # Their own scores of validation differ from loss to loss: settings are compared by forecasts of the same days.
    seen = forecaster.predict_insample(step_size=DAY)
    first, last = frame["ds"].iloc[TRAIN], frame["ds"].iloc[TRAIN + VALID - 1]
    seen = seen[(seen["ds"] >= first) & (seen["ds"] <= last)]
    answer = {
        "quantiles": (_deciles(told) * size + middle).reshape(-1, DAY, 9).tolist(),
        "validation_crps": _pinball(seen["y"].to_numpy(), _deciles(seen)) * size,
        "validation_rows": len(seen),
        "trajectory": trajectory,
        "training_seconds": round(seconds, 1),
        "cpu_seconds": round(spent, 1),
        "parameters": sum(weight.numel() for weight in forecaster.models[0].parameters() if weight.requires_grad),
        "package": f"neuralforecast {version('neuralforecast')}",
    }
    Path(folder, "told.json").write_text(json.dumps(answer))


def _frame(table: dict, lags: bool) -> tuple:
    """The job as a frame, its numbers brought to a size near 1 by what training knows, and the mean and deviation."""
    import numpy as np
    import pandas as pd

    def scaled(values: list) -> tuple:
        array = np.array(values, float)
        middle, size = array[:TRAIN].mean(), array[:TRAIN].std()
        return (array - middle) / size, middle, size

    time_of = pd.Series(pd.to_datetime(table["time"]))
    demand, middle, size = scaled(table["Demand"])
    hours = 2 * np.pi * (time_of.dt.hour / 24 + time_of.dt.minute / 1440)
    days = 2 * np.pi * time_of.dt.dayofweek / 7
    known = {"heat": scaled(table["Temperature"])[0], "work": table["WorkDay"]}
    known |= {"hour_sin": np.sin(hours), "hour_cos": np.cos(hours)}
    known |= {"week_sin": np.sin(days), "week_cos": np.cos(days)}
    if lags:
        # Demand and temperature of a day and of a week ago are known for all of the day to come.
        for lag in (DAY, 7 * DAY):
            for name, values in (("demand", demand), ("heat", known["heat"])):
                known[f"{name}_{lag}"] = np.concatenate([np.zeros(lag), values[:-lag]])
    return pd.DataFrame({"unique_id": "demand", "ds": time_of, "y": demand, **known}), middle, size


def _deciles(told: Any) -> Any:
    """The nine deciles [rows, 9] of an answer, lowest first, as NeuralForecast calls its columns."""
    import numpy as np

    names = {name.split("-", 1)[1].removesuffix(".0"): name for name in told.columns if "-" in name}
    wanted = ["lo-80", "lo-60", "lo-40", "lo-20", "median", "hi-20", "hi-40", "hi-60", "hi-80"]
    return np.sort(told[[names[name] for name in wanted]].to_numpy(), -1)


def _pinball(truth: Any, quantiles: Any) -> float:
    import numpy as np

    p, above = np.arange(1, 10) / 10, truth[:, None] - quantiles
    return float(np.maximum(p * above, (p - 1) * above).mean())


if __name__ == "__main__":
    main(sys.argv[1])
