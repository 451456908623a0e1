"""What a recurrence with convolutions beside it computes and refuses. Its laws are in tests/laws."""

from __future__ import annotations

import inspect

import pytest
import torch

from ostinato.errors import OptionError
from ostinato.layers import Filters, Hybrid, Recurrent, StepNorm
from tests.laws.zoo import random_input

OPTIONS = {"cell": "gru", "inputs": 4, "hidden": 3, "filters": 2}
CHANGES = {"cell": "lstm", "inputs": 2, "hidden": 5, "filters": 3, "widths": (3, 3, 3), "every": 2}


def outcome(**changed):
    torch.manual_seed(0)
    options = OPTIONS | changed
    y, _ = Hybrid(**options).double()(random_input(2, 9, inputs=options["inputs"]))
    return y.shape, y.sum().item()


def test_every_constructor_argument_changes_something():
    assert set(CHANGES) | {"recurrent"} == set(inspect.signature(Hybrid).parameters)
    for name, value in {**CHANGES, "bidirectional": True, "layers": 2}.items():
        assert outcome(**{name: value}) != outcome()


def test_the_first_columns_are_the_recurrence_and_the_others_the_filters():
    layer, x = Hybrid(**OPTIONS).double().eval(), random_input(2, 9, inputs=4)
    y, state = layer(x)
    assert state is None
    assert layer.width == 5
    torch.testing.assert_close(y[..., :3], layer.recurrence(x)[0])
    torch.testing.assert_close(y[..., 3:], layer.filters(x))
    assert (y[..., 3:] >= 0).all()


def test_a_slow_recurrence_reads_means_and_is_held():
    layer, x = Hybrid(**OPTIONS, every=3).double().eval(), random_input(1, 7, inputs=4)
    y, _ = layer(x, lengths=torch.tensor([5]))
    means = torch.stack([x[0, :3].mean(0), x[0, 3:5].mean(0)])[None]
    shown, _ = layer.recurrence(means)
    torch.testing.assert_close(y[0, :5, :3], shown[0, [0, 0, 0, 1, 1]])
    assert not y[0, 5:].any()


def test_what_stands_past_a_length_never_matters_in_training_too():
    torch.manual_seed(0)
    layer, x, lengths = Hybrid(**OPTIONS, every=2).double(), random_input(3, 9, inputs=4), torch.tensor([9, 4, 1])
    valid = (torch.arange(9) < lengths[:, None])[..., None]
    y, _ = layer(x, lengths=lengths)
    other, _ = layer(torch.where(valid, x, torch.nan), lengths=lengths)
    torch.testing.assert_close(y, other)


def test_the_norm_is_that_of_torch_whether_all_steps_are_valid_or_some_are_left_out():
    ours, masked, theirs = StepNorm(3).double(), StepNorm(3).double(), torch.nn.BatchNorm1d(3).double()
    x = random_input(4, 5, inputs=3).transpose(1, 2)
    longer, valid = torch.cat([x, torch.zeros(4, 3, 2)], 2), torch.arange(7).expand(4, 7) < 5
    for training in (True, True, False):
        for norm in (ours, masked, theirs):
            norm.train(training)
        wanted = theirs(x)
        torch.testing.assert_close(ours(x), wanted)
        torch.testing.assert_close(masked(longer, valid)[..., :5], wanted)
        for norm in (ours, masked):
            torch.testing.assert_close(norm.mean, theirs.running_mean)
            torch.testing.assert_close(norm.variance, theirs.running_var)


def test_a_batch_of_no_valid_step_leaves_the_norm_as_it_is():
    norm = StepNorm(2)
    y = norm(torch.zeros(1, 2, 3), torch.zeros(1, 3, dtype=torch.bool))
    assert torch.isfinite(y).all()
    assert norm.mean.tolist() == [0.0, 0.0]


def test_a_series_of_one_step_trains():
    layer = Hybrid(**OPTIONS, every=4)
    y, _ = layer(torch.randn(1, 1, 4), lengths=torch.tensor([1]))
    y.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in layer.parameters())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Hybrid(**OPTIONS, every=0), "every wanted a whole number of at least 1"),
        (lambda: Hybrid(**OPTIONS, widths=(3, 3)), r"widths wanted three numbers of steps, got \[3, 3\]"),
        (lambda: Filters(3, 2, (2, 3, 3)), "a centred convolution wanted an odd width, got 2"),
        (lambda: Filters(3, 0), "channels wanted a whole number of at least 1"),
        (lambda: Hybrid(**OPTIONS)(torch.zeros(1, 2, 4), ()), "no state to go on from; pass None"),
        (
            lambda: Hybrid(**OPTIONS, every=2)(torch.zeros(1, 2, 4), reset=torch.tensor([[True, False]])),
            "a recurrence over means of 2 steps knows no reset",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(OptionError, match=words):
        make()


def test_options_of_the_recurrence_are_its_own():
    assert isinstance(Hybrid(**OPTIONS, layers=2, zoneout=0.1).recurrence, Recurrent)
    with pytest.raises(TypeError, match="hiden"):
        Hybrid(**OPTIONS, hiden=3)
