import warnings

import pytest
import torch

import ostinato
from ostinato import artifact
from ostinato.data.language.schemes import repair
from ostinato.errors import ArtifactError, DataError, NotFittedError, OptionError
from ostinato.tasks import Tagger
from tests.laws.zoo import peephole
from tests.tasks.tagged import SMALL, TINY, texts_with_spans

TEXT = "turn off the floor lamp in the attic"


@pytest.fixture(scope="module")
def trained():
    return Tagger(**SMALL).fit(*texts_with_spans(), progress=False)


@pytest.fixture
def file(trained, tmp_path):
    trained.save(tmp_path / "t.safetensors")
    return tmp_path / "t.safetensors"


@pytest.mark.parametrize("options", [{"field": "softmax"}, {"field": "crf"}, {"field": "crf", "scheme": "bioes"}])
def test_slots_are_learned_and_found_in_the_text(options):
    model = Tagger(**SMALL, **options).fit(*texts_with_spans(), progress=False)
    assert model.scheme_ == options.get("scheme", "bio")
    assert model.validation_.accuracy > 0.9
    found = {span.name: span.text for span in model.predict_spans([TEXT])[0]}
    assert found == {"name": "floor lamp", "area": "attic"}


def test_offsets_are_those_of_the_text_as_it_was_given(trained):
    text = "  Turn off,the  floor lamp in the attic"
    for span in trained.predict_spans([text])[0]:
        assert text[span.start : span.end] == span.text
    (words,) = trained.predict_spans([["turn", "off", "the", "radio"]])
    assert all("turn off the radio"[s.start : s.end] == s.text for s in words)


def test_every_answer_keeps_to_the_scheme(trained):
    for tags in trained.predict([["radio"] * 9, ["the", "room", "lamp", "in"], ["xyzzy"]]):
        assert repair(tags, trained.scheme_) == (tags, 0)


def test_confidences_are_the_probabilities_of_the_chosen_tags(trained):
    (answer,), (shares,) = trained.answers([TEXT]), trained.predict_proba([TEXT])
    assert shares.shape == (len(answer.words), len(trained.classes_))
    torch.testing.assert_close(torch.tensor(shares.sum(1)), torch.ones(len(shares), dtype=torch.float64))
    for tag, sure, row in zip(answer.tags, answer.confidences, shares, strict=True):
        assert sure == row[trained.classes_.tolist().index(tag)]


def test_empty_sentences_single_words_and_no_sentences_are_answered(trained):
    assert trained.predict(["", [], "lamp"])[:2] == [[], []]
    assert len(trained.predict(["lamp"])[0]) == 1
    assert trained.predict([]) == trained.predict_proba([]) == trained.predict_spans([]) == []


def test_a_saved_model_answers_the_same(trained, file):
    loaded = ostinato.load(file)
    assert loaded.answers([TEXT]) == trained.answers([TEXT])
    assert (loaded.scheme_, loaded.training_) == (trained.scheme_, trained.training_)
    assert loaded.get_params() == trained.get_params()
    assert Tagger.load(file).predict([TEXT]) == trained.predict([TEXT])


def test_a_model_with_a_cell_of_ones_own_is_kept(tmp_path):
    model = Tagger(**TINY, cell=peephole).fit(*texts_with_spans(), progress=False)
    model.save(tmp_path / "t.safetensors")
    assert ostinato.load(tmp_path / "t.safetensors").predict([TEXT]) == model.predict([TEXT])


def test_evaluation_counts_words_and_spans(trained):
    report = trained.evaluate(*texts_with_spans())
    assert report.accuracy > 0.95
    assert report.f1 > 0.9
    assert trained.score(*texts_with_spans()) == report.accuracy


def test_tags_unknown_to_the_model_count_as_wrong_and_data_without_known_ones_are_refused(trained):
    report = trained.evaluate([(["the", "lamp"], ["O", "B-thing"])])
    assert report.words.unseen == {"B-thing": 1}
    with pytest.raises(DataError, match="row 1, word 1: the label 'B-thing' was not seen in training"):
        trained.evaluate([(["lamp"], ["B-thing"])])


def test_broken_tags_are_refused_or_repaired_at_evaluation(trained):
    broken = [(["the", "lamp"], ["O", "I-name"])]
    with pytest.raises(DataError, match="'I-name' cannot follow 'O'"):
        trained.evaluate(broken)
    lenient = ostinato.tasks.Tagger(**{**SMALL, "broken": "repair"})
    lenient.__dict__.update({k: v for k, v in trained.__dict__.items() if k.endswith("_")})
    with pytest.warns(UserWarning, match="1 tags broke BIO"):
        assert lenient.evaluate(broken).repaired == 1


def test_validation_data_come_as_pairs_lists_or_files(trained):
    texts, spans = texts_with_spans()
    for valid in ((texts[:4], spans[:4]), [(["lamp"], ["B-name"])]):
        model = Tagger(**{**TINY, "holdout": 0.1}).fit(texts, spans, valid=valid, progress=False)
        assert model.validation_ is not None
    with pytest.raises(DataError, match="the label 'B-other' was not seen"):
        Tagger(**TINY).fit(texts, spans, valid=[(["lamp"], ["B-other"])], progress=False)


def test_parts_of_speech_are_no_spans():
    model = Tagger(**TINY).fit([(["the", "lamp"], ["DET", "NOUN"])] * 4, progress=False)
    assert model.scheme_ is None
    assert model.answers(["the lamp"])[0].spans == ()
    with pytest.raises(DataError, match="no spans; use predict"):
        model.predict_spans(["the lamp"])


def test_what_nothing_can_be_learned_from_is_refused():
    with pytest.raises(DataError, match="all 2 words have the tag 'X'; a tagger needs at least two"):
        Tagger(**TINY).fit([(["a", "b"], ["X", "X"])], progress=False)
    with pytest.raises(DataError, match="row 1: the sentence has 3 words"):
        Tagger(**TINY, longest=2).fit([(["a", "b", "c"], ["X", "Y", "X"])], progress=False)
    with pytest.raises(OptionError, match="field wanted one of"):
        Tagger(field="hmm").fit([(["a"], ["X"])])
    with pytest.raises(NotFittedError):
        Tagger().predict(["stop"])


def test_files_that_are_no_taggers_are_refused(trained, file):
    manifest, tensors = trained.description()
    for name, value in (("scheme", "boi"), ("labels", {"names": ["O"], "counts": [1]}), ("architecture", {})):
        artifact.write(file, tensors, {**manifest, name: value})
        with pytest.raises(ArtifactError, match="cannot be used as a tagger"):
            ostinato.load(file)
    broken = dict(manifest["architecture"])
    broken["head"] = {**broken["head"], "allowed": ["1"]}
    artifact.write(file, tensors, {**manifest, "architecture": broken})
    with pytest.raises(ArtifactError, match="allowed moves of 5 tags wanted 6 rows"):
        ostinato.load(file)
    artifact.write(file, tensors, {k: v for k, v in manifest.items() if k != "scheme"})
    with pytest.raises(ArtifactError, match="other fields"):
        ostinato.load(file)
    artifact.write(file, tensors, {**manifest, "task": "text-classifier"})
    with pytest.raises(ArtifactError, match="wanted a tagger"):
        Tagger.load(file)


def test_half_a_character_and_odd_spaces_are_words_like_others(trained):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [len(tags) for tags in trained.predict(["\ud800 \u00a0x", ["", " ", "\n"]])] == [2, 3]
