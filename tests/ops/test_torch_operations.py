"""The cell's vocabulary on tensors."""

from __future__ import annotations

import pytest
import torch

from ostinato.cells import product, row_max, row_mean, row_sum, softplus
from ostinato.cells.operations import OPERATIONS, UNARY
from ostinato.ops.torch_operations import TENSOR_OPERATIONS


def test_every_operation_has_its_tensor_form() -> None:
    assert set(TENSOR_OPERATIONS) == set(OPERATIONS)


@pytest.mark.parametrize("name", UNARY)
def test_tensors_give_what_numbers_give(name: str) -> None:
    values = [0.25, 0.5, 1.0, 30.0]
    got = OPERATIONS[name](torch.tensor(values, dtype=torch.float64))
    wanted = torch.tensor([OPERATIONS[name](v) for v in values], dtype=torch.float64)
    torch.testing.assert_close(got, wanted, rtol=1e-14, atol=1e-15)


def test_softplus_is_exact_where_torch_s_own_turns_linear() -> None:
    value = torch.tensor([20.5], dtype=torch.float64)
    assert softplus(value).item() > 20.5


def test_a_look_along_the_units_gives_each_of_them_the_same_number() -> None:
    rows = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    assert row_sum(rows).tolist() == [[3.0, 3.0], [8.0, 8.0]]
    assert row_mean(rows).tolist() == [[1.5, 1.5], [4.0, 4.0]]
    assert row_max(rows).tolist() == [[2.0, 2.0], [5.0, 5.0]]
    # As a kernel sees it, which has no columns: another look along it, and a product with a matrix.
    assert row_sum(row_sum(rows)).tolist() == [[6.0, 6.0], [16.0, 16.0]]
    assert product(row_max(rows), torch.ones(3, 2)).tolist() == [[4.0] * 3, [10.0] * 3]


def test_softplus_has_its_slope_at_zero_too() -> None:
    value = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(softplus(value), value)
    assert slope.item() == 0.5
