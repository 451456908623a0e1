from __future__ import annotations

import numpy as np
import pytest
import torch

from ostinato.data.series import read_series
from ostinato.errors import DataError, OptionError, OstinatoError
from ostinato.tasks.series_examples import Columns, numbers_of, read_series_examples
from tests.tasks.series_sets import long_table, ts_file, waves

SERIES, LABELS = waves(6)
NAMED = Columns("name", "step", ("a", "b"), "kind")


def test_lists_tables_panels_and_ts_files_hold_the_same(tmp_path):
    import pandas

    listed = read_series_examples(SERIES, LABELS, wanted="label")
    table = long_table(SERIES, kind=LABELS)
    read = [
        read_series_examples(table, wanted="label", columns=NAMED),
        read_series_examples(pandas.DataFrame(table), wanted="label", columns=NAMED),
        read_series_examples(ts_file(tmp_path / "w.ts", SERIES, LABELS, ("down", "up")), wanted="label"),
        read_series_examples(read_series(SERIES), LABELS, wanted="label"),
    ]
    for examples in read:
        assert examples.labels == LABELS
        assert examples.panel.lengths.tolist() == listed.panel.lengths.tolist()
        np.testing.assert_allclose(examples.panel.target, listed.panel.target, atol=1e-5)


def test_an_array_of_two_axes_is_many_series_of_one_channel():
    for array in (np.zeros((3, 5)), torch.zeros(3, 5)):
        examples = read_series_examples(array, [1, 2, 3], wanted="label")
        assert examples.panel.lengths.tolist() == [5, 5, 5]
        assert examples.kind == "int"


def test_numbers_come_from_a_column_a_file_or_beside(tmp_path):
    wanted = [float(k) for k in range(6)]
    table = long_table(SERIES, size=wanted)
    columns = Columns("name", "step", ("a", "b"), "size")
    assert read_series_examples(table, wanted="number", columns=columns).numbers.tolist() == wanted
    path = ts_file(tmp_path / "n.ts", SERIES, wanted, ())
    assert read_series_examples(path, wanted="number").numbers.tolist() == wanted
    assert read_series_examples(SERIES, wanted, wanted="number").numbers.tolist() == wanted


def test_picked_series_keep_what_belongs_to_them():
    examples = read_series_examples(SERIES, LABELS, wanted="label")
    picked = examples.pick(np.array([3, 0]))
    assert picked.labels == [LABELS[3], LABELS[0]]
    assert picked.place(0) == "series '4'"
    assert picked.digest() != examples.digest()


def broken(value):
    series = [x.copy() for x in SERIES]
    series[2][1, 0] = value
    return series


@pytest.mark.parametrize(
    ("source", "answers", "wanted", "words"),
    [
        ([], [], "label", "at least one array"),
        ([np.zeros((0, 2)), np.zeros((3, 2))], ["a", "b"], "label", "series '1'"),
        (SERIES, LABELS[:3], "label", "X and y are equally long, got 6 series and 3 labels"),
        (SERIES, [1, 2, None, 4, 5, 6], "number", "series '3' wanted a finite number to be learned, got None"),
        (SERIES, [1, 2, "x", 4, 5, 6], "number", "series '3' wanted a finite number to be learned, got 'x'"),
        (broken(np.inf), LABELS, "label", "series '3'"),
        ([*SERIES, np.zeros((3, 1))], [*LABELS, "up"], "label", "series '7' has 1 columns"),
    ],
)
def test_bad_series_are_refused_by_name(source, answers, wanted, words):
    with pytest.raises(OstinatoError, match=words):
        read_series_examples(source, answers, wanted=wanted)


def test_what_cannot_be_meant_is_refused(tmp_path):
    path = ts_file(tmp_path / "w.ts", SERIES, LABELS, ("down", "up"))
    with pytest.raises(DataError, match="has labels, and a number for each series was wanted"):
        read_series_examples(path, wanted="number")
    with pytest.raises(OptionError, match="id names a column of a table"):
        read_series_examples(path, wanted="label", columns=Columns(id="name"))
    with pytest.raises(OptionError, match="answer names a column of a table, and arrays have none"):
        read_series_examples(SERIES, LABELS, wanted="label", columns=Columns(answer="kind"))
    with pytest.raises(OptionError, match="series without a table wanted a label for each as y, got none"):
        read_series_examples(SERIES, wanted="label")
    with pytest.raises(OptionError, match="which column is the label"):
        read_series_examples(long_table(SERIES), wanted="label", columns=Columns("name", "step", ("a", "b")))
    table = long_table(SERIES, kind=[*LABELS[:5], None])
    with pytest.raises(DataError, match="series 'n5' has no 'kind'; fill it in or leave the series out"):
        read_series_examples(table, wanted="label", columns=NAMED)


def test_truths_that_are_no_numbers_are_refused():
    for value in (True, float("nan"), float("inf"), [1]):
        with pytest.raises(DataError, match="series 'b' wanted a finite number"):
            numbers_of([1, value], ["a", "b"])
