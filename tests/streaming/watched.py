"""A detector and a series for tests, trained once."""

from __future__ import annotations

import functools

import numpy as np

from ostinato.tasks import AnomalyDetector

START = np.datetime64("2024-01-01T00:00", "ns")
TINY = {
    "hidden": 8,
    "epochs": 3,
    "context": 24,
    "unscored": 100,
    "lr": 0.02,
    "batch": 8,
    "device": "cpu",
    "average": 0.0,
}


def table(rows: int = 500, *, channels: int = 1, minutes: int = 60, seed: int = 0, gone: tuple[int, ...] = ()) -> dict:
    """A daily round with noise, a bump at the rows 400 to 405 of the last channel, and rows without a value."""
    noise = np.random.default_rng(seed)
    steps = np.arange(rows)
    columns: dict = {"time": START + steps * np.timedelta64(minutes, "m")}
    for channel in range(channels):
        values = np.sin(2 * np.pi * steps / 24 + channel) + 0.1 * noise.standard_normal(rows)
        if channel == channels - 1:
            values[400:406] += 4
        values[list(gone)] = np.nan
        columns[f"c{channel}"] = values
    return columns


def without(data: dict, rows: list[int]) -> dict:
    """The same table without some rows."""
    return {name: np.delete(column, rows) for name, column in data.items()}


@functools.cache
def detector(channels: int = 1, irregular: bool = False) -> AnomalyDetector:
    """A detector of that many channels."""
    frequency = {"frequency": None} if irregular else {}
    target = [f"c{channel}" for channel in range(channels)]
    data = {name: column[:400] for name, column in table(channels=channels).items()}
    return AnomalyDetector(**TINY).fit(data, time="time", target=target, progress=False, **frequency)
