from __future__ import annotations

import warnings

import pytest
import torch
from torch import fx
from torch import nn as theirs

from ostinato import nn as ours
from ostinato.nn.graphs import as_torch, records, torch_class
from tests.nn.twins import CELLS, LAYERS, flat, random_state

every_module = pytest.mark.parametrize("name", [*LAYERS, *CELLS])


class Shown(theirs.Module):
    """A layer, of whose answer the first part is read."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.readout = layer, theirs.Linear(5, 2)

    def forward(self, x):
        return self.readout(self.layer(x)[0])


def test_a_proxy_is_known():
    assert not records(torch.zeros(1))


@every_module
def test_torch_fx_sees_one_node(name):
    model, x = Shown(getattr(ours, name)(3, 5)), torch.randn(6, 3)
    traced = fx.symbolic_trace(model)
    assert [node.target for node in traced.graph.nodes if node.op == "call_module"] == ["layer", "readout"]
    assert torch.equal(traced(x), model(x))


@every_module
def test_torch_fx_hears_of_the_state(name):
    class Given(theirs.Module):
        def __init__(self):
            super().__init__()
            self.layer = getattr(ours, name)(3, 5)

        def forward(self, x, state):
            return self.layer(x, state)

    model, x = Given(), torch.randn(6, 2, 3) if name in LAYERS else torch.randn(6, 3)
    state = random_state(name, *((1, 2, 5) if name in LAYERS else (6, 5)), dtype=torch.float32)
    for came, wanted in zip(flat(fx.symbolic_trace(model)(x, state)), flat(model(x, state)), strict=True):
        assert torch.equal(came, wanted)


@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
@every_module
def test_a_script_is_made_of_torch_s_own_layer(name):
    model, x = Shown(getattr(ours, name)(3, 5)), torch.randn(6, 3)
    wanted = model(x)
    torch.testing.assert_close(torch.jit.script(model)(x), wanted, rtol=1e-5, atol=1e-5)


@every_module
def test_a_trace_is_made_of_torch_s_own_layer(name):
    layer, x = getattr(ours, name)(3, 5), torch.randn(6, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(layer, (x,))
    for came, wanted in zip(flat(traced(x)), flat(layer(x)), strict=True):
        torch.testing.assert_close(came, wanted, rtol=1e-5, atol=1e-5)


@every_module
def test_torch_s_own_layer_has_the_same_weights(name):
    layer = getattr(ours, name)(3, 5)
    twin = as_torch(layer)
    assert type(twin) is getattr(theirs, name) is torch_class(type(layer))
    assert all(w is v for w, v in zip(twin.parameters(), layer.parameters(), strict=True))


def test_somebody_s_layer_stays_what_it_is():
    class Mine(ours.GRU):
        """Derived from ours."""

    layer = Mine(3, 5)
    assert as_torch(layer) is layer
