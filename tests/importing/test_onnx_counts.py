from __future__ import annotations

from typing import Any

import numpy
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from ostinato.importing.onnx_counts import COUNTS
from ostinato.importing.onnx_plumbing import run
from ostinato.importing.onnx_step import Budget, Value
from tests.importing.graphs import lone

X = numpy.arange(24, dtype=numpy.int64).reshape(2, 3, 4)


def ints(*numbers: int) -> NDArray[Any]:
    return numpy.array(numbers, numpy.int64)


CASES: list[tuple[str, list[Any], Any]] = [
    ("Add", [ints(1, 2), ints(3)], [4, 5]),
    ("Sub", [ints(1, 2), ints(3)], [-2, -1]),
    ("Mul", [ints(4), ints(2, 3)], [8, 12]),
    ("Div", [ints(9, 4), ints(2)], [4, 2]),
    ("Div", [numpy.float32([1.0]), numpy.float32([2.0])], [0.5]),
    ("Neg", [ints(3)], [-3]),
    ("Equal", [ints(1, 2), ints(2)], [False, True]),
    ("Where", [numpy.array([True, False]), ints(1, 1), ints(2, 2)], [1, 2]),
    ("Size", [X], 24),
    ("Range", [ints(1), ints(7), ints(2)], [1, 3, 5]),
    ("Range", [ints(2), ints(0), ints(1)], []),
    ("ReduceProd", [ints(2, 3, 4)], [24]),
    (
        "ReduceProd",
        [X + 1, ints(0, 2)],
        [
            [
                [1 * 2 * 3 * 4 * 13 * 14 * 15 * 16],
                [5 * 6 * 7 * 8 * 17 * 18 * 19 * 20],
                [9 * 10 * 11 * 12 * 21 * 22 * 23 * 24],
            ]
        ],
    ),
    ("ScatterElements", [ints(0, 0, 0), ints(2, 0, 1), ints(7, 8, 9)], [8, 9, 7]),
    ("Shape", [X], [2, 3, 4]),
    ("ConstantOfShape", [ints(2, 1)], [[0.0], [0.0]]),
]


@pytest.mark.parametrize(("operation", "given", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_what_is_known_is_counted(operation: str, given: list[Any], wanted: Any) -> None:
    (value,) = run(lone(operation, len(given)), [Value.known(array) for array in given], Budget())
    assert value.array.tolist() == wanted
    assert not value.places


def test_parts_of_a_shape_and_every_kind_of_constant() -> None:
    assert run(lone("Shape", start=1, end=-1), [Value(X, True)], Budget())[0].array.tolist() == [3]
    for attributes, wanted in (
        ({"value_int": 3}, 3),
        ({"value_ints": [3, 4]}, [3, 4]),
        ({"value_float": 0.5}, 0.5),
        ({"value_floats": [0.5]}, [0.5]),
        ({"value": helper.make_tensor("v", TensorProto.INT64, [1], [7])}, [7]),
    ):
        assert run(lone("Constant", 0, **attributes), [], Budget())[0].array.tolist() == wanted
    seven = helper.make_tensor("v", TensorProto.INT64, [1], [7])
    assert run(lone("ConstantOfShape", value=seven), [Value.known(ints(2))], Budget())[0].array.tolist() == [7, 7]


def test_every_operation_is_tried_here() -> None:
    assert set(COUNTS) == {case[0] for case in CASES} | {"Constant"}
