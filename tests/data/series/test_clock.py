from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy
import pandas
import polars
import pytest

from ostinato.data.series.clock import times_of
from ostinato.data.series.columns import columns_of
from ostinato.errors import DataError, OptionError

NOON = 1704110400 * 10**9


def read(values, zone=None):
    columns = columns_of({"t": values} if not hasattr(values, "columns") else values)
    return times_of(columns.read("t"), "t", columns.place, zone)


@pytest.mark.parametrize(
    "values",
    [
        ["2024-01-01T12:00:00"],
        ["2024-01-01 12:00"],
        [datetime(2024, 1, 1, 12)],
        [pandas.Timestamp("2024-01-01T12")],
        numpy.array(["2024-01-01T12"], "datetime64[h]"),
        numpy.array(["2024-01-01T12"], "datetime64[us]"),
        pandas.DataFrame({"t": pandas.to_datetime(["2024-01-01T12"])}),
        polars.DataFrame({"t": [datetime(2024, 1, 1, 12)]}),
    ],
)
def test_a_time_is_the_same_however_it_is_written(values):
    clock = read(values)
    assert (clock.time.tolist(), clock.clock, clock.zone, clock.local) == ([NOON], "time", None, False)
    assert read(values, "Europe/Berlin").local


@pytest.mark.parametrize(
    ("values", "zone"),
    [
        (["2024-01-01T12:00:00Z"], "UTC"),
        (["2024-01-01T13:00:00+01:00"], "+01:00"),
        (["2024-01-01T13:00+01:00"], "+01:00"),
        (["2024-01-01 13:00:00.000+0100"], "+01:00"),
        ([datetime(2024, 1, 1, 13, tzinfo=ZoneInfo("Europe/Berlin"))], "Europe/Berlin"),
        ([datetime(2024, 1, 1, 12, tzinfo=timezone.utc)], "UTC"),
        ([datetime(2024, 1, 1, 6, 30, tzinfo=timezone(timedelta(hours=-5, minutes=-30)))], "-05:30"),
        (pandas.DataFrame({"t": pandas.to_datetime(["2024-01-01T13"]).tz_localize("Europe/Berlin")}), "Europe/Berlin"),
        (polars.DataFrame({"t": [datetime(2024, 1, 1, 12, tzinfo=ZoneInfo("UTC"))]}), "UTC"),
    ],
)
def test_a_time_with_a_zone_is_a_time_of_the_world(values, zone):
    clock = read(values)
    assert (clock.time.tolist(), clock.zone, clock.local) == ([NOON], zone, False)
    assert read(values, "Asia/Tokyo").zone == "Asia/Tokyo"


def test_days_are_times():
    midnight = NOON - 12 * 3600 * 10**9
    for values in (["2024-01-01"], [date(2024, 1, 1)], polars.DataFrame({"t": [date(2024, 1, 1)]})):
        assert read(values).time.tolist() == [midnight]


@pytest.mark.parametrize("values", [[1, 2], [1.0, 2.0], ["1", "2"], numpy.array([1, 2], "uint8")])
def test_whole_numbers_count_steps(values):
    assert (read(values).time.tolist(), read(values).clock) == ([1, 2], "number")


@pytest.mark.parametrize(
    "values",
    [
        *[["2024-01-01", None], ["2024-01-01", ""], [1, None], [1.0, float("nan")], [datetime(2024, 1, 1), pandas.NaT]],
        *[["2024-01-01", "01/02/2024"], ["2024-01-01", "2024-02-30"], ["2024-01-01", "2024-01-02T25:00"], [1, 1.5]],
        *[["2024-01-01T12:00", "2024-01-01T12:00Z"], [datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=timezone.utc)]],
        *[["2024-01-01", "0001-01-01"], ["2024-01-01", "9999-12-31"], [1, 2.0**70], [1, 10**400], ["1", "x"], [1, "x"]],
        *[[object()], [True, False], [datetime(2024, 1, 1), "x"], [datetime(2024, 1, 1), datetime(1, 1, 1)]],
        pandas.DataFrame({"t": pandas.period_range("2024-01", periods=2, freq="M")}),
    ],
    ids=lambda values: type(values[0]).__name__ if isinstance(values, list) else type(values).__name__,
)
def test_what_is_no_time_is_refused(values):
    with pytest.raises(DataError, match="column 't'"):
        read(values)


def test_a_zone_is_for_timestamps():
    with pytest.raises(OptionError, match="zone='Europe/Berlin' is for timestamps"):
        read([1, 2], "Europe/Berlin")


def test_lists_of_numpys_own_times_and_numbers_are_read():
    days = numpy.array(["2024-01-01", "2024-01-02"], "datetime64[D]")
    assert times_of(list(days), "day", str).time.tolist() == times_of(days, "day", str).time.tolist()
    assert times_of([numpy.int64(3), numpy.int64(4)], "step", str).time.tolist() == [3, 4]
