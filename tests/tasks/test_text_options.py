from __future__ import annotations

import pytest

from ostinato.data import Vocabulary
from ostinato.errors import OptionError
from ostinato.options import describe, validate
from ostinato.tasks import TextClassifier
from ostinato.tasks.pretrained import filled
from ostinato.tasks.text_options import GROUPS, TextClassifierOptions, check_options, network
from ostinato.train.options import TrainOptions

TRAINING = {field.name for field in describe(TrainOptions)}
NETWORK = {
    "cell": "gru",
    "hidden": 3,
    "layers": 3,
    "bidirectional": False,
    "embedding": 5,
    "pooling": "last",
    "projection": 4,
    "residual": True,
    "norm": True,
    "dropout": 0.11,
    "embedding_dropout": 0.12,
    "word_dropout": 0.13,
    "locked": True,
    "weight_drop": 0.14,
    "recurrent_dropout": 0.16,
    "state_dropout": 0.17,
    "zoneout": 0.18,
    "layer_norm": "gates+memory",
    "label_smoothing": 0.15,
    "bag": 0.3,
}
READING = {"lowercase": False, "min_count": 1, "ngrams": (2, 3), "buckets": 7}
# These act in fit and predict, where their own tests are.
ELSEWHERE = {"init_from", "longest", "refuse", "class_weight", "out_of_scope", "holdout", "data_licence"}


def test_every_option_is_known_to_these_tests():
    names = {field.name for field in describe(TextClassifierOptions)}
    assert names == TRAINING | {*NETWORK} | {*READING} | ELSEWHERE


def test_every_option_has_a_meaning_and_a_group():
    for field in describe(TextClassifierOptions):
        assert field.option.help.endswith(".")
        assert field.option.group in GROUPS


def test_the_defaults_are_valid():
    options = TextClassifierOptions()
    values = {field.name: getattr(options, field.name) for field in describe(TextClassifierOptions)}
    assert validate(TextClassifierOptions, {}) == values


@pytest.mark.parametrize("name", NETWORK)
def test_every_option_of_the_network_changes_it(name):
    plain = network(TextClassifierOptions(layers=2), words=9, pieces=8, classes=3)
    changed = network(TextClassifierOptions(**{"layers": 2, name: NETWORK[name]}), words=9, pieces=8, classes=3)
    assert plain != changed


@pytest.mark.parametrize("name", READING)
def test_every_option_of_reading_changes_the_vocabulary(name):
    def learn(options):
        return Vocabulary.learn(
            ["Stop it now", "stop it"],
            lowercase=filled(options).lowercase,
            min_count=options.min_count,
            ngrams=options.ngrams,
            buckets=options.buckets,
        )

    assert learn(TextClassifierOptions()) != learn(TextClassifierOptions(**{name: READING[name]}))


def test_a_network_is_built_from_every_pooling():
    from ostinato.model import build
    from ostinato.tasks.text_options import POOLINGS

    for pooling in POOLINGS:
        options = TextClassifierOptions(pooling=pooling, hidden=2, embedding=2)
        build(network(options, words=3, pieces=4, classes=2))


def test_class_weights_reach_the_head():
    head = network(TextClassifierOptions(), words=3, pieces=4, classes=2, class_weights=[1.0, 2.0])["head"]
    assert head["class_weights"] == [1.0, 2.0]


def test_what_cannot_act_is_refused_by_the_network():
    from ostinato.model import build

    with pytest.raises(OptionError, match="residual"):
        build(network(TextClassifierOptions(residual=True, layers=1), words=3, pieces=4, classes=2))


@pytest.mark.parametrize(
    ("given", "valid", "words"),
    [
        ({"truncate": 5}, False, "sentences are read whole; truncate does not apply: leave it 0"),
        ({"residual": True}, False, "residual acts between layers and there is only one"),
        ({"norm": True}, False, "norm acts between layers and there is only one"),
        ({"locked": True, "embedding_dropout": 0.0}, False, "locked says how values are dropped .* and none are"),
        ({"locked": True, "embedding_dropout": 0.0, "dropout": 0.0, "layers": 2}, False, "locked says how"),
        ({"buckets": 0, "ngrams": (2, 4)}, False, "ngrams are sizes of pieces .* buckets=0 reads no pieces"),
        ({"ngrams": (5, 3)}, False, r"ngrams wanted two sizes from 1 to 20, the smaller first, got \(5, 3\)"),
        ({"ngrams": (1, 21)}, False, "ngrams wanted two sizes from 1 to 20"),
        ({"momentum": 0.8}, False, "momentum does not apply to the optimizer 'adamw'"),
        ({"holdout": 0.2}, True, "holdout does not apply where data for validation are given"),
        ({"out_of_scope": "oos", "holdout": 0.0}, False, "out_of_scope needs validation rows, .* threshold"),
    ],
)
def test_what_cannot_act_is_refused_before_data_are_read(given, valid, words):
    with pytest.raises(OptionError, match=words):
        check_options(TextClassifierOptions(**given), valid=valid)
    with pytest.raises(OptionError, match=words):
        TextClassifier(**given).fit("no-such-file.csv", valid="nor-this.csv" if valid else None, progress=False)


@pytest.mark.parametrize(
    ("given", "valid"),
    [
        ({}, False),
        ({}, True),
        ({"locked": True}, False),
        ({"locked": True, "embedding_dropout": 0.0, "layers": 2}, False),
        ({"residual": True, "norm": True, "layers": 2}, False),
        ({"buckets": 0}, False),
        ({"momentum": 0.8, "optimizer": "sgd"}, False),
        ({"holdout": 0.2}, False),
        ({"holdout": 0.0}, True),
        ({"out_of_scope": "oos"}, False),
        ({"out_of_scope": "oos", "holdout": 0.0}, True),
    ],
)
def test_what_acts_is_accepted(given, valid):
    check_options(TextClassifierOptions(**given), valid=valid)
