"""Nodes that make numbers which are known before anything comes in: constants, and arithmetic of shapes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.importing.onnx_step import Refused, Step, Value


def _constant(step: Step) -> list[Value]:
    names = ("value", "value_float", "value_floats", "value_int", "value_ints")
    found = [(name, step.node.attributes[name]) for name in names if name in step.node.attributes]
    if len(found) != 1 or len(step.node.attributes) != 1:
        raise Refused("it wanted one value of plain numbers")
    name, value = found[0]
    kind = None if name == "value" else "float32" if "float" in name else "int64"
    return [Value.known(numpy.asarray(value, dtype=kind))]


def _constant_of_shape(step: Step) -> list[Value]:
    shape = [int(size) for size in step.numbers(0).reshape(-1)]
    step.grows(shape)
    value = numpy.asarray(step.attribute("value", numpy.zeros(1, numpy.float32))).reshape(-1)
    if value.size != 1:
        raise Refused(f"it fills a shape with {value.size} numbers; wanted one")
    return [Value.known(numpy.full(shape, value[0]))]


def _shape(step: Step) -> list[Value]:
    shape = step.value.array.shape[step.attribute("start", 0) : step.attribute("end", None)]
    return [Value.known(numpy.asarray(shape, numpy.int64))]


def _size(step: Step) -> list[Value]:
    return [Value.known(numpy.asarray(step.value.array.size, numpy.int64))]


def _range(step: Step) -> list[Value]:
    start, end, stride = (step.numbers(index).reshape(()) for index in range(3))
    if stride == 0:
        raise Refused("its step is 0")
    step.grows([max(0, math.ceil((float(end) - float(start)) / float(stride)))])
    return [Value.known(numpy.arange(start.item(), end.item(), stride.item()).astype(start.dtype))]


def _product_of(step: Step) -> list[Value]:
    axes = step.integers(1, "axes")
    kept = bool(step.attribute("keepdims", 1))
    numbers = step.numbers(0)
    return [
        Value.known(numpy.asarray(numbers.prod(None if axes is None else tuple(axes), numbers.dtype, keepdims=kept)))
    ]


def _scattered(step: Step) -> list[Value]:
    data, picks, updates = (step.numbers(index) for index in range(3))
    if step.attribute("reduction", "none") != "none":
        raise Refused("it adds up what it puts in one place")
    made = data.copy()
    numpy.put_along_axis(made, picks.astype(numpy.int64), updates, int(step.attribute("axis", 0)))
    return [Value.known(made)]


def _counting(compute: Callable[..., Any], arguments: int) -> Callable[[Step], list[Value]]:
    """Arithmetic of numbers that are known, such as parts of shapes."""

    def run(step: Step) -> list[Value]:
        numbers = [step.numbers(index) for index in range(arguments)]
        step.grows(numpy.broadcast_shapes(*(array.shape for array in numbers)))
        with numpy.errstate(all="raise"):
            return [Value.known(numpy.asarray(compute(*numbers)))]

    return run


def _divide(left: NDArray[Any], right: NDArray[Any]) -> Any:
    return left // right if left.dtype.kind in "iu" else left / right


COUNTS: dict[str, Callable[[Step], list[Value]]] = {
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Shape": _shape,
    "Size": _size,
    "Range": _range,
    "ReduceProd": _product_of,
    "ScatterElements": _scattered,
    "Add": _counting(numpy.add, 2),
    "Sub": _counting(numpy.subtract, 2),
    "Mul": _counting(numpy.multiply, 2),
    "Div": _counting(_divide, 2),
    "Neg": _counting(numpy.negative, 1),
    "Equal": _counting(numpy.equal, 2),
    "Where": _counting(numpy.where, 3),
}
