"""The node cases of the ONNX standard for RNN, GRU and LSTM, kept in a file, hold for our doors."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from torch import Tensor

from ostinato import nn, ops
from tests.golden.make_onnx import FILE
from tests.laws.zoo import peephole

BEFORE = "_reset_before"

CASES: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
LAYERS: dict[str, Any] = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
# Where the gates of torch's order stand in the standard's: z r h and i o f c.
ORDER = {"RNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 2, 3, 1]}


def reordered(operator: str, weight: Tensor) -> Tensor:
    """One weight [G H, ...] with the gates in torch's order."""
    blocks = weight.chunk(len(ORDER[operator]))
    return torch.cat([blocks[index] for index in ORDER[operator]])


def layer_of(case: dict[str, Any]) -> Any:
    """A layer with the weights of a case; one that only runs in reverse is a pair whose forward half is not read."""
    operator, inputs = case["operator"], {name: torch.tensor(value) for name, value in case["inputs"].items()}
    W, R = inputs["W"], inputs["R"]
    batch_first = case["attributes"].get("layout", 0) == 1
    both = case["attributes"].get("direction", "forward") != "forward"
    layer = LAYERS[operator](W.shape[2], R.shape[2], batch_first=batch_first, bidirectional=both)
    biases = inputs.get("B", torch.zeros(W.shape[0], 2 * W.shape[1]))
    for way, names in enumerate(layer._all_weights):
        given = min(way, W.shape[0] - 1)
        values = [W[given], R[given], *biases[given].chunk(2)]
        for name, value in zip(names, values, strict=True):
            getattr(layer, name).data.copy_(reordered(operator, value))
    return layer


@pytest.mark.parametrize("name", [name for name in CASES if "P" not in CASES[name]["inputs"] and BEFORE not in name])
def test_a_case_of_the_standard_holds(name: str) -> None:
    case = CASES[name]
    layer, x = layer_of(case), torch.tensor(case["inputs"]["X"])
    # Also where torch would be preferred for its speed.
    with ops.use_engine("cpu"):
        y, end = layer(x)
    parts = dict(zip(("Y_h", "Y_c"), end if isinstance(end, tuple) else (end,), strict=False))
    direction = case["attributes"].get("direction", "forward")
    ways = {"forward": slice(0, 1), "reverse": slice(1, 2), "bidirectional": slice(2)}[direction]
    for output, value in case["outputs"].items():
        wanted = torch.tensor(value)
        if output == "Y":
            # The standard keeps an axis for the directions: [T, ways, B, H], or [B, T, ways, H].
            shown = y.unflatten(-1, (-1, layer.hidden_size))[:, :, ways]
            torch.testing.assert_close(shown if layer.batch_first else shown.transpose(1, 2), wanted)
        elif layer.batch_first:
            torch.testing.assert_close(parts[output][ways].transpose(0, 1), wanted)
        else:
            torch.testing.assert_close(parts[output][ways], wanted)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "P" in case["inputs"]])
def test_a_case_with_peepholes_holds_for_the_cell_that_has_them(name: str) -> None:
    case = CASES[name]
    inputs = {name: torch.tensor(value)[0] for name, value in case["inputs"].items() if name in "WRBP"}
    W, R, (b, br) = inputs["W"], inputs["R"], inputs["B"].chunk(2)
    weights = {
        "W": W.view(4, -1, W.shape[1])[[0, 2, 1, 3]].flatten(0, 1),
        "R": R.view(4, -1, R.shape[1])[[0, 2, 1, 3]].flatten(0, 1),
        "b": (b + br).view(4, -1)[[0, 2, 1, 3]].flatten(),
        **dict(zip(("pi", "po", "pf"), inputs["P"].chunk(3), strict=True)),
    }
    _, state = ops.recur(peephole, torch.tensor(case["inputs"]["X"]).transpose(0, 1), weights)
    torch.testing.assert_close(state.h, torch.tensor(case["outputs"]["Y_h"])[0])


@pytest.mark.parametrize("name", [name for name in CASES if BEFORE in name])
def test_a_case_with_the_reset_before_the_product_holds_for_the_cell_that_has_it(name: str) -> None:
    case = CASES[name]
    assert case["attributes"].get("linear_before_reset", 0) == 0
    inputs = {n: torch.tensor(v) for n, v in case["inputs"].items()}
    x, steps = inputs["X"], 1 if case["attributes"].get("layout") else 0
    lengths = inputs["sequence_lens"].long() if "sequence_lens" in inputs else None
    ways = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}
    for way, reverse in enumerate(ways[case["attributes"].get("direction", "forward")]):
        W, R = (inputs[key][way].view(3, -1, inputs[key].shape[-1])[[1, 0, 2]] for key in "WR")
        biases = inputs.get("B", torch.zeros(way + 1, 2 * inputs["R"].shape[1]))[way].view(2, 3, -1)
        # The standard's recurrent bias of the candidate stands outside of the reset gate here: both biases add up.
        weights = {"W": W.flatten(0, 1), "b": biases.sum(0)[[1, 0, 2]].flatten(), "R": R[:2].flatten(0, 1), "Rn": R[2]}
        _, end = ops.recur(
            "gru_reset_before", x if steps else x.transpose(0, 1), weights, None, lengths, reverse=reverse
        )
        wanted = torch.tensor(case["outputs"]["Y_h"])
        torch.testing.assert_close(end.h, wanted[:, way] if steps else wanted[way])


def test_all_three_operators_have_cases() -> None:
    assert {case["operator"] for case in CASES.values()} == set(LAYERS)
