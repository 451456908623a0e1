"""Labelled trees from whatever a user has: a file of trees, a table with a column of them, or lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.expressions import read_tree, tree_of
from ostinato.data.frames import as_list
from ostinato.data.labels import Labels
from ostinato.data.table import Table, read_table
from ostinato.data.texts import Texts
from ostinato.data.tree_files import is_tree_file, read_tree_file
from ostinato.data.trees import Tree, binarize
from ostinato.data.words import Vocabulary
from ostinato.errors import DataError, OptionError
from ostinato.tasks.examples import Examples, read_examples


@dataclass(frozen=True)
class TreeExamples:
    """Trees, and in ``rows`` their labels as words and where each of them came from."""

    trees: list[Tree]
    rows: Examples

    def __len__(self) -> int:
        return len(self.trees)

    @property
    def labelled_inside(self) -> bool:
        """Whether some node that is no root has a label."""
        return any(name is not None for tree in self.trees for name in _inner_labels(tree))

    def pick(self, rows: NDArray[np.int64]) -> TreeExamples:
        """Some of the rows; each keeps its place."""
        return TreeExamples([self.trees[row] for row in rows.tolist()], self.rows.pick(rows))

    def all_labels(self) -> list[str]:
        """The labels of all roots and then of all other nodes that have one."""
        inner = [name for tree in self.trees for name in _inner_labels(tree) if name is not None]
        return self.rows.labels + inner


def read_tree_examples(
    source: Any, labels: Any = None, *, tree: str | None = None, label: str | None = None, form: str = "lisp"
) -> TreeExamples:
    """Trees and labels from a path or frame with named columns, from a file of trees, or from two lists.

    >>> read_tree_examples(["(3 (2 It) (4 great))"], form="labels").rows.labels
    ['3']
    >>> read_tree_examples(["(MAX 2 9)", "(MIN 2 9)"], [9, 2]).rows.labels
    ['9', '2']

    The columns are called ``tree`` and ``label`` unless named. A tree is a :class:`~ostinato.data.trees.Tree`, a text
    in brackets of the ``form``, or lists in lists. Without a label of its own a tree has that of its root.
    """
    if isinstance(source, TreeExamples):
        return source
    if is_tree_file(source):
        if labels is not None or tree or label:
            raise OptionError(f"{source} holds trees with labels and no columns; leave out y, tree= and label=")
        placed = read_tree_file(source, form)
        table = Table({"tree": [p.tree for p in placed]}, str(source), tuple(p.line for p in placed))
        return _examples([p.tree for p in placed], table, None)
    if labels is not None:
        if tree or label:
            raise OptionError("tree= and label= name columns of a file or frame; with y given there are none to name")
        given, values = as_list(source, "X"), as_list(labels, "y")
        if len(given) != len(values):
            raise DataError(f"X and y are equally long, got {len(given):,} trees and {len(values):,} labels")
        return _examples(read_trees_of(given, form), read_table({"tree": given, "label": values}), "label")
    if isinstance(source, list | tuple):
        table = read_table({"tree": list(source)})
        return _examples(read_trees_of(table.column("tree"), form), table, None)
    table = read_table(source)
    trees = read_trees_of(table.column(tree or "tree"), form, table)
    missing = label is None and "label" not in table.columns and any(t.label is not None for t in trees)
    return _examples(trees, table, None if missing else label or "label")


def read_trees_of(values: Sequence[Any], form: str, table: Table | None = None) -> list[Tree]:
    """Trees from trees, texts in brackets, or lists in lists; ``table`` knows where each stands."""
    trees = []
    for row, value in enumerate(values):
        place = table.place(row) if table else f"row {row + 1}"
        if isinstance(value, Tree):
            trees.append(value)
        elif isinstance(value, str):
            trees.append(read_tree(value, form, source=place))
        elif isinstance(value, list | tuple):
            try:
                trees.append(tree_of(value, form))
            except DataError as error:
                raise DataError(f"{place}: {error}") from None
        else:
            raise DataError(
                f"{place}: wanted a tree (a text in brackets, lists in lists, or a Tree), got {value!r:.60} of type "
                f"{type(value).__name__}"
            )
    return trees


def _examples(trees: list[Tree], table: Table, label: str | None) -> TreeExamples:
    """Trees with labels from a column, or from their roots."""
    if label is None:
        for row, tree in enumerate(trees):
            if tree.label is None:
                raise DataError(
                    f"{table.place(row)}: the tree has no label at its root, and no column of labels is given"
                )
        values: list[Any] = [tree.label for tree in trees]
    else:
        values = table.column(label)
    # What is said about rows needs a text for each; this one tells different trees apart.
    shown = [f"{tree.words}{tree.parents}{tree.labels}" for tree in trees]
    whole = Table({"tree": shown, "label": values}, table.source, table.lines)
    return TreeExamples(trees, read_examples(whole, text="tree", label="label"))


@dataclass(frozen=True)
class EncodedTrees:
    """Trees as a network reads them.

    ``words`` are the words of each tree's nodes, ``parents`` whose children they are, and ``nodes`` which node of the
    tree as it was given each of them is, -1 for one that was added.
    """

    words: Texts
    parents: list[NDArray[np.int64]]
    nodes: list[NDArray[np.int64]]

    def __len__(self) -> int:
        return len(self.parents)

    def pick(self, rows: NDArray[np.int64]) -> EncodedTrees:
        """Some of the trees, in that order."""
        chosen = rows.tolist()
        return EncodedTrees(self.words.pick(rows), [self.parents[r] for r in chosen], [self.nodes[r] for r in chosen])


def shaped(trees: Iterable[Tree], how: str) -> list[Tree]:
    """Trees as they will be folded; each node's label is its number in the tree as given, or None if it was added.

    >>> [tree.labels for tree in shaped([Tree(("f", "x"), (-1, 0))], "left")]
    [('0', None, None, '1')]
    """
    return [binarize(Tree(t.words, t.parents, tuple(map(str, range(len(t))))), how) for t in trees]


def encode_trees(trees: Sequence[Tree], vocabulary: Vocabulary) -> EncodedTrees:
    """Numbers for trees that :func:`shaped` made."""
    words = vocabulary.encode_words(tree.words for tree in trees)
    parents = [np.array(tree.parents, dtype=np.int64) for tree in trees]
    nodes = [np.array([-1 if n is None else int(n) for n in tree.labels], dtype=np.int64) for tree in trees]
    return EncodedTrees(words, parents, nodes)


def targets(examples: TreeExamples, encoded: EncodedTrees, labels: Labels, *, inside: bool) -> list[NDArray[np.int64]]:
    """The class of each node, -1 where it has none; ``inside`` gives other nodes than the roots theirs too."""
    whole = labels.encode(examples.rows.labels, examples.rows.place)
    found = []
    for row, tree in enumerate(examples.trees):
        classes = np.full(len(tree) + 1, -1, dtype=np.int64)
        if inside and tree.labels:
            given = [node for node, name in enumerate(tree.labels) if name is not None]
            names = [tree.labels[node] or "" for node in given]
            classes[given] = labels.encode(names, lambda _, row=row: examples.rows.place(row))  # type: ignore[misc]
        classes[tree.root] = whole[row]
        # The last place stays -1: it stands for nodes that were added.
        found.append(classes[encoded.nodes[row]])
    return found


def _inner_labels(tree: Tree) -> tuple[str | None, ...]:
    return tuple(name for node, name in enumerate(tree.labels) if tree.parents[node] != -1)
