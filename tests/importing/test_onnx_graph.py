from __future__ import annotations

import importlib
import itertools
from typing import Any

import numpy
import onnx
import pytest
import torch
from onnx import TensorProto
from torch import nn

from ostinato import from_onnx, stream
from ostinato.importing import Imported
from ostinato.layers import Recurrent
from ostinato.state import State
from tests.importing.exported import node, of_torch
from tests.importing.graphs import (
    LENGTHS,
    B,
    D,
    H,
    T,
    judged,
    model_of,
    node_weights,
    numbers,
    open_value,
    rows_first,
    single,
    states,
)

# The three modules that make these cases; the rest of the standard's would take ten times as long as all that is here.
for operation in ("rnn", "gru", "lstm"):
    importlib.import_module(f"onnx.backend.test.case.node.{operation}")
RECURRENT = ("test_gru_", "test_lstm_", "test_rnn_", "test_simple_rnn_")
STANDARD = {case.name: case for case in onnx.backend.test.case.node._NodeTestCases if case.name.startswith(RECURRENT)}


def test_the_standard_has_18_cases() -> None:
    assert len(STANDARD) == 18


@pytest.mark.parametrize("name", STANDARD)
def test_a_case_of_the_standard_is_imported_and_holds(name: str) -> None:
    case = STANDARD[name]
    ((inputs, outputs),) = case.data_sets
    (step,) = case.model.graph.node
    given = dict(zip((value.name for value in case.model.graph.input), inputs, strict=True))
    wanted = dict(zip((value.name for value in case.model.graph.output), outputs, strict=True))
    layer = from_onnx(case.model, weights={n: given[n] for n in ("W", "R", "B", "P") if n in given})
    first = any(attribute.name == "layout" and attribute.i == 1 for attribute in step.attribute)
    x = torch.tensor(given["X"])
    parts = {part: torch.tensor(given[f"initial_{part}"]) for part in "hc" if f"initial_{part}" in given}
    state = (State(**{part: value[0] for part, value in parts.items()}),) if parts else None
    lengths = torch.tensor(given["sequence_lens"]).long() if "sequence_lens" in given else None
    y, end = layer(x if first else x.transpose(0, 1), state, lengths=lengths)
    for output, array in wanted.items():
        value = torch.tensor(array)
        if output == "Y":
            torch.testing.assert_close(y, value.flatten(2) if first else rows_first(value))
        else:
            came = torch.stack([each[output[2:]] for each in end], 1 if first else 0)
            torch.testing.assert_close(came, value)


LAYERS: list[tuple[Any, dict[str, Any]]] = [
    (nn.RNN, {}),
    (nn.RNN, {"nonlinearity": "relu"}),
    (nn.LSTM, {}),
    (nn.GRU, {}),
]


@pytest.mark.parametrize(("made", "extra"), LAYERS, ids=["rnn", "relu", "lstm", "gru"])
def test_what_torch_exports_is_one_plain_stack(made: Any, extra: dict[str, Any]) -> None:
    x = torch.tensor(numbers(B, T, D))
    for layers, both, bias, first in itertools.product([1, 3], [False, True], [False, True], [False, True]):
        theirs = made(D, H, layers, bidirectional=both, bias=bias, batch_first=first, **extra)
        for starts, opset in (("zeros", 17), ("given", 17), ("zeros", 12)):
            model = of_torch(theirs, starts=starts, opset=opset)
            ours = from_onnx(model)
            assert isinstance(ours, Recurrent)
            assert len(ours.layers) == layers
            wanted, end = theirs(x if first else x.transpose(0, 1))
            y, last = ours(x)
            torch.testing.assert_close(y, wanted if first else wanted.transpose(0, 1), rtol=0, atol=2e-6)
            ends = end if isinstance(end, tuple) else (end,)
            torch.testing.assert_close(torch.stack([state.h for state in last]), ends[0], rtol=0, atol=2e-6)


def test_what_keras_exports_by_two_nodes_is_one_bidirectional_layer() -> None:
    weights = {f"{name}{way}": array for way in (0, 1) for name, array in node_weights("LSTM", 1, seed=way * 9).items()}
    tensors = {n: a for n, a in weights.items() if n[0] != "P"} | {"one": numpy.array([1])}
    nodes = [node("Transpose", ["x"], ["t"], perm=[1, 0, 2])]
    for way, direction in enumerate(["forward", "reverse"]):
        nodes.append(
            node("LSTM", ["t", f"W{way}", f"R{way}", f"B{way}"], [f"y{way}"], hidden_size=H, direction=direction)
        )
        nodes.append(node("Squeeze", [f"y{way}", "one"], [f"s{way}"]))
    nodes += [node("Concat", ["s0", "s1"], ["s"], axis=2), node("Transpose", ["s"], ["y"], perm=[1, 0, 2])]
    model = model_of(nodes, [open_value("x", [None, None, D])], ["y"], tensors)
    layer = from_onnx(model)
    assert isinstance(layer, Recurrent)
    assert layer.bidirectional
    x = numbers(B, T, D)
    torch.testing.assert_close(layer(torch.tensor(x))[0], judged(model, {"x": x})["y"], rtol=0, atol=2e-6)


def test_the_order_in_which_directions_stand_is_kept() -> None:
    tensors = {f"{n}{way}": a for way in (0, 1) for n, a in node_weights("GRU", 1, seed=way * 9).items() if n in "WR"}
    nodes = [
        node("GRU", ["x", "W0", "R0"], ["y0"], hidden_size=H),
        node("GRU", ["x", "W1", "R1"], ["y1"], hidden_size=H, direction="reverse"),
        node("Concat", ["y1", "y0"], ["y"], axis=3),
    ]
    model = model_of(nodes, [open_value("x", ["t", "b", D])], ["y"], tensors)
    layer = from_onnx(model)
    assert isinstance(layer, Imported)
    x = numbers(T, B, D)
    wanted = rows_first(judged(model, {"x": x})["y"])
    torch.testing.assert_close(layer(torch.tensor(x).transpose(0, 1))[0], wanted, rtol=0, atol=2e-6)


def test_layers_of_different_cells_and_activations_by_direction() -> None:
    tensors = {f"{n}1": a for n, a in node_weights("GRU", 2).items() if n in "WRB"}
    tensors |= {f"{n}2": a for n, a in node_weights("LSTM", 1, inputs=2 * H, seed=7).items()}
    nodes = [
        node(
            *("GRU", ["x", "W1", "R1", "B1"], ["y1"]),
            **{"hidden_size": H, "direction": "bidirectional", "activations": ["Sigmoid", "Relu", "Sigmoid", "Tanh"]},
        ),
        node("Transpose", ["y1"], ["t"], perm=[0, 2, 1, 3]),
        node("Flatten", ["t"], ["f"], axis=2),
        node("Shape", ["x"], ["s"]),
        node("Constant", [], ["two"], value_ints=[2]),
        node("Constant", [], ["none"], value_ints=[0]),
        node("Slice", ["s", "none", "two"], ["tb"]),
        node("Constant", [], ["rest"], value_ints=[-1]),
        node("Concat", ["tb", "rest"], ["shape"], axis=0),
        node("Reshape", ["f", "shape"], ["x2"]),
        node("LSTM", ["x2", "W2", "R2", "B2", "", "", "", "P2"], ["y"], hidden_size=H),
    ]
    model = model_of(nodes, [open_value("x", ["t", "b", D])], ["y"], tensors)
    layer = from_onnx(model)
    assert isinstance(layer, Imported)
    x = numbers(T, B, D)
    wanted = rows_first(judged(model, {"x": x})["y"])
    torch.testing.assert_close(layer(torch.tensor(x).transpose(0, 1))[0], wanted, rtol=0, atol=2e-6)


@pytest.mark.parametrize("rows", [1, B])
def test_a_fixed_initial_state_is_kept(rows: int) -> None:
    weights = {n: a for n, a in node_weights("GRU", 1).items() if n in "WR"}
    weights["h0"] = numbers(1, rows, H)
    nodes, start = [], "h0"
    if rows == 1:
        nodes = [node("Shape", ["x"], ["s"]), node("Constant", [], ["at"], value_ints=[1])]
        nodes += [node("Gather", ["s", "at"], ["b"]), node("Constant", [], ["h"], value_ints=[H])]
        nodes += [node("Concat", ["at", "b", "h"], ["wanted"], axis=0), node("Expand", ["h0", "wanted"], ["start"])]
        start = "start"
    nodes.append(node("GRU", ["x", "W", "R", "", "", start], ["y"], hidden_size=H))
    model = model_of(nodes, [open_value("x", ["t", B if rows > 1 else "b", D])], ["y"], weights)
    layer = from_onnx(model)
    assert isinstance(layer, Imported)
    x = numbers(T, B, D)
    wanted = rows_first(judged(model, {"x": x})["y"])
    torch.testing.assert_close(layer(torch.tensor(x).transpose(0, 1))[0], wanted, rtol=0, atol=2e-6)


def test_fixed_lengths_are_kept_and_full_ones_need_not_be() -> None:
    weights = {n: a for n, a in node_weights("RNN", 1).items() if n in "WR"}
    for fixed, kept in ((LENGTHS, True), ([T] * B, False)):
        tensors = weights | {"n": numpy.array(fixed, numpy.int32)}
        model = model_of(
            [node("RNN", ["x", "W", "R", "", "n"], ["y"], hidden_size=H)], [open_value("x", [T, B, D])], ["y"], tensors
        )
        layer = from_onnx(model)
        assert isinstance(layer, Imported) is kept
        x = numbers(T, B, D)
        wanted = rows_first(judged(model, {"x": x})["y"])
        torch.testing.assert_close(layer(torch.tensor(x).transpose(0, 1))[0], wanted, rtol=0, atol=2e-6)


@pytest.mark.parametrize("kind", ["float64", "float16"])
def test_double_precision_stays_and_half_precision_is_widened(kind: str) -> None:
    if kind == "float64":
        layer = from_onnx(single("GRU", kind=kind))
        assert layer.directions()[0][0].W.dtype is torch.float64
        return
    weights = {n: a.astype(numpy.float16) for n, a in node_weights("GRU", 1).items() if n in "WR"}
    model = model_of(
        [node("GRU", ["x", "W", "R"], ["y"], hidden_size=H)],
        [open_value("x", ["t", "b", D], TensorProto.FLOAT16)],
        ["y"],
        weights,
    )
    assert torch.equal(from_onnx(model).directions()[0][0].Rn, torch.tensor(weights["R"][0, 2 * H :]).float())


@pytest.mark.parametrize("shape", [["b", "t", D], [None, None, None], None, [B, T, D], ["n", "n", D], [1, 1, D]])
@pytest.mark.parametrize("first", [False, True])
def test_sizes_that_are_open_in_any_way_change_nothing(shape: Any, first: bool) -> None:
    weights = {n: a for n, a in node_weights("GRU", 1).items() if n in "WR"}
    nodes = [node("Transpose", ["x"], ["t"], perm=[1, 0, 2] if first else [0, 1, 2])]
    nodes += [node("GRU", ["t", "W", "R"], ["y"], hidden_size=H)]
    layer = from_onnx(model_of(nodes, [open_value("x", shape)], ["y"], weights))
    assert isinstance(layer, Recurrent)
    assert torch.equal(layer.directions()[0][0].W[:H], torch.tensor(weights["W"][0, H : 2 * H]))


def test_features_with_axes_of_their_own_are_put_in_a_row() -> None:
    weights = {n: a for n, a in node_weights("GRU", 1, inputs=6).items() if n in "WR"}
    nodes = [node("Constant", [], ["shape"], value_ints=[0, 0, 6]), node("Reshape", ["x", "shape"], ["flat"])]
    nodes += [node("GRU", ["flat", "W", "R"], ["y"], hidden_size=H)]
    assert from_onnx(model_of(nodes, [open_value("x", ["t", "b", 2, 3])], ["y"], weights)).inputs == 6


def test_one_sequence_without_rows_comes_in_with_one() -> None:
    weights = {n: a for n, a in node_weights("GRU", 1).items() if n in "WR"}
    nodes = [node("Constant", [], ["one"], value_ints=[1]), node("Unsqueeze", ["x", "one"], ["rows"])]
    nodes += [node("GRU", ["rows", "W", "R"], ["y"], hidden_size=H)]
    model = model_of(nodes, [open_value("x", ["t", D])], ["y"], weights)
    x = numbers(T, D)
    torch.testing.assert_close(
        from_onnx(model)(torch.tensor(x)[None])[0], rows_first(judged(model, {"x": x})["y"]), rtol=0, atol=2e-6
    )


@pytest.mark.parametrize("last", ["h", "step"])
def test_a_graph_may_hand_out_the_last_step_only(last: str) -> None:
    weights = {n: a for n, a in node_weights("GRU", 1).items() if n in "WR"}
    nodes = [node("GRU", ["x", "W", "R"], ["y", "h"], hidden_size=H), node("Constant", [], ["end"], value_int=-1)]
    nodes.append(node("Gather", ["y", "end"], ["step"], axis=0))
    model = model_of(nodes, [open_value("x", ["t", "b", D])], [last], weights)
    x = numbers(T, B, D)
    y, _ = from_onnx(model)(torch.tensor(x).transpose(0, 1))
    torch.testing.assert_close(y[:, -1], judged(model, {"x": x})[last][0], rtol=0, atol=2e-6)


def test_weights_may_be_moved_about_before_they_are_used() -> None:
    weights = {n: a for n, a in node_weights("GRU", 1).items() if n in "WR"}
    tensors = {"W": weights["W"][0].T.copy(), "R": weights["R"]}
    nodes = [node("Transpose", ["W"], ["turned"], perm=[1, 0]), node("Constant", [], ["none"], value_ints=[0])]
    nodes += [node("Unsqueeze", ["turned", "none"], ["W3"]), node("Identity", ["R"], ["R3"])]
    nodes += [node("GRU", ["x", "W3", "R3"], ["y"], hidden_size=H)]
    moved = from_onnx(model_of(nodes, [open_value("x", ["t", "b", D])], ["y"], tensors))
    plain = from_onnx(single("GRU", biases=False))
    assert all(torch.equal(a, b) for a, b in zip(moved.parameters(), plain.parameters(), strict=True))


def test_what_no_output_needs_is_not_looked_at() -> None:
    weights = {n: a for n, a in node_weights("GRU", 1).items() if n in "WR"}
    nodes = [node("GRU", ["x", "W", "R"], ["y"], hidden_size=H), node("Softmax", ["y"], ["unused"])]
    from_onnx(model_of(nodes, [open_value("x", ["t", "b", D])], ["y"], weights))


def test_what_comes_in_can_be_trained() -> None:
    layer = from_onnx(single("LSTM", peepholes=True)).train()
    layer(torch.randn(2, 4, D))[0].square().sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in layer.parameters())


def test_states_and_lengths_of_a_stack_come_in_by_call() -> None:
    theirs = nn.LSTM(D, H, 2, batch_first=True)
    given, ours = states(["h", "c"], 2)
    x = numbers(B, T, D)
    model = of_torch(theirs, starts="given")
    wanted = judged(model, {"x": x, **given})
    y, end = from_onnx(model)(torch.tensor(x), ours)
    torch.testing.assert_close(y, wanted["y"], rtol=0, atol=2e-6)
    torch.testing.assert_close(torch.stack([state.c for state in end]), wanted["cn"], rtol=0, atol=2e-6)


def test_a_path_bytes_and_a_message_are_the_same(tmp_path: Any) -> None:
    model = single("GRU")
    path = tmp_path / "gru.onnx"
    onnx.save(model, path)
    layers = [from_onnx(source) for source in (model, path, str(path), path.read_bytes())]
    first = layers[0].state_dict()
    assert all(torch.equal(layer.state_dict()[n], first[n]) for layer in layers for n in first)
    assert not layers[0].training


@pytest.mark.parametrize("shown", ["y", "h"])
def test_a_step_of_a_stack_with_its_states_comes_in(shown: str) -> None:
    weights = [node_weights("LSTM", 1), node_weights("LSTM", 1, inputs=H, seed=5)]
    tensors = {f"{n}{i}": a for i, drawn in enumerate(weights) for n, a in drawn.items() if n != "P"}
    nodes, below = [node("Constant", [], ["time"], value_ints=[0])], "x"
    for i in range(2):
        nodes += [node("Unsqueeze", [name, "time"], [f"{name}_3"]) for name in (below, f"h{i}", f"c{i}")]
        given = [f"{below}_3", f"W{i}", f"R{i}", f"B{i}", "", f"h{i}_3", f"c{i}_3"]
        nodes.append(node("LSTM", given, [f"y{i}", f"hn{i}", f"cn{i}"], hidden_size=H))
        nodes += [node("Squeeze", [f"{name}{i}", "time"], [f"{name}{i}_2"]) for name in ("hn", "cn")]
        nodes += [
            node("Constant", [], [f"axes{i}"], value_ints=[0, 1]),
            node("Squeeze", [f"y{i}", f"axes{i}"], [f"y{i}_2"]),
        ]
        below = f"hn{i}_2" if shown == "h" else f"y{i}_2"
    inputs = [open_value("x", ["b", D]), *(open_value(f"{part}{i}", ["b", H]) for i in range(2) for part in "hc")]
    outputs = [below, "hn0_2", "cn0_2", "cn1_2", "y0_2"]
    model = model_of(nodes, inputs, outputs, tensors)
    layer = from_onnx(model)
    assert isinstance(layer, Recurrent)
    x, start = numbers(B, D), [states(["h", "c"], 1, seed=70 + 9 * i) for i in range(2)]
    feed = {"x": x} | {f"{part}{i}": start[i][0][f"{part}0"][0] for i in range(2) for part in "hc"}
    wanted = judged(model, feed)
    y, end = layer(torch.tensor(x)[:, None], tuple(ours[0] for _, ours in start))
    torch.testing.assert_close(y[:, 0], wanted[below], rtol=0, atol=2e-6)
    torch.testing.assert_close(end[0].c, wanted["cn0_2"], rtol=0, atol=2e-6)


def test_what_comes_in_can_be_streamed() -> None:
    layer = from_onnx(single("GRU", activations=["HardSigmoid", "Tanh"], clip=1.0))
    x = numbers(T, D)
    y, _ = layer(torch.tensor(x)[None])
    torch.testing.assert_close(torch.tensor(stream(layer).push(x)), y[0], rtol=0, atol=2e-6)
