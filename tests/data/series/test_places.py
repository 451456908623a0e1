from __future__ import annotations

import numpy
import pytest

from ostinato.data.series import Features
from ostinato.data.series.places import Places, parted, span
from tests.data.series.zoo import PANELS


@pytest.mark.parametrize("name", PANELS)
def test_each_value_has_the_twin_of_its_name(name):
    panel = PANELS[name]()
    features = Features.fit(panel, missing="always")
    places, columns = Places(features), features.columns
    taken = places.take(len(panel.layout.target))
    for column, twin in zip(range(taken.at.start, taken.at.stop), numpy.arange(len(columns))[taken.twins], strict=True):
        assert columns[twin] == f"missing {columns[column]}"
    assert taken.strict == ()


def test_what_has_no_twin_is_strict():
    features = Features.fit(PANELS["plain"](), missing="never")
    assert Places(features).take(2).strict == (0, 1)
    assert Places(features).take(2).twins is None


def test_missing_values_are_parted_from_the_others():
    values, gone = parted(numpy.array([1.0, numpy.nan], numpy.float32))
    assert values.tolist() == [1.0, 0.0]
    assert gone.tolist() == [False, True]


def test_neighbours_are_a_slice():
    assert span(numpy.array([2, 3, 4])) == slice(2, 5)
    assert span(numpy.array([2, 4])).tolist() == [2, 4]
    assert span(numpy.array([], int)).tolist() == []
