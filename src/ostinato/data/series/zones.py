"""Time zones over whole arrays: from the clock of the world to a local one and back, where it skips and repeats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import numpy
from numpy.typing import NDArray

from ostinato.errors import OptionError, nearest

Times = NDArray[numpy.int64]

SECOND = 10**9
DAY = 86_400 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# What datetime can hold, with a day to spare on both sides.
_FIRST, _LAST = -719_000, 2_932_000


class Read(NamedTuple):
    """Local times as times of the world, and where the local clock left a choice.

    ``first`` and ``second`` int64 [n] are the two readings of a time that the clock showed twice, and equal elsewhere;
    ``skipped`` bool [n] are times that the clock never showed, read as if it had not been moved yet.
    """

    first: Times
    second: Times
    skipped: NDArray[numpy.bool_]


@dataclass(frozen=True)
class Zone:
    """A time zone by its name, or none: then the clock is taken as it is.

    >>> import numpy
    >>> utc = numpy.array(["2024-03-31T00:30", "2024-03-31T01:30"], "datetime64[ns]").astype("int64")
    >>> Zone("Europe/Berlin").local(utc).astype("datetime64[ns]").astype("datetime64[m]")
    array(['2024-03-31T01:30', '2024-03-31T03:30'], dtype='datetime64[m]')

    Times are int64, in nanoseconds since 1970. A name is one of the IANA database or an offset such as ``+02:00``.
    """

    name: str | None = None

    def __post_init__(self) -> None:
        _zone(self.name)

    def local(self, time: Times) -> Times:
        """What a clock in this zone shows at some times, in nanoseconds since 1970 on that clock."""
        changes, offsets = self._table(time)
        return time + offsets[numpy.searchsorted(changes, time, side="right")]

    def read(self, local: Times) -> Read:
        """The times at which a clock in this zone showed ``local``."""
        changes, offsets = self._table(local)
        if not len(changes):
            time = local - offsets[0]
            return Read(time, time, numpy.zeros(local.shape, numpy.bool_))
        # The wall's clock just before and just after each change: read by the old offset below the later of the two.
        old, new = offsets[:-1], offsets[1:]
        early = offsets[numpy.searchsorted(changes + numpy.maximum(old, new), local, side="right")]
        late = offsets[numpy.searchsorted(changes + numpy.minimum(old, new), local, side="right")]
        first, second = local - early, local - late
        # A clock put back shows a time twice, one put forward leaves times out.
        skipped = early < late
        return Read(first, numpy.where(skipped, first, second), skipped)

    def span(self, time: int) -> tuple[int, int, int]:
        """For how long the clock runs on around a time without being moved: from, until, and its offset."""
        changes, offsets = self._table(numpy.array([time]))
        at = int(numpy.searchsorted(changes, time, side="right"))
        begin = int(changes[at - 1]) if at else time - DAY
        return begin, int(changes[at]) if at < len(changes) else time + DAY, int(offsets[at])

    def _table(self, time: Times) -> tuple[Times, Times]:
        if self.name is None or self.name == "UTC" or not time.size:
            return numpy.zeros(0, numpy.int64), numpy.zeros(1, numpy.int64)
        # Whole years, so that few tables are made.
        low, high = int(time.min()) // (366 * DAY) - 1, int(time.max()) // (365 * DAY) + 2
        return _changes(self.name, low, high)


def is_known(name: str) -> bool:
    """Whether there is a time zone of this name.

    >>> is_known("Europe/Berlin"), is_known("+01:00"), is_known("Europe/Berln")
    (True, True, False)
    """
    try:
        _zone(name)
    except OptionError:
        return False
    return True


@lru_cache(maxsize=64)
def _zone(name: str | None) -> tzinfo:
    if name is None or name in ("UTC", "Z", "utc"):
        return timezone.utc
    offset = re.fullmatch(r"(?:UTC|GMT)?([+-])(\d\d):?(\d\d)", name) if isinstance(name, str) else None
    if offset:
        span = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        if span < timedelta(days=1):
            return timezone(-span if offset[1] == "-" else span)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError, AttributeError):
        raise OptionError(
            f"zone wanted a time zone such as 'Europe/Berlin' or '+01:00', got {name!r:.60}; "
            f"{nearest(str(name), _names())}"
        ) from None


@lru_cache(maxsize=1)
def _names() -> tuple[str, ...]:
    return tuple(sorted(available_timezones() - {"localtime"}, key=lambda name: (name.count("/") != 1, name)))


@lru_cache(maxsize=64)
def _changes(name: str, low: int, high: int) -> tuple[Times, Times]:
    """When a zone's offset changes between two years, and its offsets before, between and after the changes."""
    zone = _zone(name)

    def offset(second: int) -> int:
        span: Any = (_EPOCH + timedelta(seconds=second)).astimezone(zone).utcoffset()
        return int(span.total_seconds())

    days = range(max(low * 366, _FIRST), min(high * 366, _LAST))
    changes, offsets = [], [offset(days[0] * 86_400)]
    for day in days[1:]:
        found = offset(day * 86_400)
        if found == offsets[-1]:
            continue
        before, after = (day - 1) * 86_400, day * 86_400
        while after - before > 1:
            middle = (before + after) // 2
            before, after = (middle, after) if offset(middle) == offsets[-1] else (before, middle)
        changes.append(after * SECOND)
        offsets.append(found)
    return numpy.array(changes, numpy.int64), numpy.array(offsets, numpy.int64) * SECOND
