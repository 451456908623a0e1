from __future__ import annotations

import numpy as np
import pytest

from ostinato.data.series import read_series
from ostinato.diagnosis.forecasts import draw_backtest, draw_forecast
from ostinato.errors import OptionError
from tests.tasks.test_forecast_evaluation import PANEL, TRUTH, told


def report():
    from ostinato.tasks.forecast_evaluation import ForecastEvaluation

    return ForecastEvaluation.of(told(TRUTH), PANEL, season=1)


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_backtest_is_drawn(tmp_path, ending):
    draw_backtest(tmp_path / f"b.{ending}", report(), title="a title")
    assert (tmp_path / f"b.{ending}").stat().st_size > 1000


def test_a_forecast_is_drawn_after_its_history(tmp_path):
    draw_forecast(tmp_path / "f.svg", told(TRUTH), PANEL, PANEL)
    drawn = (tmp_path / "f.svg").read_text()
    assert drawn.count("<svg") == 1


def test_series_are_chosen_by_name(tmp_path):
    draw_backtest(tmp_path / "b.svg", report(), series=["b"])
    with pytest.raises(OptionError, match="there is no series 'c' to draw"):
        draw_backtest(tmp_path / "b.svg", report(), series=["c"])


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r"ends in \.png, \.svg or \.pdf"):
        draw_backtest(tmp_path / "b.gif", report())


def test_times_make_readable_axes(tmp_path):
    days = np.datetime64("2024-01-01") + np.arange(6)
    panel = read_series({"time": days, "y": np.arange(6.0)})
    stamps = panel.stamps(panel.time[4:6])[None]
    one = told([[[4.0], [5.0]]], ids=panel.ids, series=np.array([0]), origin=np.array([4]), time=stamps)
    draw_forecast(tmp_path / "f.png", one, panel)
    assert (tmp_path / "f.png").exists()
