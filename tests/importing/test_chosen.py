from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import pytest
import torch

from ostinato import ops
from ostinato.cells import BUILT_IN, Cell, Gates
from ostinato.importing.chosen import RELU, SIGMOID, TANH, Activation, gru_cell, lstm_cell, rnn_cell
from ostinato.layers import Direction
from ostinato.lowering.rebuild import cell_from_data, cell_to_data, origin_of
from ostinato.lowering.trace import trace
from ostinato.state import State

HARD = Activation("hard_sigmoid", 0.2, 0.5)
LINEAR = Activation("linear")
MADE = [
    rnn_cell(HARD, 1.0),
    rnn_cell(LINEAR),
    gru_cell(HARD, RELU),
    gru_cell(SIGMOID, TANH, 0.5, reset_after=False),
    lstm_cell(HARD, TANH, LINEAR),
    lstm_cell(clip=2.0, peepholes=True),
    lstm_cell(peepholes=True, coupled=True),
    lstm_cell(HARD, RELU, RELU, 1.5, coupled=True),
]


def test_a_standard_choice_is_the_built_in_cell() -> None:
    plain = [rnn_cell(), rnn_cell(RELU), gru_cell(), gru_cell(reset_after=False)]
    plain += [lstm_cell(), lstm_cell(peepholes=True), lstm_cell(coupled=True)]
    names = ["elman", "elman_relu", "gru", "gru_reset_before", "lstm", "lstm_peephole", "lstm_coupled"]
    assert [cell.name for cell in plain] == names
    assert all(BUILT_IN[cell.name] is cell for cell in plain)


def test_the_same_choice_is_the_same_cell() -> None:
    assert gru_cell(HARD, TANH, 1.0) is gru_cell(Activation("hard_sigmoid", 0.2, 0.5), TANH, 1.0)


def test_different_choices_have_different_names_and_graphs() -> None:
    assert len({cell.name for cell in MADE}) == len({trace(cell).digest() for cell in MADE}) == len(MADE)
    assert rnn_cell(HARD).name != rnn_cell(Activation("hard_sigmoid", 0.3, 0.5)).name


@pytest.mark.parametrize("cell", MADE, ids=lambda cell: cell.name)
def test_a_made_cell_is_stored_and_copied_to_other_processes(cell: Cell) -> None:
    assert cell_from_data(cell_to_data(cell)).gates == cell.gates
    assert trace(pickle.loads(pickle.dumps(cell))).digest() == trace(cell).digest()
    assert copy.deepcopy(cell) is cell
    origin = origin_of(cell)
    assert origin is not None
    assert origin.trusted


@pytest.mark.parametrize("cell", MADE, ids=lambda cell: cell.name)
def test_a_made_cell_has_a_gradient_for_every_weight(cell: Cell) -> None:
    layer = Direction(cell, 2, 3).double()
    for weight in layer.parameters():
        torch.nn.init.uniform_(weight, -0.2, 0.2)
    y, _ = layer(torch.randn(2, 4, 2, dtype=torch.float64))
    y.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in layer.parameters())


def test_clipping_acts_on_what_enters_the_activations_and_not_on_the_memory() -> None:
    big = Gates(i=9.0, f=9.0, g=9.0, o=9.0)
    zero = Gates(i=0.0, f=0.0, g=0.0, o=0.0)
    bound = lstm_cell(LINEAR, LINEAR, LINEAR, 1.0)
    new = bound(big, zero, State(h=0.0, c=5.0))
    assert (new.c, new.h) == (6.0, 6.0)


def test_a_coupled_cell_lets_in_what_it_forgets() -> None:
    x, zero = Gates(i=0.25, g=8.0, o=1.0), Gates(i=0.0, g=0.0, o=0.0)
    new = lstm_cell(LINEAR, LINEAR, LINEAR, coupled=True)(x, zero, State(h=0.0, c=4.0))
    assert new.c == 0.75 * 4.0 + 0.25 * 8.0


@pytest.mark.parametrize(("value", "wanted"), [(-9.0, 0.0), (0.0, 0.5), (1.0, 0.7), (9.0, 1.0)])
def test_a_hard_sigmoid_is_a_line_between_0_and_1(value: float, wanted: float) -> None:
    assert HARD(value) == wanted
    assert HARD(torch.tensor([value], dtype=torch.float64)).item() == wanted


@pytest.mark.parametrize("coupled", [False, True])
def test_peepholes_of_zero_change_nothing(coupled: bool) -> None:
    plain: Any = lstm_cell(HARD, coupled=coupled)
    looking = lstm_cell(HARD, peepholes=True, coupled=coupled)
    weights = {n: torch.randn(s) for n, s in plain.shapes(2, 3).items()}
    x = torch.randn(2, 4, 2)
    wanted, _ = ops.recur(plain, x, weights)
    zeros = {name: torch.zeros(3) for name in looking.parameters}
    came, _ = ops.recur(looking, x, weights | zeros)
    torch.testing.assert_close(came, wanted)


def test_all_combinations_of_an_lstm_can_be_made() -> None:
    for clip, peepholes, coupled in itertools.product([None, 1.0], [False, True], [False, True]):
        cell = lstm_cell(SIGMOID, TANH, TANH, clip, peepholes=peepholes, coupled=coupled)
        assert cell.state == ("h", "c")
        assert len(cell.parameters) == peepholes * (2 if coupled else 3)
