from __future__ import annotations

import math

import pytest

from ostinato.encoder_decoder import build_encoder_decoder
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
        ({"decoder": "elman", "timescale": 9.0}, "timescale does not apply to elman"),
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
    parts = network(TranslatorOptions(decoder="gru"), source=9, target=8, unknown=None)
    assert (parts["encoder"]["cell"], parts["decoder"]["cell"]) == ("lstm", "gru")
    # The gates of the one would begin open; those of the other begin half open anyway.
    assert (parts["encoder"]["timescale"], parts["decoder"]["timescale"]) == (2, None)


@pytest.mark.parametrize(
    ("options", "begun"),
    [
        (TranslatorOptions(hidden=64), 0.0),
        (Seq2SeqOptions(hidden=64), 1.0),
        (Seq2SeqOptions(hidden=64, timescale=40.0), math.log(39)),
    ],
)
def test_gates_of_both_halves_begin_half_open_in_a_translator_unless_told_otherwise(options, begun):
    made = build_encoder_decoder(network(options, source=9, target=9, unknown=None))
    for stack in (made.encoder, made.decoder.stack):
        keep = stack.layers[0][0].b.detach()[64:128]
        assert 0.8 * begun <= keep.max() <= begun + 1e-6
