from __future__ import annotations

import pytest
import torch

from ostinato.train.optimizers import OptimizerPart, make_optimizer
from ostinato.train.options import TrainOptions

# Our options, and the namesake in torch with its own words.
NAMESAKES = {
    "adam": ({"weight_decay": 0.0}, torch.optim.Adam, {"fused": True}),
    "adam with decay": ({"weight_decay": 0.1}, torch.optim.Adam, {"weight_decay": 0.1, "fused": True}),
    "adamw": ({"weight_decay": 0.1}, torch.optim.AdamW, {"weight_decay": 0.1, "fused": True}),
    "sgd": ({"weight_decay": 0.0}, torch.optim.SGD, {"momentum": 0.9, "fused": True}),
    "sgd without momentum": ({"weight_decay": 0.0, "momentum": 0.0}, torch.optim.SGD, {"fused": True}),
    "rmsprop": ({"weight_decay": 0.0}, torch.optim.RMSprop, {}),
    "rmsprop with momentum": (
        {"weight_decay": 0.1, "momentum": 0.5},
        torch.optim.RMSprop,
        {"weight_decay": 0.1, "momentum": 0.5},
    ),
}


def network():
    torch.manual_seed(2)
    return torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2))


def descend(model, optimizer, steps):
    for step in range(steps):
        x = torch.randn(7, 3, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()
    return [p.detach().clone() for p in model.parameters()]


def same(left, right):
    return all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


def ours(name, model, **given):
    return make_optimizer([model.parameters()], TrainOptions(optimizer=name.split()[0], lr=0.01, **given))


@pytest.mark.parametrize("name", NAMESAKES)
def test_an_optimizer_changes_weights_as_its_namesake_in_torch(name):
    given, namesake, settings = NAMESAKES[name]
    model, bare = network(), network()
    mine = descend(model, ours(name, model, **given), 5)
    theirs = descend(bare, namesake(bare.parameters(), lr=0.01, **settings), 5)
    assert same(mine, theirs)
    assert not same(mine, list(network().parameters()))


@pytest.mark.parametrize("name", NAMESAKES)
def test_the_fast_form_agrees_with_the_plain_one(name):
    given, namesake, settings = NAMESAKES[name]
    model, bare = network(), network()
    mine = descend(model, ours(name, model, **given), 5)
    plain = settings | {"foreach": False} | ({"fused": False} if "fused" in settings else {})
    for left, right in zip(mine, descend(bare, namesake(bare.parameters(), lr=0.01, **plain), 5), strict=True):
        # A different order of roundings in five steps of size 0.01.
        torch.testing.assert_close(left, right, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMESAKES)
def test_a_restored_optimizer_goes_on_with_the_same_bits(name):
    given = NAMESAKES[name][0]
    model = network()
    optimizer = ours(name, model, **given)
    descend(model, optimizer, 3)
    tensors, facts = OptimizerPart(optimizer).save()
    other = network()
    other.load_state_dict(model.state_dict())
    again = ours(name, other, **given)
    OptimizerPart(again).load({key: value.clone() for key, value in tensors.items()}, facts)
    assert same(descend(other, again, 4), descend(model, optimizer, 4))


def test_frozen_weights_are_left_alone():
    model = network()
    model[0].weight.requires_grad_(False)
    optimizer = ours("adam", model)
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 3
