"""Choosing what is kept: the cheapest set, checked against all sets."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.lowering.graph import Builder, Node
from ostinato.lowering.keeping import COSTS, FREE, KEEP, keep_set


def cost_of(nodes: list[Node], wanted: set[int], kept: set[int]) -> float:
    """What it costs to have all wanted values when these are kept; no end where it cannot be done."""
    needed, cost = set(wanted), float(KEEP * len(kept))
    for node in reversed(nodes):
        if node.index not in needed or node.index in kept or node.kind in FREE:
            continue
        cost += COSTS.get(node.kind, 1) if node.arguments else float("inf")
        needed.update(node.arguments)
    return cost


@settings(max_examples=60)
@given(st.data())
def test_no_other_set_is_cheaper(data: st.DataObject) -> None:
    builder = Builder()
    leaves = (("input", "a"), ("state", "h"), ("parameter", "p"), ("constant", 2.0))
    nodes = [builder.leaf(kind, label) for kind, label in leaves]
    for _ in range(data.draw(st.integers(1, 7))):
        kind = data.draw(st.sampled_from(("add", "multiply", "tanh", "sigmoid", "divide")))
        arity = 1 if kind in ("tanh", "sigmoid") else 2
        builder.apply(kind, *(data.draw(st.sampled_from(builder.nodes)) for _ in range(arity)))
    nodes = builder.nodes
    wanted = set(data.draw(st.lists(st.sampled_from(range(len(nodes))), min_size=1, max_size=4)))
    chosen = keep_set(nodes, wanted, set(range(len(nodes))))
    every = (set(some) for size in range(len(nodes)) for some in itertools.combinations(range(len(nodes)), size))
    assert cost_of(nodes, wanted, set(chosen)) == min(cost_of(nodes, wanted, kept) for kept in every)


def test_one_tanh_is_computed_again_and_two_are_kept() -> None:
    builder = Builder()
    a, b = builder.leaf("input", "a"), builder.leaf("input", "b")
    once = builder.apply("tanh", builder.apply("add", a, b))
    twice = builder.apply("tanh", once)
    assert keep_set(builder.nodes, {a.index, b.index, once.index}, {0, 1, 2, 3, 4}) == [a.index, b.index]
    assert keep_set(builder.nodes, {a.index, b.index, twice.index}, {0, 1, 2, 3, 4}) == [a.index, b.index, twice.index]


def test_what_stands_still_is_never_kept() -> None:
    builder = Builder()
    p, two = builder.leaf("parameter", "p"), builder.leaf("constant", 2.0)
    scaled = builder.apply("multiply", p, two)
    assert keep_set(builder.nodes, {p.index, two.index, scaled.index}, {0, 1, 2}) == []
