from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics

from ostinato.tasks.evaluation import ClassScore, Confusion, compare, counted, percent

LABELS = ["a", "b", "c", "d"]


def answers_of(seed, truth_labels=LABELS, answer_labels=LABELS, count=60):
    random = np.random.default_rng(seed)
    return random.choice(truth_labels, count).tolist(), random.choice(answer_labels, count).tolist()


@pytest.mark.parametrize("seed", range(5))
def test_accuracy_and_macro_f1_are_those_of_scikit_learn(seed):
    truth, answers = answers_of(seed)
    report = compare(truth, answers, labels=LABELS)
    assert report.accuracy == pytest.approx(metrics.accuracy_score(truth, answers), abs=1e-12)
    assert report.macro_f1 == pytest.approx(metrics.f1_score(truth, answers, average="macro"), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_scores_of_classes_are_those_of_scikit_learn(seed):
    truth, answers = answers_of(seed, truth_labels=LABELS[:3], answer_labels=LABELS[1:])
    report = compare(truth, answers, labels=LABELS)
    wanted = metrics.precision_recall_fscore_support(truth, answers, labels=LABELS, zero_division=0)
    got = [(s.precision, s.recall, s.f1, s.support) for s in report.per_class]
    np.testing.assert_allclose(np.array(got).T, np.array(wanted, dtype=float), atol=1e-12)


def test_macro_f1_leaves_out_classes_that_nobody_has_and_nobody_answers():
    truth, answers = answers_of(0, LABELS[:2], LABELS[:2])
    report = compare(truth, answers, labels=LABELS)
    assert report.macro_f1 == pytest.approx(metrics.f1_score(truth, answers, average="macro"), abs=1e-12)


def test_the_confusion_matrix_is_that_of_scikit_learn():
    truth, answers = answers_of(3)
    report = compare(truth, answers, labels=LABELS)
    np.testing.assert_array_equal(report.confusion, metrics.confusion_matrix(truth, answers, labels=LABELS))


def test_labels_unseen_in_training_count_as_wrong_and_are_named():
    report = compare(["a", "z", "z", "y"], ["a", "a", "b", "b"], labels=["a", "b"])
    assert report.accuracy == 0.25
    assert report.unseen == {"y": 1, "z": 2}
    assert report.labels == ("a", "b", "y", "z")
    assert "labels unseen in training count as wrong: 'y' (1), 'z' (2)" in report.table()
    assert report.macro_f1 == pytest.approx(
        metrics.f1_score(["a", "z", "z", "y"], ["a", "a", "b", "b"], average="macro"), abs=1e-12
    )


def test_a_refused_request_is_wrong_inside_and_right_outside_the_scope():
    truth = ["a", "a", "b", "oos", "oos"]
    answers = ["a", "oos", "b", "oos", "a"]
    report = compare(truth, answers, labels=["a", "b", "oos"], out_of_scope="oos", threshold=0.5)
    assert report.in_scope_accuracy == pytest.approx(2 / 3)
    assert report.out_of_scope_recall == 0.5
    assert "answers below a confidence of 50.0 % are refused as 'oos'" in report.table()


def test_without_an_out_of_scope_label_there_are_no_such_numbers():
    report = compare(["a", "b"], ["a", "b"])
    assert report.in_scope_accuracy is None
    assert report.out_of_scope_recall is None
    assert "scope" not in report.table()


def test_without_out_of_scope_examples_there_is_no_recall_of_them():
    report = compare(["a", "b"], ["a", "oos"], labels=["a", "b", "oos"], out_of_scope="oos")
    assert report.in_scope_accuracy == 0.5
    assert report.out_of_scope_recall is None


def test_the_worst_confusions_come_first_and_equal_ones_in_the_order_of_labels():
    truth = ["a", "a", "b", "b", "b", "c"]
    answers = ["b", "b", "c", "a", "b", "a"]
    assert compare(truth, answers).worst_confusions(3) == [
        Confusion("a", "b", 2),
        Confusion("b", "a", 1),
        Confusion("b", "c", 1),
    ]


def test_a_perfect_model_has_no_confusions():
    report = compare(["a", "b"], ["a", "b"])
    assert report.worst_confusions() == []
    assert "worst confusions" not in report.table()


def test_the_dict_is_ready_for_json_and_complete():
    truth, answers = answers_of(1)
    report = compare(truth, answers, labels=LABELS, loss=0.5, source="test.csv")
    read = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert read["accuracy"] == report.accuracy
    assert read["classes"][0] == {
        "label": "a",
        "precision": report.per_class[0].precision,
        "recall": report.per_class[0].recall,
        "f1": report.per_class[0].f1,
        "support": report.per_class[0].support,
    }
    assert np.array(read["confusion"]).sum() == read["count"] == 60
    assert read["source"] == "test.csv"


def test_the_table_tells_everything_in_plain_text():
    report = compare(["yes", "yes", "no"], ["yes", "no", "no"], loss=0.25, source="test.csv")
    assert report.table() == "\n".join(
        [
            "test.csv: 3 examples, 2 classes",
            "  accuracy 66.7 %   macro-F1 66.7 %   loss 0.250",
            "",
            "worst confusions",
            "  1 x  'yes' taken for 'no'",
            "",
            "2 classes",
            "  class  precision  recall      F1  examples",
            "  no          50.0   100.0    66.7         1",
            "  yes        100.0    50.0    66.7         2",
        ]
    )
    assert str(report) == report.table()


def test_of_many_classes_the_table_shows_the_hardest():
    labels = [f"label{n:02d}" for n in range(30)]
    answers = list(labels)
    answers[7] = "label00"
    report = compare(labels, answers)
    title, scores = report.shown_classes()
    assert title == "the 20 hardest of 30 classes"
    assert scores[0] == ClassScore("label07", 0.0, 0.0, 0.0, 1)
    assert len(report.shown_classes(None)[1]) == 30
    assert report.table().splitlines()[0] == "evaluation: 30 examples, 30 classes"


def test_the_representation_is_one_line():
    assert repr(compare(["a", "b"], ["a", "b"])) == "<Evaluation of 2 examples: accuracy 100.0 %, macro-F1 100.0 %>"


def test_truths_and_answers_must_be_equally_many():
    with pytest.raises(ValueError, match="got 1 and 2"):
        compare(["a", "b"], ["a"])


def test_numbers_are_told_as_people_read_them():
    assert percent(0.12345) == "12.3 %"
    assert counted(1234, "row") == "1,234 rows"
