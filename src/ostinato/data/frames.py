"""Columns from data frames and from dicts of lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ostinato.errors import DataError, needs

_WANTED = "wanted a path to a .csv, .tsv or .jsonl file, a data frame, or a dict of lists"


def read_lists(source: Mapping[Any, Any]) -> dict[str, list[Any]]:
    """The columns of a dict whose values are lists, tuples, arrays, series or generators.

    >>> read_lists({"text": ("a", "b"), "label": (n for n in (1, 2))})
    {'text': ['a', 'b'], 'label': [1, 2]}
    """
    if not source:
        raise DataError(f"{_WANTED}; got an empty dict")
    columns = {}
    for name, values in source.items():
        if not isinstance(name, str):
            raise DataError(f"the columns of a table are named by words, got {name!r} of type {type(name).__name__}")
        columns[name] = as_list(values, f"column '{name}'")
    return _equally_long(columns)


def read_frame(source: Any) -> dict[str, list[Any]]:
    """The columns of a data frame that narwhals knows: pandas, polars, pyarrow and others."""
    if source is None or (isinstance(source, str | bytes | Iterable) and not hasattr(source, "shape")):
        raise DataError(f"{_WANTED}; got {type(source).__name__}{_advice(source)}")
    narwhals = needs("narwhals", "train")
    if hasattr(source, "collect"):
        raise DataError(f"{_WANTED}; got {type(source).__name__}; collect it first: frame.collect()")
    _check_names(source)
    try:
        frame = narwhals.from_native(source, eager_only=True)
    except TypeError:
        raise DataError(f"{_WANTED}; got {type(source).__name__}{_advice(source)}") from None
    columns = {str(name): frame.get_column(name).to_list() for name in frame.columns}
    if not columns:
        raise DataError("the data frame has no columns")
    return _equally_long(columns)


def as_list(values: Any, what: str) -> list[Any]:
    """One column as a list; a lone string, a set and an array of more than one axis are refused.

    >>> as_list("stop", "texts")
    Traceback (most recent call last):
    ostinato.errors.DataError: texts wanted a list, got one str; write ['stop']
    """
    if isinstance(values, str | bytes):
        raise DataError(f"{what} wanted a list, got one {type(values).__name__}; write [{values[:30]!r}]")
    if isinstance(values, set | frozenset | Mapping):
        raise DataError(f"{what} wanted a list, got a {type(values).__name__}, whose order means nothing")
    shape = getattr(values, "shape", None)
    if shape is not None and len(shape) != 1:
        advice = "; take one column of it, or flatten it with .ravel()" if len(shape) == 2 else ""
        raise DataError(f"{what} wanted one axis, got the shape {list(shape)}{advice}")
    # numpy, pandas and torch; polars and narwhals; pyarrow.
    for method in ("tolist", "to_list", "to_pylist"):
        if hasattr(values, method):
            return list(getattr(values, method)())
    if not isinstance(values, Iterable):
        raise DataError(f"{what} wanted a list, got {type(values).__name__}")
    return list(values)


def is_missing(value: Any) -> bool:
    """Whether a value says that there is none: None, NaN, and the NA and NaT of pandas.

    >>> [is_missing(v) for v in (None, float("nan"), 0.0, "", "nan")]
    [True, True, False, False, False]
    """
    if value is None:
        return True
    try:
        # Only what is missing differs from itself.
        return bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"


def _equally_long(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"'{name}' has {length}" for name, length in lengths.items())
        raise DataError(f"the columns of a table are equally long; {listed}")
    return columns


def _check_names(frame: Any) -> None:
    """Refuse two columns of one name, which some kinds of frame allow."""
    names = getattr(frame, "column_names", None)
    names = getattr(frame, "columns", None) if names is None else names
    seen: set[str] = set()
    for name in names if isinstance(names, Iterable) else ():
        # pyarrow's .columns are the columns themselves, its .column_names the names.
        word = str(name)
        if word in seen:
            raise DataError(f"the data frame has two columns '{word}'; rename one of them")
        seen.add(word)


def _advice(source: Any) -> str:
    if isinstance(source, list | tuple) or len(getattr(source, "shape", ())) == 1 or hasattr(source, "__next__"):
        return '; name its columns: {"text": [...], "label": [...]}'
    return ""
