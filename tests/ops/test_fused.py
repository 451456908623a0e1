"""The kernels behind the primitive, on shapes that cross panels, cores and stretches of time."""

from __future__ import annotations

import gc
import os
import threading

import numpy as np
import pytest
import torch

from ostinato import ops
from ostinato.cells import find
from ostinato.compiling import kernel_of
from ostinato.core import load_core
from ostinato.layers import Direction
from ostinato.state import State

# B, T, D, H: one row for two threads, rows that do not divide, widths beside the lanes, long and short stretches.
SHAPES = [(1, 33, 3, 200), (5, 9, 4, 130), (8, 20, 16, 257), (3, 420, 2, 33), (2, 1, 0, 7), (64, 12, 5, 48)]
CLASSICS = ("elman", "elman_relu", "lstm", "gru")


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def results(name, shape, kind, engine, **call):
    """Outputs, last state and all gradients, from the same numbers rounded to a type."""
    rows, steps, inputs, hidden = shape
    cell = find(name)
    generator = torch.Generator().manual_seed(0)

    def draw(*size):
        value = torch.randn(*size, generator=generator, dtype=torch.float64) / max(hidden, 1) ** 0.5
        return value.float().to(kind).requires_grad_()

    weights = {n: draw(*s) for n, s in cell.shapes(inputs, hidden).items()}
    x, state = draw(rows, steps, inputs), State(**{part: draw(rows, hidden) for part in cell.state})
    y, end = ops.recur(cell, x, weights, state, engine=engine, **call)
    shown = [y, *(end[part] for part in cell.state)]
    weigh = [torch.randn(out.shape, generator=generator, dtype=torch.float64).to(kind) for out in shown]
    leaves = [x, *weights.values(), *(state[part] for part in cell.state)]
    return shown, torch.autograd.grad(shown, leaves, weigh)


def assert_near(got, wanted, most):
    for a, b in zip(got, wanted, strict=True):
        if b.numel():
            assert (a.double() - b).norm() <= most * b.norm() + 1e-30, (a.shape, (a.double() - b).norm() / b.norm())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", CLASSICS)
@pytest.mark.parametrize("form", ["dense", "lengths", "reset", "both backwards"])
def test_float32_is_near_the_float64_reference(name, shape, form, threads):
    rows, steps = shape[:2]
    generator = torch.Generator().manual_seed(1)
    call = {"reverse": "backwards" in form}
    if form != "dense":
        call["lengths"] = torch.randint(0, steps + 1, (rows,), generator=generator) if form != "reset" else None
        call["reset"] = torch.rand(rows, steps, generator=generator) < 0.2 if form != "lengths" else None
    outputs, gradients = results(name, shape, torch.float64, "reference", **call)
    mine, found = results(name, shape, torch.float32, "cpu", **call)
    assert_near(mine, outputs, 1e-5)
    # The kink of the ReLU turns a rounding of its argument into a whole gradient.
    assert_near(found, gradients, 1e-4 if name != "elman_relu" else 5e-2)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_a_long_narrow_row_is_helped_only_around_its_loop(name, threads):
    outputs, gradients = results(name, (1, 600, 40, 32), torch.float64, "reference")
    mine, found = results(name, (1, 600, 40, 32), torch.float32, "cpu")
    assert_near(mine, outputs, 1e-5)
    assert_near(found, gradients, 1e-4)


@pytest.mark.parametrize("name", CLASSICS)
def test_the_same_call_gives_the_same_bits(name, threads):
    first, again = (results(name, (6, 40, 8, 70), torch.float32, "cpu") for _ in range(2))
    for a, b in zip((*first[0], *first[1]), (*again[0], *again[1]), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("target", load_core().targets)
def test_every_cpu_target_of_this_machine_agrees(target):
    core = load_core()
    before = core.target
    outputs, gradients = results("lstm", (5, 9, 4, 37), torch.float64, "reference")
    core.choose_target(target)
    try:
        for kind, most in ((torch.float32, 1e-5), (torch.float64, 1e-13)):
            mine, found = results("lstm", (5, 9, 4, 37), kind, "cpu")
            wanted = (
                results("lstm", (5, 9, 4, 37), kind, "reference") if kind is torch.float64 else (outputs, gradients)
            )
            assert_near(mine, wanted[0], most)
            assert_near(found, wanted[1], most * 10)
    finally:
        core.choose_target(before)


@pytest.mark.parametrize("name", CLASSICS)
def test_gradients_of_gradients_are_those_of_the_reference(name):
    layer = Direction(name, 2, 3).double()
    x = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)

    def second(engine):
        y, _ = ops.recur(name, x, layer.weights(), engine=engine)
        (first,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
        return torch.autograd.grad(first.square().sum(), [x, *layer.parameters()], allow_unused=True)

    for got, wanted in zip(second("cpu"), second("reference"), strict=True):
        torch.testing.assert_close(got, wanted)


def test_the_number_of_threads_may_change_before_the_way_back():
    layer, x = Direction("lstm", 16, 64), torch.randn(9, 40, 16)
    lengths = torch.tensor([40, 3, 0, 17, 40, 22, 1, 9, 40])
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        wanted = torch.autograd.grad(layer(x, lengths=lengths)[0].cos().sum(), list(layer.parameters()))
        total = layer(x, lengths=lengths)[0].cos().sum()
        torch.set_num_threads(1)
        got = torch.autograd.grad(total, list(layer.parameters()))
    finally:
        torch.set_num_threads(before)
    for a, b in zip(got, wanted, strict=True):
        torch.testing.assert_close(a, b)


def test_lengths_and_resets_that_change_unseen_do_not_matter():
    layer, x = Direction("gru", 3, 5), torch.randn(2, 6, 3)
    lengths, reset = np.array([2, 3]), np.zeros((2, 6), dtype=bool)
    call = {"lengths": torch.from_numpy(lengths), "reset": torch.from_numpy(reset)}
    wanted = torch.autograd.grad(layer(x, **call)[0].sum(), list(layer.parameters()))
    total = layer(x, **call)[0].sum()
    lengths[:], reset[:] = 6, True
    for a, b in zip(torch.autograd.grad(total, list(layer.parameters())), wanted, strict=True):
        assert torch.equal(a, b)


def test_what_needs_no_gradient_gets_none_and_costs_nothing():
    layer = Direction("gru", 3, 5)
    x = torch.randn(2, 4, 3)
    with torch.no_grad():
        assert layer(x)[0].grad_fn is None
    with torch.inference_mode():
        assert layer(x)[0].is_inference()
    layer.requires_grad_(False)
    assert layer(x)[0].grad_fn is None
    layer.b.requires_grad_(True)
    layer(x)[0].sum().backward()
    assert layer.b.grad is not None
    assert layer.W.grad is None


def test_only_the_last_state_may_be_held_to_something():
    layer = Direction("lstm", 3, 5).double()
    x = torch.randn(2, 6, 3, dtype=torch.float64, requires_grad=True)
    (got,) = torch.autograd.grad(layer(x)[1].c.sum(), x)
    with ops.use_engine("reference"):
        (wanted,) = torch.autograd.grad(layer(x)[1].c.sum(), x)
    torch.testing.assert_close(got, wanted)


def strided(x):
    """The same numbers, laid out in other ways."""
    rows, steps, inputs = x.shape
    wide = torch.full((rows, steps, inputs + 3), torch.nan)
    wide[..., 1 : 1 + inputs] = x
    shifted = torch.empty(x.numel() + 1)[1:].view_as(x).copy_(x)
    return {
        "time first": x.transpose(0, 1).contiguous().transpose(0, 1),
        "a part of more features": wide[..., 1 : 1 + inputs],
        "features first": x.permute(2, 0, 1).contiguous().permute(1, 2, 0),
        "misaligned": shifted,
        "expanded": x[:1].expand(rows, steps, inputs),
    }


@pytest.mark.parametrize("form", strided(torch.zeros(2, 3, 4)))
def test_memory_may_be_laid_out_in_any_way(form):
    layer = Direction("lstm", 4, 9)
    x = strided(torch.randn(5, 7, 4))[form].detach().requires_grad_()
    twin = x.detach().contiguous().requires_grad_()
    weigh = torch.randn(7, 5, 9).transpose(0, 1)
    (got,) = torch.autograd.grad(layer(x)[0], x, weigh)
    (wanted,) = torch.autograd.grad(layer(twin)[0], twin, weigh.contiguous())
    torch.testing.assert_close(got, wanted)
    torch.testing.assert_close(layer(x)[0], layer(twin)[0])


@pytest.mark.parametrize("junk", [float("nan"), float("inf")])
def test_one_bad_row_stays_alone(junk):
    layer = Direction("gru", 3, 70)
    x = torch.randn(6, 30, 3)
    bad = x.clone()
    bad[2, 11] = junk
    clean, soiled = layer(x)[0], layer(bad)[0]
    others = [0, 1, 3, 4, 5]
    assert torch.equal(clean[others], soiled[others])
    assert torch.equal(clean[2, :11], soiled[2, :11])
    assert not torch.equal(clean[2, 11], soiled[2, 11])


def test_silent_input_does_not_slow_down_into_denormals_nor_change_the_caller_s_mode():
    layer = Direction("elman_relu", 1, 4)
    with torch.no_grad():
        layer.W.fill_(1e-30)
        layer.R.copy_(torch.eye(4) * 1e-5)
    y, _ = layer(torch.ones(1, 12, 1))
    smallest = torch.finfo(torch.float32).tiny
    assert ((y == 0) | (y.abs() >= smallest)).all()
    assert torch.tensor(1e-40).mul(1.0).item() != 0


def test_eight_threads_may_call_at_once():
    layer, x = Direction("lstm", 16, 64), torch.randn(8, 60, 16)
    wanted = torch.autograd.grad(layer(x)[0].sum(), list(layer.parameters()))
    failures = []

    def work():
        for _ in range(5):
            got = torch.autograd.grad(layer(x)[0].sum(), list(layer.parameters()))
            if not all(torch.equal(a, b) for a, b in zip(got, wanted, strict=True)):
                failures.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_the_child_of_a_fork_computes_too(threads):
    layer, x = Direction("lstm", 16, 64), torch.randn(8, 60, 16)
    with torch.no_grad():
        wanted = layer(x)[0]
        gc.collect()
        child = os.fork()
        if child == 0:
            os._exit(0 if torch.equal(layer(x)[0], wanted) else 1)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert torch.equal(layer(x)[0], wanted)


def test_it_may_be_the_first_thing_in_a_process_and_the_last():
    from tests.house.tree import run_python

    words = (
        "import torch, ostinato as ost; torch.set_num_threads(2); layer = ost.layers.Recurrent('lstm', 64, 128); "
        "layer(torch.randn(32, 64, 64))[0].sum().backward(); print('done')"
    )
    assert "done" in run_python(words)


def test_memory_that_is_not_there_is_an_error_and_nothing_more():
    core, kernel = load_core(), kernel_of("gru", "float32")
    with pytest.raises(MemoryError):
        core.run(
            *(kernel.address, 1 << 20, 1 << 20, 1, 1 << 30),
            *(0,) * 3,
            *(0,) * 4,
            (),
            (),
            (),
            (),
            1 << 30,
            (0,),
            0,
            0,
            False,
            1,
            0,
            0,
            0,
            (0,),
            0,
        )


def test_the_default_device_of_the_program_does_not_matter():
    layer = Direction("lstm", 3, 5)
    x, lengths = torch.randn(2, 4, 3, requires_grad=True), torch.tensor([4, 2])
    leaves = [x, *layer.parameters()]
    wanted = torch.autograd.grad(layer(x, lengths=lengths)[0].cos().sum(), leaves)
    with torch.device("meta"):
        came = torch.autograd.grad(layer(x, lengths=lengths)[0].cos().sum(), leaves)
    for a, b in zip(came, wanted, strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("turned", [False, True])
def test_what_is_shown_may_be_changed_in_place_when_nothing_goes_back(turned):
    layer, x = Direction("gru", 3, 5), torch.randn(2, 4, 3)
    y = layer(x.transpose(0, 1).contiguous().transpose(0, 1) if turned else x)[0]
    assert y.requires_grad
    wanted = 2 * y.detach()
    assert torch.equal(y.mul_(2).detach(), wanted)


def test_numbers_that_are_stored_negated_are_read_as_they_are():
    layer, x = Direction("gru", 1, 5), torch.randn(2, 4, 1, requires_grad=True)
    y = layer(torch._neg_view(x))[0]
    (came,) = torch.autograd.grad(y, x, torch._neg_view(torch.ones_like(y)))
    (wanted,) = torch.autograd.grad(layer(-x)[0].neg().sum(), x)
    torch.testing.assert_close(y, layer(-x)[0])
    torch.testing.assert_close(came, wanted)
