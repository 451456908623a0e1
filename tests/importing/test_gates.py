from __future__ import annotations

import pytest
import torch

from ostinato.cells import find
from ostinato.importing.gates import KERAS, ONNX, TORCH, laid_out, reordered

ORDERS = {"torch": TORCH, "onnx": ONNX, "keras": KERAS}
CELLS = {"RNN": "elman", "SimpleRNN": "elman", "RNN_TANH": "elman", "RNN_RELU": "elman_relu", "LSTM": "lstm"}


@pytest.mark.parametrize("home", ORDERS)
def test_every_order_names_the_gates_of_our_cell(home: str) -> None:
    for kind, order in ORDERS[home].items():
        assert set(order) == set(find(CELLS.get(kind, "gru")).gates)
        assert len(order) == len(set(order))


def test_blocks_follow_their_gates() -> None:
    weight = torch.arange(12.0).view(6, 2)
    assert torch.equal(reordered(weight, "zrn", "nz"), weight[[4, 5, 0, 1]])


def test_biases_add_up_where_a_cell_has_one() -> None:
    one = torch.ones(4, 1)
    laid = laid_out(find("lstm"), "iofg", one, one, torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.full((4,), 10.0))
    assert laid["b"].tolist() == [11.0, 13.0, 14.0, 12.0]


def test_missing_biases_are_zero() -> None:
    laid = laid_out(find("gru"), "zrn", torch.ones(3, 1), torch.ones(3, 1), None, None)
    assert laid["b"].tolist() == laid["br"].tolist() == [0.0] * 3


def test_a_second_matrix_is_the_block_of_the_candidate() -> None:
    R = torch.arange(3.0)[:, None]
    laid = laid_out(find("gru_reset_before"), "zrn", torch.ones(3, 1), R, None, None)
    assert laid["R"].flatten().tolist() == [1.0, 0.0]
    assert laid["Rn"].flatten().tolist() == [2.0]
