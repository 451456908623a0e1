from __future__ import annotations

import pytest
import torch

from ostinato.train.average import Average, TriggeredMean, make_average
from ostinato.train.options import TrainOptions


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


def stalled(values, wait=2, monitor="loss"):
    """A mean that was told some values, a step of random weights before each; and those weights."""
    torch.manual_seed(5)
    weight = torch.nn.Parameter(torch.rand(3, dtype=torch.float64))
    mean, seen, begun = TriggeredMean([weight], wait=wait, monitor=monitor), [], []
    for value in values:
        weight.data.copy_(torch.rand(3, dtype=torch.float64))
        mean.update()
        seen.append(weight.detach().clone())
        mean.observe(value)
        begun.append(mean.begun)
    return mean, seen, begun


def test_a_mean_begins_when_the_loss_is_worse_than_the_best_of_long_ago_and_is_plain_from_then_on():
    mean, seen, begun = stalled([0.9, 0.5, 0.6, 0.55, 0.2, 0.9, 0.1])
    assert begun == [False, False, False, True, True, True, True]
    torch.testing.assert_close(mean.values[0], torch.stack(seen[4:]).mean(0), rtol=1e-12, atol=0)
    assert mean.steps == 3


def test_a_mean_waits_for_a_measure_that_should_rise_to_fall():
    assert stalled([0.5, 0.55, 0.6, 0.58, 0.54], monitor="accuracy")[2] == [False] * 4 + [True]


def test_a_restored_mean_goes_on_with_the_same_bits_whether_it_has_begun_or_not():
    values = [0.9, 0.5, 0.6, 0.55, 0.2]
    for cut in range(len(values)):
        mean, _, _ = stalled(values[:cut])
        other = TriggeredMean(mean.parameters, wait=2, monitor="loss")
        tensors, facts = mean.save()
        other.load({name: t.clone() for name, t in tensors.items()}, facts)
        for one in (mean, other):
            one.observe(values[cut])
            one.update()
        assert mean.save()[1] == other.save()[1]
        assert torch.equal(mean.values[0], other.values[0])


def test_options_choose_the_mean():
    weights = [torch.nn.Parameter(torch.ones(1))]
    assert make_average(weights, TrainOptions(average=0.0)) is None
    assert type(make_average(weights, TrainOptions(average=0.9))) is Average
    made = make_average(weights, TrainOptions(average=0.0, average_trigger=5))
    assert isinstance(made, TriggeredMean)
    assert made.wait == 5
