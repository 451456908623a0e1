from __future__ import annotations

import pytest

from ostinato.cells import BUILT_IN
from ostinato.errors import OptionError
from ostinato.model import build
from ostinato.options import describe, validate
from ostinato.tasks.tree_options import GROUPS, TreeClassifierOptions, check_options, network, places


def test_every_option_has_a_group_that_is_told():
    assert {field.option.group for field in describe(TreeClassifierOptions)} == {*GROUPS}


@pytest.mark.parametrize(
    ("options", "valid", "words"),
    [
        ({"binarize": "left", "arity": 3}, False, "a binarized tree has two places of children, got arity=3"),
        ({"truncate": 5}, False, "a tree is no sequence to be cut; truncate does not apply"),
        ({"temporal_penalty": 0.1}, False, "temporal_penalty does not apply"),
        ({"ngrams": (2, 4)}, False, "ngrams are sizes of pieces of words, and buckets=0 reads no pieces"),
        ({"cell": "sru", "binarize": "left"}, False, "binarize='left' tells two places of children apart: arity does"),
        ({"cell": "sru", "arity": 2}, False, "^arity does not apply to sru"),
        ({"cell": "cfc"}, False, "fold cannot serve cfc: it wants dt at every step, and a tree has no time"),
        ({"holdout": 0.2}, True, "holdout does not apply where data for validation are given"),
        ({"momentum": 0.5}, False, "momentum does not apply to the optimizer 'adamw'"),
        ({"buckets": 10, "ngrams": (5, 3)}, False, "ngrams wanted two sizes"),
    ],
)
def test_options_that_cannot_act_are_refused(options, valid, words):
    with pytest.raises(OptionError, match=words):
        check_options(TreeClassifierOptions(**options), valid=valid)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"binarize": "right"}, "binarize wanted one of 'none', 'left', got 'right'"),
        ({"form": "xml"}, "form wanted one of 'lisp', 'labels', 'leaves'"),
        ({"arity": 0}, "arity wanted a whole number at least 1 and at most 256, got 0"),
        ({"inside": 1.0}, "inside wanted a number at least 0 and below 1"),
        ({"hiden": 3}, "unknown option 'hiden'; did you mean 'hidden'"),
    ],
)
def test_values_out_of_range_are_refused(wrong, words):
    with pytest.raises(OptionError, match=words):
        validate(TreeClassifierOptions, wrong)


@pytest.mark.parametrize("options", [{}, {"arity": 2}, {"binarize": "left"}])
def test_the_defaults_can_act_with_cells_that_fold(options):
    for cell in ("lstm", "gru", *list(BUILT_IN)[:1]):
        check_options(TreeClassifierOptions(cell=cell, **options), valid=False)


def test_options_reach_the_network():
    options = TreeClassifierOptions(
        hidden=6, embedding=5, arity=3, dropout=0.3, embedding_dropout=0.4, word_dropout=0.1
    )
    model = build(network(options, words=7, pieces=4, classes=3, inside=0.25, class_weights=[1.0, 2.0, 3.0]))
    assert (model.body.hidden, model.body.arity, model.embed.width) == (6, 3, 5)
    assert (model.head.share, model.head.each.dropout.share, model.enter.share) == (0.25, 0.3, 0.4)
    assert model.embed.hide.share == 0.1
    assert model.head.each.weights.tolist() == [1.0, 2.0, 3.0]


def test_places_of_children():
    assert [places(TreeClassifierOptions(**o)) for o in ({}, {"arity": 4}, {"binarize": "left"})] == [None, 4, 2]
