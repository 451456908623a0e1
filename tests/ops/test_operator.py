"""The primitive as an operator: what torch.compile, FakeTensorMode and torch.func see."""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from ostinato import cell, ops
from ostinato.cells import sigmoid, tanh
from ostinato.errors import EngineError, OptionError
from ostinato.layers import Direction, Recurrent
from ostinato.lowering import lowered
from ostinato.ops import operator
from ostinato.state import State
from tests.laws.zoo import ALL_CELLS, name_of, random_input, random_state, weights_of
from tests.lowering.steps import too_many_products

SEEN = ("lstm", "gru", "leaky_diagonal", "input_gated")
some = pytest.mark.parametrize("member", [c for c in ALL_CELLS if c.name in SEEN], ids=name_of)


@some
def test_torch_compile_keeps_the_layer_as_one_operator(member):
    layer = Direction(member, 3, 5)
    x = torch.randn(2, 7, 3, requires_grad=True)
    graphs = []

    def look(module, inputs):
        graphs.append([node.target for node in module.graph.nodes if node.op == "call_function"])
        return module.forward

    compiled = torch.compile(layer, fullgraph=True, backend=look)
    torch.testing.assert_close(compiled(x)[0], layer(x)[0])
    called = [str(target) for target in graphs[0]]
    assert sum("ostinato" in name for name in called) == 1
    assert not any("tanh" in name or "linear" in name for name in called)


@some
@pytest.mark.parametrize("lengths", [None, torch.tensor([7, 4])])
def test_gradients_pass_through_a_compiled_layer(member, lengths):
    layer = Recurrent(member, 3, 5, layers=2, bidirectional=True)
    x = torch.randn(2, 7, 3, requires_grad=True)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")

    def gradients(run):
        y, state = run(x, lengths=lengths)
        total = y.cos().sum() + sum(part.sin().sum() for last in state for _, part in last.items())
        return torch.autograd.grad(total, [x, *layer.parameters()])

    for got, wanted in zip(gradients(compiled), gradients(layer), strict=True):
        torch.testing.assert_close(got, wanted)


@some
def test_the_operator_passes_torch_s_own_checks(member):
    weights, state = weights_of(member), random_state(member, 2)
    ops.register(member)
    name = next(name for name, known in operator.CELLS.items() if known is member)
    x = random_input(2, 4).requires_grad_()
    given = (x, list(weights.values()), list(dict(state.items()).values()), [], None, None, name, False, True)
    torch.library.opcheck(torch.ops.ostinato.recur.default, given, test_utils=("test_schema", "test_faketensor"))


def test_under_a_fake_mode_only_shapes_are_computed():
    with FakeTensorMode():
        layer = Recurrent("gru", 3, 5, bidirectional=True)
        y, state = layer(torch.empty(2, 7, 3))
    assert y.shape == (2, 7, 10)
    assert state[1].h.shape == (2, 5)


def test_the_gradient_of_torch_func_is_the_gradient():
    layer = Direction("lstm", 3, 5)
    x = torch.randn(2, 4, 3)
    got = torch.func.grad(lambda x: layer(x)[0].cos().sum())(x)
    x.requires_grad_()
    (wanted,) = torch.autograd.grad(layer(x)[0].cos().sum(), x)
    torch.testing.assert_close(got, wanted)


def test_vmap_is_refused_with_the_reason():
    layer = Direction("gru", 3, 5)
    with pytest.raises(EngineError, match="the batch is its own dimension already"):
        torch.vmap(lambda x: layer(x)[0])(torch.randn(4, 2, 6, 3))


def test_a_cell_without_a_layer_is_read_as_a_loop_by_a_compiled_function():
    @cell(state="h", gates="z n")
    def unheard(x, u, s):
        z = sigmoid(x.z + u.z)
        return State(h=(1 - z) * s.h + z * tanh(x.n + u.n))

    weights = {n: torch.zeros(shape) for n, shape in unheard.shapes(3, 5).items()}
    x = torch.randn(1, 2, 3)
    run = torch.compile(lambda x: ops.recur(unheard, x, weights)[0], fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(run(x), ops.recur(unheard, x, weights)[0])
    assert operator.name_of(unheard) is None
    ops.register(unheard)
    ops.register(unheard)
    assert operator.name_of(unheard) == "unheard.0"


def test_two_cells_of_one_name_are_two_operators_arguments():
    def made(scale):
        @cell(state="h", gates="n", constants={"scale": scale})
        def namesake(x, u, s, p):
            return State(h=tanh(p.scale * (x.n + u.n)))

        return namesake

    weak, strong = Direction(made(0.1), 3, 5), Direction(made(3.0), 3, 5)
    strong.load_state_dict(weak.state_dict())
    x = torch.randn(2, 4, 3)
    both = torch.compile(lambda x: (weak(x)[0], strong(x)[0]), fullgraph=True, backend="aot_eager")
    for got, layer in zip(both(x), (weak, strong), strict=True):
        torch.testing.assert_close(got, layer(x)[0])


def test_what_no_kernel_can_serve_is_compiled_as_a_loop():
    layer = Direction(too_many_products(), 3, 5)
    x = torch.randn(2, 3, 3)
    torch.testing.assert_close(torch.compile(layer, fullgraph=True, backend="aot_eager")(x)[0], layer(x)[0])


def test_a_wish_for_the_reference_is_heard_in_a_compiled_function():
    layer, targets = Direction("gru", 3, 5, engine="reference"), []

    def look(module, inputs):
        targets.extend(str(node.target) for node in module.graph.nodes)
        return module.forward

    torch.compile(layer, fullgraph=True, backend=look)(torch.randn(2, 3, 3))
    assert not any("ostinato" in target for target in targets)


def test_an_unknown_name_in_a_compiled_graph_is_told():
    with pytest.raises(OptionError, match="the cell 'gone', which nobody registered here"):
        torch.ops.ostinato.recur(torch.zeros(1, 1, 1), [torch.zeros(1, 1)], [], [], None, None, "gone", False, False)


def test_a_graph_of_other_equations_is_told():
    name = operator.as_written("gru")
    assert operator.cell_of(name) is operator.CELLS["gru"]
    with pytest.raises(OptionError, match="made with other equations of the cell 'gru'; compile it again"):
        operator.cell_of("gru:0123456789abcdef")


def test_a_graph_holds_the_digest_so_that_compilers_keep_none_of_old_equations():
    layer, texts = Direction("gru", 3, 5), []

    def look(module, inputs):
        texts.extend(str(node.args) for node in module.graph.nodes)
        return module.forward

    torch.compile(layer, fullgraph=True, backend=look)(torch.randn(2, 3, 3))
    assert any(lowered(operator.CELLS["gru"]).digest[:16] in text for text in texts)
