"""Graphs as exporters write them: recurrent nodes, and between them what moves values and counts shapes."""

from __future__ import annotations

from typing import Any

import numpy
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper
from torch import nn

from tests.importing.graphs import model_of, open_value

# Where ONNX's gates stand in torch's order.
_FROM_TORCH = {"RNN": [0], "LSTM": [0, 3, 1, 2], "GRU": [1, 0, 2]}


def node(operation: str, inputs: list[str], outputs: list[str], **attributes: Any) -> Any:
    return helper.make_node(operation, inputs, outputs, name=f"/{outputs[0]}", **attributes)


def of_torch(layer: nn.RNNBase, *, opset: int = 17, starts: str = "zeros") -> onnx.ModelProto:
    """The graph that torch.onnx.export makes of a layer by tracing; ``starts`` are zeros, or come in as h0 and c0."""
    operation = layer.mode.partition("_")[0]
    ways, H = 1 + layer.bidirectional, layer.hidden_size
    parts = ["h", "c"][: 1 + (operation == "LSTM")]
    count = layer.num_layers * ways
    whole: dict[str, list[int]] = {"zero": [0], "batch": [0 if layer.batch_first else 1], "first": [count], "last": [H]}
    whole["flat"] = [0, 0, -1]
    tensors: dict[str, NDArray[Any]] = {n: numpy.array(v, numpy.int64) for n, v in whole.items()}
    tensors |= {f"at{i}": numpy.array([i * ways], numpy.int64) for i in range(layer.num_layers + 1)}
    inputs = [open_value("x", ["batch", "time", layer.input_size] if layer.batch_first else ["time", "batch", None])]
    nodes, below = [], "x"
    if starts == "zeros":
        nodes += [node("Shape", ["x"], ["shape"]), node("Gather", ["shape", "batch"], ["rows"], axis=0)]
        nodes += [node("Concat", ["first", "rows", "last"], ["wanted"], axis=0)]
        nodes += [node("ConstantOfShape", ["wanted"], [f"{part}0"]) for part in parts]
    else:
        inputs += [open_value(f"{part}0", [count, "batch", H]) for part in parts]
    if layer.batch_first:
        nodes.append(node("Transpose", ["x"], ["swapped"], perm=[1, 0, 2]))
        below = "swapped"
    for index in range(layer.num_layers):
        tensors |= _weights(layer, operation, index, ways)
        begins = []
        for part in parts:
            begins.append(f"{part}0_{index}")
            edges = [f"at{index}", f"at{index + 1}", "zero"]
            nodes.append(node("Slice", [f"{part}0", *edges], begins[-1:]))
        made = [f"y{index}", *(f"{part}n_{index}" for part in parts)]
        given = [below, f"W{index}", f"R{index}", f"B{index}" if layer.bias else "", "", *begins]
        attributes = {"hidden_size": H, **({"direction": "bidirectional"} if ways == 2 else {})}
        attributes.update({"linear_before_reset": 1} if operation == "GRU" else {})
        attributes.update({"activations": ["Relu"] * ways} if layer.mode == "RNN_RELU" else {})
        nodes.append(node(operation, given, made, **attributes))
        below = f"joined{index}"
        if ways == 2:
            nodes.append(node("Transpose", [f"y{index}"], [f"beside{index}"], perm=[0, 2, 1, 3]))
            nodes.append(node("Reshape", [f"beside{index}", "flat"], [below]))
        elif opset >= 13:
            tensors["one"] = numpy.array([1], numpy.int64)
            nodes.append(node("Squeeze", [f"y{index}", "one"], [below]))
        else:
            nodes.append(node("Squeeze", [f"y{index}"], [below], axes=[1]))
    perm = [1, 0, 2] if layer.batch_first else [0, 1, 2]
    nodes.append(node("Transpose", [below], ["y"], perm=perm))
    for part in parts:
        ends = [f"{part}n_{index}" for index in range(layer.num_layers)]
        nodes.append(node("Concat", ends, [f"{part}n"], axis=0))
    return model_of(nodes, inputs, ["y", *(f"{part}n" for part in parts)], tensors, opset)


def _weights(layer: nn.RNNBase, operation: str, index: int, ways: int) -> dict[str, NDArray[Any]]:
    found: dict[str, list[torch.Tensor]] = {"W": [], "R": [], "B": []}
    order = _FROM_TORCH[operation]

    def reordered(name: str) -> torch.Tensor:
        blocks = getattr(layer, name).detach().chunk(len(order))
        return torch.cat([blocks[place] for place in order])

    for way in range(ways):
        end = f"l{index}" + "_reverse" * way
        found["W"].append(reordered(f"weight_ih_{end}"))
        found["R"].append(reordered(f"weight_hh_{end}"))
        if layer.bias:
            found["B"].append(torch.cat([reordered(f"bias_ih_{end}"), reordered(f"bias_hh_{end}")]))
    return {f"{name}{index}": torch.stack(ways_).numpy() for name, ways_ in found.items() if ways_}
