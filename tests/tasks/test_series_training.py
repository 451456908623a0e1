from __future__ import annotations

import json

import numpy as np
import pytest

from ostinato.data.series import WholeSeries, read_series
from ostinato.errors import ArtifactError, DataError
from ostinato.tasks.series_examples import SeriesExamples
from ostinato.tasks.series_options import SeriesClassifierOptions, network
from ostinato.tasks.series_training import (
    answered,
    answered_at,
    check_series,
    enough_epochs,
    features_from,
    features_of,
    scales_of,
    train_series,
)
from ostinato.tasks.text_training import seeded_network
from tests.tasks.series_sets import QUICK, waves

PANEL = read_series(waves(12)[0])
OPTIONS = SeriesClassifierOptions(**QUICK)


def untrained(**changed):
    options = SeriesClassifierOptions(**{**QUICK, **changed})
    features = features_of(options, PANEL)
    parts = network(options, {"kind": "classify", "classes": 2}, columns=len(features.columns), longest=12)
    return seeded_network(parts, 1, "").eval(), features


@pytest.mark.parametrize("scope", ["panel", "series"])
def test_what_is_read_survives_a_file(scope):
    series = [x.copy() for x in waves(12)[0]]
    series[3][2, 1] = np.nan
    panel = read_series(series)
    features = features_of(SeriesClassifierOptions(scope=scope), panel)
    again = features_from(json.loads(json.dumps(features.to_dict())))
    assert again.columns == features.columns == ("y1", "y2", "missing y2")
    rows = np.arange(panel.rows)
    one, other = (f.inputs(panel, rows, scales_of(f, panel)) for f in (features, again))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "change",
    [
        {"scope": "series"},
        {"scales": {}},
        {"scales": {"1": [[0.0], [1.0]]}},
        {"scales": {"1": [[0.0, 0.0], [1.0, -1.0]]}},
        {"past": [[0.0, 1.0]]},
        {"layout": {}},
        {"more": 1},
    ],
)
def test_a_file_that_contradicts_itself_is_refused(change):
    data = features_of(OPTIONS, PANEL).to_dict() | change
    with pytest.raises(ArtifactError):
        features_from(data)


def test_scales_of_single_series_are_their_own():
    features = features_of(SeriesClassifierOptions(scope="series"), PANEL)
    other = read_series([x * 100 + 7 for x in waves(12)[0]])
    one, two = (features.inputs(p, np.arange(p.rows), scales_of(features, p)) for p in (PANEL, other))
    np.testing.assert_allclose(one, two, atol=1e-4)


def test_answers_do_not_depend_on_what_is_asked_beside(monkeypatch):
    model, features = untrained()
    whole = answered(model, features, PANEL)
    monkeypatch.setattr("ostinato.tasks.series_training._STEPS_AT_ONCE", 20)
    np.testing.assert_allclose(answered(model, features, PANEL), whole, atol=1e-6)
    one = answered(model, features, PANEL.pick([5]))
    np.testing.assert_allclose(one[0], whole[5], atol=1e-6)


def test_an_answer_at_a_moment_reads_the_window_before_it():
    model, features = untrained(convolution=0)
    long = read_series([np.concatenate(waves(2)[0])])
    at = np.array([3, 9])
    found = answered_at(model, features, long, at, 4)
    cut = read_series([long.target[0:3], long.target[5:9]])
    np.testing.assert_allclose(found, answered(model, features, cut), atol=1e-6)


def test_one_series_is_too_few():
    with pytest.raises(DataError, match="there is one series to learn from"):
        check_series(SeriesExamples(PANEL.pick([0])))


def test_small_data_are_gone_through_more_often():
    assert [enough_epochs(n) for n in (1, 3, 1000)] == [500, 400, 20]


def test_reports_reach_the_watcher_and_the_summary_tells_how_it_went():
    features = features_of(OPTIONS, PANEL)
    parts = network(OPTIONS, {"kind": "classify", "classes": 2}, columns=2, longest=12)
    source = WholeSeries(PANEL, features, np.arange(12) % 2, size=8)
    seen = []
    trained = train_series(
        OPTIONS,
        parts,
        source,
        None,
        facts={"data": "waves"},
        fingerprint="x",
        checkpoint=None,
        resume=False,
        watch=seen.append,
    )
    assert sum(getattr(report, "event", "") == "epoch" for report in seen) == 3
    assert trained.summary["data"] == "waves"
    assert trained.summary["epochs"] == 3
    assert not trained.model.training
