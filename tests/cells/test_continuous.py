"""Cells in continuous time."""

from __future__ import annotations

import math

import pytest
import torch

from ostinato import ops
from ostinato.cells import Gates, cfc
from ostinato.errors import ShapeError
from ostinato.state import State
from tests.laws.zoo import random_input, weights_of


def test_one_step_by_hand() -> None:
    x, u, e = Gates(f=0.1, g=0.2, a=0.3, b=0.4), Gates(f=0.5, g=-0.6, a=0.7, b=-0.8), Gates(dt=2.0)
    share = 1 / (1 + math.exp(-(1.0 * 2.0 - 0.4)))
    wanted = (1 - share) * math.tanh(0.6) + share * math.tanh(-0.4)
    assert cfc(x, u, State(h=9.0), None, e).h == pytest.approx(wanted, rel=1e-15)


def test_time_matters_and_must_be_given() -> None:
    x, weights = random_input(2, 4), weights_of(cfc)
    short, long = (ops.recur(cfc, x, weights, inputs={"dt": torch.full((2, 4), gap).double()})[0] for gap in (0.1, 5.0))
    assert not torch.allclose(short, long)
    with pytest.raises(ShapeError, match=r"cfc wanted inputs=\{'dt': "):
        ops.recur(cfc, x, weights)
