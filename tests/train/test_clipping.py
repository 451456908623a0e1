from __future__ import annotations

import torch

from ostinato.train.clipping import Clip


def gradients(*values):
    parameters = []
    for value in values:
        parameter = torch.nn.Parameter(torch.zeros(len(value)))
        parameter.grad = torch.tensor(value)
        parameters.append(parameter)
    return parameters


def after(parameters, **limits):
    Clip(parameters, **limits)()
    return [p.grad.tolist() for p in parameters]


def test_the_norm_of_all_gradients_together_is_shortened():
    parameters = gradients([3.0, 0.0], [0.0, 4.0])
    Clip(parameters, norm=2.0)()
    whole = torch.cat([p.grad for p in parameters])
    # torch divides by the norm plus 1e-6.
    torch.testing.assert_close(whole, torch.tensor([1.2, 0.0, 0.0, 1.6]), rtol=1e-6, atol=0)


def test_a_small_gradient_stays_as_it_is():
    assert after(gradients([0.3, 0.4]), norm=1.0) == [gradients([0.3, 0.4])[0].grad.tolist()]


def test_each_entry_is_cut_by_value():
    assert after(gradients([3.0, -4.0, 0.25]), value=0.5) == [[0.5, -0.5, 0.25]]


def test_the_value_comes_before_the_norm():
    torch.testing.assert_close(
        torch.tensor(after(gradients([100.0, 0.5]), norm=0.5, value=0.5)[0]),
        torch.tensor([0.5, 0.5]) * 0.5**0.5,
        rtol=1e-5,
        atol=0,
    )


def test_zero_turns_both_off():
    assert after(gradients([300.0, 400.0]), norm=0.0, value=0.0) == [[300.0, 400.0]]
