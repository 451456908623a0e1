from __future__ import annotations

import numpy as np
import pytest
import torch

from ostinato.data.series import read_series
from ostinato.tasks.anomaly_options import AnomalyOptions
from ostinato.tasks.anomaly_training import fit_features, windows


def panel_of(rows, code="h", count=1):
    times = np.datetime64("2024-01-01", "ns") + np.arange(rows) * np.timedelta64(count, code)
    return read_series({"time": times, "y": np.sin(np.arange(float(rows)))})


@pytest.mark.parametrize(
    ("rows", "code", "columns"),
    [
        (30, "h", ["y", "missing y"]),
        (100, "h", ["y", "missing y", "hour_sin", "hour_cos", "y[-24]", "missing y[-24]"]),
        (60, "D", ["y", "missing y", "weekday_sin", "weekday_cos", "y[-7]", "missing y[-7]"]),
    ],
)
def test_rounds_are_read_that_were_gone_through_twice(rows, code, columns):
    panel = panel_of(rows, code)
    features = fit_features(AnomalyOptions(), panel, panel.ends)
    assert sorted(features.columns) == sorted(columns)


def test_lags_and_calendar_are_as_asked():
    panel = panel_of(60)
    features = fit_features(AnomalyOptions(lags="2,3", calendar="weekend"), panel, panel.ends)
    assert "weekend" in features.columns
    assert features.lags == (2, 3)
    plain = fit_features(AnomalyOptions(lags="none", calendar="none"), panel, panel.ends)
    assert plain.columns == ("y", "missing y")


def test_what_is_held_out_is_not_learned_from():
    panel = panel_of(200)
    options = AnomalyOptions(context=20, holdout=0.25, gaps=0.0, batch=8)
    features = fit_features(options, panel, panel.ends)
    learned, held = windows(options, panel, features, panel.ends)
    assert max(int(batch.part.row.max()) for batch in learned.epoch(0)) <= 150
    assert sorted(row for batch in held.epoch(0) for row in batch.part.row.tolist()) == [170, 190, 200]


def test_hidden_values_are_marked_and_still_foretold():
    panel = panel_of(200)
    options = AnomalyOptions(context=20, gaps=0.3, batch=8, calendar="none", lags="1")
    features = fit_features(options, panel, panel.ends)
    learned, _ = windows(options, panel, features, panel.ends)
    plain, _ = windows(AnomalyOptions(context=20, gaps=0.0, batch=8), panel, features, panel.ends)
    value, mark = features.columns.index("y"), features.columns.index("missing y")
    hidden = 0.0
    for batch, whole in zip(learned.epoch(0), plain.epoch(0), strict=True):
        gone = batch.inputs[..., mark] == 1
        hidden += gone.float().mean().item() / len(learned)
        assert (batch.inputs[..., value][gone] == 0).all()
        assert torch.equal(batch.inputs[..., value][~gone], whole.inputs[..., value][~gone])
        assert torch.equal(batch.target, whole.target)
        assert batch.mask.all()
    assert 0.2 < hidden < 0.4


def test_an_epoch_goes_on_from_any_batch():
    panel = panel_of(200)
    options = AnomalyOptions(context=20, gaps=0.3, batch=8)
    learned, _ = windows(options, panel, fit_features(options, panel, panel.ends), panel.ends)
    whole = [batch.inputs for batch in learned.epoch(2)]
    for rest, wanted in zip(learned.epoch(2, 3), whole[3:], strict=True):
        assert torch.equal(rest.inputs, wanted)
