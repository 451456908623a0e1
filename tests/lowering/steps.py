"""Random steps of every elementwise operation, and what numbers they are tried with."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from ostinato.cells import Cell, Constant, Gates, cell, product, tanh
from ostinato.lowering import Blueprint, Node
from ostinato.lowering.graph import Builder, Graph
from ostinato.state import State

GATES, STATE, PARAMETERS = ("a", "b"), ("h", "c"), ("p",)
KINDS = ("add", "subtract", "multiply", "divide", "negate", "sigmoid", "tanh", "relu", "exp", "log", "softplus", "sqrt")
MORE_KINDS = ("absolute", "sin", "cos", "maximum", "minimum", "select")
CONSTANTS = (0.0, 1.0, -1.0, 0.5, 2.0, -0.3, 3.7)
# Few different values, so that comparisons meet ties.
GRID = (-1.0, -0.5, 0.0, 0.5, 1.0)


def random_step(choose: Callable[[Sequence[Any]], Any], operations: int = 12) -> dict[str, Any]:
    """The blueprint's data of some operations in any combination, each kept where its derivative is finite."""
    recurrent = choose(("dense", "diagonal", "none"))
    builder = Builder()
    nodes = [builder.leaf("input", gate) for gate in GATES]
    nodes += [builder.leaf("recurrent", gate) for gate in GATES if recurrent != "none"]
    nodes += [builder.leaf("state", part) for part in STATE]
    nodes += [builder.leaf("parameter", name) for name in PARAMETERS]
    nodes += [builder.leaf("constant", choose(CONSTANTS)) for _ in range(2)]
    for _ in range(operations):
        nodes.append(_operation(builder, choose, nodes))
    # A sine bounds what is compared, whatever was multiplied.
    ends = [builder.apply("sin", nodes[-1]), choose(nodes[-5:])]
    graph = Graph(tuple(builder.nodes), {part: end.index for part, end in zip(STATE, ends, strict=True)})
    return {
        "gates": GATES,
        "state": STATE,
        "output": choose(STATE),
        "recurrent": recurrent,
        "recurrent_bias": recurrent != "none" and choose((True, False)),
        "parameters": PARAMETERS,
        "matrices": (),
        "graph": graph.to_data(),
    }


def seeded_step(seed: int, operations: int = 12) -> Blueprint:
    """The random step of a seed, always the same."""
    return Blueprint.from_data(random_step(random.Random(seed).choice, operations))


def _operation(builder: Builder, choose: Callable[[Sequence[Any]], Any], nodes: Sequence[Node]) -> Node:
    # One of the last, so that little of it is for nothing.
    kind, a, b = choose((*KINDS, *MORE_KINDS)), choose(nodes[-5:]), choose(nodes)
    make = builder.apply
    if kind in ("add", "subtract", "multiply", "maximum", "minimum"):
        return make(kind, a, b)
    if kind == "divide":
        return make(kind, a, make("add", 1.5, make("absolute", b)))
    if kind in ("log", "sqrt"):
        return make(kind, make("add", 0.5, make("multiply", a, a)))
    if kind == "softplus":
        # At 0 itself autograd, given a relu and a magnitude, finds one-sided slopes.
        return make(kind, make("add", 0.0123, a))
    if kind == "exp":
        return make(kind, make("minimum", a, 2.0))
    if kind == "select":
        return make(kind, make("less", a, b), choose(nodes), choose(nodes))
    return make(kind, a)


def too_many_products() -> Cell:
    """A cell that no kernel takes, and the loop does: it multiplies one value by more matrices than fit."""

    @cell(state="h", gates="a", recurrent="none", matrices={f"M{n}": Constant(0.1 * n) for n in range(13)})
    def crowd(x: Gates, s: State, p: Gates) -> State:
        total = x.a
        for number in range(13):
            total = total + product(s.h, getattr(p, f"M{number}"))
        return State(h=tanh(total))

    return crowd
