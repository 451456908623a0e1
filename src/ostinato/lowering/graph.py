"""The graph of one step of a cell: nodes, their arithmetic, and the graph as data.

Shared subexpressions are one node. The nodes are listed so that each stands after its arguments.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from types import CodeType
from typing import Any

from ostinato.cells.declaration import Gates
from ostinato.cells.operations import BINARY, OPERATIONS, ROWWISE, UNARY
from ostinato.errors import LoweringError
from ostinato.state import State

LEAVES = ("input", "recurrent", "state", "parameter", "matrix", "given", "constant")
ARITHMETIC = ("add", "subtract", "multiply", "divide", "negate")
KINDS = (*LEAVES, *ARITHMETIC, *UNARY, *BINARY, "select", "product", *ROWWISE)
ARITIES = {
    **dict.fromkeys(LEAVES, 0),
    **dict.fromkeys(("add", "subtract", "multiply", "divide", *BINARY, "product"), 2),
    **dict.fromkeys(("negate", *UNARY, *ROWWISE), 1),
    "select": 3,
}
# A file from a stranger must not make the reader work without bound.
MOST_NODES = 4096


class Node:
    """One symbol of a graph: what it is made of, and the arithmetic that makes more of them.

    Symbols have no value: an ``if``, a comparison or a function of another library on one is refused.
    """

    __slots__ = ("arguments", "builder", "index", "kind", "label", "line")

    def __init__(self, builder: Builder, index: int, kind: str, arguments: tuple[int, ...], label: str | float) -> None:
        self.builder, self.index, self.kind, self.arguments, self.label = builder, index, kind, arguments, label
        # Where in a cell's source it was made; told in errors, no part of the graph as data.
        self.line = builder.line()

    def __repr__(self) -> str:
        inner = ", ".join(f"#{i}" for i in self.arguments) if self.arguments else repr(self.label)
        return f"#{self.index} {self.kind}({inner})"

    def __add__(self, other: Any) -> Node:
        return self.builder.apply("add", self, other)

    def __radd__(self, other: Any) -> Node:
        return self.builder.apply("add", other, self)

    def __sub__(self, other: Any) -> Node:
        return self.builder.apply("subtract", self, other)

    def __rsub__(self, other: Any) -> Node:
        return self.builder.apply("subtract", other, self)

    def __mul__(self, other: Any) -> Node:
        return self.builder.apply("multiply", self, other)

    def __rmul__(self, other: Any) -> Node:
        return self.builder.apply("multiply", other, self)

    def __truediv__(self, other: Any) -> Node:
        return self.builder.apply("divide", self, other)

    def __rtruediv__(self, other: Any) -> Node:
        return self.builder.apply("divide", other, self)

    def __neg__(self) -> Node:
        return self.builder.apply("negate", self)

    def __abs__(self) -> Node:
        return self.builder.apply("absolute", self)

    def __bool__(self) -> bool:
        raise LoweringError("a symbol has no truth value; replace the if by select(less(a, b), yes, no)")

    def __float__(self) -> float:
        raise LoweringError("a symbol has no number; use the operations of ostinato.cells, not those of math")

    def _refuse_comparison(self, other: Any) -> Any:
        raise LoweringError("symbols are compared with less(a, b), inside select(...)")

    __lt__ = __le__ = __gt__ = __ge__ = _refuse_comparison

    def __pow__(self, other: Any) -> Node:
        if isinstance(other, int) and 1 <= other <= 8:
            power = self
            for _ in range(other - 1):
                power = power * self
            return power
        raise LoweringError(f"a power of a symbol wanted a whole number from 1 to 8, got {other!r}")


class Builder:
    """Makes nodes and lets equal ones be one; refuses to make more than ``most``."""

    def __init__(self, code: CodeType | None = None, *, most: int = MOST_NODES) -> None:
        self.nodes: list[Node] = []
        self.code, self.most = code, most
        self._known: dict[tuple[Any, ...], Node] = {}

    def line(self) -> int | None:
        """The line that runs now of the function that is traced."""
        frame = sys._getframe(1) if self.code is not None else None
        while frame is not None and frame.f_code is not self.code:
            frame = frame.f_back
        return None if frame is None else frame.f_lineno

    def leaf(self, kind: str, label: str | float) -> Node:
        """An input of the step, or a constant."""
        return self._make(kind, (), label)

    def apply(self, kind: str, *operands: Any) -> Node:
        """A node over other nodes; plain numbers become constants."""
        return self._make(kind, tuple(self._node(o, kind).index for o in operands), "")

    def _node(self, value: Any, kind: str) -> Node:
        if isinstance(value, Node):
            if value.builder is not self:
                raise LoweringError(f"{kind} got a symbol that was kept from another trace; a cell must be pure")
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self.leaf("constant", float(value))
        raise LoweringError(f"{kind} wanted symbols or plain numbers, got {type(value).__name__}")

    def _make(self, kind: str, arguments: tuple[int, ...], label: str | float) -> Node:
        # repr keeps 0.0 and -0.0 apart.
        key = (kind, arguments, repr(label))
        if key not in self._known:
            if len(self.nodes) >= self.most:
                raise LoweringError(f"a cell wanted at most {self.most} operations, got more")
            node = Node(self, len(self.nodes), kind, arguments, label)
            self.nodes.append(node)
            self._known[key] = node
        return self._known[key]


class Graph:
    """One step of a cell as data: nodes in order, and the node of each part of the new state.

    >>> from ostinato.cells import elman
    >>> from ostinato.lowering import trace
    >>> print(trace(elman))
    #0 input('h')
    #1 recurrent('h')
    #2 state('h')
    #3 add(#0, #1)
    #4 tanh(#3)
    h = #4
    """

    def __init__(self, nodes: tuple[Node, ...], outputs: Mapping[str, int]) -> None:
        self.nodes = nodes
        self.outputs = dict(outputs)

    def __str__(self) -> str:
        lines = [repr(node) for node in self.nodes]
        return "\n".join([*lines, *(f"{part} = #{index}" for part, index in self.outputs.items())])

    def operations(self) -> tuple[str, ...]:
        """The kinds of all nodes that compute, in order."""
        return tuple(node.kind for node in self.nodes if node.arguments)

    def evaluate(self, x: Gates, u: Gates | None, s: State, p: Gates | None = None, e: Gates | None = None) -> State:
        """Run the graph with numbers, tensors or symbols: the same answer as the cell's own function."""
        return State(**self.run({"input": x, "recurrent": u, "state": s, "parameter": p, "matrix": p, "given": e}))

    def run(self, sources: Mapping[str, Any]) -> dict[str, Any]:
        """The value of every output; each kind of leaf is read by name from its source."""
        values: list[Any] = []
        for node in self.nodes:
            if node.kind == "constant":
                values.append(node.label)
            elif not node.arguments:
                source = sources[node.kind]
                label = str(node.label)
                values.append(source[label] if isinstance(source, State) else getattr(source, label))
            else:
                values.append(compute(node.kind, [values[i] for i in node.arguments]))
        return {part: values[index] for part, index in self.outputs.items()}

    def to_data(self) -> dict[str, Any]:
        """The graph as plain lists and words, for files."""
        rows = [[n.kind, n.label] if n.kind in LEAVES else [n.kind, *n.arguments] for n in self.nodes]
        return {"nodes": rows, "outputs": dict(self.outputs)}

    @classmethod
    def from_data(cls, data: Any) -> Graph:
        """The inverse of :meth:`to_data`; anything but a well-formed, bounded graph is refused."""
        builder = Builder()
        try:
            rows, outputs = data["nodes"], data["outputs"]
            if len(rows) > MOST_NODES:
                raise LoweringError(f"a graph wanted at most {MOST_NODES} nodes, got {len(rows)}")
            for row in rows:
                _read_row(builder, row)
            if len(builder.nodes) != len(rows):
                raise LoweringError("a graph lists each node once; got one twice")
            for part, index in outputs.items():
                if not str(part).isidentifier() or type(index) is not int or not 0 <= index < len(rows):
                    raise LoweringError(f"a graph's outputs wanted names and nodes, got {part!r}: {index!r}")
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            if isinstance(error, LoweringError):
                raise
            raise LoweringError(f"a graph wanted nodes and outputs, got something else ({error})") from None
        return cls(tuple(builder.nodes), outputs)

    def digest(self) -> str:
        """64 hexadecimal digits that name this arithmetic; equal graphs have equal digests."""
        canonical = json.dumps(self.to_data(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def _read_row(builder: Builder, row: Any) -> None:
    kind, *rest = row
    if kind not in KINDS:
        raise LoweringError(f"a graph has no operation {kind!r}")
    if kind in LEAVES:
        (label,) = rest
        good = type(label) is float if kind == "constant" else isinstance(label, str) and label.isidentifier()
        if not good:
            raise LoweringError(
                f"a graph's {kind} wanted a {'number' if kind == 'constant' else 'name'}, got {label!r}"
            )
        builder.leaf(kind, label)
        return
    if len(rest) != ARITIES[kind] or not all(type(i) is int and 0 <= i < len(builder.nodes) for i in rest):
        raise LoweringError(f"a graph's {kind} wanted {ARITIES[kind]} earlier nodes, got {rest!r}")
    builder.apply(kind, *(builder.nodes[i] for i in rest))


def compute(kind: str, values: list[Any]) -> Any:
    """One operation on values of any kind that it knows."""
    if kind == "add":
        return values[0] + values[1]
    if kind == "subtract":
        return values[0] - values[1]
    if kind == "multiply":
        return values[0] * values[1]
    if kind == "divide":
        return values[0] / values[1]
    if kind == "negate":
        return -values[0]
    return OPERATIONS[kind](*values)


def _register_symbols() -> None:
    for name, operation in OPERATIONS.items():

        def apply(*operands: Any, _name: str = name) -> Node:
            symbol = next(o for o in operands if isinstance(o, Node))
            return symbol.builder.apply(_name, *operands)

        operation.register(Node, apply)


_register_symbols()
