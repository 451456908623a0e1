from __future__ import annotations

import json

import numpy
import pytest

from ostinato.data.series import Features, LiveSeries, read_series
from ostinato.errors import DataError, OptionError
from tests.data.series.zoo import PANELS, frame, rich


def fitted(panel, **options):
    """Features with all that a panel can have."""
    lags = [] if panel.frequency is None else [1, 3, 8]
    return Features.fit(panel, horizon=3, lags=lags, known_lags=bool(lags and panel.layout.known), **options)


@pytest.mark.parametrize("name", PANELS)
def test_a_window_a_series_and_a_stream_have_the_same_bits(name):
    panel = PANELS[name]()
    features = fitted(panel)
    scales = features.scale(panel)
    for series in range(len(panel)):
        whole = features.series(panel, series)
        rows = numpy.arange(panel.starts[series], panel.ends[series])
        cut = features.inputs(panel, rows[5:9].reshape(2, 2), scales)
        numpy.testing.assert_array_equal(cut.reshape(4, -1), whole[5:9])
        live = LiveSeries(features, panel.ids[series])
        arrays = (panel.time, panel.target, panel.past, panel.known)
        steps = [live.push(int(panel.time[row]), *(a[row] for a in arrays[1:])) for row in rows]
        numpy.testing.assert_array_equal(numpy.stack(steps), whole)


@pytest.mark.parametrize("name", PANELS)
def test_what_is_known_ahead_is_the_same_from_before(name):
    panel = PANELS[name]()
    features = fitted(panel)
    rows, scales = numpy.arange(panel.ends[0]), features.scale(panel)
    inputs = features.inputs(panel, rows, scales)
    assert features.columns == features.observed + features.ahead
    assert inputs.shape[1] == len(features.columns)
    numpy.testing.assert_array_equal(inputs[:, len(features.observed) :], features.future(panel, rows, scales))


@pytest.mark.parametrize("name", PANELS)
def test_features_come_back_from_a_file(name):
    panel = PANELS[name]()
    features = fitted(panel)
    again = Features.from_dict(json.loads(json.dumps(features.to_dict())))
    assert again.columns == features.columns
    assert again.layout == features.layout
    numpy.testing.assert_array_equal(again.series(panel, 1), features.series(panel, 1))
    numpy.testing.assert_array_equal(again.statics(panel), features.statics(panel))


@pytest.mark.parametrize("name", PANELS)
def test_nothing_that_comes_later_changes_a_feature(name):
    panel = PANELS[name]()
    cut = panel.cut(0.5)
    early = Features.fit(panel, horizon=3, before=cut, missing="always")
    target, past = panel.target.copy(), panel.past.copy()
    for begin, end in zip(cut, panel.ends, strict=True):
        target[begin:end] = 1e6
        past[begin:end] = 1e6
    changed = type(panel)(**{k: v for k, v in vars(panel).items() if k != "_index"} | {"target": target, "past": past})
    later = Features.fit(changed, horizon=3, before=cut, missing="always")
    assert later.to_dict() == early.to_dict()
    rows = numpy.arange(cut[0])
    numpy.testing.assert_array_equal(
        early.inputs(panel, rows, early.scale(panel)), later.inputs(changed, rows, later.scale(changed))
    )


def test_columns_are_in_order():
    features = Features.fit(rich(holes=True), horizon=4, lags=[2, 6], calendar=["weekend"])
    observed = ("y", "p", "y[-2]", "missing y", "missing p", "missing y[-2]")
    assert features.observed == observed
    assert features.ahead == ("k", "weekend", "y[-6]", "missing k", "missing y[-6]")
    assert Features.fit(rich(), calendar=[], target_input=False).columns == ("p", "k")
    both = Features.fit(rich(), calendar=[], lags=[2], known_lags=True)
    assert both.ahead == ("k", "y[-2]", "k[-2]", "missing y[-2]")
    assert not Features.fit(rich(), known_lags=True).known_lags


def test_a_lag_is_the_value_of_so_many_steps_before():
    panel = read_series([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0]])
    features = Features.fit(panel, lags=[2], scaling="none")
    assert features.columns == ("y", "y[-2]", "missing y[-2]")
    assert features.series(panel, 0)[:, 1:].tolist() == [[0, 1], [0, 1], [1, 0], [2, 0]]
    assert features.series(panel, 1)[:, 1:].tolist() == [[0, 1], [0, 1]]


def test_a_lag_may_bring_what_was_known_ahead_of_its_step():
    panel = read_series({"time": [1, 2, 3, 4], "y": [1.0, 2.0, 3.0, 4.0], "k": [5.0, None, 7.0, 8.0]}, known="k")
    features = Features.fit(panel, lags=[2], known_lags=True, scaling="none", covariates="none")
    found = features.series(panel, 0)
    assert found[:, features.columns.index("k[-2]")].tolist() == [0, 0, 5, 0]
    assert found[:, features.columns.index("missing k[-2]")].tolist() == [0, 0, 0, 1]
    assert found[:, features.columns.index("missing y[-2]")].tolist() == [1, 1, 0, 0]


def test_the_time_since_the_step_before_is_in_usual_steps():
    panel = read_series({"time": [0, 10, 20, 25, 65], "y": [1, 2, 3, 4, 5]}, gaps="keep")
    features = Features.fit(panel, scaling="none")
    assert features.columns == ("y", "gap")
    assert features.series(panel, 0)[:, 1].tolist() == [0, 1, 1, 0.5, 4]


def test_a_missing_value_is_marked_and_never_filled_in():
    panel = rich(holes=True)
    features = Features.fit(panel, calendar=[])
    rows = features.series(panel, 0)
    assert features.columns == ("y", "p", "missing y", "missing p", "k", "missing k")
    assert numpy.flatnonzero(rows[:, 2]).tolist() == [3, 7, 8]
    assert (rows[[3, 7, 8], 0] == 0).all()
    assert numpy.flatnonzero(rows[:, 5]).tolist() == [5]


def test_a_value_that_is_missing_where_none_was_is_refused():
    features = Features.fit(rich(), calendar=[])
    holes = rich(holes=True)
    with pytest.raises(
        DataError, match=r"series 'a', row 4 \(2024-10-25T03:00\): 'y' is missing, and no value of it was"
    ):
        features.series(holes, 0)
    assert "missing y" in Features.fit(rich(), missing="always").columns
    with pytest.raises(DataError, match="is missing"):
        Features.fit(holes, missing="never").series(holes, 0)


def test_targets_are_scaled_and_masked():
    panel = read_series([[1.0, None, 5.0]])
    features = Features.fit(panel)
    values, seen = features.targets(panel, numpy.arange(3), features.scale(panel))
    assert values.ravel().tolist() == [-1.0, 0.0, 1.0]
    assert seen.ravel().tolist() == [True, False, True]


def test_a_known_series_keeps_its_scale_and_a_new_one_gets_its_own():
    features = Features.fit(read_series([[0.0, 2.0], [0.0, 20.0]], id=["a", "b"]))
    later = read_series([[100.0, 300.0], [7.0, 9.0]], id=["c", "a"])
    assert features.scale(later).offset.ravel().tolist() == [200.0, 1.0]
    assert features.scale(later, refit=True).offset.ravel().tolist() == [200.0, 8.0]
    assert features.scale(later, later.cut(steps=1)).offset.ravel().tolist() == [100.0, 1.0]
    shared = Features.fit(read_series([[0.0, 2.0]]), scope="panel")
    assert shared.scale(later).offset.ravel().tolist() == [1.0, 1.0]


def test_a_panel_of_other_columns_is_refused():
    features = Features.fit(rich())
    with pytest.raises(DataError, match="these series have past none, and the features were made for p"):
        features.scale(read_series(frame(), known="k"))
    with pytest.raises(DataError, match="these series have zone Europe/Berlin"):
        features.scale(rich(zone="Europe/Berlin"))
    with pytest.raises(DataError, match="frequency"):
        features.scale(rich(freq="30min"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lags": [0]}, "lags wanted different whole numbers from 1 on"),
        ({"lags": [1, 1]}, "lags wanted different whole numbers from 1 on"),
        ({"horizon": -1}, "horizon wanted a whole number from 0 on"),
        ({"missing": "fill"}, "missing wanted one of auto, always, never"),
        ({"covariates": "x"}, "covariates wanted one of"),
        ({"scope": "x"}, "scope wanted one of"),
        ({"scaling": "x"}, "scaling wanted one of"),
        ({"calendar": ["huor"]}, "did you mean 'hour'"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(OptionError, match=message):
        Features.fit(rich(), **options)


def test_irregular_series_have_no_lags_and_nothing_is_no_feature():
    with pytest.raises(OptionError, match="lags count steps back, which means nothing in irregular series"):
        Features.fit(PANELS["irregular"](), lags=[1])
    with pytest.raises(OptionError, match="at least one column"):
        Features.fit(PANELS["plain"](), target_input=False)
