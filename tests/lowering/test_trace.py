"""Tracing: what a cell is called with."""

from __future__ import annotations

from ostinato.cells import gru, lstm
from ostinato.lowering import trace


def test_the_graph_of_the_lstm_is_the_textbook() -> None:
    graph = trace(lstm)
    assert graph.operations().count("sigmoid") == 3
    assert graph.operations().count("tanh") == 2
    assert list(graph.outputs) == ["h", "c"]


def test_the_candidate_of_the_gru_is_reset_after_the_product() -> None:
    graph = trace(gru)
    by_index = {node.index: node for node in graph.nodes}
    (candidate,) = [node for node in graph.nodes if node.kind == "tanh"]
    total = by_index[candidate.arguments[0]]
    product = by_index[total.arguments[1]]
    assert product.kind == "multiply"
    assert {by_index[i].kind for i in product.arguments} == {"sigmoid", "recurrent"}
