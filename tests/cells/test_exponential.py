"""Exponential gates: nothing overflows, and the shown part is a mean."""

from __future__ import annotations

import pytest

from ostinato import ops
from ostinato.cells import slstm
from ostinato.errors import OptionError
from tests.laws.zoo import random_input, weights_of


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_no_size_of_input_overflows(scale: float) -> None:
    weights = {name: weight.detach().float().requires_grad_() for name, weight in weights_of(slstm).items()}
    y, last = ops.recur(slstm, scale * random_input(3, 50).float(), weights)
    assert y.isfinite().all()
    # The output gate and the squashed content bound what is shown.
    assert y.detach().abs().max() <= 1
    assert last.n.min() >= 1
    y.sum().backward()
    assert all(weight.grad.isfinite().all() for weight in weights.values())


def test_heads_want_a_width_that_they_divide() -> None:
    assert slstm.shapes(3, 8)["R"] == (32, 2)
    with pytest.raises(OptionError, match="hidden of slstm wanted a multiple of its 4 heads, got 6; the next one is 8"):
        slstm.shapes(3, 6)
