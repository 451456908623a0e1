"""Batches of trees, and the levels in which they are computed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from ostinato.errors import DataError, ShapeError
from ostinato.forest import Forest
from tests.laws.trees import random_parents


def random_forest(seed: int = 0, trees: int = 6) -> Forest:
    return Forest.of(random_parents(1 + 5 * index, seed + index) for index in range(trees))


def test_a_tree_may_list_its_nodes_in_any_order() -> None:
    for parents in ([1, 2, -1], [-1, 0, 1], [1, -1, 0]):
        forest = Forest.of([parents])
        assert forest.parent.tolist() == [1, 2, -1]
        moved = forest.arrange(torch.tensor([[v] for v in parents]))
        assert forest.restore(moved)[:, 0].tolist() == parents
        assert int(moved[-1]) == -1


def test_the_children_of_a_node_keep_the_order_in_which_they_were_listed() -> None:
    forest = Forest.of([[4, 2, 4, -1, 3, 2, 4]])
    names = forest.origin.tolist()
    broods: dict[int, dict[int, int]] = {}
    for node, (parent, place) in enumerate(zip(forest.parent.tolist(), forest.place.tolist(), strict=True)):
        broods.setdefault(names[parent] if parent >= 0 else -1, {})[place] = names[node]
    assert broods == {-1: {0: 3}, 3: {0: 4}, 4: {0: 0, 1: 2, 2: 6}, 2: {0: 1, 1: 5}}


def test_sizes_are_told() -> None:
    forest = Forest.of([[-1], [2, 2, 3, -1], [-1, 0, 0, 0]])
    assert (len(forest), forest.nodes, forest.depth, forest.arity) == (3, 9, 2, 3)
    assert forest.leaves.tolist() == sorted(set(range(9)) - set(forest.parent.tolist()))
    assert forest.tree[forest.roots].tolist() == [0, 1, 2]
    single = Forest.of([[-1]])
    assert (single.depth, single.arity, single.leaves.tolist(), len(single.levels())) == (0, 0, [0], 1)


@pytest.mark.parametrize("seed", range(4))
def test_each_node_stands_in_one_level_after_all_its_children(seed: int) -> None:
    forest = Forest.joined([random_forest(seed), random_forest(seed + 50)])
    seen: list[int] = []
    levels = forest.levels()
    waiting = levels[0].nodes.split([level.leaves for level in levels[1:]] + [len(forest) - _inner_roots(forest)])
    for index, level in enumerate(levels):
        nodes, children = level.nodes.tolist(), level.children.tolist()
        assert set(children) <= set(seen)
        assert [forest.parent[child] for child in children] == [nodes[s] for s in level.segment.tolist()]
        assert forest.place[level.children].tolist() == level.places.tolist()
        assert sorted(children) == [n for n, p in enumerate(forest.parent.tolist()) if p in set(nodes)]
        if index:
            before = levels[index - 1].nodes.tolist() if index > 1 else []
            assert children == before + waiting[index - 1].tolist()
        seen += nodes
    assert sorted(seen) == list(range(forest.nodes))


def _inner_roots(forest: Forest) -> int:
    return len(set(forest.roots.tolist()) - set(forest.leaves.tolist()))


def test_a_forest_of_lists_is_in_the_order_of_its_levels() -> None:
    forest = random_forest(7)
    assert torch.cat([level.nodes for level in forest.levels()]).tolist() == list(range(forest.nodes))


def test_chains_of_any_lengths_have_even_levels() -> None:
    forest = Forest.of([[*range(1, length), -1] for length in (3, 9, 1, 5, 9)])
    assert all(level.even for level in forest.levels()[1:])
    assert not all(level.even for level in random_forest(3).levels()[1:])


def test_a_long_chain_and_a_wide_star_are_no_trouble() -> None:
    chain = Forest.of([[*range(1, 10_000), -1]])
    assert (chain.depth, chain.arity, len(chain.levels())) == (9_999, 1, 10_000)
    star = Forest.of([[-1] + [0] * 100_000])
    assert (star.depth, star.arity, len(star.levels()[1].children)) == (1, 100_000, 100_000)


def test_forests_are_joined_one_after_another() -> None:
    first, second = random_forest(1, 3), random_forest(2, 4)
    joined = Forest.joined([first, second])
    assert (len(joined), joined.nodes) == (7, first.nodes + second.nodes)
    assert joined.parent[: first.nodes].tolist() == first.parent.tolist()
    assert joined.tree.tolist() == first.tree.tolist() + (second.tree + 3).tolist()
    assert joined.origin[first.nodes :].tolist() == (second.origin + first.nodes).tolist()
    with pytest.raises(DataError, match="at least one forest, got none"):
        Forest.joined([])


def test_moving_to_a_device_keeps_all_parts() -> None:
    moved = random_forest().to("meta")
    assert all(part.is_meta for part in (moved.parent, moved.place, moved.tree, moved.roots, moved.origin))


def test_arrays_and_tensors_are_lists_too() -> None:
    wanted = Forest.of([[1, -1], [-1]]).parent.tolist()
    assert Forest.of([torch.tensor([1, -1]), torch.tensor([-1]).numpy()]).parent.tolist() == wanted  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("parents", "told"),
    [
        ([], "at least one tree, got none"),
        ([[-1], []], "tree 1 wanted at least one node, got none"),
        ([[0, 1]], "tree 0 wanted one root, a node with the parent -1, got 0"),
        ([[-1], [-1, -1]], "tree 1 wanted one root, a node with the parent -1, got 2"),
        ([[-1, 5]], "tree 0: the parent of node 1 wanted -1 or a node from 0 to 1, got 5"),
        ([[-1], [-1, -2]], "tree 1: the parent of node 1 wanted -1 or a node from 0 to 1, got -2"),
        ([[-1, 1]], "tree 0: node 1 is its own ancestor"),
        ([[-1], [-1, 2, 3, 1, 0]], "tree 1: node 1 is its own ancestor"),
        ([[-1.0]], r"tree 0 wanted a list of whole numbers, the parent of each node, got \[-1.0\]"),
        ([["root"]], "tree 0 wanted a list of whole numbers"),
        ([[None, 0]], "tree 0 wanted a list of whole numbers"),
        ([[True, False]], "tree 0 wanted a list of whole numbers"),
        ([[-1, 2**70]], "tree 0 wanted a list of whole numbers"),
        ([[[-1], [0, 1]]], "tree 0 wanted a list of whole numbers"),
        ([-1, 0], "tree 0 wanted a list of whole numbers"),
    ],
)
def test_what_is_no_tree_is_named_with_its_place(parents: Sequence[Sequence[int]], told: str) -> None:
    with pytest.raises(DataError, match=told):
        Forest.of(parents)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"parent": [2, -1, 1]}, "node 2 of a Forest wanted a parent that stands after it in the list"),
        ({"parent": [2, 3, -1]}, "node 1 of a Forest wanted a parent that stands after it in the list"),
        ({"parent": [2, 1, -1]}, "node 1 of a Forest wanted a parent that stands after it in the list"),
        ({"parent": [2, -1, -1]}, "one root for each tree, got 1 roots and 2 trees"),
        ({"tree": [0, 1, 0]}, "one root for each tree"),
        ({"tree": [0, -1, 0]}, "one root for each tree"),
        ({"roots": [1]}, "wanted the nodes whose parent is -1"),
        ({"roots": [7]}, "wanted the nodes whose parent is -1"),
        ({"place": [0, 0, 0]}, "different places for the children of one node"),
        ({"place": [0, -1, 0]}, "node 1 of a Forest wanted a place from 0 up"),
        ({"place": [0, 1, 1]}, "node 2 of a Forest wanted a place from 0 up, and 0 at a root"),
        ({"origin": [0, 0, 1]}, "each number from 0 to N - 1 once"),
        ({"parent": [], "place": [], "tree": [], "origin": []}, "at least one node, got none"),
    ],
)
def test_what_is_no_forest_is_refused(changed: dict[str, list[int]], told: str) -> None:
    parts = {"parent": [2, 2, -1], "place": [0, 1, 0], "tree": [0, 0, 0], "roots": [2], "origin": [0, 1, 2]}
    Forest(**{name: torch.tensor(value) for name, value in parts.items()})
    with pytest.raises(DataError, match=told):
        Forest(**{name: torch.tensor(v, dtype=torch.int64) for name, v in (parts | changed).items()})


def test_a_node_belongs_to_the_tree_of_its_parent() -> None:
    lists = ([2, 3, -1, -1], [0, 0, 0, 0], [1, 1, 0, 1], [2, 3])
    with pytest.raises(DataError, match="node 0 of a Forest wanted to belong to the tree of its parent"):
        Forest(*(torch.tensor(part) for part in lists))
    with pytest.raises(DataError, match="in the order of the trees"):
        Forest(*(torch.tensor(part) for part in (*lists[:2], [0, 1, 0, 1], [3, 2])))


def test_parts_of_another_kind_are_refused() -> None:
    whole = torch.tensor([-1])
    zero = torch.tensor([0])
    with pytest.raises(ShapeError, match=r"place of a Forest wanted \[1\] like parent, got \[2\]"):
        Forest(whole, torch.tensor([0, 0]), zero, zero)
    with pytest.raises(ShapeError, match=r"tree of a Forest wanted a list of numbers, int64, got torch.int32"):
        Forest(whole, zero, zero.int(), zero)
    with pytest.raises(ShapeError, match=r"roots of a Forest wanted a list of numbers, int64, got list"):
        Forest(whole, zero, zero, [0])  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="roots of a Forest wanted the device of parent"):
        Forest(whole, zero, zero, zero.to("meta"))
    with pytest.raises(ShapeError, match=r"values wanted \[1, ...\], one for each node of the forest, got \[3, 2\]"):
        Forest(whole, zero, zero, zero).arrange(torch.ones(3, 2))
