"""A step that is no straight line, cut into stages: loops over the units of a row, with sums and products between.

A look along a row needs all units of the row before it, a product with a matrix all units of all rows. What stands
between two of these is a stage: one loop over the units. Each value is computed in the first stage that needs it, and
either again in later ones, where that costs no more than loading it, or it is set aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ostinato.cells.operations import ROWWISE
from ostinato.lowering.derivative import Group
from ostinato.lowering.graph import Graph, Node
from ostinato.lowering.keeping import row_valued

CHEAP = ("add", "subtract", "multiply", "negate")
MULTIPLIED = ("product", "back")
# Outputs with a place of their own, which may be stored as soon as they are known; what replaces the state waits for
# the last stage, because others still read it.
EARLY = ("keep", "row", "dx", "dp", "operand", "dq")


@dataclass
class Stage:
    """One loop over the units of a row.

    ``rows`` are computed once before it, ``units`` in it; ``sums`` are looks along the row that end with it. ``aside``
    is set aside for later stages. ``outputs`` are stored by name.
    """

    rows: list[int] = field(default_factory=list)
    units: list[int] = field(default_factory=list)
    sums: list[int] = field(default_factory=list)
    aside: list[int] = field(default_factory=list)
    outputs: dict[str, int] = field(default_factory=dict)


@dataclass
class Plan:
    """The stages of a graph. Stages ``first <= s < last`` of a phase go row by row; products stand between phases.

    ``after`` maps a group of products to the phase that it follows, -1 for before the first. ``where`` maps a product
    to its group and its place in it. ``near`` and ``far`` number what is set aside within a phase, and across phases;
    ``sums`` those sums along a row that another phase reads.
    """

    stages: list[Stage]
    phases: list[tuple[int, int]]
    after: dict[int, int]
    where: dict[int, tuple[int, int]]
    near: dict[int, int]
    far: dict[int, int]
    sums: dict[int, int]


def staged(graph: Graph, groups: Sequence[Group], projected: str | None = None, shown: str | None = None) -> Plan:
    """Cut a graph into stages.

    ``projected`` is the matrix whose product is the shown part: it and what ``shown`` names are moved as whole rows,
    apart from the stages.
    """
    return _Planner(graph, groups, projected, shown).plan()


class _Planner:
    def __init__(self, graph: Graph, groups: Sequence[Group], projected: str | None, shown: str | None) -> None:
        self.nodes, self.groups, self.shown = graph.nodes, groups, shown
        self.alike = row_valued(graph.nodes)
        whole = {shown, f"ds.{shown}"} if projected is not None else set()
        whole |= {f"dq.{g}.0" for g, group in enumerate(groups) if projected in group.matrices}
        self.outputs = {name: index for name, index in graph.outputs.items() if name not in whole}
        self.all_outputs = graph.outputs
        self.where = self._places()
        self.level = self._levels()
        self.after_stage = self._after()

    def plan(self) -> Plan:
        stages = self._filled()
        last = len(stages) - 1
        ends = sorted({stage for stage in self.after_stage.values() if 0 <= stage < last} | {last})
        phases = [(first, end + 1) for first, end in zip([0, *(e + 1 for e in ends[:-1])], ends, strict=True)]
        phase_of = {s: place for place, (first, end) in enumerate(phases) for s in range(first, end)}
        after = {group: -1 if stage < 0 else phase_of[stage] for group, stage in self.after_stage.items()}
        near, far, sums = self._crossing(stages, phase_of)
        return Plan(stages, phases, after, self.where, near, far, sums)

    def _places(self) -> dict[int, tuple[int, int]]:
        """The group of each product, and its place there; of a transposed product, the group alone."""
        found: dict[int, tuple[int, int]] = {}
        by_operand: dict[int, int] = {}
        for node in self.nodes:
            if node.kind == "product":
                group = self._group_of_product(node, by_operand)
                matrix = str(self.nodes[node.arguments[1]].label)
                found[node.index] = (group, self.groups[group].matrices.index(matrix))
            elif node.kind == "back":
                found[node.index] = (self._group_of_back(node), 0)
        return found

    def _group_of_product(self, node: Node, by_operand: dict[int, int]) -> int:
        operand = node.arguments[0]
        if operand not in by_operand:
            for place, group in enumerate(self.groups):
                mine = self.all_outputs.get(f"operand.{place}")
                leaf = self.nodes[operand]
                if mine == operand or (
                    mine is None and group.shown and (leaf.kind, leaf.label) == ("state", self.shown)
                ):
                    by_operand[operand] = place
                    break
        return by_operand[operand]

    def _group_of_back(self, node: Node) -> int:
        names = tuple(str(self.nodes[i].label) for i in node.arguments[1::2])
        for place, group in enumerate(self.groups):
            given = tuple(self.all_outputs[f"dq.{place}.{j}"] for j in range(len(group.matrices)))
            if group.back and group.matrices == names and given == node.arguments[::2]:
                return place
        raise AssertionError("a transposed product belongs to a group")

    def _whole(self, node: Node) -> bool:
        """Whether a product's operand is there before the first stage."""
        if node.kind == "product":
            return self.groups[self.where[node.index][0]].shown
        return all(self.nodes[i].kind == "gradient" for i in node.arguments[::2]) and (
            f"dq.{self.where[node.index][0]}.0" not in self.outputs
        )

    def _levels(self) -> list[int]:
        level: list[int] = []
        for node in self.nodes:
            inner = max((level[i] for i in node.arguments), default=0)
            waits = node.kind in ROWWISE or (node.kind in MULTIPLIED and not self._whole(node))
            level.append(inner + 1 if waits else inner)
        return level

    def _after(self) -> dict[int, int]:
        """The stage that each group's product follows; -1 before the first."""
        found: dict[int, int] = {}
        for index, (group, _) in self.where.items():
            found[group] = -1 if self._whole(self.nodes[index]) else self.level[index] - 1
        return found

    def _stage_of_output(self, name: str, index: int, last: int) -> int:
        kind, _, rest = name.partition(".")
        group = int(rest.partition(".")[0]) if kind in ("operand", "dq") else -1
        if group in self.after_stage:
            forwards = any(self.nodes[i].kind == "product" for i in self.where)
            if (kind == "operand") == forwards:
                return max(self.after_stage[group], 0)
        return last

    def _filled(self) -> list[Stage]:
        ends = [self.level[index] for index in self.outputs.values()]
        ends += self.after_stage.values()
        ends += [self.level[i] - 1 for i, node in enumerate(self.nodes) if node.kind in ROWWISE]
        last = max([0, *ends])
        stages = [Stage() for _ in range(last + 1)]
        for node in self.nodes:
            if node.kind in ROWWISE:
                stages[self.level[node.index] - 1].sums.append(node.index)
        for name, index in self.outputs.items():
            if name.partition(".")[0] not in EARLY or self._stage_of_output(name, index, last) < last:
                stages[self._stage_of_output(name, index, last)].outputs[name] = index
        # What is kept is stored where it is computed first.
        first: dict[int, int] = {}
        for place, stage in enumerate(stages):
            for index in self._closure(stage, {}, place):
                first.setdefault(index, place)
        for name, index in self.outputs.items():
            if name.partition(".")[0] in EARLY and all(name not in stage.outputs for stage in stages):
                at = self.level[index] if self._ready(self.nodes[index]) else first.get(index, last)
                stages[max(at, self.level[index])].outputs[name] = index
        self._settle(stages)
        return stages

    def _settle(self, stages: list[Stage]) -> None:
        """Say what each stage computes, and what is set aside."""
        done: dict[int, int] = {}
        for place, stage in enumerate(stages):
            needs = self._closure(stage, done, place)
            for index in needs:
                if index in done and not self.alike[index] and not self._cheap(self.nodes[index]):
                    earlier = stages[done[index]]
                    if index not in earlier.aside:
                        earlier.aside.append(index)
                elif self.alike[index]:
                    stage.rows.append(index)
                else:
                    stage.units.append(index)
                    done.setdefault(index, place)

    def _closure(self, stage: Stage, done: dict[int, int], place: int) -> list[int]:
        """What a stage computes or takes from an earlier one, in order; leaves and products are simply there."""
        waiting = [self.nodes[index] for index in stage.outputs.values()]
        waiting += [self.nodes[self.nodes[index].arguments[0]] for index in stage.sums]
        seen: set[int] = set()
        while waiting:
            node = waiting.pop()
            if node.index in seen or self._ready(node):
                continue
            seen.add(node.index)
            if node.index in done and not self.alike[node.index] and not self._cheap(node):
                continue
            waiting.extend(self.nodes[i] for i in node.arguments)
        return sorted(seen)

    def _ready(self, node: Node) -> bool:
        return not node.arguments or node.kind in (*MULTIPLIED, *ROWWISE)

    def _cheap(self, node: Node) -> bool:
        """Whether computing a value again costs no more than setting it aside; a mask cannot be set aside."""
        inner = [self.nodes[i] for i in node.arguments]
        return node.kind == "less" or (node.kind in CHEAP and all(self._ready(a) or self.alike[a.index] for a in inner))

    def _crossing(
        self, stages: list[Stage], phase_of: dict[int, int]
    ) -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
        made = {index: place for place, stage in enumerate(stages) for index in stage.aside}
        near: dict[int, int] = {}
        far: dict[int, int] = {}
        reads: dict[int, set[int]] = {}
        summed: dict[int, set[int]] = {}
        ends = {index: place for place, stage in enumerate(stages) for index in stage.sums}
        for place, stage in enumerate(stages):
            for index in (*stage.units, *stage.rows, *stage.outputs.values(), *self._operands(stage)):
                for i in (index, *self.nodes[index].arguments):
                    if i in made and made[i] != place:
                        reads.setdefault(i, set()).add(phase_of[place])
                    if i in ends:
                        summed.setdefault(i, set()).add(phase_of[place])
        for index, place in made.items():
            crosses = reads.get(index, set()) - {phase_of[place]}
            (far if crosses else near)[index] = len(far if crosses else near)
        sums = {index: 0 for index, place in ends.items() if summed.get(index, set()) - {phase_of[place]}}
        return near, far, {index: n for n, index in enumerate(sums)}

    def _operands(self, stage: Stage) -> list[int]:
        return [self.nodes[index].arguments[0] for index in stage.sums]
