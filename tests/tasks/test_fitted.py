from __future__ import annotations

import numpy as np
import pytest

from ostinato.data import Labels, Vocabulary
from ostinato.errors import DataError
from ostinato.tasks.fitted import KINDS, Classes, check_parts, labels_from, mean_loss, network_of, watcher

LABELS = Labels(("a", "b"), (1, 1))


@pytest.mark.parametrize("value", ["word", 3, True, False, 2.5])
def test_labels_get_their_type_back(value):
    assert KINDS[type(value).__name__](str(value)) == value


@pytest.mark.parametrize("given", [["B", "a"], [10, 9], [False, True], [-1.0, -2.5]])
def test_classes_are_sorted_and_come_back_from_a_file_in_their_type(given):
    model, again = Classes(), Classes()
    names = tuple(str(label) for label in given)
    model._name(Labels(names, (1, 1)), type(given[0]).__name__)
    again._name(*labels_from(model._named()))
    for one in (model, again):
        assert one.classes_.tolist() == sorted(given)
        assert one._as_given([*names]).tolist() == given
        assert one._as_given([]).dtype == one.classes_.dtype


def test_a_function_is_told_every_report_and_silence_is_silent(capsys):
    told = []
    with watcher(told.append) as watch:
        watch("report")
    with watcher(False) as watch:
        watch("report")
    assert told == ["report"]
    assert capsys.readouterr() == ("", "")


def test_the_loss_leaves_out_labels_that_are_not_known():
    shares = np.array([[0.5, 0.5], [0.0, 1.0], [0.1, 0.9]])
    assert mean_loss(shares, ["a", "a", "c"], LABELS) == pytest.approx(
        (-np.log(0.5) - np.log(2.2250738585072014e-308)) / 2
    )


def test_parts_that_do_not_belong_together_are_told():
    vocabulary = Vocabulary(("x",), buckets=0)
    embed = {"words": 2, "pieces": 0}
    check_parts({"head": {"classes": 2}, "embed": embed}, LABELS, vocabulary)
    with pytest.raises(DataError, match="the network has 3 classes and the file 2 labels"):
        check_parts({"head": {"classes": 3}, "embed": embed}, LABELS, vocabulary)
    with pytest.raises(DataError, match="the network reads 5 words and the vocabulary has 2"):
        check_parts({"head": {"classes": 2}, "embed": {"words": 5, "pieces": 0}}, LABELS, vocabulary)


def test_nothing_is_made_as_large_as_a_file_claims():
    with pytest.raises(DataError, match="1000 layers cannot come from 0 tensors"):
        network_of({"body": {"layers": 1000}}, {}, False)
