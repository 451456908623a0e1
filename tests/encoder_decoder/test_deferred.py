from __future__ import annotations

import pytest
import torch

from ostinato.encoder_decoder.deferred import Deferred


def looped(product, x, steps):
    h = x
    for _ in range(steps):
        h = torch.tanh(product(h, x))
    return h.square().sum()


def test_gradients_are_those_of_plain_products():
    weight = torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    looped(Deferred(weight), x, 5).backward()
    found, weight.grad, x_found, x.grad = weight.grad, None, x.grad, None
    looped(lambda h, share: h @ weight.t() + share, x, 5).backward()
    assert torch.allclose(found, weight.grad)
    assert torch.allclose(x_found, x.grad)


def test_going_back_twice_gives_the_same():
    weight = torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
    loss = looped(Deferred(weight), torch.randn(3, 4, dtype=torch.float64), 3)
    loss.backward(retain_graph=True)
    once = weight.grad.clone()
    loss.backward()
    assert torch.allclose(weight.grad, 2 * once)


def test_two_loops_do_not_disturb_each_other():
    weight = torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
    x = torch.randn(3, 4, dtype=torch.float64)
    first, second = looped(Deferred(weight), x, 2), looped(Deferred(weight), x, 3)
    found = [torch.autograd.grad(loss, weight)[0] for loss in (second, first)]
    wanted = [torch.autograd.grad(looped(Deferred(weight), x, steps), weight)[0] for steps in (3, 2)]
    assert all(torch.allclose(a, b) for a, b in zip(found, wanted, strict=True))


def test_a_weight_changed_before_the_way_back_is_refused():
    weight = torch.randn(4, 4, requires_grad=True)
    loss = looped(Deferred(weight), torch.randn(3, 4), 2)
    with torch.no_grad():
        weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified inplace"):
        loss.backward()


def test_without_gradients_it_is_a_product():
    weight = torch.randn(4, 4, requires_grad=True)
    with torch.no_grad():
        x = torch.randn(3, 4)
        assert torch.equal(Deferred(weight)(x), x @ weight.t())
