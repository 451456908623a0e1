"""Laws of the fold over trees, true of every cell that has a meaning there."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from ostinato import ops
from ostinato.cells import Cell
from ostinato.forest import Forest
from ostinato.lowering import Graph, Node, trace
from ostinato.lowering.graph import compute
from ostinato.state import State
from tests.laws.trees import random_parents
from tests.laws.zoo import ALL_CELLS, HIDDEN, INPUTS, name_of, random_state, weights_of

CELLS = tuple(cell for cell in ALL_CELLS if not cell.inputs and not cell.noise)
# Those whose children can be told apart by their places.
PLACED = tuple(cell for cell in CELLS if cell.recurrent != "none" and cell.heads == 1)
every_cell = pytest.mark.parametrize("cell", CELLS, ids=name_of)
every_placed = pytest.mark.parametrize("cell", PLACED, ids=name_of)

ARITY = 3
SIZES = (7, 1, 12, 4)
ways = pytest.mark.parametrize(
    ("cell", "arity"),
    [(cell, None) for cell in CELLS] + [(cell, ARITY) for cell in PLACED],
    ids=lambda member: name_of(member) if isinstance(member, Cell) else "child_sum" if member is None else "places",
)


def width_of(cell: Cell) -> int:
    """A width that the cell can have: a multiple of its heads."""
    return HIDDEN + -HIDDEN % cell.heads


def trees(arity: int | None = None, seed: int = 0) -> list[list[int]]:
    return [random_parents(size, seed + size, arity=arity or 4) for size in SIZES]


def values(nodes: int, seed: int = 2) -> Tensor:
    """x [N, D] in float64."""
    return torch.randn(nodes, INPUTS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def some_state(cell: Cell, rows: int) -> State:
    """A state that is not zero and wants gradients."""
    return random_state(cell, rows, hidden=width_of(cell))


def tree_weights(cell: Cell, arity: int | None, seed: int = 0) -> dict[str, Tensor]:
    """Weights of a sequence, and others for R and br where there are places."""
    weights = weights_of(cell, hidden=width_of(cell), seed=seed)
    generator = torch.Generator().manual_seed(seed + 1)
    for name, shape in ops.fold_shapes(cell, INPUTS, width_of(cell), arity).items():
        if tuple(weights[name].shape) != shape:
            fresh = torch.randn(shape, generator=generator, dtype=torch.float64) / HIDDEN**0.5
            weights[name] = fresh.requires_grad_()
    return weights


def assert_same(got: Tensor | State, wanted: Tensor | State, tolerance: float = 1e-12) -> None:
    if isinstance(got, State):
        assert isinstance(wanted, State)
        assert got.keys() == wanted.keys()
        for part in got:
            assert_same(got[part], wanted[part], tolerance)
        return
    torch.testing.assert_close(got, wanted, rtol=tolerance, atol=tolerance)


def weighed(y: Tensor, state: State) -> Tensor:
    """One number that all outputs [N, H] and states go into, each node by its row and each unit differently."""
    rows = torch.arange(1.0, len(y) + 1, dtype=y.dtype)[:, None]
    parts = [y, *(state[part] for part in state)]
    return sum((p * (rows + k + torch.arange(p.shape[1])).cos()).sum() for k, p in enumerate(parts))  # type: ignore[return-value]


def found_gradients(total: Tensor, leaves: dict[str, Tensor]) -> dict[str, Tensor]:
    found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    return {n: torch.zeros_like(leaves[n]) if g is None else g for n, g in zip(leaves, found, strict=True)}


@ways
def test_a_tree_of_one_child_each_is_the_sequence(cell: Cell, arity: int | None) -> None:
    arity = arity and 1
    lengths = [4, 1, 6, 4]
    forest = Forest.of([[*range(1, length), -1] for length in lengths])
    weights = weights_of(cell, hidden=width_of(cell))
    shapes = ops.fold_shapes(cell, INPUTS, width_of(cell), arity)
    x = values(sum(lengths)).requires_grad_()
    start = some_state(cell, len(lengths))
    first = State(**{part: value[forest.tree[forest.leaves]] for part, value in start.items()})
    shaped = {name: weight.view(shapes[name]) for name, weight in weights.items()}
    y, state = ops.fold(cell, forest.arrange(x), shaped, forest, first, arity=arity)
    y, state = forest.restore(y), State(**{part: forest.restore(value) for part, value in state.items()})

    rows = torch.nn.utils.rnn.pad_sequence(list(torch.split(x, lengths)), batch_first=True)
    valid = torch.arange(6) < torch.tensor(lengths)[:, None]
    padded, last = ops.recur(cell, rows, weights, start, torch.tensor(lengths), engine="reference")
    assert_same(y, padded[valid])
    ends = torch.tensor(lengths).cumsum(0) - 1
    assert_same(State(**{part: value[ends] for part, value in state.items()}), last)

    leaves = {"x": x, **weights, **{f"state {part}": value for part, value in start.items()}}
    at_the_ends = State(**{part: value[ends] for part, value in state.items()})
    weigh = torch.arange(1.0, y.numel() + 1, dtype=y.dtype).view(y.shape).cos()
    kept = found_gradients((padded[valid] * weigh).sum() + weighed(last[cell.output], last), leaves)
    found = found_gradients((y * weigh).sum() + weighed(at_the_ends[cell.output], at_the_ends), leaves)
    for name in kept:
        assert_same(found[name], kept[name], 1e-10)


@ways
def test_level_by_level_is_node_by_node(cell: Cell, arity: int | None) -> None:
    parents = trees(arity)
    forest = Forest.of(parents)
    weights, x, start = tree_weights(cell, arity), values(sum(SIZES)), some_state(cell, 1)
    y, state = ops.fold(cell, forest.arrange(x), weights, forest, start, arity=arity)
    state = State(**{part: forest.restore(value) for part, value in state.items()})
    offset = 0
    for tree in parents:
        alone = one_by_one(cell, tree, x[offset : offset + len(tree)], weights, start, arity)
        for part in state:
            assert_same(state[part][offset : offset + len(tree)], alone[part])
        offset += len(tree)
    assert_same(forest.restore(y), state[cell.output])


def one_by_one(
    cell: Cell, tree: list[int], x: Tensor, weights: dict[str, Tensor], start: State, arity: int | None
) -> State:
    """The states of all nodes, each computed by itself after those of its children."""
    done: dict[int, State] = {}
    graph = trace(cell)

    def visit(node: int) -> State:
        below = [visit(child) for child, parent in enumerate(tree) if parent == node]
        done[node] = node_alone(cell, graph, x[node], below or [start], weights, arity)
        return done[node]

    visit(tree.index(-1))
    return State(**{part: torch.cat([done[node][part] for node in range(len(tree))]) for part in cell.state})


def node_alone(
    cell: Cell, graph: Graph, x: Tensor, children: list[State], weights: dict[str, Tensor], arity: int | None
) -> State:
    """One node in plain words: the graph of its cell, a list of values for what is per child, one value otherwise."""
    count, shown = len(children), [child[cell.output] for child in children]
    whole = {w for w in cell.per_child if not w.startswith("u.")}
    apart = [gate for gate in cell.sees if gate in whole or f"u.{gate}" in cell.per_child]
    given = torch.nn.functional.linear(x[None], weights["W"], weights["b"]).chunk(len(cell.gates), 1)
    seen: dict[str, Any] = {}
    row = 0
    for gate in cell.sees:
        blocks = (arity or 1) if gate in apart else 1
        for block in range(blocks):
            rows = slice(row, row + width_of(cell))
            row += width_of(cell)
            bias = weights["br"][rows] if "br" in weights else 0.0
            R = weights["R"][rows]
            if arity is not None:
                pieces = R.split(1 if cell.recurrent == "diagonal" else shown[0].shape[1], 1)
                value = sum((seen_by(cell, R_l, h) for R_l, h in zip(pieces, shown, strict=False)), start=bias)
                if gate not in apart:
                    seen[gate] = value
                elif block < count:
                    seen.setdefault(gate, []).append(value)
            elif gate in apart:
                seen[gate] = [seen_by(cell, R, h) + bias for h in shown]
            else:
                seen[gate] = seen_by(cell, R, sum(shown[1:], start=shown[0])) + bias
    values: list[Any] = []
    owners: list[str] = []
    for node in graph.nodes:
        owners.append(owner(node, cell, [owners[i] for i in node.arguments]))
        label = str(node.label)
        if node.kind == "constant":
            values.append(node.label)
        elif node.kind == "input":
            own = given[cell.gates.index(label)]
            values.append([own] * count if label in whole else own)
        elif node.kind == "recurrent":
            values.append(seen[label])
        elif node.kind == "state":
            values.append([child[label] for child in children])
        elif node.kind in ("parameter", "matrix"):
            values.append(weights[label])
        else:
            operands = [values[i] for i in node.arguments]
            if node.kind in ("add", "subtract") and "node" in [owners[i] for i in node.arguments]:
                operands = [total(o) for o in operands]
            if any(isinstance(o, list) for o in operands):
                each = [[o[k] if isinstance(o, list) else o for o in operands] for k in range(count)]
                values.append([compute(node.kind, list(one)) for one in each])
            else:
                values.append(compute(node.kind, operands))
    ends = {part: total(values[index]) for part, index in graph.outputs.items()}
    return State(**{part: torch.as_tensor(end).expand(1, children[0][part].shape[1]) for part, end in ends.items()})


def total(value: Any) -> Any:
    return sum(value[1:], start=value[0]) if isinstance(value, list) else value


def seen_by(cell: Cell, R: Tensor, shown: Tensor) -> Tensor:
    """R h for one gate, its rows of R [H, P], [H], [H, 1], or in blocks."""
    if cell.recurrent == "diagonal":
        return R.flatten() * shown
    if cell.heads == 1:
        return shown @ R.T
    return shown @ torch.block_diag(*R.chunk(cell.heads)).T


def owner(node: Node, cell: Cell, owners: list[str]) -> str:
    """Whose a value of the graph is, as its operands are: each child's, the node's, or nobody's."""
    if node.kind in ("constant", "parameter", "matrix"):
        return "nobody"
    if node.kind == "state":
        return "child"
    if node.kind in ("input", "recurrent"):
        named = {"input": (node.label,), "recurrent": (node.label, f"u.{node.label}")}[node.kind]
        return "child" if set(named) & set(cell.per_child) else "node"
    if "child" in owners and not (node.kind in ("add", "subtract") and "node" in owners):
        return "child"
    return "node" if "node" in owners else "nobody"


@ways
def test_neither_the_order_of_trees_nor_that_of_nodes_matters(cell: Cell, arity: int | None) -> None:
    parents, weights = trees(arity), tree_weights(cell, arity)
    x = [values(size, size) for size in SIZES]
    forest = Forest.of(parents)
    wanted = forest.restore(ops.fold(cell, forest.arrange(torch.cat(x)), weights, forest, arity=arity)[0]).split(SIZES)
    turned = [3, 1, 0, 2]
    other = Forest.of([parents[t] for t in turned])
    moved = torch.cat([x[t] for t in turned])
    y = other.restore(ops.fold(cell, other.arrange(moved), weights, other, arity=arity)[0])
    for piece, t in zip(y.split([SIZES[t] for t in turned]), turned, strict=True):
        assert_same(piece, wanted[t])
    # Nodes by their depth, children of one parent in their order; and a list that is no order of levels.
    for tree, one, expected in zip(parents, x, wanted, strict=True):
        backwards = sorted(range(len(tree)), key=lambda node, tree=tree: (depth_of(tree, node), node))
        rank = {node: place for place, node in enumerate(backwards)}
        renamed = Forest.of([[rank.get(tree[node], -1) for node in backwards]])
        y = renamed.restore(ops.fold(cell, renamed.arrange(one[backwards]), weights, renamed, arity=arity)[0])
        assert_same(y, expected[backwards])
    joined = Forest.joined([Forest.of([tree]) for tree in parents])
    assert not joined.tidy
    assert_same(
        joined.restore(ops.fold(cell, joined.arrange(torch.cat(x)), weights, joined, arity=arity)[0]), torch.cat(wanted)
    )


def depth_of(tree: list[int], node: int) -> int:
    return 0 if tree[node] < 0 else 1 + depth_of(tree, tree[node])


@every_cell
def test_the_order_of_children_does_not_matter_to_a_sum(cell: Cell) -> None:
    tree, weights = random_parents(12, 3), tree_weights(cell, None)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(4)).tolist()
    rank = {node: place for place, node in enumerate(order)}
    forest, other = Forest.of([tree]), Forest.of([[rank.get(tree[node], -1) for node in order]])
    x = values(12)
    wanted = forest.restore(ops.fold(cell, forest.arrange(x), weights, forest)[0])
    y = other.restore(ops.fold(cell, other.arrange(x[order]), weights, other)[0])
    assert_same(y, wanted[order])


@every_placed
def test_the_order_of_children_matters_where_there_are_places(cell: Cell) -> None:
    weights, x = tree_weights(cell, 2), values(3)
    forest = Forest.of([[2, 2, -1]])
    y, _ = ops.fold(cell, x, weights, forest, arity=2)
    turned, _ = ops.fold(cell, x[[1, 0, 2]], weights, forest, arity=2)
    assert not torch.allclose(y[2], turned[2])


@ways
def test_a_batch_mate_never_matters_not_even_one_of_nan(cell: Cell, arity: int | None) -> None:
    forest, weights = Forest.of(trees(arity)), tree_weights(cell, arity)
    clean = values(forest.nodes)
    soiled = torch.where((forest.tree == 2)[:, None], torch.nan, clean)
    kept = forest.tree != 2
    grads = []
    for x in (clean, soiled):
        x.requires_grad_()
        start = some_state(cell, len(forest.leaves))
        y, state = ops.fold(cell, x, weights, forest, start, arity=arity)
        leaves = {"x": x, **{f"state {part}": value for part, value in start.items()}}
        grads.append((y, state, found_gradients(weighed(y, state), leaves)))
    (y, state, wanted), (other, other_state, found) = grads
    assert_same(other[kept], y[kept])
    for part in state:
        assert_same(other_state[part][kept], state[part][kept])
    assert_same(found["x"][kept], wanted["x"][kept])
    for part in state:
        rows = forest.tree[forest.leaves] != 2
        assert_same(found[f"state {part}"][rows], wanted[f"state {part}"][rows])


@ways
@pytest.mark.parametrize("rows", ["one", "each"])
def test_gradients_are_right(cell: Cell, arity: int | None, rows: str) -> None:
    forest, weights = Forest.of([[3, 3, 4, 5, 5, -1], [-1]]), tree_weights(cell, arity)
    x, start = values(7).requires_grad_(), some_state(cell, 1 if rows == "one" else len(forest.leaves))
    leaves = {"x": x, **weights, **dict(start.items())}

    def run(*given: Tensor) -> tuple[Tensor, ...]:
        named = dict(zip(leaves, given, strict=True))
        first = State(**{part: named[part] for part in cell.state})
        _, state = ops.fold(cell, named["x"], {n: named[n] for n in weights}, forest, first, arity=arity)
        return tuple(state[part] for part in state)

    assert torch.autograd.gradcheck(run, tuple(leaves.values()), fast_mode=True)


@ways
def test_going_backward_twice_gives_the_same_gradients(cell: Cell, arity: int | None) -> None:
    forest, weights = Forest.of(trees(arity)), tree_weights(cell, arity)
    y, state = ops.fold(cell, values(forest.nodes), weights, forest, arity=arity)
    total = weighed(y, state)
    used = {name: weight for name, weight in weights.items() if weight.requires_grad}
    first = torch.autograd.grad(total, list(used.values()), retain_graph=True, allow_unused=True)
    again = torch.autograd.grad(total, list(used.values()), allow_unused=True)
    for one, other in zip(first, again, strict=True):
        assert (one is None and other is None) or torch.equal(one, other)


@every_cell
def test_a_row_of_the_initial_state_belongs_to_one_leaf(cell: Cell) -> None:
    forest, weights = Forest.of(trees()), tree_weights(cell, None)
    one = some_state(cell, 1)
    same = State(**{part: value.expand(len(forest.leaves), -1) for part, value in one.items()})
    x = values(forest.nodes)
    assert_same(ops.fold(cell, x, weights, forest, same)[1], ops.fold(cell, x, weights, forest, one)[1])
    moved = {part: value.clone() for part, value in same.items()}
    for value in moved.values():
        value[3] += 1.0
    y, _ = ops.fold(cell, x, weights, forest, State(**moved))
    changed = (y != ops.fold(cell, x, weights, forest, same)[0]).any(1)
    path, node = set(), int(forest.leaves[3])
    while node >= 0:
        path.add(node)
        node = int(forest.parent[node])
    assert set(changed.nonzero()[:, 0].tolist()) <= path
