"""One step of a cell, as values of a program: its products, then its graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ostinato.lowering.blueprint import Blueprint
from ostinato.plan.scene import Scene
from ostinato.plan.steps import Recur


class Unit:
    """Writes one step of a cell: its products, then its graph."""

    def __init__(self, step: Recur, scene: Scene) -> None:
        self.step, self.cell, self.scene, self.draft = step, step.cell, scene, scene.draft
        self.weights = {name: np.asarray(array, np.float64) for name, array in step.weights.items()}
        self.old = {part: self.draft.state(step.state[part], width) for part, width in step.widths.items()}
        self.joined = joined_gates(step.cell)

    def write(self) -> int:
        """The shown part of the new state; all parts are told to the scene."""
        x = self._input_shares()
        u = self._state_shares(x)
        made: list[int] = []
        for node in self.cell.graph.nodes:
            made.append(self._node(node, made, x, u))
        new = {part: made[index] for part, index in self.cell.graph.outputs.items()}
        for part, name in self.step.state.items():
            value = new[part]
            if self.draft.values[value].width != self.step.widths[part]:
                # A part that is the same number for all units.
                value = self.draft.apply("add", value, self.draft.weight(np.zeros(self.step.widths[part]), "zeros"))
            self.scene.after[name] = new[part] = value
        return new[self.cell.output]

    def _rows(self, name: str, gates: Sequence[str], among: Sequence[str]) -> Any:
        """The rows of a weight that belong to some gates."""
        hidden = self.step.hidden
        blocks = [self.weights[name][among.index(g) * hidden : (among.index(g) + 1) * hidden] for g in gates]
        return np.concatenate(blocks) if blocks else np.zeros(0)

    def _held(self, matrix: Any, name: str) -> str:
        return self.draft.hold(np.ascontiguousarray(matrix.T), f"{self.step.writes}_{name}")

    def _cut(self, value: int, gates: Sequence[str]) -> dict[str, int]:
        hidden = self.step.hidden
        return {gate: self.draft.slice(value, place * hidden, hidden) for place, gate in enumerate(gates)}

    def _input_shares(self) -> dict[str, int]:
        """W x + b of every gate, gates whose two shares are always added first; those get both biases."""
        order = [*self.joined, *(gate for gate in self.cell.gates if gate not in self.joined)]
        bias = self._rows("b", order, self.cell.gates)
        if "br" in self.weights and self.cell.recurrent == "dense":
            both = self._rows("br", self.joined, self.cell.sees)
            bias[: len(both)] += both
        value = self.draft.product(
            self.scene.values[self.step.reads[0]],
            self._held(self._rows("W", order, self.cell.gates), "W"),
            self.draft.weight(bias, f"{self.step.writes}_b"),
        )
        self.whole = value
        return self._cut(value, order)

    def _state_shares(self, x: Mapping[str, int]) -> dict[str, int]:
        """What the state gives to each gate that sees it; for joined gates, the sum of both shares."""
        kind, sees = self.cell.recurrent, self.cell.sees
        if kind == "none":
            return {}
        shown = self.old[self.cell.output]
        if kind == "diagonal":
            return {gate: self._diagonal(gate, shown) for gate in sees}
        if self.cell.heads > 1:
            return self._headed(shown)
        apart = [gate for gate in sees if gate not in self.joined]
        shares: dict[str, int] = {}
        if self.joined:
            start = self.draft.slice(self.whole, 0, len(self.joined) * self.step.hidden)
            matrix = self._held(self._rows("R", self.joined, sees), "R")
            shares.update(self._cut(self.draft.product(shown, matrix, start), self.joined))
        if apart:
            bias = self.draft.weight(self._rows("br", apart, sees), f"{self.step.writes}_br") if self._biased else None
            matrix = self._held(self._rows("R", apart, sees), "Rn" if self.joined else "R")
            shares.update(self._cut(self.draft.product(shown, matrix, bias), apart))
        return shares

    @property
    def _biased(self) -> bool:
        return "br" in self.weights

    def _diagonal(self, gate: str, shown: int) -> int:
        share = self.draft.apply(
            "multiply",
            self.draft.weight(self._rows("R", [gate], self.cell.sees), f"{self.step.writes}_R_{gate}"),
            shown,
        )
        if not self._biased:
            return share
        bias = self.draft.weight(self._rows("br", [gate], self.cell.sees), f"{self.step.writes}_br_{gate}")
        return self.draft.apply("add", share, bias)

    def _headed(self, shown: int) -> dict[str, int]:
        """R as blocks on its diagonal: one product for each head, then each gate's heads side by side."""
        heads, sees = self.cell.heads, self.cell.sees
        each = self.step.hidden // heads
        blocks = self.weights["R"].reshape(len(sees), heads, each, each)
        biases = self.weights["br"].reshape(len(sees), heads, each) if self._biased else None
        made = []
        for head in range(heads):
            matrix = self._held(blocks[:, head].reshape(len(sees) * each, each), f"R{head}")
            bias = None
            if biases is not None:
                bias = self.draft.weight(biases[:, head].reshape(-1), f"{self.step.writes}_br{head}")
            made.append(self.draft.product(self.draft.slice(shown, head * each, each), matrix, bias))
        return {
            gate: self.draft.join([self.draft.slice(value, place * each, each) for value in made])
            for place, gate in enumerate(sees)
        }

    def _node(self, node: Any, made: list[int], x: Mapping[str, int], u: Mapping[str, int]) -> int:
        label = str(node.label)
        if node.kind == "input":
            return x[label]
        if node.kind == "recurrent":
            return u[label]
        if node.kind == "state":
            return self.old[label]
        if node.kind == "parameter":
            return self.draft.weight(self.weights[label], f"{self.step.writes}_{label}")
        if node.kind == "constant":
            return self.draft.constant(float(node.label))
        if node.kind == "given":
            return self.scene.values[self.step.given[label]]
        if node.kind == "matrix":
            # A product reads it by name.
            return -1
        if node.kind == "product":
            name = str(self.cell.graph.nodes[node.arguments[1]].label)
            return self.draft.product(made[node.arguments[0]], self._held(self.weights[name], name))
        if node.kind == "add" and self._joins(node):
            # The product began with the input's share.
            return next(
                u[str(n.label)] for n in map(self.cell.graph.nodes.__getitem__, node.arguments) if n.kind == "recurrent"
            )
        return self.draft.apply(node.kind, *(made[i] for i in node.arguments))

    def _joins(self, node: Any) -> bool:
        kinds = {n.kind: str(n.label) for n in (self.cell.graph.nodes[i] for i in node.arguments)}
        return kinds.get("recurrent") in self.joined and kinds.get("input") == kinds.get("recurrent")


def joined_gates(cell: Blueprint) -> tuple[str, ...]:
    """The gates whose two shares meet in one sum and nowhere else, where one product can make both.

    >>> from ostinato.cells import gru
    >>> joined_gates(Blueprint.of(gru))
    ('r', 'z')
    """
    if cell.recurrent != "dense" or cell.heads > 1:
        return ()
    nodes = cell.graph.nodes
    users: dict[tuple[str, str], list[int]] = {}
    for node in nodes:
        for index in node.arguments:
            users.setdefault((nodes[index].kind, str(nodes[index].label)), []).append(node.index)
    joined = []
    for gate in cell.sees:
        one, other = users.get(("input", gate), []), users.get(("recurrent", gate), [])
        if len(one) == 1 and one == other and nodes[one[0]].kind == "add" and one[0] not in cell.graph.outputs.values():
            joined.append(gate)
    # A share that is itself a new part of the state is needed alone.
    shown = {(nodes[i].kind, str(nodes[i].label)) for i in cell.graph.outputs.values()}
    return tuple(gate for gate in joined if not {("input", gate), ("recurrent", gate)} & shown)
