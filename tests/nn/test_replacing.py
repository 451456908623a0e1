from __future__ import annotations

import copy

import pytest
import torch
from torch import nn as theirs
from torch.nn.utils import parametrizations, parametrize, prune

from ostinato import nn as ours
from tests.nn.twins import CELLS, LAYERS, assert_same_answers, twins

every_module = pytest.mark.parametrize("name", [*LAYERS, *CELLS])


class Reader(theirs.Module):
    """Layers at several depths, one of them shared."""

    def __init__(self):
        super().__init__()
        self.encoder = theirs.LSTM(3, 5, 2, bidirectional=True)
        self.deep = theirs.ModuleDict({"layers": theirs.ModuleList([theirs.GRU(3, 5), theirs.RNN(3, 5)])})
        self.cells = theirs.ModuleList([theirs.RNNCell(3, 5), theirs.LSTMCell(3, 5), theirs.GRUCell(3, 5)])
        self.again = self.encoder
        self.readout = theirs.Linear(10, 2)

    def forward(self, x):
        return self.readout(self.encoder(x)[0])


class Named(theirs.GRU):
    """Adds to the layer and leaves what it computes alone."""

    def width(self):
        return self.hidden_size


class Loud(theirs.LSTM):
    """Computes in its own way."""

    def forward(self, input, hx=None):
        return super().forward(2 * input, hx)


def test_a_model_is_changed_in_place_and_told_about():
    said = []
    model = Reader()
    before, weights, x = dict(model.named_modules()), dict(model.named_parameters()), torch.randn(6, 2, 3)
    wanted = model(x)
    assert ours.replace(model, tell=said.append) is model
    assert all(module is before[name] for name, module in model.named_modules())
    assert all(weight is weights[name] for name, weight in model.named_parameters())
    assert [type(m) for m in model.cells] == [ours.RNNCell, ours.LSTMCell, ours.GRUCell]
    assert type(model.encoder) is ours.LSTM
    assert model.again is model.encoder
    assert said == [
        "encoder: torch.nn.LSTM is now ostinato.nn.LSTM",
        "deep.layers.0: torch.nn.GRU is now ostinato.nn.GRU",
        "deep.layers.1: torch.nn.RNN is now ostinato.nn.RNN",
        "cells.0: torch.nn.RNNCell is now ostinato.nn.RNNCell",
        "cells.1: torch.nn.LSTMCell is now ostinato.nn.LSTMCell",
        "cells.2: torch.nn.GRUCell is now ostinato.nn.GRUCell",
    ]
    torch.testing.assert_close(model(x), wanted, rtol=1e-5, atol=1e-5)


def test_it_prints_unless_told_not_to(capsys):
    ours.replace(theirs.GRU(3, 5))
    assert capsys.readouterr().out == "the model itself: torch.nn.GRU is now ostinato.nn.GRU\n"
    ours.replace(theirs.GRU(3, 5), tell=None)
    assert capsys.readouterr().out == ""


@every_module
def test_what_is_ours_already_is_left_as_it_is(name):
    said, our = [], getattr(ours, name)(3, 5)
    assert type(ours.replace(our, tell=said.append)) is getattr(ours, name)
    assert said == []


@every_module
def test_a_replaced_layer_keeps_all_it_had(name):
    their, _ = twins(name, 3, 5)
    layer, heard = copy.deepcopy(their), []
    layer.eval()
    layer.register_forward_hook(lambda *_: heard.append("hook"))
    layer.note = "kept"
    ours.replace(layer, tell=None)
    assert type(layer) is getattr(ours, name)
    assert not layer.training
    assert layer.note == "kept"
    assert_same_answers(their, layer, torch.randn(6, 3))
    assert heard == ["hook"]


def test_a_class_that_adds_something_keeps_it():
    said, layer = [], Named(3, 5)
    their = theirs.GRU(3, 5)
    their.load_state_dict(layer.state_dict())
    ours.replace(layer, tell=said.append)
    assert isinstance(layer, Named)
    assert isinstance(layer, ours.GRU)
    assert layer.width() == 5
    assert_same_answers(their, layer, torch.randn(6, 2, 3))
    assert_same_answers(their, copy.deepcopy(layer), torch.randn(6, 2, 3))
    assert said[0].startswith("the model itself: tests.nn.test_replacing.Named is now ")


def test_a_class_that_computes_in_its_own_way_is_left_alone():
    said, layer = [], Loud(3, 5)
    ours.replace(layer, tell=said.append)
    assert type(layer) is Loud
    assert said[0].endswith("Loud is left alone: it overrides forward")


def test_a_forward_of_one_instance_is_left_alone():
    said, layer = [], theirs.LSTM(3, 5)
    layer.forward = lambda x: x
    ours.replace(layer, tell=said.append)
    assert type(layer) is theirs.LSTM
    assert said == ["the model itself: torch.nn.LSTM is left alone: it overrides forward"]


@every_module
def test_a_parametrized_layer_is_replaced_and_can_be_freed(name):
    weight = "weight_hh" if name in CELLS else "weight_hh_l0"
    their, _ = twins(name, 3, 5)
    parametrizations.weight_norm(their, weight)
    prune.l1_unstructured(their, weight.replace("hh", "ih"), 0.5)
    layer, _ = twins(name, 3, 5)
    parametrizations.weight_norm(layer, weight)
    prune.l1_unstructured(layer, weight.replace("hh", "ih"), 0.5)
    ours.replace(layer, tell=None)
    assert isinstance(layer, getattr(ours, name))
    assert parametrize.is_parametrized(layer, weight)
    assert_same_answers(their, layer, torch.randn(6, 3))
    for module in (their, layer):
        parametrize.remove_parametrizations(module, weight)
    assert type(layer) is getattr(ours, name)
    assert_same_answers(their, layer, torch.randn(6, 3))


def test_an_optimizer_goes_on_with_the_same_weights():
    model = Reader()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    ours.replace(model, tell=None)
    before = model.encoder.weight_hh_l0.detach().clone()
    model(torch.randn(6, 2, 3)).sum().backward()
    optimizer.step()
    assert not torch.equal(model.encoder.weight_hh_l0, before)
