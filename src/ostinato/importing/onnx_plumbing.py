"""What stands between recurrent nodes: operations that move values about, or count shapes.

A value is an array of numbers, or of places: whole numbers that each stand for one number that comes in or is made by a
recurrent node. Moving is the same for both, so that after any chain of moves the places tell what stands where.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy

from ostinato.errors import ArtifactError
from ostinato.importing.onnx_counts import COUNTS
from ostinato.importing.onnx_file import Node
from ostinato.importing.onnx_step import Budget, Refused, Step, Value


def run(node: Node, values: Sequence[Value | None], budget: Budget) -> list[Value]:
    """What a node of :data:`PLUMBING` makes. Raises :class:`~ostinato.errors.ArtifactError` where it cannot."""
    try:
        made = PLUMBING[node.operation](Step(node, values, budget))
    except Refused as reason:
        raise ArtifactError(f"{node} cannot be followed: {reason}") from None
    except (ValueError, IndexError, TypeError, OverflowError, ArithmeticError, MemoryError) as error:
        raise ArtifactError(f"{node} cannot be followed: {str(error)[:200]}") from None
    for value in made:
        budget.count(value.array.size if value.array.base is None else 0)
    return made


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
    step.budget.count(sum(value.array.size for value in values))
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


def _sorted(step: Step) -> list[Value]:
    """Rows are put in the order of their lengths, which nobody knows: one order stands for all, and no row is fixed."""
    value, axis = step.value, step.attribute("axis", -1)
    size = value.array.size
    whole = value.places and value.whole and value.array.ndim == 1 and step.numbers(1).reshape(-1).tolist() == [size]
    if not whole or axis not in (0, -1) or not step.attribute("sorted", 1):
        raise Refused("it sorts something else than the lengths of all rows")
    order = numpy.roll(numpy.arange(size), 1)
    return [value.like(value.array[order]), Value.known(order)]


def _expand(step: Step) -> list[Value]:
    shape = numpy.broadcast_shapes(step.value.array.shape, tuple(int(size) for size in step.numbers(1).reshape(-1)))
    step.grows(shape)
    return [step.value.like(numpy.broadcast_to(step.value.array, shape).copy())]


def _tile(step: Step) -> list[Value]:
    repeats, array = [int(count) for count in step.numbers(1).reshape(-1)], step.value.array
    step.grows([size * count for size, count in zip(array.shape, repeats, strict=True)])
    return [step.value.like(numpy.tile(array, repeats))]


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
    "TopK": _sorted,
    "Expand": _expand,
    "Tile": _tile,
    **COUNTS,
}
