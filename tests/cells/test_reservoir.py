"""Reservoirs: drawn, not trained."""

from __future__ import annotations

import torch

from ostinato.layers import Direction, Recurrent


def test_the_weights_of_a_reservoir_want_no_gradients() -> None:
    layer = Recurrent("leaky_echo", 3, 20)
    assert not any(weight.requires_grad for weight in layer.parameters())
    assert all(weight.requires_grad for weight in Recurrent("elman", 3, 20).parameters())


def test_a_reservoir_starts_with_its_spectral_radius_and_forgets() -> None:
    torch.manual_seed(0)
    layer = Direction("leaky_echo", 3, 40)
    assert abs(torch.linalg.eigvals(layer.R).abs().max().item() - 0.9) < 1e-3
    x = torch.randn(1, 300, 3)
    _, one = layer(x)
    _, other = layer(x, type(one)(h=torch.randn(1, 40)))
    torch.testing.assert_close(one.h, other.h, atol=1e-4, rtol=0)
