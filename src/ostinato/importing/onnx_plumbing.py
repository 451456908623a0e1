"""What stands between recurrent nodes: operations that move values about, or count shapes.

A value is an array of numbers, or of places: whole numbers that each stand for one number that comes in or is made by a
recurrent node. Moving is the same for both, so that after any chain of moves the places tell what stands where.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.errors import ArtifactError
from ostinato.importing.onnx_file import Node

# Of one graph in all: far more than moves between layers need, and little enough for any machine.
MOST_MOVED = 2**26


@dataclass(frozen=True)
class Value:
    """An array of numbers, or of ``places``; ``whole`` says whether the numbers are whole ones."""

    array: NDArray[Any]
    places: bool = False
    whole: bool = False

    @classmethod
    def known(cls, array: NDArray[Any]) -> Value:
        """Numbers that are known before anything comes in."""
        return cls(array, False, array.dtype.kind in "iub")

    def like(self, array: NDArray[Any]) -> Value:
        """The same kind of value, moved."""
        return Value(array, self.places, self.whole)


class Refused(Exception):
    """What a node does cannot be followed; the message says why."""


@dataclass
class Moves:
    """Runs moves within bounds: what a graph makes is counted before it is made."""

    opset: int
    moved: int = 0

    def run(self, node: Node, values: Sequence[Value | None]) -> list[Value]:
        """What a node of :data:`PLUMBING` makes. Raises :class:`~ostinato.errors.ArtifactError` where it cannot."""
        try:
            made = PLUMBING[node.operation](Step(node, values, self))
        except Refused as reason:
            raise ArtifactError(f"{node} cannot be followed: {reason}") from None
        except (ValueError, IndexError, TypeError, OverflowError, ArithmeticError, MemoryError) as error:
            raise ArtifactError(f"{node} cannot be followed: {str(error)[:200]}") from None
        for value in made:
            self.count(value.array.size if value.array.base is None else 0)
        return made

    def count(self, size: int) -> None:
        """Refuse more than a graph may move in all."""
        self.moved += size
        if self.moved > MOST_MOVED:
            raise ArtifactError(
                f"the graph moves more than {MOST_MOVED:,} numbers about; wanted recurrent nodes with a little between"
            )


@dataclass(frozen=True)
class Step:
    """One node with what it reads."""

    node: Node
    values: Sequence[Value | None]
    moves: Moves

    @property
    def value(self) -> Value:
        """What is moved."""
        return self.wanted(0)

    def wanted(self, index: int) -> Value:
        """One of the inputs, which has to be there."""
        value = self.values[index] if index < len(self.values) else None
        if value is None:
            raise Refused(f"its input {index} is missing")
        return value

    def numbers(self, index: int) -> NDArray[Any]:
        """An input that has to be known, not to come in."""
        value = self.wanted(index)
        if value.places:
            raise Refused("it computes with what comes in; only RNN, LSTM and GRU may")
        return value.array

    def integers(self, index: int, name: str, default: Any = None) -> list[int] | None:
        """Whole numbers that are an input in later opsets and an attribute in earlier ones."""
        if index < len(self.values) and self.values[index] is not None:
            return [int(number) for number in self.numbers(index).reshape(-1)]
        found = self.node.attributes.get(name, default)
        return None if found is None else list(found)

    def attribute(self, name: str, default: Any) -> Any:
        """An attribute of the node."""
        return self.node.attributes.get(name, default)

    def grows(self, shape: Sequence[int]) -> None:
        """Count what is about to be made."""
        if any(size < 0 for size in shape):
            raise Refused(f"the shape {list(shape)} has a negative size")
        self.moves.count(math.prod(shape))


def _same(step: Step) -> list[Value]:
    return [step.value]


def _dropout(step: Step) -> list[Value]:
    if len(step.values) > 2 and step.values[2] is not None and bool(step.numbers(2).any()):
        raise Refused("it drops numbers in training; export the model for inference (model.eval())")
    return [step.value]


def _cast(step: Step) -> list[Value]:
    kinds = {1: "float32", 10: "float32", 16: "float32", 11: "float64", 6: "int32", 7: "int64", 9: "bool"}
    kind = kinds.get(int(step.attribute("to", 0)))
    if kind is None:
        raise Refused("it casts to a type that is not known here")
    value, whole = step.value, kind[0] in "ib"
    if not value.places:
        return [Value(value.array.astype(kind), False, whole)]
    if value.whole != whole or kind == "bool":
        raise Refused("it casts what comes in between whole numbers and others")
    return [value]


def _transpose(step: Step) -> list[Value]:
    return [step.value.like(numpy.transpose(step.value.array, step.attribute("perm", None)))]


def _squeeze(step: Step) -> list[Value]:
    axes = step.integers(1, "axes")
    return [step.value.like(numpy.squeeze(step.value.array, None if axes is None else tuple(axes)))]


def _unsqueeze(step: Step) -> list[Value]:
    axes = step.integers(1, "axes")
    if axes is None:
        raise Refused("its axes are missing")
    return [step.value.like(numpy.expand_dims(step.value.array, tuple(axes)))]


def _reshape(step: Step) -> list[Value]:
    shape = [int(size) for size in step.numbers(1).reshape(-1)]
    array = step.value.array
    if not step.attribute("allowzero", 0):
        shape = [array.shape[axis] if size == 0 else size for axis, size in enumerate(shape)]
    return [step.value.like(array.reshape(shape))]


def _flatten(step: Step) -> list[Value]:
    array, axis = step.value.array, int(step.attribute("axis", 1))
    axis = axis + array.ndim if axis < 0 else axis
    return [step.value.like(array.reshape(math.prod(array.shape[:axis]), -1))]


def _concat(step: Step) -> list[Value]:
    values = [step.wanted(index) for index in range(len(step.values))]
    if len({value.places for value in values}) > 1:
        raise Refused("it joins what comes in with numbers of the file")
    step.moves.count(sum(value.array.size for value in values))
    axis = step.attribute("axis", None)
    if axis is None:
        raise Refused("its axis is missing")
    return [values[0].like(numpy.concatenate([value.array for value in values], int(axis)))]


def _split(step: Step) -> list[Value]:
    array, axis = step.value.array, int(step.attribute("axis", 0))
    sizes = step.integers(1, "split")
    if sizes is None:
        count = len(step.node.outputs)
        part = -(-array.shape[axis] // count)
        sizes = [part] * (count - 1) + [array.shape[axis] - part * (count - 1)]
    if sum(sizes) != array.shape[axis] or min(sizes) < 0 or len(sizes) != len(step.node.outputs):
        raise Refused(f"it splits {array.shape[axis]} into {sizes}")
    return [step.value.like(part) for part in numpy.split(array, numpy.cumsum(sizes)[:-1], axis)]


def _slice(step: Step) -> list[Value]:
    array = step.value.array
    starts, ends = step.integers(1, "starts"), step.integers(2, "ends")
    if starts is None or ends is None or len(starts) != len(ends):
        raise Refused("its starts and ends are missing or differ in number")
    axes = step.integers(3, "axes") or list(range(len(starts)))
    strides = step.integers(4, "steps") or [1] * len(starts)
    picked = [slice(None)] * array.ndim
    for start, end, axis, stride in zip(starts, ends, axes, strides, strict=True):
        # Past the beginning, backwards: numpy would count from the end.
        last = None if stride < 0 and end < -array.shape[axis] else end
        picked[axis] = slice(start, last, stride)
    return [step.value.like(array[tuple(picked)])]


def _gather(step: Step) -> list[Value]:
    if step.wanted(1).places:
        raise Refused("it looks up rows of a table by what comes in; import the recurrent part without its embedding")
    array, picks, axis = step.value.array, step.numbers(1), int(step.attribute("axis", 0))
    step.grows([*array.shape[:axis], *picks.shape, *array.shape[axis:][1:]])
    return [step.value.like(numpy.take(array, picks.astype(numpy.int64), axis))]


def _expand(step: Step) -> list[Value]:
    shape = numpy.broadcast_shapes(step.value.array.shape, tuple(int(size) for size in step.numbers(1).reshape(-1)))
    step.grows(shape)
    return [step.value.like(numpy.broadcast_to(step.value.array, shape).copy())]


def _tile(step: Step) -> list[Value]:
    repeats, array = [int(count) for count in step.numbers(1).reshape(-1)], step.value.array
    step.grows([size * count for size, count in zip(array.shape, repeats, strict=True)])
    return [step.value.like(numpy.tile(array, repeats))]


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


PLUMBING: dict[str, Callable[[Step], list[Value]]] = {
    "Identity": _same,
    "Dropout": _dropout,
    "Cast": _cast,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Gather": _gather,
    "Expand": _expand,
    "Tile": _tile,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Shape": _shape,
    "Size": _size,
    "Add": _counting(numpy.add, 2),
    "Sub": _counting(numpy.subtract, 2),
    "Mul": _counting(numpy.multiply, 2),
    "Div": _counting(_divide, 2),
    "Neg": _counting(numpy.negative, 1),
    "Equal": _counting(numpy.equal, 2),
    "Where": _counting(numpy.where, 3),
}
