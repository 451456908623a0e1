"""Dates as people write them, in ten formats, beside the same dates in ISO 8601, made from a seed.

>>> for pair in make_dates(2, seed=3):
...     print(pair.written, "->", pair.iso)
22 jul 1958 -> 1958-07-22
may-25-1974 -> 1974-05-25

No format leaves the order of day and month open: where both are numbers, the year stands first or the month has Roman
digits.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from dataclasses import dataclass

from ostinato.errors import OptionError

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_ROMAN = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"]


def _ordinal(day: int) -> str:
    ending = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def _month(date: datetime.date) -> str:
    return _MONTHS[date.month - 1]


def _weekday(date: datetime.date) -> str:
    return _WEEKDAYS[date.weekday()]


# Each way to write a date has a name.
FORMATS: dict[str, Callable[[datetime.date], str]] = {
    "day month year": lambda d: f"{d.day} {_month(d)} {d.year}",
    "month day, year": lambda d: f"{_month(d)} {d.day}, {d.year}",
    "month ordinal, year": lambda d: f"{_month(d)} {_ordinal(d.day)}, {d.year}",
    "the ordinal of month": lambda d: f"the {_ordinal(d.day)} of {_month(d)} {d.year}",
    "weekday, day month": lambda d: f"{_weekday(d)}, {d.day} {_month(d)} {d.year}",
    "day mon year": lambda d: f"{d.day:02d} {_month(d)[:3]} {d.year}",
    "mon-day-year": lambda d: f"{_month(d)[:3]}-{d.day:02d}-{d.year}",
    "year/month/day": lambda d: f"{d.year}/{d.month:02d}/{d.day:02d}",
    "day.roman.year": lambda d: f"{d.day}.{_ROMAN[d.month - 1]}.{d.year}",
    "year, month, weekday": lambda d: f"{d.year}, {_month(d)} {d.day} ({_weekday(d)[:3]})",
}


@dataclass(frozen=True)
class WrittenDate:
    """A date as it was written, the same in ISO 8601, and the name of its format."""

    written: str
    iso: str
    format: str


def make_dates(
    count: int, *, seed: int = 1, first: str = "1930-01-01", last: str = "2049-12-31", each: int = 1
) -> list[WrittenDate]:
    """So many different dates between two, each written in ``each`` different formats, one after another.

    Equal arguments give equal dates everywhere, and more of them begin alike. Dates that are made in one go are
    different, so that a part of them (whole dates, ``each`` entries a date) is split by date.
    """
    try:
        start, end = datetime.date.fromisoformat(first), datetime.date.fromisoformat(last)
    except ValueError as error:
        raise OptionError(f"first and last wanted dates such as 1930-01-01, got {first!r} and {last!r}") from error
    span = (end - start).days + 1
    if not 1 <= each <= len(FORMATS):
        raise OptionError(f"each wanted 1 to {len(FORMATS)} formats, got {each}")
    if not 1 <= count <= max(span, 0):
        raise OptionError(f"count wanted 1 to {max(span, 0):,} (the days from {first} to {last}), got {count}")
    source = random.Random(seed)
    seen: dict[int, None] = {}
    made = []
    while len(seen) < count:
        day = int(source.random() * span)
        if day in seen:
            continue
        seen[day] = None
        date = start + datetime.timedelta(days=day)
        names = list(FORMATS)
        for place in range(each):
            other = place + int(source.random() * (len(names) - place))
            names[place], names[other] = names[other], names[place]
            made.append(WrittenDate(FORMATS[names[place]](date), date.isoformat(), names[place]))
    return made
