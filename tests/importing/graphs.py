"""Graphs of recurrent nodes with random weights, and onnxruntime as the judge of what they mean."""

from __future__ import annotations

from typing import Any

import numpy
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from ostinato.importing.onnx_file import Node, read_file
from ostinato.state import State

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
WAYS = {"forward": 1, "reverse": 1, "bidirectional": 2}
# Odd, and all different.
T, B, D, H = 7, 3, 5, 9
LENGTHS = [7, 1, 4]


def numbers(*shape: int, seed: int = 0, scale: float = 1.0, kind: str = "float32") -> NDArray[Any]:
    return (numpy.random.default_rng([seed, *shape]).uniform(-scale, scale, shape)).astype(kind)


def open_value(name: str, shape: list[Any] | None, kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(
    nodes: list[Any], inputs: list[Any], outputs: list[str], tensors: dict[str, NDArray[Any]], opset: int = 17
) -> onnx.ModelProto:
    kind = TensorProto.DOUBLE if any(a.dtype == numpy.float64 for a in tensors.values()) else TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "graph",
        inputs,
        [open_value(name, None, kind) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def node_weights(
    operation: str, ways: int, *, inputs: int = D, hidden: int = H, seed: int = 0, kind: str = "float32"
) -> dict[str, NDArray[Any]]:
    gates = GATES[operation]
    drawn = {
        "W": numbers(ways, gates * hidden, inputs, seed=seed, kind=kind),
        "R": numbers(ways, gates * hidden, hidden, seed=seed + 1, scale=0.5, kind=kind),
        "B": numbers(ways, 2 * gates * hidden, seed=seed + 2, kind=kind),
        "P": numbers(ways, 3 * hidden, seed=seed + 3, kind=kind),
    }
    return drawn


def single(
    operation: str,
    *,
    biases: bool = True,
    peepholes: bool = False,
    lengths: bool = False,
    starts: bool = False,
    layout: int = 0,
    kind: str = "float32",
    **attributes: Any,
) -> onnx.ModelProto:
    """One recurrent node; lengths and initial states come in where they are asked for."""
    ways = WAYS[attributes.get("direction", "forward")]
    weights = node_weights(operation, ways, kind=kind)
    used = ["W", "R", *(["B"] if biases else []), *(["P"] if peepholes else [])]
    parts = ["h", "c"][: 1 + (operation == "LSTM")]
    slots = ["x", "W", "R", "B" if biases else "", "lengths" if lengths else ""]
    slots += [f"{part}0" if starts else "" for part in parts]
    slots += ["P"] if peepholes else []
    if layout:
        attributes["layout"] = 1
    node = helper.make_node(
        operation, slots, ["y", *(f"{part}n" for part in parts)], name="node", hidden_size=H, **attributes
    )
    elem = TensorProto.DOUBLE if kind == "float64" else TensorProto.FLOAT
    inputs = [open_value("x", ["batch", "time", D] if layout else ["time", "batch", D], elem)]
    inputs += [open_value("lengths", ["batch"], TensorProto.INT32)] if lengths else []
    shape = ["batch", ways, H] if layout else [ways, "batch", H]
    inputs += [open_value(f"{part}0", shape, elem) for part in parts] if starts else []
    return model_of([node], inputs, ["y", *(f"{part}n" for part in parts)], {name: weights[name] for name in used})


def judged(model: onnx.ModelProto, given: dict[str, NDArray[Any]]) -> dict[str, Tensor]:
    """What onnxruntime makes of a model."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, map(torch.tensor, session.run(names, given)), strict=True))


def rows_first(y: Tensor) -> Tensor:
    """ONNX's [T, ways, B, H] as our [B, T, ways H]."""
    return y.permute(2, 0, 1, 3).flatten(2)


def states(parts: list[str], ways: int, seed: int = 50) -> tuple[dict[str, NDArray[Any]], tuple[State, ...]]:
    """Initial states [ways, B, H] as ONNX takes them, and the same as ours."""
    given = {f"{part}0": numbers(ways, B, H, seed=seed + i) for i, part in enumerate(parts)}
    ours = tuple(State(**{part: torch.tensor(given[f"{part}0"][way]) for part in parts}) for way in range(ways))
    return given, ours


def lone(operation: str, inputs: int = 1, outputs: int = 1, **attributes: Any) -> Node:
    """One node called n, as a file has it."""
    names = [f"m{index}" for index in range(inputs)]
    made = helper.make_node(operation, names, [f"o{index}" for index in range(outputs)], name="n", **attributes)
    return read_file(model_of([made], [], ["o0"], {})).nodes[0]
