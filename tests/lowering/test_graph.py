"""Graphs as data: what is refused, and how it is said."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from ostinato.cells import Gates, cell, lstm, sigmoid, tanh
from ostinato.errors import LoweringError
from ostinato.lowering import Graph, trace
from ostinato.state import State


def test_an_if_on_a_symbol_is_refused_with_its_line() -> None:
    @cell(state="h", gates="a")
    def branching(x: Gates, u: Gates, s: State) -> State:
        if x.a > 0:
            return State(h=x.a + u.a)
        return State(h=u.a)

    with pytest.raises(LoweringError, match=r"'branching'.*line \d+ of test_graph.py, `if x.a > 0:`.*less\(a, b\)"):
        trace(branching)

    @cell(state="h", gates="a")
    def truthful(x: Gates, u: Gates, s: State) -> State:
        return State(h=x.a if u.a else s.h)

    with pytest.raises(LoweringError, match=r"`return State\(h=x.a if u.a else s.h\)`.*select\(less"):
        trace(truthful)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x, u, s: State(h=math.tanh(x.a) + u.a), "not those of math"),
        (lambda x, u, s: State(h=torch.tanh(x.a + u.a)), "tanh"),
        (lambda x, u, s: State(h=(x.a + u.a) ** 0.5), "whole number from 1 to 8, got 0.5"),
        (lambda x, u, s: State(h=x.a + u.a + "b"), "plain numbers, got str"),
        (lambda x, u, s: State(h=x.a + u.q), "no 'q' is declared"),
        (lambda x, u, s: State(h=torch.ones(3)), "wanted a symbol, got Tensor"),
    ],
)
def test_what_no_graph_can_hold_is_refused(function: Any, words: str) -> None:
    made = cell(state="h", gates="a")(function)
    with pytest.raises(LoweringError, match=words):
        trace(made)


def test_a_symbol_kept_from_another_trace_is_refused() -> None:
    kept: list[Any] = []

    @cell(state="h", gates="a")
    def hoarder(x: Gates, u: Gates, s: State) -> State:
        kept.append(x.a)
        return State(h=kept[0] + u.a)

    trace(hoarder)
    with pytest.raises(LoweringError, match="a cell must be pure"):
        trace(hoarder)


def test_equal_subexpressions_are_one_node() -> None:
    @cell(state="h", gates="a")
    def repeated(x: Gates, u: Gates, s: State) -> State:
        return State(h=sigmoid(x.a + u.a) * tanh(x.a + u.a) + sigmoid(x.a + u.a))

    assert trace(repeated).operations() == ("add", "sigmoid", "tanh", "multiply", "add")


def test_a_constant_may_be_a_part_of_the_state() -> None:
    @cell(state="h k", gates="a")
    def counted(x: Gates, u: Gates, s: State) -> State:
        return State(h=x.a + u.a, k=1.0)

    assert trace(counted).outputs.keys() == {"h", "k"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["nodes"].append(["system", 0]), "no operation 'system'"),
        (lambda d: d["nodes"].append(["add", 0, 999]), "earlier nodes"),
        (lambda d: d["nodes"].append(["add", 0, len(d["nodes"])]), "earlier nodes"),
        (lambda d: d["nodes"].append(["add", 0]), "wanted 2 earlier nodes"),
        (lambda d: d["nodes"].append(["add", 0, True]), "earlier nodes"),
        (lambda d: d["nodes"].append(["input", "i; rm"]), "wanted a name"),
        (lambda d: d["nodes"].append(["constant", "1"]), "wanted a number"),
        (lambda d: d["nodes"].append(d["nodes"][0]), "each node once"),
        (lambda d: d["nodes"].append(7), "nodes and outputs"),
        (lambda d: d.update(outputs={"h": 10**9}), "outputs wanted names and nodes"),
        (lambda d: d.update(outputs={"h;": 0}), "outputs wanted names and nodes"),
        (lambda d: d.pop("nodes"), "nodes and outputs"),
        (lambda d: d.update(nodes=[["input", f"g{i}"] for i in range(5000)]), "at most 4096 nodes"),
    ],
)
def test_a_hostile_graph_is_refused(change: Any, words: str) -> None:
    data = trace(lstm).to_data()
    change(data)
    with pytest.raises(LoweringError, match=words):
        Graph.from_data(data)


@pytest.mark.parametrize("data", [None, 3, [], {"nodes": 3, "outputs": {}}, {"nodes": [], "outputs": 4}])
def test_what_is_no_graph_is_refused(data: Any) -> None:
    with pytest.raises(LoweringError, match="a graph wanted nodes and outputs"):
        Graph.from_data(data)
