"""What a detector's network reads of a series: all steps of a panel at once, or one as it comes, to the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.series import Features, Panel, Scales
from ostinato.data.series.panel import moment, place
from ostinato.data.series.zones import DAY, SECOND
from ostinato.errors import DataError, OptionError, StreamError, nearest

Floats = NDArray[np.float32]
_MINUTE = 60 * SECOND
_MOST = float(np.finfo(np.float32).max)
# Steps that were left out are run as missing ones; so many at most.
_MOST_LEFT_OUT = 100_000


def scale_of(features: Features, name: str | None) -> tuple[Floats, Floats]:
    """The offset and the scale [K] of a series: its own, or the one that all series share.

    A series that was not there in training is refused where each has a scale of its own: its own later values must
    not decide how the earlier ones are judged.
    """
    known = features.scales
    if name is not None and name in known:
        offset, scale = known[name]
    elif features.scope == "panel" or len(known) == 1 or features.scaling == "none":
        offset, scale = next(iter(known.values()))
    elif name is None:
        raise OptionError(
            f"the detector was trained on {len(known)} series; say by id= which one comes, {_some(known)}"
        )
    else:
        raise DataError(
            f"series '{name}' was not there in training, and each series has a scale of its own; "
            f"{nearest(name, known)}; or train with scope='panel'"
        )
    return np.array(offset, np.float32), np.array(scale, np.float32)


def scales_of(features: Features, panel: Panel) -> Scales:
    """The scales of all series of a panel, each by :func:`scale_of`."""
    pairs = [scale_of(features, name) for name in panel.ids]
    return Scales(np.stack([offset for offset, _ in pairs]), np.stack([scale for _, scale in pairs]))


def read_whole(features: Features, panel: Panel, series: int) -> tuple[Floats, Floats]:
    """What is read before each step but the first, x [n - 1, D], and the scaled values y [n, K], NaN where missing."""
    offset, scale = scale_of(features, panel.ids[series])
    shape = (len(panel), len(offset))
    scales = Scales(np.broadcast_to(offset, shape).copy(), np.broadcast_to(scale, shape).copy())
    begin, end = int(panel.starts[series]), int(panel.ends[series])
    rows = np.arange(begin, end)
    with np.errstate(over="ignore"):
        columns = features.inputs(panel, rows, scales, np.full(len(rows), series))
        y: Floats = (panel.target[begin:end] - offset) / scale
    if np.isinf(y).any():
        row, channel = np.argwhere(np.isinf(y))[0].tolist()
        raise DataError(_infinite(panel.place(begin + row), features.layout.target[channel], panel.target[begin + row]))
    seen = len(features.observed)
    return np.concatenate([columns[:-1, :seen], columns[1:, seen:]], axis=1), y


class SeriesFeed:
    """Reads one series step by step: ``x`` is what the network reads before the next value comes.

    >>> from ostinato.data.series import read_series
    >>> panel = read_series([[1.0, 2.0, 4.0]])
    >>> feed = SeriesFeed(Features.fit(panel, horizon=1, scaling="none"))
    >>> for time, value in enumerate([1.0, 2.0, 4.0]):
    ...     y = feed.scaled(value)
    ...     feed.look_ahead(time)
    ...     print(feed.x.tolist(), y.tolist())
    ...     feed.observe(time, y)
    [0.0] [1.0]
    [1.0] [2.0]
    [2.0] [4.0]
    """

    def __init__(self, features: Features, name: str | None = None) -> None:
        self.features, self.name = features, name
        self.offset, self.scale = scale_of(features, name)
        k = len(self.offset)
        self.time: int | None = None
        self.steps = 0
        self.x = np.zeros(len(features.columns), np.float32)
        self._raw = np.zeros(k, np.float32)
        self._single = k == 1
        # Within this, a single value and all that is made of it is finite.
        self._near = max(0.0, _MOST / 4 * min(1.0, float(self.scale.min())) - float(np.abs(self.offset).max()))
        self._lay_out(k)
        # Scaled values of the last steps, 0 where missing, and where they were.
        turns = max((0, *features.lags)) + 1
        self._values, self._gone = np.zeros((turns, k), np.float32), np.ones((turns, k), np.float32)
        self._turns = turns
        self._day: int | None = None
        self._from, self._until, self._shift = 0, 0, 0
        self._origin: int | None = None
        self._local = features.layout.zone is None and features.layout.clock == "time"

    def _lay_out(self, k: int) -> None:
        """Where the columns of each part stand."""
        features = self.features
        names, begin = features.layout.target, len(features.observed)
        frequency = features.layout.frequency
        self._count = frequency.count if frequency is not None and frequency.kind in ("ns", "step") else 0
        self._targets = slice(0, k)
        at = k
        self._gap = at if features.gap is not None else None
        at += features.gap is not None
        self._masked = [place for place, name in enumerate(names) if name in features.masked]
        self._all_masked = len(self._masked) == k
        self._twins = slice(at, at + len(self._masked))
        days = features.days
        self._minute_columns = _span(begin + days.minute_columns)
        self._day_columns = _span(begin + days.day_columns)
        at = begin + len(days.columns)
        twins = at + k * len(features.lags)
        self._lags = [
            (lag, slice(at + k * turn, at + k * (turn + 1)), slice(twins + k * turn, twins + k * (turn + 1)))
            for turn, lag in enumerate(features.lags)
        ]

    def moment(self, time: Any) -> int:
        """A time as a panel has it: nanoseconds since 1970, or a whole number."""
        if type(time) is int:
            return time
        if self._local and isinstance(time, np.datetime64):
            found = int(time.astype("datetime64[ns]").astype(np.int64))
            if found != np.iinfo(np.int64).min:
                return found
        try:
            return moment(time, self.features.layout)
        except OptionError as error:
            raise StreamError(f"{self._here()}: {error}") from None

    def scaled(self, values: Any) -> Floats:
        """The values of a step [K] in units of the scale; None and NaN are missing, and what is infinite is refused."""
        raw = self._raw
        if self._single and type(values) is float and -self._near <= values <= self._near:
            raw[0] = values
            y: Floats = raw - self.offset
            np.divide(y, self.scale, out=y)
            return y
        raw[:] = self._checked(values)
        with np.errstate(over="ignore"):
            y = (raw - self.offset) / self.scale
        self._check(y, values)
        return y

    def _checked(self, values: Any) -> Any:
        names = self.features.layout.target
        if values is None:
            return np.nan
        try:
            array = np.asarray(values, np.float64).reshape(-1)
        except (TypeError, ValueError):
            raise StreamError(f"{self._here()}: wanted numbers for {', '.join(names)}, got {values!r:.60}") from None
        if len(array) != len(names):
            raise StreamError(
                f"{self._here()}: wanted {len(names)} numbers ({', '.join(names)}), got {len(array)}; the detector was "
                f"trained on {len(names)}"
            )
        if (np.abs(array) > _MOST).any():
            raise StreamError(_infinite(self._here(), names[int((np.abs(array) > _MOST).argmax())], values))
        return array

    def _check(self, y: Floats, values: Any) -> None:
        names = self.features.layout.target
        if np.isinf(y).any():
            raise StreamError(_infinite(self._here(), names[int(np.isinf(y).argmax())], values))
        if not self._all_masked:
            for channel in np.flatnonzero(np.isnan(y)).tolist():
                if channel not in self._masked:
                    raise StreamError(
                        f"{self._here()}: '{names[channel]}' is missing, and no value of it was in training; fill it in"
                    )

    def left_out(self, at: int) -> Iterator[int]:
        """The times of the steps between the last one and ``at``; a time that cannot follow is refused."""
        if self.time is None:
            return iter(())
        apart = at - self.time
        if self._count:
            if apart == self._count:
                return iter(())
            if apart > 0 and apart % self._count == 0:
                return iter(self._few(range(self.time + self._count, at, self._count), at))
        elif self.features.layout.frequency is None:
            if apart > 0:
                return iter(())
        elif apart > 0:
            return iter(self._between(at))
        raise self._refused(at)

    def _between(self, at: int) -> list[int]:
        """The same for steps that are counted on a calendar."""
        frequency, zone = self.features.layout.frequency, self.features.days.zone
        before, now = frequency.numbers(np.array([self.time, at]), zone).tolist()
        if now <= before or (now - before) % frequency.count:
            raise self._refused(at)
        numbers = np.array(self._few(range(before + frequency.count, now, frequency.count), at), np.int64)
        anchor = frequency.anchors(np.array([self._origin]), np.zeros(1, np.int64), zone)[0]
        return [int(time) for time in frequency.times(numbers, anchor, zone)]

    def _few(self, steps: range, at: int) -> range:
        if len(steps) > _MOST_LEFT_OUT:
            raise StreamError(
                f"{place(self.name or '', self.steps, at, self.features.layout)}: {len(steps):,} steps were left out "
                "before it; reset the session and begin anew"
            )
        return steps

    def _refused(self, at: int) -> StreamError:
        layout = self.features.layout
        advice = "steps come in order of time"
        if layout.frequency is not None:
            advice += f", {layout.frequency.code} apart"
        return StreamError(
            f"{place(self.name or '', self.steps, at, layout)} does not follow the step before: {advice}"
        )

    def _here(self) -> str:
        return f"series '{self.name or ''}', row {self.steps + 1}"

    def look_ahead(self, at: int) -> None:
        """Put into ``x`` what is known of a step before its value comes."""
        x = self.x
        if self.features.calendar:
            days = self.features.days
            if not self._from <= at < self._until:
                self._from, self._until, self._shift = days.zone.span(at)
            day, rest = divmod(at + self._shift, DAY)
            x[self._minute_columns] = days.minutes[rest // _MINUTE]
            if day != self._day:
                x[self._day_columns] = days.days(np.array([day]))[0]
                self._day = day
        for lag, values, twins in self._lags:
            turn = (self.steps - lag) % self._turns
            x[values] = self._values[turn]
            x[twins] = self._gone[turn]

    def observe(self, at: int, y: Floats) -> None:
        """Put the scaled values of a step into ``x``, for the step after it."""
        x, turn = self.x, self.steps % self._turns
        gone = y != y
        x[self._targets] = y
        if gone.any():
            x[self._targets][gone] = 0
        if self._all_masked:
            x[self._twins] = gone
        elif self._masked:
            x[self._twins] = gone[self._masked]
        if self._gap is not None:
            x[self._gap] = 0 if self.time is None else (at - self.time) / self.features.gap  # type: ignore[operator]
        if self._lags:
            self._values[turn] = x[self._targets]
            self._gone[turn] = gone
        if self.time is None:
            self._origin = at
        self.time, self.steps = at, self.steps + 1

    def to_dict(self) -> dict[str, Any]:
        """All that is remembered, as plain data."""
        arrays = {"x": self.x, "values": self._values, "gone": self._gone}
        return {
            "name": self.name,
            "time": self.time,
            "origin": self._origin,
            "steps": self.steps,
            **{key: array.ravel().tolist() for key, array in arrays.items()},
        }

    @classmethod
    def from_dict(cls, features: Features, data: Any) -> SeriesFeed:
        """The inverse of :meth:`to_dict`; what is none is a ValueError, a TypeError or a KeyError."""
        feed = cls(features, None if data["name"] is None else str(data["name"]))
        feed.steps = int(data["steps"])
        feed.time, feed._origin = (None if data[key] is None else int(data[key]) for key in ("time", "origin"))
        for key, array in (("x", feed.x), ("values", feed._values), ("gone", feed._gone)):
            values = np.array(data[key], np.float32)
            if values.size != array.size or not np.isfinite(values).all():
                raise ValueError(f"'{key}' wanted {array.size} finite numbers")
            array[...] = values.reshape(array.shape)
        return feed


def _span(columns: NDArray[np.int64]) -> Any:
    """Columns as a slice where they are neighbours: those are written faster."""
    if len(columns) and (np.diff(columns) == 1).all():
        return slice(int(columns[0]), int(columns[-1]) + 1)
    return columns


def _infinite(where: str, channel: str, value: Any) -> str:
    return f"{where}: '{channel}' is infinite or far too large, {value!r:.60}; give None where there is no value"


def _some(names: Any) -> str:
    return "such as " + ", ".join(f"'{name}'" for name in list(names)[:3])
