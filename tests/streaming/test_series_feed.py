from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ostinato.data.series import Features, read_series
from ostinato.errors import DataError, OptionError, StreamError
from ostinato.streaming.series_feed import SeriesFeed, read_whole, scale_of
from tests.streaming.watched import table

KINDS = {
    "regular": {},
    "irregular": {"frequency": None},
    "in a zone": {"zone": "Europe/Berlin"},
}


def panel_of(data, **reading):
    return read_series(data, time="time", target=[name for name in data if name != "time"], **reading)


@pytest.mark.parametrize("missing", ["always", "auto"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_steps_are_read_as_the_whole_is(kind, channels, missing):
    panel = panel_of(
        table(150, channels=channels, gone=(30, 31)) if channels == 1 else table(500, channels=3), **KINDS[kind]
    )
    lags = [] if kind == "irregular" else [1, 24]
    features = Features.fit(panel, horizon=1, lags=lags, missing=missing)
    x, y = read_whole(features, panel, 0)
    feed = SeriesFeed(features, panel.ids[0])
    for step, (time, values) in enumerate(zip(panel.time.tolist(), panel.target, strict=True)):
        scaled = feed.scaled(values.tolist() if channels > 1 else float(values[0]))
        np.testing.assert_array_equal(scaled, y[step])
        feed.look_ahead(time)
        if step:
            np.testing.assert_array_equal(feed.x, x[step - 1])
        assert list(feed.left_out(time)) == []
        feed.observe(time, scaled)


@pytest.mark.parametrize("code", ["D", "M", "h"])
def test_steps_that_were_left_out_have_the_times_of_the_calendar(code):
    days = np.array(["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"])
    if code != "M":
        days = np.datetime64("2024-01-01", "ns") + np.arange(5) * np.timedelta64(1, code)
    panel = read_series({"time": days, "y": np.arange(5.0)}, frequency=code)
    feed = SeriesFeed(Features.fit(panel, horizon=1, missing="always"))
    feed.observe(int(panel.time[0]), feed.scaled(1.0))
    assert list(feed.left_out(int(panel.time[4]))) == panel.time[1:4].tolist()


def test_what_is_remembered_comes_back():
    panel = panel_of(table(60))
    features = Features.fit(panel, horizon=1, lags=[1, 24], missing="always")
    feed = SeriesFeed(features, panel.ids[0])
    for time, value in zip(panel.time[:50].tolist(), panel.target[:50, 0].tolist(), strict=True):
        feed.look_ahead(time)
        feed.observe(time, feed.scaled(value))
    other = SeriesFeed.from_dict(features, feed.to_dict())
    for time in panel.time[50:].tolist():
        for one in (feed, other):
            one.look_ahead(time)
            one.observe(time, one.scaled(0.5))
        np.testing.assert_array_equal(feed.x, other.x)


@pytest.mark.parametrize(
    ("damage", "value"), [("x", [1.0]), ("values", ["a"]), ("steps", None), ("gone", [float("nan")] * 2)]
)
def test_what_is_no_memory_is_refused(damage, value):
    panel = panel_of(table(60))
    features = Features.fit(panel, horizon=1, lags=[1], missing="always")
    data = {**SeriesFeed(features, panel.ids[0]).to_dict(), damage: value}
    with pytest.raises((ValueError, TypeError, KeyError)):
        SeriesFeed.from_dict(features, data)


def test_a_series_is_scaled_as_in_training_or_refused():
    panel = read_series({"id": ["a", "a", "b", "b"], "time": [0, 1, 0, 1], "y": [1.0, 3.0, 10.0, 30.0]})
    features = Features.fit(panel, horizon=1)
    assert scale_of(features, "b")[0].tolist() == [20.0]
    with pytest.raises(DataError, match="series 'c' was not there in training"):
        scale_of(features, "c")
    with pytest.raises(OptionError, match="trained on 2 series"):
        scale_of(features, None)
    shared = Features.fit(panel, horizon=1, scope="panel")
    assert scale_of(shared, "c")[0].tolist() == scale_of(shared, None)[0].tolist()


def test_values_too_large_for_the_scale_are_refused_with_their_row():
    panel = read_series([[0.0, 1e-20, 0.0, 1e-20]])
    features = Features.fit(panel, horizon=1)
    feed = SeriesFeed(features)
    for value in (float("inf"), 1e300, 3e38):
        with pytest.raises(StreamError, match=r"row 1: 'y.*' is infinite or far too large"):
            feed.scaled(value)
    changed = dataclasses.replace(panel, target=np.array([[0.0], [3e38], [0.0], [0.0]], np.float32))
    with pytest.raises(DataError, match="row 2"):
        read_whole(features, changed, 0)


def test_too_many_steps_left_out_are_refused():
    panel = panel_of(table(60))
    feed = SeriesFeed(Features.fit(panel, horizon=1, missing="always"))
    feed.observe(int(panel.time[0]), feed.scaled(1.0))
    with pytest.raises(StreamError, match="steps were left out"):
        feed.left_out(int(panel.time[0]) + 3600 * 10**9 * 200_000)
