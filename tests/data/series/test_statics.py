from __future__ import annotations

import numpy
import pytest

from ostinato.data.series import Layout
from ostinato.data.series.columns import columns_of
from ostinato.data.series.statics import one_a_series, statics_of
from ostinato.errors import DataError, OptionError


def test_words_are_numbered_in_order_from_one():
    facts = statics_of(["a", "b", "c"], {}, {"shop": ["south", None, "north"], "kind": [2, 1, 2]})
    assert facts.categories.tolist() == [[2, 2], [0, 1], [1, 2]]
    assert facts.words == (("north", "south"), ("1", "2"))


def test_words_of_a_layout_keep_their_numbers():
    like = Layout(categories=("shop",), words=(("north", "south"),))
    assert statics_of(["a", "b"], {}, {"shop": ["south", "east"]}, like=like).categories.tolist() == [[2], [0]]
    with pytest.raises(DataError, match="series 'b': the category 'east' of 'shop' was not seen in training"):
        statics_of(["a", "b"], {}, {"shop": ["south", "east"]}, like=like, unknown="refuse")
    with pytest.raises(DataError, match="categories wanted the names that the model was trained with"):
        statics_of(["a"], {}, {}, like=like)


@pytest.mark.parametrize("value", [None, numpy.nan, numpy.inf, "x", 1e300])
def test_a_static_number_that_is_none_is_named(value):
    with pytest.raises(DataError, match="series 'b': static 'size' wanted"):
        statics_of(["a", "b"], {"size": [1, value]}, {})


def test_there_is_one_value_a_series():
    with pytest.raises(DataError, match="'size' wanted one value for each of 2 series, got 1"):
        statics_of(["a", "b"], {"size": [1]}, {})
    with pytest.raises(OptionError, match="static wanted a dict of lists"):
        statics_of(["a"], ["size"], {})


def test_the_first_value_of_a_series_holds_for_it():
    columns = columns_of({"shop": [None, "x", "y", None, "x"]})
    codes = numpy.array([0, 0, 1, 1, 0])
    assert one_a_series(columns, "shop", codes, ["a", "b"]) == ["x", "y"]
    with pytest.raises(DataError, match="row 3: series 'a' has 'y' in the static column 'shop' and 'x' before"):
        one_a_series(columns, "shop", numpy.zeros(5, int), ["a"])
