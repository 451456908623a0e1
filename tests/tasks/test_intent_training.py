import numpy as np

from ostinato.tasks import IntentParser
from ostinato.tasks.intent_examples import read_requests
from ostinato.tasks.intent_training import learn_tags, shares_and_tags
from ostinato.tasks.tag_examples import read_words
from ostinato.tasks.tag_training import encoded
from tests.tasks.tagged import TINY, texts_with_spans


def test_there_is_always_a_tag_for_what_is_no_slot():
    assert learn_tags([read_requests(["lamp"], ["x"], [[(0, 4, "name")]])]).names == ("B-name", "O")


def test_other_requests_and_padding_never_matter():
    texts, spans = texts_with_spans()
    model = IntentParser(**TINY).fit(texts, [text.split()[1] for text in texts], spans, progress=False)
    given = [*texts[:3], "", "turn " * 30]
    shares, tags = shares_and_tags(model.model_, encoded(model.vocabulary_, read_words(given)))
    for row, text in enumerate(given):
        mine, alone = shares_and_tags(model.model_, encoded(model.vocabulary_, read_words([text])))
        np.testing.assert_allclose(mine[0], shares[row], atol=1e-5)
        assert alone[0].tolist() == tags[row].tolist()
