"""A cell that lowers: all that a writer of kernels needs to know about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from ostinato.cells.declaration import Cell
from ostinato.errors import LoweringError
from ostinato.lowering.blueprint import Blueprint
from ostinato.lowering.derivative import MOST_DERIVED, Derivation, derivation, needed
from ostinato.lowering.graph import Builder, Graph, Node
from ostinato.lowering.simplify import simplify
from ostinato.lowering.trace import place_of, trace

# The work of choosing what to keep grows with the square of this, and compilers have their limits too.
MOST_OPERATIONS = 1024
WHY = {
    "product": "product, a second product inside the step, is no elementwise operation",
    "row_sum": "row_sum looks along the units of a row; it is no elementwise operation",
    "row_mean": "row_mean looks along the units of a row; it is no elementwise operation",
    "row_max": "row_max looks along the units of a row; it is no elementwise operation",
}


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
        if (
            blueprint.given
            or blueprint.heads > 1
            or blueprint.projected
            or blueprint.names["recurrent"] not in ((), blueprint.gates)
        ):
            raise LoweringError("this cell cannot be lowered: not yet")
        operations = len(blueprint.graph.operations())
        if operations > MOST_OPERATIONS:
            raise LoweringError(
                f"this cell cannot be lowered: it has {operations} operations, a kernel takes at most {MOST_OPERATIONS}"
            )
        names = _names(blueprint)
        graph = simplify(_without_diagonal(blueprint), names, most=MOST_DERIVED)
        return cls(blueprint, graph, derivation(graph, names))

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
        """Whether a product with R stands inside the loop."""
        return self.recurrent == "dense"

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
    """Raise for the first node that is not elementwise, or that is a number where a comparison is wanted."""
    for node in needed({part: graph.nodes[index] for part, index in graph.outputs.items()}):
        reason = WHY.get(node.kind, "")
        kinds = [graph.nodes[i].kind for i in node.arguments]
        masks = [kind == "less" for kind in kinds]
        if "matrix" in kinds and node.kind != "product":
            reason = f"{node.kind} of a named matrix; a matrix stands in product(value, matrix) only"
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


def _names(drawn: Blueprint) -> dict[str, tuple[str, ...]]:
    """The names of each kind of leaf of a lowered cell, in the order in which kernels number them."""
    own: list[str] = []
    if drawn.recurrent == "diagonal":
        own += [f"R.{gate}" for gate in drawn.gates]
        own += [f"br.{gate}" for gate in drawn.gates if drawn.recurrent_bias]
    return {
        "input": drawn.gates,
        "recurrent": drawn.gates if drawn.recurrent == "dense" else (),
        "state": drawn.state,
        "parameter": (*own, *drawn.parameters),
    }


def _without_diagonal(drawn: Blueprint) -> Graph:
    """The graph with u written out where R is a diagonal: R.gate times the shown part, plus br.gate."""
    if drawn.recurrent != "diagonal":
        return drawn.graph
    to = Builder(most=MOST_DERIVED)
    made: list[Node] = []
    for node in drawn.graph.nodes:
        if node.kind == "recurrent":
            share = to.leaf("parameter", f"R.{node.label}") * to.leaf("state", drawn.output)
            made.append(share + to.leaf("parameter", f"br.{node.label}") if drawn.recurrent_bias else share)
        elif node.arguments:
            made.append(to.apply(node.kind, *(made[i] for i in node.arguments)))
        else:
            made.append(to.leaf(node.kind, node.label))
    return Graph(tuple(to.nodes), {part: made[index].index for part, index in drawn.graph.outputs.items()})
