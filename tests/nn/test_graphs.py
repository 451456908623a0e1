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


@pytest.mark.parametrize("name", CELLS)
def test_a_compiler_reads_torch_s_own_cell(name):
    model, x = Shown(getattr(ours, name)(3, 5)), torch.randn(6, 3)
    torch._dynamo.reset()
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), model(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_a_compiler_runs_a_layer_between_its_graphs(name):
    model, x = Shown(getattr(ours, name)(3, 5)), torch.randn(6, 2, 3)
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    compiled = torch.compile(model, backend="aot_eager")
    torch.testing.assert_close(compiled(x), model(x), rtol=1e-5, atol=1e-5)
    # The readout is the only graph: nothing inside of the layer was compiled.
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] <= 1
    wanted = torch.autograd.grad(model(x).sum(), list(model.parameters()))
    for came, gradient in zip(torch.autograd.grad(compiled(x).sum(), list(model.parameters())), wanted, strict=True):
        torch.testing.assert_close(came, gradient, rtol=1e-5, atol=1e-5)
    torch._dynamo.reset()
    with pytest.raises(torch._dynamo.exc.Unsupported, match="Attempted to wrap RNN, GRU, or LSTM"):
        torch.compile(model, backend="aot_eager", fullgraph=True)(x)


# torch says so about its own layers too.
@pytest.mark.filterwarnings("ignore:The tensor attributes? self.layer._flat_weights:UserWarning")
@every_module
def test_an_export_has_the_operations_of_torch_s_own_layer(name):
    model, x = Shown(getattr(ours, name)(3, 5)), torch.randn(6, 3)
    exported = torch.export.export(model, (x,))
    torch.testing.assert_close(exported.module()(x), model(x), rtol=1e-5, atol=1e-5)
