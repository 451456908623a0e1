"""What does not change along a series: numbers, and categories as words with numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.data.frames import as_list, is_missing
from ostinato.data.series.columns import Columns
from ostinato.data.series.layout import Layout
from ostinato.data.series.panel import Numbers, Rows
from ostinato.errors import DataError, OptionError, nearest

Say = Callable[[int], str]


@dataclass(frozen=True)
class Statics:
    """The static numbers float32 [S, Q] and categories int64 [S, C] of S series, with their names and words."""

    static: Numbers
    categories: Rows
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]


def statics_of(
    ids: Sequence[str],
    static: Mapping[str, Any],
    categories: Mapping[str, Any],
    *,
    like: Layout | None = None,
    unknown: str = "word",
) -> Statics:
    """From one value a series: a dict of lists of numbers, and one of lists of words.

    >>> statics_of(["a", "b"], {"size": [1, 2]}, {"shop": ["north", "south"]}).categories.ravel()
    array([1, 2])

    A category that is missing is 0, the unknown one; so is a word that ``like`` does not have, unless ``unknown`` is
    "refuse".
    """
    for given, name in ((static, "static"), (categories, "categories")):
        if not isinstance(given, Mapping):
            raise OptionError(f"{name} wanted a dict of lists, one value a series; got {type(given).__name__}")
    if like is not None:
        _check_names(tuple(static), like.static, "static")
        _check_names(tuple(categories), like.categories, "categories")
    names = tuple(static) if like is None else like.static
    kinds = tuple(categories) if like is None else like.categories
    numbers = numpy.empty((len(ids), len(names)), numpy.float32)
    for column, name in enumerate(names):
        numbers[:, column] = _static(_one_each(static[name], name, ids), name, ids)
    codes, words = numpy.zeros((len(ids), len(kinds)), numpy.int64), []
    for column, name in enumerate(kinds):
        values = [None if is_missing(v) else str(v) for v in _one_each(categories[name], name, ids)]
        known = sorted({v for v in values if v is not None}) if like is None else like.words[column]
        index = {word: k + 1 for k, word in enumerate(known)}
        new = [k for k, v in enumerate(values) if v is not None and v not in index]
        if new and unknown == "refuse":
            raise DataError(
                f"series '{ids[new[0]]}': the category '{values[new[0]]}' of '{name}' was not seen in training; "
                f"{nearest(str(values[new[0]]), known)}; choose unknown='word' to take it as an unknown one"
            )
        codes[:, column] = [index.get(v, 0) if v is not None else 0 for v in values]
        words.append(tuple(known))
    return Statics(numbers, codes, names, kinds, tuple(words))


def one_a_series(columns: Columns, name: str, codes: Rows, ids: Sequence[str]) -> list[Any]:
    """The value of a column that is the same in all rows of a series; rows without a value do not count."""
    numbers, words = columns.words(name)
    observed = numpy.flatnonzero(numbers >= 0)
    own = numpy.full(len(ids), -1, numpy.int64)
    # Written from the last row to the first, so that the first stays.
    own[codes[observed[::-1]]] = numbers[observed[::-1]]
    different = observed[numbers[observed] != own[codes[observed]]]
    if different.size:
        row = int(different[0])
        raise DataError(
            f"{columns.place(row)}: series '{ids[codes[row]]}' has '{words[numbers[row]]}' in the static column "
            f"'{name}' and '{words[own[codes[row]]]}' before; a static column has one value a series: pass one that "
            "varies as past= or known="
        )
    return [None if k < 0 else words[k] for k in own.tolist()]


def _check_names(given: tuple[str, ...], wanted: tuple[str, ...], name: str) -> None:
    if set(given) != set(wanted):
        listed = ", ".join(map(repr, wanted)) or "none"
        raise DataError(f"{name} wanted the names that the model was trained with ({listed}), got {list(given)}")


def _one_each(values: Any, name: str, ids: Sequence[str]) -> list[Any]:
    found = as_list(values, f"'{name}'")
    if len(found) != len(ids):
        raise DataError(f"'{name}' wanted one value for each of {len(ids)} series, got {len(found)}")
    return found


def _static(values: list[Any], name: str, ids: Sequence[str]) -> NDArray[numpy.float32]:
    out = numpy.empty(len(values), numpy.float64)
    for k, value in enumerate(values):
        try:
            out[k] = numpy.nan if is_missing(value) or value == "" else float(value)
        except (TypeError, ValueError):
            raise DataError(f"series '{ids[k]}': static '{name}' wanted a number, got {value!r:.60}") from None
        if not abs(out[k]) <= float(numpy.finfo(numpy.float32).max):
            shown = "no value" if is_missing(out[k]) else f"{value!r:.40}"
            raise DataError(f"series '{ids[k]}': static '{name}' wanted a finite number, got {shown}; fill it in")
    return out.astype(numpy.float32)
