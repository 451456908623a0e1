from __future__ import annotations

import numpy as np
import pytest

from ostinato.data.expressions import read_tree
from ostinato.errors import DataError, OptionError
from ostinato.tasks import TreeClassifier
from ostinato.tasks import tree_training as training
from ostinato.tasks.tree_examples import encode_trees, read_tree_examples, shaped
from ostinato.tasks.tree_options import TreeClassifierOptions
from tests.tasks.trees import SMALL, TINY, lists, reviews


def place(row):
    return f"row {row + 1}"


def test_labels_inside_weigh_half_where_there_are_any():
    plain, inner = read_tree_examples(*lists()), read_tree_examples(reviews(), form="labels")
    assert training.share_inside(TreeClassifierOptions(), plain) == 0.0
    assert training.share_inside(TreeClassifierOptions(), inner) == 0.5
    assert training.share_inside(TreeClassifierOptions(inside=0.0), inner) == 0.0
    assert training.share_inside(TreeClassifierOptions(inside=0.2), inner) == 0.2


def test_trees_that_are_too_large_are_told_with_their_row():
    trees = [read_tree("(f x)"), read_tree("(f a b c)")]
    with pytest.raises(DataError, match="row 2: the tree has 4 nodes, and a training tree has at most 3; leave it out"):
        training.check_trees(trees, TreeClassifierOptions(largest=3), place)
    with pytest.raises(DataError, match="row 2: a node has 3 children"):
        training.check_places(trees, 2, place)
    training.check_places(trees, 3, place)
    training.check_places(trees, None, place)


@pytest.mark.parametrize("binarize", ["none", "left"])
def test_nodes_are_told_in_the_order_of_their_tree_and_roots_agree(binarize):
    model = TreeClassifier(**{**TINY, "binarize": binarize}).fit(*lists(), progress=False)
    trees = [read_tree(text) for text in (*lists()[0], "7", "(MAX 1 2 3 4 (MIN 5 6))")]
    encoded = encode_trees(shaped(trees, binarize), model.vocabulary_)
    roots, nodes = training.root_shares(model.model_, encoded), training.node_shares(model.model_, encoded)
    for tree, whole, each in zip(trees, roots, nodes, strict=True):
        assert each.shape == (len(tree), 2)
        np.testing.assert_allclose(each[tree.root], whole, rtol=1e-6)
    np.testing.assert_allclose(np.concatenate(nodes).sum(axis=1), 1.0, rtol=1e-12)


def test_batches_are_small_where_trees_are_large(monkeypatch):
    model = TreeClassifier(**TINY).fit(*lists(), progress=False)
    encoded = encode_trees(shaped([read_tree(text) for text in lists()[0]], "left"), model.vocabulary_)
    whole = training.root_shares(model.model_, encoded)
    monkeypatch.setattr(training, "_NODES_AT_ONCE", 20)
    np.testing.assert_allclose(training.root_shares(model.model_, encoded), whole, atol=1e-6)


def test_rare_labels_weigh_as_much_as_frequent_ones():
    trees, values = lists()
    model = TreeClassifier(**{**TINY, "class_weight": "balanced"}).fit(trees, values, progress=False)
    assert model.model_.head.each.weights is not None
    with pytest.raises(OptionError, match="class_weight='balanced' wanted every label at the root of some tree"):
        TreeClassifier(**{**TINY, "class_weight": "balanced", "form": "labels"}).fit(reviews(), progress=False)


def test_a_network_too_large_for_the_memory_is_told():
    with pytest.raises(OptionError, match="does not fit into memory with hidden=65536"):
        TreeClassifier(**{**SMALL, "hidden": 65536, "embedding": 65536, "epochs": 1}).fit(*lists(), progress=False)
