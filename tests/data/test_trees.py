from __future__ import annotations

import pytest

from ostinato.data.expressions import read_tree, write_tree
from ostinato.data.trees import END, MIDDLE, Tree, binarize, find_circle
from ostinato.errors import DataError, OptionError

CHAIN = Tree(("x",) * 10_000, tuple(range(-1, 9_999)))


@pytest.mark.parametrize(
    ("parents", "words"),
    [
        ((), "at least one node, got none"),
        ((-1, -1), "wanted one root, whose parent is -1, got 2: node 0, node 1"),
        ((1, 0), "wanted one root, whose parent is -1, got none"),
        ((-1, 2, 1), "node 1 is its own ancestor; a tree has no circle"),
        ((-1, 1), "node 1 is its own ancestor"),
        ((-1, 5), "node 1 wanted a parent from -1 to 1, got 5"),
        ((-1, -2), "node 1 wanted a parent from -1 to 1, got -2"),
    ],
)
def test_what_is_no_tree_is_told(parents, words):
    with pytest.raises(DataError, match=words):
        Tree(("w",) * len(parents), parents)


def test_columns_are_equally_long():
    with pytest.raises(DataError, match="a tree of 2 words wanted as many parents, got 1"):
        Tree(("a", "b"), (-1,))
    with pytest.raises(DataError, match="as many labels, got 1"):
        Tree(("a", "b"), (-1, 0), ("x",))


def test_nodes_may_stand_in_any_order():
    tree = Tree(("works", "It", "well"), (-1, 0, 0))
    turned = Tree(("It", "works", "well"), (1, -1, 1))
    assert write_tree(tree) == write_tree(turned) == "(works It well)"
    assert turned.root == 1
    assert turned.leaves == ["It", "well"]
    assert turned.preorder() == [1, 0, 2]


def test_the_label_of_a_tree_is_that_of_its_root():
    assert Tree(("a", "b"), (1, -1), ("x", None)).label is None
    assert Tree(("a", "b"), (1, -1), ("x", "y")).label == "y"
    assert Tree(("a",), (-1,)).label is None


def test_a_circle_is_found_wherever_it_begins():
    assert find_circle([]) is None
    assert find_circle([-1, 2, 3, 1, 1]) in (1, 2, 3)
    assert find_circle([0]) == 0


def test_a_tree_may_be_ten_thousand_deep():
    assert len(CHAIN.preorder()) == 10_000
    assert CHAIN.leaves == ["x"]
    assert len(binarize(CHAIN, "left")) == 9_999 * 3 + 1


def test_without_binarizing_a_tree_stays_as_it_is():
    tree = read_tree("(a b c)")
    assert binarize(tree, "none") is tree
    with pytest.raises(OptionError, match="binarize got 'lift'; did you mean 'left'"):
        binarize(tree, "lift")


def test_a_chain_has_the_members_in_their_order():
    tree = binarize(read_tree("(MAX 2 (MIN 4 7) 9)"), "left")
    inner = '(")" ("" ("" MIN 4) 7))'
    assert write_tree(tree) == f'(")" ("" ("" ("" MAX 2) {inner}) 9))'
    assert max(map(len, tree.children)) == 2


@pytest.mark.parametrize("text", ["x", "(f x)", "(f (g (h x)) y)", "(f a b c d e (g a b) c)"])
def test_a_binarized_tree_says_the_same_words(text):
    tree = read_tree(text)
    added = (MIDDLE, END)
    said = sorted(word for word in binarize(tree, "left").words if word not in added)
    assert said == sorted(tree.words)


def test_labels_stay_with_what_they_are_labels_of():
    tree = binarize(read_tree("(3 (2 It) (4 great))", "labels"), "left")
    assert tree.label == "3"
    labelled = {word: label for word, label in zip(tree.words, tree.labels, strict=True) if label}
    assert labelled == {END: "3", "It": "2", "great": "4"}
    # What is added has no label: three links and ends, and the empty word of the list itself.
    assert tree.labels.count(None) == 3
