"""Columns that tell of wear beside the channels: how old a unit is, and how far from how it began."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy
from numpy.typing import NDArray

from ostinato.data.series.panel import Numbers, Panel
from ostinato.errors import DataError

# What the columns are called.
AGE, SINCE = "steps run", " since the start"


def wear_names(channels: tuple[str, ...], *, age: bool, baseline: int) -> tuple[str, ...]:
    """What the columns of wear are called beside some channels.

    >>> wear_names(("heat",), age=True, baseline=15)
    ('steps run', 'heat since the start')
    """
    return ((AGE,) if age else ()) + (tuple(name + SINCE for name in channels) if baseline else ())


def worn(panel: Panel, *, age: bool, baseline: int) -> Panel:
    """Units with columns beside their channels: their steps from 1 on, and how far each channel is from its beginning.

    >>> from ostinato.data.series import read_series
    >>> worn(read_series([[5.0, 7.0, 9.0], [7.0]]), age=True, baseline=2).past.tolist()
    [[1.0, 0.0], [2.0, 1.0], [3.0, 3.0], [1.0, 0.0]]

    With a ``baseline`` the beginning is the mean of what a channel showed in the unit's first so many steps, as far as
    they have come; 0 leaves it out. Where a channel shows nothing, or has not yet, it is not away from anything: 0.
    """
    if panel.layout.past or panel.layout.known:
        raise DataError("units are told by their channels; give all columns as channels, not as covariates")
    parts: list[NDArray[Any]] = []
    if age:
        steps = numpy.arange(panel.rows) - numpy.repeat(panel.starts[:-1], numpy.diff(panel.starts)) + 1
        parts.append(steps[:, None])
    if baseline:
        away = numpy.zeros(panel.target.shape)
        for begin, end in zip(panel.starts[:-1].tolist(), panel.ends.tolist(), strict=True):
            away[begin:end] = since_start(panel.target[begin:end].astype(numpy.float64), baseline)
        parts.append(away)
    if not parts:
        return panel
    layout = dataclasses.replace(panel.layout, past=wear_names(panel.layout.target, age=age, baseline=baseline))
    past = numpy.concatenate([part.astype(numpy.float32) for part in parts], axis=1)
    return dataclasses.replace(panel, past=past, layout=layout)


def since_start(values: NDArray[numpy.float64], first: int) -> NDArray[numpy.float64]:
    """How far values [T, C] are at each step from the mean of the first steps up to there, ``first`` at most.

    >>> since_start(numpy.array([[numpy.nan], [2.0], [4.0], [9.0]]), 3).ravel().tolist()
    [0.0, 0.0, 1.0, 6.0]
    """
    seen = ~numpy.isnan(values)
    # From the first value seen: what never changes is then exactly 0 away.
    origin = numpy.take_along_axis(values, seen.argmax(0)[None], 0)
    moved = numpy.where(seen, values - origin, 0.0)
    counts = numpy.maximum(seen[:first].cumsum(0), 1)
    means = moved[:first].cumsum(0) / counts
    at = numpy.minimum(numpy.arange(len(values)), len(means) - 1)
    away: NDArray[numpy.float64] = numpy.where(seen, moved - means[at], 0.0)
    return away


class Wear(NamedTuple):
    """The same columns of one unit as it goes on: what is remembered of its beginning after some steps.

    >>> wear = Wear.new(1, age=True, baseline=2)
    >>> for value in (5.0, 7.0, 9.0):
    ...     wear, columns = wear.then([value])
    >>> columns.tolist()
    [3.0, 3.0]
    """

    age: bool
    baseline: int
    steps: int
    # Of each channel its first value (NaN before it); of the first steps the sum of its moves from there, and how many.
    origin: NDArray[numpy.float64]
    total: NDArray[numpy.float64]
    shown: NDArray[numpy.int64]

    @classmethod
    def new(cls, channels: int, *, age: bool, baseline: int) -> Wear:
        """A unit before its first step."""
        return cls(
            *(age, baseline, 0),
            numpy.full(channels, numpy.nan),
            numpy.zeros(channels),
            numpy.zeros(channels, numpy.int64),
        )

    def then(self, values: Any) -> tuple[Wear, Numbers]:
        """What is remembered after a step with the channels [C] (NaN or None: missing), and the step's columns."""
        steps = self.steps + 1
        columns = numpy.zeros(bool(self.age) + (len(self.origin) if self.baseline else 0), numpy.float32)
        if self.age:
            columns[0] = steps
        if not self.baseline:
            return self._replace(steps=steps), columns
        # As a panel holds them.
        y = numpy.asarray(values, numpy.float64).reshape(-1).astype(numpy.float32).astype(numpy.float64)
        seen = ~numpy.isnan(y)
        origin = numpy.where(numpy.isnan(self.origin), y, self.origin)
        moved = numpy.where(seen, y - origin, 0.0)
        total, shown = self.total, self.shown
        if steps <= self.baseline:
            total, shown = total + moved, shown + seen
        columns[bool(self.age) :] = numpy.where(seen, moved - total / numpy.maximum(shown, 1), 0.0)
        return self._replace(steps=steps, origin=origin, total=total, shown=shown), columns

    def to_dict(self) -> dict[str, Any]:
        """What is remembered, as plain data."""
        origin = [None if numpy.isnan(value) else value for value in self.origin.tolist()]
        return {"steps": self.steps, "origin": origin, "total": self.total.tolist(), "shown": self.shown.tolist()}

    def restored(self, data: Mapping[str, Any]) -> Wear:
        """The inverse of :meth:`to_dict`; what is none is a ValueError, a TypeError or a KeyError."""
        steps, channels = data["steps"], self.origin.shape
        origin, total = numpy.array(data["origin"], numpy.float64), numpy.array(data["total"], numpy.float64)
        shown = numpy.array(data["shown"], numpy.int64)
        if type(steps) is not int or steps < 0 or not origin.shape == total.shape == shown.shape == channels:
            raise ValueError(f"wear wanted a number of steps, and a beginning of {channels[0]} channels")
        if numpy.isinf(origin).any() or not numpy.isfinite(total).all() or (shown < 0).any():
            raise ValueError("a beginning wanted finite numbers")
        return self._replace(steps=steps, origin=origin, total=total, shown=shown)
