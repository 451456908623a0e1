from __future__ import annotations

import sys

import numpy
import pandas
import polars
import pyarrow
import pytest
import torch

from ostinato.data.frames import as_list, is_missing, read_frame, read_lists
from ostinato.data.table import read_table
from ostinato.errors import DataError, MissingExtraError

WANTED = "wanted a path to a .csv, .tsv or .jsonl file, a data frame, or a dict of lists"


def refusal(call, *arguments):
    with pytest.raises(DataError) as caught:
        call(*arguments)
    return str(caught.value)


def pandas_frame(texts, labels):
    return pandas.DataFrame({"text": texts, "label": pandas.Categorical(labels)}, index=range(7, 7 + len(texts)))


def polars_frame(texts, labels):
    return polars.DataFrame({"text": texts, "label": polars.Series(labels, dtype=polars.Categorical)})


def pyarrow_frame(texts, labels):
    return pyarrow.table({"text": texts, "label": pyarrow.array(labels).dictionary_encode()})


@pytest.mark.parametrize("frame", [pandas_frame, polars_frame, pyarrow_frame])
def test_frames_with_categories_are_read(frame):
    table = read_table(frame(["a", "b", "c"], ["x", "y", "x"]))
    assert table.texts("text") == ["a", "b", "c"]
    assert table.labels("label") == ["x", "y", "x"]
    assert table.place(2) == "row 3"


@pytest.mark.parametrize("frame", [pandas_frame, polars_frame, pyarrow_frame])
def test_a_missing_value_of_a_frame_is_refused_with_its_row(frame):
    table = read_table(frame(["a", None, "c"], ["x", "y", None]))
    assert refusal(table.texts, "text").startswith("row 2: column 'text' has no text (")
    assert refusal(table.labels, "label").startswith("row 3: column 'label' has no label (")


@pytest.mark.parametrize(
    "column",
    [
        pandas.array([1, None], dtype="Int64"),
        pandas.array([True, None], dtype="boolean"),
        pandas.array(["a", None], dtype="string"),
        [1.0, None],
    ],
    ids=["Int64", "boolean", "string", "float"],
)
def test_every_kind_of_nothing_in_pandas_is_missing(column):
    table = read_table(pandas.DataFrame({"label": column}))
    assert "row 2: column 'label' has no label (" in refusal(lambda: table.labels("label"))


def test_labels_in_nullable_columns_become_words():
    frame = pandas.DataFrame(
        {"a": pandas.array([1, 2], dtype="Int64"), "b": pandas.array([True, False], dtype="boolean")}
    )
    table = read_table(frame)
    assert (table.labels("a"), table.labels("b")) == (["1", "2"], ["True", "False"])


@pytest.mark.parametrize(
    "frame",
    [
        pandas.DataFrame([["a", "b"]], columns=["text", "text"]),
        pyarrow.table([pyarrow.array(["a"]), pyarrow.array(["b"])], names=["text", "text"]),
    ],
    ids=["pandas", "pyarrow"],
)
def test_a_name_that_two_columns_of_a_frame_have_is_refused(frame):
    assert refusal(read_frame, frame) == "the data frame has two columns 'text'; rename one of them"


def test_a_frame_without_columns_or_rows_is_refused():
    assert refusal(read_table, pandas.DataFrame()) == "the data frame has no columns"
    empty = pandas.DataFrame({"text": [], "label": []})
    assert refusal(read_table, empty) == "the table has no rows; its columns are 'text', 'label'"
    assert refusal(read_table, {"text": []}) == "the table has no rows; its columns are 'text'"


def test_a_lazy_frame_is_to_be_collected():
    assert (
        refusal(read_table, polars.LazyFrame({"text": ["a"]}))
        == f"{WANTED}; got LazyFrame; collect it first: frame.collect()"
    )


@pytest.mark.parametrize(
    "source",
    [["a"], ("a",), (x for x in "ab"), numpy.array(["a"]), pandas.Series(["a"]), polars.Series(["a"]), [{"text": "a"}]],
    ids=["list", "tuple", "generator", "ndarray", "Series", "polars", "records"],
)
def test_values_without_names_are_to_be_named(source):
    message = f'{WANTED}; got {type(source).__name__}; name its columns: {{"text": [...], "label": [...]}}'
    assert refusal(read_table, source) == message


@pytest.mark.parametrize("source", [None, 3, b"text", object(), {"a"}], ids=["None", "int", "bytes", "object", "set"])
def test_what_is_no_table_is_refused(source):
    assert refusal(read_table, source) == f"{WANTED}; got {type(source).__name__}"


def test_columns_of_a_dict_may_be_of_any_kind_that_has_an_order():
    columns = read_lists(
        {
            "list": ["a", "b"],
            "tuple": ("a", "b"),
            "array": numpy.array(["a", "b"]),
            "pandas": pandas.Series(["a", "b"], index=[5, 3]),
            "polars": polars.Series(["a", "b"]),
            "pyarrow": pyarrow.chunked_array([["a"], ["b"]]),
            "generator": (x for x in "ab"),
            "keys": {"a": 1, "b": 2}.keys(),
        }
    )
    assert all(values == ["a", "b"] for values in columns.values())
    assert as_list(torch.tensor([1, 2]), "y") == as_list(numpy.array([1, 2]), "y") == [1, 2]


def test_a_generator_is_read_once():
    rows = (x for x in "ab")
    assert as_list(rows, "X") == ["a", "b"]
    assert refusal(read_table, {"text": rows}) == "the table has no rows; its columns are 'text'"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("stop", "X wanted a list, got one str; write ['stop']"),
        ({"a", "b"}, "X wanted a list, got a set, whose order means nothing"),
        ({"a": 1}, "X wanted a list, got a dict, whose order means nothing"),
        (
            numpy.zeros((2, 1)),
            "X wanted one axis, got the shape [2, 1]; take one column of it, or flatten it with .ravel()",
        ),
        (numpy.array("a"), "X wanted one axis, got the shape []"),
        (pandas.DataFrame({"a": ["b"]}), "X wanted one axis, got the shape [1, 1]; take one column"),
        (3, "X wanted a list, got int"),
        (None, "X wanted a list, got NoneType"),
    ],
    ids=["str", "set", "dict", "matrix", "scalar", "frame", "int", "None"],
)
def test_a_column_that_is_no_list_is_refused(values, message):
    assert refusal(as_list, values, "X").startswith(message)


def test_the_columns_of_a_dict_are_equally_long_and_named():
    message = refusal(read_lists, {"text": ["a", "b", "c"], "label": ["x", "y"]})
    assert message == "the columns of a table are equally long; 'text' has 3, 'label' has 2"
    assert refusal(read_lists, {1: ["a"]}) == "the columns of a table are named by words, got 1 of type int"
    assert refusal(read_lists, {}) == f"{WANTED}; got an empty dict"


def test_missing_is_only_what_says_so():
    assert all(is_missing(v) for v in (None, float("nan"), numpy.float16("nan"), pandas.NA, pandas.NaT))
    assert not any(is_missing(v) for v in ("", "nan", "NA", 0, False, [], numpy.zeros(3), pandas.Series([1, 2])))


def test_frames_say_which_package_they_need(monkeypatch):
    monkeypatch.setitem(sys.modules, "narwhals", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ostinato\[train\]'"):
        read_table(pandas.DataFrame({"text": ["a"]}))
