from __future__ import annotations

import pytest
import torch
from torch.nn.utils.rnn import pad_packed_sequence

from ostinato.nn.packing import Layout
from tests.nn.twins import sequences


@pytest.mark.parametrize("lengths", [(3, 1, 5, 5, 2), (1, 1), (4,), (2, 7)], ids=str)
def test_spreading_is_what_torch_calls_padding(lengths):
    packed = sequences(*lengths, inputs=3)
    wanted, _ = pad_packed_sequence(packed._replace(sorted_indices=None, unsorted_indices=None))
    layout = Layout(packed.batch_sizes)
    assert torch.equal(layout.spread(packed.data), wanted)
    assert torch.equal(layout.gather(wanted), packed.data)


def test_equal_lengths_are_only_seen_in_another_way():
    packed = sequences(4, 4, inputs=3)
    layout = Layout(packed.batch_sizes)
    assert layout.lengths is None
    assert layout.spread(packed.data).data_ptr() == packed.data.data_ptr()


def test_what_stands_in_the_padding_is_left_behind():
    packed = sequences(1, 3, inputs=2)
    layout = Layout(packed.batch_sizes)
    spread = layout.spread(packed.data)
    spread[1:, 1] = float("nan")
    assert torch.equal(layout.gather(spread), packed.data)


def test_gradients_pass_both_ways_as_often_as_wanted():
    packed = sequences(3, 1, 2, inputs=2)
    layout = Layout(packed.batch_sizes)
    data = packed.data.requires_grad_()
    padded = torch.randn(3, 3, 2, dtype=torch.float64, requires_grad=True)
    for function, given in ((layout.spread, data), (layout.gather, padded)):
        assert torch.autograd.gradcheck(function, (given,))
        assert torch.autograd.gradgradcheck(function, (given,))
