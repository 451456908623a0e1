import numpy as np
import pytest
import torch

from ostinato.data.language.tagged_batches import TaggedBatches
from ostinato.data.words import Vocabulary
from ostinato.errors import DataError

SENTENCES = [["a", "b", "c"], [], ["b"], ["c", "a"], ["a"]]
TAGS = [0, 1, 2, 1, 2, 0, 0]


def batches(**options):
    texts = Vocabulary.learn_words(SENTENCES, min_count=1, ngrams=None).encode_words(SENTENCES)
    return TaggedBatches(texts, TAGS, **{"size": 2, **options})


def test_every_word_keeps_its_tag_in_every_epoch():
    for epoch in range(3):
        found = {}
        for batch in batches(seed=1).epoch(epoch):
            for words, tags, length in zip(batch.inputs, batch.target, batch.lengths.tolist(), strict=True):
                assert (tags[length:] == -1).all()
                for word, tag in zip(batch.table.words[words[:length]].tolist(), tags.tolist(), strict=False):
                    found.setdefault(word, set()).add(tag)
        # The words a, b and c are numbered by how often they occur.
        assert found == {1: {0}, 2: {1}, 3: {2}}


def test_a_label_comes_beside_the_tags():
    given = batches(label=[7, 8, 9, 10, 11], shuffle=False)
    assert [batch.label.tolist() for batch in given.epoch(0)] == [[7, 8], [9, 10], [11]]
    assert next(iter(batches(shuffle=False).epoch(0))).label is None


def test_an_epoch_goes_on_where_it_was_left():
    whole = [batch.target for batch in batches().epoch(4)]
    rest = [batch.target for batch in batches().epoch(4, 1)]
    assert len(whole) == len(batches()) == 3
    assert all(torch.equal(one, other) for one, other in zip(whole[1:], rest, strict=True))


@pytest.mark.parametrize("tags", [TAGS[:-1], [[0]], [0.5] * 7, ["x"] * 7])
def test_tags_that_do_not_fit_are_refused(tags):
    texts = Vocabulary((), ngrams=None).encode_words(SENTENCES)
    with pytest.raises(DataError, match="one whole number for each of 7 words"):
        TaggedBatches(texts, tags, size=2)


def test_a_sentence_without_words_has_no_tags():
    texts = Vocabulary((), ngrams=None).encode_words([[]])
    (batch,) = TaggedBatches(texts, np.zeros(0), size=1).epoch(0)
    assert batch.target.tolist() == [[-1]]
