from __future__ import annotations

import pytest
import torch
from torch.autograd import forward_ad
from torch.utils._python_dispatch import TorchDispatchMode

from ostinato import nn, ops
from ostinato.errors import CompileError, EngineError, OptionError
from ostinato.nn import choosing
from tests.nn.twins import CELLS, LAYERS, flat, random_state, sequences, twins

every_module = pytest.mark.parametrize("name", [*LAYERS, *CELLS])


class Seen(TorchDispatchMode):
    """Counts what torch does."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += 1
        return function(*args, **(kwargs or {}))


class Odd(torch.Tensor):
    """Somebody's kind of tensor."""


def same(came, wanted, **tolerance):
    for pair in zip(flat(came), flat(wanted), strict=True):
        torch.testing.assert_close(*pair, **({"rtol": 1e-5, "atol": 1e-5} | tolerance))


@every_module
def test_the_cpu_engine_serves_and_says_so(name):
    with torch.no_grad():
        assert str(getattr(nn, name)(3, 5).engine(torch.randn(200, 3))) == "cpu"


def test_packed_sequences_are_served():
    assert nn.LSTM(3, 5, dtype=torch.float64).engine(sequences(3, 1, inputs=3)).engine == "cpu"


@every_module
def test_a_dispatch_mode_sees_torch_s_operations(name):
    their, our = twins(name, 3, 5)
    x = torch.randn(6, 3)
    with Seen() as wanted:
        answer = their(x)
    with Seen() as came:
        mine = our(x)
    assert came.count == wanted.count
    same(mine, answer)
    with Seen():
        assert "a torch dispatch mode wants to see every operation" in str(our.engine(x))


@every_module
def test_fake_tensors_have_the_shapes_of_torch(name):
    from torch._subclasses.fake_tensor import FakeTensorMode

    our = getattr(nn, name)(3, 5)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        answer = our(mode.from_tensor(torch.randn(6, 3)))
    for came, wanted in zip(flat(answer), flat(our(torch.randn(6, 3))), strict=True):
        assert came.shape == wanted.shape
    with FakeTensorMode():
        fake = getattr(nn, name)(3, 5)
        assert flat(fake(torch.randn(6, 3)))[0].shape[-1] == 5


# torch itself makes use of what it has deprecated, and says what it is slow at.
torch_s_own_words = pytest.mark.filterwarnings(
    "ignore:`torch.jit.script:DeprecationWarning",
    "ignore:There is a performance drop because we have not yet:UserWarning",
)


@torch_s_own_words
@every_module
def test_functions_are_transformed_through_torch_s_layer(name):
    their, our = twins(name, 3, 5)
    xs = torch.randn(4, 6, 3)
    seen = []

    def answer(module, x):
        seen.append(module.engine(x)) if module is our else None
        return flat(module(x))[0]

    for transform in (
        lambda module: torch.func.grad(lambda x: answer(module, x).sum())(xs[0]),
        lambda module: torch.func.jvp(lambda x: answer(module, x), (xs[0],), (xs[1],)),
        lambda module: torch.func.vmap(lambda x: answer(module, x), randomness="same")(xs),
    ):
        outcomes = []
        for module in (their, our):
            try:
                outcomes.append(transform(module))
            except RuntimeError as error:
                # What torch's layer cannot do, ours refuses in its words.
                outcomes.append(str(error))
        if isinstance(outcomes[0], str):
            assert outcomes[0] == outcomes[1]
        else:
            same(outcomes[1], outcomes[0])
    assert all("torch.func" in str(choice) for choice in seen)


@torch_s_own_words
def test_forward_differentiation_is_right():
    their, our = twins("GRUCell", 3, 5)
    x, t = torch.randn(4, 3), torch.randn(4, 3)
    tangents = []
    for module in (their, our):
        with forward_ad.dual_level():
            tangents.append(forward_ad.unpack_dual(module(forward_ad.make_dual(x, t))).tangent)
    same(tangents[1], tangents[0])


@every_module
def test_autocast_gives_the_types_of_torch(name):
    their, our = twins(name, 3, 5)
    x = torch.randn(6, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        wanted, came = flat(their(x)), flat(our(x))
        assert "autocast is on for the CPU" in str(our.engine(x))
    assert [tensor.dtype for tensor in came] == [tensor.dtype for tensor in wanted]
    same(came, wanted)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.complex64])
@every_module
def test_other_types_are_torch_s(name, dtype):
    x, outcomes = torch.randn(6, 3).to(dtype), []
    their, our = twins(name, 3, 5)
    for module in (their, our):
        if not dtype.is_complex:
            module.to(dtype)
        try:
            outcomes.append(module(x))
        except (RuntimeError, ValueError) as error:
            outcomes.append(str(error))
    assert our.engine(x).engine == "torch"
    assert str(dtype) in str(our.engine(x))
    if isinstance(outcomes[0], str):
        assert outcomes[0] == outcomes[1]
    else:
        same(outcomes[1], outcomes[0], rtol=1e-2, atol=1e-2)


@every_module
def test_other_devices_are_left_to_torch(name):
    choice = getattr(nn, name)(3, 5, device="meta").engine(torch.randn(6, 3, device="meta"))
    assert choice == ops.Choice("torch", {"cpu": "tensors on meta are left to torch's own kernels"})


@every_module
def test_somebody_s_tensors_decide_for_themselves(name):
    our = getattr(nn, name)(3, 5)
    x = torch.randn(6, 3)
    odd = x.as_subclass(Odd)
    assert "a Odd decides itself what operations do" in str(our.engine(odd))
    assert type(flat(our(odd))[0]) is Odd
    same([tensor.as_subclass(torch.Tensor) for tensor in flat(our(odd))], our(x))


def test_types_that_meet_are_named():
    assert (
        choosing.refusal([torch.zeros(1), torch.zeros(1).double()], torch.float32)
        == "torch.float64 meets torch.float32"
    )
    assert "layout torch.sparse_coo" in str(choosing.refusal([torch.zeros(1).to_sparse()], torch.float32))
    assert choosing.refusal([None], torch.float32) == "a NoneType came where a tensor was wanted"
    assert choosing.WRONG_SHAPE in str(nn.GRU(3, 5).engine(torch.randn(6, 4)))


@pytest.mark.parametrize("engine", ["reference", "torch", "cpu"])
@every_module
def test_an_engine_that_was_asked_for_is_used(name, engine):
    their, our = twins(name, 3, 5, bias=False, dtype=torch.float64)
    x = torch.randn(6, 3, dtype=torch.float64)
    with ops.use_engine(engine):
        assert str(our.engine(x)) == engine
        same(our(x), their(x))


@every_module
def test_an_engine_that_cannot_serve_raises(name):
    our = getattr(nn, name)(3, 5, dtype=torch.bfloat16)
    x = torch.randn(6, 3, dtype=torch.bfloat16)
    with ops.use_engine("cpu"):
        for ask in (our, our.engine):
            with pytest.raises(
                EngineError, match=r"'cpu' was asked for but cannot serve this call: torch\.bfloat16 is left"
            ):
                ask(x)
    with ops.use_engine("torch"):
        assert flat(our(x))[0].dtype is torch.bfloat16


def test_an_unknown_engine_names_the_nearest(monkeypatch):
    monkeypatch.setenv("OSTINATO_ENGINE", "tortch")
    with pytest.raises(OptionError, match="unknown engine 'tortch'; did you mean 'torch'"):
        nn.GRU(3, 5)(torch.randn(6, 3))


def test_without_a_kernel_torch_serves_and_the_reason_is_told(monkeypatch):
    def none(cell, dtype):
        raise CompileError("there is no compiler")

    monkeypatch.setattr(choosing, "kernel_of", none)
    monkeypatch.setattr(choosing, "_runs", {})
    their, our = twins("GRU", 3, 5)
    x = torch.randn(6, 3)
    assert our.engine(x) == ops.Choice("torch", {"cpu": "there is no compiler"})
    same(our(x), their(x))
    with ops.use_engine("cpu"), pytest.raises(EngineError, match="there is no compiler"):
        our(x)
    with ops.use_engine("reference"):
        same(our(x), their(x))


def test_single_steps_are_left_to_torch_where_it_is_quicker():
    their, our = twins("RNNCell", 3, 5)
    x = torch.randn(1, 3)
    assert str(our.engine(x)) == "torch (not cpu: torch's own step is quicker for so few steps and rows)"
    assert torch.equal(our(x), their(x))
    layer = nn.GRU(3, 256, batch_first=True)
    assert layer.engine(torch.randn(1, 1, 3)).engine == "torch"
    assert layer.engine(torch.randn(1, 2, 3)).engine == "cpu"
    with ops.use_engine("cpu"):
        assert our.engine(x).engine == layer.engine(torch.randn(1, 1, 3)).engine == "cpu"


def test_the_loop_takes_torch_s_second_bias():
    their, our = twins("LSTM", 3, 5, dtype=torch.float64)
    x, state = torch.randn(6, 2, 3, dtype=torch.float64), random_state("LSTM", 1, 2, 5)
    with ops.use_engine("reference"):
        same(our(x, state), their(x, state), rtol=1e-12, atol=1e-12)
