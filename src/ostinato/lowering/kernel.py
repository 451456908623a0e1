"""A cell that lowers: all that a writer of kernels needs to know about it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from ostinato.cells.declaration import Cell
from ostinato.cells.operations import ROWWISE
from ostinato.errors import LoweringError
from ostinato.lowering.blueprint import Blueprint
from ostinato.lowering.derivative import MOST_DERIVED, Derivation, derivation, needed
from ostinato.lowering.graph import Builder, Graph, Node
from ostinato.lowering.simplify import simplify
from ostinato.lowering.trace import place_of, trace

# The work of choosing what to keep grows with the square of this, and compilers have their limits too.
MOST_OPERATIONS = 1024
# Vectors that the core multiplies in one go.
MOST_TOGETHER = 12


@dataclass(frozen=True, eq=False)
class Lowered:
    """One step, forward and backward, with its names in the order in which kernels number them.

    >>> from ostinato.cells import lstm
    >>> step = lowered(lstm)
    >>> step.keep, step.dense, step.same, step.output_index
    (5, True, True, 0)

    ``graph`` is in its simplest form. It has ``recurrent`` leaves only where the cell is dense: a diagonal R is one
    more vector per gate.
    """

    blueprint: Blueprint
    graph: Graph
    derivation: Derivation

    @classmethod
    def of(cls, blueprint: Blueprint) -> Lowered:
        """Derive the backward pass of a step that is known as data."""
        refuse(blueprint.graph, "this cell")
        operations = len(blueprint.graph.operations())
        if operations > MOST_OPERATIONS:
            raise LoweringError(
                f"this cell cannot be lowered: it has {operations} operations, a kernel takes at most {MOST_OPERATIONS}"
            )
        names = _names(blueprint)
        graph = simplify(_spelt_out(blueprint), names, most=MOST_DERIVED)
        step = cls(blueprint, graph, derivation(graph, names, blueprint.output))
        step._check()
        return step

    @classmethod
    def from_data(cls, data: Any) -> Lowered:
        """A step from a blueprint's data; what is malformed, too large or not elementwise is refused."""
        return cls.of(Blueprint.from_data(data))

    def to_data(self) -> dict[str, Any]:
        """The blueprint as plain lists and words."""
        return self.blueprint.to_data()

    @property
    def gates(self) -> tuple[str, ...]:
        """The gates, in the order of their rows."""
        return self.blueprint.gates

    @property
    def state(self) -> tuple[str, ...]:
        """The parts of the state, in their order."""
        return self.blueprint.state

    def _check(self) -> None:
        """Refuse what the core has no loop for."""
        for group in self.derivation.groups:
            if len(group.matrices) > MOST_TOGETHER:
                raise LoweringError(
                    f"this cell cannot be lowered: it multiplies one value by {len(group.matrices)} matrices, "
                    f"a kernel takes at most {MOST_TOGETHER} at once"
                )
        drawn = self.blueprint
        if drawn.projected is None:
            return
        nodes, shown = self.graph.nodes, self.graph.outputs[drawn.output]
        made = nodes[shown].kind == "product" and nodes[nodes[shown].arguments[1]].label == drawn.projected
        mine = [g for g in self.derivation.groups if drawn.projected in g.matrices]
        elsewhere = [
            node
            for node in nodes
            for i in node.arguments
            if i == shown or (node.kind != "product" and (nodes[i].kind, nodes[i].label) == ("state", drawn.output))
        ]
        if not made or [g.matrices for g in mine] != [(drawn.projected,)] or elsewhere:
            raise LoweringError(
                f"this cell cannot be lowered: the shown part '{drawn.output}' has a width of its own; it is "
                f"product(value, p.{drawn.projected}) and may be seen through R alone"
            )

    @functools.cached_property
    def staged(self) -> bool:
        """Whether the step is no straight line: a product stands in it, or a look along a row."""
        return _staged(self.blueprint)

    @property
    def matrices(self) -> tuple[str, ...]:
        """The matrices that a staged step multiplies with, as kernels number them: R.gate, then the cell's own."""
        return self.names["matrix"]

    @property
    def given(self) -> tuple[str, ...]:
        """What comes in at every step besides x."""
        return self.blueprint.given

    @property
    def output_index(self) -> int:
        """Which part of the state is shown."""
        return self.state.index(self.blueprint.output)

    @property
    def recurrent(self) -> str:
        """How the gates see the state: "dense", "diagonal" or "none"."""
        return self.blueprint.recurrent

    @property
    def recurrent_bias(self) -> bool:
        """Whether the cell declares a bias of its own on the state's share."""
        return self.blueprint.recurrent_bias

    @property
    def dense(self) -> bool:
        """Whether R is multiplied in one piece before the step."""
        return self.recurrent == "dense" and not self.staged

    @property
    def parameters(self) -> tuple[str, ...]:
        """The vectors per unit, as kernels number them: a diagonal's R.gate and br.gate, then the cell's own."""
        return self.names["parameter"]

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The names of each kind of leaf of ``graph``, in their order."""
        return _names(self.blueprint)

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


# A step knows its blueprint, not its cell: a cell that nobody uses any more is forgotten.
_known: WeakKeyDictionary[Cell, Lowered] = WeakKeyDictionary()


def lowered(cell: Cell) -> Lowered:
    """Lower a cell: trace it, simplify it, derive its backward pass.

    Raises :class:`~ostinato.errors.LoweringError` with the operation, and its line in the cell, that stands in the way.
    """
    step = _known.get(cell)
    if step is None:
        refuse(trace(cell), f"cell '{cell.name}'", cell)
        step = _known.setdefault(cell, Lowered.of(Blueprint.of(cell)))
    return step


def refuse(graph: Graph, what: str, cell: Cell | None = None) -> None:
    """Raise for the first node that is a number where a comparison or a matrix is wanted, or the other way round."""
    for node in needed({part: graph.nodes[index] for part, index in graph.outputs.items()}):
        reason = ""
        kinds = [graph.nodes[i].kind for i in node.arguments]
        masks = [kind == "less" for kind in kinds]
        if ("matrix" in kinds and node.kind != "product") or (node.kind == "product" and kinds[1] != "matrix"):
            reason = f"{node.kind} mixes values and matrices; a matrix stands in product(value, matrix) only"
        elif masks and masks != [node.kind == "select", *[False] * (len(masks) - 1)]:
            reason = f"{node.kind} mixes numbers and comparisons; write select(less(a, b), yes, no)"
        if reason:
            place = "" if cell is None else place_of(cell, node.line)
            raise LoweringError(f"{what} cannot be lowered: {place}{reason}")
    for part, index in graph.outputs.items():
        if graph.nodes[index].kind in ("less", "matrix"):
            raise LoweringError(
                f"{what} cannot be lowered: the part '{part}' of its state is a comparison or a matrix; "
                "of a comparison, write select(less(a, b), 1.0, 0.0)"
            )


def _staged(drawn: Blueprint) -> bool:
    if drawn.recurrent == "dense" and (drawn.sees != drawn.gates or drawn.seen_through or drawn.projected):
        return True
    return any(kind == "product" or kind in ROWWISE for kind in drawn.graph.operations())


def _names(drawn: Blueprint) -> dict[str, tuple[str, ...]]:
    """The names of each kind of leaf of a lowered cell, in the order in which kernels number them."""
    staged = _staged(drawn)
    own: list[str] = []
    multiplied: list[str] = []
    rows = tuple(f"R.{gate}" for gate in drawn.sees)
    biases = tuple(f"br.{gate}" for gate in drawn.sees if drawn.recurrent_bias)
    if drawn.recurrent == "diagonal":
        own += [*rows, *biases]
    elif staged:
        own += biases
        multiplied += rows
    return {
        "input": drawn.gates,
        "recurrent": drawn.sees if drawn.recurrent == "dense" and not staged else (),
        "state": drawn.state,
        "parameter": (*own, *drawn.parameters),
        "matrix": (*multiplied, *drawn.matrices),
        "given": drawn.given,
    }


def _spelt_out(drawn: Blueprint) -> Graph:
    """The graph with u written out, unless one product of all gates makes it before the step.

    Where R is a diagonal, u is R.gate times the shown part; in a step of stages it is a product like any other. br.gate
    is added to either.
    """
    if drawn.recurrent == "none" or (drawn.recurrent == "dense" and not _staged(drawn)):
        return drawn.graph
    to = Builder(most=MOST_DERIVED)
    made: list[Node] = []
    for node in drawn.graph.nodes:
        if node.kind == "recurrent":
            made.append(_share(drawn, str(node.label), to))
        elif node.arguments:
            made.append(to.apply(node.kind, *(made[i] for i in node.arguments)))
        else:
            made.append(to.leaf(node.kind, node.label))
    return Graph(tuple(to.nodes), {part: made[index].index for part, index in drawn.graph.outputs.items()})


def _share(drawn: Blueprint, gate: str, to: Builder) -> Node:
    """What the state gives to a gate."""
    seen = to.leaf("state", drawn.output)
    if drawn.seen_through is not None:
        seen = seen * to.leaf("given", drawn.seen_through)
    if drawn.recurrent == "diagonal":
        share = to.leaf("parameter", f"R.{gate}") * seen
    else:
        share = to.apply("product", seen, to.leaf("matrix", f"R.{gate}"))
    return share + to.leaf("parameter", f"br.{gate}") if drawn.recurrent_bias else share
