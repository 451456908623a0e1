"""A program, value by value, as ONNX nodes: one step of a network, the body of a loop, or arithmetic at every step."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ostinato.exporting.onnx_sheet import Sheet
from ostinato.plan.arithmetic import ALONG_A_ROW, ELEMENTWISE, LOOKUPS
from ostinato.plan.program import Program, Value

OPERATORS = {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "negate": "Neg",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "relu": "Relu",
    "exp": "Exp",
    "log": "Log",
    "softplus": "Softplus",
    "sqrt": "Sqrt",
    "absolute": "Abs",
    "sin": "Sin",
    "cos": "Cos",
    "maximum": "Max",
    "minimum": "Min",
}
# What makes a small error of what it reads a large one.
_SHARP = {"sqrt": (0,), "log": (0,), "divide": (1,)}


def write_program(
    sheet: Sheet, program: Program, given: Mapping[str, str], where: str, *, rank: int = 2
) -> tuple[dict[str, str], dict[str, str]]:
    """Write one step; gives the tensors of its outputs, and those of its new state.

    ``given`` names the tensors of inputs and state: numbers [..., width], ids [B], or [B, K] with K > 0 padded by -1.
    ``rank`` is 2 for [B, width]; with 3 the same arithmetic is done for all steps [T, B, width] at once. ``where`` is
    the beginning of the names of what is made.
    """
    writer = _Writer(sheet, program, given, where, rank)
    outputs = {name: writer.full(index) for name, index in program.outputs.items()}
    return outputs, {name: writer.full(index) for name, index in program.after.items()}


def sum_of_rows(sheet: Sheet, table: str, ids: str, where: str, *, valid: str, axis: int) -> str:
    """The sum over an axis of a table's rows for some ids, of those that are valid."""
    safe = sheet.add("Where", valid, ids, sheet.whole(0), hint=f"{where}/ids")
    rows = sheet.add("Gather", table, safe, axis=0, hint=f"{where}/rows")
    wide = sheet.add("Unsqueeze", valid, sheet.whole(-1), hint=f"{where}/valid")
    kept = sheet.add("Where", wide, rows, sheet.floats([0.0], "zero"), hint=f"{where}/kept")
    return sheet.add("ReduceSum", kept, sheet.whole(axis), keepdims=0, hint=f"{where}/sum")


def never_none(sheet: Sheet, ids: str, rank: int) -> str:
    """Ids [..., K] with one more -1 at their end: a sum over nothing at all is no 0 in onnxruntime."""
    pads = sheet.whole(*[0] * (2 * rank - 1), 1)
    return sheet.add("Pad", ids, pads, sheet.hold(np.int64(-1), "filler"), hint=f"{ids}/some")


def valid_ids(sheet: Sheet, ids: str, where: str) -> str:
    """Which of some ids are none of the -1 that fill up."""
    return sheet.add("Less", sheet.whole(-1), ids, hint=f"{where}/chosen")


def counted(sheet: Sheet, valid: str, where: str) -> str:
    """How many are valid along the last axis, [..., 1]."""
    numbers = sheet.add("Cast", valid, to=sheet.onnx.TensorProto.FLOAT, hint=f"{where}/ones")
    return sheet.add("ReduceSum", numbers, sheet.whole(-1), keepdims=1, hint=f"{where}/count")


class _Writer:
    def __init__(self, sheet: Sheet, program: Program, given: Mapping[str, str], where: str, rank: int) -> None:
        self.sheet, self.program, self.given, self.where, self.rank = sheet, program, given, where, rank
        self.made: list[str] = []
        # Whether a value has an axis of rows; what hangs on weights alone has none.
        self.rowed: list[bool] = []
        self.truths: dict[int, str] = {}
        self.cut: dict[int, str] = {}
        self.careful = _careful(program)
        self.splits = _splits(program)
        for index, value in enumerate(program.values):
            self.rowed.append(self._has_rows(value))
            self.made.append(self._write(index, value))

    def full(self, index: int) -> str:
        """A value with an axis of rows."""
        if self.rowed[index]:
            return self.made[index]
        like = next(self.made[i] for i, value in enumerate(self.program.values) if value.kind in ("number", "state"))
        shape = self.sheet.add("Shape", like, hint=f"{self.where}/shape")
        rows = self.sheet.add("Slice", shape, self.sheet.whole(0), self.sheet.whole(-1), hint=f"{self.where}/rows")
        width = self.sheet.whole(self.program.values[index].width)
        wanted = self.sheet.add("Concat", rows, width, axis=0, hint=f"{self.where}/wanted")
        return self.sheet.add("Expand", self.made[index], wanted, hint=f"{self.where}/full")

    def _has_rows(self, value: Value) -> bool:
        if value.kind == "count":
            return self.program.ids[self._ids(value)].many
        return value.kind in ("number", "state", *LOOKUPS) or any(self.rowed[i] for i in value.arguments)

    def _write(self, index: int, value: Value) -> str:
        label, hint = str(value.label), f"{self.where}/{value.kind}{index}"
        if value.kind in ("number", "state"):
            return self.given[label]
        if value.kind == "weight":
            return self.sheet.floats(self.program.weights[label], label)
        if value.kind == "constant":
            return self.sheet.floats([float(value.label)], f"number/{value.label}")
        if value.kind == "count" or value.kind in LOOKUPS:
            return self._lookup(value, hint)
        if value.kind == "product":
            return self._product(value, hint)
        if value.kind == "slice":
            return self._slice(index, value, hint)
        if value.kind == "join":
            return self.sheet.add("Concat", *(self.full(i) for i in value.arguments), axis=-1, hint=hint)
        return self._arithmetic(index, value, hint)

    def _arithmetic(self, index: int, value: Value, hint: str) -> str:
        if value.kind == "less":
            self.truths[index] = self.sheet.add("Less", *self._read(value), hint=f"{hint}/truth")
            # As a number only where it is used as one.
            users = [v for v in self.program.values if index in v.arguments]
            shown = index in (*self.program.outputs.values(), *self.program.after.values())
            if not shown and all(v.kind == "select" and index not in v.arguments[1:] for v in users):
                return self.truths[index]
            return self.sheet.add("Cast", self.truths[index], to=self.sheet.onnx.TensorProto.FLOAT, hint=hint)
        if value.kind == "select":
            condition, *branches = value.arguments
            if condition not in self.truths:
                kind = self.sheet.onnx.TensorProto.BOOL
                self.truths[condition] = self.sheet.add("Cast", self.made[condition], to=kind, hint=f"{hint}/truth")
            return self.sheet.add("Where", self.truths[condition], *(self.made[i] for i in branches), hint=hint)
        if value.kind in ALONG_A_ROW:
            if value.kind == "row_sum":
                return self.sheet.add("ReduceSum", *self._read(value), self.sheet.whole(-1), keepdims=1, hint=hint)
            operator = "ReduceMean" if value.kind == "row_mean" else "ReduceMax"
            return self.sheet.add(operator, *self._read(value), axes=[-1], keepdims=1, hint=hint)
        if index in self.careful:
            return self._sigmoid(self._read(value)[0], hint)
        assert value.kind in ELEMENTWISE
        return self.sheet.add(OPERATORS[value.kind], *self._read(value), hint=hint)

    def _read(self, value: Value) -> list[str]:
        return [self.made[i] for i in value.arguments]

    def _sigmoid(self, given: str, hint: str) -> str:
        """1 / (1 + exp(-v)), which keeps its digits near 0, where onnxruntime's own sigmoid has none."""
        one = self.sheet.floats([1.0], "number/1.0")
        negative = self.sheet.add("Neg", given, hint=f"{hint}/negative")
        power = self.sheet.add("Exp", negative, hint=f"{hint}/power")
        return self.sheet.add("Div", one, self.sheet.add("Add", one, power, hint=f"{hint}/sum"), hint=hint)

    def _product(self, value: Value, hint: str) -> str:
        matrix = self.sheet.floats(self.program.weights[str(value.label)], str(value.label))
        factor, *start = self._read(value)
        if self.rank == 2 and self.rowed[value.arguments[0]]:
            return self.sheet.add("Gemm", factor, matrix, *start, hint=hint)
        product = self.sheet.add("MatMul", factor, matrix, hint=hint)
        return self.sheet.add("Add", product, *start, hint=f"{hint}/moved") if start else product

    def _slice(self, index: int, value: Value, hint: str) -> str:
        (whole,) = value.arguments
        first = int(value.label)
        if whole not in self.splits:
            bounds = [self.sheet.whole(number) for number in (first, first + value.width, -1)]
            return self.sheet.add("Slice", self.made[whole], *bounds, hint=hint)
        parts = self.splits[whole]
        if index == min(parts):
            widths = self.sheet.whole(*(self.program.values[i].width for i in parts))
            hints = [f"{self.where}/slice{i}" for i in parts]
            made = self.sheet.spread("Split", [self.made[whole], widths], hints, axis=-1)
            self.cut.update(zip(parts, made, strict=True))
        return self.cut[index]

    def _ids(self, value: Value) -> str:
        return str(value.label).rpartition("/")[2]

    def _lookup(self, value: Value, hint: str) -> str:
        name = self._ids(value)
        ids, many = self.given[name], self.program.ids[name].many
        if value.kind == "count":
            if not many:
                return self.sheet.floats([1.0], "number/1.0")
            return counted(self.sheet, valid_ids(self.sheet, ids, hint), hint)
        label = str(value.label).rpartition("/")[0]
        table = self.sheet.floats(self.program.weights[label], label)
        if not many:
            return self.sheet.add("Gather", table, ids, axis=0, hint=hint)
        valid = valid_ids(self.sheet, ids, hint)
        total = sum_of_rows(self.sheet, table, ids, hint, valid=valid, axis=1)
        if value.kind == "lookup_sum":
            return total
        return mean_of(self.sheet, total, counted(self.sheet, valid, hint), hint)


def mean_of(sheet: Sheet, total: str, count: str, where: str) -> str:
    """A sum divided by how many there are, and by 1 where there are none."""
    least = sheet.add("Max", count, sheet.floats([1.0], "number/1.0"), hint=f"{where}/least")
    return sheet.add("Div", total, least, hint=f"{where}/mean")


def _careful(program: Program) -> set[int]:
    """The sigmoids whose value near 0 something divides by, or takes the root or the logarithm of."""
    reached: set[int] = set()
    for index in range(len(program.values) - 1, -1, -1):
        value = program.values[index]
        elementwise = value.kind in ELEMENTWISE and value.kind not in ("sigmoid", "tanh")
        if index in reached and elementwise:
            reached.update(value.arguments)
        reached.update(value.arguments[place] for place in _SHARP.get(value.kind, ()))
    return {index for index in reached if program.values[index].kind == "sigmoid"}


def _splits(program: Program) -> dict[int, list[int]]:
    """The values that are cut into slices which lie side by side and leave nothing over, and those slices."""
    slices: dict[int, list[int]] = {}
    for index, value in enumerate(program.values):
        if value.kind == "slice":
            slices.setdefault(value.arguments[0], []).append(index)
    tiled = {}
    for whole, parts in slices.items():
        ordered = sorted(parts, key=lambda i: int(program.values[i].label))
        ends = np.cumsum([program.values[i].width for i in ordered]).tolist()
        side_by_side = [int(program.values[i].label) for i in ordered] == [0, *ends[:-1]]
        if side_by_side and ends[-1] == program.values[whole].width and len(parts) > 1:
            tiled[whole] = ordered
    return tiled
