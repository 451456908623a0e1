"""What the calendar and the clock on the wall say about a time, as numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.data.series.frequency import Frequency
from ostinato.data.series.panel import Numbers
from ostinato.data.series.zones import DAY, SECOND, Times, Zone
from ostinato.errors import OptionError, nearest

_MINUTE = 60 * SECOND
# The period of each pair of a sine and a cosine, and how many flags of 0 and 1 each other word stands for.
PAIRS = {"hour": 1440, "weekday": 7, "monthday": 31, "month": 12, "yearday": 366}
FLAGS = {"hours": 24, "weekdays": 7, "months": 12, "weekend": 1, "month_start": 1, "month_end": 1}
WORDS = (*PAIRS, *FLAGS)
# Rows for this many days are kept; data that reach further are computed anew.
_KEPT_DAYS = 40_000


@dataclass(eq=False)
class Calendar:
    """Columns of a calendar by their words, on the clock of a zone.

    >>> import numpy
    >>> monday = numpy.array(["2024-01-01T06:00"], "datetime64[ns]").astype("int64")
    >>> Calendar(("hour", "weekend")).columns
    ('hour_sin', 'hour_cos', 'weekend')
    >>> Calendar(("hour", "weekend")).features(monday).round(6).tolist()
    [[1.0, 0.0, 0.0]]

    Pairs of sine and cosine: ``hour`` (the time of day, to the minute), ``weekday``, ``monthday``, ``month``,
    ``yearday``. Flags of 0 and 1: ``hours`` (24), ``weekdays`` (7, from Monday), ``months`` (12), ``weekend``,
    ``month_start``, ``month_end``. On a day when the clock is put forward or back, it is the hour on the wall that
    counts. A number is looked up in a table, so that one time gives the same bits wherever it is asked for.
    """

    words: tuple[str, ...]
    zone: Zone = field(default_factory=Zone)

    def __post_init__(self) -> None:
        for word in self.words:
            if word not in WORDS:
                raise OptionError(f"there is no column of a calendar called {word!r:.40}; {nearest(str(word), WORDS)}")
        if len(set(self.words)) < len(self.words):
            raise OptionError(f"a word of the calendar stands there twice: {', '.join(self.words)}")
        self.columns = tuple(name for word in self.words for name in _columns(word))
        by_minute = [word in ("hour", "hours") for word in self.words for _ in _columns(word)]
        self.minute_columns = numpy.flatnonzero(by_minute)
        self.day_columns = numpy.flatnonzero(~numpy.array(by_minute, numpy.bool_))
        self.minutes = _minutes(self.words)
        self._first_day = 0
        self._days: Numbers = _days(self.words, numpy.zeros(0, numpy.int64))

    def features(self, time: Times, out: Numbers | None = None) -> Numbers:
        """The columns for times of any shape: float32 [..., C], into ``out`` where it is given."""
        out = numpy.empty((*time.shape, len(self.columns)), numpy.float32) if out is None else out
        if not self.columns or not time.size:
            return out
        local = self.zone.local(time)
        days = local // DAY
        if len(self.minute_columns):
            out[..., self.minute_columns] = self.minutes[(local - days * DAY) // _MINUTE]
        if len(self.day_columns):
            out[..., self.day_columns] = self.days(days)
        return out

    def days(self, days: NDArray[numpy.int64]) -> Numbers:
        """The columns that follow from the day alone, for days since 1970."""
        low, high = int(days.min()), int(days.max()) + 1
        if high - low > _KEPT_DAYS:
            return _days(self.words, days)
        if low < self._first_day or high > self._first_day + len(self._days):
            if (
                len(self._days)
                and max(high, self._first_day + len(self._days)) - min(low, self._first_day) < _KEPT_DAYS
            ):
                low, high = min(low, self._first_day), max(high, self._first_day + len(self._days))
            self._first_day, self._days = low, _days(self.words, numpy.arange(low, high))
        return self._days[days - self._first_day]


def usual_words(frequency: Frequency | None, clock: str, step: int = 0) -> tuple[str, ...]:
    """The words that suit a frequency, or for irregular series their median ``step`` in nanoseconds.

    >>> usual_words(Frequency.of("30min"), "time"), usual_words(Frequency.of("M"), "time")
    (('hour', 'weekday', 'yearday'), ('month',))
    """
    if clock == "number":
        return ()
    if frequency is None:
        frequency = Frequency(max(1, step // DAY), "day") if step >= DAY else Frequency(max(1, step), "ns")
    if frequency.kind == "ns":
        return ("hour", "weekday", "yearday") if frequency.count < DAY else ("weekday", "yearday")
    if frequency.kind == "month":
        return ("month",) if frequency.count % 12 else ()
    return ("weekday", "yearday") if frequency.count % 7 else ("yearday",)


def calendar_of(words: Any, usual: tuple[str, ...], clock: str, zone: Zone) -> Calendar:
    """The calendar for an option: "auto", or words; whole numbers have none."""
    if isinstance(words, str):
        chosen: Sequence[str] = usual if words == "auto" else (words,)
    else:
        chosen = tuple(words)
    if chosen and clock == "number":
        raise OptionError(f"calendar={list(chosen)} is for steps that are times; these series count by whole numbers")
    return Calendar(tuple(chosen), zone)


def _columns(word: str) -> tuple[str, ...]:
    if word in PAIRS:
        return (f"{word}_sin", f"{word}_cos")
    return (word,) if FLAGS[word] == 1 else tuple(f"{word[:-1]}={k}" for k in range(FLAGS[word]))


def _pair(index: NDArray[numpy.int64], period: int) -> Numbers:
    angle = index * (2 * numpy.pi / period)
    pair: Numbers = numpy.stack([numpy.sin(angle), numpy.cos(angle)], -1).astype(numpy.float32)
    return pair


def _flags(index: NDArray[numpy.int64], count: int) -> Numbers:
    flags: Numbers = (index[..., None] == numpy.arange(count)).astype(numpy.float32)
    return flags


def _minutes(words: Sequence[str]) -> Numbers:
    """The columns that follow from the minute of the day: float32 [1440, C]."""
    minute = numpy.arange(1440)
    made: dict[str, Callable[[], Numbers]] = {
        "hour": lambda: _pair(minute, 1440),
        "hours": lambda: _flags(minute // 60, 24),
    }
    return numpy.concatenate([numpy.empty((1440, 0), numpy.float32), *(made[w]() for w in words if w in made)], -1)


def _days(words: Sequence[str], days: NDArray[numpy.int64]) -> Numbers:
    """The columns that follow from the day: float32 [..., C]."""
    date = days.astype("datetime64[D]")
    months = date.astype("datetime64[M]")
    year = date.astype("datetime64[Y]").astype("datetime64[D]").astype(numpy.int64)
    first = months.astype("datetime64[D]").astype(numpy.int64)
    after = (months + 1).astype("datetime64[D]").astype(numpy.int64)
    # 1970-01-01 was a Thursday.
    weekday, month = (days + 3) % 7, months.astype(numpy.int64) % 12
    made: dict[str, Callable[[], Numbers]] = {
        "weekday": lambda: _pair(weekday, 7),
        "monthday": lambda: _pair(days - first, 31),
        "month": lambda: _pair(month, 12),
        "yearday": lambda: _pair(days - year, 366),
        "weekdays": lambda: _flags(weekday, 7),
        "months": lambda: _flags(month, 12),
        "weekend": lambda: (weekday >= 5).astype(numpy.float32)[..., None],
        "month_start": lambda: (days == first).astype(numpy.float32)[..., None],
        "month_end": lambda: (days == after - 1).astype(numpy.float32)[..., None],
    }
    none = numpy.empty((*days.shape, 0), numpy.float32)
    whole: Numbers = numpy.concatenate([none, *(made[word]() for word in words if word in made)], -1)
    return whole
