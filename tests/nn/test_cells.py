from __future__ import annotations

import copy
import inspect
import io

import pytest
import torch
from torch import nn as theirs
from torch.nn.utils import parametrizations, parametrize, prune

from ostinato import nn as ours
from ostinato import ops
from tests.nn.twins import CELLS, assert_same_answers, flat, parts_of, random_state, twins

every_cell = pytest.mark.parametrize("name", CELLS)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("bias", [True, False])
@every_cell
def test_a_cell_answers_as_torch_does(name, bias, dtype):
    their, our = twins(name, 3, 5, bias=bias, dtype=dtype)
    for rows in ((4,), (1,), ()):
        x = torch.randn(*rows, 3, dtype=dtype)
        assert_same_answers(their, our, x, random_state(name, *rows, 5, dtype=dtype))
        with ops.use_engine("cpu"):
            answer = our(x)
        for came, wanted in zip(flat(answer), flat(their(x)), strict=True):
            torch.testing.assert_close(came, wanted, rtol=1e-5, atol=1e-5)


def test_relu_is_a_nonlinearity_too():
    their, our = twins("RNNCell", 3, 5, nonlinearity="relu", dtype=torch.float64)
    assert_same_answers(their, our, torch.randn(4, 3).double(), torch.randn(4, 5).double())


@every_cell
def test_inputs_and_states_may_lie_in_memory_as_they_like(name):
    their, our = twins(name, 3, 5, dtype=torch.float64)
    state = tuple(part.t() for part in flat(random_state(name, 5, 4)))
    for x in (torch.randn(3, 4).double().t(), torch.randn(4, 1).double().expand(4, 3)):
        assert_same_answers(their, our, x, state if len(state) > 1 else state[0])


@every_cell
def test_stepping_is_the_whole(name):
    cell = getattr(ours, name)(3, 5, dtype=torch.float64)
    layer = getattr(ours, name.removesuffix("Cell"))(3, 5, dtype=torch.float64)
    layer.load_state_dict({f"{key}_l0": value for key, value in cell.state_dict().items()})
    x = torch.randn(7, 2, 3, dtype=torch.float64)
    shown, state = [], None
    with ops.use_engine("cpu"):
        for step in x:
            state = cell(step, state)
            shown.append(flat(state)[0])
    torch.testing.assert_close(torch.stack(shown), layer(x)[0], rtol=1e-12, atol=1e-12)


@every_cell
def test_gradients_of_gradients_are_right(name):
    our = getattr(ours, name)(2, 3, dtype=torch.float64)
    x = torch.randn(2, 2, dtype=torch.float64, requires_grad=True)
    state = tuple(torch.randn(2, 3, dtype=torch.float64, requires_grad=True) for _ in range(parts_of(name)))

    def answer(x, *parts):
        return flat(our(x, parts if len(parts) > 1 else parts[0]))

    with ops.use_engine("cpu"):
        assert torch.autograd.gradcheck(answer, (x, *state))
        assert torch.autograd.gradgradcheck(answer, (x, *state))


@every_cell
def test_errors_are_those_of_torch(name):
    their, our = twins(name, 3, 5)
    state, x = random_state(name, 4, 5, dtype=torch.float32), torch.randn(4, 3)
    short = random_state(name, 2, 5, dtype=torch.float32)
    wide = random_state(name, 4, 6, dtype=torch.float32)
    calls = [
        (torch.randn(4, 2), state),
        (torch.randn(1, 4, 3), state),
        (x, short),
        (x, wide),
        (x.double(), state),
        (x, 3),
    ]
    calls += [(x, random_state(name, 4, 1, 5, dtype=torch.float32)), ([[1.0]],), (None,), (x, (x, x, x))]
    for call in calls:
        with pytest.raises(Exception) as wanted:
            their(*call)
        with pytest.raises(type(wanted.value)) as came:
            our(*call)
        assert str(came.value) == str(wanted.value)


def test_an_unknown_nonlinearity_is_refused_by_torch_at_the_call():
    with pytest.raises(RuntimeError, match="Unknown nonlinearity: sin"):
        ours.RNNCell(3, 5, nonlinearity="sin")(torch.randn(4, 3))


@every_cell
def test_a_batch_without_rows_is_what_torch_makes_of_it(name):
    their, our = twins(name, 3, 5)
    for wanted, came in zip(flat(their(torch.randn(0, 3))), flat(our(torch.randn(0, 3))), strict=True):
        assert came.shape == wanted.shape


def built(name, **changed):
    """What a cell of small sizes is and answers."""
    options = {"input_size": 3, "hidden_size": 5} | changed
    torch.manual_seed(0)
    cell = getattr(ours, name)(**options)
    torch.manual_seed(1)
    shown = flat(cell(torch.randn(4, options["input_size"], dtype=options.get("dtype"), device=options.get("device"))))[
        0
    ]
    total = 0.0 if shown.is_meta else shown.sum().item()
    return [w.shape for w in cell.parameters()], shown.shape, shown.device, shown.dtype, total


CHANGES = {"input_size": 4, "hidden_size": 7, "bias": False, "device": "meta", "dtype": torch.float64}


@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [(name, *change) for name in CELLS for change in CHANGES.items()] + [("RNNCell", "nonlinearity", "relu")],
)
def test_every_constructor_argument_changes_something(name, argument, value):
    assert built(name, **{argument: value}) != built(name)
    assert set(inspect.signature(getattr(theirs, name)).parameters) <= {*CHANGES, "nonlinearity"}


@every_cell
def test_weights_are_read_at_every_call(name):
    their, our = twins(name, 3, 5, dtype=torch.float64)
    call = torch.randn(4, 3).double(), random_state(name, 4, 5)
    for module in (their, our):
        torch.manual_seed(0)
        parametrizations.spectral_norm(module, "weight_ih")
        prune.random_unstructured(module, "weight_hh", 0.5)
    for _ in range(2):
        assert_same_answers(their, our, *call)
    for module in (their, our):
        module.eval()
        parametrize.remove_parametrizations(module, "weight_ih")
    assert_same_answers(their, our, *call)


@every_cell
def test_a_copy_lives_its_own_life(name):
    their, our = twins(name, 3, 5)
    twin = copy.deepcopy(our)
    with torch.no_grad():
        for weight in our.parameters():
            weight.zero_()
    assert_same_answers(their, twin, torch.randn(4, 3))


@every_cell
def test_state_dicts_go_both_ways_and_through_files(name):
    their, our = twins(name, 3, 5)
    file = io.BytesIO()
    torch.save(our.state_dict(), file)
    file.seek(0)
    for weight in their.parameters():
        weight.data.zero_()
    their.load_state_dict(torch.load(file, weights_only=True))
    assert_same_answers(their, our, torch.randn(4, 3), random_state(name, 4, 5, dtype=torch.float32))


@every_cell
def test_the_default_device_of_the_program_does_not_matter(name):
    _, step = twins(name, 3, 5)
    x = torch.randn(2, 3)
    with ops.use_engine("cpu"):
        wanted = flat(step(x))
        with torch.device("meta"):
            came = flat(step(x))
    for a, b in zip(came, wanted, strict=True):
        assert torch.equal(a, b)
