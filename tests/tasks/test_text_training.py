from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from ostinato.data import Labels
from ostinato.errors import DataError, OptionError
from ostinato.tasks import TextClassifier
from ostinato.tasks.examples import read_examples
from ostinato.tasks.text_options import TextClassifierOptions
from ostinato.tasks.text_training import (
    class_weights,
    describe_data,
    enough_epochs,
    enough_patience,
    fingerprint,
    own_options,
    probabilities,
    refusal_threshold,
)
from tests.tasks.requests import TINY, requests, with_others


def test_every_class_weighs_the_same_as_a_whole():
    labels = Labels(("a", "b", "c"), (1, 3, 6))
    weights = np.array(class_weights(labels))
    np.testing.assert_allclose(weights * labels.counts, 10 / 3)


def test_balanced_classes_change_the_weights_that_are_learned():
    texts, labels = requests()
    plain = TextClassifier(**TINY).fit(texts, labels, progress=False)
    balanced = TextClassifier(**TINY, class_weight="balanced").fit(texts, labels, progress=False)
    assert not torch.equal(plain.model_.head.scores.weight, balanced.model_.head.scores.weight)


def test_probabilities_come_in_the_order_of_the_texts(trained):
    texts = requests()[0]
    together = probabilities(trained.model_, trained.vocabulary_.encode(texts))
    for row in (0, 7, len(texts) - 1):
        alone = probabilities(trained.model_, trained.vocabulary_.encode([texts[row]]))
        np.testing.assert_allclose(together[row], alone[0], atol=1e-6)
    backwards = probabilities(trained.model_, trained.vocabulary_.encode(texts[::-1]))
    np.testing.assert_allclose(together, backwards[::-1], atol=1e-6)


def test_a_long_batch_mate_does_not_matter(trained):
    long = "turn on the lamp " * 20_000
    together = probabilities(trained.model_, trained.vocabulary_.encode(["stop", long, "turn off the fan"]))
    alone = probabilities(trained.model_, trained.vocabulary_.encode(["stop"]))
    np.testing.assert_allclose(together[0], alone[0], atol=1e-6)


@pytest.mark.parametrize("words", [3, 3000])
def test_the_caller_s_threads_stay_as_they_were(trained, words):
    torch.set_num_threads(2)
    try:
        probabilities(trained.model_, trained.vocabulary_.encode(["lamp " * words]))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_no_texts_have_no_probabilities(trained):
    assert probabilities(trained.model_, trained.vocabulary_.encode([])).shape == (0, 3)


def test_the_fingerprint_knows_the_data():
    examples, others = read_examples(*requests()), read_examples(*with_others())
    assert len({fingerprint(examples, None), fingerprint(others, None), fingerprint(examples, others)}) == 3


def test_options_that_training_does_not_see_are_compared_by_name_and_as_json():
    told = own_options(TextClassifierOptions(data_licence="CC0-1.0", checkpoint_every=1.0))
    assert told == own_options(TextClassifierOptions())
    assert told == json.loads(json.dumps(told))
    assert {"dropout", "hidden", "holdout", "out_of_scope", "ngrams"} <= set(told)
    assert not {"lr", "seed", "epochs", "data_licence"} & set(told)


def test_patience_grows_with_the_epochs():
    assert [enough_patience(epochs) for epochs in (1, 10, 12, 30, 150)] == [4, 4, 4, 12, 60]


def test_a_few_rows_are_learned_with_the_defaults():
    model = TextClassifier(hidden=16, device="cpu").fit(*requests(), progress=False)
    assert model.score(*requests()) >= 0.9


def test_small_data_are_gone_through_more_often():
    assert [enough_epochs(batches) for batches in (1, 30, 150, 10_000)] == [150, 50, 10, 10]


def test_the_threshold_is_chosen_where_both_kinds_are_told_apart(careful):
    assert 0.0 < careful.threshold_ < 1.0
    assert careful.validation_.out_of_scope_recall is not None


@pytest.mark.parametrize(("refuse", "threshold"), [(0.0, 0.0), (0.24, 0.0), (0.25, 0.7), (0.5, 0.8)])
def test_a_threshold_that_may_not_refuse_one_row_is_not_chosen(refuse, threshold):
    rows = [(0.6, "x"), (0.7, "x"), (0.8, "x"), (0.9, "x"), (0.5, "oos")]
    shares = np.array([[0.0, confidence, 1.0 - confidence] for confidence, _ in rows])
    valid = read_examples(["a"] * len(rows), [label for _, label in rows])
    options = TextClassifierOptions(out_of_scope="oos", refuse=refuse)
    assert refusal_threshold(options, Labels(("oos", "x", "y"), (1, 1, 1)), valid, shares) == threshold


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")]
)
def test_a_network_that_does_not_fit_into_memory_names_its_widths(monkeypatch, error):
    def build(architecture):
        raise error

    monkeypatch.setattr("ostinato.model.build", build)
    with pytest.raises(
        OptionError, match="does not fit into memory with hidden=4, embedding=4 and buckets=16; choose smaller"
    ):
        TextClassifier(**TINY).fit(*requests(), progress=False)


def test_other_errors_of_torch_stay_as_they_are(monkeypatch):
    def build(architecture):
        raise RuntimeError("something else")

    monkeypatch.setattr("ostinato.model.build", build)
    with pytest.raises(RuntimeError, match="something else"):
        TextClassifier(**TINY).fit(*requests(), progress=False)


def test_an_out_of_scope_label_that_no_row_has_names_the_nearest():
    model = TextClassifier(**TINY, out_of_scope="os")
    with pytest.raises(
        OptionError, match="out_of_scope names a label that no training row has: 'os'; did you mean 'oos'"
    ):
        model.fit(*with_others(), progress=False)


def test_one_label_beside_the_out_of_scope_one_is_not_enough():
    model = TextClassifier(**TINY, out_of_scope="oos")
    with pytest.raises(DataError, match="besides 'oos' a classifier needs at least two labels, got 1"):
        model.fit(["a b", "c d", "e f", "g h"], ["x", "x", "oos", "oos"], progress=False)


def test_a_text_of_a_megabyte_is_told_with_its_place(tmp_path):
    path = tmp_path / "train.csv"
    rows = [f"{text},{label}" for text, label in zip(*requests(), strict=True)]
    path.write_text("\n".join(["text,label", *rows[:3], f"{'word ' * 210_000},on", *rows[3:]]))
    with pytest.raises(DataError, match=r"train.csv, line 5: the text has 210,000 words, .* at most 5,000; shorten it"):
        TextClassifier(**TINY, holdout=0.0).fit(path, progress=False)


def test_the_longest_text_is_an_option():
    texts, labels = requests()
    with pytest.raises(DataError, match=r"at most 3; .* raise longest"):
        TextClassifier(**TINY, longest=3).fit(texts, labels, progress=False)


def test_the_data_are_described_in_one_line(trained):
    told = trained.training_["data"]
    assert told == "37 training rows, 3 rows for validation, 3 labels, 25 words in the vocabulary"
    assert describe_data(
        read_examples(["a", "b"], ["x", "y"]), None, trained.vocabulary_, Labels(("x", "y"), (1, 1))
    ).startswith("2 training rows, none for validation, 2 labels")


def test_equal_seeds_give_equal_bits_and_leave_the_caller_s_luck_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = TextClassifier(**TINY, seed=3).fit(*requests(), progress=False)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    second = TextClassifier(**TINY, seed=3).fit(*requests(), progress=False)
    other = TextClassifier(**TINY, seed=4).fit(*requests(), progress=False)
    for name, tensor in first.model_.state_dict().items():
        assert torch.equal(tensor, second.model_.state_dict()[name])
    assert not torch.equal(first.model_.head.scores.weight, other.model_.head.scores.weight)
