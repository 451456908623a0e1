from __future__ import annotations

import json
import pickle

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.data.labels import Labels
from ostinato.data.table import read_table
from ostinato.errors import ArtifactError, DataError


def test_classes_are_sorted_and_counted():
    labels = Labels.learn(["light", "halt", "light"])
    assert (labels.names, labels.counts, len(labels)) == (("halt", "light"), (1, 2), 2)


@given(st.lists(st.text(min_size=1), min_size=1))
def test_labels_come_back_from_their_numbers_and_from_a_file(values):
    labels = Labels.learn(values)
    ids = labels.encode(values)
    assert ids.dtype == numpy.int64
    assert labels.decode(ids) == values
    assert Labels.from_dict(json.loads(json.dumps(labels.to_dict()))) == labels
    assert pickle.loads(pickle.dumps(labels)).decode(ids) == values


def test_a_label_unseen_in_training_names_the_nearest_and_its_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "valid.csv").write_text("text,label\na,light\nb,lihgt\n")
    table = read_table("valid.csv")
    labels = Labels.learn(["light", "halt"])
    with pytest.raises(DataError) as caught:
        labels.encode(table.labels("label"), table.place)
    assert str(caught.value) == (
        "valid.csv, line 3: the label 'lihgt' was not seen in training; did you mean 'light'? known: 'halt', 'light'"
    )
    with pytest.raises(DataError, match=r"^row 2: the label 'x' was not seen"):
        labels.encode(["halt", "x"])


def test_no_labels_are_no_classes():
    with pytest.raises(DataError, match="at least one example, got none"):
        Labels.learn([])
    assert Labels.learn(["a"]).encode([]).shape == (0,)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"names": ["a"]},
        {"names": ["a"], "counts": [1], "more": 1},
        {"names": [], "counts": []},
        {"names": ["b", "a"], "counts": [1, 1]},
        {"names": ["a", "a"], "counts": [1, 1]},
        {"names": [""], "counts": [1]},
        {"names": [1], "counts": [1]},
        {"names": "ab", "counts": [1, 1]},
        {"names": ["a"], "counts": [1, 2]},
        {"names": ["a"], "counts": [-1]},
        {"names": ["a"], "counts": [True]},
        {"names": ["a"], "counts": [1.0]},
        {"names": ["a"], "counts": None},
    ],
)
def test_what_is_no_labels_is_refused(data):
    with pytest.raises(ArtifactError, match="labels"):
        Labels.from_dict(data)
