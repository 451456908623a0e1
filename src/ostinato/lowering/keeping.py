"""What a step keeps for its backward pass, and what is computed again: the cheapest of all choices.

A value that the backward pass reads is either kept, which costs memory, or computed again from other values, which
costs time and asks the same question of them. The cheapest answer is a minimum cut; it is found exactly.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from ostinato.cells.operations import ROWWISE
from ostinato.lowering.graph import Node

# Costs in units of one addition. A kept value is written, lies in memory for the whole sequence and is read again; by
# this price one tanh is computed again rather than kept, and two are not.
KEEP = 32
COSTS = {
    **dict.fromkeys(("sigmoid", "tanh", "exp", "log", "softplus", "sin", "cos"), 20),
    **dict.fromkeys(("divide", "sqrt"), 8),
}
# These stand still for the whole sequence, or are handed to both passes.
FREE = ("parameter", "constant", "given", "matrix")
# A product or a look along a row is never done twice.
ONCE = ("product", *ROWWISE)
FOREVER = 1 << 40


def keep_set(nodes: Sequence[Node], wanted: Iterable[int], keepable: set[int]) -> list[int]:
    """The indices of the nodes to keep, in order, so that all wanted nodes can be had again for the least cost.

    ``nodes`` is a graph in order, ``keepable`` the nodes whose values the forward pass has.
    """
    # Each node is two places in a network, "is asked for" and "is computed again"; the edge between them is keeping it.
    network = _Network(2 * len(nodes) + 2)
    source, sink = 2 * len(nodes), 2 * len(nodes) + 1
    wanted, alike = sorted(set(wanted)), row_valued(nodes)
    for index in wanted:
        network.join(source, 2 * index, FOREVER)
    for index in _below(nodes, wanted):
        node = nodes[index]
        if node.kind in FREE:
            continue
        # One number for a whole row is nearly free.
        price = KEEP if not alike[index] else 1
        network.join(2 * index, 2 * index + 1, price if index in keepable else FOREVER)
        again = FOREVER if node.kind in ONCE else COSTS.get(node.kind, 1)
        network.join(2 * index + 1, sink, again if node.arguments else FOREVER)
        for argument in node.arguments:
            network.join(2 * index + 1, 2 * argument, FOREVER)
    near = network.source_side(source, sink)
    return [
        index
        for index in range(len(nodes))
        if 2 * index in near and 2 * index + 1 not in near and nodes[index].kind not in FREE
    ]


def row_valued(nodes: Sequence[Node]) -> list[bool]:
    """Which nodes have one value for all units of a row: sums along it, and what is computed from nothing else."""
    found: list[bool] = []
    for node in nodes:
        inner = [found[i] for i in node.arguments if nodes[i].kind != "constant"]
        looks = node.kind in (*ROWWISE, "kept_row")
        found.append(looks or (node.kind != "product" and bool(inner) and all(inner)))
    return found


def _below(nodes: Sequence[Node], roots: Iterable[int]) -> list[int]:
    seen = set(roots)
    for index in range(len(nodes) - 1, -1, -1):
        if index in seen:
            seen.update(nodes[index].arguments)
    return sorted(seen)


class _Network:
    """Pipes between places; Dinic's algorithm fills them.

    Dinic, 1970 (Doklady Akademii Nauk SSSR 194).
    """

    def __init__(self, places: int) -> None:
        self.ends: list[int] = []
        self.room: list[int] = []
        self.leaving: list[list[int]] = [[] for _ in range(places)]

    def join(self, start: int, end: int, room: int) -> None:
        """A pipe; its way back lies beside it, empty."""
        for a, b, free in ((start, end, room), (end, start, 0)):
            self.leaving[a].append(len(self.ends))
            self.ends.append(b)
            self.room.append(free)

    def source_side(self, source: int, sink: int) -> set[int]:
        """The places that still can be reached from the source when no more can flow."""
        while True:
            depth = self._depths(source)
            if sink not in depth:
                return set(depth)
            tried = [0] * len(self.leaving)
            while self._push(source, sink, depth, tried):
                pass

    def _depths(self, source: int) -> dict[int, int]:
        depth, waiting = {source: 0}, deque([source])
        while waiting:
            place = waiting.popleft()
            for pipe in self.leaving[place]:
                if self.room[pipe] and self.ends[pipe] not in depth:
                    depth[self.ends[pipe]] = depth[place] + 1
                    waiting.append(self.ends[pipe])
        return depth

    def _push(self, source: int, sink: int, depth: dict[int, int], tried: list[int]) -> bool:
        """Fill one shortest way to the sink; each pipe that leads nowhere is tried once."""
        way: list[int] = []
        place = source
        while place != sink:
            pipes = self.leaving[place]
            while tried[place] < len(pipes):
                pipe = pipes[tried[place]]
                if self.room[pipe] and depth.get(self.ends[pipe]) == depth[place] + 1:
                    break
                tried[place] += 1
            else:
                if not way:
                    return False
                place = self.ends[way.pop() ^ 1]
                tried[place] += 1
                continue
            way.append(pipe)
            place = self.ends[pipe]
        amount = min(self.room[pipe] for pipe in way)
        for pipe in way:
            self.room[pipe] -= amount
            self.room[pipe ^ 1] += amount
        return True
