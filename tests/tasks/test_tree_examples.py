from __future__ import annotations

import json

import numpy as np
import pandas
import pytest

from ostinato.data import Labels, Vocabulary
from ostinato.data.expressions import read_tree
from ostinato.data.trees import Tree
from ostinato.errors import DataError, OptionError
from ostinato.tasks.tree_examples import encode_trees, read_tree_examples, shaped, targets

SST = "(3 (2 It) (4 great))\n(1 no)\n"


def test_a_file_of_trees_brings_its_labels_and_lines(tmp_path):
    (tmp_path / "dev.txt").write_text(SST)
    read = read_tree_examples(tmp_path / "dev.txt", form="labels")
    assert read.rows.labels == ["3", "1"]
    assert read.rows.place(1) == f"{tmp_path}/dev.txt, line 2"
    assert read.labelled_inside
    assert sorted(read.all_labels()) == ["1", "2", "3", "4"]
    with pytest.raises(OptionError, match="holds trees with labels and no columns"):
        read_tree_examples(tmp_path / "dev.txt", tree="x", form="labels")


@pytest.mark.parametrize("kind", [dict, pandas.DataFrame])
def test_columns_are_named(kind):
    frame = kind({"code": ["(f x)", "(g y)"], "name": ["a", "b"]})
    read = read_tree_examples(frame, tree="code", label="name")
    assert (read.rows.labels, len(read.trees[0])) == (["a", "b"], 2)
    with pytest.raises(DataError, match="there is no column 'nmae'; did you mean 'name'"):
        read_tree_examples(frame, tree="code", label="nmae")
    with pytest.raises(DataError, match="there is no column 'tree'"):
        read_tree_examples(frame)


def test_nested_lists_come_in_jsonl(tmp_path):
    lines = [{"tree": ["MAX", 2, ["MIN", 4, 7]], "label": 4}, {"tree": "(MAX 1 0)", "label": 1}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    read = read_tree_examples(tmp_path / "a.jsonl")
    assert read.trees == [read_tree("(MAX 2 (MIN 4 7))"), read_tree("(MAX 1 0)")]
    assert read.rows.kind == "int"


def test_labels_of_roots_stand_in_for_a_column_that_is_not_there(tmp_path):
    frame = {"tree": ["(3 a)", "(4 b)"]}
    assert read_tree_examples(frame, form="labels").rows.labels == ["3", "4"]
    assert read_tree_examples(frame["tree"], form="labels").rows.labels == ["3", "4"]
    assert read_tree_examples({**frame, "label": ["x", "y"]}, form="labels").rows.labels == ["x", "y"]


def test_what_was_read_is_taken_as_it_is():
    read = read_tree_examples(["(f x)"], ["a"])
    assert read_tree_examples(read) is read


@pytest.mark.parametrize(
    ("given", "labels", "words"),
    [
        (["(f x)"], None, "row 1: the tree has no label at its root, and no column of labels is given"),
        (["(f x)"], ["a", "b"], "X and y are equally long, got 1 trees and 2 labels"),
        (["(f x)", "(f"], ["a", "b"], "row 2, line 1, column 1: this bracket is opened and never closed"),
        ([3.5], ["a"], "row 1: wanted a tree .* got 3.5 of type float"),
        (["(f x)"], [None], "row 1: column 'label' has no label"),
        ([], [], "no rows"),
        ({"tree": ["(f"], "label": ["a"]}, None, "row 1, line 1, column 1: this bracket is opened"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_row(given, labels, words):
    with pytest.raises(DataError, match=words):
        read_tree_examples(given, labels)


def test_names_of_columns_beside_labels_are_refused():
    with pytest.raises(OptionError, match="with y given there are none to name"):
        read_tree_examples(["(f x)"], ["a"], label="label")


def test_trees_that_differ_in_shape_alone_have_other_digests():
    one, other = (read_tree_examples([text], ["a"]).rows.digest() for text in ("(f x y)", "(f (x y))"))
    assert one != other


def test_rows_keep_their_places_when_picked():
    read = read_tree_examples(["(f x)", "(g y)", "(h z)"], ["a", "b", "c"]).pick(np.array([2, 0]))
    assert (read.rows.labels, read.rows.place(0), read.trees[0].words[0]) == (["c", "a"], "row 3", "h")


@pytest.mark.parametrize("how", ["none", "left"])
def test_every_node_of_the_tree_is_found_again_in_what_is_folded(how):
    trees = [read_tree("(f (g x y) z)"), Tree(("a", "b", "c"), (2, 0, -1))]
    folded = shaped(trees, how)
    encoded = encode_trees(folded, Vocabulary.learn_words((tree.words for tree in folded), min_count=1))
    for tree, nodes in zip(trees, encoded.nodes, strict=True):
        assert sorted(node for node in nodes.tolist() if node >= 0) == [*range(len(tree))]
    assert (encoded.pick(np.array([1])).nodes[0] == encoded.nodes[1]).all()


@pytest.mark.parametrize("how", ["none", "left"])
def test_targets_are_where_their_nodes_are(how):
    read = read_tree_examples(SST.splitlines(), form="labels")
    folded = shaped(read.trees, how)
    encoded = encode_trees(folded, Vocabulary((), buckets=0))
    labels = Labels.learn(read.all_labels())
    for inside in (True, False):
        for row, found in enumerate(targets(read, encoded, labels, inside=inside)):
            tree = read.trees[row]
            wanted = {node: labels.names.index(name) for node, name in enumerate(tree.labels)}
            wanted = wanted if inside else {tree.root: wanted[tree.root]}
            assert {n: t for n, t in zip(encoded.nodes[row].tolist(), found.tolist(), strict=True) if t >= 0} == wanted


def test_an_inner_label_that_training_never_saw_is_told_with_its_row():
    read = read_tree_examples(SST.splitlines(), form="labels")
    encoded = encode_trees(shaped(read.trees, "none"), Vocabulary((), buckets=0))
    with pytest.raises(DataError, match="row 1: the label '2' was not seen in training"):
        targets(read, encoded, Labels(("1", "3"), (1, 1)), inside=True)
