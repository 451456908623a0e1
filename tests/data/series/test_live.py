from __future__ import annotations

import json

import numpy
import pandas
import pytest

from ostinato.data.series import Features, LiveSeries, extend, read_series
from ostinato.errors import DataError, OptionError, StreamError
from tests.data.series.zoo import PANELS, rich

REGULAR = [name for name in PANELS if name != "irregular"]


@pytest.mark.parametrize("name", PANELS)
def test_a_stream_goes_on_where_a_history_ends(name):
    panel = PANELS[name]()
    lags = [] if panel.frequency is None else [1, 3, 8]
    features = Features.fit(panel, horizon=3, lags=lags, known_lags=bool(lags and panel.layout.known))
    cut = panel.cut(0.5)
    early = type(panel)(**{k: v for k, v in vars(panel).items() if k != "_index"} | {"ends": cut})
    live = LiveSeries.after(features, early, 0)
    for row in range(int(cut[0]), int(panel.ends[0])):
        step = live.push(int(panel.time[row]), panel.target[row], panel.past[row], panel.known[row])
        numpy.testing.assert_array_equal(step, features.series(panel, 0)[row])


@pytest.mark.parametrize("name", REGULAR)
def test_a_stream_knows_what_a_window_knows_ahead(name):
    panel = PANELS[name]()
    longer = panel if panel.layout.known else extend(panel, 3)
    features = Features.fit(longer, horizon=3, lags=[1, 3, 8], known_lags=bool(panel.layout.known))
    end = int(longer.ends[0])
    rows = numpy.arange(end, end + 3)
    wanted = features.future(longer, rows, features.scale(longer))
    live = LiveSeries.after(features, longer, 0)
    numpy.testing.assert_array_equal(live.ahead(3, longer.known[rows]), wanted)


def test_times_may_be_written():
    panel = read_series({"time": ["2024-01-01T00:00", "2024-01-01T01:00", "2024-01-01T02:00"], "y": [1.0, 2.0, 4.0]})
    features = Features.fit(panel)
    live = LiveSeries(features, "y")
    for stamp, value in (("2024-01-01T00:00", 1.0), (pandas.Timestamp("2024-01-01T01:00"), 2.0)):
        live.push(stamp, value)
    numpy.testing.assert_array_equal(live.push(numpy.datetime64("2024-01-01T02"), 4.0), features.series(panel, 0)[2])


def test_a_step_that_does_not_come_next_is_refused_and_changes_nothing():
    panel = rich()
    features = Features.fit(panel, lags=[1], missing="always")
    live, other = LiveSeries(features, "a"), LiveSeries(features, "a")
    rows = [(int(panel.time[r]), panel.target[r], panel.past[r], panel.known[r]) for r in range(3)]
    for row in rows[:2]:
        live.push(*row)
        other.push(*row)
    time, *values = rows[2]
    wrong = [
        ((rows[1][0], *values), "does not follow the step before: steps are h apart; push each one, with target=None"),
        ((time + 1, *values), "does not follow the step before"),
        ((time, "x", *values[1:]), "wanted a finite number for each of y; got 'x'"),
        ((time, [1, 2], *values[1:]), "a finite number for each of y"),
        ((time, numpy.inf, *values[1:]), "a finite number for each of y"),
        ((time, 1e300, *values[1:]), "a finite number for each of y"),
        ((time, values[0]), "a finite number for each of p"),
    ]
    for arguments, message in wrong:
        with pytest.raises(StreamError) as caught:
            live.push(*arguments)
        assert message in str(caught.value)
    numpy.testing.assert_array_equal(live.push(*rows[2]), other.push(*rows[2]))


def test_a_missing_value_is_pushed_as_none():
    panel = read_series([[1.0, None, 4.0]])
    features = Features.fit(panel)
    live = LiveSeries(features, "1")
    found = [live.push(k, value).tolist() for k, value in enumerate([1.0, None, 4.0])]
    assert found == features.series(panel, 0).tolist()
    strict = LiveSeries(Features.fit(read_series([[1.0, 2.0]])), "1")
    with pytest.raises(StreamError, match=r"series '1', row 1: 'y' is missing, and no value of it was"):
        strict.push(0, None)


def test_irregular_steps_go_forward_only():
    features = Features.fit(PANELS["irregular"]())
    live = LiveSeries(features, "a")
    live.push(5, 1.0)
    with pytest.raises(StreamError, match="does not follow the step before: steps come in order"):
        live.push(5, 1.0)
    with pytest.raises(StreamError, match="nobody can say when its next steps are: it is irregular"):
        live.ahead(1)


def test_a_new_series_wants_a_scale():
    features = Features.fit(PANELS["plain"]())
    with pytest.raises(DataError, match="series 'z' was not there when the features were fitted"):
        LiveSeries(features, "z")
    with pytest.raises(OptionError, match="give both or neither"):
        LiveSeries(features, "z", offset=[0, 0])
    live = LiveSeries(features, "z", offset=[1, 2], scale=[2, 4])
    assert live.push(0, [3.0, 10.0]).tolist() == [1.0, 2.0]
    with pytest.raises(StreamError, match="have no past covariates"):
        live.push(1, [1, 2], past=[3])
    with pytest.raises(StreamError, match="have no known covariates"):
        live.push(1, [1, 2], known=[3])


def test_what_is_known_ahead_is_checked():
    panel = rich()
    features = Features.fit(panel, horizon=2, lags=[2])
    with pytest.raises(StreamError, match="no step of it has come yet"):
        LiveSeries(features, "a").ahead(1)
    live = LiveSeries.after(features, panel)
    with pytest.raises(StreamError, match="known wanted 2 rows, one for each step ahead, got 1"):
        live.ahead(2, [[1.0]])
    with pytest.raises(StreamError, match="lags reach 2 steps ahead"):
        live.ahead(3, [[1.0]] * 3)
    with pytest.raises(StreamError, match="'k' is missing"):
        live.ahead(1, [[None]])


KINDS = {"regular": {}, "irregular": {"frequency": None}, "in a zone": {"zone": "Europe/Berlin"}}


def hours(rows, gone=()):
    y = numpy.sin(numpy.arange(rows) / 4.0)
    y[list(gone)] = numpy.nan
    return {"time": numpy.datetime64("2024-01-01", "ns") + numpy.arange(rows) * numpy.timedelta64(1, "h"), "y": y}


@pytest.mark.parametrize("missing", ["always", "auto"])
@pytest.mark.parametrize("kind", KINDS)
def test_between_its_halves_a_step_shows_what_was_before_it_and_what_is_known_of_it(kind, missing):
    panel = read_series(hours(150, gone=(30, 31)), **KINDS[kind])
    features = Features.fit(panel, horizon=1, lags=[] if kind == "irregular" else [1, 24], missing=missing)
    whole, seen = features.series(panel, 0), len(features.observed)
    live = LiveSeries(features, "y")
    for step, (time, value) in enumerate(zip(panel.time.tolist(), panel.target[:, 0].tolist(), strict=True)):
        live.look_ahead(time)
        if step:
            numpy.testing.assert_array_equal(live.x, numpy.append(whole[step - 1, :seen], whole[step, seen:]))
        live.observe(time, live.scaled(value))


@pytest.mark.parametrize("name", PANELS)
def test_what_is_remembered_comes_back(name):
    panel = PANELS[name]()
    lags = [] if panel.frequency is None else [1, 3]
    features = Features.fit(panel, horizon=2, lags=lags, known_lags=bool(lags and panel.layout.known))
    rows = [(int(panel.time[r]), panel.target[r], panel.past[r], panel.known[r]) for r in range(int(panel.ends[0]))]
    live = LiveSeries(features, panel.ids[0])
    for row in rows[:-2]:
        live.push(*row)
    other = LiveSeries.from_dict(features, json.loads(json.dumps(live.to_dict())))
    for row in rows[-2:]:
        numpy.testing.assert_array_equal(other.push(*row), live.push(*row))


@pytest.mark.parametrize(
    ("damage", "value"),
    [("x", [1.0]), ("values", ["a"]), ("order", {}), ("gone", [float("nan")] * 2), ("scale", None), ("known", None)],
)
def test_what_is_no_memory_is_refused(damage, value):
    features = Features.fit(read_series([[1.0, 2.0]]), lags=[1])
    with pytest.raises((ValueError, TypeError, KeyError)):
        LiveSeries.from_dict(features, {**LiveSeries(features, "1").to_dict(), damage: value})


def test_values_too_large_for_the_scale_are_refused_with_their_row():
    live = LiveSeries(Features.fit(read_series([[0.0, 1e-20, 0.0, 1e-20]])), "1")
    for value in (float("inf"), 1e300, 3e38):
        with pytest.raises(StreamError, match="row 1: wanted a finite number for each of y"):
            live.scaled(value)


def test_a_lag_that_is_missing_is_refused_where_none_was_in_training():
    features = Features.fit(read_series([[1.0, 2.0, 3.0]]), lags=[1], missing="never")
    with pytest.raises(StreamError, match=r"'y\[-1\]' is missing"):
        LiveSeries(features, "1").push(0, 1.0)
