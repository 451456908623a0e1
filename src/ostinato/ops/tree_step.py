"""One step of a cell at nodes that have several children: what there is one of for each child, and where they join."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ostinato.cells import Cell
from ostinato.errors import OptionError
from ostinato.forest import Level
from ostinato.lowering.graph import Graph, Node, compute
from ostinato.lowering.simplify import simplify
from ostinato.lowering.trace import trace
from ostinato.state import State

# Whose a value is: everybody's, such as a number; one for each node; one for each child.
SHARED, NODE, CHILD = 0, 1, 2
JOINING = ("add", "subtract")


@dataclass(frozen=True)
class Brood:
    """The children of the nodes of one level, and the ways between their values and those of the nodes.

    ``segment`` [k] tells to which of the n nodes each child belongs; None where each node has one child, in order.
    ``slots`` [k] tells where a child stands when each node has ``arity`` places: node * arity + place; None where each
    node has a child in place 0 only.
    """

    nodes: int
    segment: Tensor | None = None
    slots: Tensor | None = None
    arity: int = 1

    @classmethod
    def of_level(cls, level: Level, arity: int | None) -> Brood:
        """The children of a level; ``arity`` is None where places do not matter."""
        slots = None if arity is None else level.segment * arity + level.places
        return cls(len(level.nodes), None if level.even else level.segment, slots, arity or 1)

    def gathered(self, values: Tensor) -> Tensor:
        """Values of the children [k, ...] added up for each node: [n, ...]."""
        if self.segment is None:
            return values
        return values.new_zeros(self.nodes, *values.shape[1:]).index_add(0, self.segment, values)

    def spread(self, values: Tensor) -> Tensor:
        """Values of the nodes [n, ...] once for each of their children: [k, ...]."""
        return values if self.segment is None else values.index_select(0, self.segment)

    def beside(self, values: Tensor) -> Tensor:
        """The children's values [k, W] one beside another, zeros in empty places: [n, arity W]."""
        if self.slots is None:
            return functional.pad(values, (0, (self.arity - 1) * values.shape[1]))
        empty = values.new_zeros(self.nodes * self.arity, values.shape[1])
        return empty.index_copy(0, self.slots, values).view(self.nodes, -1)

    def own(self, values: Tensor) -> Tensor:
        """Of values for all places [n, arity H], each child's own: [k, H]."""
        width = values.shape[1] // self.arity
        if self.slots is None:
            return values[:, :width]
        return values.reshape(-1, width).index_select(0, self.slots)


@dataclass(frozen=True, eq=False)
class Step:
    """One step of a cell as a graph in which each value is everybody's, a node's or a child's."""

    cell: Cell
    graph: Graph
    owners: tuple[int, ...]
    # The gates with one R h for each child, and those that see the children together.
    apart: tuple[str, ...]
    united: tuple[str, ...]

    def run(self, x: Tensor, children: State, brood: Brood, sight: Sight, weights: Mapping[str, Tensor]) -> State:
        """The new states [n, H] of the nodes of a level: x is W x + b [n, G H], ``children`` the states [k, H]."""
        given = dict(zip(self.cell.gates, x.chunk(len(self.cell.gates), dim=1), strict=True))
        seen = sight.of(children[self.cell.output], brood)
        values: list[Any] = []
        for node, owner in zip(self.graph.nodes, self.owners, strict=True):
            if node.arguments:
                values.append(self._computed(node, owner, values, brood))
            elif node.kind == "input":
                value = given[str(node.label)]
                values.append(brood.spread(value) if owner == CHILD else value)
            elif node.kind == "recurrent":
                values.append(seen[str(node.label)])
            elif node.kind == "state":
                values.append(children[str(node.label)])
            else:
                values.append(node.label if node.kind == "constant" else weights[str(node.label)])
        widths = {part: value.shape[1] for part, value in children.items()}
        return State(**{part: self._new(part, values, x, widths[part], brood) for part in self.cell.state})

    def _computed(self, node: Node, owner: int, values: list[Any], brood: Brood) -> Any:
        operands = []
        for index in node.arguments:
            value, whose = values[index], self.owners[index]
            if owner == NODE and whose == CHILD:
                value = brood.gathered(value)
            elif owner == CHILD and whose == NODE:
                value = brood.spread(value)
            operands.append(value)
        return compute(node.kind, operands)

    def _new(self, part: str, values: list[Any], x: Tensor, width: int, brood: Brood) -> Tensor:
        """The value of one part of the new state, for each node."""
        index = self.graph.outputs[part]
        value = values[index] if isinstance(values[index], Tensor) else x.new_tensor(values[index])
        if self.owners[index] == CHILD:
            value = brood.gathered(value)
        return value.expand(brood.nodes, width)


@lru_cache(maxsize=256)
def tree_step(cell: Cell) -> Step:
    """The step of a cell at the nodes of a tree.

    Raises :class:`~ostinato.errors.OptionError` for a cell that a tree cannot serve, and
    :class:`~ostinato.errors.LoweringError` for one without a graph.
    """
    if cell.inputs:
        raise OptionError(
            f"fold cannot serve {cell.name}: it wants {', '.join(cell.inputs)} at every step, and a tree has no time"
        )
    if cell.noise:
        raise OptionError(
            f"fold cannot serve {cell.name}: it draws the noise {', '.join(cell.noise)} at every step; "
            "fold the cell without it or resting(cell), and drop outputs or weights instead"
        )
    graph = simplify(trace(cell))
    whole = {word for word in cell.per_child if not word.startswith("u.")}
    seen = whole | {word.removeprefix("u.") for word in cell.per_child}
    owners: list[int] = []
    for node in graph.nodes:
        owners.append(_owner(node, whole, seen, [owners[i] for i in node.arguments]))
    apart = tuple(gate for gate in cell.sees if gate in seen)
    return Step(cell, graph, tuple(owners), apart, tuple(gate for gate in cell.sees if gate not in seen))


def _owner(node: Node, whole: set[str], seen: set[str], operands: list[int]) -> int:
    """Whose a value of the graph is."""
    if node.kind == "state":
        return CHILD
    if node.kind in ("input", "recurrent"):
        return CHILD if node.label in (whole if node.kind == "input" else seen) else NODE
    if node.kind in JOINING and NODE in operands:
        return NODE
    return max(operands, default=SHARED)


class Sight:
    """How the gates of a cell see the children's shown states: R h + br, in as few products as there can be."""

    def __init__(self, step: Step, weights: Mapping[str, Tensor], hidden: int, arity: int | None) -> None:
        self.cell, self.apart, self.united, self.arity = step.cell, step.apart, step.united, arity
        sees = step.cell.sees
        # How many rows of R belong to each gate.
        self.sizes = [hidden * (arity or 1) if gate in step.apart else hidden for gate in sees]
        self.rows: dict[tuple[str, ...], dict[str, Tensor]] = {
            sees: {n: weights[n] for n in ("R", "br") if n in weights}
        }
        if arity is None and step.apart and step.united:
            pieces = {n: dict(zip(sees, w.chunk(len(sees)), strict=True)) for n, w in self.rows[sees].items()}
            for gates in (step.apart, step.united):
                self.rows[gates] = {n: torch.cat([by_gate[gate] for gate in gates]) for n, by_gate in pieces.items()}

    def of(self, shown: Tensor, brood: Brood) -> dict[str, Tensor]:
        """The state's share of each gate that sees it: [k, H] for those that are per child, [n, H] for the others."""
        sees = self.cell.sees
        if not sees:
            return {}
        if self.arity is not None:
            seen = self._seen(sees, brood.beside(shown))
            return {gate: brood.own(value) if gate in self.apart else value for gate, value in seen.items()}
        # The sum of an only child is that child.
        if brood.segment is None or not self.united:
            return self._seen(sees, shown)
        seen = self._seen(self.united, brood.gathered(shown))
        return {**seen, **self._seen(self.apart, shown)} if self.apart else seen

    def _seen(self, gates: tuple[str, ...], shown: Tensor) -> dict[str, Tensor]:
        """R h + br of some gates."""
        product = self._product(self.rows[gates], shown)
        sizes = self.sizes if gates == self.cell.sees else product.shape[1] // len(gates)
        return dict(zip(gates, torch.split(product, sizes, dim=1), strict=True))

    def _product(self, rows: Mapping[str, Tensor], shown: Tensor) -> Tensor:
        R, bias = rows["R"], rows.get("br")
        if self.cell.recurrent == "dense" and self.cell.heads == 1:
            return functional.linear(shown, R, bias)
        if self.cell.recurrent == "diagonal":
            # Without places R is [rows], one number for each unit; with N of them [rows, N].
            states = shown.view(len(shown), self.arity or 1, -1)
            diagonals = R.view(-1, states.shape[2], self.arity or 1)
            product = torch.einsum("nlh,qhl->nqh", states, diagonals).flatten(1)
        else:
            pieces = shown.view(len(shown), self.cell.heads, -1)
            squares = R.view(-1, *pieces.shape[1:], R.shape[1])
            product = torch.einsum("qkij,nkj->nqki", squares, pieces).flatten(1)
        return product if bias is None else product + bias
