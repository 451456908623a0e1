from __future__ import annotations

import pytest

from ostinato.cells import BUILT_IN
from ostinato.errors import OptionError
from ostinato.options import validate
from ostinato.tasks.language_options import LanguageModelOptions, check_options, cutoffs_of, network
from ostinato.tasks.language_recipes import resolved

REFUSED = {
    "bytes are always 256; leave vocabulary out": {"tokens": "bytes", "vocabulary": 300},
    "bytes are always 256; leave min_count out": {"tokens": "bytes", "min_count": 2},
    "lowercase is for words, and the tokens are characters": {"lowercase": True},
    "vectors belong to words, and the tokens are bpe": {"tokens": "bpe", "vectors": "x.vec"},
    "residual acts between layers": {"layers": 1, "residual": True},
    "norm acts between layers": {"layers": 1, "norm": True},
    "locked says how values are dropped, and none are": {"locked": True, "dropout": 0.0},
    "cutoffs wanted whole numbers that grow, such as 2000,10000, got '20,10'": {"cutoffs": "20,10"},
    "cutoffs wanted whole numbers that grow, such as 2000,10000, got 'few'": {"cutoffs": "few"},
    "cutoffs foretell rare tokens by narrower maps than tied has": {"cutoffs": "10", "tied": True},
    "momentum does not apply to the optimizer 'adam'": {"momentum": 0.5},
    "timescale does not apply to elman": {"cell": "elman", "timescale": 20.0},
    "timescale says how gates begin, and init_from": {"init_from": "lm.safetensors", "timescale": 20.0},
    "vocabulary counts the 256 bytes .* wanted at least 257, got 80": {"tokens": "bpe", "vocabulary": 80},
    "average and average_trigger are two ways": {"average": 0.9, "average_trigger": 2},
}


@pytest.mark.parametrize("words", REFUSED)
def test_options_that_cannot_act_are_refused(words):
    with pytest.raises(OptionError, match=words):
        check_options(LanguageModelOptions(**REFUSED[words]), valid=False)


def test_holdout_and_a_text_for_validation_exclude_each_other():
    check_options(LanguageModelOptions(), valid=True)
    with pytest.raises(OptionError, match="holdout does not apply where a text for validation is given"):
        check_options(LanguageModelOptions(holdout=0.2), valid=True)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("recipe", "adm", "recipe wanted one of 'adam', 'awd', got 'adm'"),
        ("tokens", "word", "tokens wanted one of"),
        ("dropout", 1.0, "dropout wanted a number at least 0 and below 1"),
        ("truncate", 0, "truncate wanted a whole number at least 1"),
        ("timescale", 1.0, "timescale wanted a number at least 2"),
        ("timescale", float("inf"), "timescale wanted"),
        ("lr", 0, "lr wanted a number above 0"),
    ],
)
def test_values_out_of_range_are_refused(name, value, words):
    with pytest.raises(OptionError, match=words):
        validate(LanguageModelOptions, {name: value})


def test_cells_that_want_more_than_tokens_are_not_offered():
    wanted = {name for name, member in BUILT_IN.items() if member.inputs}
    with pytest.raises(OptionError):
        validate(LanguageModelOptions, {"cell": next(iter(wanted))})


def test_every_noise_reaches_the_network():
    options = resolved(LanguageModelOptions(recipe="awd"))
    parts = network(options, tokens=50, embedding=20)
    assert parts["embed"] == {"kind": "ids", "count": 50, "width": 20, "dropout": 0.1}
    assert parts["body"]["weight_drop"] == 0.5
    assert parts["body"]["enter_dropout"] == parts["body"]["dropout"] == parts["head"]["dropout"] == 0.4
    assert parts["body"]["locked"] is parts["head"]["locked"] is True


def test_borders_become_numbers():
    assert cutoffs_of(LanguageModelOptions()) == ()
    parts = network(resolved(LanguageModelOptions(cutoffs="5,9")), tokens=50, embedding=20)
    assert parts["head"]["cutoffs"] == [5, 9]
