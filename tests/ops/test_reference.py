"""The reference in every floating type; its laws are in tests/laws."""

from __future__ import annotations

import pytest
import torch

from ostinato.layers import Direction


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_any_floating_type_runs_with_lengths_and_resets(kind: torch.dtype) -> None:
    layer = Direction("lstm", 3, 5, engine="reference").to(kind)
    x = torch.randn(2, 4, 3).to(kind).requires_grad_()
    reset = torch.tensor([[False, True, False, False]] * 2)
    y, state = layer(x, lengths=torch.tensor([4, 2]), reset=reset)
    assert y.dtype is kind
    assert state.c.dtype is kind
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.dtype is kind
