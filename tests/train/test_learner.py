from __future__ import annotations

import dataclasses

import pytest
import torch

from ostinato.errors import DivergedError, OptionError
from ostinato.state import State
from ostinato.train.learner import Carried, Learner
from ostinato.train.placement import placed
from tests.train.subjects import Tiny, TinyBatches, options, weights


@pytest.fixture
def placement():
    with placed(options()) as opened:
        yield opened


def test_a_step_sets_the_rate_of_its_place(placement):
    learner = Learner(Tiny(), options(warmup=2.0, lr=0.4), placement)
    learner.step(next(iter(TinyBatches().epoch(0))), 0.5)
    assert learner.rate == 0.1


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_batch_of_a_slower_pace_takes_a_shorter_step(placement, optimizer):
    moved = []
    for pace in (1.0, 0.25):
        model = Tiny(dropout=0.0)
        before = weights(model)
        batch = dataclasses.replace(next(iter(TinyBatches().epoch(0))), pace=pace)
        Learner(model, options(optimizer=optimizer, lr=0.1), placement).step(batch, 0.5)
        moved.append(weights(model) - before)
    torch.testing.assert_close(moved[1], moved[0] * 0.25, rtol=1e-4, atol=1e-7)


def test_a_loss_that_is_not_finite_changes_no_weight(placement):
    model = Tiny()
    learner = Learner(model, options(), placement)
    model.scores.bias.data[0] = float("inf")
    before = weights(model)
    learner.step(next(iter(TinyBatches().epoch(0))), 0.0)
    assert torch.equal(weights(model), before)
    with pytest.raises(DivergedError, match="the loss became nan at step 1 of epoch 1, with the learning rate at"):
        learner.check_finite(0)


def test_validation_is_in_evaluation_mode_and_keeps_no_gradient(placement):
    model = Tiny()
    learner = Learner(model, options(), placement)
    first, second = (learner.validate(TinyBatches(2), lambda: False) for _ in range(2))
    assert first == second
    assert set(first) == {"loss", "accuracy"}
    assert model.training
    assert all(p.grad is None for p in model.parameters())


def test_validation_of_a_continuous_source_carries_the_state(placement):
    learner = Learner(Tiny(), options(), placement)
    apart, together = (
        learner.validate(TinyBatches(2, continuous=c, shuffle=False), lambda: False) for c in (False, True)
    )
    assert apart["loss"] != together["loss"]


def test_validation_can_be_stopped(placement):
    assert Learner(Tiny(), options(), placement).validate(TinyBatches(2), lambda: True) is None


def test_a_validation_loss_that_is_not_finite_is_an_error(placement):
    model = Tiny()
    model.scores.bias.data[0] = float("nan")
    with pytest.raises(DivergedError, match="the validation loss is not a finite number; try a lower lr"):
        Learner(model, options(), placement).validate(TinyBatches(2), lambda: False)


def test_a_carried_state_has_no_gradient_and_comes_back():
    carried, again = Carried(torch.device("cpu")), Carried(torch.device("cpu"))
    h = torch.ones(2, 3, requires_grad=True) * 2
    for state in (State(h=h, c=h), (State(h=h), State(h=h, c=h)), ((State(h=h),), State(h=h))):
        carried.keep(state)
        again.load(*carried.save())
        assert repr(again.state) == repr(carried.state)
        assert "grad" not in repr(carried.state)
    carried.clear()
    again.load(*carried.save())
    assert again.state is None


def test_no_state_to_carry_is_refused():
    with pytest.raises(OptionError, match="the model's loss returns no state"):
        Carried(torch.device("cpu")).keep(None)
