from __future__ import annotations

import itertools
from typing import Any

import numpy
import pytest
import torch

from ostinato import from_onnx
from tests.importing.graphs import LENGTHS, WAYS, B, D, T, judged, numbers, rows_first, single, states

HARD = {"activation_alpha": [0.3], "activation_beta": [0.4]}
FORMS: dict[str, list[dict[str, Any]]] = {
    "RNN": [{}, {"activations": ["Relu"]}, {"activations": ["Sigmoid"]}, {"activations": ["HardSigmoid"], **HARD}],
    "GRU": [
        {},
        {"linear_before_reset": 1},
        {"activations": ["HardSigmoid", "Tanh"]},
        {"activations": ["HardSigmoid", "Relu"], "linear_before_reset": 1, **HARD},
        {"activations": ["Sigmoid", "HardSigmoid"], **HARD},
    ],
    "LSTM": [
        {},
        {"peepholes": True},
        {"input_forget": 1},
        {"input_forget": 1, "peepholes": True},
        {"activations": ["HardSigmoid", "Tanh", "Relu"], **HARD},
        {"activations": ["Sigmoid", "Relu", "HardSigmoid"], "peepholes": True, **HARD},
        {"activations": ["HardSigmoid", "Relu", "HardSigmoid"], "activation_alpha": [0.3, 0.25]},
    ],
}
CASES = [
    (operation, number, direction)
    for operation, forms in FORMS.items()
    for number, direction in itertools.product(range(len(forms)), WAYS)
]


def doubled(form: dict[str, Any], direction: str) -> dict[str, Any]:
    """The options of a node with those of both directions."""
    lists = ("activations", "activation_alpha", "activation_beta")
    times = WAYS[direction]
    return {name: value * times if name in lists else value for name, value in form.items()} | {"direction": direction}


@pytest.mark.parametrize(("operation", "number", "direction"), CASES)
def test_a_node_computes_what_onnxruntime_does(operation: str, number: int, direction: str) -> None:
    form, ways = doubled(FORMS[operation][number], direction), WAYS[direction]
    parts = ["h", "c"][: 1 + (operation == "LSTM")]
    x = numbers(T, B, D, scale=2.0)
    given, ours = states(parts, ways)
    switches = itertools.product([False, True], [False, True], [False, True], [0, 1], [None, 0.6])
    for lengths, starts, biases, layout, clip in switches:
        options = {**form, "lengths": lengths, "starts": starts, "biases": biases}
        options.update({} if clip is None else {"clip": clip})
        # The judge knows one layout only; the other is the same with its axes moved.
        feed = {"x": x} | (given if starts else {})
        feed |= {"lengths": numpy.array(LENGTHS, numpy.int32)} if lengths else {}
        wanted = judged(single(operation, **options), feed)
        layer = from_onnx(single(operation, layout=layout, **options))
        told = torch.tensor(LENGTHS) if lengths else None
        with torch.no_grad():
            y, end = layer(torch.tensor(x).transpose(0, 1), ours if starts else None, lengths=told)
        torch.testing.assert_close(y, rows_first(wanted["y"]), rtol=0, atol=2e-6)
        for part in parts:
            came = torch.stack([state[part] for state in end])
            torch.testing.assert_close(came, wanted[f"{part}n"], rtol=0, atol=4e-6)
