"""The gated cells, by hand."""

from __future__ import annotations

import math

import pytest

from ostinato.cells import Gates, gru
from ostinato.state import State


def logistic(v: float) -> float:
    return 1 / (1 + math.exp(-v))


def test_one_step_by_hand_resets_after_the_product() -> None:
    x, u = Gates(r=0.1, z=0.2, n=0.3), Gates(r=0.5, z=-0.6, n=0.7)
    candidate = math.tanh(0.3 + logistic(0.6) * 0.7)
    update = logistic(-0.4)
    assert gru(x, u, State(h=2.0)).h == pytest.approx((1 - update) * candidate + update * 2.0, rel=1e-15)
