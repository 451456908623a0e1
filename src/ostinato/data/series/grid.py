"""Rows in order: sorted, without duplicates, and on the grid of a frequency, with gaps as rows of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from ostinato.data.series.clock import Clock
from ostinato.data.series.frequency import Frequency
from ostinato.data.series.layout import Layout
from ostinato.data.series.panel import Rows
from ostinato.data.series.zones import DAY, Times, Zone
from ostinato.errors import DataError, OptionError

# A gap is made explicit unless the panel would grow by more than this: one wrong year would fill the memory.
_GROWTH, _SPARE = 20, 100_000

GAPS = ("missing", "refuse", "keep")
DUPLICATES = ("refuse", "first", "last", "mean")
CLOCK_CHANGE = ("refuse", "first", "second")


@dataclass(frozen=True)
class Rules:
    """What to do with rows that are not as they should be.

    ``gaps``: steps that have no row become rows of missing values ("missing"), are an error ("refuse"), or stay out,
    and the panel is irregular ("keep"). ``duplicates``: two rows of one series at one time are an error ("refuse"), or
    the first, the last or their mean holds. ``clock_change``: a local time that the clock showed twice, and of which
    the order of rows does not tell which is meant, or one that it skipped, is an error ("refuse"), or is read by the
    offset before the change ("first") or after it ("second").
    """

    frequency: str | Frequency | None = "infer"
    gaps: str = "missing"
    duplicates: str = "refuse"
    clock_change: str = "refuse"

    def __post_init__(self) -> None:
        for name, known in (("gaps", GAPS), ("duplicates", DUPLICATES), ("clock_change", CLOCK_CHANGE)):
            value = getattr(self, name)
            if value not in known:
                raise OptionError(f"{name} wanted one of {', '.join(known)}, got {value!r:.40}")
        if self.frequency is None:
            object.__setattr__(self, "gaps", "keep")
        elif self.frequency != "infer":
            if self.gaps == "keep":
                raise OptionError("gaps='keep' leaves a panel irregular, without a frequency; leave one of the two out")
            object.__setattr__(self, "frequency", Frequency.of(self.frequency))


class Grid(NamedTuple):
    """Where the rows of a source go in a panel.

    ``starts`` int64 [S + 1] and ``time`` int64 [N] are the panel's. The source's row ``order[k]`` goes to the panel's
    row ``rows[k]``; rows of the panel that occur twice there are means. ``frequency`` is None for irregular series.
    """

    starts: Rows
    time: Times
    order: Rows
    rows: Rows
    frequency: Frequency | None
    zone: str | None


@dataclass(frozen=True)
class _Names:
    """How messages call a row of the source."""

    ids: list[str]
    codes: Rows
    place: Callable[[int], str]

    def of(self, row: int) -> str:
        return f"{self.place(row)}: series '{self.ids[int(self.codes[row])]}'"


def arrange(codes: Rows, ids: list[str], clock: Clock, rules: Rules, place: Callable[[int], str]) -> Grid:
    """Sort the rows of each series by time, and lay them on a grid.

    ``codes`` int64 [n] says to which series each row of the source belongs, none of which is without rows; ``place``
    says in words where a row stands.
    """
    names = _Names(ids, codes, place)
    time = _resolved(codes, clock, rules, names) if clock.local else clock.time
    order = _sorted(codes, time)
    code, time = codes[order], time[order]
    twice = numpy.flatnonzero((code[1:] == code[:-1]) & (time[1:] == time[:-1])) + 1
    new = numpy.ones(len(code), numpy.bool_)
    if twice.size:
        _check_duplicates(order, twice, rules, names)
        new[twice] = False
    group = numpy.cumsum(new) - 1
    if rules.duplicates == "first":
        order, group = order[new], numpy.arange(int(new.sum()))
    elif rules.duplicates == "last":
        keep = numpy.append(new[1:], True)
        order, group = order[keep], numpy.arange(int(keep.sum()))
    kept_code, kept_time = code[new], time[new]
    starts = numpy.searchsorted(kept_code, numpy.arange(len(ids) + 1)).astype(numpy.int64)
    frequency = rules.frequency
    zone = Zone(clock.zone)
    if rules.gaps == "keep":
        return Grid(starts, kept_time, order, group, None, clock.zone)
    if not isinstance(frequency, Frequency):
        frequency = _inferred(kept_time, starts, clock, zone, names, order[_firsts(group)])
    Layout(clock=clock.clock, zone=clock.zone, frequency=frequency)
    where, full, times = _gridded(kept_time, starts, frequency, zone, rules, names, order[_firsts(group)])
    return Grid(full, times, order, where[group], frequency, clock.zone)


def _firsts(group: Rows) -> Rows:
    return numpy.flatnonzero(numpy.append(True, group[1:] != group[:-1]))


def _sorted(codes: Rows, time: Times) -> Rows:
    ordered = (codes[1:] > codes[:-1]) | ((codes[1:] == codes[:-1]) & (time[1:] >= time[:-1]))
    if ordered.all():
        return numpy.arange(len(codes))
    return numpy.lexsort((time, codes))


def _check_duplicates(order: Rows, twice: Rows, rules: Rules, names: _Names) -> None:
    if rules.duplicates == "refuse":
        one, other = int(order[twice[0] - 1]), int(order[twice[0]])
        raise DataError(
            f"{names.of(other)} has two rows at one time, this one and {names.place(one)}; "
            "take one out, or choose duplicates='first', 'last' or 'mean'"
        )


def _resolved(codes: Rows, clock: Clock, rules: Rules, names: _Names) -> Times:
    """Local times as times of the world."""
    read = Zone(clock.zone).read(clock.time)
    if rules.clock_change == "refuse" and read.skipped.any():
        row = int(numpy.flatnonzero(read.skipped)[0])
        raise DataError(
            f"{names.of(row)}: the clock in {clock.zone} never showed {_shown(clock.time[row])}, it was put forward; "
            "mend the time, give times with their offset, or choose clock_change='first' or 'second'"
        )
    # Of a time that was skipped, the two readings are the ones by the offset before and after the change.
    time: Times = read.first.copy()
    twice = read.first != read.second
    if rules.clock_change == "second":
        time[read.skipped] -= _jump(clock, read.skipped)
    if not twice.any():
        return time
    told = numpy.zeros(len(time), numpy.bool_)
    order = numpy.lexsort((clock.time, codes))
    same = (codes[order][1:] == codes[order][:-1]) & (clock.time[order][1:] == clock.time[order][:-1])
    again = order[1:][same & twice[order[1:]]]
    before = order[:-1][same & twice[order[1:]]]
    time[again] = read.second[again]
    told[again] = told[before] = True
    # The order of rows tells the first from the second only where the rows of a series are in order.
    rows = numpy.argsort(codes, kind="stable")
    back = (codes[rows][1:] == codes[rows][:-1]) & (time[rows][1:] < time[rows][:-1]) & told[rows][1:] & told[rows][:-1]
    open_ = twice & ~told
    if back.any():
        open_[rows[1:][back]] = True
    if open_.any() and rules.clock_change == "refuse":
        row = int(numpy.flatnonzero(open_)[0])
        raise DataError(
            f"{names.of(row)}: the clock in {clock.zone} showed {_shown(clock.time[row])} twice, and the order of rows "
            "does not tell which is meant; give times with their offset, or choose clock_change='first' or 'second'"
        )
    if rules.clock_change == "second":
        time[twice & ~told] = read.second[twice & ~told]
    return time


def _jump(clock: Clock, skipped: NDArray[numpy.bool_]) -> Times:
    """By how much the clock was put forward over each skipped time."""
    zone = Zone(clock.zone)
    local = clock.time[skipped]
    # Read by the old offset, a skipped time shows on the wall later by just that much.
    jump: Times = zone.local(zone.read(local).first) - local
    return jump


def _shown(local: int) -> str:
    return str(numpy.datetime_as_string(numpy.int64(local).astype("datetime64[ns]"), unit="auto"))


def _inferred(time: Times, starts: Rows, clock: Clock, zone: Zone, names: _Names, source: Rows) -> Frequency:
    """The frequency on whose grid all rows lie."""
    inner = numpy.ones(max(0, len(time) - 1), numpy.bool_)
    inner[starts[1:-1] - 1] = False
    steps = numpy.diff(time)[inner]
    if not steps.size:
        if clock.clock == "number":
            return Frequency(1, "step")
        raise DataError(
            f"{names.of(int(source[0]))} and all others have a single row: nobody can say how far apart steps are; "
            "give frequency="
        )
    for candidate in _candidates(time, steps, inner, clock, zone):
        numbers = candidate.numbers(time, zone)
        if _off_grid(time, numbers, starts, candidate, zone).size == 0:
            _check_mixed(numbers, starts, candidate, names, source)
            return candidate
    usual = _usual(steps)
    odd = int(numpy.flatnonzero(inner)[numpy.flatnonzero(steps % usual)[0]]) + 1 if (steps % usual).any() else 0
    raise DataError(
        f"{names.of(int(source[odd]))} stands {_span(int(time[odd] - time[odd - 1]), clock.clock)} after the row "
        f"before, which is no multiple of the usual step of {_span(usual, clock.clock)}: steps have no common "
        "distance; give frequency=, or gaps='keep' to take the series as irregular"
    )


def _candidates(time: Times, steps: Times, inner: NDArray[numpy.bool_], clock: Clock, zone: Zone) -> list[Frequency]:
    usual = _usual(steps)
    if clock.clock == "number":
        return [Frequency(usual, "step")]
    if usual < 22 * 3600 * 10**9:
        return [Frequency(usual, "ns")]
    found = []
    days = Frequency(1, "day").numbers(time, zone)
    count = _usual(numpy.diff(days)[inner])
    if count == 1 and ((days + 3) % 7 < 5).all() and (numpy.diff(days)[inner] == 3).any():
        found.append(Frequency(1, "business"))
    if count > 0:
        found.append(Frequency(count, "day"))
    months = _usual(numpy.diff(Frequency(1, "month").numbers(time, zone))[inner])
    if months > 0 and count >= 28:
        found.insert(0, Frequency(months, "month"))
    return [*found, Frequency(usual, "ns")]


def _usual(steps: Times) -> int:
    found, counts = numpy.unique(steps, return_counts=True)
    return int(found[numpy.argmax(counts)])


def _check_mixed(numbers: Rows, starts: Rows, frequency: Frequency, names: _Names, source: Rows) -> None:
    """Refuse a series of many rows none of which is one step after another: it has a frequency of its own."""
    lengths = numpy.diff(starts)
    usual = numpy.append(numpy.diff(numbers) == frequency.count, False)
    usual[starts[1:] - 1] = False
    share = numpy.add.reduceat(usual.astype(numpy.int64), starts[:-1])
    alone = numpy.flatnonzero((share == 0) & (lengths > 3))
    if alone.size:
        k = int(alone[0])
        own = _usual(numpy.diff(numbers[starts[k] : starts[k + 1]]))
        step = Frequency(own, frequency.kind).code
        raise DataError(
            f"{names.of(int(source[starts[k] + 1]))} has a step of {step} where most have one of "
            f"{frequency.code}: frequencies are mixed; read them apart, bring them to one frequency, or give frequency="
        )


def _off_grid(time: Times, numbers: Rows, starts: Rows, frequency: Frequency, zone: Zone) -> Rows:
    lengths = numpy.diff(starts)
    away = (numbers - numpy.repeat(numbers[starts[:-1]], lengths)) % frequency.count != 0
    if frequency.kind not in ("ns", "step"):
        anchors = numpy.repeat(frequency.anchors(time, starts[:-1], zone), lengths, axis=0)
        away |= frequency.times(numbers, anchors, zone) != time
    return numpy.flatnonzero(away)


def _gridded(
    time: Times, starts: Rows, frequency: Frequency, zone: Zone, rules: Rules, names: _Names, source: Rows
) -> tuple[Rows, Rows, Times]:
    """The panel's row for each row, and the panel's starts and times, with a row for every step."""
    numbers = frequency.numbers(time, zone)
    off = _off_grid(time, numbers, starts, frequency, zone)
    if off.size:
        raise DataError(
            f"{names.of(int(source[off[0]]))} does not stand on the grid of '{frequency.code}' that begins with its "
            "first row; mend the time, give another frequency=, or gaps='keep' to take the series as irregular"
        )
    lengths = numpy.diff(starts)
    steps = (numbers - numpy.repeat(numbers[starts[:-1]], lengths)) // frequency.count
    if (steps == numpy.arange(len(time)) - numpy.repeat(starts[:-1], lengths)).all():
        return numpy.arange(len(time)), starts, time
    jumps = numpy.append(0, numpy.diff(steps))
    jumps[starts[:-1]] = 1
    if rules.gaps == "refuse":
        row = int(numpy.flatnonzero(jumps > 1)[0])
        raise DataError(
            f"{names.of(int(source[row]))} stands {int(jumps[row])} steps after the row before: "
            f"{int(jumps[row]) - 1} are missing; fill them in, or choose gaps='missing' or 'keep'"
        )
    sizes = steps[starts[1:] - 1] + 1
    if float(sizes.astype(numpy.float64).sum()) > _GROWTH * len(time) + _SPARE:
        row = int(numpy.argmax(jumps))
        raise DataError(
            f"{names.of(int(source[row]))} stands {int(jumps[row]):,} steps after the row before, and a row for every "
            f"step would make {int(sizes.sum()):,} of {len(time):,}; is the time right? else choose gaps='keep'"
        )
    full = numpy.concatenate([[0], numpy.cumsum(sizes)]).astype(numpy.int64)
    where = numpy.repeat(full[:-1], lengths) + steps
    within = numpy.arange(full[-1]) - numpy.repeat(full[:-1], sizes)
    every = numpy.repeat(numbers[starts[:-1]], sizes) + within * frequency.count
    anchors = numpy.repeat(frequency.anchors(time, starts[:-1], zone), sizes, axis=0)
    return where, full, frequency.times(every, anchors, zone)


def _span(steps: int, clock: str) -> str:
    return str(steps) if clock == "number" else f"{steps / DAY:g} days" if steps >= DAY else f"{steps / 10**9:g} s"
