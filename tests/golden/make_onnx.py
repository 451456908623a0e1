"""Writes the node cases for RNN, GRU and LSTM of the ONNX standard: ``python -m tests.golden.make_onnx``, with onnx."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "onnx_nodes.json"
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
OUTPUTS = ("Y", "Y_h", "Y_c")


def cases() -> dict[str, Any]:
    """The attributes, inputs and outputs of each case, as the standard's own reference computes them."""
    from onnx.backend.test.case.node import collect_testcases
    from onnx.helper import make_attribute
    from onnx.reference import ReferenceEvaluator

    found: dict[str, Any] = {}
    for case in collect_testcases(None):
        graph = case.model.graph
        node = graph.node[0]
        if node.op_type not in ("RNN", "GRU", "LSTM"):
            continue
        inputs, outputs = case.data_sets[0]
        if node.op_type == "GRU":
            # The default, where the reset gate acts before the product.
            found[f"{case.name}_reset_before"] = _kept(node, inputs, outputs)
            # torch's form: the reset gate acts after the product. The cases have the default, where it acts before;
            # units that are all alike make no difference between the two, random ones do.
            node.attribute.append(make_attribute("linear_before_reset", 1))
            names = [value.name for value in graph.input]
            outputs = ReferenceEvaluator(case.model).run(None, dict(zip(names, inputs, strict=True)))
        found[case.name] = _kept(node, inputs, outputs)
    return found


def _kept(node: Any, inputs: Any, outputs: Any) -> dict[str, Any]:
    """One case as plain numbers."""
    from onnx.helper import get_attribute_value

    return {
        "operator": node.op_type,
        "attributes": {a.name: get_attribute_value(a) for a in node.attribute},
        "inputs": wired(INPUTS, node.input, inputs),
        "outputs": wired(OUTPUTS, node.output, outputs),
    }


def wired(names: tuple[str, ...], slots: list[str], values: list[Any]) -> dict[str, Any]:
    """The values by name; a slot without a name is not used."""
    used = [name for name, slot in zip(names, slots, strict=False) if slot]
    return {name: value.tolist() for name, value in zip(used, values, strict=True)}


if __name__ == "__main__":
    text = json.dumps(cases(), default=lambda value: value.decode())
    # One case a line.
    FILE.write_text(text.replace('}}, "test_', '}},\n"test_') + "\n", encoding="utf-8")
