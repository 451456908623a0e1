"""Linear recurrences: how they start, and that they lose no digits."""

from __future__ import annotations

import math

import torch

from ostinato.cells import Gates, lru, rglru
from ostinato.layers import Direction
from ostinato.state import State


def test_decays_start_between_their_bounds() -> None:
    torch.manual_seed(0)
    strength = Direction("rglru", 3, 4000).Lambda.detach().double()
    kept = (-8.0 * torch.nn.functional.softplus(strength)).exp()
    assert 0.9 - 1e-6 < kept.min() < 0.902
    assert 0.997 < kept.max() < 0.999 + 1e-6
    assert abs(kept.mean() - 0.9495) < 0.002


def test_eigenvalues_start_on_the_ring_and_the_input_is_scaled_to_them() -> None:
    torch.manual_seed(0)
    layer = Direction("lru", 3, 4000)
    size, angle = (-layer.nu.detach().double().exp()).exp(), layer.theta.detach().double().exp()
    assert 0.9 - 1e-6 < size.min() < 0.901
    assert 0.998 < size.max() < 0.999 + 1e-6
    assert angle.min() < 0.05
    assert 6.2 < angle.max() < 2 * math.pi + 1e-5
    wanted = (1 - size.square()).sqrt()
    torch.testing.assert_close(layer.gamma.detach().double().exp(), wanted, rtol=1e-4, atol=0)


def test_the_share_that_is_taken_in_is_right_where_nearly_all_is_kept() -> None:
    p = Gates(Lambda=torch.tensor(-20.0), c=8.0)
    new = rglru(Gates(r=torch.tensor(-2.0), i=torch.tensor(800.0), v=torch.tensor(1.0)), None, State(h=0.0), p)
    lost = 8 * math.log1p(math.exp(-20.0)) / (1 + math.exp(2.0))
    assert math.isclose(new.h.item(), math.sqrt(-math.expm1(-2 * lost)), rel_tol=1e-5)


def test_a_gate_that_is_wholly_shut_has_a_gradient() -> None:
    r = torch.tensor(-1e4, requires_grad=True)
    x = Gates(r=r, i=torch.tensor(0.0), v=torch.tensor(1.0))
    rglru(x, None, State(h=torch.tensor(1.0)), Gates(Lambda=torch.tensor(0.0), c=8.0)).h.backward()
    assert r.grad is not None
    assert r.grad.item() == 0.0


def test_a_state_without_input_turns_and_shrinks() -> None:
    p = Gates(nu=math.log(0.1), theta=math.log(math.pi / 2), gamma=0.0, Cre=torch.eye(1), Cim=torch.eye(1))
    zero = torch.zeros(1)
    new = lru(Gates(re=zero, im=zero, d=zero), None, State(h=zero, re=torch.ones(1), im=zero), p)
    assert math.isclose(new.im.item(), math.exp(-0.1), rel_tol=1e-6)
    assert abs(new.re.item()) < 1e-7
