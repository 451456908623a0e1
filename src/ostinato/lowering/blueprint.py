"""A cell as data: its graph and its declared names, for files and for whatever is generated from them."""

from __future__ import annotations

import hashlib
import json
import keyword
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ostinato.cells.declaration import RECURRENT, Cell, Gates
from ostinato.cells.initial import Constant
from ostinato.errors import LoweringError, nearest
from ostinato.lowering.graph import Graph
from ostinato.lowering.simplify import simplify
from ostinato.lowering.trace import trace
from ostinato.state import State

# A file from a stranger must not make the reader work without bound.
MOST_NAMES, LONGEST_NAME = 64, 64
FIELDS = ("gates", "state", "output", "recurrent", "recurrent_bias", "parameters", "matrices", "graph")
# What most cells do without.
EXTRAS: dict[str, Any] = {"sees": None, "heads": 1, "projected": None, "given": (), "seen_through": None}
# Names of the declared weights, and of what a State can do.
TAKEN = ("W", "R", "b", "br", "keys", "items")


@dataclass(frozen=True, eq=False)
class Blueprint:
    """What one step of a cell computes, and the names it is declared with.

    >>> from ostinato.cells import gru
    >>> drawn = Blueprint.of(gru)
    >>> drawn.gates, drawn.recurrent_bias
    (('r', 'z', 'n'), True)
    >>> Blueprint.from_data(drawn.to_data()).digest == drawn.digest
    True

    The graph is in its simplest form. Initial values are not part of it: a file that has a cell has its weights.
    """

    gates: tuple[str, ...]
    state: tuple[str, ...]
    output: str
    recurrent: str
    recurrent_bias: bool
    parameters: tuple[str, ...]
    matrices: tuple[str, ...]
    graph: Graph
    sees: tuple[str, ...]
    heads: int = 1
    projected: str | None = None
    given: tuple[str, ...] = ()
    seen_through: str | None = None

    @classmethod
    def of(cls, cell: Cell) -> Blueprint:
        """Trace a cell. Raises :class:`~ostinato.errors.LoweringError` where no graph can hold what it does."""
        return cls._drawn(
            trace(cell),
            gates=cell.gates,
            state=cell.state,
            output=cell.output,
            recurrent=cell.recurrent,
            recurrent_bias=cell.recurrent_bias,
            parameters=tuple(cell.parameters),
            matrices=tuple(cell.matrices),
            sees=cell.sees,
            heads=cell.heads,
            projected=cell.projected,
            given=(*cell.inputs, *cell.noise),
            seen_through=cell.seen_through,
        )

    @classmethod
    def _drawn(cls, graph: Graph, **declared: Any) -> Blueprint:
        drawn = cls(graph=graph, **declared)
        drawn._check()
        # A file may keep words in another order.
        ordered = Graph(graph.nodes, {part: graph.outputs[part] for part in drawn.state})
        return replace(drawn, graph=simplify(ordered, drawn.names))

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The declared names of each kind of leaf, in their order."""
        return {
            "input": self.gates,
            "recurrent": self.sees,
            "state": self.state,
            "parameter": self.parameters,
            "matrix": self.matrices,
            "given": self.given,
        }

    @property
    def digest(self) -> str:
        """64 hexadecimal digits that name this arithmetic and its declaration."""
        canonical = json.dumps(self.to_data(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def to_data(self) -> dict[str, Any]:
        """Plain lists and words, for files."""
        return {
            "gates": list(self.gates),
            "state": list(self.state),
            "output": self.output,
            "recurrent": self.recurrent,
            "recurrent_bias": self.recurrent_bias,
            "parameters": list(self.parameters),
            "matrices": list(self.matrices),
            "graph": self.graph.to_data(),
            "sees": list(self.sees),
            "heads": self.heads,
            "projected": self.projected,
            "given": list(self.given),
            "seen_through": self.seen_through,
        }

    @classmethod
    def from_data(cls, data: Any) -> Blueprint:
        """The inverse of :meth:`to_data`; anything but a well-formed, bounded cell is refused."""
        if not isinstance(data, Mapping) or set(data) - set(EXTRAS) != set(FIELDS):
            came = ", ".join(map(str, list(data)[:20])) if isinstance(data, Mapping) else type(data).__name__
            raise LoweringError(f"a cell as data wanted the fields {', '.join(FIELDS)}, got {came}")
        lists = {field: _names(field, data[field]) for field in ("gates", "state", "parameters", "matrices")}
        for field, kind in (("output", str), ("recurrent", str), ("recurrent_bias", bool)):
            if type(data[field]) is not kind:
                raise LoweringError(f"a cell's {field} wanted a {kind.__name__}, got {type(data[field]).__name__}")
        declared = {field: data[field] for field in ("output", "recurrent", "recurrent_bias")}
        more = {**EXTRAS, **{field: data[field] for field in EXTRAS if field in data}}
        if more["sees"] is None:
            more["sees"] = () if data["recurrent"] == "none" else data["gates"]
        more = {**more, **{field: _names(field, more[field]) for field in ("sees", "given")}}
        return cls._drawn(Graph.from_data(data["graph"]), **lists, **declared, **more)

    def cell(self, name: str) -> Cell:
        """A cell that computes by walking the graph; it has no initial values but zero.

        >>> from ostinato.cells import lstm
        >>> Blueprint.of(lstm).cell("again")
        <cell again: state h c, gates i f g o>
        """

        def step(x: Gates, u: Gates | None, s: State, p: Gates | None, e: Gates | None) -> State:
            return self.graph.evaluate(x, u, s, p, e)

        return Cell(
            name=name,
            state=self.state,
            gates=self.gates,
            function=step,
            output=self.output,
            recurrent=self.recurrent,
            recurrent_bias=self.recurrent_bias,
            parameters={parameter: Constant(0.0) for parameter in self.parameters},
            matrices={matrix: Constant(0.0) for matrix in self.matrices},
            arguments=("x", "u", "s", "p", "e"),
            sees=self.sees,
            heads=self.heads,
            projected=self.projected,
            inputs=self.given,
            seen_through=self.seen_through,
        )

    def _check(self) -> None:
        if not self.gates or not self.state:
            raise LoweringError("a cell wanted at least one gate and one part of the state, got none")
        for field in ("gates", "state"):
            _check_names(field, getattr(self, field))
        _check_names("parameters and matrices", (*self.parameters, *self.matrices))
        if self.output not in self.state:
            raise LoweringError(f"a cell's output wanted a part of the state; {nearest(self.output, self.state)}")
        if self.recurrent not in RECURRENT:
            raise LoweringError(f"a cell's recurrent wanted one of: {', '.join(RECURRENT)}")
        _check_names("given", self.given)
        if set(self.graph.outputs) != set(self.state):
            raise LoweringError(f"a cell's graph wanted the outputs {', '.join(self.state)}")
        for node in self.graph.nodes:
            if not node.arguments and node.kind != "constant" and node.label not in self.names[node.kind]:
                raise LoweringError(f"a cell's graph reads the {node.kind} '{node.label}', which is not declared")
        self._check_recurrence()

    def _check_recurrence(self) -> None:
        wanted = () if self.recurrent == "none" else tuple(gate for gate in self.gates if gate in self.sees)
        if self.sees != wanted or (self.recurrent != "none" and not wanted):
            raise LoweringError("a cell's sees wanted some of its gates in their order")
        if type(self.heads) is not int or not 1 <= self.heads <= MOST_NAMES:
            raise LoweringError(f"a cell's heads wanted a whole number from 1 to {MOST_NAMES}, got {self.heads!r:.40}")
        if self.projected is not None and self.projected not in self.matrices:
            raise LoweringError("a cell's projected wanted one of its matrices")
        if self.seen_through is not None and self.seen_through not in self.given:
            raise LoweringError("a cell's seen_through wanted a name that is given")


def _names(field: str, given: Any) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or len(given) > MOST_NAMES or not all(type(n) is str for n in given):
        raise LoweringError(f"a cell's {field} wanted a list of at most {MOST_NAMES} names")
    return tuple(given)


def _check_names(field: str, names: tuple[str, ...]) -> None:
    if len(names) > 2 * MOST_NAMES or len(set(names)) != len(names):
        raise LoweringError(f"a cell's {field} wanted at most {2 * MOST_NAMES} different names")
    for name in names:
        if not name.isidentifier() or len(name) > LONGEST_NAME or keyword.iskeyword(name) or name.startswith("_"):
            raise LoweringError(f"a cell's {field} wanted names like 'c', got {name[:LONGEST_NAME]!r}")
        if name in TAKEN and field != "gates":
            raise LoweringError(f"a cell's {field} cannot be called {name!r}: the name is taken")
