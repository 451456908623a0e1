import numpy as np
import pytest

from ostinato.data.language.columns import Sentence
from ostinato.errors import DataError
from ostinato.tasks import Tagger
from ostinato.tasks.tag_examples import read_tagged, read_words
from ostinato.tasks.tag_options import TaggerOptions
from ostinato.tasks.tag_training import check_lengths, encoded, fingerprint, learn_words, spelled, tags_and_shares
from tests.tasks.tagged import SMALL, TINY, texts_with_spans

SENTENCES = [Sentence(("it\u2019s", "cafe\u0301"), (), "row 1"), Sentence((), (), "row 2")]


def test_words_are_read_in_one_spelling():
    assert spelled(SENTENCES[0]) == ["it's", "caf\xe9"]
    vocabulary = learn_words(TaggerOptions(min_count=1), SENTENCES)
    assert set(vocabulary.words) == {"it's", "caf\xe9"}
    assert encoded(vocabulary, SENTENCES).lengths.tolist() == [2, 0]


def test_a_sentence_that_is_too_long_is_named():
    texts = encoded(learn_words(TaggerOptions(), SENTENCES), SENTENCES)
    check_lengths(texts, SENTENCES, 2)
    with pytest.raises(DataError, match="row 1: the sentence has 2 words, and one to train on has at most 1"):
        check_lengths(texts, SENTENCES, 1)


def test_other_data_have_another_fingerprint():
    data = read_tagged([(["a"], ["X"]), (["b"], ["Y"])])
    assert fingerprint(data, None) != fingerprint(data, data) != fingerprint(data.pick(np.array([0])), data)


@pytest.mark.parametrize("field", ["softmax", "crf"])
def test_other_sentences_and_padding_never_matter(field):
    texts, spans = texts_with_spans()
    model = Tagger(**TINY, field=field).fit(texts, spans, progress=False)
    given = read_words([*texts[:5], "", "stop", "turn " * 40])
    together = tags_and_shares(model.model_, encoded(model.vocabulary_, given))
    for row, sentence in enumerate(given):
        tags, shares = tags_and_shares(model.model_, encoded(model.vocabulary_, [sentence]))
        assert tags[0].tolist() == together[0][row].tolist()
        np.testing.assert_allclose(shares[0], together[1][row], atol=1e-5)


def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path):
    from ostinato.errors import Interrupted
    from ostinato.train import EpochEnded

    texts, spans = texts_with_spans()
    options = {**SMALL, "epochs": 4}
    whole = Tagger(**options).fit(texts, spans, progress=False)
    checkpoint = tmp_path / "c.safetensors"

    def stop(report):
        if isinstance(report, EpochEnded) and report.epoch == 1:
            raise Interrupted("enough")

    with pytest.raises(Interrupted):
        Tagger(**options, checkpoint_every=0.0).fit(texts, spans, checkpoint=checkpoint, progress=stop)
    again = Tagger(**options, checkpoint_every=0.0).fit(
        texts, spans, checkpoint=checkpoint, resume=True, progress=False
    )
    for one, other in zip(whole.model_.parameters(), again.model_.parameters(), strict=True):
        assert (one == other).all()
