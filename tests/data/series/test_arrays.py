from __future__ import annotations

import numpy
import pytest
import torch

from ostinato.data.series import Layout, read_series
from ostinato.data.series.arrays import is_arrays, panel_of_arrays
from ostinato.errors import DataError, ShapeError


@pytest.mark.parametrize(
    "source",
    [[[1.0, 2.0]], [1.0, 2.0], numpy.array([1.0, 2.0]), numpy.array([[[1.0], [2.0]]]), torch.tensor([1.0, 2.0])],
    ids=["list of lists", "list", "array", "three axes", "tensor"],
)
def test_one_series_is_read_however_it_is_held(source):
    assert is_arrays(source)
    assert panel_of_arrays(source).target.tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "float64"])
def test_every_kind_of_number_is_read(dtype):
    assert panel_of_arrays([numpy.ones(3, dtype)]).target.dtype == numpy.float32


def test_missing_values_stay_missing():
    numpy.testing.assert_array_equal(panel_of_arrays([[1.0, None]]).target.ravel(), [1.0, numpy.nan])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([[1.0], []], "series '2' (number 2 of the list) is empty"),
        ([[1.0, numpy.inf]], "series '1', row 2: wanted a finite number below 3e38, got inf"),
        ([[1e39]], "series '1', row 1: wanted a finite number"),
        ([[numpy.nan]], "series '1' has no value at all"),
        ([["x"]], "series '1' wanted"),
        ([{"y": 1}], "got a list of dicts"),
        ([numpy.ones((2, 2)), numpy.ones((2, 3))], "series '2' has 3 columns and series '1' has 2"),
        (numpy.ones((1, 1, 1, 1)), "series wanted one array [T] or [S, T, K]"),
    ],
)
def test_what_is_no_series_is_refused(source, message):
    with pytest.raises((DataError, ShapeError)) as caught:
        panel_of_arrays(source)
    assert message in str(caught.value)


def test_names_are_different_and_as_many():
    for ids in (["a"], ["a", "a"], ["a", "b", "c"]):
        with pytest.raises(DataError, match="a name of its own for each of 2 series"):
            panel_of_arrays([[1.0], [2.0]], ids)


def test_arrays_fit_the_layout_that_a_model_has():
    like = Layout(target=("a", "b"), clock="number", frequency=1)
    assert panel_of_arrays([numpy.ones((2, 2))], like=like).layout == like
    with pytest.raises(DataError, match="these arrays have 1 columns; the model was trained on a, b"):
        panel_of_arrays([[1.0]], like=like)


@pytest.mark.parametrize("kind", [numpy.int64, numpy.float32, numpy.float64])
def test_lists_of_numbers_of_numpy_are_series(kind):
    panel = read_series([[kind(1), kind(2), None], [kind(3)]])
    assert panel.lengths.tolist() == [3, 1]
    numpy.testing.assert_array_equal(panel.target[:, 0], [1.0, 2.0, numpy.nan, 3.0])
