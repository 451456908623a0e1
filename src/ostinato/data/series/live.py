"""The features of a live stream: one step at a time, with the bits that a window of the same steps has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.data.series.features import Features, columns_of
from ostinato.data.series.panel import Numbers, Panel, moment, place
from ostinato.data.series.scaling import Scales
from ostinato.data.series.zones import DAY, SECOND
from ostinato.errors import DataError, OptionError, StreamError

_MINUTE = 60 * SECOND
# Beyond this, a number is infinite in 32 bits.
_LARGEST = 3.4e38


class LiveSeries:
    """One series as it goes on: each step that is pushed gives the features of that step, float32 [D].

    >>> from ostinato.data.series import read_series
    >>> panel = read_series([[1.0, 2.0, 4.0]])
    >>> features = Features.fit(panel, lags=[1])
    >>> live = LiveSeries(features, "1")
    >>> [live.push(t, y).tolist() for t, y in enumerate([1.0, 2.0, 4.0])] == features.series(panel, 0).tolist()
    True

    ``id`` names a series whose scale the features keep; another one wants ``offset`` and ``scale`` [K], of some
    history of it. Steps come in order. In regular series none may be left out: a step without a value is pushed with
    ``None``. What is refused (:class:`~ostinato.errors.StreamError`) leaves the stream as it was.
    """

    def __init__(
        self,
        features: Features,
        id: str = "",
        *,
        offset: Sequence[float] | NDArray[Any] | None = None,
        scale: Sequence[float] | NDArray[Any] | None = None,
    ) -> None:
        self.features, self.id = features, id
        if (offset is None) != (scale is None):
            raise OptionError("a scale is an offset and a scale; give both or neither")
        if offset is None or scale is None:
            if id not in features.scales:
                raise DataError(
                    f"series '{id}' was not there when the features were fitted: nothing says how it is scaled; give "
                    "offset= and scale=, or begin with a history: LiveSeries.after"
                )
            offset, scale = features.scales[id]
        k = len(features.layout.target)
        self.offset, self.scale = (numpy.array(part, numpy.float32).reshape(k) for part in (offset, scale))
        self.time: int | None = None
        self.steps = 0
        self._frequency = features.layout.frequency
        self._anchor: NDArray[numpy.int64] | None = None
        # Where steps are a fixed span apart, the next one's time is known.
        fixed = self._frequency is not None and self._frequency.kind in ("ns", "step")
        self._stride: int | None = self._frequency.count if fixed else None
        self._next: int | None = None
        self._row = numpy.empty(k, numpy.float32)
        # Scaled targets of the last steps, that of the step n at n modulo their number.
        self._ring = numpy.full((max((1, *features.lags)) + 1, k), numpy.nan, numpy.float32)
        self._known_ring = numpy.full((len(self._ring), len(features.known)), 0, numpy.float32)
        self._block = len(features.observed)
        self._plan()
        # What the calendar says stays in its columns until the day or the clock's offset changes.
        self._day: int | None = None
        self._begin, self._end, self._offset = 0, 0, 0
        self._out = numpy.zeros(len(features.columns), numpy.float32)

    def _plan(self) -> None:
        """Where the columns of each part stand."""
        features, names = self.features, self.features.layout
        at = len(names.target) if features.target_input else 0
        self._past = slice(at, at + len(names.past))
        at = self._past.stop
        self._gap = at if features.gap is not None else None
        at += features.gap is not None
        horizon = max(1, features.horizon)
        self._lags: list[tuple[int, slice]] = []
        at = self._place_lags([lag for lag in features.lags if lag < horizon], at)
        self._twins = _twins(features.observed[:at], features.masked, 0)
        self._plain = [slice(0, at)]
        self._known = slice(self._block, self._block + len(names.known))
        at, days = self._known.stop, features.days
        self._minute_columns, self._day_columns = at + days.minute_columns, at + days.day_columns
        begin = at + len(days.columns)
        at = self._place_lags([lag for lag in features.lags if lag >= horizon], begin)
        self._far = [(lag, span) for lag, span in self._lags if span.start >= begin]
        self._known_lags: list[tuple[int, slice]] = []
        for lag in features.lags if features.known_lags else ():
            self._known_lags.append((lag, slice(at, at + len(names.known))))
            at += len(names.known)
        self._twins += _twins(features.ahead[: at - self._block], features.masked, self._block)
        self._plain.append(slice(self._block, at))
        self._scales = [(columns_of(features.past)), (columns_of(features.known))]

    def _place_lags(self, lags: Sequence[int], at: int) -> int:
        for lag in lags:
            self._lags.append((lag, slice(at, at + len(self.offset))))
            at += len(self.offset)
        return at

    @classmethod
    def after(cls, features: Features, panel: Panel, series: int = 0, scales: Scales | None = None) -> LiveSeries:
        """A stream that goes on where the observed rows of a series of a panel end."""
        scales = features.scale(panel) if scales is None else scales
        live = cls(features, panel.ids[series], offset=scales.offset[series], scale=scales.scale[series])
        begin, end = int(panel.starts[series]), int(panel.ends[series])
        for row in range(max(begin, end - len(live._ring)), end):
            slot = (row - begin) % len(live._ring)
            live._ring[slot] = (panel.target[row] - live.offset) / live.scale
            live._known_ring[slot] = (panel.known[row] - live._scales[1][0]) / live._scales[1][1]
        live.steps = end - begin
        if live.steps:
            live.time = int(panel.time[end - 1])
            live._next = None if live._stride is None else live.time + live._stride
            if live._frequency is not None:
                live._anchor = live._frequency.anchors(panel.time[begin:end], numpy.zeros(1, int), panel.zone)[0]
        return live

    def push(self, time: Any, target: Any, past: Any = (), known: Any = ()) -> Numbers:
        """The features of the next step: float32 [D].

        ``time`` is a whole number as in the panel's ``time``, or, where steps are times, what :meth:`Panel.moment`
        reads; ``target`` [K], ``past`` [P] and ``known`` [F] are in the data's own units, None or NaN where there is no
        value.
        """
        at = time if type(time) is int else moment(time, self.features.layout)
        if at != self._next:
            self._check_next(at)
        features, out, value = self.features, self._out, self._row
        whole = self._read(target, value, features.layout.target)
        numpy.subtract(value, self.offset, out=value)
        numpy.divide(value, self.scale, out=value)
        if features.target_input:
            out[: len(value)] = value
        if features.past:
            whole &= self._fill(out[self._past], past, self._scales[0], features.layout.past)
        elif not _is_nothing(past):
            raise StreamError(f"series '{self.id}': these features have no past covariates, and some were given")
        if self._gap is not None and features.gap is not None:
            out[self._gap] = 0 if self.time is None else (at - self.time) / features.gap
        whole &= self._fill_known(out[self._known], known)
        if features.calendar:
            self._fill_calendar(out, at)
        for lag, span in self._lags:
            out[span] = self._ring[(self.steps - lag) % len(self._ring)] if lag <= self.steps else numpy.nan
        for lag, span in self._known_lags:
            out[span] = self._known_ring[(self.steps - lag) % len(self._ring)] if lag <= self.steps else 0
        seen = out[self._known].copy() if self._known_lags else None
        if not whole or self._twins:
            self._mark(out, self._plain, at)
        if seen is not None:
            self._known_ring[self.steps % len(self._ring)] = seen
        self._ring[self.steps % len(self._ring)] = value
        self.time, self.steps = at, self.steps + 1
        self._next = None if self._stride is None else at + self._stride
        row: Numbers = out.copy()
        return row

    def ahead(self, steps: int, known: Any = ()) -> Numbers:
        """The columns known ahead of the next steps: float32 [steps, F'], from ``known`` [steps, F]."""
        features, frequency = self.features, self._frequency
        if self.time is None or frequency is None:
            reason = "no step of it has come yet" if self.time is None else "it is irregular"
            raise StreamError(f"series '{self.id}': nobody can say when its next steps are: {reason}")
        if self._far and steps > features.horizon:
            raise StreamError(f"lags reach {features.horizon} steps ahead (the horizon), got steps={steps}")
        zone = features.days.zone
        last = frequency.numbers(numpy.array([self.time]), zone)
        times = frequency.times(last + frequency.count * numpy.arange(1, steps + 1), self._anchored(self.time), zone)
        rows = numpy.zeros((steps, len(features.columns)), numpy.float32)
        given = [()] * steps if _is_nothing(known) else list(known)
        if len(given) != steps:
            raise StreamError(
                f"series '{self.id}': known wanted {steps} rows, one for each step ahead, got {len(given)}"
            )
        for k in range(steps):
            self._fill_known(rows[k, self._known], given[k])
            for lag, span in self._far:
                back = self.steps + k - lag
                rows[k, span] = self._ring[back % len(self._ring)] if back >= 0 else numpy.nan
            for lag, span in self._known_lags:
                back = self.steps + k - lag
                past = self._known_ring[back % len(self._ring)] if back >= 0 else 0
                rows[k, span] = past if lag > k else rows[k - lag, self._known]
        if features.calendar:
            begin = self._known.stop
            features.days.features(times, rows[:, begin : begin + len(features.days.columns)])
        for k in range(steps):
            self._mark(rows[k], self._plain[1:], int(times[k]))
        return rows[:, self._block :]

    def _check_next(self, at: int) -> None:
        """Refuse a step that does not come next."""
        if self.time is None:
            return
        frequency, advice = self._frequency, "steps come in order"
        if frequency is None:
            if at > self.time:
                return
        else:
            apart = at - self.time
            if frequency.kind not in ("ns", "step"):
                both = frequency.numbers(numpy.array([self.time, at]), self.features.days.zone)
                apart = int(both[1] - both[0])
            if apart == frequency.count:
                return
            advice = f"steps are {frequency.code} apart; push each one, with target=None where there is no value"
        where = place(self.id, self.steps, at, self.features.layout)
        raise StreamError(f"{where} does not follow the step before: {advice}")

    def _anchored(self, at: int) -> NDArray[numpy.int64]:
        if self._anchor is None:
            self._anchor = self._frequency.anchors(numpy.array([at]), numpy.zeros(1, int), self.features.days.zone)[0]
        return self._anchor

    def _read(self, values: Any, out: Numbers, names: tuple[str, ...]) -> bool:
        """Write the numbers of a step, None as NaN, and tell whether all are there."""
        given = (values,) if values is None or not hasattr(values, "__len__") or isinstance(values, str) else values
        if len(given) != len(names) and values is not None:
            raise self._refusal(values, names)
        whole = True
        for column in range(len(names)):
            number = None if values is None else given[column]
            try:
                number = numpy.nan if number is None else float(number)
            except (TypeError, ValueError):
                raise self._refusal(values, names) from None
            if number != number:
                whole = False
            elif not -_LARGEST < number < _LARGEST:
                raise self._refusal(values, names)
            out[column] = number
        return whole

    def _refusal(self, values: Any, names: tuple[str, ...]) -> StreamError:
        return StreamError(
            f"series '{self.id}', row {self.steps + 1}: wanted a finite number for each of {', '.join(names)}; "
            f"got {values!r:.60}; where there is none, push None"
        )

    def _fill(self, out: Numbers, values: Any, pair: tuple[Numbers, Numbers], names: tuple[str, ...]) -> bool:
        whole = self._read(values, out, names)
        numpy.subtract(out, pair[0], out=out)
        numpy.divide(out, pair[1], out=out)
        return whole

    def _fill_known(self, out: Numbers, known: Any) -> bool:
        if self.features.known:
            return self._fill(out, known, self._scales[1], self.features.layout.known)
        if not _is_nothing(known):
            raise StreamError(f"series '{self.id}': these features have no known covariates, and some were given")
        return True

    def _fill_calendar(self, out: Numbers, at: int) -> None:
        days = self.features.days
        if not self._begin <= at < self._end:
            self._begin, self._end, self._offset = days.zone.span(at)
        day, rest = divmod(at + self._offset, DAY)
        if len(self._minute_columns):
            out[self._minute_columns] = days.minutes[rest // _MINUTE]
        if day != self._day and len(self._day_columns):
            out[self._day_columns] = days.days(numpy.array([day]))[0]
            self._day = day

    def _mark(self, out: Numbers, plain: Sequence[slice], at: int) -> None:
        for column, twin in self._twins:
            gone = out[column] != out[column]
            out[twin] = gone
            if gone:
                out[column] = 0
        for span in plain:
            if numpy.isnan(out[span]).any():
                name = self.features.columns[span.start + int(numpy.flatnonzero(numpy.isnan(out[span]))[0])]
                raise StreamError(
                    f"{place(self.id, self.steps, at, self.features.layout)}: '{name}' is missing, and no value of it "
                    "was when the features were fitted; fill it in, or fit with missing='always'"
                )


def _twins(names: Sequence[str], masked: Sequence[str], begin: int) -> list[tuple[int, int]]:
    """Each column that may have no value, and the column that says so."""
    columns = [column for column, name in enumerate(names) if name in masked]
    return [(begin + column, begin + len(names) + k) for k, column in enumerate(columns)]


def _is_nothing(values: Any) -> bool:
    return values is None or (hasattr(values, "__len__") and len(values) == 0)
