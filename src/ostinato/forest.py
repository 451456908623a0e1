"""Trees of any shape as one value: who is whose child, answered once, at the border."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ostinato.errors import DataError, ShapeError

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Level:
    """Nodes of a forest that can be computed together, once their children are.

    ``nodes`` [n] are the nodes; ``children`` [k] all children of them, flat; ``segment`` [k] tells to which of the n
    nodes each child belongs, ``places`` [k] which child of it. The children are the nodes of the level before, all of
    them and in their order, and then ``leaves`` nodes of the first level, taken from it in turn. ``even`` says that
    ``segment`` is 0, 1, ..., n - 1: one child each, in the order of the nodes.
    """

    nodes: Tensor
    children: Tensor
    segment: Tensor
    places: Tensor
    leaves: int
    even: bool


@dataclass(frozen=True, eq=False, repr=False)
class Forest:
    """A batch of trees, all their nodes in one list in which children stand before their parents.

    >>> f = Forest.of([[1, -1], [2, 2, -1]])
    >>> f, f.depth, f.arity
    (<forest: 2 trees, 5 nodes>, 1, 2)
    >>> f.parent.tolist(), f.tree.tolist(), f.roots.tolist()
    ([3, 4, 4, -1, -1], [0, 1, 1, 0, 1], [3, 4])

    For N nodes in B trees: ``parent`` [N] int64 is the parent's place in the list, -1 at a root; ``place`` [N] tells
    which child of its parent a node is (0, 1, ...; 0 at a root); ``tree`` [N] to which tree it belongs; ``roots`` [B]
    where the root of each tree stands. ``origin`` [N] tells where each node stood in what the forest was made from.
    Children of one node have different places; places may be left empty.
    """

    parent: Tensor
    place: Tensor
    tree: Tensor
    roots: Tensor
    origin: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))

    def __post_init__(self) -> None:
        if isinstance(self.origin, Tensor) and len(self.origin) == 0 and isinstance(self.parent, Tensor):
            object.__setattr__(self, "origin", torch.arange(len(self.parent), device=self.parent.device))
        _check_kinds(self)
        if not self.parent.is_meta:
            _check_nodes(self)

    @classmethod
    def of(cls, parents: Iterable[Sequence[int]]) -> Forest:
        """From one list for each tree: the parent of each node, counted within the tree, and -1 at the root.

        >>> words = Forest.of([[-1, 0, 0]])
        >>> words.arrange(torch.tensor([10, 11, 12])).tolist()
        [11, 12, 10]

        The nodes may stand in any order. The forest has its own: ``values[forest.origin]``, or :meth:`arrange`, brings
        values of the nodes, tree after tree as given, into it. Children keep the order in which they were listed.
        Raises :class:`~ostinato.errors.DataError` with the place of what is no tree.
        """
        rows = [_row(index, row) for index, row in enumerate(parents)]
        if not rows:
            raise DataError("a Forest wanted at least one tree, got none")
        sizes = np.array([len(row) for row in rows], dtype=np.int64)
        tree = np.repeat(np.arange(len(rows)), sizes)
        start = np.cumsum(sizes) - sizes
        parent = _joined_parents(np.concatenate(rows), sizes, tree, start)
        depth = _depths(parent)
        if (depth < 0).any():
            node = int(np.argmax(depth < 0))
            raise DataError(
                f"tree {tree[node]}: node {node - start[tree[node]]} is its own ancestor; parents must lead to the root"
            )
        order = _order(parent, tree, depth)
        stands = np.empty(len(order) + 1, dtype=np.int64)
        stands[order], stands[-1] = np.arange(len(order)), -1
        moved = stands[parent[order]]
        place = _places(parent)[order]
        roots = np.flatnonzero(moved < 0)
        roots = roots[np.argsort(tree[order][roots], kind="stable")]
        return cls(*(torch.from_numpy(a) for a in (moved, place, tree[order], roots, order)))

    @classmethod
    def joined(cls, forests: Iterable[Forest]) -> Forest:
        """Several forests as one, their nodes and trees one after another.

        >>> f = Forest.of([[1, -1]])
        >>> Forest.joined([f, f]).parent.tolist()
        [1, -1, 3, -1]
        """
        members = list(forests)
        if not members:
            raise DataError("Forest.joined wanted at least one forest, got none")
        parents, trees, roots, origins = [], [], [], []
        nodes = count = 0
        for member in members:
            parents.append(torch.where(member.parent < 0, -1, member.parent + nodes))
            trees.append(member.tree + count)
            roots.append(member.roots + nodes)
            origins.append(member.origin + nodes)
            nodes, count = nodes + member.nodes, count + len(member)
        place = torch.cat([member.place for member in members])
        return cls(torch.cat(parents), place, torch.cat(trees), torch.cat(roots), torch.cat(origins))

    def to(self, device: str | torch.device) -> Forest:
        """The same forest on another device."""
        parts = (self.parent, self.place, self.tree, self.roots, self.origin)
        return Forest(*(part.to(device) for part in parts))

    def arrange(self, values: Tensor) -> Tensor:
        """Values of the nodes [N, ...] as they were listed for :meth:`of`, in the order of the forest."""
        _expect_nodes(values, self.nodes)
        return values[self.origin]

    def restore(self, values: Tensor) -> Tensor:
        """Values of the nodes [N, ...] in the order of the forest, as they were listed: the inverse of arrange."""
        _expect_nodes(values, self.nodes)
        return values[torch.argsort(self.origin)]

    def __len__(self) -> int:
        return int(self.roots.shape[0])

    def __repr__(self) -> str:
        return f"<forest: {len(self)} trees, {self.nodes} nodes>"

    @property
    def nodes(self) -> int:
        """How many nodes all trees have together."""
        return int(self.parent.shape[0])

    @property
    def depth(self) -> int:
        """How many edges the longest way from a root to a leaf has; 0 when all trees are single nodes."""
        return len(self.levels()) - 1

    @cached_property
    def arity(self) -> int:
        """The largest number of children; one more than the largest place where places are left empty."""
        return int(self.place.max()) + 1 if bool((self.parent >= 0).any()) else 0

    @property
    def leaves(self) -> Tensor:
        """The nodes without children, in the order of the forest: [L] int64."""
        return torch.sort(self.levels()[0].nodes).values

    @cached_property
    def order(self) -> Tensor:
        """The nodes as :meth:`levels` lists them, one level after another: [N] int64."""
        return torch.cat([level.nodes for level in self.levels()])

    @cached_property
    def tidy(self) -> bool:
        """Whether the list of nodes is in the order of the levels already, as it is after :meth:`of`."""
        return torch.equal(self.order, torch.arange(self.nodes, device=self.order.device))

    def levels(self) -> tuple[Level, ...]:
        """The nodes in the order in which they can be computed: all leaves, then level by level up to the roots.

        >>> [level.nodes.tolist() for level in Forest.of([[2, 2, 4, 4, -1]]).levels()]
        [[0, 1, 2], [3], [4]]

        A level has all inner nodes that are equally far from their root, the farthest first. Computed once.
        """
        return self._levels

    @cached_property
    def _levels(self) -> tuple[Level, ...]:
        parent = self.parent.cpu().numpy()
        parent = np.where(parent < 0, len(parent), parent)
        return _levels(parent, self.place.cpu().numpy(), self.tree.cpu().numpy(), self.parent.device)


def _row(index: int, row: Any) -> Numbers:
    """The parents of one tree as an array."""
    try:
        array = np.asarray(row)
    except (ValueError, TypeError, RuntimeError):
        array = np.empty((0, 0))
    if array.ndim == 1 and len(array) == 0:
        raise DataError(f"tree {index} wanted at least one node, got none")
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise DataError(f"tree {index} wanted a list of whole numbers, the parent of each node, got {str(row)[:60]}")
    return array.astype(np.int64)


def _joined_parents(flat: Numbers, sizes: Numbers, tree: Numbers, start: Numbers) -> Numbers:
    """Parents within each tree as parents within the whole list; N stands above the roots."""
    outside = (flat < -1) | (flat >= sizes[tree])
    if outside.any():
        node = int(np.argmax(outside))
        raise DataError(
            f"tree {tree[node]}: the parent of node {node - start[tree[node]]} wanted -1 or a node from 0 to "
            f"{sizes[tree[node]] - 1}, got {flat[node]}"
        )
    roots = np.bincount(tree[flat < 0], minlength=len(sizes))
    if (roots != 1).any():
        wrong = int(np.argmax(roots != 1))
        raise DataError(f"tree {wrong} wanted one root, a node with the parent -1, got {roots[wrong]}")
    return np.where(flat < 0, len(flat), flat + start[tree])


def _depths(parent: Numbers) -> Numbers:
    """How far each node is from its root, -1 for a node that is on or below a circle.

    Each round doubles how far everybody has looked up, so that a chain of a thousand nodes takes ten rounds.
    """
    count = len(parent)
    above = np.append(parent, count)
    depth: Numbers = (above < count).astype(np.int64)
    for _ in range(count.bit_length() + 1):
        depth = depth + depth[above]
        above = above[above]
        if (above == count).all():
            return depth[:count]
    lost: Numbers = np.where(above == count, depth, -1)
    return lost[:count]


def _inner(parent: Numbers) -> npt.NDArray[np.bool_]:
    """Which nodes have children."""
    inner = np.zeros(len(parent) + 1, dtype=bool)
    inner[parent] = True
    return inner[:-1]


def _reach(tree: Numbers, depth: Numbers) -> Numbers:
    """How deep the tree of each node is; deep trees stand first in a level, so that chains keep their order."""
    deepest: Numbers = np.zeros(int(tree.max()) + 1, dtype=np.int64)
    np.maximum.at(deepest, tree, depth)
    return deepest[tree]


def _order(parent: Numbers, tree: Numbers, depth: Numbers) -> Numbers:
    """The nodes as levels list them: all leaves, then the inner nodes, always the farthest from their root first."""
    return np.lexsort((tree, -_reach(tree, depth), -depth, _inner(parent)))


def _places(parent: Numbers) -> Numbers:
    """Which child of its parent each node is, by the order of the list."""
    order = np.argsort(parent, kind="stable")
    sizes = np.bincount(parent, minlength=len(parent) + 1)
    places = np.empty(len(parent), dtype=np.int64)
    places[order] = np.arange(len(parent)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.where(parent == len(parent), 0, places)


def _levels(parent: Numbers, place: Numbers, tree: Numbers, device: torch.device) -> tuple[Level, ...]:
    depth, inner = _depths(parent), _inner(parent)
    order = _order(parent, tree, depth)
    farthest = int(depth.max())
    # Level 0 has the leaves; level l the inner nodes of depth farthest - l.
    level = np.where(inner, farthest - depth, 0)
    sizes = np.bincount(level, minlength=farthest + 1)
    within = np.empty(len(parent), dtype=np.int64)
    within[order] = np.arange(len(parent)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    children = np.lexsort((tree, -_reach(tree, depth), ~inner, -depth))
    children = children[parent[children] < len(parent)]
    above = farthest - depth[children] + 1
    brood = np.bincount(above, minlength=farthest + 1)
    segment = within[parent[children]]
    moved = segment != np.arange(len(children)) - np.repeat(np.cumsum(brood) - brood, brood)
    even = (np.bincount(above[moved], minlength=farthest + 1) == 0) & (brood == sizes)
    leaves = np.bincount(above[~inner[children]], minlength=farthest + 1)

    def parts(array: Numbers, counts: Numbers) -> tuple[Tensor, ...]:
        return torch.split(torch.from_numpy(array).to(device), counts.tolist())

    tensors = (parts(order, sizes), parts(children, brood), parts(segment, brood), parts(place[children], brood))
    return tuple(Level(*row) for row in zip(*tensors, leaves.tolist(), even.tolist(), strict=True))


def _expect_nodes(values: Tensor, nodes: int) -> None:
    if values.dim() < 1 or values.shape[0] != nodes:
        raise ShapeError(f"values wanted [{nodes}, ...], one for each node of the forest, got {list(values.shape)}")


def _check_kinds(forest: Forest) -> None:
    for name in ("parent", "place", "tree", "roots", "origin"):
        value = getattr(forest, name)
        if not isinstance(value, Tensor) or value.dtype is not torch.int64 or value.dim() != 1:
            came = f"{value.dtype} {list(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
            raise ShapeError(f"{name} of a Forest wanted a list of numbers, int64, got {came}")
        if name != "roots" and len(value) != len(forest.parent):
            raise ShapeError(f"{name} of a Forest wanted [{len(forest.parent)}] like parent, got [{len(value)}]")
        if value.device != forest.parent.device:
            raise ShapeError(f"{name} of a Forest wanted the device of parent, {forest.parent.device}")
    if len(forest.parent) == 0:
        raise DataError("a Forest wanted at least one node, got none")


def _check_nodes(forest: Forest) -> None:
    parent, place, tree, roots = forest.parent, forest.place, forest.tree, forest.roots
    nodes, index = len(parent), torch.arange(len(parent), device=parent.device)
    child = parent >= 0
    _refuse(
        (parent < -1) | (parent >= nodes) | (child & (parent <= index)),
        "wanted a parent that stands after it in the list, or -1; Forest.of takes nodes in any order",
    )
    if len(roots) != nodes - int(child.sum()) or int(tree.max()) >= len(roots) or int(tree.min()) < 0:
        raise DataError(
            f"a Forest wanted one root for each tree, got {len(roots)} roots and {int((~child).sum())} trees"
        )
    if int(roots.min()) < 0 or int(roots.max()) >= nodes or bool(child[roots].any()):
        raise DataError("roots of a Forest wanted the nodes whose parent is -1")
    if not torch.equal(tree[roots], index[: len(roots)]):
        raise DataError("roots of a Forest wanted one root for each tree, in the order of the trees")
    above = torch.where(child, parent, index)
    _refuse(tree[above] != tree, "wanted to belong to the tree of its parent")
    _refuse((place < 0) | (place >= nodes) | (~child & (place != 0)), "wanted a place from 0 up, and 0 at a root")
    taken = torch.unique(parent[child] * nodes + place[child])
    if len(taken) != int(child.sum()):
        raise DataError("place of a Forest wanted different places for the children of one node")
    if not torch.equal(torch.sort(forest.origin).values, index):
        raise DataError("origin of a Forest wanted each number from 0 to N - 1 once")


def _refuse(wrong: Tensor, wanted: str) -> None:
    if bool(wrong.any()):
        raise DataError(f"node {int(wrong.int().argmax())} of a Forest {wanted}")
