"""Panels from arrays of different lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.data.series.frequency import Frequency
from ostinato.data.series.layout import Layout
from ostinato.data.series.panel import Panel
from ostinato.data.series.statics import statics_of
from ostinato.errors import DataError, ShapeError

_LARGEST = float(numpy.finfo(numpy.float32).max)


def is_arrays(source: Any) -> bool:
    """Whether a source is a list of arrays, or one."""
    return isinstance(source, list | tuple | numpy.ndarray) or type(source).__name__ == "Tensor"


def panel_of_arrays(
    source: Any,
    ids: Sequence[str] | None = None,
    *,
    static: Any = None,
    categories: Any = None,
    like: Layout | None = None,
    unknown: str = "word",
) -> Panel:
    """A panel of the series [T] or [T, K] of a list, or of one array [T] or [S, T, K]; steps are counted from 0.

    >>> panel_of_arrays([[1.0, 2.0], [3.0]]).starts
    array([0, 2, 3])

    ``ids`` are their names ("1", "2", ... where none are given).
    """
    series = _listed(source)
    names = tuple(str(k + 1) for k in range(len(series))) if ids is None else tuple(str(name) for name in ids)
    if len(names) != len(series) or len(set(names)) < len(names):
        raise DataError(f"id wanted a name of its own for each of {len(series)} series, got {list(names)[:10]}")
    arrays = [_checked(array, names[k], k) for k, array in enumerate(series)]
    width = arrays[0].shape[1]
    for name, array in zip(names, arrays, strict=True):
        if array.shape[1] != width:
            raise ShapeError(
                f"series '{name}' has {array.shape[1]} columns and series '{names[0]}' has {width}; "
                "all have equally many"
            )
    columns = ("y",) if width == 1 else tuple(f"y{k + 1}" for k in range(width))
    if like is not None:
        if len(like.target) != width or like.past or like.known:
            raise DataError(
                f"these arrays have {width} columns; the model was trained on {', '.join(like.target)}"
                f"{' and covariates: pass a table' if like.past or like.known else ''}"
            )
        columns = like.target
    starts = numpy.concatenate([[0], numpy.cumsum([len(array) for array in arrays])]).astype(numpy.int64)
    facts = statics_of(names, static or {}, categories or {}, like=like, unknown=unknown)
    n = int(starts[-1])
    return Panel(
        ids=names,
        starts=starts,
        ends=starts[1:].copy(),
        time=numpy.arange(n) - numpy.repeat(starts[:-1], numpy.diff(starts)),
        target=numpy.concatenate(arrays),
        past=numpy.empty((n, 0), numpy.float32),
        known=numpy.empty((n, 0), numpy.float32),
        static=facts.static,
        categories=facts.categories,
        layout=Layout(
            target=columns,
            static=facts.names,
            categories=facts.kinds,
            words=facts.words,
            clock="number",
            frequency=Frequency(1, "step"),
        ),
    )


def _listed(source: Any) -> list[Any]:
    if isinstance(source, list | tuple):
        rows = list(source)
        if rows and isinstance(rows[0], dict):
            raise DataError("series wanted arrays or a table, got a list of dicts; pass pandas.DataFrame(records)")
        if rows and all(isinstance(row, int | float | numpy.number) or row is None for row in rows):
            rows = [rows]
    else:
        array: NDArray[Any] = numpy.asarray(source)
        if array.ndim == 2:
            raise ShapeError(
                f"an array of {list(array.shape)} may be {array.shape[0]} series or one of {array.shape[1]} columns; "
                "pass list(array) for many series of one column, or [array] for one series of many"
            )
        if array.ndim not in (1, 3):
            raise ShapeError(f"series wanted one array [T] or [S, T, K], or a list of arrays; got {list(array.shape)}")
        rows = [array] if array.ndim == 1 else list(array)
    if not rows:
        raise DataError("series wanted at least one array, got an empty list")
    return rows


def _checked(values: Any, name: str, number: int) -> NDArray[numpy.float32]:
    try:
        array: NDArray[Any] = numpy.asarray(values)
        if array.dtype == object:
            array = array.astype(numpy.float64)
    except (ValueError, TypeError):
        raise DataError(f"series '{name}' wanted an array of numbers [T] or [T, K], got {values!r:.60}") from None
    if array.ndim not in (1, 2) or array.dtype.kind not in "iufb":
        raise ShapeError(f"series '{name}' wanted numbers [T] or [T, K], got {array.dtype} {list(array.shape)}")
    if not array.size:
        raise DataError(f"series '{name}' (number {number + 1} of the list) is empty; leave it out")
    array = array.reshape(len(array), -1)
    array = array.astype(numpy.float32) if array.dtype == numpy.float16 else array
    with numpy.errstate(invalid="ignore"):
        wrong = numpy.argwhere(numpy.abs(array) > _LARGEST)
    if wrong.size:
        row, column = wrong[0].tolist()
        raise DataError(
            f"series '{name}', row {row + 1}: wanted a finite number below 3e38, got {array[row, column]}; "
            "put a missing value (NaN) there, or mend it"
        )
    if array.dtype.kind == "f" and numpy.isnan(array).all():
        raise DataError(f"series '{name}' has no value at all; leave it out")
    return array.astype(numpy.float32)
