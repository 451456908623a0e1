from __future__ import annotations

import pytest
import torch

from ostinato.encoder_decoder.looking import Looking
from ostinato.errors import OptionError


@pytest.mark.parametrize("kind", ["additive", "dot"])
def test_it_is_the_attention_of_the_layers(kind):
    look = Looking(kind, queries=4, keys=6).double()
    lengths = torch.tensor([5, 2])
    values = torch.randn(2, 5, 6, dtype=torch.float64)
    values[1, 2:] = 0
    query = torch.randn(2, 3, 4, dtype=torch.float64)
    context, weights = look(query, look.read(values, lengths))
    wanted, shares = look.attention(query, values, lengths)
    assert torch.allclose(context, wanted)
    assert torch.allclose(weights, shares)


def test_sequences_can_be_picked_several_times():
    look = Looking("dot", queries=4, keys=6)
    read = look.read(torch.randn(2, 5, 6), torch.tensor([5, 2]), torch.ones(2, 5, dtype=torch.int64))
    picked = read.pick(torch.tensor([1, 1, 0]))
    assert torch.equal(picked.values[0], read.values[1])
    assert picked.copies.shape == (3, 5)


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(OptionError, match="did you mean 'additive'"):
        Looking("aditive", queries=4, keys=6)
