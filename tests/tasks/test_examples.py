from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import pandas
import polars
import pytest

from ostinato.errors import DataError, OptionError
from ostinato.tasks.examples import DataWarning, check_training, hold_out, read_examples

TEXTS, LABELS = ["lights on", "stop", "lights off"], ["light", "halt", "light"]
FRAME = {"utterance": TEXTS, "intent": LABELS}


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (TEXTS, LABELS),
        (tuple(TEXTS), tuple(LABELS)),
        (np.array(TEXTS), np.array(LABELS)),
        (np.array(TEXTS, dtype=object), np.array(LABELS, dtype=object)),
        (pandas.Series(TEXTS), pandas.Series(LABELS, dtype="category")),
        (polars.Series(TEXTS), polars.Series(LABELS)),
    ],
    ids=["lists", "tuples", "numpy", "objects", "pandas", "polars"],
)
def test_texts_and_labels_come_as_any_kind_of_list(texts, labels):
    examples = read_examples(texts, labels)
    assert (examples.texts, examples.labels) == (TEXTS, LABELS)
    assert all(type(text) is str for text in examples.texts + examples.labels)


@pytest.mark.parametrize("make", [dict, pandas.DataFrame, polars.DataFrame], ids=["dict", "pandas", "polars"])
def test_frames_have_named_columns(make):
    examples = read_examples(make(FRAME), text="utterance", label="intent")
    assert (examples.texts, examples.labels) == (TEXTS, LABELS)


def test_files_have_named_columns_and_rows_know_their_lines(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("utterance,intent\nlights on,light\nstop,halt\n")
    examples = read_examples(path, text="utterance", label="intent")
    assert examples.place(1) == f"{path}, line 3"
    assert examples.pick(np.array([1])).place(0) == f"{path}, line 3"


def test_a_missing_column_names_the_nearest(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("utterance,intent\nlights on,light\n")
    with pytest.raises(DataError, match="there is no column 'utterence'; did you mean 'utterance'"):
        read_examples(path, text="utterence", label="intent")


def test_lists_have_no_columns_to_name():
    with pytest.raises(OptionError, match="text= and label= name columns"):
        read_examples(TEXTS, LABELS, text="utterance")


def test_texts_and_labels_are_equally_many():
    with pytest.raises(DataError, match="X and y are equally long, got 3 texts and 2 labels"):
        read_examples(TEXTS, LABELS[:2])


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["a", "b"], "str"),
        ([1, 2], "int"),
        ([True, False], "bool"),
        (np.array([1, 0]), "int"),
        ([1, "b"], "str"),
        ([0.5, 1.0], "float"),
        ([1, 0.5], "str"),
    ],
)
def test_the_kind_of_the_labels_is_remembered(labels, kind):
    assert read_examples(["x", "y"], labels).kind == kind


@pytest.mark.parametrize("missing", [None, float("nan"), pandas.NA])
def test_a_missing_label_is_told_with_its_row(missing):
    with pytest.raises(DataError, match="row 2: column 'label' has no label"):
        read_examples(TEXTS, ["light", missing, "light"])


def test_one_label_is_not_enough():
    with pytest.raises(DataError, match="all 3 rows have the label 'x'; a classifier needs at least two labels"):
        check_training(read_examples(TEXTS, ["x"] * 3))


@pytest.mark.parametrize("empty", ["", "   ", "\t"])
def test_an_empty_text_is_told_with_its_place(tmp_path, empty):
    path = tmp_path / "train.tsv"
    path.write_text(f'text\tlabel\nstop\thalt\n"{empty}"\tlight\n')
    with pytest.raises(DataError, match=r"train.tsv, line 3: the text is empty; fill it in or leave the row out"):
        check_training(read_examples(path))


def test_a_column_of_numbers_that_are_all_different_is_no_column_of_labels():
    texts = [f"text {n}" for n in range(150)]
    with pytest.raises(DataError, match="150 rows have 150 different labels; is the label column the right one"):
        check_training(read_examples(texts, list(range(150))))


def test_a_label_with_one_example_is_kept_and_told():
    with pytest.warns(DataWarning, match="a single example are trained on but never validated: 'halt'"):
        check_training(read_examples(TEXTS, LABELS))
    kept, _ = hold_out(LABELS, 0.5, seed=0)
    assert 1 in kept


def test_good_data_raise_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_training(read_examples(TEXTS * 2, LABELS * 2))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_every_label_gives_its_share_to_validation(seed, share):
    labels = ["a"] * 200 + ["b"] * 40 + ["c"] * 9 + ["d"]
    kept, held = hold_out(labels, share, seed)
    assert sorted([*kept, *held]) == list(range(250))
    counts, got = Counter(labels), Counter(labels[row] for row in held)
    assert all(abs(got[label] - share * counts[label]) <= 1 for label in counts)
    assert got["d"] == 0


def test_the_share_is_drawn_by_the_seed_alone():
    labels = list("abcd") * 25
    first, again, other = (hold_out(labels, 0.2, seed)[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_draw_is_the_same_in_every_version_of_numpy():
    assert hold_out(list("ab") * 10, 0.2, seed=1)[1].tolist() == [3, 4, 8, 17]


def test_a_share_of_nothing_holds_nothing_out():
    kept, held = hold_out(["a", "b"], 0.0, seed=1)
    assert kept.tolist() == [0, 1]
    assert held.tolist() == []


def test_the_digest_tells_data_apart():
    def digest(texts, labels):
        return read_examples(texts, labels).digest()

    assert digest(TEXTS, LABELS) == digest(list(TEXTS), tuple(LABELS))
    assert digest(TEXTS, LABELS) != digest(TEXTS[::-1], LABELS)
    assert digest(["ab", "c"], ["x", "y"]) != digest(["a", "bc"], ["x", "y"])


def test_half_a_surrogate_pair_has_a_digest():
    assert read_examples(["a \ud800", "b"], ["x", "y"]).digest() != read_examples(["a ?", "b"], ["x", "y"]).digest()
