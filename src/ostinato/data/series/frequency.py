"""How far apart the steps of a series are: a fixed span of time, a day or a month of a local calendar, or a number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.data.series.zones import DAY, SECOND, Times, Zone
from ostinato.errors import OptionError

_SPANS = {"ns": 1, "us": 1000, "ms": 10**6, "s": SECOND, "min": 60 * SECOND, "h": 3600 * SECOND}
# Each unit is some number of one of the kinds: ns (a fixed span), day, business (Monday to Friday), month, step.
_UNITS = {name: (span, "ns") for name, span in _SPANS.items()} | {
    "t": (60 * SECOND, "ns"),
    "l": (10**6, "ns"),
    "d": (1, "day"),
    "b": (1, "business"),
    "w": (7, "day"),
    "q": (3, "month"),
    "y": (12, "month"),
    "a": (12, "month"),
    "step": (1, "step"),
}
_MONTH = {"M": 1, "MS": 1, "ME": 1, "Q": 3, "QS": 3, "QE": 3, "Y": 12, "YS": 12, "YE": 12, "A": 12, "AS": 12, "BH": 0}
_WORDS = {"second": "s", "minute": "min", "hour": "h", "day": "d", "week": "w", "quarter": "q", "year": "y"}
_KINDS = ("ns", "day", "business", "month", "step")


@dataclass(frozen=True)
class Frequency:
    """The distance from step to step: ``count`` of a ``kind``.

    >>> Frequency.of("30min"), Frequency.of("W"), Frequency.of("QS")
    (Frequency('30min'), Frequency('7D'), Frequency('3M'))

    Kinds: ``ns``, a fixed span in nanoseconds, whatever a clock on the wall does; ``day``, ``business`` and ``month``,
    counted on the local calendar, so that a day may have 23 or 25 hours; ``step``, whole numbers instead of times.
    """

    count: int
    kind: str

    def __post_init__(self) -> None:
        if self.kind not in _KINDS or type(self.count) is not int or not 0 < self.count < 2**62:
            raise OptionError(f"a frequency is a whole number from 1 on of {', '.join(_KINDS)}; got {self.code!r:.40}")

    @classmethod
    def of(cls, value: Any) -> Frequency:
        """A frequency from its code: "30min", "h", "D", "B" (Monday to Friday), "W", "M", "Q", "Y"; or a number."""
        if isinstance(value, Frequency):
            return value
        if isinstance(value, numpy.timedelta64) and numpy.datetime_data(value.dtype)[0] not in ("Y", "M", "generic"):
            return cls(int(value.astype("timedelta64[ns]").astype(numpy.int64)), "ns")
        if isinstance(value, int | numpy.integer) and not isinstance(value, bool | numpy.timedelta64):
            return cls(int(value), "step")
        if hasattr(value, "total_seconds"):
            return cls(round(value.total_seconds() * 10**6) * 1000, "ns")
        # pandas writes its own offsets as freqstr, and where a week or a quarter begins after a hyphen.
        text = str(getattr(value, "freqstr", value)).strip()
        found = re.fullmatch(r"(\d{0,18})\s*([A-Za-z]+)(?:-[A-Z]{3})?", text)
        count, unit = _unit(found[2]) if found else (0, "")
        if not found or not count:
            raise OptionError(
                f"frequency wanted a code such as '30min', 'h', 'D', 'B', 'W', 'M', 'Q' or 'Y', a whole number, or "
                f"'infer'; got {value!r:.40}"
            )
        return cls(int(found[1] or 1) * count, unit)

    @property
    def code(self) -> str:
        """The code that :meth:`of` reads."""
        if self.kind == "ns" and type(self.count) is int:
            span, name = max((span, name) for name, span in _SPANS.items() if self.count % span == 0)
            return f"{self.count // span if self.count != span else ''}{name}"
        number = "" if self.count == 1 else str(self.count)
        return number + {"day": "D", "business": "B", "month": "M", "step": "step"}.get(self.kind, self.kind)

    def __repr__(self) -> str:
        return f"Frequency({self.code!r})"

    @property
    def season(self) -> int:
        """How many steps make up the most usual season: a day, or a week of days, or a year of weeks or months.

        >>> [Frequency.of(code).season for code in ("30min", "h", "D", "W", "M", "Q", "Y")]
        [48, 24, 7, 52, 12, 4, 1]
        """
        whole = {"ns": DAY, "day": 7 if self.count < 7 else 364, "business": 5, "month": 12, "step": 1}[self.kind]
        return max(1, whole // self.count)

    def numbers(self, time: Times, zone: Zone) -> Times:
        """How many units (spans, days, months) of the kind lie before each time."""
        if self.kind in ("ns", "step"):
            return time
        days = zone.local(time) // DAY
        if self.kind == "day":
            return days
        if self.kind == "month":
            return days.astype("datetime64[D]").astype("datetime64[M]").astype(numpy.int64)
        # 1970 began on a Thursday; Saturdays and Sundays count as the Friday before, and are then off the grid.
        week, weekday = (days + 3) // 7, (days + 3) % 7
        return week * 5 + numpy.minimum(weekday, 4)

    def times(self, numbers: Times, anchor: NDArray[numpy.int64], zone: Zone) -> Times:
        """The inverse of :meth:`numbers`, for the anchors of the series: int64 [2] or [n, 2], see :meth:`anchors`."""
        if self.kind in ("ns", "step"):
            return numbers
        anchored, clock = anchor[..., 0], anchor[..., 1]
        if self.kind == "day":
            days = numbers
        elif self.kind == "business":
            days = numbers // 5 * 7 + numbers % 5 - 3
        else:
            first = numbers.astype("datetime64[M]").astype("datetime64[D]").astype(numpy.int64)
            after = (numbers + 1).astype("datetime64[M]").astype("datetime64[D]").astype(numpy.int64)
            days = numpy.minimum(first + anchored - 1, after - 1)
        return zone.read(days * DAY + clock).first

    def anchors(self, time: Times, starts: Times, zone: Zone) -> NDArray[numpy.int64]:
        """Where in its unit each series stands: the day of the month and the time of the local day, int64 [S, 2].

        ``starts`` int64 [S] are the first rows of the series, none of which is empty. A month's end is the end of
        every month: the day is the latest that occurs.
        """
        out = numpy.zeros((len(starts), 2), numpy.int64)
        if self.kind in ("ns", "step") or not len(starts):
            return out
        local = zone.local(time)
        out[:, 1] = local[starts] % DAY
        if self.kind == "month":
            days = (local // DAY).astype("datetime64[D]")
            within = (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(numpy.int64)
            out[:, 0] = numpy.maximum.reduceat(within + 1, starts)
        return out


def _unit(word: str) -> tuple[int, str]:
    """How many of which kind a unit is; 0 of none where it is unknown."""
    if word in _MONTH:
        return _MONTH[word], "month"
    folded = word.lower()
    single = folded.removesuffix("s") if len(folded) > 3 else folded
    if single in ("month", "mo"):
        return 1, "month"
    return _UNITS.get(_WORDS.get(single, folded), (0, ""))
