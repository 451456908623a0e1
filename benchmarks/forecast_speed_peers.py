"""Run by another Python: NeuralForecast's LSTM on a job of benchmarks/forecast_speed.py, and nothing of ostinato."""

from __future__ import annotations

import json
import resource
import sys
import time


def main(job: dict) -> None:
    """Train for so many steps, and print what it took as the last line."""
    import numpy as np
    import pandas as pd
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MQLoss
    from neuralforecast.models import LSTM

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    tiny = pd.DataFrame({"unique_id": 0, "ds": np.arange(40), "y": np.arange(40.0) % 5})
    quiet = {"accelerator": "cpu", "enable_progress_bar": False, "logger": False}
    first = LSTM(h=2, input_size=4, encoder_hidden_size=4, max_steps=1, loss=MQLoss(quantiles=[0.1, 0.5, 0.9]), **quiet)
    NeuralForecast(models=[first], freq=1).fit(tiny)
    before = peak()
    series, rows = job["series"], job["rows"]
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(series), rows),
            "ds": np.tile(np.arange(rows), series),
            "y": np.random.default_rng(0).normal(size=series * rows).astype(np.float32),
        }
    )
    model = LSTM(
        h=job["horizon"],
        input_size=job["context"],
        encoder_hidden_size=job["hidden"],
        encoder_n_layers=job["layers"],
        loss=MQLoss(quantiles=[level / 10 for level in range(1, 10)]),
        max_steps=job["steps"],
        batch_size=32,
        windows_batch_size=job["batch"],
        scaler_type="identity",
        **quiet,
    )
    forecaster = NeuralForecast(models=[model], freq=1)
    began, spent = time.monotonic(), time.process_time()
    forecaster.fit(frame)
    seconds, spent = time.monotonic() - began, time.process_time() - spent
    told = {
        "windows": job["steps"] * job["batch"],
        "cpu_seconds": spent,
        "seconds": seconds,
        "growth_mb": (peak() - before) / 1e6,
        "parameters": sum(weight.numel() for weight in forecaster.models[0].parameters() if weight.requires_grad),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
