"""Simplifying: what becomes one node, and that the numbers stay."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.cells import Gates, absolute, cell, exp, less, log, maximum, select, tanh
from ostinato.lowering import Blueprint, Graph, trace
from ostinato.lowering.graph import Builder
from ostinato.lowering.simplify import simplify
from ostinato.state import State
from tests.lowering.steps import GRID, random_step


def simplest(function: Any) -> str:
    """The simplest form of h as words, with leaves by the first letter of their kind."""
    made = cell(state="h", gates="a", parameters={})(lambda x, u, s: State(h=function(x.a, u.a, s.h)))
    graph = simplify(trace(made))

    def words(index: int) -> str:
        node = graph.nodes[index]
        if node.kind == "constant":
            return f"{node.label:g}"
        return f"{node.kind}({', '.join(map(words, node.arguments))})" if node.arguments else node.kind[0]

    return words(graph.outputs["h"])


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (lambda i, r, s: 1 * i, "i"),
        (lambda i, r, s: i * -1, "negate(i)"),
        (lambda i, r, s: i + 0, "i"),
        (lambda i, r, s: 0 + i, "i"),
        (lambda i, r, s: i - 0, "i"),
        (lambda i, r, s: i / 1, "i"),
        (lambda i, r, s: i / -4, "multiply(-0.25, i)"),
        (lambda i, r, s: i / 3, "divide(i, 3)"),
        (lambda i, r, s: -1 * -i, "i"),
        (lambda i, r, s: i - 0 * 1.0, "i"),
        (lambda i, r, s: i + (-r), "subtract(i, r)"),
        (lambda i, r, s: (-i) + r, "subtract(r, i)"),
        (lambda i, r, s: i - (-r), "add(i, r)"),
        (lambda i, r, s: (-i) - r, "negate(add(i, r))"),
        (lambda i, r, s: (-i) * (-r), "multiply(i, r)"),
        (lambda i, r, s: (-i) / r, "negate(divide(i, r))"),
        (lambda i, r, s: -(i - r), "subtract(r, i)"),
        (lambda i, r, s: -(2 * i), "multiply(-2, i)"),
        (lambda i, r, s: select(less(i, r), s, s), "s"),
        (lambda i, r, s: i + exp(0 * (r - r) + 0), "add(i, exp(multiply(0, subtract(r, r))))"),
        (lambda i, r, s: tanh(i) * (2.0 - 1) + absolute(-1.0) - 1, "subtract(add(1, tanh(i)), 1)"),
    ],
)
def test_neutral_operations_vanish_and_nothing_is_regrouped(function: Any, wanted: str) -> None:
    assert simplest(function) == wanted


def test_the_order_of_operands_and_of_lines_does_not_matter() -> None:
    @cell(state="h c", gates="a b")
    def one(x: Gates, u: Gates, s: State) -> State:
        left, right = tanh(x.a + u.a), s.c * tanh(x.b + u.b)
        return State(h=maximum(left, right), c=left + right)

    @cell(state="h c", gates="a b")
    def other(x: Gates, u: Gates, s: State) -> State:
        right = tanh(u.b + x.b) * s.c
        left = tanh(u.a + x.a)
        return State(c=right + left, h=maximum(right, left))

    assert simplify(trace(one)).digest() == simplify(trace(other)).digest()
    assert trace(one).digest() != trace(other).digest()


def test_constants_without_a_finite_result_stay_as_they_are() -> None:
    builder = Builder()
    zero = builder.leaf("constant", 0.0)
    nodes = [builder.apply("divide", zero, zero), builder.apply("log", zero), builder.apply("exp", 1e6)]
    graph = simplify(Graph(tuple(builder.nodes), {f"h{i}": node.index for i, node in enumerate(nodes)}))
    assert graph.operations() == ("divide", "log", "exp")


def test_a_choice_between_numbers_is_made_at_once() -> None:
    builder = Builder()
    mask = builder.apply("less", builder.leaf("constant", 1.0), 2.0)
    chosen = builder.apply("select", mask, builder.leaf("input", "a"), builder.leaf("input", "b"))
    assert str(simplify(Graph(tuple(builder.nodes), {"h": chosen.index}))) == "#0 input('a')\nh = #0"


@given(st.data())
def test_a_simplified_step_computes_the_same_and_is_as_simple_as_it_gets(data: st.DataObject) -> None:
    made = random_step(lambda options: data.draw(st.sampled_from(options)))
    written, step = Graph.from_data(made["graph"]), Blueprint.from_data(made)
    assert simplify(step.graph, step.names).to_data() == step.graph.to_data()
    values = {kind: Gates(**{n: data.draw(st.sampled_from(GRID)) for n in names}) for kind, names in step.names.items()}
    assert step.graph.run(values) == written.run(values)


def test_a_long_chain_is_no_deeper_than_the_stack() -> None:
    builder = Builder()
    node = builder.leaf("input", "a")
    for _ in range(4000):
        node = builder.apply("tanh", node)
    assert len(simplify(Graph(tuple(builder.nodes), {"h": node.index})).operations()) == 4000


def test_logarithms_of_positive_constants_are_folded() -> None:
    assert simplest(lambda i, r, s: i + log(1.0)) == "i"
