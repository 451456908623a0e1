from __future__ import annotations

import pytest
import torch

from ostinato.encoder_decoder.decoder import Bridge, Decoder
from ostinato.layers import Recurrent


@pytest.mark.parametrize(("reads", "writes"), [("lstm", "gru"), ("gru", "lstm"), ("lstm_projected", "slstm")])
def test_any_cell_goes_on_from_any_other(reads, writes):
    encoder = Recurrent(reads, 3, 8, layers=2, bidirectional=True)
    decoder = Recurrent(writes, 3, 4, layers=3)
    _, ends = encoder(torch.randn(2, 5, 3))
    state = Bridge(encoder, decoder)(ends, decoder.zero_state(2))
    assert len(state) == 3
    y, _ = decoder(torch.randn(2, 1, 3), state)
    assert y.isfinite().all()
    assert all(part.abs().max() <= 1 for part in (s[decoder.cell.output] for s in state))


def test_parts_that_scale_others_start_as_their_cell_starts_them():
    encoder, decoder = Recurrent("slstm", 3, 8), Recurrent("slstm", 3, 8)
    _, ends = encoder(torch.randn(2, 5, 3))
    (state,) = Bridge(encoder, decoder)(ends, decoder.zero_state(2))
    assert not state.n.any()
    assert state.c.any()


def test_dropout_between_layers_acts_step_by_step_too():
    torch.manual_seed(0)
    decoder = Decoder("gru", 3, 4, layers=2, read=6, answer=3, feeding=True, dropout=0.5).train()
    zero = decoder.stack.zero_state(2)
    read = decoder.look.read(torch.randn(2, 5, 6), torch.tensor([5, 3]))
    first, second = (decoder(torch.ones(2, 4, 3), read, zero)[0] for _ in range(2))
    assert not torch.equal(first, second)
    assert (first == 0).any()
