"""Layers one after another. Their laws are in tests/laws."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from ostinato.errors import OptionError, ShapeError
from ostinato.layers import Chain, Convolution, Recurrent


def test_a_chain_is_its_members_one_after_another() -> None:
    convolution, between, recurrent = Convolution(3, 6, 4), nn.GELU(), Recurrent("gru", 6, 5)
    x, lengths = torch.randn(2, 7, 3), torch.tensor([7, 3])
    y, (past, memory) = Chain(convolution, between, recurrent)(x, lengths=lengths)
    seen, wanted_past = convolution(x, lengths=lengths)
    wanted, wanted_memory = recurrent(between(seen), lengths=lengths)
    assert torch.equal(y, wanted)
    assert torch.equal(past.past, wanted_past.past)
    assert torch.equal(memory[0].h, wanted_memory[0].h)


def test_a_bias_in_between_does_not_show_in_the_padding() -> None:
    layer = Chain(nn.Linear(3, 4), Recurrent("gru", 4, 5), nn.Linear(5, 2))
    y, _ = layer(torch.full((1, 3, 3), torch.nan), lengths=torch.tensor([0]))
    assert not y.any()


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ((), "at least one layer over time, got none among 0 members"),
        ((nn.GELU(),), "at least one layer over time, got none among 1 members"),
        (("gru",), "a Chain wanted modules, got str"),
    ],
)
def test_a_chain_wants_layers_over_time(members: Any, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        Chain(*members)


def test_a_wrong_state_is_named() -> None:
    layer = Chain(Convolution(3, 6, 4), Recurrent("gru", 6, 5))
    with pytest.raises(ShapeError, match="Chain wanted a tuple of 2 states, got 1; pass what the layer returned"):
        layer(torch.zeros(1, 2, 3), (None,))
