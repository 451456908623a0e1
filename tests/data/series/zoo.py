"""Panels of every kind, that all tests of features and windows run on."""

from __future__ import annotations

import numpy
import pandas

from ostinato.data.series import read_series


def frame(freq="h", zone=None, steps=40, seed=0, future=8, holes=False):
    """Two series of different lengths, with past and known covariates, a number and a word."""
    rng = numpy.random.default_rng(seed)
    parts = []
    for name, count in (("a", steps), ("b", steps - 9)):
        n = count + future
        stamps = pandas.date_range("2024-10-25T00:00", periods=n, freq=freq, tz=zone)
        part = pandas.DataFrame({"id": name, "time": stamps, "y": rng.normal(3, 2, n), "p": rng.normal(size=n)})
        part["k"] = rng.normal(10, 5, n)
        part.loc[count:, ["y", "p"]] = numpy.nan
        if holes:
            part.loc[[3, 7, 8], "y"] = numpy.nan
            part.loc[[4], "p"] = numpy.nan
            part.loc[[5], "k"] = numpy.nan
        part["size"], part["shop"] = len(name) + count, f"shop {name}"
        parts.append(part)
    return pandas.concat(parts, ignore_index=True)


def rich(**options):
    """A panel with a column of every kind."""
    return read_series(frame(**options), past="p", known="k", static="size", categories="shop")


def irregular():
    """Two irregular series."""
    rng = numpy.random.default_rng(3)
    time = numpy.concatenate([numpy.cumsum(rng.integers(1, 9, n)) for n in (30, 21)])
    table = {"id": ["a"] * 30 + ["b"] * 21, "time": time, "y": rng.normal(size=51)}
    return read_series(table, gaps="keep")


def plain():
    """Three series of numbers, with two columns each."""
    rng = numpy.random.default_rng(4)
    return read_series([rng.normal(size=(n, 2)) for n in (30, 12, 25)])


PANELS = {
    "rich": rich,
    "holes": lambda: rich(holes=True),
    "daylight saving": lambda: rich(freq="30min", zone="Europe/Berlin", steps=150),
    "days": lambda: rich(freq="D", zone="America/New_York"),
    "month ends": lambda: rich(freq="ME"),
    "irregular": irregular,
    "plain": plain,
}
