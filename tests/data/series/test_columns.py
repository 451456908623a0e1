from __future__ import annotations

import numpy
import pandas
import polars
import pyarrow
import pyarrow.parquet
import pytest

from ostinato.data.series.columns import columns_of
from ostinato.errors import DataError

VALUES = {"id": ["a", "b", "a"], "y": [1.5, None, 3.0]}
KINDS = {
    "dict": lambda v: v,
    "pandas": pandas.DataFrame,
    "polars": polars.DataFrame,
    "pyarrow": pyarrow.table,
    "arrays": lambda v: {"id": numpy.array(v["id"]), "y": numpy.array(v["y"], float)},
}


@pytest.mark.parametrize("kind", KINDS)
def test_columns_are_the_same_from_every_source(kind):
    columns = columns_of(KINDS[kind](VALUES))
    numpy.testing.assert_array_equal(columns.numbers("y"), [1.5, numpy.nan, 3.0])
    codes, words = columns.words("id")
    assert (codes.tolist(), words) == ([0, 1, 0], ["a", "b"])
    assert columns.place(2) == "row 3"


@pytest.mark.parametrize(
    "dtype", ["int8", "int64", "Int64", "float32", "Float64", "bool", "boolean", "object", "uint16"]
)
def test_every_kind_of_number_is_read(dtype):
    columns = columns_of(pandas.DataFrame({"y": pandas.Series([1, 0, 1]).astype(dtype)}))
    assert columns.numbers("y").tolist() == [1, 0, 1]


def test_files_are_read_with_their_lines(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,y\na,1\nb,NA\na,\n", encoding="utf-8")
    columns = columns_of(path)
    numpy.testing.assert_array_equal(columns.numbers("y"), [1, numpy.nan, numpy.nan])
    assert columns.place(1) == f"{path}, line 3"
    frame = pandas.DataFrame(VALUES)
    frame.to_parquet(tmp_path / "t.parquet")
    numpy.testing.assert_array_equal(columns_of(tmp_path / "t.parquet").numbers("y"), [1.5, numpy.nan, 3.0])


@pytest.mark.parametrize("size", [0, 4, 100])
def test_a_parquet_file_that_is_cut_short_is_refused(tmp_path, size):
    path = tmp_path / "t.parquet"
    pandas.DataFrame(VALUES).to_parquet(path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DataError, match=r"t\.parquet is not a Parquet file that can be read"):
        columns_of(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"there is no file .*x\.parquet"):
        columns_of(tmp_path / "x.parquet")


@pytest.mark.parametrize("value", ["twelve", "1,5", object()])
def test_what_is_no_number_is_named_by_its_row(value):
    with pytest.raises(DataError, match="row 2: column 'y' wanted a number, got"):
        columns_of({"y": [1, value]}).numbers("y")


@pytest.mark.parametrize("value", [numpy.inf, -numpy.inf, "inf"])
def test_infinite_values_are_refused(value):
    with pytest.raises(DataError, match=r"row 2: column 'y' wanted a finite number, got -?inf"):
        columns_of({"y": [1.0, value]}).numbers("y")


def test_numbers_whose_sum_is_too_large_are_still_finite():
    assert columns_of({"y": [1e308, 1e308]}).numbers("y").tolist() == [1e308, 1e308]


def test_a_word_and_a_number_that_look_alike_are_refused():
    with pytest.raises(DataError, match="has '1' as a word and as a number"):
        columns_of({"id": [1, "1"]}).words("id")


def test_whole_numbers_beside_missing_ones_stay_whole():
    codes, words = columns_of(pandas.DataFrame({"id": [7.0, None, 8.0]})).words("id")
    assert (codes.tolist(), words) == ([0, -1, 1], ["7", "8"])


@pytest.mark.parametrize(
    "source",
    [3, {}, {"a": [1], "b": [1, 2]}, {"a": []}, {"a": {1, 2}}, pandas.DataFrame(), pandas.DataFrame({"a": []})],
)
def test_what_is_no_table_is_refused(source):
    with pytest.raises(DataError):
        columns_of(source)


def test_two_columns_of_one_name_are_refused():
    frame = pandas.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(DataError, match="two columns"):
        columns_of(frame)
