from __future__ import annotations

import pytest
import torch

from ostinato.data.language.pairs import Pairs
from ostinato.encoder_decoder import EncoderDecoder
from ostinato.errors import OptionError
from ostinato.heads.beam import Ranking
from ostinato.tasks.seq2seq_options import Seq2SeqOptions, network
from ostinato.tasks.seq2seq_sides import Sides
from ostinato.tasks.seq2seq_writing import write


def untrained(**options):
    options = Seq2SeqOptions(hidden=8, embedding=6, **options)
    sides = Sides.learn(options, Pairs(["abc", "b"], ["cab", "a"], (1, 2)))
    torch.manual_seed(0)
    parts = network(options, source=sides.source.size, target=sides.target.size, unknown=sides.target.unknown)
    return EncoderDecoder(parts).eval(), sides


def test_answers_come_in_the_order_of_the_texts():
    net, sides = untrained()
    texts = ["a", "abcabc", "bb", "cab"]
    told = {"beam": 2, "best": 2, "ranking": Ranking(), "reach": (3, 4)}
    whole = write(net, sides, texts, **told)
    assert [each[0].read for each in whole] == [tuple(text) for text in texts]
    assert [len(each) for each in whole] == [2] * 4


def test_an_answer_is_as_long_as_any_in_training_and_longer_for_longer_texts():
    net, sides = untrained()
    with torch.no_grad():
        net.bias[sides.end] = -1e4
    told = {"beam": 1, "best": 1, "ranking": Ranking(), "reach": (3, 4)}
    short, long = (each[0] for each in write(net, sides, ["a", "abcabc"], **told))
    assert (len(short.wrote), len(long.wrote)) == (4, 8)
    assert not short.ended
    assert short.attention.shape == (4, 1)


def test_without_attention_there_is_none():
    net, sides = untrained(attention="none")
    [[answer]] = write(net, sides, ["abc"], beam=1, best=1, ranking=Ranking(), reach=(3, 4))
    assert answer.attention is None


@pytest.mark.parametrize(("beam", "best"), [(0, 1), (-3, 1), (2, 3), (True, 1)])
@pytest.mark.parametrize("texts", [[], ["abc"]])
def test_a_beam_that_means_nothing_is_refused_also_without_texts(texts, beam, best):
    net, sides = untrained()
    with pytest.raises(OptionError, match=r"wanted a whole number from 1 on|widen the beam"):
        write(net, sides, texts, beam=beam, best=best, ranking=Ranking(), reach=(3, 4))


def test_a_beam_may_be_wider_than_the_vocabulary():
    net, sides = untrained()
    [answers] = write(net, sides, ["abc"], beam=50, best=50, ranking=Ranking(), reach=(3, 4))
    assert len(answers) == 50
    assert sides.target.size < 50
