"""The backward pass of one step, derived from its graph: reverse mode, with as little kept as pays.

Where a function is not smooth the derivative is torch's: 0 for relu and for the magnitude at 0, one half for each side
of a tie in maximum and minimum, nothing through a comparison.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ostinato.lowering.graph import MOST_NODES, Graph, Node
from ostinato.lowering.keeping import keep_set, row_valued
from ostinato.lowering.simplify import Rewriter, gathered

# A derivative is a few times as long as what it derives.
MOST_DERIVED = 16 * MOST_NODES
# Outputs of the backward graph, by the kind of leaf that they are the gradient of.
GRADIENTS = {"input": "dx", "recurrent": "du", "state": "ds", "parameter": "dp"}


@dataclass(frozen=True)
class Group:
    """Products that share what they multiply: matrices by name, and whether that is the shown part as it was before.

    ``back`` says whether the way back multiplies too, with the transposes: not where nothing below wants a gradient.
    """

    matrices: tuple[str, ...]
    shown: bool
    back: bool = True


@dataclass(frozen=True)
class Derivation:
    """A step, what it keeps, and its backward pass.

    ``infer`` computes the new state. ``forward`` does too, and its outputs ``keep.0``, ``keep.1``, ... are kept for
    each unit, ``row.0``, ``row.1``, ... once for each row. ``backward`` computes the gradients ``dx.gate``,
    ``du.gate``, ``ds.part`` and ``dp.name`` from leaves of these kinds: ``kept`` and ``kept_row`` (by number),
    ``gradient`` (of each part of the new state), ``parameter`` and ``given``.

    Where products stand inside the step, they come in ``groups``. What group 0 multiplies is the output ``operand.0``
    of all three graphs, unless it is the shown part; the gradient of its second product is the output ``dq.0.1`` of
    ``backward``, in which a node ``back`` sums the transposed products of a whole group.
    """

    infer: Graph
    forward: Graph
    backward: Graph
    keep: int
    keep_rows: int = 0
    groups: tuple[Group, ...] = ()


def derivation(graph: Graph, names: Mapping[str, Sequence[str]], shown: str | None = None) -> Derivation:
    """Derive the backward pass of a step; ``shown`` is the part of the state that is shown.

    >>> from ostinato.cells import elman
    >>> from ostinato.lowering import trace
    >>> names = {"input": ("h",), "recurrent": ("h",), "state": ("h",), "parameter": ()}
    >>> print(derivation(trace(elman), names).backward)
    #0 gradient('h')
    #1 constant(1.0)
    #2 kept('0')
    #3 multiply(#2, #2)
    #4 subtract(#1, #3)
    #5 multiply(#0, #4)
    #6 constant(0.0)
    dx.h = #5
    du.h = #5
    ds.h = #6

    ``names`` are the declared names of each kind of leaf.
    """
    tape = _Tape(graph, names, shown)
    gradients = tape.gradients()
    operands = {f"operand.{place}": node for place, (node, _) in enumerate(tape.groups) if not tape.shows(node)}
    gradients.update(operands)
    nodes = tape.to.builder.nodes
    moving = _depends(nodes, ("gradient",))
    live = needed(gradients)
    wanted = {i for node in live if moving[node.index] for i in node.arguments if not moving[i]}
    wanted |= {node.index for node in gradients.values() if not moving[node.index]}
    kept = keep_set(nodes, wanted, {node.index for node in tape.steps if node.kind not in ("less", "matrix")})
    alike = row_valued(nodes)
    units, rows = [i for i in kept if not alike[i]], [i for i in kept if alike[i]]
    outputs = {f"keep.{place}": nodes[index] for place, index in enumerate(units)}
    outputs.update({f"row.{place}": nodes[index] for place, index in enumerate(rows)})
    return Derivation(
        infer=gathered({**tape.outputs, **operands}, most=MOST_DERIVED),
        forward=gathered({**tape.outputs, **operands, **outputs}, most=MOST_DERIVED),
        backward=_from_kept(gradients, units, rows, names),
        keep=len(units),
        keep_rows=len(rows),
        groups=tape.described(),
    )


def needed(outputs: Mapping[str, Node], given: Collection[int] = ()) -> list[Node]:
    """All nodes that some nodes are made of, themselves too, in order; what is given is looked into no further."""
    roots = list(outputs.values())
    nodes = roots[0].builder.nodes if roots else []
    seen = {root.index for root in roots}
    for node in reversed(nodes):
        if node.index in seen and node.index not in given:
            seen.update(node.arguments)
    return [node for node in nodes if node.index in seen]


def _depends(nodes: Sequence[Node], kinds: Sequence[str]) -> list[bool]:
    found: list[bool] = []
    for node in nodes:
        found.append(node.kind in kinds or any(found[i] for i in node.arguments))
    return found


def _from_kept(
    gradients: Mapping[str, Node], units: Sequence[int], rows: Sequence[int], names: Mapping[str, Sequence[str]]
) -> Graph:
    """The backward graph, with kept values as leaves."""
    places = {index: ("kept", str(place)) for place, index in enumerate(units)}
    places.update({index: ("kept_row", str(place)) for place, index in enumerate(rows)})
    order = {**names, "gradient": names["state"]}
    for kind, kept in (("kept", units), ("kept_row", rows)):
        order[kind] = [str(place) for place in range(len(kept))]
    rewriter = Rewriter(order, MOST_DERIVED)
    made: dict[int, Node] = {}
    for node in needed(gradients, places):
        if node.index in places:
            kind, label = places[node.index]
            made[node.index] = rewriter.make(kind, label=label)
        else:
            made[node.index] = rewriter.make(node.kind, *(made[i] for i in node.arguments), label=node.label)
    return gathered({name: made[node.index] for name, node in gradients.items()}, most=MOST_DERIVED)


class _Tape:
    """The step's nodes in their simplest form, and the gradients that are summed up for each of them."""

    def __init__(self, graph: Graph, names: Mapping[str, Sequence[str]], shown: str | None) -> None:
        self.names, self.shown = names, shown
        self.to = Rewriter({**names, "gradient": names["state"]}, MOST_DERIVED)
        made: list[Node] = []
        for node in graph.nodes:
            made.append(self.to.make(node.kind, *(made[i] for i in node.arguments), label=node.label))
        self.outputs = {part: made[index] for part, index in graph.outputs.items()}
        self.steps = needed(self.outputs)
        # A matrix wants a gradient, and its product therefore, whatever it multiplies.
        self.active = _depends(self.to.builder.nodes, (*GRADIENTS, "matrix"))
        self.sums: dict[int, Node] = {}
        # What is multiplied, and its products with matrices, in the order of the step.
        found: dict[int, tuple[Node, list[Node]]] = {}
        for node in self.steps:
            if node.kind == "product":
                operand = self.arguments(node)[0]
                found.setdefault(operand.index, (operand, []))[1].append(node)
        self.groups = list(found.values())
        self._group_of = {index: place for place, index in enumerate(found)}

    def shows(self, node: Node) -> bool:
        """Whether a node is the shown part of the state as it was before the step."""
        return node.kind == "state" and node.label == self.shown

    def described(self) -> tuple[Group, ...]:
        """The groups as data."""
        return tuple(
            Group(
                tuple(str(self.arguments(product)[1].label) for product in products),
                self.shows(operand),
                self.active[operand.index],
            )
            for operand, products in self.groups
        )

    def gradients(self) -> dict[str, Node]:
        """The gradient of every declared leaf, by its name in the backward graph."""
        for part, node in self.outputs.items():
            self.give(node, self.to.make("gradient", label=part))
        zero = self.to.constant(0.0)
        for node in reversed(self.steps):
            # All that was made of a node is done; what multiplies it comes in one go.
            if node.index in self._group_of and self.active[node.index]:
                pairs = [
                    side
                    for product in self.groups[self._group_of[node.index]][1]
                    for side in (self.sums.get(product.index, zero), self.arguments(product)[1])
                ]
                self.give(node, self.to.make("back", *pairs))
            if node.arguments and node.index in self.sums:
                _DERIVATIVES[node.kind](self, node, self.sums[node.index])
        leaves = {(node.kind, node.label): node.index for node in self.steps if not node.arguments}
        named = [(kind, name) for kind in GRADIENTS for name in self.names.get(kind, ())]
        found = {f"{GRADIENTS[k]}.{name}": self.sums.get(leaves.get((k, name), -1), zero) for k, name in named}
        for group, (_, products) in enumerate(self.groups):
            found.update({f"dq.{group}.{j}": self.sums.get(p.index, zero) for j, p in enumerate(products)})
        return found

    def give(self, node: Node, gradient: Node) -> None:
        """Add to the gradient of a node; what does not depend on a leaf wants none."""
        if self.active[node.index]:
            known = self.sums.get(node.index)
            self.sums[node.index] = gradient if known is None else self.to.make("add", known, gradient)

    def arguments(self, node: Node) -> tuple[Node, ...]:
        """The nodes that a node is made of."""
        return tuple(self.to.builder.nodes[i] for i in node.arguments)


def _add(tape: _Tape, node: Node, d: Node) -> None:
    for argument in tape.arguments(node):
        tape.give(argument, d)


def _subtract(tape: _Tape, node: Node, d: Node) -> None:
    a, b = tape.arguments(node)
    tape.give(a, d)
    tape.give(b, tape.to.make("negate", d))


def _multiply(tape: _Tape, node: Node, d: Node) -> None:
    a, b = tape.arguments(node)
    tape.give(a, tape.to.make("multiply", d, b))
    tape.give(b, tape.to.make("multiply", d, a))


def _divide(tape: _Tape, node: Node, d: Node) -> None:
    a, b = tape.arguments(node)
    share = tape.to.make("divide", d, b)
    tape.give(a, share)
    tape.give(b, tape.to.make("negate", tape.to.make("multiply", share, node)))


def _negate(tape: _Tape, node: Node, d: Node) -> None:
    tape.give(tape.arguments(node)[0], tape.to.make("negate", d))


def _sigmoid(tape: _Tape, node: Node, d: Node) -> None:
    slope = tape.to.make("multiply", node, tape.to.make("subtract", tape.to.constant(1.0), node))
    tape.give(tape.arguments(node)[0], tape.to.make("multiply", d, slope))


def _tanh(tape: _Tape, node: Node, d: Node) -> None:
    slope = tape.to.make("subtract", tape.to.constant(1.0), tape.to.make("multiply", node, node))
    tape.give(tape.arguments(node)[0], tape.to.make("multiply", d, slope))


def _relu(tape: _Tape, node: Node, d: Node) -> None:
    zero = tape.to.constant(0.0)
    tape.give(tape.arguments(node)[0], tape.to.make("select", tape.to.make("less", zero, node), d, zero))


def _exp(tape: _Tape, node: Node, d: Node) -> None:
    tape.give(tape.arguments(node)[0], tape.to.make("multiply", d, node))


def _log(tape: _Tape, node: Node, d: Node) -> None:
    (a,) = tape.arguments(node)
    tape.give(a, tape.to.make("divide", d, a))


def _softplus(tape: _Tape, node: Node, d: Node) -> None:
    # sigmoid(x) = 1 - exp(-y) = 2 t / (1 + t) with t = tanh(y / 2), which keeps its digits where y is small.
    make, number = tape.to.make, tape.to.constant
    t = make("tanh", make("multiply", number(0.5), node))
    slope = make("divide", make("multiply", number(2.0), t), make("add", number(1.0), t))
    tape.give(tape.arguments(node)[0], make("multiply", d, slope))


def _sqrt(tape: _Tape, node: Node, d: Node) -> None:
    half = tape.to.make("multiply", tape.to.constant(0.5), d)
    tape.give(tape.arguments(node)[0], tape.to.make("divide", half, node))


def _absolute(tape: _Tape, node: Node, d: Node) -> None:
    make, zero = tape.to.make, tape.to.constant(0.0)
    (a,) = tape.arguments(node)
    below = make("select", make("less", a, zero), make("negate", d), zero)
    tape.give(a, make("select", make("less", zero, a), d, below))


def _sin(tape: _Tape, node: Node, d: Node) -> None:
    (a,) = tape.arguments(node)
    tape.give(a, tape.to.make("multiply", d, tape.to.make("cos", a)))


def _cos(tape: _Tape, node: Node, d: Node) -> None:
    (a,) = tape.arguments(node)
    tape.give(a, tape.to.make("negate", tape.to.make("multiply", d, tape.to.make("sin", a))))


def _extreme(tape: _Tape, node: Node, d: Node) -> None:
    make = tape.to.make
    a, b = tape.arguments(node)
    zero, half = tape.to.constant(0.0), make("multiply", tape.to.constant(0.5), d)
    a_first, b_first = make("less", a, b), make("less", b, a)
    a_loses, b_loses = (a_first, b_first) if node.kind == "maximum" else (b_first, a_first)
    tape.give(a, make("select", a_loses, zero, make("select", b_loses, d, half)))
    tape.give(b, make("select", b_loses, zero, make("select", a_loses, d, half)))


def _select(tape: _Tape, node: Node, d: Node) -> None:
    mask, yes, no = tape.arguments(node)
    zero = tape.to.constant(0.0)
    tape.give(yes, tape.to.make("select", mask, d, zero))
    tape.give(no, tape.to.make("select", mask, zero, d))


def _less(tape: _Tape, node: Node, d: Node) -> None:
    """A comparison passes nothing on."""


def _product(tape: _Tape, node: Node, d: Node) -> None:
    """What is multiplied gets its share for a whole group at once, in :meth:`_Tape.gradients`."""


def _row_sum(tape: _Tape, node: Node, d: Node) -> None:
    tape.give(tape.arguments(node)[0], tape.to.make("row_sum", d))


def _row_mean(tape: _Tape, node: Node, d: Node) -> None:
    tape.give(tape.arguments(node)[0], tape.to.make("row_mean", d))


def _row_max(tape: _Tape, node: Node, d: Node) -> None:
    # Those that are the largest share alike.
    make, zero, one = tape.to.make, tape.to.constant(0.0), tape.to.constant(1.0)
    (a,) = tape.arguments(node)
    smaller = make("less", a, node)
    share = make("divide", make("row_sum", d), make("row_sum", make("select", smaller, zero, one)))
    tape.give(a, make("select", smaller, zero, share))


_DERIVATIVES = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "negate": _negate,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "relu": _relu,
    "exp": _exp,
    "log": _log,
    "softplus": _softplus,
    "sqrt": _sqrt,
    "absolute": _absolute,
    "sin": _sin,
    "cos": _cos,
    "maximum": _extreme,
    "minimum": _extreme,
    "less": _less,
    "select": _select,
    "product": _product,
    "row_sum": _row_sum,
    "row_mean": _row_mean,
    "row_max": _row_max,
}
