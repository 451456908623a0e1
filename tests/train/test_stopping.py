from __future__ import annotations

import pytest
import torch

from ostinato.train.stopping import Best


def follow(best, values):
    model = torch.nn.Linear(1, 1)
    answers = []
    for epoch, value in enumerate(values):
        model.weight.data.fill_(float(epoch))
        answers.append(best.observe(epoch, value, model))
    return model, answers


@pytest.mark.parametrize(
    ("monitor", "values", "answers"),
    [
        ("loss", [3.0, 2.0, 2.0, 4.0, 1.0], [True, True, False, False, True]),
        ("accuracy", [0.1, 0.3, 0.3, 0.2, 0.4], [True, True, False, False, True]),
    ],
)
def test_better_is_lower_for_the_loss_and_higher_for_the_accuracy(monitor, values, answers):
    assert follow(Best(monitor=monitor, patience=0), values)[1] == answers


def test_patience_counts_the_epochs_since_the_best():
    best = Best(monitor="loss", patience=2)
    follow(best, [1.0, 2.0])
    assert not best.exhausted
    follow(best, [3.0])
    assert best.exhausted


def test_no_patience_never_stops():
    best = Best(monitor="loss", patience=0)
    follow(best, [float(k) for k in range(50)])
    assert not best.exhausted


def test_the_best_weights_come_back():
    best = Best(monitor="loss", patience=0)
    model, _ = follow(best, [3.0, 1.0, 2.0])
    best.apply(model)
    assert model.weight.item() == 1.0


def test_what_is_saved_goes_on():
    first, second = Best(monitor="loss", patience=3), Best(monitor="loss", patience=3)
    second.load(*first.save())
    assert second.epoch == -1
    follow(first, [1.0, 2.0])
    second.load(*first.save())
    model = torch.nn.Linear(1, 1)
    assert not second.observe(2, 1.5, model)
    assert (second.epoch, second.value, second.waited) == (0, 1.0, 2)
    second.apply(model)
    assert model.weight.item() == 0.0
