"""The body of an exported step: a program's values as loops, products and assignments in C.

Products and sums along rows wait for what they need and nothing else; elementwise values of one width that are computed
between two of them share one loop. What is used in its own loop only is a local number there; the rest is an array.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ostinato.exporting.c99_arithmetic import CALLS
from ostinato.exporting.c99_names import Names, number_in_c
from ostinato.plan.arithmetic import ALONG_A_ROW, ELEMENTWISE, LOOKUPS
from ostinato.plan.program import Program, Value

_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
# What may stand inside another formula when nothing else reads it.
_INLINE = (*_SIGNS, "negate")
_LONGEST_FORMULA = 60


@dataclass(frozen=True)
class Body:
    """The statements of a step, the functions that they call, and the numbers that they keep on the stack."""

    lines: tuple[str, ...]
    calls: frozenset[str]
    scratch: int


def body_of(program: Program, names: Names, prefix: str) -> Body:
    """The statements that compute a step, look whether all is finite, and only then change the state."""
    writer = _Writer(program, names)
    writer.compute()
    writer.finish(prefix)
    return Body(tuple(writer.lines), frozenset(writer.calls), writer.scratch)


class _Writer:
    def __init__(self, program: Program, names: Names) -> None:
        self.program, self.values, self.names = program, program.values, names
        self.lines: list[str] = []
        self.calls: set[str] = set()
        self.scratch = 0
        # What a value is called in C: a number for elementwise scalars, else an array or a pointer.
        self.called: dict[int, str] = {}
        self.formulas: dict[int, str] = {}
        self.done: set[int] = set()
        self.users: dict[int, list[int]] = {}
        for index, value in enumerate(self.values):
            for argument in value.arguments:
                self.users.setdefault(argument, []).append(index)
        self.wishes = {index: f"next_{names.state[part]}" for part, index in program.after.items()}
        self.kept = {self._root(i)[0] for i in (*program.after.values(), *program.outputs.values())}

    # Order ----------------------------------------------------------------------------------------------------------

    def compute(self) -> None:
        """Every value that the state or an output needs."""
        for index, value in enumerate(self.values):
            if value.kind in ("number", "state", "weight", "constant", "slice"):
                self._leaf(index, value)
        ends = [i for i, value in enumerate(self.values) if self._ends_loops(value)]
        while ends:
            ready = [i for i in ends if not (self._before([i]) - {i}) & set(ends)]
            self._loops(self._before(ready))
            for index in ready:
                self._end(index, self.values[index])
            ends = [i for i in ends if i not in ready]
        self._loops(self._before([*self.program.after.values(), *self.program.outputs.values()]))

    def _ends_loops(self, value: Value) -> bool:
        return value.kind in ("product", "join", "count", *LOOKUPS, *ALONG_A_ROW)

    def _before(self, indices: Iterable[int]) -> set[int]:
        """These values and all that they need and that is not computed yet."""
        found: set[int] = set()
        left = list(indices)
        while left:
            index = left.pop()
            if index not in found and index not in self.done:
                found.add(index)
                left.extend(self.values[index].arguments)
        return found

    def _loops(self, wanted: set[int]) -> None:
        pending = sorted(i for i in wanted if self.values[i].kind in ELEMENTWISE)
        while pending:
            groups = [self._group(pending, width) for width in dict.fromkeys(self.values[i].width for i in pending)]
            # Scalars first, then the loop that holds most.
            group = max((g for g in groups if g), key=lambda g: (self.values[g[0]].width == 1, len(g)))
            self._loop(group)
            pending = [i for i in pending if i not in group]

    def _group(self, pending: Sequence[int], width: int) -> list[int]:
        """The values of one width that one loop can compute now."""
        group: list[int] = []
        for index in pending:
            value = self.values[index]
            if value.width == width and all(i in group or self._root(i)[0] in self.done for i in value.arguments):
                group.append(index)
        return group

    def _root(self, index: int) -> tuple[int, int]:
        """The value that a slice is part of, and where it begins there."""
        first = 0
        while self.values[index].kind == "slice":
            first += int(self.values[index].label)
            index = self.values[index].arguments[0]
        return index, first

    # What is computed -----------------------------------------------------------------------------------------------

    def _leaf(self, index: int, value: Value) -> None:
        label = str(value.label)
        if value.kind == "number":
            self.called[index] = self.names.numbers[label]
        elif value.kind == "state":
            self.called[index] = f"state->{self.names.state[label]}"
        elif value.kind == "weight":
            self.called[index] = self.names.weights[label]
        elif value.kind == "constant":
            self.formulas[index] = number_in_c(float(value.label))
        if value.kind != "slice":
            self.done.add(index)

    def _array(self, index: int, wish: str) -> str:
        name = self.called[index] = self.names.fresh(wish)
        width = self.values[index].width
        self.scratch += width
        self.lines.append(f"float {name}[{width}];")
        return name

    def _end(self, index: int, value: Value) -> None:
        """A product, a sum along a row, or whatever else is no loop over units."""
        self._space()
        if value.kind == "product":
            self._product(index, value)
        elif value.kind in ALONG_A_ROW:
            name = self.called[index] = self.formulas[index] = self.names.fresh(f"{value.kind}_{index}")
            (argument,) = value.arguments
            call = self._call(CALLS[value.kind], self._pointer(argument), f"{self.values[argument].width}")
            self.lines.append(f"const float {name} = {call};")
        elif value.kind == "join":
            name, first = self._array(index, f"joined_{index}"), 0
            for argument in value.arguments:
                width = self.values[argument].width
                self.lines.append(f"{self._call('copy', _at(name, first), self._pointer(argument), str(width))};")
                first += width
        elif value.kind == "count":
            self._count(index, value)
        else:
            self._lookup(index, value)
        self.done.add(index)

    def _product(self, index: int, value: Value) -> None:
        matrix = self.names.weights[str(value.label)]
        pointers = [self._pointer(i) for i in value.arguments]
        name = self._array(index, f"{matrix}_{index}")
        inputs = self.values[value.arguments[0]].width
        if len(pointers) > 1:
            self.lines.append(f"{self._call('copy', name, pointers[1], str(value.width))};")
        else:
            self.lines += self._zeros(name, value.width)
        self.lines.append(f"{self._call('add_product', name, pointers[0], matrix, str(inputs), str(value.width))};")

    def _count(self, index: int, value: Value) -> None:
        ids = str(value.label).rpartition("/")[2]
        many = self.program.ids[ids].many
        self.formulas[index] = f"(float){self.names.ids[ids]}_count" if many else "1.0f"

    def _lookup(self, index: int, value: Value) -> None:
        table, _, ids = str(value.label).rpartition("/")
        rows, chosen, width = self.names.weights[table], self.names.ids[ids], value.width
        if not self.program.ids[ids].many:
            name = self.called[index] = self.names.fresh(f"{chosen}_row_{index}")
            self.lines.append(f"const float *{name} = {rows} + (size_t){chosen} * {width};")
            return
        name = self._array(index, f"{chosen}_rows_{index}")
        self.lines += self._zeros(name, width)
        self.lines.append(f"for (size_t k = 0; k < {chosen}_count; k++) {{")
        row = f"{rows} + (size_t){chosen}[k] * {width}"
        self.lines += [f"    {self._call('add_row', name, row, str(width))};", "}"]
        if value.kind == "lookup_mean":
            self.lines.append(f"for (size_t i = 0; {chosen}_count > 1 && i < {width}; i++) {{")
            self.lines += [f"    {name}[i] /= (float){chosen}_count;", "}"]

    def _zeros(self, name: str, width: int) -> list[str]:
        return [f"for (size_t i = 0; i < {width}; i++) {{", f"    {name}[i] = 0.0f;", "}"]

    # Loops ----------------------------------------------------------------------------------------------------------

    def _loop(self, group: Sequence[int]) -> None:
        """All values of a group in one loop; for scalars, as numbers without a loop."""
        width = self.values[group[0]].width
        members, inside = set(group), []
        self._space()
        for index in group:
            value = self.values[index]
            formula = self._formula(value, members)
            users = self.users.get(index, [])
            alone = len(users) == 1 and users[0] in members and index not in self.kept
            if alone and value.kind in _INLINE and len(formula) <= _LONGEST_FORMULA:
                self.formulas[index] = formula if value.kind == "negate" else f"({formula})"
                continue
            local = self.names.fresh(f"{value.kind}_{index}")
            inside.append(f"const float {local} = {formula};")
            if width == 1:
                self.called[index] = self.formulas[index] = local
            elif index in self.kept or not all(user in members for user in users):
                inside.append(f"{self._array(index, self.wishes.get(index, f'{local}s'))}[i] = {local};")
                self.formulas[index] = local
            else:
                self.formulas[index] = local
        if width == 1:
            self.lines += inside
        else:
            self.lines.append(f"for (size_t i = 0; i < {width}; i++) {{")
            self.lines += [f"    {line}" for line in inside] + ["}"]
            # Outside this loop, only arrays.
            for index in group:
                del self.formulas[index]
        self.done.update(group)

    def _formula(self, value: Value, members: set[int]) -> str:
        given = [self._element(i, members) for i in value.arguments]
        if value.kind in _SIGNS:
            return f"{given[0]} {_SIGNS[value.kind]} {given[1]}"
        if value.kind == "negate":
            return f"-{given[0]}" if not given[0].startswith("-") else f"-({given[0]})"
        if value.kind == "less":
            return f"{given[0]} < {given[1]} ? 1.0f : 0.0f"
        return self._call(CALLS[value.kind], *(_bare(formula) for formula in given))

    def _element(self, index: int, members: set[int]) -> str:
        """One unit of a value, as a loop reads it."""
        if index in self.formulas:
            return self.formulas[index]
        root, first = self._root(index)
        if root in self.formulas and root not in members:
            return self.formulas[root]
        name = self.called[root]
        if self.values[index].width == 1:
            return f"{name}[{first}]"
        return f"{name}[{first} + i]" if first else f"{name}[i]"

    def _pointer(self, index: int) -> str:
        """Where the numbers of a value lie."""
        root, first = self._root(index)
        if root not in self.called:
            # A constant, or a count, has no place yet.
            name = self.called[root] = self.names.fresh(f"held_{root}")
            self.lines.append(f"const float {name} = {self.formulas[root]};")
            self.formulas[root] = name
        name = self.called[root]
        return f"&{name}" if root in self.formulas else _at(name, first)

    def _call(self, function: str, *arguments: str) -> str:
        self.calls.add(function)
        return f"{function}({', '.join(arguments)})"

    def _space(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")

    # The end --------------------------------------------------------------------------------------------------------

    def finish(self, prefix: str) -> None:
        """The checks, the new state, the outputs."""
        self._space()
        program, new = self.program, dict[str, str]()
        for part, index in program.after.items():
            root = self._root(index)[0]
            if self.values[root].kind == "state" and self.values[root].label != part:
                # Written before it is read otherwise.
                name = self.names.fresh(f"old_{self.names.state[part]}")
                width = program.state[part].width
                self.scratch += width
                self.lines.append(f"float {name}[{width}];")
                self.lines.append(f"{self._call('copy', name, self._pointer(index), str(width))};")
                new[part] = name
            else:
                new[part] = self._pointer(index)
        self._check(new, prefix)
        for output, index in program.outputs.items():
            size = str(self.values[index].width)
            self.lines.append(f"{self._call('copy', self.names.outputs[output], self._pointer(index), size)};")
        for part, pointer in new.items():
            if pointer != f"state->{self.names.state[part]}":
                place = f"state->{self.names.state[part]}"
                self.lines.append(f"{self._call('commit', place, pointer, str(program.state[part].width))};")
        self.lines.append(f"return {prefix}_OK;")

    def _check(self, new: dict[str, str], prefix: str) -> None:
        """Nothing is written before all of it is known to be finite."""
        width_of = {pointer: self.program.state[part].width for part, pointer in new.items()}
        width_of.update((self._pointer(i), self.values[i].width) for i in self.program.outputs.values())
        finite = [self._call("all_finite", pointer, str(width)) for pointer, width in width_of.items()]
        joined = " || ".join(f"!{call}" for call in finite)
        if len(joined) > 90:
            joined = " ||\n    ".join(f"!{call}" for call in finite)
        self.lines += [f"if ({joined}) {{", f"    return {prefix}_OVERFLOW;", "}"]


def _at(name: str, first: int) -> str:
    return f"{name} + {first}" if first else name


def _bare(formula: str) -> str:
    """A formula without the brackets around all of it, where a call's own are enough."""
    if not formula.startswith("(") or not formula.endswith(")"):
        return formula
    depth = 0
    for place, character in enumerate(formula):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0 and place < len(formula) - 1:
            return formula
    return formula[1:-1]
