"""What a call of the primitive checks, and how it is said."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ostinato import ops
from ostinato.cells import lstm
from ostinato.errors import OptionError, ShapeError
from ostinato.layers import Direction
from ostinato.state import State


def call(**changed: Any) -> Any:
    given = {"x": torch.randn(2, 4, 3), "weights": Direction("lstm", 3, 5).weights()} | changed
    return ops.recur("lstm", **given)


def without(name: str) -> dict[str, torch.Tensor]:
    return {n: w for n, w in Direction("lstm", 3, 5).weights().items() if n != name}


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"x": torch.randn(4, 3)}, ShapeError, r"x wanted \[B, T, D\], got \[4, 3\]; put the batch first"),
        ({"x": torch.randn(2, 4, 7)}, ShapeError, r"W of lstm wanted \[20, 7\], got \[20, 3\].*made for 3 features"),
        ({"x": torch.ones(2, 4, 3, dtype=torch.int64)}, ShapeError, "got torch.int64; embed ids first"),
        ({"x": torch.randn(2, 4, 3).double()}, ShapeError, "wanted torch.float64 on cpu like x, got torch.float32"),
        ({"weights": {}}, OptionError, "wanted 'W' among them, got none"),
        ({"weights": without("R")}, OptionError, r"wanted the weight 'R' \[20, 5\]"),
        ({"weights": {**without("b"), "bias": torch.zeros(20)}}, OptionError, "no weight 'bias'"),
        ({"weights": {**without("R"), "R": torch.zeros(20, 4)}}, ShapeError, r"R of lstm wanted \[20, 5\]"),
        ({"state": torch.zeros(2, 5)}, ShapeError, r"wanted State\(h, c\), got Tensor"),
        ({"state": State(h=torch.zeros(2, 5))}, ShapeError, r"wanted State\(h, c\), got h"),
        ({"state": State(h=torch.zeros(2, 5), c=torch.zeros(3, 5))}, ShapeError, r"c of lstm wanted \[2, 5\]"),
        ({"state": State(h=torch.zeros(2, 5), c=torch.zeros(2, 5).double())}, ShapeError, "c of lstm wanted torch.fl"),
        ({"lengths": torch.tensor([4])}, ShapeError, r"lengths wanted \[2\]"),
        ({"lengths": torch.tensor([4, 5])}, ShapeError, "from 0 to T = 4, got 4 to 5"),
        ({"lengths": torch.tensor([-1, 4])}, ShapeError, "got -1 to 4"),
        ({"lengths": torch.tensor([4.0, 4.0])}, ShapeError, "whole numbers"),
        ({"lengths": [4, 4]}, ShapeError, "got list"),
        ({"reset": torch.zeros(2, 4)}, ShapeError, r"tensor of bools \[2, 4\], got torch.float32"),
        ({"reset": torch.zeros(2, 3, dtype=torch.bool)}, ShapeError, r"reset wanted \[2, 4\]"),
    ],
)
def test_a_wrong_argument_is_named(changed: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call(**changed)


def test_the_state_before_the_first_step_is_zero() -> None:
    zero = ops.zero_state(lstm, 2, 5, like=torch.ones(1).double())
    assert zero.keys() == ("h", "c")
    assert zero.c.dtype is torch.float64
    assert not zero.c.any()
