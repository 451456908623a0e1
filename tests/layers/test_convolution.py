"""What a convolution computes and refuses. Its laws are in tests/laws."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch

from ostinato.errors import OptionError, ShapeError
from ostinato.layers import Convolution
from ostinato.state import State
from tests.laws.zoo import random_input

OPTIONS: dict[str, Any] = {"inputs": 4, "channels": 4, "width": 3}
CHANGES = {"inputs": 2, "channels": 6, "width": 5, "causal": False, "groups": 2, "dilation": 2}


def outcome(**changed: Any) -> Any:
    torch.manual_seed(0)
    options = OPTIONS | changed
    y, _ = Convolution(**options).double()(random_input(2, 9, inputs=options["inputs"]))
    return y.shape, y.sum().item()


def test_every_constructor_argument_changes_something() -> None:
    assert set(CHANGES) == set(inspect.signature(Convolution).parameters)
    for name, value in CHANGES.items():
        assert outcome(**{name: value}) != outcome()


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("groups", [1, 4])
def test_each_step_is_a_sum_over_the_steps_before_it(dilation: int, groups: int) -> None:
    layer = Convolution(4, 8, 3, groups=groups, dilation=dilation).double()
    x, each = random_input(1, 6, inputs=4), 4 // groups
    y, _ = layer(x)
    for t in range(6):
        for channel in range(8):
            first = channel // (8 // groups) * each
            wanted = layer.kernel.bias[channel].clone()
            for k in range(3):
                if t - k * dilation >= 0:
                    seen = x[0, t - k * dilation, first : first + each]
                    wanted = wanted + layer.kernel.weight[channel, :, 2 - k] @ seen
            torch.testing.assert_close(y[0, t, channel], wanted, rtol=1e-12, atol=1e-12)


def test_the_centred_form_sees_as_far_ahead_as_back() -> None:
    layer, x = Convolution(4, 2, 5, causal=False).double(), random_input(1, 9, inputs=4).requires_grad_()
    y, state = layer(x)
    assert state is None
    (seen,) = torch.autograd.grad(y[0, 4].sum(), x)
    assert seen[0].any(-1).tolist() == [False, False, True, True, True, True, True, False, False]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"inputs": 0}, "inputs wanted a whole number"),
        ({"channels": 2.5}, "channels wanted a whole number"),
        ({"width": 0}, "width wanted a whole number"),
        ({"groups": 3}, "groups wanted a divisor of inputs 4 and of channels 4, got 3"),
        ({"dilation": 0}, "dilation wanted a whole number"),
        ({"width": 1, "dilation": 2}, "width=1 sums one"),
        ({"causal": "no"}, "causal wanted True or False, got 'no'"),
        ({"causal": False, "width": 4}, "a centred convolution wanted an odd width, got 4"),
    ],
)
def test_a_wrong_option_is_named(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        Convolution(**OPTIONS | changed)


def test_a_state_that_does_not_fit_is_refused() -> None:
    with pytest.raises(OptionError, match="has no state to go on from"):
        Convolution(4, 4, 3, causal=False)(torch.zeros(1, 2, 4), State(past=torch.zeros(1, 2, 4)))
    with pytest.raises(ShapeError, match=r"state.past wanted \[1, 2, 4\], got \[1, 1, 4\]"):
        Convolution(4, 4, 3)(torch.zeros(1, 2, 4), State(past=torch.zeros(1, 1, 4)))
