import json

import pytest

from ostinato.data.language.columns import Sentence
from ostinato.tasks.tag_report import compare_tags

TRUTH = [Sentence(("the", "lamp"), ("O", "B-name")), Sentence(("Rome",), ("B-area",)), Sentence((), ())]
LABELS = ("B-area", "B-name", "O")


def made(**options):
    return compare_tags(TRUTH, [["O", "B-name"], ["O"], []], labels=LABELS, scheme="bio", **options)


def test_words_spans_and_sentences_are_counted():
    report = made(known={"the", "lamp"})
    assert (report.count, report.accuracy, report.unknown_accuracy) == (3, 2 / 3, 0.0)
    assert report.f1 == pytest.approx(2 / 3)
    assert [(s.name, s.support, s.right) for s in report.entities] == [("", 2, 1), ("area", 1, 0), ("name", 1, 1)]
    assert report.sentences == (3, 2)
    assert report.confusion[LABELS.index("B-area"), LABELS.index("O")] == 1


def test_the_report_tells_spans_by_name_and_exports_json():
    report = made(source="test.conll", repaired=2)
    text = str(report)
    assert text.startswith("test.conll: 3 sentences, 3 words")
    assert "span F1 66.7 %" in text
    assert "2 tags of the data broke the scheme and were repaired" in text
    assert json.loads(json.dumps(report.to_dict()))["spans"][1]["name"] == "area"
    assert "span F1 66.7 %" in repr(report)
    assert report.shown_classes(1)[0] == "the 1 hardest of 2 names"


def test_tags_without_spans_are_told_one_by_one():
    truth = [Sentence(("go",), ("VERB",))]
    report = compare_tags(truth, [["NOUN"]], labels=("NOUN", "VERB"), scheme=None)
    assert (report.f1, report.entities, report.unknown_accuracy) == (None, (), None)
    assert report.shown_classes()[0] == "1 classes"


def test_tags_that_training_never_saw_are_told_and_count_as_wrong():
    report = compare_tags([Sentence(("go",), ("UH",))], [["VERB"]], labels=("NOUN", "VERB"), scheme=None)
    assert report.accuracy == 0
    assert "labels unseen in training count as wrong: 'UH' (1)" in str(report)


def test_answers_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match="as many tags as words"):
        compare_tags(TRUTH[:1], [["O"]], labels=LABELS, scheme=None)
