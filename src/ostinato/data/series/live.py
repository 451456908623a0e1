"""The features of a live stream: one step at a time, with the bits that a window of the same steps has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.data.series.features import Features, columns_of
from ostinato.data.series.following import Following
from ostinato.data.series.panel import Numbers, Panel
from ostinato.data.series.places import Columns, Places, parted, span
from ostinato.data.series.scaling import Scales
from ostinato.data.series.zones import DAY, SECOND
from ostinato.errors import DataError, OptionError, StreamError

_MINUTE = 60 * SECOND
# Beyond this, a number is infinite in 32 bits.
_LARGEST = float(numpy.finfo(numpy.float32).max)
_EACH = "; push each one, with target=None where there is no value"


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

    A step may come in two halves: :meth:`look_ahead` puts into ``x`` what is known of it, beside what was observed
    before it, and :meth:`observe` what it brought. Between them ``x`` is what a network reads that foretells the step.
    """

    def __init__(
        self,
        features: Features,
        id: str = "",
        *,
        offset: Sequence[float] | NDArray[Any] | None = None,
        scale: Sequence[float] | NDArray[Any] | None = None,
    ) -> None:
        self.features, self.order = features, Following(features.layout, id)
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
        self.x = numpy.zeros(len(features.columns), numpy.float32)
        self._row = numpy.empty(k, numpy.float32)
        # Within this, a single value and all that is made of it is finite.
        self._near = max(0.0, _LARGEST / 4 * min(1.0, float(self.scale.min())) - float(numpy.abs(self.offset).max()))
        self._near = self._near if k == 1 else -1.0
        # Of the last steps, that of the step n at n modulo their number: values, 0 where missing, and where they were.
        self._turns, f = max((0, *features.lags)) + 1, len(features.layout.known)
        self._values, self._gone = (make((self._turns, k), numpy.float32) for make in (numpy.zeros, numpy.ones))
        self._known_values, self._known_gone = (numpy.zeros((self._turns, f), numpy.float32) for _ in range(2))
        self._past_scale, self._known_scale = columns_of(features.past), columns_of(features.known)
        # What the calendar says stays in its columns until the day or the clock's offset changes.
        self._day: int | None = None
        self._from, self._until, self._shift = 0, 0, 0
        self._lay_out(k)

    def _lay_out(self, k: int) -> None:
        """Where the columns of each part stand."""
        features, places = self.features, Places(self.features)
        layout, horizon = features.layout, max(1, features.horizon)
        self._targets = places.take(k) if features.target_input else None
        self._past = places.take(len(layout.past))
        self._gap = places.take(1).at if features.gap is not None else None
        self._near_lags = [(lag, places.take(k)) for lag in features.lags if lag < horizon]
        places.second_block()
        self._known = places.take(len(layout.known))
        begin = places.take(len(features.days.columns)).at.start
        self._minutes = span(begin + features.days.minute_columns)
        self._days = span(begin + features.days.day_columns)
        self._far_lags = [(lag, places.take(k)) for lag in features.lags if lag >= horizon]
        lags = features.lags if features.known_lags else ()
        self._known_lags = [(lag, places.take(len(layout.known))) for lag in lags]

    @classmethod
    def after(cls, features: Features, panel: Panel, series: int = 0, scales: Scales | None = None) -> LiveSeries:
        """A stream that goes on where the observed rows of a series of a panel end."""
        scales = features.scale(panel) if scales is None else scales
        live = cls(features, panel.ids[series], offset=scales.offset[series], scale=scales.scale[series])
        begin, end = int(panel.starts[series]), int(panel.ends[series])
        for row in range(max(begin, end - live._turns), end):
            slot = (row - begin) % live._turns
            live._values[slot], live._gone[slot] = parted((panel.target[row] - live.offset) / live.scale)
            known = parted((panel.known[row] - live._known_scale[0]) / live._known_scale[1])
            live._known_values[slot], live._known_gone[slot] = known
        if end > begin:
            live.x = features.inputs(panel, numpy.array([end - 1]), scales, numpy.array([series]))[0]
            live.order.settle(panel.time[begin:end])
            live.order.time, live.order.steps = int(panel.time[end - 1]), end - begin
        return live

    @property
    def id(self) -> str:
        """What the series is called."""
        return self.order.id

    @property
    def time(self) -> int | None:
        """The time of the last step."""
        return self.order.time

    @property
    def steps(self) -> int:
        """How many steps have come."""
        return self.order.steps

    def push(self, time: Any, target: Any, past: Any = (), known: Any = ()) -> Numbers:
        """The features of the next step: float32 [D].

        ``time`` is a whole number as in the panel's ``time``, or, where steps are times, what :meth:`Panel.moment`
        reads; ``target`` [K], ``past`` [P] and ``known`` [F] are in the data's own units, None or NaN where there is no
        value.
        """
        at = self.order.moment(time)
        if self.order.between(at, _EACH):
            raise self.order.refusal(at, _EACH)
        y, seen, ahead = self.scaled(target), self.covariates(past), self.known(known)
        self.check_lags(at)
        self.look_ahead(at, ahead)
        self.observe(at, y, seen)
        row: Numbers = self.x.copy()
        return row

    def scaled(self, values: Any) -> Numbers:
        """The targets of a step [K] in units of the scale, NaN where missing; what cannot be read is refused."""
        raw = self._row
        if type(values) is float and -self._near <= values <= self._near:
            raw[0] = values
            y: Numbers = raw - self.offset
            numpy.divide(y, self.scale, out=y)
            return y
        names = self.features.layout.target
        y = self._scaled(values, names, self.offset, self.scale)
        if self._targets is not None and self._targets.strict:
            self._check(self._targets, y != y)
        return y

    def covariates(self, values: Any) -> Numbers | None:
        """The same for covariates known up to now."""
        return self._pooled(values, self.features.layout.past, self._past, self._past_scale, "past")

    def known(self, values: Any) -> Numbers | None:
        """The same for covariates known ahead."""
        return self._pooled(values, self.features.layout.known, self._known, self._known_scale, "known")

    def _pooled(
        self, values: Any, names: tuple[str, ...], columns: Columns, pair: tuple[Numbers, Numbers], kind: str
    ) -> Numbers | None:
        if names:
            scaled = self._scaled(values, names, *pair)
            self._check(columns, scaled != scaled)
            return scaled
        if values is not None and numpy.size(values):
            raise StreamError(f"series '{self.id}': these features have no {kind} covariates, and some were given")
        return None

    def _scaled(self, values: Any, names: tuple[str, ...], offset: Numbers, scale: Numbers) -> Numbers:
        try:
            numbers = numpy.full(len(names), numpy.nan) if values is None else numpy.asarray(values, numpy.float64)
        except (TypeError, ValueError):
            raise self._refusal(values, names) from None
        if numbers.size != len(names) or (numpy.abs(numbers) > _LARGEST).any():
            raise self._refusal(values, names)
        with numpy.errstate(over="ignore"):
            made: Numbers = (numbers.reshape(-1).astype(numpy.float32) - offset) / scale
        if numpy.isinf(made).any():
            raise self._refusal(values, names)
        return made

    def _refusal(self, values: Any, names: tuple[str, ...]) -> StreamError:
        return StreamError(
            f"{self.order.here()}: wanted a finite number for each of {', '.join(names)}; "
            f"got {values!r:.60}; where there is none, push None"
        )

    def _check(self, columns: Columns, gone: NDArray[Any]) -> None:
        """Refuse a missing value where none was missing in training."""
        for column in columns.strict:
            if gone[column]:
                raise StreamError(
                    f"{self.order.here()}: '{self.features.columns[columns.at.start + column]}' is missing, and no "
                    "value of it was when the features were fitted; fill it in, or fit with missing='always'"
                )

    def check_lags(self, at: int) -> None:
        """Refuse a step whose lags reach back to what is missing, where they may not."""
        for lag, columns in (*self._near_lags, *self._far_lags):
            if columns.strict:
                self._check(columns, self._gone[(self.steps - lag) % self._turns])

    def look_ahead(self, at: int, known: Numbers | None = None) -> None:
        """Put into ``x`` what is known of a step before its value comes; ``known`` is what :meth:`known` gave."""
        x = self.x
        if self.features.calendar:
            days = self.features.days
            if not self._from <= at < self._until:
                self._from, self._until, self._shift = days.zone.span(at)
            day, rest = divmod(at + self._shift, DAY)
            x[self._minutes] = days.minutes[rest // _MINUTE]
            if day != self._day:
                x[self._days] = days.days(numpy.array([day]))[0]
                self._day = day
        steps, turns = self.order.steps, self._turns
        for lag, columns in self._far_lags:
            turn = (steps - lag) % turns
            columns.put(x, self._values[turn], self._gone[turn])
        for lag, columns in self._known_lags:
            turn = (steps - lag) % turns
            columns.put(x, self._known_values[turn], self._known_gone[turn])
        if known is not None:
            values, gone = parted(known)
            self._known.put(x, values, gone)
            self._known_values[steps % turns], self._known_gone[steps % turns] = values, gone

    def observe(self, at: int, y: Numbers, past: Numbers | None = None) -> None:
        """Put what a step brought into ``x``: its targets as :meth:`scaled` gave them, and covariates."""
        x, steps = self.x, self.order.steps
        gone = y != y
        values = y if not gone.any() else numpy.where(gone, numpy.float32(0), y)
        if self._targets is not None:
            self._targets.put(x, values, gone)
        if past is not None:
            self._past.put(x, *parted(past))
        if self._gap is not None:
            x[self._gap] = 0 if self.order.time is None else (at - self.order.time) / self.features.gap  # type: ignore[operator]
        for lag, columns in self._near_lags:
            turn = (steps - lag) % self._turns
            columns.put(x, self._values[turn], self._gone[turn])
        if self._turns > 1:
            self._values[steps % self._turns], self._gone[steps % self._turns] = values, gone
        self.order.advance(at)

    def ahead(self, steps: int, known: Any = ()) -> Numbers:
        """The columns known ahead of the next steps: float32 [steps, F'], from ``known`` [steps, F]."""
        features, turns = self.features, self._turns
        times = self.order.ahead(steps)
        if self._far_lags and steps > features.horizon:
            raise StreamError(f"lags reach {features.horizon} steps ahead (the horizon), got steps={steps}")
        rows = numpy.zeros((steps, len(features.columns)), numpy.float32)
        if features.calendar:
            begin = self._known.at.stop
            features.days.features(times, rows[:, begin : begin + len(features.days.columns)])
        given = [()] * steps if known is None or len(known) == 0 else list(known)
        if len(given) != steps:
            raise StreamError(
                f"series '{self.id}': known wanted {steps} rows, one for each step ahead, got {len(given)}"
            )
        told = [parted(scaled) for scaled in map(self.known, given) if scaled is not None]
        for k, row in enumerate(rows):
            if told:
                self._known.put(row, *told[k])
            for lag, columns in self._far_lags:
                turn = (self.steps + k - lag) % turns
                self._check(columns, self._gone[turn])
                columns.put(row, self._values[turn], self._gone[turn])
            for lag, columns in self._known_lags:
                turn = (self.steps + k - lag) % turns
                before = (self._known_values[turn], self._known_gone[turn])
                columns.put(row, *(told[k - lag] if lag <= k else before))
        return rows[:, len(features.observed) :]

    def to_dict(self) -> dict[str, Any]:
        """All that is remembered, as plain data."""
        arrays = {name: array.ravel().tolist() for name, array in self._arrays().items()}
        return {"id": self.id, "order": self.order.to_dict(), **arrays}

    @classmethod
    def from_dict(cls, features: Features, data: Any) -> LiveSeries:
        """The inverse of :meth:`to_dict`; what is none is a ValueError, a TypeError or a KeyError."""
        live = cls(features, str(data["id"]), offset=data["offset"], scale=data["scale"])
        live.order.restore(data["order"])
        for name, array in live._arrays().items():
            values = numpy.array(data[name], numpy.float32)
            if values.size != array.size or not numpy.isfinite(values).all():
                raise ValueError(f"'{name}' wanted {array.size} finite numbers")
            array[...] = values.reshape(array.shape)
        return live

    def _arrays(self) -> dict[str, Numbers]:
        rings = {"values": self._values, "gone": self._gone}
        rings |= {"known": self._known_values, "known_gone": self._known_gone}
        return {"offset": self.offset, "scale": self.scale, "x": self.x, **rings}
