from __future__ import annotations

import pytest

from ostinato.data import Vocabulary
from ostinato.errors import OptionError
from ostinato.options import describe, validate
from ostinato.tasks.text_options import GROUPS, TextClassifierOptions, network
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
    "label_smoothing": 0.15,
    "bag": 0.3,
}
READING = {"lowercase": False, "min_count": 1, "ngrams": (2, 3), "buckets": 7}
# These act in fit and predict, where their own tests are.
ELSEWHERE = {"longest", "refuse", "class_weight", "out_of_scope", "holdout", "data_licence"}


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
            lowercase=options.lowercase,
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
