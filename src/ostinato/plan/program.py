"""One step of a whole model for one row, as a straight line of vectors: what streams run and exports are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import PlanError, ShapeError, nearest
from ostinato.plan.arithmetic import ALONG_A_ROW, ELEMENTWISE, LOOKUPS, Array

Floats = NDArray[np.float32]
# Where a running maximum begins: below everything that a layer shows.
LOWEST = float(np.finfo(np.float32).min)


@dataclass(frozen=True)
class Value:
    """One vector of a step: what makes it, from which earlier values, and how wide it is; width 1 is a scalar."""

    kind: str
    arguments: tuple[int, ...]
    width: int
    label: str | float | int = ""


@dataclass(frozen=True)
class Ids:
    """An input of whole numbers below ``count``: one at each step, or with ``many`` any number of them."""

    count: int
    many: bool = False


@dataclass(frozen=True)
class Part:
    """One part of the state: its width, and the number that it is filled with before the first step."""

    width: int
    start: float = 0.0


@dataclass(frozen=True, eq=False)
class Program:
    """A step as values in the order in which they are computed.

    >>> draft = Draft({"M": np.eye(2, 3)})
    >>> x, h = draft.number("x", 2), draft.state("h", 3)
    >>> program = draft.program({"h": draft.apply("tanh", draft.product(x, "M", h))}, {"y": h})
    >>> outputs, state = program.run({"x": np.ones(2)}, {}, program.start())
    >>> outputs["y"], state["h"].round(3)
    (array([0., 0., 0.]), array([0.762, 0.762, 0.   ]))

    ``numbers`` and ``ids`` are the inputs by name, ``state`` its parts, ``after`` the value that each part becomes,
    ``outputs`` the values that are shown. ``weights`` hold vectors [n], matrices [inputs, outputs] and tables
    [count, width]. Kinds: the leaves number, state, weight, constant; lookup_sum and lookup_mean over the rows of a
    table (label "table/ids"; no ids give zeros) and count (how many ids); product (start + value M; label: the matrix;
    start is optional); slice (label: the first unit) and join; elementwise arithmetic, in which scalars broadcast; and
    row_sum, row_mean, row_max. ``less`` is 1 or 0, and ``select`` asks for what is not 0.
    """

    values: tuple[Value, ...]
    numbers: Mapping[str, int]
    ids: Mapping[str, Ids]
    state: Mapping[str, Part]
    after: Mapping[str, int]
    outputs: Mapping[str, int]
    weights: Mapping[str, Floats]

    def start(self, dtype: Any = np.float64) -> dict[str, Array]:
        """The state before the first step."""
        return {name: np.full(part.width, part.start, dtype) for name, part in self.state.items()}

    def run(
        self,
        numbers: Mapping[str, Any],
        ids: Mapping[str, Any],
        state: Mapping[str, Any],
        dtype: Any = np.float64,
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """One step in plain numpy: outputs and the next state by name. It is the reference and never made faster."""
        made: list[Array] = []
        for value in self.values:
            given = [made[i] for i in value.arguments]
            if value.kind == "number":
                result = np.asarray(numbers[str(value.label)], dtype)
            elif value.kind == "state":
                result = np.asarray(state[str(value.label)], dtype)
            elif value.kind == "count" or value.kind in LOOKUPS:
                result = self._looked_up(value, ids, dtype)
            else:
                result = self._computed(value, given, dtype)
            if result.shape[-1] != value.width:
                raise ShapeError(f"{value.kind} '{value.label}' wanted {value.width} numbers, got {result.shape[-1]}")
            made.append(result)
        outputs = {name: made[index] for name, index in self.outputs.items()}
        return outputs, {name: made[index] for name, index in self.after.items()}

    def _computed(self, value: Value, given: Sequence[Array], dtype: Any) -> Array:
        if value.kind == "weight":
            return self.weights[str(value.label)].astype(dtype)
        if value.kind == "constant":
            return np.array([value.label], dtype)
        if value.kind == "product":
            made: Array = given[0] @ self.weights[str(value.label)].astype(dtype)
            return made + given[1] if len(given) > 1 else made
        if value.kind == "slice":
            return given[0][..., int(value.label) : int(value.label) + value.width]
        if value.kind == "join":
            return np.concatenate(given, axis=-1)
        if value.kind in ALONG_A_ROW:
            return ALONG_A_ROW[value.kind](given[0])
        computed: Array = np.asarray(ELEMENTWISE[value.kind](*given), dtype)
        return computed

    def _looked_up(self, value: Value, ids: Mapping[str, Any], dtype: Any) -> Array:
        table, _, name = str(value.label).rpartition("/")
        chosen = np.atleast_1d(np.asarray(ids[name], np.int64))
        if value.kind == "count":
            return np.array([len(chosen)], dtype)
        if len(chosen) and not 0 <= chosen.min() <= chosen.max() < self.ids[name].count:
            raise ShapeError(f"ids '{name}' wanted whole numbers from 0 to {self.ids[name].count - 1}, got {ids[name]}")
        total: Array = self.weights[table][chosen].astype(dtype).sum(0)
        return total / len(chosen) if value.kind == "lookup_mean" and len(chosen) else total

    def operations(self) -> int:
        """Multiplications and additions of products, and every other number that is computed, at each step."""
        total = 0
        for value in self.values:
            if value.kind == "product":
                total += 2 * self.weights[str(value.label)].size
            elif value.kind in ALONG_A_ROW:
                total += self.values[value.arguments[0]].width
            elif value.kind in ELEMENTWISE or value.kind in LOOKUPS:
                total += value.width
        return total


@dataclass
class Draft:
    """Makes a program value by value; equal values are one, and what hangs on weights alone is computed at once.

    A product of a table's row for one id, with nothing or a weight added, hangs on weights and that id alone: it
    becomes the row of another table, all rows of the first times M. That table may have ``room`` numbers, or as many as
    M has.
    """

    weights: dict[str, Array] = field(default_factory=dict)
    values: list[Value] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    ids: dict[str, Ids] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)
    room: int = 0

    def __post_init__(self) -> None:
        self._known: dict[Value, int] = {}

    def number(self, name: str, width: int) -> int:
        """An input of so many numbers at each step."""
        if self.numbers.setdefault(name, width) != width:
            raise PlanError(f"the input '{name}' wanted one width, got {self.numbers[name]} and {width}")
        return self._made("number", (), width, name)

    def state(self, name: str, width: int, start: float = 0.0) -> int:
        """A part of the state before the step."""
        if name in self.parts:
            raise PlanError(f"the state has a part '{name}' already")
        self.parts[name] = Part(width, start)
        return self._made("state", (), width, name)

    def constant(self, number: float) -> int:
        """A number."""
        return self._made("constant", (), 1, float(number))

    def weight(self, array: Any, name: str) -> int:
        """A vector that does not change; the name is for readers and made unique."""
        vector = np.asarray(array, np.float64)
        return self._made("weight", (), len(vector), self.hold(vector, name))

    def hold(self, array: Any, name: str) -> str:
        """Keep an array among the weights, under the name or one like it."""
        free, count = name, 1
        while free in self.weights and not _same(self.weights[free], array):
            count += 1
            free = f"{name}_{count}"
        self.weights[free] = np.asarray(array)
        return free

    def lookup(self, table: str, ids: str, of: Ids, *, mean: bool = False) -> int:
        """The sum or the mean of a table's rows for the ids of this step."""
        self.ids.setdefault(ids, of)
        return self._made("lookup_mean" if mean else "lookup_sum", (), self.weights[table].shape[1], f"{table}/{ids}")

    def count(self, ids: str, of: Ids) -> int:
        """How many ids came in at this step."""
        self.ids.setdefault(ids, of)
        return self._made("count", (), 1, f"/{ids}")

    def product(self, value: int, matrix: str, start: int | None = None) -> int:
        """start + value M, for a matrix [inputs, outputs] that is held under a name."""
        inputs, outputs = self.weights[matrix].shape
        arguments = (value,) if start is None else (value, start)
        widths = [self.values[i].width for i in arguments]
        if widths != [inputs, outputs][: len(widths)]:
            raise PlanError(f"the matrix '{matrix}' is [{inputs}, {outputs}] and meets vectors of {widths}")
        tabulated = self._tabulated(value, matrix, start)
        if tabulated is not None:
            return tabulated
        return self._made("product", arguments, outputs, matrix)

    def slice(self, value: int, first: int, width: int) -> int:
        """Some neighbouring units of a value."""
        whole = self.values[value]
        if not 0 <= first <= first + width <= whole.width:
            raise PlanError(f"a slice of {width} from {first} on does not lie in {whole.width} units")
        return value if width == whole.width else self._made("slice", (value,), width, first)

    def join(self, values: Sequence[int]) -> int:
        """Values side by side."""
        if len(values) == 1:
            return values[0]
        return self._made("join", tuple(values), sum(self.values[i].width for i in values), "")

    def apply(self, kind: str, *arguments: int) -> int:
        """Elementwise arithmetic, or a look along a row."""
        if kind not in ELEMENTWISE and kind not in ALONG_A_ROW:
            raise PlanError(f"a program has no operation '{kind}'; {nearest(kind, [*ELEMENTWISE, *ALONG_A_ROW])}")
        widths = {self.values[i].width for i in arguments}
        if len(widths - {1}) > 1:
            raise PlanError(f"{kind} wanted vectors of one width, got {sorted(widths)}")
        fixed = [array for array in map(self._fixed, arguments) if array is not None]
        if len(fixed) == len(arguments):
            computed = ALONG_A_ROW.get(kind) or ELEMENTWISE[kind]
            return self._folded(kind, np.asarray(computed(*fixed), np.float64))
        return self._made(kind, arguments, 1 if kind in ALONG_A_ROW else max(widths), "")

    def program(self, after: Mapping[str, int], outputs: Mapping[str, int]) -> Program:
        """What was made, without the values that nothing needs."""
        if set(after) != set(self.parts):
            raise PlanError(
                f"each part of the state wanted a new value: {', '.join(self.parts)}; got {', '.join(after)}"
            )
        for name, index in after.items():
            if self.values[index].width != self.parts[name].width:
                raise PlanError(f"the state '{name}' is {self.parts[name].width} wide, its new value another width")
        wanted = {*after.values(), *outputs.values()}
        for index in range(len(self.values) - 1, -1, -1):
            if index in wanted:
                wanted.update(self.values[index].arguments)
        kept = sorted(wanted)
        place = {index: new for new, index in enumerate(kept)}
        values = tuple(
            Value(v.kind, tuple(place[i] for i in v.arguments), v.width, v.label)
            for v in (self.values[i] for i in kept)
        )
        labels = {str(v.label).rpartition("/")[0] if v.kind in LOOKUPS else str(v.label) for v in values}
        weights = {n: np.ascontiguousarray(w, np.float32) for n, w in self.weights.items() if n in labels}
        return Program(
            values,
            dict(self.numbers),
            dict(self.ids),
            dict(self.parts),
            {name: place[index] for name, index in after.items()},
            {name: place[index] for name, index in outputs.items()},
            weights,
        )

    def _tabulated(self, value: int, matrix: str, start: int | None) -> int | None:
        """A product as the row of a table, where it hangs on one id alone and the table has room."""
        row, M = self.values[value], self.weights[matrix]
        added = None if start is None else self._fixed(start)
        if row.kind != "lookup_sum" or (start is not None and added is None):
            return None
        name, _, ids = str(row.label).rpartition("/")
        table = self.weights[name]
        if self.ids[ids].many or len(table) * M.shape[1] > max(self.room, M.size):
            return None
        products = np.asarray(table, np.float64) @ np.asarray(M, np.float64)
        held = self.hold(products if added is None else products + added, f"{matrix}_of_{name}")
        return self.lookup(held, ids, self.ids[ids])

    def _fixed(self, index: int) -> Array | None:
        value = self.values[index]
        if value.kind == "constant":
            return np.array([value.label], np.float64)
        if value.kind == "weight":
            return np.asarray(self.weights[str(value.label)], np.float64)
        return None

    def _folded(self, kind: str, array: Array) -> int:
        return self.constant(float(array[0])) if len(array) == 1 else self.weight(array, f"folded_{kind}")

    def _made(self, kind: str, arguments: tuple[int, ...], width: int, label: str | float | int) -> int:
        value = Value(kind, arguments, width, label)
        # 0.0 and -0.0 are equal and not the same.
        if value not in self._known or kind == "constant":
            self._known[value] = len(self.values)
            self.values.append(value)
        return self._known[value]


def _same(one: Array, other: Any) -> bool:
    return one.shape == np.shape(other) and bool(np.array_equal(one, other))
