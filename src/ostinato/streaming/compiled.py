"""From a program to the runtime: instructions and weights as flat arrays, packed by the compiled core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ostinato.core import load_core
from ostinato.errors import StreamError, nearest
from ostinato.plan import Program, Value
from ostinato.plan.arithmetic import LOOKUPS

if TYPE_CHECKING:
    from ostinato._core import StreamModel


def compiled(program: Program) -> StreamModel:
    """Pack a program for the CPU target in use; all of its streams share what comes back.

    >>> from ostinato.core import load_core
    >>> from ostinato.plan import Draft
    >>> draft = Draft({"M": np.eye(2, 3)})
    >>> x, h = draft.number("x", 2), draft.state("h", 3)
    >>> y = draft.apply("tanh", draft.product(x, "M", h))
    >>> stream = load_core().Stream(compiled(draft.program({"h": y}, {"y": y})))
    >>> stream.push(np.ones((2, 2), np.float32)).round(2)
    array([[0.76, 0.76, 0.  ],
           [0.94, 0.94, 0.  ]], dtype=float32)

    Inputs, ids, parts of the state and outputs keep the order that they have in the program. Numbers become float32. A
    program that is not one, whoever wrote it, raises :class:`~ostinato.errors.StreamError` before memory is asked for.
    """
    core = load_core()
    kinds = {kind: number for number, kind in enumerate(core.stream_kinds)}
    names = _Names(program)
    values: list[tuple[int, ...]] = []
    arguments: list[int] = []
    for index, value in enumerate(program.values):
        if value.kind not in kinds:
            raise StreamError(f"value {index} has the unknown kind '{value.kind}'; {nearest(value.kind, kinds)}")
        values.append((kinds[value.kind], value.width, len(arguments), len(value.arguments), *names.of(value)))
        arguments.extend(value.arguments)
    parts = [(part.width, program.after[name]) for name, part in program.state.items()]
    model: StreamModel = core.StreamModel(
        _whole(values),
        _whole(arguments),
        _whole(program.numbers.values()),
        _whole([(ids.count, int(ids.many)) for ids in program.ids.values()]),
        _whole(parts),
        np.array([part.start for part in program.state.values()], np.float32),
        _whole(program.outputs.values()),
        tuple(_matrix(weight) for weight in program.weights.values()),
    )
    return model


class _Names:
    """The numbers that stand for a program's names."""

    def __init__(self, program: Program) -> None:
        self._kinds: Mapping[str, tuple[str, Mapping[str, int]]] = {
            "number": ("input", _places(program.numbers)),
            "state": ("part of the state", _places(program.state)),
            "weight": ("weight", _places(program.weights)),
            "product": ("weight", _places(program.weights)),
        }
        self._ids, self._tables = _places(program.ids), _places(program.weights)

    def of(self, value: Value) -> tuple[int, int]:
        """The label of a value as two numbers."""
        if value.kind == "constant":
            # Beyond float32 a number is infinite, as it would be in any sum.
            with np.errstate(over="ignore"):
                return int(np.array(value.label, np.float32).view(np.int32)), 0
        if value.kind == "slice":
            return int(value.label), 0
        if value.kind == "count" or value.kind in LOOKUPS:
            table, _, ids = str(value.label).rpartition("/")
            found = _found("ids", self._ids, ids)
            return found, 0 if value.kind == "count" else _found("table", self._tables, table)
        if value.kind in self._kinds:
            return _found(*self._kinds[value.kind], str(value.label)), 0
        return 0, 0


def _places(names: Iterable[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def _found(what: str, places: Mapping[str, int], name: str) -> int:
    if name not in places:
        raise StreamError(f"the program names the {what} '{name:.60}', which it does not have; {nearest(name, places)}")
    return places[name]


def _whole(numbers: Iterable[Any]) -> np.ndarray[Any, np.dtype[np.int32]]:
    try:
        return np.array(list(numbers), np.int32).reshape(-1)
    except (OverflowError, ValueError, TypeError) as error:
        raise StreamError(f"the program holds a number that is no size: {error}") from error


def _matrix(weight: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    array = np.ascontiguousarray(weight, np.float32)
    return array.reshape(1, -1) if array.ndim == 1 else array
