"""Stacks: what they are called with, and what they refuse. Their laws are in tests/laws."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from ostinato.errors import OptionError, ShapeError
from ostinato.layers import LockedDropout, Recurrent
from ostinato.sequence import Sequences
from ostinato.state import State


def test_sequences_bring_their_own_lengths() -> None:
    layer = Recurrent("gru", 3, 5, bidirectional=True)
    sequences = Sequences.of([torch.randn(4, 3), torch.randn(2, 3)])
    y, _ = layer(sequences)
    assert torch.equal(y, layer(sequences.data, lengths=sequences.lengths)[0])
    assert layer.engine(sequences).engine == "cpu"
    with pytest.raises(OptionError, match="bring their own lengths"):
        layer(sequences, lengths=sequences.lengths)


def test_a_two_layer_bidirectional_stack_is_torch_s() -> None:
    peer = nn.LSTM(3, 5, num_layers=2, bidirectional=True, batch_first=True)
    ours = Recurrent("lstm", 3, 5, layers=2, bidirectional=True)
    suffixes = ["l0", "l0_reverse", "l1", "l1_reverse"]
    flat = [direction for directions in ours.directions() for direction in directions]
    with torch.no_grad():
        for direction, suffix in zip(flat, suffixes, strict=True):
            direction.W.copy_(getattr(peer, f"weight_ih_{suffix}"))
            direction.R.copy_(getattr(peer, f"weight_hh_{suffix}"))
            direction.b.copy_(getattr(peer, f"bias_ih_{suffix}") + getattr(peer, f"bias_hh_{suffix}"))
    sequences = Sequences.of([torch.randn(6, 3), torch.randn(2, 3), torch.randn(4, 3)])
    wanted, (h, c) = peer(sequences.to_packed())
    y, state = ours(sequences)
    torch.testing.assert_close(y, Sequences.from_packed(wanted).data, rtol=1e-5, atol=1e-6)
    for index, part in enumerate(state):
        torch.testing.assert_close(part.h, h[index], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(part.c, c[index], rtol=1e-5, atol=1e-6)


def test_widths_may_differ_and_a_projection_joins_them() -> None:
    y, state = Recurrent("gru", 3, [4, 6], bidirectional=True)(torch.randn(2, 3, 3))
    assert y.shape[-1] == 12
    assert [part.h.shape[-1] for part in state] == [4, 4, 6, 6]
    joined = Recurrent("gru", 3, [4, 6], bidirectional=True, projection=5, residual=True, dropout=LockedDropout(0.2))
    assert joined(torch.randn(2, 3, 3))[0].shape[-1] == 5
    assert joined.width == 5


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"cell": "grru"}, "unknown cell 'grru'; did you mean 'gru'"),
        ({"inputs": 0}, "inputs wanted a whole number of at least 1, got 0"),
        ({"hidden": 2.5}, "hidden wanted a whole number or a list of them, got 2.5"),
        ({"hidden": [4, 0]}, "hidden wanted a whole number of at least 1, got 0"),
        ({"hidden": [4, 5], "layers": 3}, "gives 2 widths and layers=3"),
        ({"hidden": []}, "gives 0 widths"),
        ({"layers": 0}, "layers wanted a whole number of at least 1, got 0"),
        ({"layers": True}, "layers wanted a whole number"),
        ({"layers": 2, "dropout": 1.0}, "below 1, got 1.0"),
        ({"layers": 2, "dropout": float("inf")}, "below 1, got inf"),
        ({"projection": 0}, "projection wanted a whole number of at least 1, got 0"),
        ({"hidden": [4, 5], "residual": True}, r"residual wanted layers of one width, got \[4, 5\]"),
        ({"weight_drop": -1.0}, "weight_drop wanted a share"),
        ({"engine": "cdnn"}, "unknown engine 'cdnn'"),
        ({"layers": 2, "dropout": "x"}, "dropout wanted a share or a module such as LockedDropout, got 'x'"),
        ({"bidirectional": "no"}, "bidirectional wanted True or False, got 'no'"),
    ],
)
def test_a_wrong_option_is_named(changed: dict[str, Any], words: str) -> None:
    options = {"cell": "gru", "inputs": 3, "hidden": 4} | changed
    with pytest.raises(OptionError, match=words):
        Recurrent(**options)


def test_a_wrong_state_is_named() -> None:
    layer = Recurrent("gru", 3, 4, layers=2)
    with pytest.raises(ShapeError, match="wanted a tuple of 2, one State for each layer and direction, got one State"):
        layer(torch.randn(1, 2, 3), State(h=torch.zeros(1, 4)))
    with pytest.raises(ShapeError, match="got 1"):
        layer(torch.randn(1, 2, 3), (State(h=torch.zeros(1, 4)),))


def test_it_says_what_it_is() -> None:
    assert "Direction(gru, 3, 4, reverse=True)" in repr(Recurrent("gru", 3, 4, bidirectional=True))


def test_the_weights_of_a_stack_are_told_from_the_top_down() -> None:
    stack = Recurrent("gru", 3, 5, layers=3, bidirectional=True, projection=4, norm=True)
    names = {id(parameter): name for name, parameter in stack.named_parameters()}
    told = [{names[id(parameter)].split(".")[:2][1] for parameter in group} for group in stack.depths()]
    assert told == [{"2"}, {"1"}, {"0"}]
    assert sum(len(group) for group in stack.depths()) == len(names)
