"""Tables: columns of equal length, read from a file, a data frame or lists; every row knows its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ostinato.data.files import read_file
from ostinato.data.frames import is_missing, read_frame, read_lists
from ostinato.errors import DataError, nearest


@dataclass(frozen=True)
class Table:
    """Columns of equal length, and for each row the place where it came from.

    >>> table = read_table({"text": ["lights on", "stop"], "intent": ["light", "halt"]})
    >>> table.texts("text"), table.labels("intent")
    (['lights on', 'stop'], ['light', 'halt'])
    >>> len(table), table.place(1)
    (2, 'row 2')

    ``source`` is the file's name, empty for what came from memory. ``lines`` holds each row's line number in the
    file (where its record starts), or its row number; both count from 1.
    """

    columns: dict[str, list[Any]]
    source: str
    lines: tuple[int, ...]

    def __post_init__(self) -> None:
        for name, values in self.columns.items():
            if len(values) != len(self.lines):
                raise DataError(f"column '{name}' has {len(values)} values for {len(self.lines)} rows")

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str) -> list[Any]:
        """The values of a column, as they came.

        >>> read_table({"text": ["stop"], "label": ["halt"]}).column("lable")
        Traceback (most recent call last):
        ostinato.errors.DataError: there is no column 'lable'; did you mean 'label'? known: 'text', 'label'
        """
        if name not in self.columns:
            where = f"{self.source}: " if self.source else ""
            raise DataError(f"{where}there is no column '{name}'; {nearest(name, self.columns)}{self._hint()}")
        return list(self.columns[name])

    def texts(self, name: str) -> list[str]:
        """The values of a column of texts; anything that is missing or no text is refused with its place.

        Empty texts pass: what they mean is the task's to say.
        """
        return self._converted(name, _text)

    def labels(self, name: str) -> list[str]:
        """The values of a column of labels, numbers and truth values turned into words.

        >>> read_table({"label": [1, True, "yes"]}).labels("label")
        ['1', 'True', 'yes']

        A label that is missing or empty is refused with its place.
        """
        return self._converted(name, _label)

    def place(self, row: int) -> str:
        """Where a row (counted from 0) stands, in words for messages: "train.csv, line 17" or "row 17"."""
        line = self.lines[row]
        return f"{self.source}, line {line}" if self.source else f"row {line}"

    def _converted(self, name: str, convert: Callable[[Any], str]) -> list[str]:
        values = self.column(name)
        for row, value in enumerate(values):
            if type(value) is str and value.isalnum():
                continue
            try:
                values[row] = convert(value)
            except ValueError as error:
                raise DataError(f"{self.place(row)}: column '{name}' {error}") from None
        return values

    def _hint(self) -> str:
        """What to say when the header looks as if another character separated its names."""
        only = next(iter(self.columns)) if len(self.columns) == 1 else ""
        for separator, shown in ((";", "';'"), ("\t", "tabs"), ("|", "'|'"), (",", "','")):
            if self.source and separator in only:
                return f"; the header is a single name: are its columns separated by {shown}? .csv wants ',', .tsv tabs"
        return ""


def read_table(source: Any) -> Table:
    """Read a table from a file, a data frame or a dict of lists.

    >>> len(read_table({"text": ["what time is it", "stop"]}))
    2

    A path ends in .csv, .tsv, .jsonl or .ndjson and is in UTF-8. The first line of .csv and .tsv names the columns,
    quoting is that of RFC 4180, and .jsonl and .ndjson hold one JSON object a line. A data frame is one of pandas,
    polars, pyarrow or anything else that narwhals knows. The columns of a dict may be lists, tuples, arrays, series or
    generators. A table without rows, and anything that cannot be read without guessing, is a
    :class:`~ostinato.errors.DataError` that names the place.
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, str | os.PathLike):
        columns, lines = read_file(source)
        return Table(columns, os.fsdecode(source), lines)
    columns = read_lists(source) if isinstance(source, Mapping) else read_frame(source)
    rows = len(next(iter(columns.values())))
    if not rows:
        raise DataError(f"the table has no rows; its columns are {', '.join(repr(name) for name in columns)}")
    return Table(columns, "", tuple(range(1, rows + 1)))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    if is_missing(value):
        raise ValueError(f"has no text ({value!r}); fill it in or leave the row out")
    advice = "; decode it first" if isinstance(value, bytes) else ""
    raise ValueError(f"wanted text, got {value!r:.60} of type {type(value).__name__}{advice}")


def _writable(label: str) -> str:
    """The label, unless no file could hold it."""
    try:
        label.encode()
    except UnicodeEncodeError:
        raise ValueError(f"has a label with half a character ({label!r:.60}); write it anew") from None
    return str(label)


def _label(value: Any) -> str:
    if isinstance(value, str) and value.strip():
        return _writable(value)
    if isinstance(value, str):
        raise ValueError("has an empty label; fill it in or leave the row out")
    if is_missing(value):
        raise ValueError(f"has no label ({value!r}); fill it in or leave the row out")
    scalar = type(value).__module__ == "numpy" and getattr(value, "shape", None) == ()
    if scalar or isinstance(value, bool | int | float):
        return str(value)
    raise ValueError(f"wanted a label (a word or a number), got {value!r:.60} of type {type(value).__name__}")
