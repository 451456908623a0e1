"""Small made-up series for tests: waves that rise or fall, and units that wear out."""

from __future__ import annotations

import numpy as np

QUICK = {"hidden": 4, "convolution": 4, "epochs": 3, "batch": 8, "device": "cpu"}
LIFE = {
    "hidden": 6,
    "window": 8,
    "first": 3,
    "epochs": 3,
    "batch": 64,
    "device": "cpu",
    "cap": 12,
    "jitter": 0.0,
    "average": 0.0,
    "stride": 1,
    "members": 1,
}


def waves(count=24, channels=2, seed=0):
    """Series of different lengths whose first channel rises or falls, and the words for that."""
    rng = np.random.default_rng(seed)
    series, labels = [], []
    for k in range(count):
        steps = int(rng.integers(5, 12))
        slope = 1.0 if k % 2 else -1.0
        x = rng.normal(0, 0.2, (steps, channels)).astype(np.float32)
        x[:, 0] += slope * np.linspace(-1, 1, steps)
        series.append(x)
        labels.append("up" if k % 2 else "down")
    return series, labels


def units(count=12, seed=0):
    """Units whose second sensor drifts faster and faster until they fail."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        life = int(rng.integers(18, 30))
        left = life - np.arange(1, life + 1)
        x = rng.normal(0, 0.05, (life, 2)).astype(np.float32)
        x[:, 1] += np.exp(-left / 6)
        out.append(x)
    return out


def long_table(series, **columns):
    """A long table of some series: columns name, step, a, b ..., and one value a series for each of ``columns``."""
    table = {"name": [], "step": []}
    for k, x in enumerate(series):
        table["name"] += [f"n{k}"] * len(x)
        table["step"] += list(range(len(x)))
    for c in range(series[0].shape[1]):
        table["ab"[c]] = np.concatenate([x[:, c] for x in series]).tolist()
    for name, values in columns.items():
        table[name] = [value for x, value in zip(series, values, strict=True) for _ in range(len(x))]
    return table


def ts_file(path, series, labels, classes):
    """Write a .ts file."""
    lines = ["@problemName waves", "@timeStamps false", "@missing false", "@univariate false", "@equalLength false"]
    lines += [f"@classLabel true {' '.join(classes)}" if classes else "@targetLabel true", "@data"]
    for x, label in zip(series, labels, strict=True):
        lines.append(":".join(",".join(f"{v:.5f}" for v in x[:, c]) for c in range(x.shape[1])) + f":{label}")
    path.write_text("\n".join(lines) + "\n")
    return path
