from __future__ import annotations

import pytest

from ostinato.errors import PlanError
from ostinato.plan import plan_of
from ostinato.plan.series import TASKS, reading_of
from tests.streaming.live_models import case


def test_models_of_other_tasks_read_no_series():
    assert reading_of({"task": "text-classifier"}) is None
    assert {"forecaster", "anomaly-detector"} < set(TASKS)


@pytest.mark.parametrize(
    ("name", "window", "bounds"),
    [("classifier", None, None), ("life", 8, (0.0, 12.0)), ("life without a cap", 8, (0.0, None))],
)
def test_a_plan_says_how_its_model_reads(name, window, bounds):
    reading = plan_of(case(name).model).series
    assert (reading.window, reading.bounds) == (window, bounds)
    assert reading.to_dict()["features"] == case(name).model.features_.to_dict()


def test_a_plan_says_what_a_forecast_means():
    forecast = plan_of(case("forecaster, gaussian").model).series.forecast
    assert forecast["head"] == {"kind": "gaussian", "outputs": 1, "dropout": 0.1}
    assert (forecast["horizon"], forecast["levels"], forecast["decoding"]) == (3, [0.1, 0.5, 0.9], "direct")


@pytest.mark.parametrize("options", [{"window": 0, "cap": 3}, {"window": "a", "cap": 3}, {"window": 3, "cap": -1}])
def test_numbers_that_mean_nothing_are_refused(options):
    with pytest.raises(PlanError, match="wanted a whole number"):
        reading_of({"task": "remaining-life", "features": {}, "options": options})
