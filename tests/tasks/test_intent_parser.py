import pytest

import ostinato
from ostinato import artifact
from ostinato.errors import ArtifactError, DataError, NotFittedError
from ostinato.tasks import IntentParser
from tests.tasks.requests import ELSEWHERE
from tests.tasks.tagged import SMALL, TINY, texts_with_spans

TEXT = "turn off the floor lamp in the attic"


def requests():
    texts, spans = texts_with_spans()
    return texts, [text.split()[1] for text in texts], spans


@pytest.fixture(scope="module")
def trained():
    texts, intents, spans = requests()
    others = list(ELSEWHERE) * 2
    model = IntentParser(**{**SMALL, "holdout": 0.25}, out_of_scope="oos")
    return model.fit(texts + others, intents + ["oos"] * len(others), spans + [[]] * len(others), progress=False)


def test_intents_and_slots_are_learned_together(trained):
    (answer,) = trained.answers([TEXT])
    assert answer.label == "off"
    assert {slot.name: slot.text for slot in answer.slots} == {"name": "floor lamp", "area": "attic"}
    assert all(TEXT[slot.start : slot.end] == slot.text for slot in trained.predict_slots([TEXT])[0])
    assert trained.predict([TEXT]).tolist() == ["off"]
    assert trained.slots_ == ("area", "name")
    assert trained.predict_proba([TEXT]).shape == (1, 3)


def test_evaluation_tells_intents_slots_and_whole_requests(trained):
    report = trained.evaluate(*requests())
    assert report.accuracy > 0.9
    assert report.slot_f1 > 0.9
    assert report.right <= report.count
    assert trained.score(*requests()[:2]) == report.accuracy


def test_what_says_nothing_is_not_known(trained):
    (answer,) = trained.answers([""])
    assert (answer.known, answer.slots) == (False, ())
    assert trained.predict([""]).tolist() == ["oos"]
    assert trained.answers([]) == []


def test_a_saved_model_answers_the_same(trained, tmp_path):
    path = tmp_path / "i.safetensors"
    trained.save(path)
    loaded = ostinato.load(path)
    assert loaded.answers([TEXT, ""]) == trained.answers([TEXT, ""])
    assert loaded.get_params() == trained.get_params()
    manifest, tensors = trained.description()
    for name, value in (("tags", {"names": ["O"], "counts": [1]}), ("threshold", "x"), ("labels", {})):
        artifact.write(path, tensors, {**manifest, name: value})
        with pytest.raises(ArtifactError, match="cannot be used as an intent parser"):
            ostinato.load(path)
    artifact.write(path, tensors, {k: v for k, v in manifest.items() if k != "tags"})
    with pytest.raises(ArtifactError, match="other fields"):
        ostinato.load(path)


def test_validation_comes_as_three_lists():
    model = IntentParser(**{**TINY, "holdout": 0.1}).fit(*requests(), valid=requests(), progress=False)
    assert model.validation_.count == 32
    with pytest.raises(DataError, match="was not seen in training"):
        IntentParser(**TINY).fit(*requests(), valid=(["x"], ["dim"]), progress=False)


def test_an_answer_reads_as_one_says_it(trained):
    (answer,) = trained.answers([TEXT])
    assert str(answer) == "off, name=floor lamp, area=attic"


def test_a_slot_that_was_never_seen_counts_as_missed(trained):
    report = trained.evaluate(["turn off the radio"], ["off"], [[(13, 18, "channel")]])
    (unseen,) = [score for score in report.slots[1:] if score.name == "channel"]
    assert (unseen.support, unseen.right, report.right) == (1, 0, 0)


@pytest.mark.parametrize(
    ("slots", "reason"),
    [
        ([(0, 4, "a"), (2, 7, "b")], "row 2: "),
        ([(0, 99, "a")], "row 2: the span 0 to 99 does not lie in a text of 8 characters"),
        ([(0, 2, "a")], "row 2: the span 0 to 2 .* cuts a word"),
        ([(4, 5, "a")], "row 2: the span 4 to 5 .* covers no word"),
        ([(0, 4, "")], "row 2: the span 0 to 4 has no name"),
        ([("0", 4, "a")], "row 2: a span wanted a start, an end and a name"),
        ("[[0, 4", "row 2: spans wanted a list"),
    ],
)
def test_slots_that_cannot_be_are_told_with_their_row(slots, reason):
    with pytest.raises(DataError, match=reason):
        IntentParser(**TINY).fit(["lamp off", "lamp off", "radio on"], ["x", "x", "y"], [[], slots, []], progress=False)


def test_requests_without_any_slot_are_learned_from():
    texts, intents, _ = requests()
    model = IntentParser(**TINY).fit(texts, intents, progress=False)
    assert model.slots_ == ()
    assert model.predict_slots([TEXT]) == [[]]


def test_mistakes_are_told():
    with pytest.raises(NotFittedError):
        IntentParser().predict(["stop"])
    with pytest.raises(DataError, match="row 1: wanted text, got 7"):
        IntentParser(**TINY).fit(*requests(), progress=False).answers([7])
    with pytest.raises(DataError, match="a classifier needs at least two labels"):
        IntentParser(**TINY).fit(["a", "b"], ["x", "x"], progress=False)
