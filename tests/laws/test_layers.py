"""Laws of layers: every constructor argument changes something or raises, state and sequence fit together."""

from __future__ import annotations

import copy
import inspect
import io
from typing import Any

import pytest
import torch
from torch import nn

from ostinato.cells import Cell
from ostinato.errors import OptionError
from ostinato.layers import Direction, LockedDropout, Recurrent
from ostinato.state import map_state
from tests.laws.zoo import ALL_CELLS, given_of, hidden_of, name_of, random_input

every_cell = pytest.mark.parametrize("cell", ALL_CELLS, ids=name_of)

CHANGES: dict[str, Any] = {
    "cell": "gru",
    "inputs": 4,
    "hidden": 7,
    "layers": 3,
    "bidirectional": True,
    "dropout": 0.5,
    "projection": 4,
    "residual": True,
    "norm": True,
    "layer_norm": "gates+memory",
    "zoneout": 0.5,
    "clip": 0.01,
    "recurrent_dropout": 0.5,
    "state_dropout": 0.5,
    "input_dropout": 0.5,
    "output_dropout": 0.5,
    "weight_drop": 0.5,
    "timescale": 100.0,
    "engine": "reference",
}


def outcome(**changed: Any) -> tuple[Any, ...]:
    """What a small stack answers in training, or how it is built."""
    options = {"cell": "lstm", "inputs": 3, "hidden": 5, "layers": 2} | changed
    torch.manual_seed(0)
    layer = Recurrent(**options)
    torch.manual_seed(1)
    x = torch.randn(2, 4, options["inputs"])
    y, state = layer(x)
    return y.shape, y.sum().item(), len(state), layer.engine(x).engine


def test_the_changes_cover_every_argument() -> None:
    assert set(CHANGES) == set(inspect.signature(Recurrent).parameters)


@pytest.mark.parametrize("argument", CHANGES)
def test_every_constructor_argument_changes_something(argument: str) -> None:
    assert outcome(**{argument: CHANGES[argument]}) != outcome()


@pytest.mark.parametrize("argument", ["dropout", "residual", "norm"])
def test_what_acts_between_layers_is_refused_where_there_is_one(argument: str) -> None:
    with pytest.raises(OptionError, match=f"{argument} acts between layers and there is only one"):
        Recurrent("lstm", 3, 5, **{argument: CHANGES[argument]})


def stack(cell: Cell, hidden: int | list[int] | None = None, **options: Any) -> tuple[Recurrent, Any]:
    """A stack that draws no noise, and how it is called with all that its cell wants."""
    layer = Recurrent(cell, 3, hidden or hidden_of(cell), **options).double().eval()
    return layer, lambda x, *state: layer(x, *state, inputs=given_of(cell, x))


@every_cell
def test_a_stack_may_be_cut_anywhere(cell: Cell) -> None:
    _, call = stack(cell, layers=2, norm=True, residual=True)
    x = random_input(2, 9)
    whole, end = call(x)
    left, middle = call(x[:, :4])
    right, last = call(x[:, 4:], middle)
    torch.testing.assert_close(torch.cat([left, right], dim=1), whole, rtol=1e-12, atol=1e-12)
    map_state(lambda got, wanted: torch.testing.assert_close(got, wanted, rtol=1e-12, atol=1e-12), last, end)


@pytest.mark.parametrize("between", [{}, {"norm": True}, {"residual": True}, {"norm": True, "residual": True}])
@pytest.mark.parametrize("projection", [None, 4])
def test_a_stack_shows_zeros_past_each_length(between: dict[str, bool], projection: int | None) -> None:
    layer = Recurrent("lstm", 3, 5, layers=3, projection=projection, **between).double()
    lengths = torch.tensor([6, 0, 2])
    y, state = layer(random_input(3, 6), lengths=lengths)
    for row, length in enumerate(lengths.tolist()):
        assert not y[row, length:].any()
    dirty = torch.where(torch.arange(6)[None, :, None] < lengths[:, None, None], random_input(3, 6), torch.nan)
    again, other = layer(dirty, lengths=lengths)
    assert torch.equal(again, y)
    map_state(lambda a, b: torch.testing.assert_close(a, b, rtol=0, atol=0), other, state)


@every_cell
def test_no_state_lives_on_a_module(cell: Cell) -> None:
    _, call = stack(cell, layers=2, bidirectional=True)
    x = random_input(2, 6)
    first, _ = call(x)
    call(random_input(2, 6, seed=8))
    assert torch.equal(call(x)[0], first)


@every_cell
def test_weights_survive_a_file_and_a_copy(cell: Cell) -> None:
    layer, call = stack(cell)
    x = random_input(2, 6)
    wanted, _ = call(x)
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    fresh, fresh_call = stack(cell)
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(fresh_call(x)[0], wanted)
    assert torch.equal(copy.deepcopy(layer)(x, inputs=given_of(cell, x))[0], wanted)


@every_cell
def test_the_state_that_is_returned_can_be_given_back(cell: Cell) -> None:
    layer, call = stack(cell, hidden=[hidden_of(cell), hidden_of(cell, 4)], bidirectional=True)
    x = random_input(2, 6)
    _, state = call(x)
    again, _ = call(x, state)
    zeros, _ = call(x, layer.zero_state(2))
    assert not torch.equal(again, zeros)
    assert torch.equal(zeros, call(x)[0])


@every_cell
def test_weight_drop_cuts_connections_in_training_only(cell: Cell) -> None:
    if cell.recurrent == "none":
        with pytest.raises(OptionError, match="no recurrent weights"):
            Direction(cell, 3, 8, weight_drop=0.5)
        return
    layer = Direction(cell, 3, 8, weight_drop=0.5)
    cut = layer.weights()["R"]
    zeroed = cut == 0
    assert zeroed.any()
    torch.testing.assert_close(cut[~zeroed], 2 * layer.R[~zeroed])
    assert torch.equal(layer.eval().weights()["R"], layer.R)


@every_cell
def test_parametrizations_are_read_at_every_call(cell: Cell) -> None:
    class Halved(nn.Module):
        def forward(self, weight: torch.Tensor) -> torch.Tensor:
            return weight / 2

    layer, x = Direction(cell, 3, hidden_of(cell)).double().eval(), random_input(2, 4)
    before, _ = layer(x, inputs=given_of(cell, x))
    nn.utils.parametrize.register_parametrization(layer, "W", Halved())
    assert not torch.equal(layer(x, inputs=given_of(cell, x))[0], before)


def test_locked_dropout_keeps_one_mask_over_time() -> None:
    y = LockedDropout(0.5)(torch.ones(4, 9, 16))
    assert torch.equal(y, y[:, :1].expand_as(y))
    assert set(y.unique().tolist()) == {0.0, 2.0}
    assert not torch.equal(y[0], y[1])
