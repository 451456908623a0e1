"""The times of one series as it goes on: which step comes next, and which were left out before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.data.series.layout import Layout
from ostinato.data.series.panel import moment, place
from ostinato.data.series.zones import Times, Zone
from ostinato.errors import OptionError, StreamError

# Steps that were left out are told one by one; so many at most.
_MOST_LEFT_OUT = 100_000


class Following:
    """Where a series stands: the time of its last step, and how many there were.

    >>> order = Following(Layout(clock="number", frequency=1), "pump")
    >>> order.advance(3)
    >>> order.between(6), order.ahead(2).tolist()
    (range(4, 6), [4, 5])
    >>> order.between(3)
    Traceback (most recent call last):
    ostinato.errors.StreamError: series 'pump', row 2 (3) does not follow the step before: steps are step apart, in ...
    """

    def __init__(self, layout: Layout, id: str = "") -> None:
        self.layout, self.id = layout, id
        self.zone = Zone(layout.zone)
        self.time: int | None = None
        self.steps = 0
        self.frequency = layout.frequency
        # Where steps are a fixed span apart, the next one's time is known.
        fixed = self.frequency is not None and self.frequency.kind in ("ns", "step")
        self._stride: int = self.frequency.count if fixed else 0
        # Where in its month or day the series stands.
        self._anchor: NDArray[numpy.int64] | None = None
        self._local = layout.zone is None and layout.clock == "time"

    def moment(self, time: Any) -> int:
        """A time as a panel has it: nanoseconds since 1970, or a whole number."""
        if type(time) is int:
            return time
        if self._local and type(time) is numpy.datetime64:
            found = int(time.astype("datetime64[ns]").astype(numpy.int64))
            if found != numpy.iinfo(numpy.int64).min:
                return found
        try:
            return moment(time, self.layout)
        except OptionError as error:
            raise StreamError(f"{self.here()}: {error}") from None

    def between(self, at: int, advice: str = "") -> Sequence[int]:
        """The times of the steps between the last one and ``at``; a time that cannot follow is refused."""
        if self.time is None:
            return ()
        apart = at - self.time
        if self._stride:
            if apart == self._stride:
                return ()
            if apart > 0 and apart % self._stride == 0:
                return self._few(range(self.time + self._stride, at, self._stride), at)
        elif self.frequency is None:
            if apart > 0:
                return ()
        elif apart > 0:
            return self._counted(at, advice)
        raise self.refusal(at, advice)

    def _counted(self, at: int, advice: str) -> Sequence[int]:
        """The same for steps that are counted on a calendar."""
        before, now = self.frequency.numbers(numpy.array([self.time, at]), self.zone).tolist()
        if now <= before or (now - before) % self.frequency.count:
            raise self.refusal(at, advice)
        numbers = numpy.array(self._few(range(before + self.frequency.count, now, self.frequency.count), at))
        return [int(time) for time in self.frequency.times(numbers.astype(numpy.int64), self._anchor, self.zone)]

    def _few(self, steps: range, at: int) -> range:
        if len(steps) > _MOST_LEFT_OUT:
            raise StreamError(f"{self.place(at)}: {len(steps):,} steps were left out before it; begin anew")
        return steps

    def ahead(self, steps: int) -> Times:
        """The times of the next steps: int64 [steps]."""
        if self.time is None or self.frequency is None:
            reason = "no step of it has come yet" if self.time is None else "it is irregular"
            raise StreamError(f"series '{self.id}': nobody can say when its next steps are: {reason}")
        last = self.frequency.numbers(numpy.array([self.time]), self.zone)
        numbers = last + self.frequency.count * numpy.arange(1, steps + 1)
        times: Times = self.frequency.times(numbers, self._anchor, self.zone)
        return times

    def next(self) -> int:
        """The time of the next step; 0 where none has come yet."""
        if self.time is None:
            return 0
        return self.time + self._stride if self._stride else int(self.ahead(1)[0])

    def advance(self, at: int) -> None:
        """Take a step that came."""
        if not self._stride:
            self.settle(numpy.array([at]))
        self.time, self.steps = at, self.steps + 1

    def settle(self, times: Times) -> None:
        """Learn from times that came where in its unit the series stands: the latest day of a month counts."""
        if self._stride or self.frequency is None:
            return
        anchor = self.frequency.anchors(times, numpy.zeros(1, numpy.int64), self.zone)[0]
        if self._anchor is not None:
            anchor = numpy.array([max(anchor[0], self._anchor[0]), self._anchor[1]])
        self._anchor = anchor

    def here(self) -> str:
        """The next step in words."""
        return f"series '{self.id}', row {self.steps + 1}"

    def place(self, at: int) -> str:
        """The next step and its time in words."""
        return place(self.id, self.steps, at, self.layout)

    def refusal(self, at: int, advice: str = "") -> StreamError:
        """The error for a step that does not come next."""
        order = "steps come in order of time"
        if self.frequency is not None:
            order = f"steps are {self.frequency.code} apart{advice or ', in order of time'}"
        return StreamError(f"{self.place(at)} does not follow the step before: {order}")

    def to_dict(self) -> dict[str, Any]:
        """Where the series stands, as plain data."""
        anchor = None if self._anchor is None else self._anchor.tolist()
        return {"time": self.time, "steps": self.steps, "anchor": anchor}

    def restore(self, data: Any) -> None:
        """The inverse of :meth:`to_dict`; what is none is a ValueError, a TypeError or a KeyError."""
        time, steps, anchor = data["time"], data["steps"], data["anchor"]
        if type(steps) is not int or steps < 0 or (steps > 0) != (type(time) is int):
            raise ValueError("a series wanted a number of steps, and the time of the last one")
        counted = steps > 0 and not self._stride and self.frequency is not None
        if counted != (anchor is not None):
            raise ValueError("steps on a calendar wanted their place in its units")
        self._anchor = None if anchor is None else numpy.array(anchor, numpy.int64).reshape(2)
        self.time, self.steps = time, steps
