from __future__ import annotations

import pytest

from ostinato.bench.agreement import beyond, errors
from ostinato.bench.peers import keras_layers
from ostinato.bench.registry import ROWS
from ostinato.cells import find
from tests.bench.inside import outcome, small


def test_every_cell_that_the_registry_asks_of_it_is_written():
    assert set(keras_layers.LAYERS) == {point.ours.job.cell for point in ROWS["keras-forward"].points}


@pytest.mark.parametrize(
    ("cell", "order"), [("lstm", "i f c o"), ("gru", "z r h"), ("elman", "h")], ids=["lstm", "gru", "elman"]
)
def test_gates_lie_in_the_order_of_keras(cell, order):
    names = {"n": "h", "g": "c"}
    gates = [names.get(gate, gate) for gate in find(cell).gates]
    assert [gates[number] for number in keras_layers.LAYERS[cell][1]] == order.split()


@pytest.mark.parametrize("cell", keras_layers.LAYERS)
def test_it_computes_what_ours_computes(cell, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    pytest.importorskip("keras", reason="keras is not installed here")
    job = small(cell, train=False)
    assert not beyond(errors(outcome("keras", job), outcome("ours", job)))
    assert keras_layers.about()["keras"]
