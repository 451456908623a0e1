from __future__ import annotations

import pytest

from ostinato.errors import OptionError
from ostinato.tasks.seq2seq_options import Seq2SeqOptions, TranslatorOptions, check_options, network


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"truncate": 5}, "truncate does not apply"),
        ({"precision": "bfloat16"}, "leave out precision"),
        ({"tokens": "bytes", "vocabulary": 300}, "bytes are always 256"),
        ({"tokens": "bpe", "vocabulary": 258}, "wanted at least 259, got 258"),
        ({"lowercase": True}, "lowercase is for words"),
        ({"copying": True, "attention": "none", "shared": True}, "looks at nothing"),
        ({"copying": True}, "set shared=True"),
        ({"coverage_penalty": 0.1, "attention": "none", "beam": 2}, "looks at nothing"),
        ({"length_penalty": 0.6}, "beam=1 finds only one"),
        ({"coverage_penalty": 0.6}, "beam=1 finds only one"),
        ({"momentum": 0.5}, "momentum does not apply"),
    ],
)
def test_options_that_cannot_act_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        check_options(Seq2SeqOptions(**options), valid=False)


def test_a_holdout_beside_data_for_validation_is_refused():
    with pytest.raises(OptionError, match="holdout does not apply"):
        check_options(Seq2SeqOptions(holdout=0.2), valid=True)
    check_options(Seq2SeqOptions(), valid=True)


def test_a_translator_may_be_greedy():
    check_options(TranslatorOptions(beam=1), valid=False)


def test_each_half_may_have_a_cell_of_its_own():
    parts = network(Seq2SeqOptions(decoder="gru"), source=9, target=8, unknown=None)
    assert (parts["encoder"]["cell"], parts["decoder"]["cell"]) == ("lstm", "gru")
