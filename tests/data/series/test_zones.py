from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import numpy
import pytest

from ostinato.data.series.zones import Zone, is_known
from ostinato.errors import OptionError

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Havana", "+05:30"]


def nanoseconds(text):
    return numpy.array(text, "datetime64[ns]").astype(numpy.int64)


@pytest.mark.parametrize("name", ZONES[:-1])
def test_a_clock_shows_what_the_database_says(name):
    rng = numpy.random.default_rng(0)
    times = rng.integers(nanoseconds("1995-01-01"), nanoseconds("2030-01-01"), 200) // 10**9 * 10**9
    shown = Zone(name).local(times)
    for time, local in zip(times.tolist(), shown.tolist(), strict=True):
        wanted = datetime.fromtimestamp(time // 10**9, ZoneInfo(name)).replace(tzinfo=timezone.utc)
        assert local == int(wanted.timestamp()) * 10**9


@pytest.mark.parametrize("name", ZONES)
def test_reading_a_clock_undoes_showing_it(name):
    times = numpy.arange(nanoseconds("2024-01-01"), nanoseconds("2025-01-01"), 1800 * 10**9)
    zone = Zone(name)
    read = zone.read(zone.local(times))
    assert ((read.first == times) | (read.second == times)).all()
    assert not read.skipped.any()


def test_an_hour_that_is_shown_twice_has_two_readings():
    local = nanoseconds(["2024-10-27T01:59", "2024-10-27T02:00", "2024-10-27T02:59", "2024-10-27T03:00"])
    read = Zone("Europe/Berlin").read(local)
    assert ((read.second - read.first) // 10**9).tolist() == [0, 3600, 3600, 0]


def test_an_hour_that_is_left_out_is_told():
    local = nanoseconds(["2024-03-31T01:59", "2024-03-31T02:00", "2024-03-31T02:59", "2024-03-31T03:00"])
    read = Zone("Europe/Berlin").read(local)
    assert read.skipped.tolist() == [False, True, True, False]
    assert (
        Zone("Europe/Berlin").local(read.first).astype("datetime64[ns]").astype("datetime64[m]").tolist()[1].hour == 3
    )


def test_a_span_holds_between_two_changes():
    zone, time = Zone("Europe/Berlin"), int(nanoseconds("2024-07-01"))
    begin, end, offset = zone.span(time)
    assert (begin, end) == (int(nanoseconds("2024-03-31T01:00")), int(nanoseconds("2024-10-27T01:00")))
    assert offset == 7200 * 10**9


@pytest.mark.parametrize("name", ["Europe/Berln", "", "+25:00", "../../etc/passwd", "x" * 500])
def test_an_unknown_zone_is_refused(name):
    assert not is_known(name)
    with pytest.raises(OptionError, match="zone wanted a time zone such as"):
        Zone(name)


def test_an_unknown_zone_names_the_nearest():
    with pytest.raises(OptionError, match="did you mean 'Europe/Berlin'"):
        Zone("Europe/Berln")
