"""Equal arithmetic, written once: constants folded, neutral operations and dead nodes dropped, one order for all.

No sum or product is regrouped, so that a simplified graph rounds like the one it came from; only the sign of a zero may
differ.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence

from ostinato.cells.operations import ROWWISE
from ostinato.lowering.graph import LEAVES, MOST_NODES, Builder, Graph, Node, compute

COMMUTATIVE = ("add", "multiply", "maximum", "minimum")
# A mask is no number, and what looks along a row needs the row.
NOT_FOLDED = ("less", "select", "product", *ROWWISE)


def simplify(graph: Graph, names: Mapping[str, Sequence[str]] | None = None, *, most: int = MOST_NODES) -> Graph:
    """The same step with fewer operations, in an order that does not depend on how it was written.

    >>> from ostinato.cells import cell
    >>> from ostinato.lowering import trace
    >>> from ostinato.state import State
    >>> @cell(state="h", gates="a")
    ... def wordy(x, u, s):
    ...     return State(h=1.0 * (u.a + x.a) + (-s.h) * (3 - 1))
    >>> print(simplify(trace(wordy)))
    #0 input('a')
    #1 recurrent('a')
    #2 add(#0, #1)
    #3 constant(-2.0)
    #4 state('h')
    #5 multiply(#3, #4)
    #6 add(#2, #5)
    h = #6

    ``names`` gives the declared names of each kind of leaf in their order, so that cells that differ by names alone
    come out alike. Simplifying twice changes nothing.
    """
    # Some of what is made on the way is needed no more at the end.
    rewriter = Rewriter(names or {}, 8 * most)
    made: list[Node] = []
    for node in graph.nodes:
        made.append(rewriter.make(node.kind, *(made[i] for i in node.arguments), label=node.label))
    return gathered({part: made[index] for part, index in graph.outputs.items()}, most=most)


def gathered(outputs: Mapping[str, Node], *, most: int = MOST_NODES) -> Graph:
    """The graph of what some nodes need and no more, listed as a reader of the outputs would meet it."""
    builder = Builder(most=most)
    made: dict[int, Node] = {}
    for root in outputs.values():
        waiting = [root]
        while waiting:
            node = waiting[-1]
            missing = [node.builder.nodes[i] for i in node.arguments if i not in made]
            if missing:
                waiting.extend(reversed(missing))
                continue
            waiting.pop()
            if node.index not in made:
                arguments = [made[i] for i in node.arguments]
                made[node.index] = builder.apply(node.kind, *arguments) if arguments else _leaf(builder, node)
    return Graph(tuple(builder.nodes), {part: made[root.index].index for part, root in outputs.items()})


def _leaf(builder: Builder, node: Node) -> Node:
    return builder.leaf(node.kind, node.label)


class Rewriter:
    """Makes nodes in their simplest form."""

    def __init__(self, names: Mapping[str, Sequence[str]], most: int) -> None:
        self.builder = Builder(most=most)
        self._names = {kind: {name: place for place, name in enumerate(listed)} for kind, listed in names.items()}
        # Of each node: the first leaf in it and a digest of its whole structure, by which operands are sorted.
        self._order: list[tuple[tuple[int, int, str], str]] = []

    def constant(self, value: float) -> Node:
        """A plain number."""
        return self._kept("constant", (), value)

    def make(self, kind: str, *arguments: Node, label: str | float = "") -> Node:
        """A node that computes this, or a simpler one of the same value."""
        if not arguments:
            return self._kept(kind, (), label)
        numbers = [node.label for node in arguments if node.kind == "constant"]
        if len(numbers) == len(arguments) and kind not in NOT_FOLDED:
            folded = _folded(kind, [float(number) for number in numbers])
            if folded is not None:
                return self.constant(folded)
        simpler = _RULES[kind](self, *arguments) if kind in _RULES else None
        return self._kept(kind, arguments, "") if simpler is None else simpler

    def _kept(self, kind: str, arguments: tuple[Node, ...], label: str | float) -> Node:
        if kind in COMMUTATIVE:
            arguments = tuple(sorted(arguments, key=lambda node: self._order[node.index]))
        node = self.builder.apply(kind, *arguments) if arguments else self.builder.leaf(kind, label)
        if node.index == len(self._order):
            self._order.append(self._place(node))
        return node

    def _place(self, node: Node) -> tuple[tuple[int, int, str], str]:
        if node.arguments:
            inner = [self._order[i] for i in node.arguments]
            words = [node.kind, *(digest for _, digest in inner)]
            # Numbers stand before everything, but an expression is placed by the names in it.
            first = min((place for place, _ in inner if place[0] >= 0), default=(-1, 0, ""))
        else:
            kind, label = node.kind, str(node.label)
            if kind == "constant":
                first = (-1, 0, repr(node.label))
            else:
                known = self._names.get(kind, {})
                order = LEAVES.index(kind) if kind in LEAVES else len(LEAVES)
                first = (order, known.get(label, len(known)), "" if label in known else label)
            words = [kind, *map(str, first)]
        return first, hashlib.sha256(":".join(words).encode()).hexdigest()

    def inside(self, node: Node, place: int = 0) -> Node:
        """An argument of a node."""
        return self.builder.nodes[node.arguments[place]]


def _folded(kind: str, numbers: list[float]) -> float | None:
    try:
        value = float(compute(kind, list(numbers)))
    except (ArithmeticError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _is(node: Node, value: float) -> bool:
    return node.kind == "constant" and node.label == value


def _add(to: Rewriter, a: Node, b: Node) -> Node | None:
    if _is(a, 0.0):
        return b
    if _is(b, 0.0):
        return a
    if b.kind == "negate":
        return to.make("subtract", a, to.inside(b))
    if a.kind == "negate":
        return to.make("subtract", b, to.inside(a))
    return None


def _subtract(to: Rewriter, a: Node, b: Node) -> Node | None:
    if _is(b, 0.0):
        return a
    if b.kind == "negate":
        return to.make("add", a, to.inside(b))
    if a.kind == "negate":
        return to.make("negate", to.make("add", to.inside(a), b))
    return None


def _multiply(to: Rewriter, a: Node, b: Node) -> Node | None:
    for one, other in ((a, b), (b, a)):
        if _is(one, 1.0):
            return other
        if _is(one, -1.0):
            return to.make("negate", other)
        if one.kind == "negate":
            return to.make("negate", to.make("multiply", to.inside(one), other))
    return None


def _divide(to: Rewriter, a: Node, b: Node) -> Node | None:
    for one, other in ((a, b), (b, a)):
        if one.kind == "negate":
            first, second = (to.inside(a), b) if one is a else (other, to.inside(b))
            return to.make("negate", to.make("divide", first, second))
    # Dividing by a power of two is exact either way.
    if (
        b.kind == "constant"
        and abs(math.frexp(float(b.label))[0]) == 0.5
        and 2.0**-64 <= abs(float(b.label)) <= 2.0**64
    ):
        return to.make("multiply", a, to.constant(1.0 / float(b.label)))
    return None


def _negate(to: Rewriter, a: Node) -> Node | None:
    if a.kind == "negate":
        return to.inside(a)
    if a.kind == "subtract":
        return to.make("subtract", to.inside(a, 1), to.inside(a, 0))
    if a.kind == "multiply" and to.inside(a).kind == "constant":
        return to.make("multiply", to.constant(-float(to.inside(a).label)), to.inside(a, 1))
    return None


def _select(to: Rewriter, mask: Node, yes: Node, no: Node) -> Node | None:
    if yes is no:
        return yes
    if mask.kind == "less":
        left, right = to.inside(mask, 0), to.inside(mask, 1)
        if left.kind == right.kind == "constant":
            return yes if float(left.label) < float(right.label) else no
    return None


_RULES: dict[str, Callable[..., Node | None]] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "negate": _negate,
    "select": _select,
}
