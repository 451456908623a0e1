"""ONNX Runtime: a graph of one recurrent node, time first as it wants it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ostinato.bench.inputs import STATE, WEIGHT, Arrays
from ostinato.bench.peers import Work, versions
from ostinato.bench.peers.keras_layers import reordered
from ostinato.bench.points import Job
from ostinato.bench.user_cells import find_cell

# The node of each cell, its order of our gates, and its attributes.
NODES: dict[str, tuple[str, tuple[int, ...], dict[str, Any]]] = {
    "lstm": ("LSTM", (0, 3, 1, 2), {}),
    "gru": ("GRU", (1, 0, 2), {"linear_before_reset": 1}),
    "elman": ("RNN", (0,), {}),
}
# The format of files and the set of operators: old enough for every version that is still in use.
FORMAT, OPERATORS = 8, 14


def about() -> dict[str, str]:
    """The versions of the runtime and of the format's package."""
    return versions("onnxruntime", "onnx")


def prepare(job: Job, arrays: Arrays) -> Work:
    """One run of a session on arrays [T, B, D] that lie so before the clock starts."""
    import os

    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    options.inter_op_num_threads = 1
    # Its threads spin while a call runs, as they do by default, but not into the turn of somebody else.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    parts = find_cell(job.cell).state
    session = onnxruntime.InferenceSession(graph(job, arrays, parts), options, providers=["CPUExecutionProvider"])
    feeds = {f"initial_{part}": arrays[STATE + part][None] for part in parts}
    feeds["X"] = np.ascontiguousarray(arrays["x"].swapaxes(0, 1))

    def results(outcome: Any) -> dict[str, Any]:
        y, *last = outcome
        return {"y": y[:, 0].swapaxes(0, 1), **{part: end[0] for part, end in zip(parts, last, strict=True)}}

    return Work(lambda: session.run(None, feeds), results)


def graph(job: Job, arrays: Arrays, parts: tuple[str, ...]) -> bytes:
    """The model file: X [T, B, D] and the first state to Y [T, 1, B, H] and the last state."""
    from onnx import TensorProto, helper, numpy_helper

    kind, order, attributes = NODES[job.cell]
    into, recurrent, bias = (reordered(arrays[WEIGHT + name], order) for name in ("W", "R", "b"))
    beside = arrays.get(f"{WEIGHT}br")
    other = np.zeros_like(bias) if beside is None else reordered(beside, order)
    weights = {"W": into[None], "R": recurrent[None], "B": np.concatenate([bias, other])[None]}
    node = helper.make_node(
        kind,
        ["X", "W", "R", "B", "", *(f"initial_{part}" for part in parts)],
        ["Y", *(f"Y_{part}" for part in parts)],
        hidden_size=job.hidden,
        **attributes,
    )

    def value(name: str, *shape: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    ends = (1, job.rows, job.hidden)
    made = helper.make_graph(
        [node],
        job.cell,
        [value("X", job.steps, job.rows, job.inputs), *(value(f"initial_{part}", *ends) for part in parts)],
        [value("Y", job.steps, 1, job.rows, job.hidden), *(value(f"Y_{part}", *ends) for part in parts)],
        [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in weights.items()],
    )
    model = helper.make_model(made, ir_version=FORMAT, opset_imports=[helper.make_opsetid("", OPERATORS)])
    found: bytes = model.SerializeToString()
    return found
