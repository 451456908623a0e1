"""Laws of the built-in cells: each computes what its paper says, and each weight of it matters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ostinato import ops
from ostinato.cells import BUILT_IN
from ostinato.lowering import trace
from tests.laws.formulas import FORMULAS, unrolled
from tests.laws.zoo import given_of, name_of, random_input, random_state, weights_of

every_cell = pytest.mark.parametrize("cell", BUILT_IN.values(), ids=name_of)


def test_every_cell_has_a_formula_of_its_own() -> None:
    assert set(FORMULAS) == set(BUILT_IN)


@every_cell
@pytest.mark.parametrize("start", ["zeros", "given"])
def test_a_cell_computes_what_its_paper_says(cell: Any, start: str) -> None:
    x, weights = random_input(3, 7), weights_of(cell)
    state = random_state(cell, 3)
    if start == "zeros":
        state = ops.zero_state(cell, 3, weights["b"].numel() // len(cell.gates), like=x)
    given = given_of(cell, x)
    y, last = ops.recur(cell, x, weights, state, inputs=given, engine="reference")
    arrays = [{k: v.detach().numpy() for k, v in found.items()} for found in (weights, state, given)]
    wanted, end = unrolled(cell.name, arrays[0], x.numpy(), arrays[1], arrays[2])
    np.testing.assert_allclose(y.detach().numpy(), wanted, rtol=1e-12, atol=1e-12)
    assert set(end) == set(cell.state)
    for part, value in end.items():
        np.testing.assert_allclose(last[part].detach().numpy(), value, rtol=1e-12, atol=1e-12)


@every_cell
def test_every_number_of_every_weight_matters(cell: Any) -> None:
    x, weights = random_input(16, 12), weights_of(cell)
    y, _ = ops.recur(cell, x, weights, random_state(cell, 16), inputs=given_of(cell, x), engine="reference")
    found = torch.autograd.grad(y.square().sum(), list(weights.values()))
    for name, gradient in zip(weights, found, strict=True):
        assert (gradient != 0).all(), f"{name} of {cell.name}: {(gradient == 0).nonzero().tolist()}"


@every_cell
def test_every_gate_and_every_declared_name_is_read(cell: Any) -> None:
    leaves = [(node.kind, node.label) for node in trace(cell).nodes if not node.arguments]
    for kind, names in (
        ("input", cell.gates),
        ("recurrent", cell.sees),
        ("parameter", cell.parameters),
        ("matrix", cell.matrices),
        ("given", cell.inputs),
    ):
        assert {name for k, name in leaves if k == kind} == set(names)
