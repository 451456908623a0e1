from __future__ import annotations

import json
import pickle

import numpy as np
import pandas
import pytest

import ostinato
from ostinato import artifact
from ostinato.data.expressions import read_tree, tree_of
from ostinato.data.trees import Tree
from ostinato.errors import ArtifactError, DataError, Interrupted, NotFittedError, OptionError
from ostinato.tasks import TreeClassifier
from ostinato.train import EpochEnded
from tests.laws.zoo import peephole
from tests.tasks.trees import SMALL, TINY, lists, reviews


@pytest.fixture(scope="module")
def counted():
    return TreeClassifier(**SMALL).fit(*lists(), progress=False)


@pytest.fixture(scope="module")
def reader():
    """Knows the labels of all nodes."""
    return TreeClassifier(**{**SMALL, "form": "labels", "monitor": "loss"}).fit(reviews(), progress=False)


def test_it_learns_what_a_few_lists_are_worth(counted):
    trees, values = lists()
    assert counted.score(trees, values) >= 0.95
    assert counted.classes_.tolist() == [1, 5]
    assert counted.predict(["(MAX 1 (MAX 1 5))"]).tolist() == [5]


def test_probabilities_sum_to_one_and_agree_with_predictions(counted):
    trees = [*lists()[0], "7", "(MIN (MAX 1 (MIN 5 5)) 1)", "(UNKNOWN words)"]
    shares = counted.predict_proba(trees)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-12)
    assert counted.classes_[shares.argmax(axis=1)].tolist() == counted.predict(trees).tolist()


def test_a_tree_is_labelled_the_same_alone_and_beside_others(counted):
    trees = [*lists()[0], "5", "(MIN 1 (MIN 1 (MIN 1 (MIN 1 5))))"]
    together = counted.predict_proba(trees)
    alone = np.concatenate([counted.predict_proba([tree]) for tree in trees])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_trees_come_as_texts_lists_or_values(counted):
    text = "(MAX 1 (MIN 5 5))"
    kinds = [[text], [["MAX", 1, ["MIN", 5, 5]]], [read_tree(text)], (text,), pandas.Series([text])]
    assert len({counted.predict_proba(kind).tobytes() for kind in kinds}) == 1
    assert counted.predict([]).shape == (0,)


def test_labels_at_every_node_are_learned_too(reader):
    report = reader.evaluate(reviews(), nodes=True)
    assert report.accuracy > 0.95
    assert report.count == sum(len(read_tree(text, "labels")) for text in reviews())
    assert reader.evaluate(reviews()).count == len(reviews())
    [labels] = reader.predict_nodes(["(3 (2 it) (3 (2 not) (1 bad)))"])
    assert labels.tolist() == ["3", "2", "3", "2", "1"]


def test_the_labels_of_nodes_are_in_the_order_of_the_tree_as_given(reader):
    tree = read_tree("(3 (2 it) (3 (2 not) (1 bad)))", "labels")
    turned = Tree(tree.words[::-1], tuple(len(tree) - 1 - p if p >= 0 else -1 for p in tree.parents[::-1]))
    # Siblings stand the other way round, so only the words and what is above a single one compare.
    [forward], [backward] = reader.predict_nodes([tree]), reader.predict_nodes([turned])
    assert forward[1] == backward[-2] == "2"
    assert len(backward) == len(tree)


def test_without_weight_inside_only_roots_are_learned():
    model = TreeClassifier(**{**TINY, "form": "labels", "inside": 0.0}).fit(reviews(), progress=False)
    assert model.model_.architecture["head"]["share"] == 0.0
    assert model.classes_.tolist() == ["1", "3"]


def test_weight_inside_wants_labels_there():
    with pytest.raises(OptionError, match=r"inside=0\.3 weighs labels inside the trees, and only roots have labels"):
        TreeClassifier(**TINY, inside=0.3).fit(*lists(), progress=False)


@pytest.mark.parametrize("options", [{"binarize": "none"}, {"binarize": "none", "arity": 2}, {"cell": "gru"}])
def test_children_may_be_added_up_or_have_places(options):
    model = TreeClassifier(**{**TINY, **options}).fit(*lists(), progress=False)
    assert model.predict(["(MAX 1 5)"])[0] in (1, 5)


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
def test_cells_of_the_zoo_train(cell):
    assert TreeClassifier(**{**TINY, "cell": cell}).fit(*lists(), progress=False).model_.body.cell.name == cell


def test_more_children_than_places_are_told_with_their_row(counted):
    options = {**TINY, "binarize": "none", "arity": 2}
    trees, values = lists()
    with pytest.raises(DataError, match="row 33: a node has 3 children, and arity=2 has places for 2; raise it, leave"):
        TreeClassifier(**options).fit([*trees, "(MAX 1 5 5)"], [*values, 5], progress=False)
    model = TreeClassifier(**options).fit(trees, values, progress=False)
    with pytest.raises(DataError, match="row 1: a node has 3 children"):
        model.predict(["(MAX 1 5 5)"])
    assert counted.predict(["(MAX 1 1 1 1 1 1 1)"])[0] in (1, 5)


def test_a_chain_of_three_thousand_nodes_is_labelled(counted):
    chain = 1
    for _ in range(3_000):
        chain = ["MAX", chain]
    plain = TreeClassifier(**{**TINY, "binarize": "none"}).fit(*lists(), progress=False)
    assert plain.predict([tree_of(chain)])[0] in (1, 5)


@pytest.mark.parametrize("valid", ["pair", "frame", "file"])
def test_validation_data_come_as_a_pair_a_frame_or_a_file(valid, tmp_path):
    trees, values = lists()
    frame = {"tree": trees[:6], "label": values[:6]}
    pandas.DataFrame(frame).to_csv(tmp_path / "v.csv", index=False)
    given = {"pair": (trees[:6], values[:6]), "frame": frame, "file": tmp_path / "v.csv"}[valid]
    options = {key: value for key, value in TINY.items() if key != "holdout"}
    model = TreeClassifier(**options).fit(trees, values, valid=given, progress=False)
    assert model.validation_.count == 6


def test_a_share_is_held_out_for_validation():
    model = TreeClassifier(**{**TINY, "holdout": 0.25}).fit(*lists(), progress=False)
    assert model.validation_.count == 8


def test_a_model_comes_back_from_its_file(counted, tmp_path):
    counted.save(tmp_path / "m.safetensors")
    for loaded in (ostinato.load(tmp_path / "m.safetensors"), TreeClassifier.load(tmp_path / "m.safetensors")):
        np.testing.assert_array_equal(loaded.predict_proba(lists()[0]), counted.predict_proba(lists()[0]))
        assert loaded.predict(["(MAX 5 5)"]).tolist() == [5]
        assert loaded.get_params() == counted.get_params()
    again = pickle.loads(pickle.dumps(counted))
    np.testing.assert_array_equal(again.predict_proba(lists()[0]), counted.predict_proba(lists()[0]))


def test_a_cell_of_one_s_own_is_in_the_file(tmp_path):
    model = TreeClassifier(**{**TINY, "binarize": "none", "cell": peephole}).fit(*lists(), progress=False)
    model.save(tmp_path / "m.safetensors")
    loaded = ostinato.load(tmp_path / "m.safetensors")
    np.testing.assert_allclose(loaded.predict_proba(lists()[0]), model.predict_proba(lists()[0]), rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m["labels"].update(names=["a"], counts=[1]), "the network has 2 classes and the file 1 labels"),
        (lambda m: m["architecture"].update(head={"kind": "classify", "classes": 2}), "belong together"),
        (lambda m: m["architecture"]["body"].update(arity=1 << 40), "cannot be used as a tree classifier"),
        (lambda m: m["architecture"]["body"].update(kind="sequence"), "cannot be used as a tree classifier"),
        (lambda m: m["options"].update(binarize="both"), "binarize wanted one of 'none', 'left', got 'both'"),
        (lambda m: m.pop("columns"), "the manifest of a tree classifier has other fields"),
        (lambda m: m["vocabulary"]["words"].append("more"), "the network reads"),
    ],
)
def test_a_file_that_does_not_fit_together_is_told(counted, change, words, tmp_path):
    manifest = json.loads(json.dumps(counted.manifest()))
    change(manifest)
    tensors = {name: tensor.numpy() for name, tensor in counted.model_.state_dict().items()}
    artifact.write(tmp_path / "m.safetensors", tensors, manifest)
    with pytest.raises(ArtifactError, match=words):
        ostinato.load(tmp_path / "m.safetensors")


def test_a_model_of_another_task_is_told(counted, tmp_path):
    counted.save(tmp_path / "trees.safetensors")
    with pytest.raises(ArtifactError, match="is a model of the task 'tree-classifier', wanted a text-classifier"):
        ostinato.TextClassifier.load(tmp_path / "trees.safetensors")
    artifact.write(tmp_path / "texts.safetensors", {}, {"kind": "model", "task": "text-classifier"})
    with pytest.raises(ArtifactError, match="is a model of the task 'text-classifier', wanted a tree-classifier"):
        TreeClassifier.load(tmp_path / "texts.safetensors")


def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path):
    options = {**TINY, "epochs": 3, "dropout": 0.2}

    def stop(report):
        if isinstance(report, EpochEnded) and report.epoch == 0:
            import signal

            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        TreeClassifier(**options).fit(*lists(), checkpoint=tmp_path / "c", progress=stop)
    resumed = TreeClassifier(**options).fit(*lists(), checkpoint=tmp_path / "c", resume=True, progress=False)
    whole = TreeClassifier(**options).fit(*lists(), progress=False)
    np.testing.assert_array_equal(resumed.predict_proba(lists()[0]), whole.predict_proba(lists()[0]))


def test_seeds_decide_everything():
    first, same, other = (TreeClassifier(**{**TINY, "seed": seed}).fit(*lists(), progress=False) for seed in (1, 1, 2))
    shares = [model.predict_proba(lists()[0]).tobytes() for model in (first, same, other)]
    assert shares[0] == shares[1] != shares[2]


@pytest.mark.parametrize("call", ["predict", "predict_proba", "predict_nodes", "answers", "evaluate"])
def test_an_untrained_model_says_so(call):
    with pytest.raises(NotFittedError, match="this TreeClassifier is not trained yet; call fit"):
        getattr(TreeClassifier(), call)(["(MAX 1 2)"])
    with pytest.raises(NotFittedError):
        TreeClassifier().save("never")


@pytest.mark.parametrize(
    ("trees", "words"),
    [
        (["(MAX 1 2"], "row 1, line 1, column 1: this bracket is opened and never closed"),
        (["(MAX 1 2)", 3], "row 2: wanted a tree .* got 3 of type int"),
        (["(MAX 1 2)", ""], "row 2: wanted one tree, got none"),
        (["(MAX 1 2)", ["MAX", []]], "row 2: nested lists, after 2 nodes: a list is empty"),
    ],
)
def test_what_is_no_tree_is_told_with_its_row(counted, trees, words):
    with pytest.raises(DataError, match=words):
        counted.predict(trees)


def test_one_text_is_no_list(counted):
    with pytest.raises(DataError, match="trees wanted a list, got one str"):
        counted.predict("(MAX 1 2)")


def test_labels_unseen_in_training_count_as_wrong_and_only_such_are_an_error(counted):
    report = counted.evaluate(["(MAX 1 5)", "(MIN 1 5)"], [5, 7])
    assert report.unseen == {"7": 1}
    with pytest.raises(DataError, match="row 1: the label '7' was not seen in training"):
        counted.evaluate(["(MAX 1 5)"], [7])
