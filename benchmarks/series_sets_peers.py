"""Run by another Python: aeon's 1-NN DTW or MiniRocket on benchmarks/series_sets.py's sets, and nothing of ostinato."""

from __future__ import annotations

import json
import sys
import time
from typing import Any


def main(folder: str, peer: str, names: list[str]) -> None:
    """For each set: learn the training part, count on the test part, print the share that is right as JSON."""
    from aeon.classification.convolution_based import MiniRocketClassifier
    from aeon.classification.distance_based import KNeighborsTimeSeriesClassifier
    from aeon.datasets import load_from_ts_file

    for name in names:
        (x, y), (test, truth) = (load_from_ts_file(f"{folder}/{name}/{name}_{part}.ts") for part in ("TRAIN", "TEST"))
        if peer == "dtw":
            model = KNeighborsTimeSeriesClassifier(n_neighbors=1, distance="dtw")
        else:
            model = MiniRocketClassifier(random_state=1)
            longest = max(series.shape[-1] for part in (x, test) for series in part)
            x, test = padded(x, longest), padded(test, longest)
        began = time.monotonic()
        told = model.fit(x, y).predict(test)
        seconds = round(time.monotonic() - began, 1)
        print(json.dumps({"set": name, "accuracy": float((told == truth).mean()), "seconds": seconds}), flush=True)


def padded(series: Any, longest: int) -> Any:
    """Series [n, C, T]: MiniRocket wants all equally long, so that those of different lengths get zeros at the end."""
    import numpy as np

    return np.stack([np.pad(each, ((0, 0), (0, longest - each.shape[-1]))) for each in series])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
