from __future__ import annotations

from typing import Any

import numpy
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from ostinato.errors import ArtifactError
from ostinato.importing.onnx_counts import COUNTS
from ostinato.importing.onnx_file import read_file
from ostinato.importing.onnx_plumbing import PLUMBING, run
from ostinato.importing.onnx_step import MOST_MOVED, Budget, Value
from tests.importing.graphs import judged, lone, model_of, open_value

X = numpy.arange(24, dtype=numpy.int64).reshape(2, 3, 4)


def ints(*numbers: int) -> NDArray[Any]:
    return numpy.array(numbers, numpy.int64)


# An operation, what it reads besides the moved array, its attributes, its opset.
MOVES: list[tuple[str, list[Any], dict[str, Any], int]] = [
    ("Identity", [], {}, 17),
    ("Dropout", [], {}, 17),
    ("Dropout", [numpy.array(0.5, numpy.float32), numpy.array(False)], {}, 17),
    ("Cast", [], {"to": TensorProto.INT32}, 17),
    ("Transpose", [], {"perm": [2, 0, 1]}, 17),
    ("Transpose", [], {}, 17),
    ("Unsqueeze", [ints(0, -1)], {}, 17),
    ("Unsqueeze", [], {"axes": [0, 2]}, 12),
    ("Reshape", [ints(0, -1)], {}, 17),
    ("Reshape", [ints(-1, 2)], {"allowzero": 1}, 17),
    ("Flatten", [], {}, 17),
    ("Flatten", [], {"axis": -1}, 17),
    ("Flatten", [], {"axis": 0}, 17),
    ("Concat", [X + 24, X + 48], {"axis": 1}, 17),
    ("Concat", [X + 24], {"axis": -1}, 17),
    ("Split", [ints(1, 3)], {"axis": 2}, 17),
    ("Split", [], {"axis": 2}, 17),
    ("Split", [], {"axis": 1, "split": [1, 2]}, 12),
    ("Slice", [ints(1), ints(3)], {}, 17),
    ("Slice", [ints(-2), ints(2**62), ints(-1)], {}, 17),
    ("Slice", [ints(0, 1), ints(9, 3), ints(2, 1), ints(2, 1)], {}, 17),
    ("Slice", [ints(-1), ints(-(2**63)), ints(1), ints(-1)], {}, 17),
    ("Slice", [ints(2), ints(0), ints(1), ints(-1)], {}, 17),
    ("Slice", [], {"starts": [1], "ends": [3], "axes": [2]}, 9),
    ("Gather", [ints(1, 0)], {"axis": 1}, 17),
    ("Gather", [numpy.array(-1)], {"axis": 0}, 17),
    ("Gather", [numpy.array([[0, 1], [2, 0]])], {"axis": -1}, 17),
    ("Expand", [ints(5, 1, 3, 1)], {}, 17),
    ("Tile", [ints(1, 2, 1)], {}, 17),
]


@pytest.mark.parametrize(("operation", "more", "attributes", "opset"), MOVES, ids=lambda v: v if type(v) is str else "")
def test_a_move_puts_everything_where_onnxruntime_does(
    operation: str, more: list[Any], attributes: dict[str, Any], opset: int
) -> None:
    names = ["x", *(f"m{index}" for index in range(len(more)))]
    outputs = ["a", "b"] if operation == "Split" else ["a"]
    step = helper.make_node(operation, names, outputs, **attributes)
    model = model_of([step], [open_value("x", [2, 3, 4], TensorProto.INT64)], outputs, {}, opset)
    del model.graph.output[:]
    kind = TensorProto.INT32 if operation == "Cast" else TensorProto.INT64
    # onnxruntime drops nothing from whole numbers, because it cannot.
    floating = operation == "Dropout"
    fed = X.astype(numpy.float32) if floating else X
    kind = TensorProto.FLOAT if floating else kind
    model.graph.input[0].CopyFrom(open_value("x", [2, 3, 4], TensorProto.FLOAT if floating else TensorProto.INT64))
    model.graph.output.extend(open_value(name, None, kind) for name in outputs)
    model.graph.initializer.extend(
        helper.make_tensor(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape, a.tobytes(), raw=True)
        for n, a in zip(names[1:], more, strict=True)
    )
    wanted = judged(model, {"x": fed})
    (step_of,) = read_file(model).nodes
    places = operation != "Concat"
    values = [Value(X, places, not floating), *map(Value.known, more)]
    made = run(step_of, values, Budget())
    for name, value in zip(outputs, made, strict=True):
        assert numpy.array_equal(value.array, wanted[name].numpy())
        assert value.places is places


COMES_IN = Value(X, True)
REFUSED: list[tuple[str, list[Any], dict[str, Any], str]] = [
    ("Add", [COMES_IN, ints(1)], {}, "it computes with what comes in; only RNN, LSTM and GRU may"),
    ("Gather", [X, COMES_IN], {}, "it looks up rows of a table by what comes in; .* without its embedding"),
    ("Concat", [COMES_IN, X], {"axis": 0}, "it joins what comes in with numbers of the file"),
    ("Concat", [COMES_IN, COMES_IN], {}, "its axis is missing"),
    ("Cast", [COMES_IN], {"to": TensorProto.INT64}, "it casts what comes in between whole numbers and others"),
    ("Cast", [X], {"to": TensorProto.STRING}, "a type that is not known here"),
    ("Dropout", [COMES_IN, numpy.float32(0.5), numpy.array(True)], {}, "it drops numbers in training"),
    ("Reshape", [COMES_IN, ints(5, 5)], {}, "cannot reshape array"),
    ("Reshape", [COMES_IN, ints(0, 0, 0, 0)], {}, "list index|tuple index"),
    ("Transpose", [COMES_IN], {"perm": [0, 0, 1]}, "repeated axis"),
    ("Transpose", [None], {}, "its input 0 is missing"),
    ("Squeeze", [COMES_IN, ints(0)], {}, "cannot select an axis"),
    ("Unsqueeze", [COMES_IN], {}, "its axes are missing"),
    ("Slice", [COMES_IN], {}, "its starts and ends are missing"),
    ("Slice", [COMES_IN, ints(0), ints(1), ints(9)], {}, "out of range"),
    ("Slice", [COMES_IN, ints(0), ints(1), ints(0), ints(0)], {}, "step cannot be zero"),
    ("Split", [COMES_IN, ints(5)], {}, r"it splits 2 into \[5\]"),
    ("Gather", [COMES_IN, ints(9)], {}, "out of bounds"),
    ("Expand", [COMES_IN, ints(5)], {}, "shape mismatch|could not be broadcast"),
    ("Tile", [COMES_IN, ints(2)], {}, "zip"),
    ("TopK", [COMES_IN, ints(2)], {}, "it sorts something else than the lengths of all rows"),
    ("TopK", [Value(X[0, 0], True, True), ints(2)], {}, "it sorts something else"),
    ("TopK", [Value(X[0, 0], True, True), ints(4)], {"sorted": 0}, "it sorts something else"),
    ("ScatterElements", [ints(1), ints(0), ints(2)], {"reduction": "add"}, "it adds up what it puts in one place"),
    ("ScatterElements", [ints(1), ints(7), ints(2)], {}, "out of bounds"),
    ("Range", [ints(0), ints(9), ints(0)], {}, "its step is 0"),
    ("Div", [ints(1), ints(0)], {}, "divide by zero"),
    ("ConstantOfShape", [ints(-1)], {}, "negative size"),
    ("Constant", [], {"value_string": "a"}, "one value of plain numbers"),
]


@pytest.mark.parametrize(
    ("operation", "given", "attributes", "said"), REFUSED, ids=lambda v: v if type(v) is str else ""
)
def test_what_cannot_be_followed_is_refused_by_name(
    operation: str, given: list[Any], attributes: dict[str, Any], said: str
) -> None:
    values = [Value.known(numpy.asarray(v)) if isinstance(v, numpy.ndarray | numpy.generic) else v for v in given]
    with pytest.raises(ArtifactError, match=rf"the node 'n' \({operation}\) cannot be followed: .*({said})"):
        run(lone(operation, len(given), **attributes), values, Budget())


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("ConstantOfShape", [ints(2**31, 2**31)]),
        ("Expand", [ints(1), ints(2**40)]),
        ("Range", [ints(0), ints(2**40), ints(1)]),
        ("Tile", [ints(1), ints(2**40)]),
        ("Add", [numpy.zeros((2**14, 1)), numpy.zeros((1, 2**14))]),
        ("Gather", [numpy.zeros((1, 2**14)), numpy.zeros(2**14, int)]),
    ],
)
def test_nothing_is_made_that_is_too_large(operation: str, given: list[Any]) -> None:
    with pytest.raises(ArtifactError, match=f"moves more than {MOST_MOVED:,} numbers about"):
        run(lone(operation, len(given)), [Value.known(array) for array in given], Budget())


def test_rows_are_sorted_in_one_order_for_all() -> None:
    places = numpy.arange(40, 44)
    values, order = run(lone("TopK", 2, 2), [Value(places, True, True), Value.known(ints(4))], Budget())
    assert values.places
    assert not order.places
    assert values.array.tolist() == (places[order.array]).tolist()
    # An order that is not its own inverse: rows that are put back by the wrong one would show.
    assert order.array[order.array].tolist() != [0, 1, 2, 3]


def test_doubling_again_and_again_ends() -> None:
    budget, value = Budget(MOST_MOVED - 200), Value.known(ints(1))

    def double() -> Value:
        return run(lone("Concat", 2, axis=0), [value, value], budget)[0]

    for _ in range(5):
        value = double()
    with pytest.raises(ArtifactError, match="moves more than"):
        double()


def test_every_operation_is_tried_here() -> None:
    tried = {case[0] for case in (*MOVES, *REFUSED)}
    assert set(PLUMBING) - set(COUNTS) <= tried
