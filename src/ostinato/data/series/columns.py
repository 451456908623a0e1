"""Columns of a source by name, as numbers, words and times, each value knowing the row that it came from."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.data.frames import is_missing, read_lists
from ostinato.data.table import Table, read_table
from ostinato.errors import DataError, nearest, needs

# What stands for "no value" in a file of text.
_NOTHING = {"", "na", "n/a", "nan", "null", "none", "?"}


@dataclass(frozen=True)
class Columns:
    """The columns of a table, read when they are asked for.

    >>> columns = columns_of({"shop": ["north", "south", "north"], "sales": [1, None, 3]})
    >>> columns.numbers("sales"), columns.words("shop")
    (array([ 1., nan,  3.]), (array([0, 1, 0]), ['north', 'south']))

    ``place`` says in words where a row (counted from 0) stands.
    """

    names: tuple[str, ...]
    rows: int
    place: Callable[[int], str]
    read: Callable[[str], Any]

    def check(self, name: str) -> None:
        """Refuse a name that no column has."""
        if name not in self.names:
            raise DataError(f"there is no column '{name}'; {nearest(name, self.names)}")

    def numbers(self, name: str, *, finite: bool = True) -> NDArray[Any]:
        """A column as floating-point numbers [n], NaN where there is no value; ``finite`` refuses infinite ones."""
        self.check(name)
        array = _numbers(self.read(name), name, self.place)
        if not finite:
            return array
        # A sum is finite only if all its parts are, and the sum is quick; a large sum is looked at again.
        with numpy.errstate(over="ignore", invalid="ignore"):
            total = numpy.sum(array)
        if not numpy.isfinite(total) and numpy.isinf(array).any():
            row = int(numpy.flatnonzero(numpy.isinf(array))[0])
            raise DataError(
                f"{self.place(row)}: column '{name}' wanted a finite number, got {array[row]}; "
                "put a missing value there, or mend it"
            )
        return array

    def words(self, name: str) -> tuple[NDArray[numpy.int64], list[str]]:
        """A column of words as numbers int64 [n] into the list of them, in order of appearance; -1: no value."""
        self.check(name)
        values = self.read(name)
        keys = values.tolist() if isinstance(values, numpy.ndarray) else values
        try:
            found = list(dict.fromkeys(keys))
        except TypeError:
            raise DataError(f"column '{name}' wanted words or numbers, got values that cannot be compared") from None
        kept = [key for key in found if not is_missing(key)]
        if any(isinstance(key, float) and key.is_integer() for key in kept) and len(kept) < len(found):
            # Whole numbers next to missing ones come as floats: 7.0 is the word 7.
            shown = [str(int(key)) if isinstance(key, float) and key.is_integer() else str(key) for key in kept]
        else:
            shown = [str(key) for key in kept]
        if len(set(shown)) < len(shown):
            twice = next(word for k, word in enumerate(shown) if word in shown[:k])
            raise DataError(f"column '{name}' has '{twice}' as a word and as a number; write all as words")
        index = {key: k for k, key in enumerate(kept)}
        if len(kept) == len(found):
            codes = numpy.fromiter(map(index.__getitem__, keys), numpy.int64, len(keys))
        else:
            codes = numpy.fromiter((index.get(key, -1) for key in keys), numpy.int64, len(keys))
        return codes, shown


def columns_of(source: Any) -> Columns:
    """The columns of a data frame, a dict of lists, a .csv, .tsv, .jsonl or .parquet file, or a table."""
    if isinstance(source, str | os.PathLike) and Path(os.fsdecode(source)).suffix.lower() in (".parquet", ".pq"):
        source = _parquet(os.fsdecode(source))
    if isinstance(source, str | os.PathLike | Table):
        table = read_table(source)
        return Columns(tuple(table.columns), len(table), table.place, table.columns.__getitem__)
    found = _mapping(source) if isinstance(source, Mapping) else _frame(source)
    if not found.rows:
        raise DataError(f"the table has no rows; its columns are {', '.join(map(repr, found.names))}")
    return found


def _row(row: int) -> str:
    return f"row {row + 1}"


def _mapping(source: Mapping[Any, Any]) -> Columns:
    # Arrays stay as they are; everything else becomes a list, and is checked on the way.
    arrays = {k: v for k, v in source.items() if isinstance(v, numpy.ndarray) and v.ndim == 1 and isinstance(k, str)}
    rest = {name: values for name, values in source.items() if name not in arrays}
    lists = read_lists(rest) if rest or not source else {}
    columns: dict[str, Any] = {name: arrays[name] if name in arrays else lists[name] for name in source}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"'{name}' has {length}" for name, length in lengths.items())
        raise DataError(f"the columns of a table are equally long; {listed}")
    return Columns(tuple(columns), max(lengths.values()), _row, columns.__getitem__)


def _parquet(path: str) -> Any:
    parquet = needs("pyarrow.parquet", "series")
    if not Path(path).is_file():
        raise DataError(f"there is no file {path}")
    try:
        return parquet.read_table(path)
    except (OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"{path} is not a Parquet file that can be read: {str(error)[:200]}") from None


def _frame(source: Any) -> Columns:
    narwhals = needs("narwhals", "train")
    try:
        frame = narwhals.from_native(source, eager_only=True)
    except TypeError:
        raise DataError(
            "series wanted a data frame, a dict of lists, a path to a .csv, .tsv, .jsonl, .parquet or .ts file, or a "
            f"list of arrays; got {type(source).__name__}"
        ) from None
    except Exception as error:
        if type(error).__name__ != "DuplicateError":
            raise
        raise DataError("the data frame has two columns of one name; rename one of them") from None
    by_name = {str(name): name for name in frame.columns}
    if not by_name:
        raise DataError("the data frame has no columns")

    def read(name: str) -> Any:
        series = frame.get_column(by_name[name])
        dtype = series.dtype
        if dtype == narwhals.Datetime and getattr(dtype, "time_zone", None):
            plain = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            return Zoned(plain.to_numpy(), dtype.time_zone)
        if dtype == narwhals.Datetime or dtype == narwhals.Date or dtype.is_numeric() or dtype == narwhals.Boolean:
            array = series.to_numpy()
            return array.tolist() if array.dtype == object else array
        return series.to_list()

    return Columns(tuple(by_name), len(frame), _row, read)


@dataclass(frozen=True)
class Zoned:
    """Times of the world, datetime64 [n], and the zone that they came in."""

    time: NDArray[Any]
    zone: str


def _numbers(values: Any, name: str, place: Callable[[int], str]) -> NDArray[Any]:
    if isinstance(values, numpy.ndarray) and values.dtype.kind in "iufb":
        return values if values.dtype.kind == "f" and values.itemsize > 2 else values.astype(numpy.float64)
    if isinstance(values, numpy.ndarray | Zoned):
        kind = values.time.dtype if isinstance(values, Zoned) else values.dtype
        raise DataError(f"column '{name}' wanted numbers, got {kind}")
    if not any(isinstance(value, str) for value in values[:1]):
        try:
            return numpy.array(values, numpy.float64)
        except (ValueError, TypeError):
            pass
    out = numpy.empty(len(values))
    for row, value in enumerate(values):
        nothing = value.strip().lower() in _NOTHING if isinstance(value, str) else is_missing(value)
        try:
            out[row] = numpy.nan if nothing else float(value)
        except (ValueError, TypeError):
            raise DataError(f"{place(row)}: column '{name}' wanted a number, got {value!r:.60}") from None
    return out
