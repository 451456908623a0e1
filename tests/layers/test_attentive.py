"""A recurrence that looks back. Its laws are in tests/laws."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch

from ostinato.errors import OptionError, ShapeError
from ostinato.layers import AttentiveRecurrent
from ostinato.state import State

CHANGES = {"cell": "lstm", "inputs": 4, "hidden": 8, "layers": 2, "window": 2, "heads": 1, "rotary": False}


def outcome(**changed: Any) -> Any:
    options = {"cell": "gru", "inputs": 3, "hidden": 4, "heads": 2} | changed
    torch.manual_seed(0)
    layer = AttentiveRecurrent(**options)
    torch.manual_seed(1)
    y, _ = layer(torch.randn(2, 5, options["inputs"]))
    return y.shape, y.sum().item()


def test_every_constructor_argument_changes_something() -> None:
    assert set(CHANGES) == set(inspect.signature(AttentiveRecurrent).parameters)
    for name, value in CHANGES.items():
        assert outcome(**{name: value}) != outcome()


def test_a_step_finds_what_lies_within_the_window() -> None:
    layer = AttentiveRecurrent("gru", 3, 4, window=3, heads=2)
    y, (memory, seen) = layer(torch.randn(2, 5, 3))
    assert y.shape == (2, 5, 4)
    assert memory[0].h.shape == (2, 4)
    assert seen.seen.all()
    assert seen.key.shape == (2, 2, 2)


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(OptionError, match="heads wanted a divisor of the width 5, got 4"):
        AttentiveRecurrent("gru", 3, 5)
    layer = AttentiveRecurrent("gru", 3, 4, heads=2)
    with pytest.raises(ShapeError, match="AttentiveRecurrent wanted a pair of states"):
        layer(torch.zeros(1, 2, 3), State(h=torch.zeros(1, 4)))
    with pytest.raises(ShapeError, match=r"AttentiveRecurrent: x wanted \[B, T, 3\]"):
        layer(torch.zeros(1, 2, 4))
