"""Trees level by level over a whole batch, beside one node at a time: the same weights, the same answers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

SENTENCE = "64 trees evaluated level by level over the batch against one node at a time, one thread (>= 20x wanted)"
ROUNDS = 7
BATCH = 64
WIDTHS = (32, 64, 128)


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One run for each kind of tree and each width."""
    kinds = {"child-sum": "none", "binarized": "left"}
    return {
        f"{name}-{width}": lambda how=how, width=width: measure(how, width)
        for name, how in kinds.items()
        for width in WIDTHS
    }


def measure(binarize: str, hidden: int) -> dict[str, Any]:
    """All ways in turns, on one thread, best of some rounds; their outputs agree.

    Seconds are those of the processor, which one thread has to itself also where the machine is busy.
    """
    import torch

    from ostinato.data.expressions import read_tree
    from ostinato.data.listops import make_listops
    from ostinato.data.trees import binarize as shaped
    from ostinato.forest import Forest
    from ostinato.layers import TreeFold

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    trees = [shaped(read_tree(example.text), binarize) for example in make_listops(BATCH)]
    parents = [tree.parents for tree in trees]
    layer = TreeFold("lstm", hidden, hidden, arity=None if binarize == "none" else 2).eval()
    forest = Forest.of(parents)
    x = torch.randn(forest.nodes, hidden)
    nodes = NodeByNode(layer)
    ways: dict[str, Callable[[], Any]] = {
        "levels": lambda: layer(x, forest)[0],
        "levels_and_making_the_forest": lambda: layer(x, Forest.of(parents))[0],
        "nodes": lambda: nodes.fold(x, forest),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    found: dict[str, Any] = {}
    with torch.inference_mode():
        for _ in range(ROUNDS):
            for name, way in ways.items():
                began = time.process_time()
                found[name] = way()
                times[name].append(time.process_time() - began)
    torch.set_num_threads(before)
    best = {name: min(seconds) for name, seconds in times.items()}
    return {
        "trees": BATCH,
        "nodes": forest.nodes,
        "levels": forest.depth + 1,
        "hidden": hidden,
        "milliseconds": {name: round(1e3 * seconds, 3) for name, seconds in best.items()},
        "median_milliseconds": {name: round(1e3 * statistics.median(s), 3) for name, s in times.items()},
        "times_faster": round(best["nodes"] / best["levels"], 1),
        "times_faster_and_making_the_forest": round(best["nodes"] / best["levels_and_making_the_forest"], 1),
        "largest_difference": float((found["levels"] - found["nodes"]).abs().max()),
    }


class NodeByNode:
    """A Tree-LSTM that visits one node after the other, children first, with the weights of a layer.

    Written as it is usually written: a linear module for each share of the gates, and a step for each node.
    """

    def __init__(self, layer: Any) -> None:
        self.hidden, self.arity = layer.hidden, layer.arity
        weights, h = layer.weights(), layer.hidden
        # The gates i, f, g, o; with places f has one block of rows in R for each of them.
        i, f, g, o = weights["W"].split(h)
        bi, bf, bg, bo = weights["b"].split(h)
        r, blocks = list(weights["R"].split(h)), layer.arity or 1
        self.iux, self.fx = linear([i, g, o], [bi, bg, bo]), linear([f], [bf])
        self.iuh, self.fh = linear([r[0], *r[1 + blocks :]]), linear(r[1 : 1 + blocks])

    def fold(self, x: Any, forest: Any) -> Any:
        """The states of all nodes [N, H], in the order of the forest, in which children stand before parents."""
        import torch

        below: list[list[int]] = [[] for _ in range(forest.nodes)]
        places = forest.place.tolist()
        for node, parent in enumerate(forest.parent.tolist()):
            if parent >= 0:
                below[parent].append(node)
        states: list[tuple[Any, Any]] = []
        for node, children in enumerate(below):
            states.append(self.step(x[node : node + 1], [(places[k], *states[k]) for k in children]))
        return torch.cat([h for h, _ in states])

    def step(self, x: Any, children: list[tuple[int, Any, Any]]) -> tuple[Any, Any]:
        """One node: its x [1, D], and place, h and c of each child."""
        import torch

        if self.arity is None:
            shown = torch.cat([h for _, h, _ in children]) if children else x.new_zeros(1, self.hidden)
            seen, forgets = shown.sum(0, keepdim=True), self.fh(shown)
        else:
            rows = [x.new_zeros(1, self.hidden)] * self.arity
            for place, h, _ in children:
                rows[place] = h
            seen = torch.cat(rows, dim=1)
            forgets = self.fh(seen).view(self.arity, self.hidden)[[place for place, _, _ in children]]
        i, g, o = (self.iux(x) + self.iuh(seen)).chunk(3, dim=1)
        memory = torch.sigmoid(i) * torch.tanh(g)
        if children:
            kept = torch.sigmoid(forgets + self.fx(x)) * torch.cat([c for _, _, c in children])
            memory = memory + kept.sum(0, keepdim=True)
        return torch.sigmoid(o) * torch.tanh(memory), memory


def linear(rows: list[Any], bias: list[Any] | None = None) -> Any:
    """A linear module with some blocks of rows."""
    import torch

    module = torch.nn.Linear(rows[0].shape[1], sum(map(len, rows)), bias=bias is not None)
    module.weight.data = torch.cat(rows).detach()
    if bias is not None:
        module.bias.data = torch.cat(bias).detach()
    return module


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """How much faster."""
    widths = sorted(results, key=lambda name: (name.rpartition("-")[0], results[name]["hidden"]))
    return {name: {"times_faster": results[name]["times_faster"]} for name in widths}
