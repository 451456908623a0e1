"""Alternating blocks: their options and what they refuse. Their laws are in tests/laws."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from torch import nn

from ostinato.cells import Gates, cell, exp, tanh
from ostinato.errors import OptionError, ShapeError
from ostinato.layers import (
    AttentiveRecurrent,
    Block,
    Blocks,
    Chain,
    Convolution,
    GatedRecurrence,
    LocalAttention,
    Recurrent,
)
from ostinato.state import State
from tests.laws.zoo import input_gated, random_input

CHANGES: dict[str, Any] = {
    "width": 4,
    "pattern": "ra",
    "cell": "lstm",
    "hidden": 6,
    "convolution": 2,
    "window": 2,
    "heads": 2,
    "expansion": 2,
    "dropout": 0.5,
}


def outcome(**changed: Any) -> Any:
    options = {"width": 8, "pattern": "rra"} | changed
    torch.manual_seed(0)
    layer = Blocks(**options, **({} if "heads" in changed or options["width"] == 8 else {"heads": 1}))
    torch.manual_seed(1)
    y, _ = layer(torch.randn(2, 5, options["width"]))
    return y.shape, y.square().sum().item(), (y * torch.arange(y.numel()).reshape(y.shape)).sum().item()


def test_every_constructor_argument_changes_something() -> None:
    assert set(CHANGES) == set(inspect.signature(Blocks).parameters)
    for name, value in CHANGES.items():
        assert outcome(**{name: value}) != outcome()


def test_a_pattern_has_a_letter_for_each_block() -> None:
    layer = Blocks(8, "ara", cell=input_gated, hidden=6, heads=2)
    kinds = [type(block.mixing).__name__ for block in layer.blocks]
    assert kinds == ["LocalAttention", "GatedRecurrence", "LocalAttention"]
    assert "8, 'ara'" in repr(layer)
    assert layer.blocks[1].mixing.recurrence.cell is input_gated


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"width": 0}, "width wanted a whole number"),
        ({"pattern": ""}, "pattern wanted letters such as 'rra', got ''"),
        ({"pattern": "rRa"}, "pattern got the letter 'R'; did you mean 'r'"),
        ({"pattern": None}, "pattern wanted letters"),
        ({"pattern": "rr", "window": 4}, r"window belongs to blocks of local attention \('a'\), .* 'rr' has none"),
        ({"pattern": "rr", "heads": 4}, "heads belongs to blocks of local attention"),
        ({"pattern": "a", "cell": "gru"}, "cell belongs to blocks of recurrence"),
        ({"pattern": "a", "hidden": 4}, "hidden belongs to blocks of recurrence"),
        ({"pattern": "a", "convolution": 4}, "convolution belongs to blocks of recurrence"),
        ({"cell": "grru"}, "unknown cell 'grru'; did you mean 'gru'"),
        ({"hidden": 0}, "hidden wanted a whole number"),
        ({"convolution": 0}, "width wanted a whole number"),
        ({"expansion": 0}, "expansion wanted a whole number"),
        ({"dropout": 1.0}, "dropout wanted a share"),
        ({"heads": 3}, "heads wanted a divisor of the width 8, got 3"),
    ],
)
def test_a_wrong_option_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        Blocks(**{"width": 8} | given)


@cell(state="h", gates="n", inputs="dt")
def fading(x: Gates, u: Gates, s: State, e: Gates) -> State:
    """Forgets by how much time has passed."""
    return State(h=exp(-e.dt) * s.h + tanh(x.n + u.n))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Blocks(4, "ra", cell=fading, window=3, heads=1),
        lambda: Block(GatedRecurrence(4, fading, 4), 4),
        lambda: AttentiveRecurrent(fading, 4, 4, window=3, heads=2),
        lambda: Chain(Convolution(4, 4, 3), Recurrent(fading, 4, 4)),
    ],
)
def test_what_a_cell_is_given_besides_x_reaches_it(make: Any) -> None:
    torch.manual_seed(0)
    layer, x, dt = make().double(), random_input(2, 5, inputs=4), torch.rand(2, 5, dtype=torch.float64)
    y, _ = layer(x, inputs={"dt": dt})
    assert not torch.equal(layer(x, inputs={"dt": 2 * dt})[0], y)
    state, parts = None, []
    for t in range(5):
        part, state = layer(x[:, t : t + 1], state, inputs={"dt": dt[:, t : t + 1]})
        parts.append(part)
    torch.testing.assert_close(torch.cat(parts, dim=1), y, rtol=1e-12, atol=1e-12)
    with pytest.raises(ShapeError, match=r"fading wanted inputs=.*dt"):
        layer(x)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Blocks(4, "a", window=3, heads=1),
        lambda: Block(LocalAttention(4, heads=1), 4),
        lambda: Chain(Convolution(4, 4, 3)),
    ],
)
def test_what_nobody_takes_is_refused(make: Any) -> None:
    with pytest.raises(OptionError, match="has no recurrence that takes inputs besides x, got dt; leave them out"):
        make()(torch.zeros(1, 2, 4), inputs={"dt": torch.ones(1, 2)})


def test_a_wrong_state_is_named() -> None:
    layer, x = Blocks(8), torch.zeros(1, 2, 8)
    with pytest.raises(ShapeError, match="Blocks wanted a tuple of 3 states, got 2; pass what the layer returned"):
        layer(x, (None, None))
    with pytest.raises(ShapeError, match="GatedRecurrence wanted a pair of states"):
        GatedRecurrence(8, "gru", 8)(x, (None,))


def test_a_block_learns_through_a_long_stack() -> None:
    layer = Blocks(8, "rarararara", window=4, heads=2)
    x = torch.randn(2, 6, 8, requires_grad=True)
    y, _ = layer(x)
    (y * torch.arange(y.numel()).reshape(y.shape).cos()).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().mean() > 1e-3
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in layer.parameters())


def test_dropout_acts_in_training_only() -> None:
    layer, x = Block(GatedRecurrence(8, "gru", 8), 8, dropout=0.5), torch.randn(2, 3, 8)
    assert not torch.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])
    assert isinstance(layer.norms[0], nn.RMSNorm)
