"""Where in a row of features the values of each part stand, and the twins that say which are missing."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy
from numpy.typing import NDArray

from ostinato.data.series.features import Features
from ostinato.data.series.panel import Numbers


class Columns(NamedTuple):
    """Where values stand, the twins that say which are missing, which of the values have one, and which have none."""

    at: slice
    twins: Any
    picked: Any
    strict: tuple[int, ...]

    def put(self, x: Numbers, values: Numbers, gone: NDArray[Any]) -> None:
        """Write values and where they are missing."""
        x[self.at] = values
        if self.twins is not None:
            x[self.twins] = gone if self.picked is None else gone[self.picked]


class Places:
    """Gives out the columns of features in their order: a block's values, and after them its twins.

    >>> from ostinato.data.series import read_series
    >>> places = Places(Features.fit(read_series([[1.0, 2.0]]), lags=[1]))
    >>> places.take(1).at, places.take(1).at
    (slice(0, 1, None), slice(1, 2, None))
    """

    def __init__(self, features: Features) -> None:
        self.features, self.at = features, 0
        self._begin(features.observed, 0)

    def _begin(self, names: tuple[str, ...], at: int) -> None:
        self.at = at
        masked = [name for name in names if name in self.features.masked]
        begin = at + len(names) - len(masked)
        self.twins = {name: begin + place for place, name in enumerate(masked)}

    def second_block(self) -> None:
        """Go on with the columns known ahead."""
        self._begin(self.features.ahead, len(self.features.observed))

    def take(self, count: int) -> Columns:
        """The next columns."""
        at = slice(self.at, self.at + count)
        self.at += count
        names = self.features.columns[at]
        having = [place for place, name in enumerate(names) if name in self.twins]
        twins = None if not having else span(numpy.array([self.twins[names[place]] for place in having]))
        strict = tuple(place for place in range(count) if place not in having)
        return Columns(at, twins, None if len(having) == count else having, strict)


def parted(values: Numbers) -> tuple[Numbers, NDArray[Any]]:
    """Values with 0 where they are missing, and where they are."""
    gone = values != values
    return numpy.where(gone, numpy.float32(0), values), gone


def span(columns: NDArray[Any]) -> Any:
    """Columns as a slice where they are neighbours: those are written faster."""
    if len(columns) and (numpy.diff(columns) == 1).all():
        return slice(int(columns[0]), int(columns[-1]) + 1)
    return columns
