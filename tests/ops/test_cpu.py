"""The engine cpu: what it takes, and in which order a kernel sees a call."""

from __future__ import annotations

import pytest
import torch
from torch.utils._pytree import tree_map

from ostinato import ops
from ostinato.cells import BUILT_IN, Uniform, cell, tanh
from ostinato.layers import Direction
from ostinato.ops import cpu
from ostinato.state import State
from tests.laws.zoo import ALL_CELLS, given_of, leaky_diagonal, name_of, random_input, weights_of
from tests.lowering.steps import too_many_products


def call_of(cell, x=None):
    x = random_input(2, 4) if x is None else x
    weights = {name: weight.detach().to(x.dtype) for name, weight in weights_of(cell).items()}
    return ops.checked_call(cell, x, weights, None, None, None, False, given_of(cell, x))


@pytest.mark.parametrize("cell", ALL_CELLS, ids=name_of)
def test_it_takes_every_cell(cell):
    assert cpu.refusal(call_of(cell)) is None


def test_it_says_what_no_kernel_can_hold():
    assert "cannot be lowered: it multiplies one value by 13 matrices" in cpu.refusal(call_of(too_many_products()))


def test_half_precision_is_refused_by_name():
    x = torch.randn(2, 4, 3, dtype=torch.bfloat16)
    assert (
        cpu.refusal(call_of(leaky_diagonal, x))
        == "the fused engine computes in float32 and float64, and x is torch.bfloat16"
    )


@pytest.mark.parametrize("cell", ALL_CELLS, ids=name_of)
def test_gradients_in_the_order_of_a_kernel_s_arguments_go_back_to_their_weights(cell):
    call = call_of(cell)
    given = cpu.arguments(call)
    ordered = [given.x, given.W, given.b, given.R, given.br, *given.parameters, *given.matrices, *given.state]
    back = cpu.by_weight(call, ordered)
    for got, wanted in zip(back, [call.x, *call.weights.values(), *given.state], strict=True):
        assert torch.equal(got, wanted)


def test_a_forbidden_compiler_leaves_the_loop_with_the_reason(monkeypatch):
    import dataclasses

    monkeypatch.setenv("OSTINATO_JIT", "0")
    stranger = dataclasses.replace(leaky_diagonal)
    choice = Direction(stranger, 3, 5).engine(torch.randn(2, 4, 3))
    assert choice.engine == "reference"
    assert "OSTINATO_JIT=0" in choice.refusals["cpu"]


class Wrapped(torch.Tensor):
    """A tensor without memory of its own, as distributed and quantized ones are."""

    @staticmethod
    def __new__(cls, inner):
        made = torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype, device=inner.device)
        made.inner = inner
        return made

    def __init__(self, inner):
        pass

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        plain = tree_map(lambda value: value.inner if isinstance(value, Wrapped) else value, (args, kwargs or {}))
        return function(*plain[0], **plain[1])


@pytest.mark.parametrize("place", ["x", "W", "R", "h"])
def test_a_tensor_without_memory_is_left_to_those_who_know_it(place):
    weights = {name: weight.detach() for name, weight in weights_of(BUILT_IN["gru"]).items()}
    x, h = random_input(2, 4), torch.randn(2, 5, dtype=torch.float64)
    wanted = ops.recur("gru", x, weights, State(h=h))[0]
    given = {"x": x, "h": h, **weights}
    given[place] = Wrapped(given[place])
    x, h = given.pop("x"), given.pop("h")
    came = ops.recur("gru", x, given, State(h=h))[0]
    torch.testing.assert_close(came, wanted)
    reason = cpu.refusal(ops.checked_call(BUILT_IN["gru"], x, given, State(h=h), None, None, False))
    assert reason == "a Wrapped decides itself what operations do, and kernels read memory"


def test_a_cell_of_more_parameters_than_the_core_takes_is_left_to_the_loop():
    names = [f"p{number}" for number in range(65)]

    @cell(state="h", gates="a", parameters=dict.fromkeys(names, Uniform()))
    def crowded(x, u, s, p):
        total = x.a + u.a
        for name in names:
            total = total + getattr(p, name) * s.h
        return State(h=tanh(total))

    choice = Direction(crowded, 3, 5).engine(torch.randn(2, 4, 3))
    assert choice.engine == "reference"
    assert "more parts, parameters, matrices or given values than the core takes" in choice.refusals["cpu"]
