"""Trees as plain values: a word and perhaps a label at every node, and which node is whose child."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ostinato.errors import DataError, OptionError, nearest

# How lists are read: the first word of a list is its own, or its label, or a member like all others.
FORMS = ("lisp", "labels", "leaves")
# One tree of more nodes than this is refused: a bracket that is never closed, or a file of another kind.
MOST_NODES = 1_000_000

BINARIZATIONS = ("none", "left")
# What stands at the nodes that binarizing adds: inside a chain of members, and at its end.
MIDDLE, END = "", ")"


@dataclass(frozen=True)
class Tree:
    """One tree: what each node says, whose child it is, and perhaps which label it has.

    >>> tree = Tree(words=("MAX", "2", "9"), parents=(-1, 0, 0))
    >>> len(tree), tree.root, tree.children
    (3, 0, ((1, 2), (), ()))

    ``parents`` has -1 at the root; nodes may stand in any order, and the children of a node are in the order in which
    they stand. A word may be empty. ``labels`` has None at nodes without a label; it is empty where no node has one.
    What is no tree (two roots, none, a circle) is a :class:`~ostinato.errors.DataError`.
    """

    words: tuple[str, ...]
    parents: tuple[int, ...]
    labels: tuple[str | None, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.words)
        if not count:
            raise DataError("a tree wanted at least one node, got none")
        for name, column in (("parents", self.parents), ("labels", self.labels)):
            if len(column) != count and (column or name == "parents"):
                raise DataError(f"a tree of {count} words wanted as many {name}, got {len(column)}")
        roots = [node for node, parent in enumerate(self.parents) if parent == -1]
        if len(roots) != 1:
            shown = ", ".join(f"node {node}" for node in roots[:3])
            raise DataError(
                f"a tree wanted one root, whose parent is -1, got {len(roots) or 'none'}{shown and ': '}{shown}"
            )
        for node, parent in enumerate(self.parents):
            if not -1 <= parent < count:
                raise DataError(f"node {node} wanted a parent from -1 to {count - 1}, got {parent}")
        circle = find_circle(self.parents)
        if circle is not None:
            raise DataError(f"node {circle} is its own ancestor; a tree has no circle")

    def __len__(self) -> int:
        return len(self.words)

    @property
    def root(self) -> int:
        """The node that is nobody's child."""
        return self.parents.index(-1)

    @property
    def label(self) -> str | None:
        """The label of the root: that of the tree as a whole."""
        return self.labels[self.root] if self.labels else None

    @property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """The children of each node, in their order."""
        found: list[list[int]] = [[] for _ in self.words]
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                found[parent].append(node)
        return tuple(map(tuple, found))

    @property
    def leaves(self) -> list[str]:
        """The words of the nodes without children, from left to right."""
        children = self.children
        return [self.words[node] for node in self.preorder() if not children[node]]

    def preorder(self) -> list[int]:
        """All nodes, each before its children and these from left to right: the order of writing."""
        children = self.children
        order: list[int] = []
        rest = [self.root]
        while rest:
            node = rest.pop()
            order.append(node)
            rest.extend(reversed(children[node]))
        return order


def find_circle(parents: Iterable[int]) -> int | None:
    """A node that is its own ancestor, or None.

    >>> find_circle([-1, 0, 3, 2]), find_circle([1, -1])
    (2, None)
    """
    above = list(parents)
    # 0: not seen, 1: on the way up that is being followed, 2: known to lead to a root.
    seen = bytearray(len(above))
    for start in range(len(above)):
        way = []
        node = start
        while node != -1 and not seen[node]:
            seen[node] = 1
            way.append(node)
            node = above[node]
        if node != -1 and seen[node] == 1:
            return node
        for node in way:
            seen[node] = 2
    return None


def binarize(tree: Tree, how: str) -> Tree:
    """The same tree with at most two children a node: each list of children becomes a chain.

    >>> from ostinato.data.expressions import read_tree, write_tree
    >>> write_tree(binarize(read_tree("(MAX 2 9 4)"), "left"))
    '(")" ("" ("" ("" MAX 2) 9) 4))'

    ``left`` reads a list from its beginning: the node's own word, then one child after the other, then its end; so a
    recurrent step goes from member to member, as over a sequence. The chain is the first child of each link and the
    member the second. A leaf stays as it is. The node that ends a chain has the label of the whole, the nodes inside
    it have none.

    Bowman et al., 2016 (arXiv:1603.06021), read ListOps in this way.
    """
    if how not in BINARIZATIONS:
        raise OptionError(f"binarize got '{how}'; {nearest(how, BINARIZATIONS)}")
    if how == "none":
        return tree
    words, parents, labels = list[str](), list[int](), list[str | None]()

    def add(word: str, parent: int, label: str | None) -> int:
        words.append(word)
        parents.append(parent)
        labels.append(label)
        return len(words) - 1

    children = tree.children
    # What is to be written: a node of the tree, and whose child it will be.
    rest = [(tree.root, -1)]
    while rest:
        node, parent = rest.pop()
        label = tree.labels[node] if tree.labels else None
        members = children[node]
        if not members:
            add(tree.words[node], parent, label)
            continue
        place = add(END, parent, label)
        links = []
        for _ in members:
            place = add(MIDDLE, place, None)
            links.append(place)
        # The chain is written from its end, so the node's own word is the child of the innermost link.
        add(tree.words[node], place, None)
        rest += zip(members[::-1], links, strict=True)
    return Tree(tuple(words), tuple(parents), tuple(labels) if tree.labels else ())
