"""The engine cpu: what it takes, and in which order a kernel sees a call."""

from __future__ import annotations

import pytest
import torch

from ostinato import ops
from ostinato.cells.operations import ROWWISE
from ostinato.layers import Direction
from ostinato.lowering import trace
from ostinato.ops import cpu
from tests.laws.zoo import ALL_CELLS, leaky_diagonal, name_of, random_input, weights_of


def call_of(cell, x=None):
    x = random_input(2, 4) if x is None else x
    weights = {name: weight.detach().to(x.dtype) for name, weight in weights_of(cell).items()}
    return ops.checked_call(cell, x, weights, None, None, None, False)


@pytest.mark.parametrize("cell", ALL_CELLS, ids=name_of)
def test_it_takes_a_cell_or_says_what_no_kernel_can_hold(cell):
    reason = cpu.refusal(call_of(cell))
    if cell.matrices or set(trace(cell).operations()) & set(ROWWISE):
        assert "cannot be lowered: line " in reason
    else:
        assert reason is None


def test_half_precision_is_refused_by_name():
    x = torch.randn(2, 4, 3, dtype=torch.bfloat16)
    assert (
        cpu.refusal(call_of(leaky_diagonal, x))
        == "the fused engine computes in float32 and float64, and x is torch.bfloat16"
    )


def test_a_diagonal_cell_s_weights_come_gate_by_gate_and_go_back_so():
    call = call_of(leaky_diagonal)
    x, W, b, R, br, named, *_ = cpu.arguments(call)
    assert R is None
    assert br is None
    assert [tuple(row.shape) for row in named] == [(5,), (5,)]
    back = cpu.by_weight(call, [x, W, b, None, None, *named, *dict(call.state.items()).values()])
    for got, wanted in zip(back[1:5], call.weights.values(), strict=True):
        assert torch.equal(got, wanted)


def test_a_forbidden_compiler_leaves_the_loop_with_the_reason(monkeypatch):
    import dataclasses

    monkeypatch.setenv("OSTINATO_JIT", "0")
    stranger = dataclasses.replace(leaky_diagonal)
    choice = Direction(stranger, 3, 5).engine(torch.randn(2, 4, 3))
    assert choice.engine == "reference"
    assert "OSTINATO_JIT=0" in choice.refusals["cpu"]
