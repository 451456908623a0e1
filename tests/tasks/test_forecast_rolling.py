from __future__ import annotations

import numpy as np
import pytest

from ostinato.data.series import fit_scales, read_series
from ostinato.errors import DataError, OptionError
from ostinato.tasks.forecast_evaluation import Foretold
from ostinato.tasks.forecast_rolling import adjusted, calibrated, joined, rolling_origins


def foretold(panel, origins, horizon=2, spread=1.0):
    rows = np.asarray(origins)
    truth = panel.target[rows[:, None] + np.arange(horizon)].astype(float)
    mean = np.zeros_like(truth)
    return Foretold(
        panel.ids,
        panel.layout.target,
        (0.1, 0.9),
        panel.series_of(rows),
        rows - panel.starts[panel.series_of(rows)],
        panel.time[rows[:, None] + np.arange(horizon)],
        truth,
        mean,
        np.stack([mean - spread, mean + spread], -1),
    )


def test_origins_roll_on_by_the_stride_and_end_with_the_data():
    panel = read_series([np.arange(20.0), np.arange(5.0)])
    with pytest.warns(RuntimeWarning, match="1 of 2 series have too few rows for steps=9: the first, '2', has 5"):
        origins = rolling_origins(panel, 3, 9, 3)
    assert origins.tolist() == [11, 14, 17, 21]
    assert rolling_origins(panel, 3, 4, 4).tolist() == [16, 21]
    assert rolling_origins(panel, 3, 3, 1).tolist() == [17, 22]


def test_half_of_a_short_series_is_kept_to_forecast_from():
    panel = read_series([np.arange(20.0)])
    assert rolling_origins(panel, 2, None, 2).tolist() == [10, 12, 14, 16, 18]


def test_a_horizon_longer_than_every_series_is_refused():
    with pytest.raises(DataError, match="no series is longer than a horizon of 5; the longest, '1', has 4 rows"):
        rolling_origins(read_series([np.arange(3.0), np.arange(4.0)], id=["0", "1"]), 5, None, 1)
    with pytest.raises(OptionError, match="steps=2 is less than a horizon of 3"):
        rolling_origins(read_series([np.arange(9.0)]), 3, 2, 1)
    with pytest.raises(DataError, match="steps=9 leaves nothing to forecast from; the longest series, '1', has 9 rows"):
        rolling_origins(read_series([np.arange(9.0)]), 3, 9, 1)
    assert rolling_origins(read_series([np.arange(9.0)]), 3, 8, 3).tolist() == [1, 4]
    with pytest.raises(OptionError, match="stride wanted a whole number from 1 on"):
        rolling_origins(read_series([np.arange(9.0)]), 3, 3, 0)


def test_conformal_quantiles_learn_only_from_what_is_known_at_their_origin():
    noise = np.random.default_rng(0).normal(size=400)
    panel = read_series([noise])
    scales = fit_scales(panel, "none")
    learnt = calibrated(foretold(panel, range(10, 100, 2), spread=9.0), scales)
    told = foretold(panel, range(200, 390, 2), spread=9.0)
    found = adjusted(told, panel, learnt, scales)
    held = (told.truth >= found.quantiles[..., 0]) & (told.truth <= found.quantiles[..., 1])
    assert 0.7 < held.mean() < 0.9
    later = panel.target.copy()
    later[300:] = 1e3
    changed = read_series([later[:, 0]])
    again = adjusted(foretold(changed, range(200, 390, 2), spread=9.0), changed, learnt, scales)
    # Origins up to 300 know nothing of what came from there on.
    assert np.array_equal(again.quantiles[:51], found.quantiles[:51])
    assert not np.array_equal(again.quantiles[51:], found.quantiles[51:])


def test_calibration_is_left_as_it_was():
    panel = read_series([np.arange(50.0)])
    scales = fit_scales(panel, "none")
    learnt = calibrated(foretold(panel, range(5, 20)), scales)
    before = learnt[0].to_dict()
    adjusted(foretold(panel, range(20, 40)), panel, learnt, scales)
    assert learnt[0].to_dict() == before


def test_parts_are_joined_by_series_and_origin():
    panel = read_series([np.arange(20.0), np.arange(20.0)])
    whole = joined([foretold(panel, [10, 30]), foretold(panel, [12, 32])])
    assert whole.series.tolist() == [0, 0, 1, 1]
    assert whole.origin.tolist() == [10, 12, 10, 12]
