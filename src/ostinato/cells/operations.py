"""The vocabulary of a cell's equations.

Each operation is a :func:`functools.singledispatch` function. Here it knows plain numbers; symbols, tensors and arrays
are registered by the floors that own them, so that one equation computes with all of them:

>>> sigmoid(0.0)
0.5
>>> tanh(0)
0.0

Only what stands here, and ``+ - * /``, may appear in a cell: that is what kernels and exports can be derived from.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import singledispatch
from typing import Any

UNARY = ("sigmoid", "tanh", "relu", "exp", "log", "softplus", "sqrt", "absolute", "sin", "cos")
BINARY = ("maximum", "minimum", "less")
ROWWISE = ("row_sum", "row_mean", "row_max")


# Who teaches the operations the values of a package that this floor does not know; filled from above.
TEACHERS: dict[str, Callable[[], object]] = {}


def _learn(operation: Any, *values: Any) -> Any:
    """Compute once somebody has taught the operation this kind of value, or refuse it."""
    for value in values:
        teach = TEACHERS.pop(type(value).__module__.partition(".")[0], None)
        if teach is not None:
            teach()
            return operation(*values)
    strange = next((v for v in values if not isinstance(v, int | float)), values[0])
    name = next(name for name, known in OPERATIONS.items() if known is operation)
    raise TypeError(f"{name} wanted a number, a tensor or a symbol, got {type(strange).__name__}")


@singledispatch
def sigmoid(value: Any) -> Any:
    """1 / (1 + exp(-v)): a gate between closed, 0, and open, 1."""
    return _learn(sigmoid, value)


@singledispatch
def tanh(value: Any) -> Any:
    """The hyperbolic tangent, between -1 and 1."""
    return _learn(tanh, value)


@singledispatch
def relu(value: Any) -> Any:
    """max(v, 0)."""
    return _learn(relu, value)


@singledispatch
def exp(value: Any) -> Any:
    """The exponential function."""
    return _learn(exp, value)


@singledispatch
def log(value: Any) -> Any:
    """The natural logarithm."""
    return _learn(log, value)


@singledispatch
def softplus(value: Any) -> Any:
    """log(1 + exp(v)), without overflow for large v."""
    return _learn(softplus, value)


@singledispatch
def sqrt(value: Any) -> Any:
    """The square root."""
    return _learn(sqrt, value)


@singledispatch
def absolute(value: Any) -> Any:
    """The magnitude, without its sign."""
    return _learn(absolute, value)


@singledispatch
def sin(value: Any) -> Any:
    """The sine of an angle in radians."""
    return _learn(sin, value)


@singledispatch
def cos(value: Any) -> Any:
    """The cosine of an angle in radians."""
    return _learn(cos, value)


@singledispatch
def maximum(left: Any, right: Any) -> Any:
    """The larger of two values, element by element."""
    return _by_the_right(maximum, left, right)


@singledispatch
def minimum(left: Any, right: Any) -> Any:
    """The smaller of two values, element by element."""
    return _by_the_right(minimum, left, right)


@singledispatch
def less(left: Any, right: Any) -> Any:
    """Whether left < right, element by element; the condition of :func:`select`."""
    return _by_the_right(less, left, right)


@singledispatch
def select(condition: Any, yes: Any, no: Any) -> Any:
    """``yes`` where the condition holds, else ``no``; a choice without an ``if``.

    >>> select(less(1.0, 2.0), 10.0, 20.0)
    10.0
    """
    return _learn(select, condition, yes, no)


@singledispatch
def product(value: Any, matrix: Any) -> Any:
    """The product of a named matrix M [H, H] with a value [..., H]: M v for every row."""
    return _learn(product, value, matrix)


@singledispatch
def row_sum(value: Any) -> Any:
    """The sum over the H units of each row."""
    return _learn(row_sum, value)


@singledispatch
def row_mean(value: Any) -> Any:
    """The mean over the H units of each row."""
    return _learn(row_mean, value)


@singledispatch
def row_max(value: Any) -> Any:
    """The largest of the H units of each row."""
    return _learn(row_max, value)


def _by_the_right(operation: Any, left: Any, right: Any) -> Any:
    """Let the second operand's type choose where the first is a plain number."""
    if isinstance(left, int | float):
        chosen = operation.dispatch(type(right))
        if chosen is not operation.dispatch(object):
            return chosen(left, right)
    return _learn(operation, left, right)


def _register_numbers() -> None:
    def stable_sigmoid(v: float) -> float:
        return 1.0 / (1.0 + math.exp(-v)) if v >= 0 else math.exp(v) / (1.0 + math.exp(v))

    unary: dict[Any, Callable[[float], float]] = {
        sigmoid: stable_sigmoid,
        tanh: math.tanh,
        relu: lambda v: float(max(v, 0.0)),
        exp: math.exp,
        log: math.log,
        softplus: lambda v: max(v, 0.0) + math.log1p(math.exp(-abs(v))),
        sqrt: math.sqrt,
        absolute: abs,
        sin: math.sin,
        cos: math.cos,
    }
    for operation, compute in unary.items():
        for kind in (int, float):
            operation.register(kind, compute)
    select.register(bool, lambda condition, yes, no: yes if condition else no)

    def pairwise(operation: Any, compute: Callable[[float, float], Any]) -> None:
        def apply(left: float, right: Any) -> Any:
            if isinstance(right, int | float):
                return compute(left, right)
            return _by_the_right(operation, left, right)

        for kind in (int, float):
            operation.register(kind, apply)

    pairwise(maximum, max)
    pairwise(minimum, min)
    pairwise(less, lambda left, right: left < right)


_register_numbers()

_ALL: tuple[Any, ...] = (
    *(sigmoid, tanh, relu, exp, log, softplus, sqrt, absolute, sin, cos),
    *(maximum, minimum, less, select, product, row_sum, row_mean, row_max),
)
OPERATIONS: dict[str, Any] = {operation.__name__: operation for operation in _ALL}
