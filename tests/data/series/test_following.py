from __future__ import annotations

import json

import numpy
import pytest

from ostinato.data.series import Layout, read_series
from ostinato.data.series.following import Following
from ostinato.errors import StreamError

HOUR = 3600 * 10**9


@pytest.mark.parametrize("code", ["D", "M", "h"])
def test_steps_that_were_left_out_have_the_times_of_the_calendar(code):
    days = numpy.array(["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"])
    if code != "M":
        days = numpy.datetime64("2024-01-01", "ns") + numpy.arange(5) * numpy.timedelta64(1, code)
    panel = read_series({"time": days, "y": numpy.arange(5.0)}, frequency=code)
    order = Following(panel.layout, "y")
    order.advance(int(panel.time[0]))
    assert list(order.between(int(panel.time[4]))) == panel.time[1:4].tolist()
    assert order.ahead(4).tolist() == panel.time[1:].tolist()
    assert order.next() == int(panel.time[1])


def test_the_latest_day_of_a_month_is_where_a_series_stands():
    days = numpy.array(["2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"], "datetime64[ns]").astype("int64")
    order = Following(Layout(frequency="M"))
    for day in days[:2].tolist():
        order.advance(day)
    assert order.ahead(2).tolist() == days[2:].tolist()


def test_times_are_read_as_a_panel_reads_them():
    order = Following(Layout(frequency="h"), "a")
    wanted = 24 * HOUR
    for time in ("1970-01-02", numpy.datetime64("1970-01-02"), wanted):
        assert order.moment(time) == wanted
    for time in ("soon", numpy.datetime64("NaT"), None):
        with pytest.raises(StreamError, match="series 'a', row 1: time wanted a time such as"):
            order.moment(time)


def test_what_cannot_follow_is_refused():
    order = Following(Layout(frequency="h"), "a")
    order.advance(0)
    for at in (0, -HOUR, HOUR // 2):
        with pytest.raises(StreamError, match="does not follow the step before: steps are h apart"):
            order.between(at)
    with pytest.raises(StreamError, match="199,999 steps were left out"):
        order.between(200_000 * HOUR)
    months = Following(Layout(frequency="Q"), "a")
    months.advance(0)
    with pytest.raises(StreamError, match="steps are"):
        months.between(31 * 24 * HOUR)
    loose = Following(Layout(), "a")
    loose.advance(5)
    assert loose.between(6) == ()
    with pytest.raises(StreamError, match="steps come in order of time"):
        loose.between(5)


@pytest.mark.parametrize("code", ["h", "M", None])
def test_where_a_series_stands_comes_back(code):
    order, other = Following(Layout(frequency=code)), Following(Layout(frequency=code))
    for _ in range(2):
        other.restore(json.loads(json.dumps(order.to_dict())))
        assert other.to_dict() == order.to_dict()
        order.advance(30 * 24 * HOUR)


@pytest.mark.parametrize("wrong", [{"steps": -1}, {"steps": "a"}, {"time": None}, {"anchor": None}, {"anchor": [1]}])
def test_what_says_nothing_of_a_series_is_refused(wrong):
    order = Following(Layout(frequency="M"))
    order.advance(0)
    with pytest.raises((ValueError, TypeError, KeyError)):
        Following(Layout(frequency="M")).restore({**order.to_dict(), **wrong})
