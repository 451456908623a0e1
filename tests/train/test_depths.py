from __future__ import annotations

import pytest
import torch
from torch import nn

from ostinato.errors import OptionError
from ostinato.train import Stepped, train
from ostinato.train.depths import Depths
from ostinato.train.options import TrainOptions
from tests.train.subjects import Tiny, TinyBatches, options, trained, weights


def parts(model):
    """The weights of each depth of a Tiny, the top first."""
    return [torch.cat([p.detach().flatten() for p in group]) for group in model.depths()]


def moved(model):
    """Which depths of a Tiny are no longer as they were made."""
    return [not torch.equal(now, then) for now, then in zip(parts(model), parts(Tiny()), strict=True)]


def test_the_layers_begin_from_the_top_down_and_stand_still_before_that():
    # Three steps an epoch, in the middle of which the progress is 1/6, 1/2, 5/6.
    for epochs, wanted in ((1, [True, False, False]), (2, [True, True, False]), (3, [True, True, True])):
        model, _ = trained(batches=TinyBatches(3), epochs=epochs, unfreeze=1.0)
        assert moved(model) == wanted
    # From 0.4 on the second depth learns, within the first epoch; weight decay and the average leave the third alone.
    model, _ = trained(batches=TinyBatches(3), epochs=1, unfreeze=0.45, weight_decay=0.5, average=0.9)
    assert moved(model) == [True, True, False]


def test_more_epochs_apart_than_there_are_train_the_top_alone():
    assert moved(trained(epochs=3, unfreeze=1000.0)[0]) == [True, False, False]


def test_what_stands_still_costs_no_backward_pass():
    model = Tiny()
    depths = Depths(model, options(unfreeze=1.0))
    with depths.still(0.5):
        loss = model.loss(next(iter(TinyBatches().epoch(0)))).loss
    loss.backward()
    assert [all(p.grad is None for p in group) for group in model.depths()] == [False, True, True]
    assert all(p.requires_grad for p in model.parameters())


def test_an_error_in_a_step_leaves_every_weight_ready_to_learn():
    model = Tiny()
    with pytest.raises(KeyError), Depths(model, options(unfreeze=1.0)).still(0.0):
        raise KeyError
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
def test_each_depth_has_its_rate(optimizer):
    model, bare = Tiny(dropout=0.0), Tiny(dropout=0.0)
    given = {"optimizer": optimizer, "lr": 0.01, "clip": 0.0, "epochs": 1}
    trained(model, TinyBatches(1), layer_decay=4.0, **given)
    # A depth moves as far as if all had its rate: after one step no depth has seen what the others did.
    for depth, own in enumerate(parts(model)):
        alone, _ = trained(Tiny(dropout=0.0), TinyBatches(1), **given | {"lr": 0.01 / 4.0**depth})
        assert torch.equal(own, parts(alone)[depth])
    assert not torch.equal(weights(model), weights(bare))


def test_a_weight_of_several_depths_belongs_to_the_lowest_and_one_of_none_to_the_top():
    class Odd(Tiny):
        def depths(self):
            return [[*self.scores.parameters(), self.letters.weight], [self.letters.weight]]

    model = Odd()
    groups = Depths(model, TrainOptions(layer_decay=2.0)).groups
    names = {id(p): name for name, p in model.named_parameters()}
    assert [names[id(p)] for p in groups[1]] == ["letters.weight"]
    assert len(groups[0]) == len(list(model.parameters())) - 1


def test_depths_without_weights_that_learn_are_not_counted():
    model = Tiny()
    for parameter in model.body.parameters():
        parameter.requires_grad_(False)
    assert [len(group) for group in Depths(model, TrainOptions(unfreeze=1.0)).groups] == [2, 1]


def test_a_network_that_does_not_tell_its_layers_is_refused_with_these_options_alone():
    model = nn.Linear(2, 2)
    assert len(Depths(model, TrainOptions()).groups) == 1
    for given in ({"unfreeze": 1.0}, {"layer_decay": 2.0}):
        with pytest.raises(OptionError, match=r"unfreeze and layer_decay part .* Linear has no method depths"):
            Depths(model, TrainOptions(**given))


@pytest.mark.parametrize("stop", [3, 8, 11])
def test_a_run_that_is_resumed_while_layers_thaw_ends_in_the_same_bits(tmp_path, stop):
    given = {"epochs": 4, "unfreeze": 0.9, "layer_decay": 2.6, "schedule": "slanted", "warmup": 1.0, "average": 0.9}
    whole, _ = trained(batches=TinyBatches(3), **given)
    path = tmp_path / "run.checkpoint"
    reports = train(Tiny(), TinyBatches(3), options=options(checkpoint_every=0.0, **given), checkpoint=path)
    seen = 0
    while seen < stop:
        seen += isinstance(next(reports), Stepped)
    # The next report is the checkpoint after this step.
    next(reports)
    reports.close()
    resumed, _ = trained(batches=TinyBatches(3), checkpoint=path, resume=True, **given)
    assert torch.equal(weights(resumed), weights(whole))
