"""A cell that lowers: all that a writer of kernels needs to know about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ostinato.cells.declaration import Cell
from ostinato.errors import LoweringError
from ostinato.lowering.blueprint import Blueprint
from ostinato.lowering.derivative import MOST_DERIVED, NOT_DERIVED, Derivation, derivation
from ostinato.lowering.graph import Graph, Node
from ostinato.lowering.simplify import Rewriter, gathered
from ostinato.lowering.trace import trace

WHY = {
    "product": "a second product inside the step",
    "matrix": "a named matrix",
    "row_sum": "a sum over the units of a row",
    "row_mean": "a mean over the units of a row",
    "row_max": "a maximum over the units of a row",
}


@dataclass(frozen=True, eq=False)
class Lowered:
    """One step, forward and backward, with its names in the order in which kernels number them.

    >>> from ostinato.cells import lstm
    >>> step = lowered(lstm)
    >>> step.keep, step.dense, step.same, step.output_index
    (5, True, True, 0)

    ``graph`` has no ``recurrent`` leaves unless the cell is dense: a diagonal R is one more vector per gate.
    """

    blueprint: Blueprint
    graph: Graph = field(init=False)
    derivation: Derivation = field(init=False)

    def __post_init__(self) -> None:
        refuse(self.blueprint.graph, "this cell")
        graph = _without_diagonal(self.blueprint)
        object.__setattr__(self, "graph", graph)
        object.__setattr__(self, "derivation", derivation(graph, self.names))

    @property
    def gates(self) -> tuple[str, ...]:
        """The gates, in the order of their rows."""
        return self.blueprint.gates

    @property
    def state(self) -> tuple[str, ...]:
        """The parts of the state, in their order."""
        return self.blueprint.state

    @property
    def recurrent(self) -> str:
        """How the gates see the state: "dense", "diagonal" or "none"."""
        return self.blueprint.recurrent

    @property
    def recurrent_bias(self) -> bool:
        """Whether the cell declares a bias of its own on the state's share."""
        return self.blueprint.recurrent_bias

    @property
    def output_index(self) -> int:
        """Which part of the state is shown."""
        return self.state.index(self.blueprint.output)

    @property
    def dense(self) -> bool:
        """Whether a product with R stands inside the loop."""
        return self.recurrent == "dense"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The vectors per unit, as kernels number them: a diagonal's R.gate and br.gate, then the cell's own."""
        own: list[str] = []
        if self.recurrent == "diagonal":
            own += [f"R.{gate}" for gate in self.gates]
            own += [f"br.{gate}" for gate in self.gates if self.recurrent_bias]
        return (*own, *self.blueprint.parameters)

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The names of each kind of leaf of ``graph``, in their order."""
        recurrent = self.gates if self.dense else ()
        return {"input": self.gates, "recurrent": recurrent, "state": self.state, "parameter": self.parameters}

    @property
    def keep(self) -> int:
        """How many values each unit keeps at each step for the backward pass."""
        return self.derivation.keep

    @property
    def same(self) -> bool:
        """Whether each gate's gradient is one value for the input's and the state's share."""
        outputs = self.derivation.backward.outputs
        return not self.dense or all(outputs[f"dx.{gate}"] == outputs[f"du.{gate}"] for gate in self.gates)

    @property
    def operations(self) -> dict[str, int]:
        """How many operations a unit takes at each step, products with matrices apart."""
        passes = {n: getattr(self.derivation, n) for n in ("infer", "forward", "backward")}
        return {name: len(graph.operations()) for name, graph in passes.items()}

    @property
    def digest(self) -> str:
        """64 hexadecimal digits that name all that a kernel depends on."""
        return self.blueprint.digest

    def to_data(self) -> dict[str, Any]:
        """Plain lists and words, for files."""
        return self.blueprint.to_data()

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Lowered:
        """A step from what a file says; whatever is malformed, too large or not elementwise is refused."""
        return cls(Blueprint.from_data(data))


@lru_cache(maxsize=256)
def lowered(cell: Cell) -> Lowered:
    """Lower a cell: trace it, simplify it, derive its backward pass.

    Raises :class:`~ostinato.errors.LoweringError` with the operation, and its line in the cell, that stands in the way.
    """
    refuse(trace(cell), f"cell '{cell.name}'")
    return Lowered(Blueprint.of(cell))


def refuse(graph: Graph, what: str) -> None:
    """Raise for the first node that is not elementwise, or that is a number where a comparison is wanted."""
    for node in sorted(graph.nodes, key=lambda node: node.kind == "matrix"):
        place = "" if node.line is None else f"line {node.line}: "
        if node.kind in NOT_DERIVED and (node.arguments or _is_used(graph, node)):
            raise LoweringError(f"{what} cannot be lowered: {place}it has {WHY[node.kind]} ({node.kind})")
        masks = [graph.nodes[i].kind == "less" for i in node.arguments]
        if (
            any(masks) != (node.kind == "select")
            or any(masks[1:])
            or (masks and node.kind == "select" and not masks[0])
        ):
            raise LoweringError(
                f"{what} cannot be lowered: {place}{node.kind} mixes numbers and comparisons; "
                "write select(less(a, b), yes, no)"
            )
    for part, index in graph.outputs.items():
        if graph.nodes[index].kind == "less":
            raise LoweringError(f"{what} cannot be lowered: the part '{part}' of its state is a comparison, no number")


def _is_used(graph: Graph, leaf: Node) -> bool:
    return any(leaf.index in node.arguments for node in graph.nodes) or leaf.index in graph.outputs.values()


def _without_diagonal(drawn: Blueprint) -> Graph:
    """The graph with u written out where R is a diagonal: R.gate times the shown part, plus br.gate."""
    if drawn.recurrent != "diagonal":
        return drawn.graph
    parameters = [f"R.{gate}" for gate in drawn.gates] + [f"br.{gate}" for gate in drawn.gates if drawn.recurrent_bias]
    to = Rewriter({**drawn.names, "parameter": (*parameters, *drawn.parameters)}, MOST_DERIVED)
    made: list[Node] = []
    for node in drawn.graph.nodes:
        if node.kind == "recurrent":
            weight = to.make("parameter", label=f"R.{node.label}")
            share = to.make("multiply", weight, to.make("state", label=drawn.output))
            bias = [to.make("parameter", label=f"br.{node.label}")] if drawn.recurrent_bias else []
            made.append(to.make("add", share, *bias) if bias else share)
        else:
            made.append(to.make(node.kind, *(made[i] for i in node.arguments), label=node.label))
    return gathered({part: made[index] for part, index in drawn.graph.outputs.items()}, most=MOST_DERIVED)
