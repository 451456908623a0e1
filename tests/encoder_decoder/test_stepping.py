from __future__ import annotations

import pytest
import torch

from ostinato.cells import BUILT_IN, cell
from ostinato.encoder_decoder.stepping import Stepping, only_adds
from ostinato.layers import Recurrent
from ostinato.state import State

READING = [name for name, member in BUILT_IN.items() if not member.inputs]


@pytest.mark.parametrize("name", READING)
def test_steps_are_the_layer_cut_into_steps(name):
    torch.manual_seed(0)
    layer = Recurrent(name, 5, 8, layers=2).double()
    words, fed = (torch.randn(3, 4, width, dtype=torch.float64) for width in (3, 2))
    y, end = layer(torch.cat([words, fed], -1))
    steps, state = Stepping(layer, words), layer.zero_state(3)
    for t in range(4):
        shown, state = steps(t, fed[:, t], state)
        assert torch.allclose(shown, y[:, t], atol=1e-12)
    for ours, theirs in zip(state, end, strict=True):
        assert all(torch.allclose(ours[part], theirs[part], atol=1e-12) for part in theirs)


def test_cells_that_only_add_their_shares_are_known():
    assert all(only_adds(BUILT_IN[name]) for name in ("elman", "lstm", "lstm_peephole", "janet"))
    assert not any(only_adds(BUILT_IN[name]) for name in ("gru", "multiplicative_lstm"))


def test_a_part_that_is_no_tensor_is_made_whole():
    @cell(state="h k", gates="h")
    def odd(x, u, s):
        """Shows a sum, and keeps a number."""
        return State(h=x.h + u.h, k=1.0)

    layer = Recurrent(odd, 3, 4)
    _, (state,) = Stepping(layer, torch.zeros(2, 1, 1))(0, torch.zeros(2, 2), layer.zero_state(2))
    assert state.k.tolist() == [[1.0] * 4] * 2
