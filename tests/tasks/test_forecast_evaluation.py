from __future__ import annotations

import json
import math

import numpy as np
import pytest

from ostinato.data.series import read_series
from ostinato.errors import DataError
from ostinato.heads.scores import DECILES, crps, mase
from ostinato.tasks.forecast_evaluation import ForecastEvaluation, Foretold, as_frame


def told(truth, levels=DECILES, **more):
    truth = np.asarray(truth, float)
    z = np.linspace(-2, 2, len(levels))
    fields = {
        "ids": ("a", "b"),
        "targets": ("y",),
        "levels": tuple(levels),
        "series": np.array([0, 1]),
        "origin": np.array([4, 4]),
        "time": np.array([[4, 5], [4, 5]]),
        "truth": truth,
        "mean": np.full(truth.shape, 2.0),
        "quantiles": 2.0 + np.broadcast_to(z, (*truth.shape, len(levels))),
    }
    return Foretold(**(fields | more))


PANEL = read_series([[1.0, 3.0, 2.0, 4.0, 5.0, 5.0], [2.0, 2.0, 2.0, 2.0, 1.0, 9.0]], id=["a", "b"])
TRUTH = [[[5.0], [5.0]], [[1.0], [math.nan]]]


def test_scores_are_those_of_the_heads():
    found = ForecastEvaluation.of(told(TRUTH), PANEL, season=1)
    scores = found.scores()
    assert scores["mae"] == pytest.approx((3 + 3 + 1) / 3)
    assert scores["crps"] == pytest.approx(crps(told(TRUTH).truth, told(TRUTH).quantiles))
    # The second series never changed before its origin: repeating it makes no error to compare with.
    history = PANEL.target[:4, 0]
    assert scores["mase"] == pytest.approx(mase([5.0, 5.0], [2.0, 2.0], history))
    assert "1 series without a MASE, 'b' first" in found.notes()[0]
    assert scores["coverage of 80 %"] == pytest.approx(1 / 3)
    assert found.scores(1)["mae"] == 1.0


def test_a_report_is_plain_data():
    report = ForecastEvaluation.of(told(TRUTH), PANEL, season=1, source="x").to_dict()
    assert json.loads(json.dumps(report))["series"].keys() == {"a", "b"}
    assert report["calibration"][0] == [0.1, pytest.approx(0.0)]


def test_a_report_prints_the_hardest_series():
    shown = str(ForecastEvaluation.of(told(TRUTH), PANEL, season=1))
    assert "2 forecasts of 2 steps, 2 series" in shown
    assert shown.index("\n  a ") < shown.index("\n  b ")


def test_nothing_known_is_no_score():
    unknown = ForecastEvaluation.of(told(np.full((2, 2, 1), np.nan)), PANEL, season=1)
    with pytest.raises(DataError, match="at least one step whose truth is known"):
        unknown.scores()


def test_one_row_for_each_step():
    columns = told(TRUTH, levels=(0.1, 0.9)).columns()
    assert list(columns) == ["id", "time", "mean", "q0.1", "q0.9"]
    assert columns["id"].tolist() == ["a", "a", "b", "b"]
    assert columns["time"].tolist() == [4, 5, 4, 5]
    more = told(TRUTH).columns(truth=True, origins=True)
    assert list(more)[:5] == ["id", "origin", "time", "truth", "mean"]
    assert more["origin"].tolist() == [4, 4, 4, 4]


def test_many_targets_are_told_apart():
    both = np.concatenate([np.asarray(TRUTH)] * 2, -1)
    columns = told(both, targets=("y", "z")).columns()
    assert columns["target"].tolist() == ["y", "z"] * 4


def test_the_frame_is_of_the_kind_that_came():
    pandas, polars, pyarrow = map(pytest.importorskip, ("pandas", "polars", "pyarrow"))
    columns = {"id": np.array(["a"], object), "time": np.array(["2024"], "M8[ns]"), "mean": np.array([1.0])}
    assert isinstance(as_frame(columns, pandas.DataFrame({"x": [1]})), pandas.DataFrame)
    assert isinstance(as_frame(columns, polars.DataFrame({"x": [1]})), polars.DataFrame)
    assert as_frame(columns, {"x": [1]})["mean"] == [1.0]
    assert as_frame(columns, pyarrow.table({"x": [1]})).column("mean").to_pylist() == [1.0]
    assert isinstance(as_frame(columns, "history.csv"), pandas.DataFrame)
    assert isinstance(as_frame(columns, np.zeros((2, 3))), pandas.DataFrame)
