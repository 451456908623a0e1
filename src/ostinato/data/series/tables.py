"""Panels from tables: long ones, with a row for each series and time, and wide ones, with a column for each series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.data.series.clock import times_of
from ostinato.data.series.columns import Columns
from ostinato.data.series.grid import Grid, Rules, arrange
from ostinato.data.series.layout import Layout
from ostinato.data.series.panel import Numbers, Panel, Rows
from ostinato.data.series.statics import Statics, one_a_series, statics_of
from ostinato.errors import DataError, nearest

# What the columns of a table are called where nobody says.
IDS = ("unique_id", "id", "series", "item_id")
TIMES = ("ds", "time", "timestamp", "datetime", "date")
TARGETS = ("y", "value", "target")
_LARGEST = float(numpy.finfo(numpy.float32).max)


@dataclass(frozen=True)
class Parts:
    """Which columns of a table are what."""

    id: str | None
    time: str
    target: tuple[str, ...]
    past: tuple[str, ...]
    known: tuple[str, ...]


def long_panel(
    columns: Columns,
    parts: Parts,
    rules: Rules,
    zone: str | None,
    static: Sequence[str],
    categories: Sequence[str],
    like: Layout | None,
    unknown: str,
) -> Panel:
    """A panel from a long table."""
    if parts.id is None:
        codes, ids = numpy.zeros(columns.rows, numpy.int64), ["+".join(parts.target)]
    else:
        codes, ids = columns.words(parts.id)
        if (codes < 0).any():
            row = int(numpy.flatnonzero(codes < 0)[0])
            raise DataError(f"{columns.place(row)}: column '{parts.id}' has no name of a series; fill it in")
    columns.check(parts.time)
    clock = times_of(columns.read(parts.time), parts.time, columns.place, zone)
    grid = arrange(codes, ids, clock, rules, columns.place)

    def placed(names: Sequence[str]) -> Numbers:
        out = numpy.full((len(grid.time), len(names)), numpy.nan, numpy.float32)
        for column, name in enumerate(names):
            out[:, column] = _scattered(_checked(columns, name, ids, codes), grid)
        return out

    facts = statics_of(
        ids,
        {name: one_a_series(columns, name, codes, ids) for name in static},
        {name: one_a_series(columns, name, codes, ids) for name in categories},
        like=like,
        unknown=unknown,
    )
    arrays = (placed(parts.target), placed(parts.past), placed(parts.known))
    return _panel(ids, grid, arrays, facts, parts, clock.clock)


def wide_panel(
    columns: Columns,
    parts: Parts,
    rules: Rules,
    zone: str | None,
    static: Any,
    categories: Any,
    like: Layout | None,
    unknown: str,
) -> Panel:
    """A panel from a wide table, whose target columns are the series; each begins at its first value.

    Covariates are shared: each series has its own copy.
    """
    ids, n = list(parts.target), columns.rows
    columns.check(parts.time)
    clock = times_of(columns.read(parts.time), parts.time, columns.place, zone)
    codes = numpy.zeros(n, numpy.int64)
    grid = arrange(codes, [", ".join(ids[:2]) + (", ..." if len(ids) > 2 else "")], clock, rules, columns.place)

    def placed(names: Sequence[str], own: Sequence[str]) -> Numbers:
        out = numpy.empty((len(names), len(grid.time)), numpy.float32)
        for row, name in enumerate(names):
            out[row] = _scattered(_checked(columns, name, own, codes + row if own is ids else codes), grid)
        return out

    values = placed(ids, ids)
    seen = ~numpy.isnan(values)
    silent = numpy.flatnonzero(~seen.any(axis=1))
    if silent.size:
        raise DataError(f"series '{ids[int(silent[0])]}' has no value at all; leave it out")
    kept = numpy.arange(len(grid.time)) >= seen.argmax(axis=1)[:, None]
    starts = numpy.concatenate([[0], numpy.cumsum(kept.sum(axis=1))]).astype(numpy.int64)
    shared = [placed(names, ["all"]).T for names in (parts.past, parts.known)]
    where = numpy.nonzero(kept)[1]
    arrays = (values[kept][:, None], shared[0][where], shared[1][where])
    own = Grid(starts, grid.time[where], grid.order, grid.rows, grid.frequency, grid.zone)
    facts = statics_of(ids, static or {}, categories or {}, like=like, unknown=unknown)
    name = like.target if like is not None and len(like.target) == 1 else ("y",)
    return _panel(ids, own, arrays, facts, replace(parts, target=name), clock.clock)


def parts_of(
    columns: Columns,
    *,
    id: str | None,
    time: str | None,
    target: Sequence[str] | None,
    past: Sequence[str],
    known: Sequence[str],
    wide: bool,
    like: Layout | None,
) -> Parts:
    """Which columns are what: as given, else as in ``like``, else by the usual words."""
    name = time or _usual(columns, TIMES, "time")
    if like is not None:
        past, known = past or like.past, known or like.known
    if wide:
        others = [n for n in columns.names if n != name and n not in past and n not in known]
        chosen = list(target) if target is not None else others
        if not chosen:
            raise DataError(f"a wide table wanted a column for each series beside '{name}', got none")
        return Parts(None, name, tuple(chosen), tuple(past), tuple(known))
    if target is None:
        target = like.target if like is not None else (_usual(columns, TARGETS, "target"),)
    own = id or next((word for word in IDS if word in columns.names), None)
    return Parts(own, name, tuple(target), tuple(past), tuple(known))


def _usual(columns: Columns, words: Sequence[str], option: str) -> str:
    found = next((word for word in words if word in columns.names), None)
    if found is None:
        shown = ", ".join(f"'{name}'" for name in columns.names[:20])
        raise DataError(
            f"which column is the {option}? none is called {', '.join(words)}; give {option}=, one of {shown}; "
            f"{nearest(words[0], columns.names).split('known:')[0]}".rstrip("; ")
        )
    return found


def _checked(columns: Columns, name: str, ids: Sequence[str], codes: Rows) -> NDArray[Any]:
    """A column of numbers that fit into float32; infinite ones are refused with their series."""
    values = columns.numbers(name, finite=False)
    with numpy.errstate(invalid="ignore"):
        wrong = numpy.abs(values) > _LARGEST
    if wrong.any():
        row = int(numpy.flatnonzero(wrong)[0])
        raise DataError(
            f"{columns.place(row)}: series '{ids[int(codes[row])]}': column '{name}' wanted a finite number below "
            f"3e38, got {values[row]:g}; put a missing value there, or mend it"
        )
    return values


def _scattered(values: NDArray[Any], grid: Grid) -> Numbers:
    n, ordered = len(grid.time), values[grid.order]
    if len(grid.rows) > 1 and (grid.rows[1:] == grid.rows[:-1]).any():
        seen = ~numpy.isnan(ordered)
        total = numpy.bincount(grid.rows[seen], ordered[seen], n)
        count = numpy.bincount(grid.rows[seen], minlength=n)
        with numpy.errstate(invalid="ignore"):
            mean: Numbers = (total / count).astype(numpy.float32)
        return mean
    out = numpy.full(n, numpy.nan, numpy.float32)
    out[grid.rows] = ordered
    return out


def _panel(
    ids: list[str],
    grid: Grid,
    arrays: tuple[Numbers, Numbers, Numbers],
    facts: Statics,
    parts: Parts,
    clock: str,
) -> Panel:
    target, past, known = arrays
    seen: NDArray[Any] = numpy.logical_or.reduce(~numpy.isnan(target), axis=1)
    if past.shape[1]:
        seen = seen | numpy.logical_or.reduce(~numpy.isnan(past), axis=1)
    last = numpy.maximum.reduceat(numpy.where(seen, numpy.arange(len(seen)), -1), grid.starts[:-1])
    silent = numpy.flatnonzero(last < grid.starts[:-1])
    if silent.size:
        raise DataError(f"series '{ids[int(silent[0])]}' has no value at all; leave it out")
    return Panel(
        ids=tuple(ids),
        starts=grid.starts,
        ends=(last + 1 if known.shape[1] else grid.starts[1:]).astype(numpy.int64),
        time=grid.time,
        target=target,
        past=past,
        known=known,
        static=facts.static,
        categories=facts.categories,
        layout=Layout(
            target=parts.target,
            past=parts.past,
            known=parts.known,
            static=facts.names,
            categories=facts.kinds,
            words=facts.words,
            clock=clock,
            zone=grid.zone,
            frequency=grid.frequency,
        ),
    )
