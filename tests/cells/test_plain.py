"""The plain cells, by hand."""

from __future__ import annotations

import math

from ostinato.cells import Gates, Identity, elman, elman_relu
from ostinato.state import State


def test_one_step_by_hand() -> None:
    x, u, s = Gates(h=0.3), Gates(h=-0.5), State(h=9.0)
    assert elman(x, u, s).h == math.tanh(0.3 - 0.5)
    assert elman_relu(x, u, s).h == 0.0
    assert elman_relu(x, Gates(h=0.5), s).h == 0.8


def test_the_relu_net_starts_by_remembering() -> None:
    assert elman_relu.initial_of("R.h", 4) == Identity()
