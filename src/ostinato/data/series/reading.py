"""Panels from frames, files and arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ostinato.data.series.arrays import is_arrays, panel_of_arrays
from ostinato.data.series.columns import columns_of
from ostinato.data.series.grid import Rules
from ostinato.data.series.layout import Layout
from ostinato.data.series.panel import Panel
from ostinato.data.series.tables import long_panel, parts_of, wide_panel
from ostinato.data.series.ts_files import read_ts
from ostinato.errors import OptionError

Names = str | Sequence[str]


def read_series(
    source: Any,
    *,
    id: Any = None,
    time: str | None = None,
    target: Names | None = None,
    past: Names = (),
    known: Names = (),
    static: Any = (),
    categories: Any = (),
    wide: bool = False,
    zone: str | None = None,
    frequency: Any = "infer",
    gaps: str = "missing",
    duplicates: str = "refuse",
    clock_change: str = "refuse",
    like: Layout | None = None,
    unknown: str = "word",
) -> Panel:
    """Read many series.

    >>> table = {"shop": ["a", "a", "b"], "day": ["2024-01-01", "2024-01-03", "2024-01-01"], "n": [5, 6, 7]}
    >>> panel = read_series(table, id="shop", time="day", target="n", frequency="D")
    >>> panel.ids, panel.target.ravel().tolist()
    (('a', 'b'), [5.0, nan, 6.0, 7.0])

    ``source`` is a *long* table, with one row for each series and time; a *wide* one (``wide=True``), with a column for
    each series; or arrays. A table is a data frame of pandas, polars, pyarrow or whatever narwhals knows, a dict of
    lists, or a .csv, .tsv, .jsonl or .parquet file; times are timestamps or whole numbers. Arrays are a list of arrays
    [T] or [T, K] of different lengths, one array [T], or one [S, T, K]. Rows may come in any order.

    In a long table ``id``, ``time`` and ``target`` name columns; where they are not given, the usual words are looked
    for (unique_id, id; ds, time, timestamp, date; y, value, target), and a table without an id is one series. ``past``
    names covariates known up to now, ``known`` those known ahead: with these, the rows after the last one that has a
    target are of the future. ``static`` and ``categories`` name columns that hold one number or word a series. In a
    wide table ``target`` chooses columns, and for arrays ``id`` is a list of names; there ``static`` and ``categories``
    are dicts of lists, one value a series.

    ``zone`` is where the clock hung that showed times without a zone, and whose calendar all times follow.
    ``frequency`` is a code ("30min", "h", "D", "B", "W", "M", "Q", "Y", or a whole number where steps are numbers),
    "infer", or None for irregular series; for ``gaps``, ``duplicates`` and ``clock_change`` see
    :class:`~ostinato.data.series.grid.Rules`. ``like`` reads as another panel was read: columns, words, zone and
    frequency are those of its layout, and a category that it does not know is 0 (``unknown="word"``) or refused
    (``unknown="refuse"``).

    Missing values stay missing (NaN). What cannot be read without guessing is a :class:`~ostinato.errors.DataError` or
    an :class:`~ostinato.errors.OptionError` that names the series and the row.
    """
    if isinstance(source, Panel):
        return source
    if unknown not in ("word", "refuse"):
        raise OptionError(f"unknown wanted 'word' or 'refuse', got {unknown!r:.40}")
    table = {"time": time, "target": target, "past": past, "known": known, "wide": wide, "zone": zone}
    table |= {
        "gaps": gaps != "missing",
        "duplicates": duplicates != "refuse",
        "frequency": frequency not in ("infer", 1),
    }
    table |= {"clock_change": clock_change != "refuse"}
    if isinstance(source, str | os.PathLike) and Path(os.fsdecode(source)).suffix.lower() == ".ts":
        _check_unused(table | {"id": id, "static": static, "categories": categories}, ".ts files name and order all")
        return read_ts(source).panel
    if is_arrays(source):
        _check_unused(table, "arrays have neither names nor times: pass a data frame or a dict of lists")
        return panel_of_arrays(source, id, static=static, categories=categories, like=like, unknown=unknown)
    columns = columns_of(source)
    rules = Rules(_frequency(frequency, like, gaps), gaps, duplicates, clock_change)
    if wide and id is not None:
        raise OptionError("id= is for long tables; the series of a wide one are its columns: choose them by target=")
    parts = parts_of(
        columns,
        id=id,
        time=time,
        target=None if target is None else _words(target, "target"),
        past=_words(past, "past"),
        known=_words(known, "known"),
        wide=wide,
        like=like,
    )
    if like is not None:
        zone = zone or like.zone
    if wide:
        return wide_panel(columns, parts, rules, zone, static, categories, like, unknown)
    static, categories = _words(static, "static"), _words(categories, "categories")
    if like is not None:
        static, categories = static or like.static, categories or like.categories
    return long_panel(columns, parts, rules, zone, static, categories, like, unknown)


def _frequency(frequency: Any, like: Layout | None, gaps: str) -> Any:
    if like is None or frequency != "infer" or gaps == "keep":
        return frequency
    return like.frequency


def _words(names: Any, option: str) -> tuple[str, ...]:
    found = (names,) if isinstance(names, str) else tuple(names) if isinstance(names, list | tuple) else None
    if found is None or not all(isinstance(name, str) for name in found):
        raise OptionError(f"{option} wanted the name of a column or a list of names, got {names!r:.60}")
    return found


def _check_unused(options: dict[str, Any], reason: str) -> None:
    for name, value in options.items():
        if value is not None and value != () and value is not False:
            raise OptionError(f"{name}= does not apply here: {reason}")
