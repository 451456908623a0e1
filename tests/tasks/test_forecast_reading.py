from __future__ import annotations

import numpy as np
import pytest

from ostinato.data.series import read_series
from ostinato.errors import DataError, OptionError
from ostinato.tasks.forecast_reading import check_reading, read_history


def test_a_word_of_reading_that_is_unknown_names_the_nearest():
    with pytest.raises(OptionError, match="unknown option 'freqency'; did you mean 'frequency'"):
        check_reading({"freqency": "D"})


def test_later_data_are_read_as_the_first():
    first = read_series(
        {"shop": ["a", "a"], "day": ["2024-01-01", "2024-01-02"], "n": [1, 2]}, id="shop", time="day", target="n"
    )
    later = read_history({"shop": ["z"], "day": ["2024-01-03"], "n": [5]}, {"id": "shop", "time": "day"}, first.layout)
    assert later.ids == ("z",)
    assert later.layout == first.layout


def test_arrays_have_no_columns_to_be_named():
    layout = read_history([[1.0, 2.0]], {}).layout
    assert read_history([np.arange(3.0)], {"id": "shop", "time": "day"}, layout).rows == 3


def test_nothing_is_refused():
    with pytest.raises(DataError):
        read_history([], {})
