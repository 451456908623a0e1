from __future__ import annotations

import pytest

from ostinato.data.series import Layout
from ostinato.data.series.columns import columns_of
from ostinato.data.series.grid import Rules
from ostinato.data.series.tables import long_panel, parts_of, wide_panel
from ostinato.errors import DataError

TABLE = columns_of({"ds": [1, 2], "y": [1.0, 2.0], "temp": [3.0, 4.0], "unique_id": ["a", "a"]})


def parts(columns=TABLE, **options):
    given = {"id": None, "time": None, "target": None, "past": (), "known": (), "wide": False, "like": None} | options
    return parts_of(columns, **given)


def test_columns_are_found_by_the_usual_words():
    found = parts()
    assert (found.id, found.time, found.target) == ("unique_id", "ds", ("y",))


def test_a_layout_says_which_columns_are_what():
    found = parts(like=Layout(target=("temp",), known=("y",)))
    assert (found.target, found.known) == (("temp",), ("y",))


def test_a_long_and_a_wide_table_make_panels():
    long = long_panel(TABLE, parts(), Rules(), None, (), (), None, "word")
    assert long.ids == ("a",)
    numbers = columns_of({"ds": [1, 2], "y": [1.0, 2.0], "temp": [3.0, 4.0]})
    wide = wide_panel(numbers, parts(numbers, wide=True), Rules(), None, (), (), None, "word")
    assert wide.ids == ("y", "temp")
    assert wide.target.ravel().tolist() == [1, 2, 3, 4]


def test_a_table_without_an_id_is_one_series():
    columns = columns_of({"ds": [1, 2], "y": [1.0, 2.0]})
    assert long_panel(columns, parts(columns), Rules(), None, (), (), None, "word").ids == ("y",)


def test_a_wide_series_that_is_too_large_is_named():
    columns = columns_of({"ds": [1, 2], "a": [1.0, 2.0], "b": [1.0, 1e300]})
    with pytest.raises(DataError, match="row 2: series 'b': column 'b' wanted a finite number below 3e38, got 1e"):
        wide_panel(columns, parts(columns, wide=True), Rules(), None, (), (), None, "word")


def test_a_wide_series_without_a_value_is_named():
    columns = columns_of({"ds": [1, 2], "a": [1.0, 2.0], "b": [None, None]})
    with pytest.raises(DataError, match="series 'b' has no value at all"):
        wide_panel(columns, parts(columns, wide=True), Rules(), None, (), (), None, "word")
