from __future__ import annotations

import pytest

from ostinato.bench.agreement import beyond, errors
from ostinato.bench.peers import onnx_runtime
from ostinato.bench.registry import ROWS
from ostinato.cells import find
from tests.bench.inside import outcome, small


def test_every_cell_that_the_registry_asks_of_it_is_written():
    assert set(onnx_runtime.NODES) == {point.ours.job.cell for point in ROWS["onnxruntime-forward"].points}


@pytest.mark.parametrize(
    ("cell", "order"), [("lstm", "i o f c"), ("gru", "z r h"), ("elman", "h")], ids=["lstm", "gru", "elman"]
)
def test_gates_lie_in_the_order_of_onnx(cell, order):
    names = {"n": "h", "g": "c"}
    gates = [names.get(gate, gate) for gate in find(cell).gates]
    assert [gates[number] for number in onnx_runtime.NODES[cell][1]] == order.split()


@pytest.mark.parametrize("cell", onnx_runtime.NODES)
def test_it_computes_what_ours_computes(cell, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
    pytest.importorskip("onnx", reason="onnx is not installed here")
    job = small(cell, train=False)
    assert not beyond(errors(outcome("onnxruntime", job), outcome("ours", job)))
    assert onnx_runtime.about()["onnx"]
