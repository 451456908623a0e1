"""torch's layers behind the primitive: exact where the padding begins."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ostinato import ops
from ostinato.layers import Direction

PEERS = {"elman": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


@pytest.mark.parametrize("name", PEERS)
def test_it_is_torch_s_layer_to_the_last_bit(name: str) -> None:
    peer, ours = PEERS[name](3, 5, batch_first=True), Direction(name, 3, 5, engine="torch")
    with torch.no_grad():
        peer.weight_ih_l0.copy_(ours.W)
        peer.weight_hh_l0.copy_(ours.R)
        peer.bias_ih_l0.copy_(ours.b)
        peer.bias_hh_l0.copy_(ours.br if name == "gru" else torch.zeros_like(ours.b))
    x = torch.randn(4, 9, 3)
    assert torch.equal(ours(x)[0], peer(x)[0])


def test_the_memory_passes_the_padding_to_the_last_bit() -> None:
    layer = Direction("lstm", 3, 5, engine="torch")
    x = torch.randn(2, 400, 3)
    _, short = ops.recur("lstm", x[:1, :3], layer.weights(), engine="torch")
    _, padded = ops.recur("lstm", x, layer.weights(), lengths=torch.tensor([3, 400]), engine="torch")
    torch.testing.assert_close(padded.c[:1], short.c, rtol=1e-6, atol=1e-7)


def test_huge_inputs_do_not_open_the_padding() -> None:
    layer = Direction("lstm", 3, 5, engine="torch")
    x = torch.full((1, 6, 3), 3e3)
    _, short = layer(x[:, :2])
    _, padded = layer(x, lengths=torch.tensor([2]))
    torch.testing.assert_close(padded.c, short.c, rtol=1e-6, atol=1e-7)
