"""The cell's vocabulary on plain numbers."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch

from ostinato.cells import less, maximum, minimum, product, select, sigmoid, softplus
from ostinato.cells.operations import BINARY, OPERATIONS, ROWWISE, UNARY
from ostinato.lowering.graph import Node


def test_the_lists_name_every_operation() -> None:
    assert set(OPERATIONS) == {*UNARY, *BINARY, *ROWWISE, "select", "product"}


@pytest.mark.parametrize("value", [-800.0, -30.0, -1.0, 0.0, 1e-9, 2.5, 30.0, 800.0])
def test_sigmoid_and_softplus_never_overflow(value: float) -> None:
    exact = torch.tensor(value, dtype=torch.float64)
    assert sigmoid(value) == pytest.approx(torch.sigmoid(exact).item(), rel=1e-14, abs=1e-300)
    assert softplus(value) == pytest.approx(torch.logaddexp(exact, torch.zeros_like(exact)).item(), rel=1e-14, abs=0)


def test_choices_and_comparisons_work_on_numbers() -> None:
    assert maximum(1.0, 2.0) == 2.0
    assert minimum(1, 2.0) == 1
    assert select(less(3.0, 2.0), 1.0, -1.0) == -1.0


def test_a_number_beside_a_tensor_is_spread_over_it() -> None:
    values = torch.tensor([-1.0, 3.0])
    assert maximum(0.0, values).tolist() == [0.0, 3.0]
    assert maximum(values, 0.0).tolist() == [0.0, 3.0]
    assert less(0.0, values).tolist() == [False, True]


@pytest.mark.parametrize("name", [*UNARY, *ROWWISE])
def test_a_wrong_type_is_named(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} wanted a number, a tensor or a symbol, got str"):
        OPERATIONS[name]("one")


def test_a_wrong_second_operand_is_named() -> None:
    with pytest.raises(TypeError, match="got str"):
        maximum(1.0, "two")
    with pytest.raises(TypeError, match="product wanted"):
        product("v", "M")


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_operation_knows_symbols_and_tensors(operation: object) -> None:
    for kind in (Node, torch.Tensor):
        assert operation.dispatch(kind) is not operation.dispatch(object)  # type: ignore[attr-defined]


def test_the_textbook_value() -> None:
    assert sigmoid(1.0) == pytest.approx(1 / (1 + math.exp(-1)), rel=1e-15)


def test_a_cell_computes_with_tensors_whatever_was_imported_before() -> None:
    code = (
        "import torch; from ostinato.cells import Gates, lstm, maximum; from ostinato.state import State;"
        "assert maximum(0.5, torch.zeros(1)).item() == 0.5;"
        "g = Gates(**{n: torch.ones(2, 3) for n in lstm.gates});"
        "print(lstm(g, g, State(h=torch.zeros(2, 3), c=torch.zeros(2, 3))).h.shape)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "torch.Size([2, 3])", run.stderr
