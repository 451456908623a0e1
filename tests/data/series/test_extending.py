from __future__ import annotations

import numpy
import pandas
import pytest

from ostinato.data.series import extend, read_series
from ostinato.errors import DataError, OptionError
from tests.data.series.zoo import irregular, rich


@pytest.mark.parametrize("freq", ["30min", "D", "B", "ME"])
def test_rows_of_the_future_follow_the_calendar(freq):
    stamps = pandas.date_range("2024-10-21", periods=12, freq=freq, tz="Europe/Berlin")
    table = {"id": ["a"] * 8 + ["b"] * 5, "time": [*stamps[:8], *stamps[:5]], "y": numpy.arange(13.0)}
    longer = extend(read_series(table), 4)
    assert longer.starts.tolist() == [0, 12, 21]
    assert longer.ends.tolist() == [8, 17]
    nanoseconds = stamps.as_unit("ns").astype("int64").tolist()
    assert longer.time.tolist() == nanoseconds + nanoseconds[:9]
    assert numpy.isnan(longer.target[[8, 11, 17, 20]]).all()
    assert longer.target[12:17].ravel().tolist() == [8, 9, 10, 11, 12]


def test_a_panel_that_has_enough_rows_is_left_as_it_is():
    panel = rich(future=8)
    assert extend(panel, 8) is panel
    assert extend(panel, 0) is panel


def test_a_covariate_that_is_missing_ahead_is_named():
    with pytest.raises(DataError) as caught:
        extend(rich(future=3), 5)
    assert str(caught.value) == (
        "series 'a', row 44 (2024-10-26T19:00): 'k' must be known for 5 steps after the last observed one, and 3 are "
        "there; add a row for each step to come, with its time and these covariates and without a target"
    )


def test_an_irregular_series_has_no_future():
    with pytest.raises(DataError, match="series 'a' is irregular"):
        extend(irregular(), 1)
    with pytest.raises(OptionError, match="steps wanted a whole number from 0 on"):
        extend(rich(), -1)
