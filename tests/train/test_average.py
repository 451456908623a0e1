from __future__ import annotations

import pytest
import torch

from ostinato.train.average import Average


def walk(decay, steps):
    """Random weights, step by step, and their average as it is kept."""
    torch.manual_seed(4)
    parameters = [torch.nn.Parameter(torch.rand(3, 2)), torch.nn.Parameter(torch.rand(4))]
    average = Average(parameters, decay)
    seen = []
    for _ in range(steps):
        for p in parameters:
            p.data.copy_(torch.rand_like(p))
        average.update()
        seen.append([p.detach().double() for p in parameters])
    return parameters, average, seen


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.999])
@pytest.mark.parametrize("steps", [1, 2, 40])
def test_the_average_follows_its_definition(decay, steps):
    _, average, seen = walk(decay, steps)
    shares = [decay ** (steps - 1 - k) for k in range(steps)]
    for index, value in enumerate(average.values):
        wanted = sum(share * w[index] for share, w in zip(shares, seen, strict=True)) / sum(shares)
        # Three roundings of numbers below 1 in each step.
        torch.testing.assert_close(value.double(), wanted, rtol=0, atol=3 * steps * 2.0**-24)


def test_after_one_step_it_is_the_weights():
    parameters, average, _ = walk(0.999, 1)
    assert all(torch.equal(a, p) for a, p in zip(average.values, parameters, strict=True))


def test_the_models_own_weights_come_back_also_after_an_error():
    parameters, average, _ = walk(0.9, 5)
    own = [p.detach().clone() for p in parameters]

    def fail():
        with average.applied():
            assert all(torch.equal(a, p) for a, p in zip(average.values, parameters, strict=True))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert all(torch.equal(a, b) for a, b in zip(own, parameters, strict=True))


def test_a_restored_average_goes_on_with_the_same_bits():
    parameters, average, _ = walk(0.9, 5)
    tensors, facts = average.save()
    again = Average(parameters, 0.9)
    again.load({name: t.clone() for name, t in tensors.items()}, facts)
    average.update()
    again.update()
    assert all(torch.equal(a, b) for a, b in zip(average.values, again.values, strict=True))


def test_frozen_weights_have_no_average():
    frozen = torch.nn.Parameter(torch.ones(1), requires_grad=False)
    assert Average([frozen], 0.9).values == []
