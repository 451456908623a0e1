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
        if features.known_lags and features.known and features.lags:
            raise OptionError("a stream remembers targets only; fit the features with known_lags=False")
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
        # Scaled targets of the last steps, that of the step n at n modulo their number.
        self._ring = numpy.full((max((1, *features.lags)) + 1, k), numpy.nan, numpy.float32)
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
            live._ring[(row - begin) % len(live._ring)] = (panel.target[row] - live.offset) / live.scale
        live.steps = end - begin
        if live.steps:
            live.time = int(panel.time[end - 1])
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
        self._check_next(at)
        features = self.features
        value = (self._values(target, features.layout.target) - self.offset) / self.scale
        out = self._out
        if features.target_input:
            out[: len(value)] = value
        if features.past:
            offset, scale = self._scales[0]
            out[self._past] = (self._values(past, features.layout.past) - offset) / scale
        elif not _is_nothing(past):
            raise StreamError(f"series '{self.id}': these features have no past covariates, and some were given")
        if self._gap is not None:
            out[self._gap] = 0 if self.time is None else (at - self.time) / features.gap  # type: ignore[operator]
        self._fill_known(out[self._known], known)
        if features.calendar:
            self._fill_calendar(out, at)
        for lag, span in self._lags:
            out[span] = self._ring[(self.steps - lag) % len(self._ring)] if lag <= self.steps else numpy.nan
        self._mark(out, self._plain, at)
        self._ring[self.steps % len(self._ring)] = value
        self.time, self.steps = at, self.steps + 1
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

    def _values(self, values: Any, names: tuple[str, ...]) -> Numbers:
        """Numbers of a step as float32; None is NaN."""
        if values is None:
            return numpy.full(len(names), numpy.nan, numpy.float32)
        try:
            with numpy.errstate(over="ignore"):
                array = numpy.asarray(values, numpy.float64).reshape(-1).astype(numpy.float32)
        except (TypeError, ValueError):
            raise StreamError(
                f"series '{self.id}': wanted numbers for {', '.join(names)}; got {values!r:.60}"
            ) from None
        if len(array) != len(names) or numpy.isinf(array).any():
            raise StreamError(
                f"series '{self.id}', row {self.steps + 1}: wanted a finite number for each of {', '.join(names)}; "
                f"got {values!r:.60}"
            )
        return array

    def _fill_known(self, out: Numbers, known: Any) -> None:
        if self.features.known:
            offset, scale = self._scales[1]
            out[:] = (self._values(known, self.features.layout.known) - offset) / scale
        elif not _is_nothing(known):
            raise StreamError(f"series '{self.id}': these features have no known covariates, and some were given")

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
