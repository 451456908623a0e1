"""Many series as one value: their rows one after another in flat arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.data.series.layout import Layout
from ostinato.data.series.zones import Times, Zone
from ostinato.errors import DataError, OptionError, nearest

Numbers = NDArray[numpy.float32]
Rows = NDArray[numpy.int64]


@dataclass(frozen=True, eq=False)
class Panel:
    """S series, N rows in all: the rows of one series lie together, sorted by time.

    >>> from ostinato.data.series import read_series
    >>> panel = read_series({"id": ["a", "a", "b"], "time": [1, 2, 1], "value": [5.0, None, 7.0]})
    >>> panel.ids, panel.starts.tolist(), panel.target.ravel().tolist()
    (('a', 'b'), [0, 2, 3], [5.0, nan, 7.0])

    ``ids`` are S words. The series s has the rows ``starts[s]`` to ``starts[s + 1]`` (``starts`` int64 [S + 1]) and was
    observed before the row ``ends[s]`` (int64 [S]); the rows from there on are of the future: ``known`` stands there,
    ``target`` and ``past`` are NaN. ``time`` int64 [N] is in nanoseconds since 1970 UTC, or in whole numbers of the
    data's own (``layout.clock`` says which). NaN means missing, everywhere. ``target`` float32 [N, K]; covariates known
    up to now, ``past`` float32 [N, P], and ahead, ``known`` float32 [N, F]; ``static`` float32 [S, Q]; ``categories``
    int64 [S, C], numbers of the words in ``layout.words``, 0 for an unknown one. ``frequency`` is the distance of
    successive rows, or None where it varies. A *row* in this package is a place in these arrays, counted from 0.
    """

    ids: tuple[str, ...]
    starts: Rows
    ends: Rows
    time: Times
    target: Numbers
    past: Numbers
    known: Numbers
    static: Numbers
    categories: Rows
    layout: Layout

    def __post_init__(self) -> None:
        n, s, names = len(self.time), len(self.ids), self.layout
        shapes = {
            "starts": (s + 1,),
            "ends": (s,),
            "time": (n,),
            "target": (n, len(names.target)),
            "past": (n, len(names.past)),
            "known": (n, len(names.known)),
            "static": (s, len(names.static)),
            "categories": (s, len(names.categories)),
        }
        for name, shape in shapes.items():
            found = getattr(self, name).shape
            if found != shape:
                raise DataError(f"{name} of a panel wanted the shape {list(shape)}, got {list(found)}")
        if s and (self.starts[0] != 0 or self.starts[-1] != n or (numpy.diff(self.starts) < 0).any()):
            raise DataError(f"starts of a panel go from 0 to the number of rows, {n}, and never back")
        if ((self.ends < self.starts[:-1]) | (self.ends > self.starts[1:])).any():
            raise DataError("a series of a panel ends between its first row and the first of the next")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def rows(self) -> int:
        """How many rows there are in all, those of the future included."""
        return len(self.time)

    @property
    def lengths(self) -> Rows:
        """How many observed rows each series has: int64 [S]."""
        return self.ends - self.starts[:-1]

    @property
    def frequency(self) -> Any:
        """The :class:`~ostinato.data.series.Frequency` of the rows; None where series are irregular."""
        return self.layout.frequency

    @property
    def zone(self) -> Zone:
        """The time zone that the data came in, whose calendar they follow."""
        return Zone(self.layout.zone)

    @property
    def nbytes(self) -> int:
        """How much memory the arrays take, in bytes."""
        return sum(part.nbytes for part in vars(self).values() if isinstance(part, numpy.ndarray))

    def index(self, name: str) -> int:
        """The number of a series, by its id."""
        known: dict[str, int] | None = self.__dict__.get("_index")
        if known is None:
            known = {word: k for k, word in enumerate(self.ids)}
            object.__setattr__(self, "_index", known)
        if name not in known:
            raise DataError(f"there is no series '{name}'; {nearest(str(name), self.ids)}")
        return known[name]

    def series_of(self, rows: Rows) -> Rows:
        """The number of the series to which each row belongs."""
        return numpy.searchsorted(self.starts, rows, side="right") - 1

    def stamps(self, time: Times | None = None) -> NDArray[Any]:
        """Times as numpy has them: datetime64[ns] on the local clock, or whole numbers where steps are numbers."""
        time = self.time if time is None else time
        return self.zone.local(time).astype("datetime64[ns]") if self.layout.clock == "time" else time

    def place(self, row: int) -> str:
        """Where a row stands, in words for messages: "series 'a', row 17 (2024-01-01T05:00)"."""
        series = int(self.series_of(numpy.asarray(row)))
        return place(self.ids[series], row - int(self.starts[series]), int(self.time[row]), self.layout)

    def cut(self, share: float | None = None, *, steps: int | None = None, time: Any = None) -> Rows:
        """A row of each series that parts what lies before from what lies after: int64 [S].

        >>> from ostinato.data.series import read_series
        >>> panel = read_series([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0]])
        >>> panel.cut(0.5).tolist(), panel.cut(steps=1).tolist(), panel.cut(time=1).tolist()
        ([2, 5], [3, 5], [1, 5])

        Exactly one of: the ``share`` of observed rows that lie before it (rounded down); how many observed ``steps``
        lie after it (at most all); or the ``time``, on the panel's own clock, at which the second part begins. Give
        it as ``before=`` to what is fitted and as ``until=`` or ``since=`` to batches: a panel is never copied for a
        split.
        """
        if (share is not None) + (steps is not None) + (time is not None) != 1:
            raise OptionError("cut wanted one of share, steps and time")
        if share is not None:
            if not 0 <= share <= 1:
                raise OptionError(f"share wanted a number from 0 to 1, got {share!r}")
            kept: Rows = self.starts[:-1] + numpy.floor(self.lengths * share + 1e-9).astype(numpy.int64)
            return kept
        if steps is not None:
            if steps < 0:
                raise OptionError(f"steps wanted a whole number from 0 on, got {steps}")
            return numpy.maximum(self.ends - steps, self.starts[:-1])
        at = self.moment(time)
        spans = zip(self.starts[:-1].tolist(), self.ends.tolist(), strict=True)
        return numpy.array([a + int(numpy.searchsorted(self.time[a:b], at)) for a, b in spans], numpy.int64)

    def moment(self, value: Any) -> int:
        """A time of the panel's own clock as it stands in ``time``: a number, or what numpy.datetime64 reads."""
        return moment(value, self.layout)

    def future(self, series: int, steps: int) -> Times:
        """The times of the steps after the last observed one: int64 [steps]; an irregular series has none."""
        first, end = int(self.starts[series]), int(self.ends[series])
        if self.frequency is None:
            raise DataError(
                f"series '{self.ids[series]}' is irregular: nobody can say when its next steps are; "
                "give frequency= when it is read, or rows of the future"
            )
        if end == first:
            raise DataError(f"series '{self.ids[series]}' has no observed row, so that nothing can follow")
        time = self.time[first:end]
        anchor = self.frequency.anchors(time, numpy.zeros(1, numpy.int64), self.zone)[0]
        last = self.frequency.numbers(time[-1:], self.zone)
        numbers = last + self.frequency.count * numpy.arange(1, steps + 1)
        ahead: Times = self.frequency.times(numbers, anchor, self.zone)
        return ahead

    def pick(self, series: Iterable[int]) -> Panel:
        """Some of the series, in the order given, as a panel of their own."""
        chosen = numpy.asarray(list(series), numpy.int64)
        sizes = numpy.diff(self.starts)[chosen]
        starts = numpy.concatenate([[0], numpy.cumsum(sizes)]).astype(numpy.int64)
        rows = numpy.repeat(self.starts[chosen] - starts[:-1], sizes) + numpy.arange(starts[-1])
        return Panel(
            ids=tuple(self.ids[k] for k in chosen.tolist()),
            starts=starts,
            ends=starts[:-1] + self.lengths[chosen],
            time=self.time[rows],
            target=self.target[rows],
            past=self.past[rows],
            known=self.known[rows],
            static=self.static[chosen],
            categories=self.categories[chosen],
            layout=self.layout,
        )


def place(name: str, step: int, time: int, layout: Layout) -> str:
    """Where the step of a series (counted from 0) stands, in words."""
    shown = str(time)
    if layout.clock == "time":
        local = Zone(layout.zone).local(numpy.array([time])).astype("datetime64[ns]")[0]
        shown = numpy.datetime_as_string(local, unit="auto")
    return f"series '{name}', row {step + 1} ({shown})"


def moment(value: Any, layout: Layout) -> int:
    """A time as it stands in a panel of some layout, from a number or what numpy.datetime64 reads."""
    if layout.clock == "number":
        if not isinstance(value, int | numpy.integer) or isinstance(value, bool):
            raise OptionError(f"this panel counts steps by whole numbers; time wanted one, got {value!r:.40}")
        return int(value)
    if getattr(value, "tzinfo", None) is not None:
        return int(numpy.datetime64(int(value.timestamp() * 10**6), "us").astype("datetime64[ns]").astype("int64"))
    try:
        local = numpy.datetime64(value).astype("datetime64[ns]").astype(numpy.int64)
    except (ValueError, TypeError):
        local = numpy.int64(numpy.iinfo(numpy.int64).min)
    if local == numpy.iinfo(numpy.int64).min:
        raise OptionError(f"time wanted a time such as '2024-01-31T12:00', got {value!r:.40}")
    return int(Zone(layout.zone).read(numpy.asarray(local)).first)
