"""Times from columns: timestamps with a zone or without, texts in ISO 8601, and whole numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timezone
from typing import Any, NamedTuple

import numpy
from numpy.typing import NDArray

from ostinato.data.frames import is_missing
from ostinato.data.series.columns import Zoned
from ostinato.data.series.zones import Times, Zone, is_known
from ostinato.errors import DataError, OptionError

# Nanoseconds in 64 bits reach from 1677 to 2262; a year is kept free on both sides for calendars.
_LOW, _HIGH = numpy.datetime64("1679-01-01", "ns"), numpy.datetime64("2261-01-01", "ns")
_ISO = re.compile(r"\d{4}-\d\d(-\d\d)?([T ]\d\d(:\d\d(:\d\d(\.\d{1,9})?)?)?)?")
_WANTED = "a timestamp (2024-01-31T12:00, ISO 8601) or a whole number"
Place = Callable[[int], str]


class Clock(NamedTuple):
    """Times as they came: int64 [n], what they count ("time" or "number"), and the zone, if it is known.

    ``local`` says that they are what a clock on the wall showed, and ``zone`` is still to be applied.
    """

    time: Times
    clock: str
    zone: str | None
    local: bool


def times_of(values: Any, name: str, place: Place, zone: str | None = None) -> Clock:
    """A column of times.

    >>> times_of(["2024-01-01", "2024-01-02"], "day", str).time.tolist()
    [1704067200000000000, 1704153600000000000]

    ``zone`` is where the clock hung that showed times without a zone, and whose calendar all follow. A time that is
    missing, or anything that is no time, is a :class:`~ostinato.errors.DataError` with its place.
    """
    Zone(zone)
    if isinstance(values, Zoned):
        own = values.zone if is_known(values.zone) else "UTC"
        return Clock(_nanoseconds(values.time, name, place), "time", zone or own, False)
    if isinstance(values, numpy.ndarray) and values.dtype.kind == "M":
        return Clock(_nanoseconds(values, name, place), "time", zone, zone is not None)
    if isinstance(values, numpy.ndarray) and values.dtype.kind in "iuf":
        return _numbered(values, name, place, zone)
    rows = values.tolist() if isinstance(values, numpy.ndarray) else list(values)
    for row, value in enumerate(rows):
        if is_missing(value) or value == "":
            raise DataError(f"{place(row)}: column '{name}' has no time; wanted {_WANTED}")
    first = rows[0]
    if isinstance(first, str):
        return _written(rows, name, place, zone)
    if all(isinstance(row, numpy.datetime64) for row in rows):
        return times_of(numpy.array(rows), name, place, zone)
    if isinstance(first, int | float | numpy.integer | numpy.floating) and not isinstance(first, bool):
        try:
            array = numpy.array(rows)
        except (ValueError, TypeError, OverflowError):
            raise DataError(f"column '{name}' wanted times of one kind, all whole numbers or all timestamps") from None
        return _numbered(array, name, place, zone)
    if isinstance(first, date):
        return _dated(rows, name, place, zone)
    advice = "; turn periods into timestamps first: .dt.to_timestamp()" if "eriod" in type(first).__name__ else ""
    raise DataError(f"{place(0)}: column '{name}' wanted {_WANTED}, got {first!r:.60}{advice}")


def _numbered(values: NDArray[Any], name: str, place: Place, zone: str | None) -> Clock:
    if values.dtype.kind not in "iuf" or values.ndim != 1:
        raise DataError(f"column '{name}' wanted times of one kind, all whole numbers or all timestamps")
    if values.dtype.kind == "f":
        wrong = ~(numpy.isfinite(values) & (numpy.abs(values) < 2.0**53))
        wrong[~wrong] |= values[~wrong] != numpy.floor(values[~wrong])
        if wrong.any():
            row = int(numpy.flatnonzero(wrong)[0])
            raise DataError(
                f"{place(row)}: column '{name}' wanted {_WANTED}, got {values[row]}; "
                "count in a smaller unit (milliseconds instead of seconds), or give timestamps"
            )
    large = numpy.abs(values.astype(numpy.float64)) > 2.0**62
    if large.any():
        row = int(numpy.flatnonzero(large)[0])
        raise DataError(f"{place(row)}: column '{name}' has a time beyond 64 bits, {values[row]}")
    if zone is not None:
        raise OptionError(f"zone={zone!r} is for timestamps; column '{name}' has whole numbers")
    return Clock(values.astype(numpy.int64), "number", None, False)


def _written(rows: list[Any], name: str, place: Place, zone: str | None) -> Clock:
    if all(isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,18}", value.strip()) for value in (rows[0], rows[-1])):
        try:
            numbers: list[Any] = [int(value) for value in rows]
        except (ValueError, TypeError):
            pass
        else:
            return _numbered(numpy.array(numbers), name, place, zone)
    for row, value in enumerate(rows):
        if not isinstance(value, str) or not _ISO.match(value):
            raise DataError(
                f"{place(row)}: column '{name}' wanted {_WANTED}, got {value!r:.60}; "
                "other ways to write dates cannot be told apart: read them with pandas.to_datetime"
            )
    plain = [_ISO.fullmatch(value) is not None for value in rows]
    if all(plain):
        try:
            return Clock(_nanoseconds(numpy.array(rows, "datetime64"), name, place), "time", zone, zone is not None)
        except ValueError as error:
            if isinstance(error, DataError):
                raise
    return _dated([_parsed(value, name, place, row) for row, value in enumerate(rows)], name, place, zone)


def _parsed(value: str, name: str, place: Place, row: int) -> datetime:
    text = value.strip()
    text = text[:-1] + "+00:00" if text[-1] in "Zz" else text
    # Before Python 3.11 only 3 and 6 digits of a second were read.
    text = re.sub(r"\.(\d{1,9})(?=[+-]|$)", lambda found: "." + found[1].ljust(6, "0")[:6], text)
    text = re.sub(
        r"([+-]\d\d)(\d\d)?$", lambda f: f"{f[1]}:{f[2] or '00'}" if "T" in text or " " in text else f[0], text
    )
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise DataError(f"{place(row)}: column '{name}' wanted {_WANTED}, got {value!r:.60}") from None


def _dated(rows: list[Any], name: str, place: Place, zone: str | None) -> Clock:
    """Times from dates and datetimes of Python; all have a time zone, or none has."""
    aware = getattr(rows[0], "tzinfo", None) is not None
    for row, value in enumerate(rows):
        if not isinstance(value, date):
            raise DataError(f"{place(row)}: column '{name}' wanted {_WANTED} like the others, got {value!r:.60}")
        if (getattr(value, "tzinfo", None) is not None) != aware:
            raise DataError(
                f"{place(row)}: column '{name}' has times with a time zone and times without; write all alike"
            )
    if not aware:
        array = numpy.array([numpy.datetime64(value) for value in rows], "datetime64[us]")
        return Clock(_nanoseconds(array, name, place), "time", zone, zone is not None)
    found = {_name_of(value) for value in rows}
    own = found.pop() if len(found) == 1 else "UTC"
    moments = [value.astimezone(timezone.utc).replace(tzinfo=None) for value in rows]
    array = numpy.array(moments, "datetime64[us]")
    return Clock(_nanoseconds(array, name, place), "time", zone or own, False)


def _name_of(value: datetime) -> str:
    key = getattr(value.tzinfo, "key", None) or getattr(value.tzinfo, "zone", None)
    if isinstance(key, str) and is_known(key):
        return key
    offset: Any = value.utcoffset()
    minutes = round(offset.total_seconds() / 60)
    return "UTC" if not minutes else f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _nanoseconds(values: NDArray[Any], name: str, place: Place) -> Times:
    missing = numpy.isnat(values)
    if missing.any():
        row = int(numpy.flatnonzero(missing)[0])
        raise DataError(f"{place(row)}: column '{name}' has no time; wanted {_WANTED}")
    unit = numpy.datetime_data(values.dtype)[0]
    # A comparison across units would itself overflow: it is made in the coarser one.
    low, high = (_LOW, _HIGH) if unit == "ns" else (_LOW.astype(f"M8[{unit}]"), _HIGH.astype(f"M8[{unit}]"))
    beyond = (values < low) | (values >= high)
    if beyond.any():
        row = int(numpy.flatnonzero(beyond)[0])
        raise DataError(f"{place(row)}: column '{name}' wanted a time from 1679 to 2260, got {values[row]}")
    return values.astype("datetime64[ns]").astype(numpy.int64)
