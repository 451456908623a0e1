"""Cells whose gates see the input only."""

from __future__ import annotations

import torch
from torch.nn import functional

from ostinato import ops
from ostinato.cells import Gates, mingru, minlstm, qrnn
from ostinato.state import State
from tests.laws.zoo import random_input, weights_of


def test_the_candidate_of_the_minimal_cells_is_positive_and_has_no_jump() -> None:
    open_gate = [mingru(Gates(z=800.0, n=value), None, State(h=0.0)).h for value in (-30.0, -1e-12, 0.0, 2.0)]
    assert 0 < open_gate[0] < 1e-12
    assert abs(open_gate[1] - open_gate[2]) < 1e-11
    assert open_gate[2:] == [0.5, 2.5]


def test_two_closed_gates_share_one_between_them() -> None:
    x = Gates(f=torch.tensor([-300.0]), i=torch.tensor([-300.0]), n=torch.tensor([1.5]))
    assert minlstm(x, None, State(h=torch.tensor([1.0]))).h.item() == 1.5


def test_the_quasi_recurrent_net_is_a_convolution_and_a_pooling() -> None:
    x, weights = random_input(2, 6), weights_of(qrnn)
    y, _ = ops.recur(qrnn, x, weights)
    now, before = weights["W"].chunk(2)
    kernel = torch.stack([before, now], dim=-1)
    padded = functional.pad(x.transpose(1, 2), (1, 0))
    bias, late = weights["b"].chunk(2)
    joined = functional.conv1d(padded, kernel, bias).transpose(1, 2)
    # The older half has a bias of its own, which the padding has not.
    joined = joined + late * (torch.arange(6)[:, None] > 0)
    z, f, o = joined.chunk(3, dim=-1)
    c = torch.zeros_like(z[:, 0])
    for t in range(6):
        c = f[:, t].sigmoid() * c + (1 - f[:, t].sigmoid()) * z[:, t].tanh()
        torch.testing.assert_close(y[:, t], o[:, t].sigmoid() * c, rtol=1e-12, atol=1e-12)
