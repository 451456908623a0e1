"""The memory cells, by hand."""

from __future__ import annotations

import math

import pytest

from ostinato.cells import Gates, lstm
from ostinato.state import State


def logistic(v: float) -> float:
    return 1 / (1 + math.exp(-v))


def test_one_step_by_hand() -> None:
    x, u = Gates(i=0.1, f=0.2, g=0.3, o=0.4), Gates(i=0.5, f=-0.6, g=0.7, o=-0.8)
    new = lstm(x, u, State(h=5.0, c=2.0))
    memory = logistic(-0.4) * 2.0 + logistic(0.6) * math.tanh(1.0)
    assert new.c == pytest.approx(memory, rel=1e-15)
    assert new.h == pytest.approx(logistic(-0.4) * math.tanh(memory), rel=1e-15)
