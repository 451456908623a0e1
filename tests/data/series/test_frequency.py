from __future__ import annotations

from datetime import timedelta

import numpy
import pandas
import pytest

from ostinato.data.series import Frequency
from ostinato.data.series.zones import Zone
from ostinato.errors import OptionError

CODES = ["ns", "10ms", "s", "15min", "30min", "h", "6h", "D", "2D", "B", "7D", "M", "3M", "12M", "step", "5step"]


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_read_as_it_is_written(code):
    assert Frequency.of(code).code == code
    assert Frequency.of(Frequency.of(code)) == Frequency.of(code)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        *[("H", "h"), ("1h", "h"), ("60min", "h"), ("hour", "h"), ("2 hours", "2h"), ("T", "min"), ("d", "D")],
        *[("W", "7D"), ("W-SUN", "7D"), ("week", "7D"), ("MS", "M"), ("ME", "M"), ("months", "M"), ("QS-JAN", "3M")],
        *[
            ("Y", "12M"),
            ("years", "12M"),
            (timedelta(minutes=30), "30min"),
            (numpy.timedelta64(1, "h"), "h"),
            (3, "3step"),
        ],
        *[(pandas.offsets.MonthEnd(), "M"), (pandas.offsets.BusinessDay(), "B")],
    ],
)
def test_many_words_mean_one_frequency(given, code):
    assert Frequency.of(given).code == code


@pytest.mark.parametrize("given", ["", "0h", "-1h", "fortnight", "h1", None, 0, -3, 1.5, "1" * 30 + "h", True, "BH"])
def test_what_is_no_frequency_is_refused(given):
    with pytest.raises(OptionError, match="frequency"):
        Frequency.of(given)


@pytest.mark.parametrize(
    ("code", "pandas_code", "start"),
    [
        *[
            ("30min", "30min", "2024-03-30"),
            ("D", "D", "2024-03-25"),
            ("B", "B", "2024-03-25"),
            ("W", "7D", "2024-03-01"),
        ],
        *[("M", "MS", "2024-01-01"), ("M", "ME", "2024-01-31"), ("Q", "QS", "2024-01-01"), ("Y", "YS", "2020-01-01")],
    ],
)
@pytest.mark.parametrize("zone", [None, "Europe/Berlin", "America/New_York"])
def test_numbers_and_times_are_each_other_s_inverse(code, pandas_code, start, zone):
    stamps = pandas.date_range(start, periods=30, freq=pandas_code, tz=zone)
    times = stamps.as_unit("ns").astype("int64").to_numpy()
    frequency, clock = Frequency.of(code), Zone(zone)
    numbers = frequency.numbers(times, clock)
    assert (numpy.diff(numbers) == frequency.count).all()
    anchors = frequency.anchors(times, numpy.array([0]), clock)
    assert (frequency.times(numbers, anchors[0], clock) == times).all()
