from __future__ import annotations

from typing import Any

import numpy
import pytest
import torch
from onnx import TensorProto, helper

from ostinato import from_onnx
from ostinato.errors import ArtifactError
from ostinato.importing.onnx_order import Places
from ostinato.layers import Recurrent
from tests.importing.exported import node
from tests.importing.graphs import B, D, H, T, judged, model_of, node_weights, numbers, open_value, rows_first

WEIGHTS = {f"{name}{i}": array for i in (1, 2) for name, array in node_weights("GRU", 1).items() if name in "WR"}
WEIGHTS |= {"U": node_weights("GRU", 1, inputs=H)["W"], "V": node_weights("GRU", 1, inputs=2 * H)["W"]}


def gru(x: str, y: str, weight: str = "W1", **attributes: Any) -> Any:
    return node("GRU", [x, weight, "R1"], [y, f"{y}_h"], hidden_size=H, **attributes)


def squeezed(y: str, made: str) -> list[Any]:
    return [node("Constant", [], [f"{made}_axis"], value_ints=[1]), node("Squeeze", [y, f"{made}_axis"], [made])]


def built(nodes: list[Any], outputs: list[str], inputs: list[Any] | None = None, **tensors: Any) -> Any:
    used = {name: array for name, array in {**WEIGHTS, **tensors}.items() if any(name in n.input for n in nodes)}
    return model_of(nodes, inputs or [open_value("x", ["t", "b", D])], outputs, used)


def constant(name: str, *numbers: int) -> Any:
    return node("Constant", [], [name], value_ints=list(numbers))


FLIPPED = [constant(n, v) for n, v in (("s", -1), ("e", -(2**62)), ("zero", 0), ("back", -1))]
X2 = [open_value("x", ["t", "b", D]), open_value("x2", ["t", "b", D])]
H0 = [open_value("x", ["t", "b", D]), open_value("n", ["b"], TensorProto.INT32)]

REFUSED: dict[str, tuple[Any, str]] = {
    "a head": (
        built([gru("x", "y"), node("Gemm", ["y", "W1"], ["z"])], ["z"]),
        r"the node '/z' \(Gemm\) is not understood; RNN, LSTM and GRU are imported, .* Cut the recurrent part out",
    ),
    "the first of two": (
        built([node("Relu", ["x"], ["r"]), gru("r", "y"), node("Softmax", ["y"], ["z"])], ["z"]),
        r"the node '/r' \(Relu\) is not understood",
    ),
    "another domain": (
        built([node("GRU", ["x", "W1", "R1"], ["y"], domain="com.example")], ["y"]),
        r"\(com\.example\.GRU\) is not understood",
    ),
    "no recurrence": (built([node("Identity", ["x"], ["y"])], ["y"]), "has no RNN, LSTM or GRU that its outputs need"),
    "a dangling name": (
        built([gru("nowhere", "y")], ["y"]),
        r"nothing makes 'nowhere', which the node '/y'",
    ),
    "a dangling output": (built([gru("x", "y")], ["z"]), "nothing makes 'z', which the graph's outputs read"),
    "a cycle": (
        built([node("Identity", ["b"], ["a"]), node("Identity", ["a"], ["b"]), gru("a", "y")], ["y"]),
        "needs what it makes itself; the graph has a cycle",
    ),
    "a cycle of one": (built([gru("y", "y")], ["y"]), "the graph has a cycle"),
    "two inputs": (
        built([gru("x", "y1"), gru("x2", "y2"), node("Concat", ["y1", "y2"], ["y"], axis=3)], ["y"], X2),
        "reads x and x2 in its lowest layers; wanted one input",
    ),
    "a layer below shown too": (
        built([gru("x", "y1"), *squeezed("y1", "s1"), gru("s1", "y2", "U")], ["y2", "y1"]),
        "the output 'y1' hands out recurrent node 1, what it shows; wanted what the uppermost layer shows",
    ),
    "the input shown": (built([gru("x", "y")], ["y", "x"]), "the output 'x' hands out the input 'x'"),
    "a number shown": (
        built([gru("x", "y"), constant("one", 1)], ["y", "one"]),
        "the output 'one' does not depend on what comes in",
    ),
    "some units shown": (
        built([gru("x", "y"), constant("pick", 0, 2), node("Gather", ["y", "pick"], ["p"], axis=3)], ["p"]),
        "the output 'p' hands out recurrent node 1, what it shows in another order, or only in parts",
    ),
    "two stacks": (
        built(
            [
                *(gru("x", "a"), gru("x", "b"), *squeezed("a", "a1"), *squeezed("b", "b1")),
                *(gru("a1", "c", "U"), gru("b1", "d", "U"), node("Concat", ["c", "d"], ["y"], axis=3)),
            ],
            ["y"],
        ),
        "has layers that read only a part of what is below",
    ),
    "a skip": (
        built(
            [
                *(gru("x", "a"), *squeezed("a", "a1"), gru("a1", "b", "U"), *squeezed("b", "b1")),
                *(node("Concat", ["a1", "b1"], ["ab"], axis=2), gru("ab", "y", "V")),
            ],
            ["y"],
        ),
        "has recurrent nodes side by side",
    ),
    "flipped time": (
        built([*FLIPPED, node("Slice", ["x", "s", "e", "zero", "back"], ["f"]), gru("f", "y")], ["y"]),
        "reads the input 'x' in another order, or only in parts",
    ),
    "some steps": (
        built([*FLIPPED, node("Slice", ["x", "zero", "back", "zero"], ["f"]), gru("f", "y")], ["y"]),
        "reads the input 'x' in another order, or only in parts",
    ),
    "wrong width": (
        built([gru("x", "y")], ["y"], [open_value("x", ["t", "b", D + 1])]),
        rf"wanted X with three axes, the last {D} wide as W has it, to come in; got \[\d, \d, {D + 1}\]",
    ),
    "an x of the file": (
        built([gru("X", "y")], ["y"], X=numpy.zeros((T, B, D), numpy.float32)),
        "to come in; got numbers of the file",
    ),
    "whole numbers as x": (
        built([gru("x", "y")], ["y"], [open_value("x", ["t", "b", D], TensorProto.INT64)]),
        "to come in",
    ),
    "a start from another node": (
        built(
            [gru("x", "a"), *squeezed("a", "a1"), node("GRU", ["a1", "U", "R1", "", "", "a_h"], ["y"], hidden_size=H)],
            ["y"],
        ),
        "starts from recurrent node 1, its last h; wanted an input of the graph, or numbers",
    ),
    "a start of another shape": (
        built(
            [node("GRU", ["x", "W1", "R1", "", "", "h0"], ["y"], hidden_size=H)],
            ["y"],
            [open_value("x", [T, B, D])],
            h0=numpy.ones((1, B, H + 1), numpy.float32),
        ),
        rf"the initial h wanted 1 direction, {B} rows and {H} units, got \[1, {B}, {H + 1}\]",
    ),
    "a start that is no number": (
        built(
            [node("GRU", ["x", "W1", "R1", "", "", "h0"], ["y"], hidden_size=H)],
            ["y"],
            [open_value("x", [T, B, D])],
            h0=numpy.full((1, B, H), numpy.nan, numpy.float32),
        ),
        "the initial h wanted finite numbers",
    ),
    "lengths of one layer only": (
        built(
            [
                node("GRU", ["x", "W1", "R1", "", "n"], ["a"], hidden_size=H),
                *squeezed("a", "a1"),
                gru("a1", "y", "U"),
            ],
            ["y"],
            H0,
        ),
        "has layers of different sequence_lens",
    ),
    "lengths that are too long": (
        built(
            [node("GRU", ["x", "W1", "R1", "", "n"], ["y"], hidden_size=H)],
            ["y"],
            [open_value("x", [T, B, D])],
            n=numpy.array([T + 1, 1, 1], numpy.int32),
        ),
        rf"sequence_lens wanted {B} whole numbers up to {T}, got \[8, 1, 1\]",
    ),
    "lengths that are turned round": (
        built(
            [
                *FLIPPED,
                node("Slice", ["n", "s", "e", "zero", "back"], ["m"]),
                node("GRU", ["x", "W1", "R1", "", "m"], ["y"], hidden_size=H),
            ],
            ["y"],
            H0,
        ),
        "reads the input 'x' in another order",
    ),
    "lengths that stand twice": (
        built(
            [
                *(constant("zeros", 0, 0, 0), node("Gather", ["n", "zeros"], ["m"])),
                node("GRU", ["x", "W1", "R1", "", "m"], ["y"], hidden_size=H),
            ],
            ["y"],
            [open_value("x", ["t", 3, D]), open_value("n", [3], TensorProto.INT32)],
        ),
        "sequence_lens wanted an input of the graph, one length for each row",
    ),
    "too few lengths": (
        built(
            [node("GRU", ["x", "W1", "R1", "", "n"], ["y"], hidden_size=H)],
            ["y"],
            [open_value("x", ["t", 3, D]), open_value("n", [2], TensorProto.INT32)],
        ),
        "sequence_lens wanted an input of the graph, one length for each row",
    ),
    "outputs turned round in time": (
        built([*FLIPPED, gru("x", "y"), node("Slice", ["y", "s", "e", "zero", "back"], ["f"])], ["f"]),
        "the output 'f' hands out recurrent node 1, what it shows in another order",
    ),
    "rows turned round": (
        built(
            [*FLIPPED, gru("x", "y"), constant("two", 2), node("Slice", ["y", "s", "e", "two", "back"], ["f"])], ["f"]
        ),
        "the output 'f' hands out recurrent node 1, what it shows in another order",
    ),
    "everything shown twice": (
        built([gru("x", "y"), node("Concat", ["y", "y"], ["f"], axis=0)], ["f"]),
        "the output 'f' hands out recurrent node 1, what it shows in another order",
    ),
    "starts turned round": (
        built(
            [
                *FLIPPED,
                *(constant("one", 1), node("Slice", ["h0", "s", "e", "one", "back"], ["h"])),
                node("GRU", ["x", "W1", "R1", "", "", "h"], ["y"], hidden_size=H),
            ],
            ["y"],
            [open_value("x", ["t", "b", D]), open_value("h0", [1, "b", H])],
        ),
        "starts from rows, directions or units in another order than they came in",
    ),
    "weights made from the batch": (
        built(
            [
                *(node("Shape", ["x"], ["s"]), node("Cast", ["s"], ["f"], to=TensorProto.FLOAT)),
                *(constant("last", 1), node("Gather", ["f", "last"], ["b"]), node("Mul", ["W1", "b"], ["W"])),
                gru("x", "y", "W"),
            ],
            ["y"],
        ),
        "computes its weights or initial states from the size of what comes in",
    ),
    "a huge input": (
        built([gru("x", "y")], ["y"], [open_value("x", [2**40, 2**20, D])]),
        "the graph moves more than",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_single_stack_is_refused(name: str) -> None:
    model, said = REFUSED[name]
    with pytest.raises(ArtifactError, match=said):
        from_onnx(model)


def sorted_rows(back: str) -> Any:
    """A graph that sorts its rows by length and puts them back, as torch does for packed sequences."""
    nodes = [
        *(node("Shape", ["n"], ["b"]), node("TopK", ["n", "b"], ["m", "order"])),
        *(node("Cast", ["m"], ["m32"], to=TensorProto.INT32), node("Gather", ["x", "order"], ["xs"], axis=1)),
        *(node("ConstantOfShape", ["b"], ["zeros"], value=helper.make_tensor("v", TensorProto.INT64, [1], [0])),),
        *(node("Constant", [], ["begin"], value_int=0), node("Constant", [], ["by"], value_int=1)),
        *(node("ReduceProd", ["b"], ["count"], keepdims=0), node("Range", ["begin", "count", "by"], ["all"])),
        node("ScatterElements", ["zeros", "order", "all"], ["back"]),
        node("GRU", ["xs", "W1", "R1", "", "m32"], ["ys", "hs"], hidden_size=H),
        *(node("Gather", ["ys", back], ["y"], axis=2), node("Gather", ["hs", back], ["h"], axis=1)),
    ]
    inputs = [open_value("x", ["t", "b", D]), open_value("n", ["b"], TensorProto.INT64)]
    return built(nodes, ["y", "h"], inputs)


def test_rows_that_are_sorted_by_length_and_put_back_are_followed() -> None:
    x, lengths = numbers(T, 4, D), numpy.array([4, 1, 7, 5])
    model = sorted_rows("back")
    layer = from_onnx(model)
    assert isinstance(layer, Recurrent)
    wanted = judged(model, {"x": x, "n": lengths})
    y, (end,) = layer(torch.tensor(x).transpose(0, 1), lengths=torch.tensor(lengths))
    torch.testing.assert_close(y, rows_first(wanted["y"]), rtol=0, atol=2e-6)
    torch.testing.assert_close(end.h, wanted["h"][0], rtol=0, atol=2e-6)


@pytest.mark.parametrize("back", ["order", "all"])
def test_rows_that_are_not_put_back_where_they_were_are_refused(back: str) -> None:
    with pytest.raises(
        ArtifactError, match="the output 'y' hands out recurrent node 1, what it shows in another order"
    ):
        from_onnx(sorted_rows(back))


@pytest.mark.parametrize("axis", [0, 1])
def test_a_graph_of_one_step_or_of_one_sequence_comes_in(axis: int) -> None:
    model = built(
        [constant("at", axis), node("Unsqueeze", ["x", "at"], ["x3"]), gru("x3", "y")],
        ["y"],
        [open_value("x", ["n", D])],
    )
    x = numbers(B, D)
    given = torch.tensor(x)[None] if axis == 1 else torch.tensor(x)[:, None]
    torch.testing.assert_close(from_onnx(model)(given)[0], rows_first(judged(model, {"x": x})["y"]), rtol=0, atol=2e-6)


def test_a_long_chain_of_moves_is_followed() -> None:
    nodes = [node("Identity", ["x"], ["i0"])]
    nodes += [node("Identity", [f"i{k}"], [f"i{k + 1}"]) for k in range(5000)]
    assert from_onnx(built([*reversed(nodes), gru("i5000", "y")], ["y"])).inputs == D


def test_places_know_their_owners_in_the_order_of_their_appearance() -> None:
    places = Places()
    x, y = places.new("x", (2, 2)), places.new((0, 0, "y"), (3,))
    assert places.among(numpy.concatenate([y[1:], x[0]])) == [(0, 0, "y"), "x"]
    assert places.among(x[:0]) == []
